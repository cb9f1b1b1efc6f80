//! Log output, as text or JSON.

use std::io::{IsTerminal, stderr};

use json_subscriber::JsonLayer;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::settings::LogFormat;

/// In JSON, the field `span` holds the context of a line. For a request: `request_id`, `method`, `route` and `tenant`, if any. For
/// a verification: `verification`, `tenant`, and the `request_id` of the request that started it.
pub(super) fn layer(filter: EnvFilter, format: LogFormat, traced: bool) -> Box<dyn Layer<Registry> + Send + Sync> {
    match format {
        LogFormat::Text => {
            let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
            lines.with_filter(filter).boxed()
        }
        LogFormat::Json => {
            let mut lines = JsonLayer::new(stderr);
            lines
                .with_timer("timestamp", SystemTime)
                .with_level("level")
                .with_target("target")
                .with_flattened_event()
                .with_flattened_span_fields("span")
                .with_opentelemetry_ids(traced);
            lines.with_filter(filter).boxed()
        }
    }
}
