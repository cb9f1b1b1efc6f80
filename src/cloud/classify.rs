//! Classifies AWS errors into outcomes. The error code counts first and the HTTP status second, because AWS's
//! documentation and its SDKs disagree about some statuses.

use super::denial;
use crate::domain::api_result::{DeniedBy, Outcome, is_throttling_code};

/// An error response of an AWS service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AwsError<'a> {
    pub asked: DeniedBy,
    /// The response to a HEAD request: its errors have no body, so no code.
    pub bodyless: bool,
    pub code: Option<&'a str>,
    pub status: Option<u16>,
    /// Parsed for the reason of an access denial, and not kept.
    pub message: Option<&'a str>,
    /// `x-amz-bucket-region` names a region other than the one that was called.
    pub elsewhere: bool,
}

/// The outcome of an error. `error` is None when there was no readable response.
///
/// `proof` is the value for errors that prove that the call was allowed. None if no error of this call does.
pub(crate) fn classify<T>(error: Option<&AwsError>, proof: Option<T>) -> Outcome<T> {
    let Some(error) = error else {
        return Outcome::Unanswered;
    };
    // S3 passes KMS errors on with this prefix.
    let (code, through_s3) = match error.code {
        Some(code) => code.strip_prefix("KMS.").map_or((Some(code), false), |code| (Some(code), true)),
        None => (None, false),
    };
    if code == Some("InvalidRequest")
        && let Some(refusal) = denial::without_checksum(error.asked, error.message.unwrap_or_default())
    {
        return Outcome::Refused(refusal);
    }
    let meaning = code.and_then(meaning_of_code).unwrap_or_else(|| meaning_of_status(error));
    match meaning {
        ErrorMeaning::Allowed => proof.map_or(Outcome::Unusable, Outcome::Granted),
        ErrorMeaning::Refused => {
            let by = if through_s3 { DeniedBy::Kms } else { error.asked };
            Outcome::Refused(denial::parse(by, error.message.unwrap_or_default()))
        }
        // The key is missing; the bucket that was called exists.
        ErrorMeaning::Absent if through_s3 => Outcome::Unusable,
        ErrorMeaning::Absent => Outcome::Absent,
        ErrorMeaning::Unusable => Outcome::Unusable,
        ErrorMeaning::Misrouted => Outcome::Misrouted,
        ErrorMeaning::Inconclusive => Outcome::Unanswered,
    }
}

enum ErrorMeaning {
    /// The call was allowed but failed for another reason.
    Allowed,
    Refused,
    Absent,
    Unusable,
    Misrouted,
    /// Says nothing about permissions.
    Inconclusive,
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
/// <https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html>,
/// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>
fn meaning_of_code(code: &str) -> Option<ErrorMeaning> {
    let meaning = match code {
        "DryRunOperationException"
        | "InvalidObjectState"
        | "ObjectAlreadyInActiveTierError"
        | "RestoreAlreadyInProgress"
        | "PreconditionFailed"
        | "BadDigest"
        // A setting that the bucket does not have.
        | "NoSuchTagSet"
        | "NoSuchLifecycleConfiguration"
        | "NoSuchCORSConfiguration"
        | "ReplicationConfigurationNotFoundError"
        | "ObjectLockConfigurationNotFoundError"
        | "ServerSideEncryptionConfigurationNotFoundError" => ErrorMeaning::Allowed,

        "AccessDenied" | "AccessDeniedException" | "AllAccessDisabled" | "NotAuthorized" => ErrorMeaning::Refused,

        "NoSuchBucket" | "NoSuchKey" | "NotFound" | "NotFoundException" => ErrorMeaning::Absent,

        "DisabledException"
        | "KMSInvalidStateException"
        | "InvalidKeyUsageException"
        | "InvalidCiphertextException"
        | "IncorrectKeyException"
        | "ValidationError" => ErrorMeaning::Unusable,

        "PermanentRedirect" | "TemporaryRedirect" | "Redirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            ErrorMeaning::Misrouted
        }

        code if is_throttling_code(code) => ErrorMeaning::Inconclusive,

        // The service is unavailable or busy.
        "InternalError"
        | "InternalException"
        | "InternalFailure"
        | "KMSInternalException"
        | "DependencyTimeoutException"
        | "KeyUnavailableException"
        | "OperationAborted"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "ServiceUnavailable"
        // An expired session, one that has not propagated yet, or clock skew. These are on the vendor's side, not the
        // customer's.
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSecurity"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "TokenRefreshRequired"
        | "UnrecognizedClientException" => ErrorMeaning::Inconclusive,

        _ => return None,
    };
    Some(meaning)
}

/// A response without a code to anything but a HEAD request does not come from AWS (but from a proxy, for example).
fn meaning_of_status(error: &AwsError) -> ErrorMeaning {
    let is_aws = error.bodyless || error.code.is_some();
    match error.status {
        Some(301 | 307) if is_aws || error.elsewhere => ErrorMeaning::Misrouted,
        // The header distinguishes this from an expired session, which is a 400 as well.
        Some(400) if error.bodyless && error.elsewhere => ErrorMeaning::Misrouted,
        Some(400) if error.bodyless => ErrorMeaning::Inconclusive,
        Some(403) if error.bodyless => ErrorMeaning::Refused,
        Some(404) if is_aws => ErrorMeaning::Absent,
        Some(408 | 429) => ErrorMeaning::Inconclusive,
        Some(400..=499) if is_aws => ErrorMeaning::Unusable,
        _ => ErrorMeaning::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn said(asked: DeniedBy, status: u16, code: &str) -> AwsError<'_> {
        AwsError {
            asked,
            bodyless: false,
            code: Some(code),
            status: Some(status),
            message: None,
            elsewhere: false,
        }
    }

    fn outcome(said: AwsError) -> &'static str {
        name(&classify::<()>(Some(&said), None))
    }

    fn name<T>(outcome: &Outcome<T>) -> &'static str {
        match outcome {
            Outcome::Granted(_) => "granted",
            Outcome::Refused(refusal) => match refusal.by {
                DeniedBy::Sts => "refused by sts",
                DeniedBy::Iam => "refused by iam",
                DeniedBy::S3 => "refused by s3",
                DeniedBy::Kms => "refused by kms",
            },
            Outcome::Absent => "absent",
            Outcome::Unusable => "unusable",
            Outcome::Misrouted => "misrouted",
            Outcome::Unanswered => "unanswered",
        }
    }

    #[rstest]
    #[case(403, "AccessDenied", "refused by s3")]
    #[case(403, "AllAccessDisabled", "refused by s3")]
    #[case(404, "NoSuchBucket", "absent")]
    #[case(404, "NoSuchKey", "absent")]
    #[case(404, "NoSuchVersion", "absent")]
    #[case(301, "PermanentRedirect", "misrouted")]
    #[case(307, "TemporaryRedirect", "misrouted")]
    #[case(400, "AuthorizationHeaderMalformed", "misrouted")]
    #[case(400, "IllegalLocationConstraintException", "misrouted")]
    #[case(400, "KMS.DisabledException", "unusable")]
    #[case(400, "KMS.KMSInvalidStateException", "unusable")]
    #[case(400, "KMS.NotFoundException", "unusable")]
    #[case(400, "KMS.KMSInvalidKeyUsageException", "unusable")]
    #[case(403, "KMS.AccessDeniedException", "refused by kms")]
    #[case(400, "KMS.ThrottlingException", "unanswered")]
    #[case(500, "KMS.KMSInternalException", "unanswered")]
    #[case(503, "SlowDown", "unanswered")]
    #[case(503, "ServiceUnavailable", "unanswered")]
    #[case(500, "InternalError", "unanswered")]
    #[case(500, "SomethingNew", "unanswered")]
    #[case(409, "OperationAborted", "unanswered")]
    #[case(400, "RequestTimeout", "unanswered")]
    #[case(400, "ExpiredToken", "unanswered")]
    #[case(403, "RequestTimeTooSkewed", "unanswered")]
    #[case(403, "SignatureDoesNotMatch", "unanswered")]
    #[case(403, "InvalidAccessKeyId", "unanswered")]
    #[case(429, "Whatever", "unanswered")]
    #[case(405, "MethodNotAllowed", "unusable")]
    #[case(403, "InvalidPayer", "unusable")]
    fn s3_errors_are_classified(#[case] status: u16, #[case] code: &str, #[case] expected: &str) {
        assert_eq!(outcome(said(DeniedBy::S3, status, code)), expected);
    }

    #[rstest]
    fn a_setting_that_is_not_there_proves_that_it_may_be_read(
        #[values(
            "NoSuchTagSet",
            "NoSuchLifecycleConfiguration",
            "NoSuchCORSConfiguration",
            "ReplicationConfigurationNotFoundError",
            "ObjectLockConfigurationNotFoundError",
            "ServerSideEncryptionConfigurationNotFoundError"
        )]
        code: &str,
    ) {
        assert_eq!(name(&classify(Some(&said(DeniedBy::S3, 404, code)), Some(()))), "granted");
    }

    #[rstest]
    // Documented with status 400, modeled with others. The code decides.
    #[case(400, "AccessDeniedException", "refused by kms")]
    #[case(403, "AccessDeniedException", "refused by kms")]
    #[case(500, "AccessDeniedException", "refused by kms")]
    #[case(400, "NotFoundException", "absent")]
    #[case(400, "DisabledException", "unusable")]
    #[case(409, "DisabledException", "unusable")]
    #[case(400, "KMSInvalidStateException", "unusable")]
    #[case(400, "InvalidKeyUsageException", "unusable")]
    #[case(400, "InvalidCiphertextException", "unusable")]
    #[case(400, "IncorrectKeyException", "unusable")]
    #[case(400, "InvalidArnException", "unusable")]
    #[case(400, "ThrottlingException", "unanswered")]
    #[case(400, "DependencyTimeoutException", "unanswered")]
    #[case(400, "KeyUnavailableException", "unanswered")]
    #[case(400, "KMSInternalException", "unanswered")]
    #[case(400, "ExpiredTokenException", "unanswered")]
    #[case(400, "UnrecognizedClientException", "unanswered")]
    fn kms_errors_are_classified(#[case] status: u16, #[case] code: &str, #[case] expected: &str) {
        assert_eq!(outcome(said(DeniedBy::Kms, status, code)), expected);
    }

    #[rstest]
    #[case(403, "AccessDenied", "refused by sts")]
    #[case(400, "ValidationError", "unusable")]
    #[case(403, "RegionDisabledException", "unusable")]
    #[case(400, "PackedPolicyTooLarge", "unusable")]
    #[case(403, "ExpiredToken", "unanswered")]
    #[case(403, "InvalidClientTokenId", "unanswered")]
    #[case(403, "SignatureDoesNotMatch", "unanswered")]
    #[case(400, "Throttling", "unanswered")]
    #[case(503, "RequestLimitExceeded", "unanswered")]
    fn sts_errors_are_classified(#[case] status: u16, #[case] code: &str, #[case] expected: &str) {
        assert_eq!(outcome(said(DeniedBy::Sts, status, code)), expected);
    }

    #[rstest]
    #[case(301, true, "misrouted")]
    #[case(301, false, "misrouted")]
    #[case(307, false, "misrouted")]
    #[case(400, true, "misrouted")]
    // An expired session is a 400 as well, so without the header it is inconclusive.
    #[case(400, false, "unanswered")]
    #[case(403, true, "refused by s3")]
    #[case(403, false, "refused by s3")]
    #[case(404, false, "absent")]
    #[case(405, false, "unusable")]
    #[case(429, false, "unanswered")]
    #[case(500, false, "unanswered")]
    #[case(503, true, "unanswered")]
    fn errors_of_head_requests_are_classified_by_status(#[case] status: u16, #[case] elsewhere: bool, #[case] expected: &str) {
        let said = AwsError {
            bodyless: true,
            code: None,
            elsewhere,
            ..said(DeniedBy::S3, status, "")
        };
        assert_eq!(outcome(said), expected);
    }

    /// A proxy's 403 page must never prove that an unauthorized caller was denied.
    #[rstest]
    fn a_response_without_a_code_is_not_from_aws(
        #[values(200, 302, 400, 403, 404, 407, 502)] status: u16,
        #[values(DeniedBy::S3, DeniedBy::Kms, DeniedBy::Sts)] asked: DeniedBy,
    ) {
        let said = AwsError {
            code: None,
            ..said(asked, status, "")
        };
        assert_eq!(outcome(said), "unanswered");
    }

    #[rstest]
    #[case(DeniedBy::Kms, 412, "DryRunOperationException")]
    #[case(DeniedBy::Kms, 400, "DryRunOperationException")]
    #[case(DeniedBy::S3, 403, "InvalidObjectState")]
    #[case(DeniedBy::S3, 403, "ObjectAlreadyInActiveTierError")]
    #[case(DeniedBy::S3, 409, "RestoreAlreadyInProgress")]
    #[case(DeniedBy::S3, 412, "PreconditionFailed")]
    #[case(DeniedBy::S3, 400, "BadDigest")]
    fn some_errors_prove_that_the_call_was_allowed(#[case] asked: DeniedBy, #[case] status: u16, #[case] code: &str) {
        let said = said(asked, status, code);
        assert_eq!(name(&classify(Some(&said), Some(()))), "granted");
        assert_eq!(outcome(said), "unusable");
    }

    #[test]
    fn no_response_is_unanswered() {
        assert_eq!(name(&classify(None, Some(()))), "unanswered");
    }

    proptest! {
        #[test]
        fn arbitrary_input_does_not_panic(
            code in proptest::option::of(any::<String>()),
            message in proptest::option::of(any::<String>()),
            status in proptest::option::of(any::<u16>()),
            bodyless: bool,
            elsewhere: bool,
        ) {
            for asked in [DeniedBy::Sts, DeniedBy::S3, DeniedBy::Kms] {
                let said = AwsError { asked, bodyless, code: code.as_deref(), status, message: message.as_deref(), elsewhere };
                let _ = classify(Some(&said), Some(()));
            }
        }

        /// Denials prove that unauthorized callers have no access, so only known codes and a bare 403 to a HEAD request
        /// count as one.
        #[test]
        fn an_unknown_code_is_never_an_access_denial(code in "[A-Z][a-z]{1,8}Unheard", status: u16, message: String) {
            for asked in [DeniedBy::Sts, DeniedBy::S3, DeniedBy::Kms] {
                let said = AwsError { message: Some(&message), ..said(asked, status, &code) };
                prop_assert!(!outcome(said).starts_with("refused"));
            }
        }
    }
}
