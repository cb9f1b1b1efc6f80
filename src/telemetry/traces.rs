//! Traces, sent with OTLP over HTTP. Without an endpoint, everything here does nothing.

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

/// Reads by internal services are sampled this many times less: there are millions a day, all alike.
const READ_SAMPLING_DIVISOR: f64 = 100.0;
/// Timeout of sending the last spans at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout of sending one batch.
const BATCH_TIMEOUT: Duration = Duration::from_secs(10);

/// The span field with a request's route.
pub(crate) const ROUTE: &str = "route";
/// Prefix of the routes for internal services.
pub(crate) const READ_ROUTES: &str = "/internal/";

static IS_ENABLED: AtomicBool = AtomicBool::new(false);

#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    #[error("cannot send traces: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    #[error("cannot send traces: {0}")]
    Client(#[from] reqwest::Error),
}

/// The exporter of spans, if there is an endpoint.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    pub(super) fn to(endpoint: Option<Url>, share: f64) -> Result<Self, TracesError> {
        let Some(endpoint) = endpoint else {
            return Ok(Self(None));
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(RuntimeHttpClient {
                client: reqwest::Client::builder().timeout(BATCH_TIMEOUT).build()?,
                runtime: Handle::current(),
            })
            .with_endpoint(endpoint)
            .with_timeout(BATCH_TIMEOUT)
            .build()?;
        let resource = Resource::builder()
            .with_service_name("latchkey")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .with_sampler(ParentBasedSampler::new(RootSampler { share }))
            .build();
        IS_ENABLED.store(true, Ordering::Relaxed);
        Ok(Self(Some(provider)))
    }

    pub(super) fn are_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// Exports only Latchkey's own spans, independently of the log filter. Exporting the exporter's own spans would create
    /// further ones.
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
        // A static filter. With a dynamic one, a library that only checks whether a span is enabled would disable the next
        // span of that thread.
        Some(spans.with_filter(Targets::new().with_target("latchkey", LevelFilter::INFO)))
    }

    /// Sends the remaining spans.
    pub async fn shut_down(self) {
        let Some(provider) = self.0 else { return };
        // Blocks while the runtime sends the spans.
        let result = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(SHUTDOWN_TIMEOUT)).await;
        if let Ok(Err(fault)) = result {
            warn!(%fault, "could not send the last traces");
        }
    }
}

pub(crate) fn are_enabled() -> bool {
    IS_ENABLED.load(Ordering::Relaxed)
}

/// Makes a span part of the caller's trace (W3C Trace Context).
pub(crate) fn adopt(span: &Span, carrier: &dyn Extractor) {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
    if context.span().span_context().is_valid() {
        let _ = span.set_parent(context);
    }
}

/// The W3C `traceparent` of the current span, if it is traced.
pub(crate) fn parent() -> Option<String> {
    if !are_enabled() {
        return None;
    }
    let mut carrier = std::collections::HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove("traceparent")
}

/// Renames a span at run time. Span names in code are static.
pub(crate) fn name(span: &Span, name: impl Into<std::borrow::Cow<'static, str>>) {
    if are_enabled() {
        span.context().span().update_name(name);
    }
}

/// Samples traces that start here. For others, the caller has decided.
#[derive(Debug, Clone)]
struct RootSampler {
    share: f64,
}

impl ShouldSample for RootSampler {
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
        let share = if is_read { self.share / READ_SAMPLING_DIVISOR } else { self.share };
        Sampler::TraceIdRatioBased(share).should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// Sends on the runtime, because the batch processor's own thread has none.
#[derive(Debug)]
struct RuntimeHttpClient {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for RuntimeHttpClient {
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
        let sampler = RootSampler { share };
        let traces = (0..10_000_u128).map(|n| TraceId::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)));
        let attributes = [KeyValue::new(ROUTE, route)];
        let is_sampled = |trace| {
            let result = sampler.should_sample(None, trace, "request", &SpanKind::Server, &attributes, &[]);
            result.decision == SamplingDecision::RecordAndSample
        };
        traces.filter(|trace| is_sampled(*trace)).count()
    }

    #[test]
    fn reads_are_sampled_a_hundred_times_less() {
        assert_eq!(sampled(1.0, "/v1/tenants"), 10_000);
        assert_eq!(sampled(0.0, "/v1/tenants"), 0);
        let reads = sampled(1.0, "/internal/v1/tenants/{tenant}/storage-config");
        assert!((50..200).contains(&reads), "{reads}");
    }
}
