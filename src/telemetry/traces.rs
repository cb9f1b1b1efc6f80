//! Traces, sent by OTLP over HTTP. Without an endpoint nothing of this does anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{ParentBasedSampler, Sampler, SamplingResult, SdkTracerProvider, ShouldSample};
use reqwest::Url;
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing::{Span, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// One read by internal services in so many is traced, of those that would be traced at all: there are millions a day, all alike.
const READS: f64 = 100.0;
/// How long the last spans may take on their way when the process ends.
const LAST: Duration = Duration::from_secs(5);
/// How long one batch may take.
const BATCH: Duration = Duration::from_secs(10);

/// The field of a request's span by which its route is known.
pub const ROUTE: &str = "route";
/// How the routes of internal services begin.
pub const READ_ROUTES: &str = "/internal/";

static ON: AtomicBool = AtomicBool::new(false);

#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    #[error("traces cannot be sent: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    #[error("traces cannot be sent: {0}")]
    Client(#[from] reqwest::Error),
}

/// Where spans go; nowhere without an endpoint.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    pub(super) fn to(endpoint: Option<Url>, share: f64) -> Result<Self, TracesError> {
        let Some(endpoint) = endpoint else {
            return Ok(Self(None));
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(OnRuntime {
                client: reqwest::Client::builder().timeout(BATCH).build()?,
                runtime: Handle::current(),
            })
            .with_endpoint(endpoint)
            .with_timeout(BATCH)
            .build()?;
        let resource = Resource::builder()
            .with_service_name("latchkey")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .with_sampler(ParentBasedSampler::new(Roots { share }))
            .build();
        ON.store(true, Ordering::Relaxed);
        Ok(Self(Some(provider)))
    }

    pub(super) fn are_on(&self) -> bool {
        self.0.is_some()
    }

    /// Latchkey's own spans, whatever is logged: those of libraries, the one that sends them among these, are none of it.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S>>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        let tracer = self.0.as_ref()?.tracer("latchkey");
        let spans = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false);
        // By level alone: a filter that has to be asked each time makes libraries ask whether they are heard, and what is asked so
        // but not told leaves the next span of that thread switched off.
        Some(spans.with_filter(Targets::new().with_target("latchkey", LevelFilter::INFO)))
    }

    /// Sends what was not sent yet.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        // It waits for the runtime to send.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST)).await;
        if let Ok(Err(fault)) = ended {
            warn!(%fault, "the last traces were not sent");
        }
    }
}

pub fn are_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Makes a span a part of the trace that whoever calls is in. By W3C Trace Context.
pub fn adopt(span: &Span, carrier: &dyn Extractor) {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
    if context.span().span_context().is_valid() {
        let _ = span.set_parent(context);
    }
}

/// The W3C `traceparent` of the present span, when it is traced.
pub fn parent() -> Option<String> {
    if !are_on() {
        return None;
    }
    let mut carrier = std::collections::HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove("traceparent")
}

/// Names a span for what it turned out to be: names in the code are few.
pub fn name(span: &Span, name: impl Into<std::borrow::Cow<'static, str>>) {
    if are_on() {
        span.context().span().update_name(name);
    }
}

/// Which traces are sent, of those that begin here. Where the caller has one, it decided already.
#[derive(Debug, Clone)]
struct Roots {
    share: f64,
}

impl ShouldSample for Roots {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_read = attributes
            .iter()
            .any(|pair| pair.key.as_str() == ROUTE && pair.value.as_str().starts_with(READ_ROUTES));
        let share = if is_read { self.share / READS } else { self.share };
        Sampler::TraceIdRatioBased(share).should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// Sends from the runtime: batches are made in a thread of their own, which has none.
#[derive(Debug)]
struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::SamplingDecision;

    use super::*;

    fn sampled(share: f64, route: &'static str) -> usize {
        let roots = Roots { share };
        let traces = (0..10_000_u128).map(|n| TraceId::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)));
        let attributes = [KeyValue::new(ROUTE, route)];
        let is_sampled = |trace| {
            let result = roots.should_sample(None, trace, "request", &SpanKind::Server, &attributes, &[]);
            result.decision == SamplingDecision::RecordAndSample
        };
        traces.filter(|trace| is_sampled(*trace)).count()
    }

    #[test]
    fn reads_are_traced_a_hundred_times_less() {
        assert_eq!(sampled(1.0, "/v1/tenants"), 10_000);
        assert_eq!(sampled(0.0, "/v1/tenants"), 0);
        let reads = sampled(1.0, "/internal/v1/tenants/{tenant}/storage-config");
        assert!((50..200).contains(&reads), "{reads}");
    }
}
