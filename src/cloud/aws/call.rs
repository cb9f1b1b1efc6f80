//! One call: what was heard on the wire, how long it took, and what follows from it.

use std::error::Error;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::interceptors::{BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tracing::Span;
use tracing::field::Empty;

use crate::clock::Clock;
use crate::cloud::classify::{AwsError, classify, is_throttled};
use crate::domain::api_result::{ApiCall, ApiResult, DeniedBy, Outcome};
use crate::domain::region::Region;
use crate::telemetry::{metric, traces};

/// A call that is under way.
pub struct Call<'a> {
    asked: DeniedBy,
    operation: &'static str,
    /// Where it goes: of interest for S3, which says where a bucket really is.
    region: Option<&'a Region>,
    bodyless: bool,
    clock: &'a dyn Clock,
    begun: Instant,
    ear: ResponseCapture,
    span: Span,
}

impl<'a> Call<'a> {
    /// `operation` is its name in an [`Exchange`]: `kms:Encrypt`, for instance.
    pub fn begin(asked: DeniedBy, operation: &'static str, clock: &'a dyn Clock) -> Self {
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
            begun: clock.instant(),
            ear: ResponseCapture::default(),
        }
    }

    pub fn to(mut self, region: &'a Region) -> Self {
        self.region = Some(region);
        self
    }

    /// It is a HEAD: errors come without a body.
    pub fn bodyless(mut self) -> Self {
        self.bodyless = true;
        self
    }

    /// To be put on the request, so that the call hears its answer's headers, whatever the SDK makes of it.
    pub fn ear(&self) -> ResponseCapture {
        self.ear.clone()
    }

    /// `read` gives none when the answer lacks what it has to hold. `proof` is what is given where an error proves
    /// that the call was allowed.
    pub fn end<O, E, T>(
        self,
        result: Result<O, SdkError<E, HttpResponse>>,
        read: impl FnOnce(O) -> Option<T>,
        proof: Option<T>,
    ) -> ApiResult<T>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let heard = self.ear.heard();
        let elsewhere = matches!((&heard.bucket_region, self.region), (Some(actual), Some(asked)) if actual != asked);
        let (outcome, code) = match result {
            // AWS numbers every answer. One without a number comes from something in between.
            _ if heard.status.is_some() && heard.request_id.is_none() => (Outcome::Unanswered, None),
            Ok(output) => (read(output).map_or(Outcome::Unanswered, Outcome::Granted), None),
            Err(error) => {
                let said = matches!(error, SdkError::ServiceError(_)).then(|| AwsError {
                    asked: self.asked,
                    bodyless: self.bodyless,
                    code: error.code(),
                    status: heard.status,
                    message: error.message(),
                    elsewhere,
                });
                if said.is_none() {
                    self.span
                        .in_scope(|| tracing::warn!(operation = self.operation, cause = cause(&error), "AWS did not answer"));
                }
                (
                    classify(said.as_ref(), proof),
                    error.code().filter(|code| is_code(code)).map(str::to_owned),
                )
            }
        };
        let duration = self.clock.instant().saturating_duration_since(self.begun);
        let labels = [("operation", self.operation), ("outcome", outcome.name())];
        metrics::counter!(metric::AWS_CALLS.name, &labels).increment(1);
        metrics::histogram!(metric::AWS_DURATION.name, &labels[..1]).record(duration);
        if code.as_deref().is_some_and(is_throttled) {
            metrics::counter!(metric::AWS_THROTTLED.name, &labels[..1]).increment(1);
        }
        self.span.record("outcome", outcome.name());
        self.span.record("code", code.as_deref());
        self.span.record("status", heard.status);
        self.span.record("aws_request_id", heard.request_id.as_deref());
        ApiResult {
            outcome,
            exchange: ApiCall {
                operation: self.operation.into(),
                code,
                status: heard.status,
                request_id: heard.request_id,
                duration,
                may_arrive_late: heard.lost,
                bucket_region: heard.bucket_region,
            },
        }
    }
}

/// Codes are recorded and shown: what is no name is left out.
fn is_code(code: &str) -> bool {
    (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
}

/// The chain of causes, down to where credentials come from and not further: what a credential process printed, or a
/// credential server answered, may hold some.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = if cause.is::<CredentialsError>() { None } else { cause.source() };
    }
    causes.join(": ")
}

/// What the last try's answer said in its headers.
#[derive(Debug, Clone, Default)]
struct CapturedResponse {
    status: Option<u16>,
    request_id: Option<String>,
    bucket_region: Option<Region>,
    sent: bool,
    /// A try before it was sent, and never answered.
    lost: bool,
}

/// Listens to the raw answers of one call. S3's errors to a HEAD are in the headers alone, and the SDK's outputs do not
/// pass `x-amz-bucket-region` on.
#[derive(Debug, Clone, Default)]
pub struct ResponseCapture(Arc<Mutex<CapturedResponse>>);

impl ResponseCapture {
    fn set(&self, heard: CapturedResponse) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = heard;
    }

    fn heard(&self) -> CapturedResponse {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for ResponseCapture {
    fn name(&self) -> &'static str {
        "Ear"
    }

    /// A try that gets no answer must not be told by the one before it.
    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let before = self.heard();
        self.set(CapturedResponse {
            lost: before.lost || before.sent && before.status.is_none(),
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
        let before = self.heard();
        self.set(CapturedResponse {
            sent: true,
            lost: before.lost,
            status: Some(context.response().status().as_u16()),
            request_id: ["x-amz-request-id", "x-amzn-requestid"]
                .into_iter()
                .find_map(|name| headers.get(name))
                .filter(|id| id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic()))
                .map(str::to_owned),
            bucket_region: headers.get("x-amz-bucket-region").and_then(|region| Region::parse(region).ok()),
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
    fn a_cause_is_told_down_to_the_credentials_and_no_further() {
        let error = Dispatch(CredentialsError::provider_error("the process printed secret-key-1"));
        assert_eq!(cause(&error), "dispatch failure: an error occurred while loading credentials");
    }

    #[test]
    fn what_is_no_name_is_no_code() {
        assert!(is_code("KMS.DisabledException"));
        for code in ["", "Access Denied", "<Code>", "a\nb"] {
            assert!(!is_code(code), "{code}");
        }
    }
}
