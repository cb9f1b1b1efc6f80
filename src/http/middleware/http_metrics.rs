//! Rate, errors and duration of every route. Each thread caches the metric handles, so that a request only looks them up.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::clock::SharedClock;
use crate::telemetry::metric;

/// The client disconnected before the response; the status that nginx uses.
const CLIENT_CLOSED: u16 = 499;

/// The metrics of one method on one route.
struct EndpointMetrics {
    method: &'static str,
    duration: Histogram,
    by_status: Vec<(u16, Counter)>,
}

thread_local! {
    static METERS: RefCell<HashMap<Box<str>, Vec<EndpointMetrics>>> = RefCell::default();
}

fn count(route: &str, method: &'static str, status: u16, took: Duration) {
    METERS.with_borrow_mut(|meters| {
        if !meters.contains_key(route) {
            meters.insert(route.into(), Vec::new());
        }
        let Some(meters) = meters.get_mut(route) else { return };
        let at = meters.iter().position(|meter| meter.method == method).unwrap_or_else(|| {
            meters.push(EndpointMetrics {
                method,
                duration: histogram!(metric::HTTP_DURATION.name, "method" => method, "route" => route.to_owned()),
                by_status: Vec::new(),
            });
            meters.len() - 1
        });
        let meter = &mut meters[at];
        meter.duration.record(took);
        if let Some((_, counter)) = meter.by_status.iter().find(|(known, _)| *known == status) {
            counter.increment(1);
        } else {
            let labels = [
                ("method", method.to_owned()),
                ("route", route.to_owned()),
                ("status", status.to_string()),
            ];
            let counter = counter!(metric::HTTP_REQUESTS.name, &labels);
            counter.increment(1);
            meter.by_status.push((status, counter));
        }
    });
}

/// Only known methods become labels, since callers can send any.
pub(crate) fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The metrics of one listener.
#[derive(Clone)]
pub struct ListenerMetrics {
    pub clock: SharedClock,
    name: &'static str,
    in_flight: Gauge,
}

impl ListenerMetrics {
    pub fn new(name: &'static str, clock: SharedClock) -> Self {
        let in_flight = gauge!(metric::HTTP_IN_FLIGHT.name, "listener" => name);
        in_flight.set(0.0);
        Self { clock, name, in_flight }
    }

    /// Its callers are the vendor's own.
    pub fn is_trusted(&self) -> bool {
        self.name == "private"
    }

    /// Records a request that was answered immediately.
    pub fn answered(&self, method: &'static str, route: &'static str, status: StatusCode, began: Instant) {
        count(
            route,
            method,
            status.as_u16(),
            self.clock.instant().saturating_duration_since(began),
        );
    }

    /// Records the start of a request. Its end is recorded when the returned value is dropped.
    pub fn begin(&self, method: &'static str, path: Option<MatchedPath>) -> RequestMetrics {
        self.in_flight.increment(1.0);
        RequestMetrics {
            listener: self.clone(),
            began: self.clock.instant(),
            method,
            path,
            status: CLIENT_CLOSED,
        }
    }
}

/// A request in flight.
pub struct RequestMetrics {
    listener: ListenerMetrics,
    began: Instant,
    method: &'static str,
    path: Option<MatchedPath>,
    status: u16,
}

impl RequestMetrics {
    /// The route's pattern, not the path: a path may contain a secret, and has unbounded cardinality.
    pub fn route(&self) -> &str {
        self.path.as_ref().map_or("unmatched", MatchedPath::as_str)
    }

    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Records the response, and returns how long it took.
    pub fn answered(&mut self, status: StatusCode) -> Duration {
        self.status = status.as_u16();
        self.took()
    }

    fn took(&self) -> Duration {
        self.listener.clock.instant().saturating_duration_since(self.began)
    }
}

impl Drop for RequestMetrics {
    fn drop(&mut self) {
        self.listener.in_flight.decrement(1.0);
        count(self.route(), self.method, self.status, self.took());
    }
}
