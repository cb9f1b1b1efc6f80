//! Settings of logs and traces.

use clap::Args;
use reqwest::Url;
use tracing_subscriber::EnvFilter;

use super::value::Format;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logs and traces")]
pub struct TelemetrySettings {
    /// Log filter: a level, or directives such as `info,latchkey=debug`.
    #[arg(long, env = "LATCHKEY_LOG", default_value = "info", value_name = "FILTER",
          value_parser = Format("a level or a filter", "info,latchkey=debug").parser(str::parse::<EnvFilter>))]
    pub log: EnvFilter,

    /// Log format: `text`, or `json` with one object per line.
    #[arg(long, env = "LATCHKEY_LOG_FORMAT", default_value = "text", value_name = "text|json",
          value_parser = Format("text or json", "json").parser(log_format))]
    pub log_format: LogFormat,

    /// Endpoint of an OpenTelemetry collector that receives traces (OTLP over HTTP). Without it, no traces are sent. Headers, for
    /// example for authentication, are read from `OTEL_EXPORTER_OTLP_HEADERS`.
    #[arg(long, env = "LATCHKEY_OTLP_ENDPOINT", value_name = "URL",
          value_parser = Format("an http or https URL", "http://otel-collector:4318").parser(otlp_endpoint))]
    pub otlp_endpoint: Option<Url>,

    /// Share of new traces to send, from 0 to 1. Reads by internal services are sampled at a hundredth of it. A request with a
    /// `traceparent` keeps the caller's decision.
    #[arg(long, env = "LATCHKEY_OTLP_SAMPLE", default_value = "1", value_name = "SHARE",
          value_parser = Format("a number from 0 to 1", "0.1").parser(share))]
    pub otlp_sample: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    text.parse().map_err(|_| format!("{text:?} is neither text nor json"))
}

/// The URL with the protocol's path, which collectors expect.
fn otlp_endpoint(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|fault| fault.to_string())?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
        return Err("must be an http or https URL".into());
    }
    if !url.path().ends_with("/v1/traces") {
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        Ok(_) => Err(format!("{text} is out of range")),
        Err(_) => Err(format!("{text:?} is not a number")),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://collector:4318", "http://collector:4318/v1/traces")]
    #[case("https://otel.example/otlp/", "https://otel.example/otlp/v1/traces")]
    #[case("https://otel.example/v1/traces", "https://otel.example/v1/traces")]
    fn an_endpoint_gets_the_protocols_path_once(#[case] text: &str, #[case] url: &str) {
        assert_eq!(otlp_endpoint(text).unwrap().as_str(), url);
    }
}
