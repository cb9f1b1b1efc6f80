//! What holds for every call: retries, missing answers, requests without a session.

use super::*;

#[tokio::test]
async fn throttling_is_retried() {
    let list = "<ListBucketResult><Name>docs</Name><KeyCount>0</KeyCount></ListBucketResult>";
    let stage = Stage::answering([
        s3_error(503, "SlowDown", "Please reduce your request rate."),
        answer(200, &[("x-amz-request-id", "REQ9")], list),
    ]);
    let answer = stage.aws.list_objects(&bucket(), "latchkey-probe/").await;
    assert_eq!(answer.outcome, Outcome::Granted(()));
    assert_eq!(answer.exchange.request_id.as_deref(), Some("REQ9"));
    assert_eq!(stage.sent().len(), 2);
}

#[rstest]
#[case(|| s3_error(503, "SlowDown", "Please reduce your request rate."), 3)]
#[case(|| s3_error(500, "InternalError", "We encountered an internal error."), 3)]
#[case(|| s3_error(403, "RequestTimeTooSkewed", "The difference is too large."), 1)]
#[case(|| s3_error(400, "ExpiredToken", "The provided token has expired."), 1)]
#[tokio::test]
async fn three_attempts_without_an_answer(#[case] answer: fn() -> HttpResponse, #[case] least: usize) {
    let stage = Stage::answering([answer(), answer(), answer(), answer()]);
    let list = stage.aws.list_objects(&bucket(), "p/").await;
    assert_eq!(list.outcome, Outcome::Unanswered);
    assert!((least..=3).contains(&stage.sent().len()));
}

#[tokio::test]
async fn a_request_without_a_session_is_unsigned() {
    let list = "<ListBucketResult><Name>docs</Name><KeyCount>0</KeyCount></ListBucketResult>";
    let stage = Stage::answering([answer(200, &[], list)]);
    let anybody = BucketCall { session: None, ..bucket() };
    assert_eq!(stage.aws.list_objects(&anybody, "p/").await.outcome, Outcome::Granted(()));
    let [sent] = &stage.sent()[..] else { panic!("one request is sent") };
    assert!(sent.header("authorization").is_none() && sent.header("x-amz-security-token").is_none());
    assert!(!sent.url.contains("X-Amz-"));
    assert_eq!(sent.header("x-amz-expected-bucket-owner"), Some("123456789012"));
}

#[tokio::test]
async fn a_denial_is_not_retried() {
    let stage = Stage::answering([s3_error(403, "AccessDenied", "Access Denied"), answer(200, &[], "")]);
    let put = stage.aws.put_object(&bucket(), "k", vec![1], None, AT_LEISURE).await;
    assert!(put.is_refused_by(DeniedBy::S3));
    assert_eq!(stage.sent().len(), 1);
}

/// The headers of an earlier attempt must not be used for one without a response.
#[tokio::test]
async fn no_connection_is_no_answer() {
    let stage = Stage::answering([s3_error(503, "SlowDown", "Please reduce your request rate.")]);
    let list = stage.aws.list_objects(&bucket(), "p/").await;
    assert_eq!(list.outcome, Outcome::Unanswered);
    let exchange = list.exchange;
    assert_eq!((exchange.status, exchange.request_id, exchange.code), (None, None, None));
}

/// Responses that do not come from an AWS service prove nothing.
#[rstest]
#[case::proxy(403, "<html><body>Blocked by the proxy</body></html>")]
#[case::torn(403, "<Error><Co")]
#[case::garbage(403, "\u{1}garbage")]
#[case::nothing_refused(403, "")]
#[case::nothing(200, "")]
#[case::portal(200, "<html>Please log in</html>")]
#[case::garbage_success(200, "\u{1}garbage")]
#[tokio::test]
async fn an_unreadable_response_is_no_answer(#[case] status: u16, #[case] body: &str) {
    let same = || answer(status, &[], body);
    let stage = Stage::answering([same(), same(), same(), same()]);
    let list = stage.aws.list_objects(&bucket(), "p/").await;
    assert_eq!((list.outcome, list.exchange.code), (Outcome::Unanswered, None));
    assert_eq!(stage.aws.describe_key(&key()).await.outcome, Outcome::Unanswered);
    assert_eq!(stage.aws.encrypt(&key(), b"1", CallMode::Real).await.outcome, Outcome::Unanswered);
    let assumed = stage.aws.client_session(&session(), &role(), None, &name(), None).await;
    assert!(assumed.is_unanswered());
    assert_eq!(stage.sent().len(), 4);
}
