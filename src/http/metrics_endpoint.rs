//! `GET /metrics`, in Prometheus's text format.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use metrics::gauge;

use super::AppState;
use crate::service::observe;
use crate::telemetry::metric::{self, number};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Gauges from memory are sampled now; those that need a query are sampled periodically, however often this is called.
pub(crate) async fn handle(State(state): State<AppState>) -> impl IntoResponse {
    let read_model = &state.read_model;
    gauge!(metric::READ_MODEL_AGE.name).set(read_model.age().map_or(f64::INFINITY, |age| age.as_secs_f64()));
    gauge!(metric::READ_MODEL_POSITION.name).set(number(read_model.position()));
    gauge!(metric::READ_MODEL_TENANTS.name).set(number(read_model.tenant_count()));
    gauge!(metric::CREDENTIALS_TENANTS.name).set(number(state.credentials.entry_count()));
    observe::record_pool_sizes(&state.pools);
    metrics_process::Collector::default().collect();
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], state.metrics.render())
}
