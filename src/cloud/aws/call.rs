//! One AWS call: its raw response, its duration, and the result that follows.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::interceptors::{BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tracing::Span;
use tracing::field::Empty;

use crate::clock::Clock;
use crate::cloud::classify::{AwsError, classify};
use crate::cloud::denial;
use crate::domain::api_result::{ApiCall, ApiResult, DeniedBy, Outcome, REGION_DISABLED, is_throttling_code};
use crate::domain::region::Region;
use crate::telemetry::{metric, traces};

/// A call in flight.
pub(crate) struct Call<'a> {
    asked: DeniedBy,
    operation: &'static str,
    /// The region of the request. S3 responds with the region that the bucket is really in.
    region: Option<&'a Region>,
    bodyless: bool,
    clock: &'a dyn Clock,
    started_at: Instant,
    capture: ResponseCapture,
    span: Span,
}

impl<'a> Call<'a> {
    /// `operation` is the name of the API call, such as `kms:Encrypt`.
    pub(crate) fn start(asked: DeniedBy, operation: &'static str, clock: &'a dyn Clock) -> Self {
        let span = tracing::info_span!(
            "aws",
            operation,
            outcome = Empty,
            code = Empty,
            status = Empty,
            aws_request_id = Empty
        );
        traces::name(&span, operation);
        Self {
            span,
            asked,
            operation,
            region: None,
            bodyless: false,
            clock,
            started_at: clock.instant(),
            capture: ResponseCapture::default(),
        }
    }

    pub(crate) fn to(mut self, region: &'a Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Marks a HEAD request, whose errors have no body.
    pub(crate) fn bodyless(mut self) -> Self {
        self.bodyless = true;
        self
    }

    /// The interceptor that captures the response's status and headers, whatever the SDK makes of them.
    pub(crate) fn capture(&self) -> ResponseCapture {
        self.capture.clone()
    }

    /// Turns the SDK's result into ours, and records metrics and the span. `read` returns None when the response lacks a
    /// required field. `proof` is the value for errors that prove the call was allowed.
    pub(crate) fn finish<O, E, T>(
        self,
        result: Result<O, SdkError<E, HttpResponse>>,
        read: impl FnOnce(O) -> Option<T>,
        proof: Option<T>,
    ) -> ApiResult<T>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let response = self.capture.get();
        let elsewhere = matches!((&response.bucket_region, self.region), (Some(actual), Some(asked)) if actual != asked);
        let (outcome, code, account) = match result {
            // Every AWS response has a request ID. One without it comes from a proxy in between.
            _ if response.status.is_some() && response.request_id.is_none() => (Outcome::Unanswered, None, None),
            Ok(output) => (read(output).map_or(Outcome::Unanswered, Outcome::Granted), None, None),
            Err(error) => {
                let aws_error = matches!(error, SdkError::ServiceError(_)).then(|| AwsError {
                    asked: self.asked,
                    bodyless: self.bodyless,
                    code: error.code(),
                    status: response.status,
                    message: error.message(),
                    elsewhere,
                });
                if aws_error.is_none() {
                    self.span
                        .in_scope(|| tracing::warn!(operation = self.operation, cause = cause(&error), "AWS did not respond"));
                }
                (
                    classify(aws_error.as_ref(), proof),
                    error.code().filter(|code| is_code(code)).map(str::to_owned),
                    // Denials name the caller's account too, which says nothing.
                    (error.code() == Some(REGION_DISABLED))
                        .then(|| denial::account(error.message()?))
                        .flatten(),
                )
            }
        };
        let date = response.date.filter(|_| response.request_id.is_some());
        let duration = self.clock.instant().saturating_duration_since(self.started_at);
        let labels = [("operation", self.operation), ("outcome", outcome.name())];
        metrics::counter!(metric::AWS_CALLS.name, &labels).increment(1);
        metrics::histogram!(metric::AWS_DURATION.name, &labels[..1]).record(duration);
        if code.as_deref().is_some_and(is_throttling_code) {
            metrics::counter!(metric::AWS_THROTTLED.name, &labels[..1]).increment(1);
        }
        self.span.record("outcome", outcome.name());
        self.span.record("code", code.as_deref());
        self.span.record("status", response.status);
        self.span.record("aws_request_id", response.request_id.as_deref());
        ApiResult {
            outcome,
            exchange: ApiCall {
                operation: self.operation.into(),
                code,
                status: response.status,
                request_id: response.request_id,
                duration,
                may_arrive_late: response.attempt_timed_out,
                bucket_region: response.bucket_region,
                region: self.region.cloned(),
                account,
                answered_at: date,
            },
        }
    }
}

/// Error codes are stored and shown, so anything that doesn't look like one is dropped.
fn is_code(code: &str) -> bool {
    (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
}

/// The chain of causes, up to a credentials error: the output of a credential process or server may contain secrets.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = if cause.is::<CredentialsError>() { None } else { cause.source() };
    }
    causes.join(": ")
}

/// The status and headers of the last attempt's response.
#[derive(Debug, Clone, Default)]
struct CapturedResponse {
    status: Option<u16>,
    request_id: Option<String>,
    bucket_region: Option<Region>,
    date: Option<DateTime<Utc>>,
    sent: bool,
    /// An earlier attempt was sent and got no response.
    attempt_timed_out: bool,
}

/// Captures the raw responses of one call: errors of HEAD requests are only in the headers, and the SDK does not expose
/// `x-amz-bucket-region`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResponseCapture(Arc<Mutex<CapturedResponse>>);

impl ResponseCapture {
    fn set(&self, response: CapturedResponse) {
        *self.0.lock() = response;
    }

    fn get(&self) -> CapturedResponse {
        self.0.lock().clone()
    }
}

impl Intercept for ResponseCapture {
    fn name(&self) -> &'static str {
        "ResponseCapture"
    }

    /// Discards the response of the previous attempt, because this one may not get any.
    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let before = self.get();
        self.set(CapturedResponse {
            attempt_timed_out: before.attempt_timed_out || before.sent && before.status.is_none(),
            sent: true,
            ..CapturedResponse::default()
        });
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        let before = self.get();
        self.set(CapturedResponse {
            sent: true,
            attempt_timed_out: before.attempt_timed_out,
            status: Some(context.response().status().as_u16()),
            request_id: ["x-amz-request-id", "x-amzn-requestid"]
                .into_iter()
                .find_map(|name| headers.get(name))
                .filter(|id| id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic()))
                .map(str::to_owned),
            bucket_region: headers.get("x-amz-bucket-region").and_then(|region| Region::parse(region).ok()),
            date: headers
                .get("date")
                .and_then(|date| DateTime::parse_from_rfc2822(date).ok())
                .map(|date| date.to_utc()),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("dispatch failure")]
    struct Dispatch(#[source] CredentialsError);

    #[test]
    fn the_chain_of_causes_stops_at_a_credentials_error() {
        let error = Dispatch(CredentialsError::provider_error("the process printed secret-key-1"));
        assert_eq!(cause(&error), "dispatch failure: an error occurred while loading credentials");
    }

    #[test]
    fn only_names_are_error_codes() {
        assert!(is_code("KMS.DisabledException"));
        for code in ["", "Access Denied", "<Code>", "a\nb"] {
            assert!(!is_code(code), "{code}");
        }
    }
}
