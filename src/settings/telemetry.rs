//! Logs and traces.

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::{ConfigError, Form};

/// Logs and traces.
#[derive(Debug, Clone, Args)]
pub struct TelemetryArgs {
    /// What to log: a level, or a filter such as `info,latchkey=debug`.
    #[arg(long, env = "LATCHKEY_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,

    /// `text` for people, `json` for machines.
    #[arg(long, env = "LATCHKEY_LOG_FORMAT", default_value = "text", value_name = "text|json")]
    pub log_format: String,

    /// Where an OpenTelemetry collector takes traces by OTLP over HTTP; none are made when it is left out. Headers that it wants,
    /// for authentication, are read from `OTEL_EXPORTER_OTLP_HEADERS`.
    #[arg(long, env = "LATCHKEY_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// Which share of the traces that begin here is sent, from 0 to 1; of the reads by internal services a hundredth of it. A
    /// caller that sends a `traceparent` decides for its own.
    #[arg(long, env = "LATCHKEY_OTLP_SAMPLE", default_value = "1", value_name = "SHARE")]
    pub otlp_sample: String,
}

/// The two forms of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Where traces go.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceTarget {
    pub url: String,
    /// From 0 to 1.
    pub share: f64,
}

#[derive(Debug)]
pub struct Telemetry {
    pub filter: EnvFilter,
    pub format: LogFormat,
    pub traces: Option<TraceTarget>,
}

impl TelemetryArgs {
    pub fn telemetry(&self) -> Result<Telemetry, ConfigError> {
        let format = match self.log_format.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => return Err(Form("LATCHKEY_LOG_FORMAT", "text or json", "json").wrong(format!("{other:?} is neither"))),
        };
        Ok(Telemetry {
            filter: Form("LATCHKEY_LOG", "a level or a filter", "info,latchkey=debug").parse(&self.log)?,
            format,
            traces: self.traces()?,
        })
    }

    fn traces(&self) -> Result<Option<TraceTarget>, ConfigError> {
        let share = Form("LATCHKEY_OTLP_SAMPLE", "a number from 0 to 1", "0.1");
        let sample: f64 = share.parse(&self.otlp_sample)?;
        if !(0.0..=1.0).contains(&sample) {
            return Err(share.wrong("it is outside of that"));
        }
        let form = Form("LATCHKEY_OTLP_ENDPOINT", "an http or https URL", "http://otel-collector:4318");
        let Some(mut url) = form.optional::<reqwest::Url>(self.otlp_endpoint.as_deref())? else {
            return Ok(None);
        };
        if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
            return Err(form.wrong("it has another scheme"));
        }
        if !url.path().ends_with("/v1/traces") {
            let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        Ok(Some(TraceTarget {
            url: url.to_string(),
            share: sample,
        }))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://collector:4318", "http://collector:4318/v1/traces")]
    #[case("https://otel.example/otlp/", "https://otel.example/otlp/v1/traces")]
    #[case(" https://otel.example/v1/traces", "https://otel.example/v1/traces")]
    fn the_path_of_the_protocol_is_added_once(#[case] endpoint: &str, #[case] url: &str) {
        let args = TelemetryArgs {
            log: "info".into(),
            log_format: "json".into(),
            otlp_endpoint: Some(endpoint.into()),
            otlp_sample: "0.5".into(),
        };
        let target = args.telemetry().unwrap().traces.unwrap();
        assert_eq!((target.url.as_str(), target.share), (url, 0.5));
    }
}
