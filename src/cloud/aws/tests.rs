//! The adapter against recorded responses: answers that a stand-in cannot give, and the requests that are sent.

use std::time::Duration;

use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{AsyncSleep, Sleep};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use chrono::DateTime;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::clock::MockClock;
use crate::domain::account::AccountId;
use crate::domain::api_result::{AccessDenied, DenialReason, DeniedBy, Outcome, PolicyKind};
use crate::domain::arn::{BucketName, KeyArn};
use crate::domain::ids::VerificationId;
use crate::domain::region::Region;

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// Longer than a put takes.
const AT_LEISURE: Duration = Duration::from_mins(1);
const SECRETS: [&str; 3] = ["ASIASESSIONSID", "session-s-secret-key", "session-s-token"];

/// Does not wait before retries.
#[derive(Debug)]
struct AtOnce;

impl AsyncSleep for AtOnce {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(async {})
    }
}

/// AWS with recorded responses.
struct Stage {
    aws: AwsCloud,
    wire: StaticReplayClient,
}

impl Stage {
    fn answering(answers: impl IntoIterator<Item = HttpResponse>) -> Self {
        let events = answers.into_iter().map(|answer| ReplayEvent::new(HttpRequest::empty(), answer));
        let wire = StaticReplayClient::new(events.collect());
        let own = Credentials::new("AKIAPROCESS", "process-secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(SdkRegion::from_static("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(own))
            .http_client(wire.clone())
            .retry_config(config::retries())
            .sleep_impl(AtOnce)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self {
            aws: AwsCloud::from_config(&config, AwsOptions::default(), MockClock::new().shared()),
            wire,
        }
    }

    /// The requests that were sent, with their URL, headers and body.
    fn sent(&self) -> Vec<Sent> {
        let sent = self.wire.actual_requests().map(|request| Sent {
            url: request.uri().to_owned(),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned(),
        });
        sent.collect()
    }
}

struct Sent {
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Sent {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(named, _)| named == name)
            .map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> HttpResponse {
    let mut answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    if !headers.iter().any(|(name, _)| name.contains("request")) {
        answer.headers_mut().insert("x-amz-request-id", "REQ0");
    }
    for (name, value) in headers {
        answer.headers_mut().insert(*name, *value);
    }
    answer
}

fn s3_error(status: u16, code: &str, message: &str) -> HttpResponse {
    answer(
        status,
        &[("x-amz-request-id", "REQ1"), ("x-amz-bucket-region", "eu-west-1")],
        &format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>REQ1</RequestId></Error>"),
    )
}

fn kms_error(status: u16, code: &str, message: &str) -> HttpResponse {
    answer(
        status,
        &[("x-amzn-requestid", "REQ2")],
        &json!({"__type": code, "message": message}).to_string(),
    )
}

fn sts_error(status: u16, code: &str, message: &str) -> HttpResponse {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>REQ3</RequestId></ErrorResponse>"
    );
    answer(status, &[("x-amzn-requestid", "REQ3")], &body)
}

fn sts_success() -> HttpResponse {
    let [id, secret, token] = SECRETS;
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
         <AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>\
         <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    answer(200, &[("x-amzn-requestid", "REQ3")], &body)
}

fn session() -> AwsSession {
    let [id, secret, token] = SECRETS;
    AwsSession(Credentials::new(id, secret, Some(token.into()), None, "test"))
}

fn bucket() -> BucketCall {
    BucketCall {
        session: Some(session()),
        bucket: BucketName::parse("docs").unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        owner: Some(AccountId::parse("123456789012").unwrap()),
        pays: false,
    }
}

fn key() -> KeyCall {
    KeyCall {
        session: session(),
        key: KeyArn::parse(KEY).unwrap(),
    }
}

fn role() -> RoleArn {
    RoleArn::parse("arn:aws:iam::210987654321:role/docs").unwrap()
}

fn external_id() -> ExternalId {
    ExternalId::parse("lk-3f1c9a5e7b2d4860").unwrap()
}

fn name() -> SessionName {
    SessionName::of_verification(VerificationId::from(uuid::Uuid::nil()))
}

fn refused(by: DeniedBy, reason: DenialReason) -> Outcome {
    Outcome::Refused(AccessDenied {
        by,
        reason,
        key: None,
        action: None,
        policy: None,
    })
}

#[rstest]
#[case(200, Some("eu-west-1"), Outcome::Granted(()))]
#[case(200, None, Outcome::Granted(()))]
#[case(301, Some("us-east-2"), Outcome::Misrouted)]
#[case(301, None, Outcome::Misrouted)]
#[case(400, Some("us-east-2"), Outcome::Misrouted)]
#[case(400, Some("eu-west-1"), Outcome::Unanswered)]
#[case(400, None, Outcome::Unanswered)]
#[case(403, Some("eu-west-1"), refused(DeniedBy::S3, DenialReason::Unsaid))]
#[case(403, Some("us-east-2"), refused(DeniedBy::S3, DenialReason::Unsaid))]
#[case(403, None, refused(DeniedBy::S3, DenialReason::Unsaid))]
#[case(404, None, Outcome::Absent)]
#[tokio::test]
async fn head_is_read_from_status_and_headers(#[case] status: u16, #[case] region: Option<&'static str>, #[case] expected: Outcome) {
    let headers: Vec<_> = region
        .map(|region| ("x-amz-bucket-region", region))
        .into_iter()
        .chain([("x-amz-request-id", "REQ1")])
        .collect();
    let stage = Stage::answering([answer(status, &headers, ""), answer(200, &[], "")]);
    let head = stage.aws.head_bucket(&bucket()).await;
    assert_eq!(head.outcome, expected);
    assert_eq!(head.exchange.bucket_region, region.map(|region| Region::parse(region).unwrap()));
    assert_eq!(
        (head.exchange.status, head.exchange.request_id.as_deref()),
        (Some(status), Some("REQ1"))
    );
    assert_eq!(head.exchange.operation, "s3:HeadBucket");
    // The redirect is evaluated, not followed.
    assert_eq!(stage.sent().len(), 1);
}

#[tokio::test]
async fn the_region_is_read_from_every_answer_of_s3() {
    let stage = Stage::answering([
        answer(200, &[("x-amz-bucket-region", "eu-west-1")], ""),
        s3_error(
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint.",
        ),
        s3_error(404, "NoSuchKey", "The specified key does not exist."),
    ]);
    let region = Some(Region::parse("eu-west-1").unwrap());
    let put = stage.aws.put_object(&bucket(), "k", vec![1], None, AT_LEISURE).await;
    assert_eq!(put.exchange.bucket_region, region);
    let list = stage.aws.list_objects(&bucket(), "p/").await;
    assert_eq!((list.outcome, list.exchange.bucket_region), (Outcome::Misrouted, region.clone()));
    let get = stage.aws.get_object(&bucket(), "k").await;
    assert_eq!((get.outcome, get.exchange.bucket_region), (Outcome::Absent, region));
    assert_eq!(get.exchange.code.as_deref(), Some("NoSuchKey"));
}

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

#[rstest]
#[case(412, "PreconditionFailed", Outcome::Granted(()))]
#[case(400, "BadDigest", Outcome::Granted(()))]
#[case(400, "InvalidArgument", Outcome::Unusable)]
#[case(403, "AccessDenied", refused(DeniedBy::S3, DenialReason::Unsaid))]
#[tokio::test]
async fn a_put_that_cannot_be_carried_out_proves_that_it_was_allowed(
    #[case] status: u16,
    #[case] code: &'static str,
    #[case] expected: Outcome,
) {
    let stage = Stage::answering([s3_error(status, code, "Denied")]);
    assert_eq!(stage.aws.try_put(&bucket(), "k").await.outcome, expected);
    let [sent] = &stage.sent()[..] else { panic!("one request is sent") };
    assert_eq!(sent.header("if-none-match"), Some("*"));
    assert_eq!(sent.header("content-md5"), Some("1B2M2Y8AsgTpgAmY7PhCfg=="));
    assert_ne!(sent.body, "", "the digest is that of an empty body");
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

#[rstest]
#[case("KMS.DisabledException", Outcome::Unusable)]
#[case("KMS.KMSInvalidStateException", Outcome::Unusable)]
#[case("KMS.NotFoundException", Outcome::Unusable)]
#[tokio::test]
async fn s3_reports_the_state_of_a_key(#[case] code: &str, #[case] expected: Outcome<StoredObject>) {
    let stage = Stage::answering([s3_error(400, code, "The key is as it is.")]);
    let put = stage.aws.put_object(&bucket(), "k", vec![1], None, AT_LEISURE).await;
    assert_eq!(put.outcome, expected);
    assert_eq!(put.exchange.code.as_deref(), Some(code));
}

#[tokio::test]
async fn denials_of_s3_and_kms_are_distinguished_by_the_text() {
    let user = "User: arn:aws:sts::123456789012:assumed-role/docs/latchkey-1 is not authorized to perform:";
    let by_s3 = format!(
        "{user} s3:GetObject on resource: &quot;arn:aws:s3:::docs/k&quot; because no identity-based policy allows the s3:GetObject action"
    );
    let by_kms = format!(
        "{user} kms:Decrypt on resource: &quot;{KEY}&quot; with an explicit deny in a resource-based policy: https://console.aws.amazon.com/x"
    );
    let stage = Stage::answering([s3_error(403, "AccessDenied", &by_s3), s3_error(403, "AccessDenied", &by_kms)]);
    let get = stage.aws.get_object(&bucket(), "k").await.map(drop);
    assert_eq!(get.outcome, refused(DeniedBy::S3, DenialReason::NotAllowedBy(PolicyKind::Identity)));
    let get = stage.aws.get_object(&bucket(), "k").await.map(drop);
    let expected = AccessDenied {
        by: DeniedBy::Kms,
        reason: DenialReason::DeniedBy(PolicyKind::Resource),
        key: Some(KEY.into()),
        action: Some("kms:Decrypt".into()),
        policy: None,
    };
    assert_eq!(get.outcome, Outcome::Refused(expected));
    assert!(!format!("{get:?}").contains("authorized"), "AWS's message is not kept");
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

#[tokio::test]
async fn a_put_names_the_owner_and_no_encryption() {
    let stored = [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", KEY),
        ("x-amz-version-id", "null"),
    ];
    let stage = Stage::answering([answer(200, &stored, "")]);
    let put = stage
        .aws
        .put_object(&bucket(), "latchkey-probe/1", b"probe".to_vec(), None, AT_LEISURE)
        .await;
    let expected = StoredObject {
        encryption: Some("aws:kms".into()),
        key: Some(KEY.into()),
        version: Some("null".into()),
    };
    assert_eq!(put.granted(), Some(&expected));
    let sent = &stage.sent()[0];
    assert_eq!(sent.header("x-amz-expected-bucket-owner"), Some("123456789012"));
    assert!(
        !sent
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("x-amz-server-side-encryption"))
    );
    assert!(
        sent.url.starts_with("https://docs.s3.eu-west-1.amazonaws.com/latchkey-probe/1"),
        "{}",
        sent.url
    );
    assert_eq!(sent.header("x-amz-security-token"), Some(SECRETS[2]));
    assert!(sent.header("authorization").unwrap().contains("/eu-west-1/s3/aws4_request"));
}

#[tokio::test]
async fn every_call_of_s3_names_the_owner_if_there_is_one() {
    let stage = Stage::answering((0..12).map(|_| answer(204, &[], "")));
    let any_owner = BucketCall { owner: None, ..bucket() };
    for call in [&bucket(), &any_owner] {
        stage.aws.head_bucket(call).await;
        stage.aws.list_objects(call, "p/").await;
        stage.aws.put_object(call, "k", vec![1], None, AT_LEISURE).await;
        stage.aws.get_object(call, "k").await;
        stage.aws.restore_object(call, "k").await;
        stage.aws.delete_object(call, "k").await;
    }
    let owners: Vec<bool> = stage
        .sent()
        .iter()
        .map(|sent| sent.header("x-amz-expected-bucket-owner") == Some("123456789012"))
        .collect();
    assert_eq!(owners, [[true; 6], [false; 6]].concat());
}

#[tokio::test]
async fn a_get_reads_little_more_than_a_probe() {
    let stage = Stage::answering([answer(200, &[], &"x".repeat(100_000)), answer(200, &[], "short")]);
    let long = stage.aws.get_object(&bucket(), "k").await;
    assert_eq!(long.granted().map(Vec::len), Some(4096));
    let short = stage.aws.get_object(&bucket(), "k").await;
    assert_eq!(short.granted().map(Vec::as_slice), Some(b"short".as_slice()));
}

#[rstest]
#[case(|| s3_error(403, "InvalidObjectState", "Restore is not allowed for the object's current storage class"), Outcome::Granted(()))]
#[case(|| s3_error(403, "ObjectAlreadyInActiveTierError", "This object is not archived"), Outcome::Granted(()))]
#[case(|| answer(202, &[], ""), Outcome::Granted(()))]
#[case(|| s3_error(403, "AccessDenied", "Access Denied"), refused(DeniedBy::S3, DenialReason::Unsaid))]
#[tokio::test]
async fn an_object_that_is_not_archived_proves_that_restoring_is_allowed(#[case] answer: fn() -> HttpResponse, #[case] expected: Outcome) {
    let stage = Stage::answering([answer()]);
    assert_eq!(stage.aws.restore_object(&bucket(), "k").await.outcome, expected);
}

#[tokio::test]
async fn a_delete_reveals_versioning() {
    let headers = [("x-amz-delete-marker", "true"), ("x-amz-version-id", "v1")];
    let stage = Stage::answering([answer(204, &headers, ""), answer(204, &[], "")]);
    let marked = stage.aws.delete_object(&bucket(), "k").await;
    let expected = DeletedObject {
        marker: true,
        version: Some("v1".into()),
    };
    assert_eq!(marked.granted(), Some(&expected));
    let gone = stage.aws.delete_object(&bucket(), "k").await;
    let expected = DeletedObject {
        marker: false,
        version: None,
    };
    assert_eq!(gone.granted(), Some(&expected));
}

#[tokio::test]
async fn dry_runs_are_dry_and_granted_by_their_error() {
    let would_work = || kms_error(412, "DryRunOperationException", "The request would have succeeded.");
    let stage = Stage::answering((0..5).map(|_| would_work()));
    let aws = &stage.aws;
    assert_eq!(aws.encrypt(&key(), b"1", CallMode::Dry).await.outcome, Outcome::Granted(Vec::new()));
    assert_eq!(aws.decrypt(&key(), b"1", CallMode::Dry).await.outcome, Outcome::Granted(Vec::new()));
    assert_eq!(aws.reencrypt(&key(), b"1").await.outcome, Outcome::Granted(()));
    assert_eq!(aws.generate_data_key(&key()).await.outcome, Outcome::Granted(()));
    let last = aws.generate_data_key_without_plaintext(&key()).await;
    assert_eq!(last.outcome, Outcome::Granted(()));
    assert_eq!(last.exchange.operation, "kms:GenerateDataKeyWithoutPlaintext");
    assert_eq!(last.exchange.code.as_deref(), Some("DryRunOperationException"));
    assert_eq!(last.exchange.request_id.as_deref(), Some("REQ2"));
    let sent = stage.sent();
    assert_eq!(sent.len(), 5);
    for sent in &sent {
        assert_eq!(sent.json()["DryRun"], json!(true));
        assert!(sent.url.starts_with("https://kms.eu-west-1.amazonaws.com"));
    }
    let context = json!({"latchkey": "probe"});
    let reencrypt = sent[2].json();
    assert_eq!(
        (&reencrypt["SourceKeyId"], &reencrypt["DestinationKeyId"]),
        (&json!(KEY), &json!(KEY))
    );
    assert_eq!(reencrypt["SourceEncryptionContext"], context);
    assert_eq!(reencrypt["DestinationEncryptionContext"], context);
    assert_eq!(sent[0].json()["EncryptionContext"], context);
    assert_eq!(sent[1].json()["EncryptionContext"], context);
}

#[tokio::test]
async fn a_real_run_is_real() {
    let stage = Stage::answering([
        answer(200, &[], &json!({"CiphertextBlob": "Y2lwaGVy", "KeyId": KEY}).to_string()),
        answer(200, &[], &json!({"Plaintext": "cGxhaW4=", "KeyId": KEY}).to_string()),
    ]);
    assert_eq!(
        stage.aws.encrypt(&key(), b"plain", CallMode::Real).await.outcome,
        Outcome::Granted(b"cipher".to_vec())
    );
    assert_eq!(
        stage.aws.decrypt(&key(), b"cipher", CallMode::Real).await.outcome,
        Outcome::Granted(b"plain".to_vec())
    );
    for sent in stage.sent() {
        assert_eq!(sent.json().get("DryRun"), None);
        assert_eq!(sent.json()["KeyId"], json!(KEY));
    }
}

#[tokio::test]
async fn kms_denials_have_status_400() {
    let text = format!(
        "User: arn:aws:sts::1:assumed-role/docs/s is not authorized to perform: kms:Encrypt on resource: {KEY} because no resource-based \
         policy allows the kms:Encrypt action"
    );
    let stage = Stage::answering([kms_error(400, "AccessDeniedException", &text)]);
    let encrypt = stage.aws.encrypt(&key(), b"1", CallMode::Real).await;
    let refusal = encrypt.refusal().unwrap();
    assert_eq!(
        (refusal.by, refusal.reason),
        (DeniedBy::Kms, DenialReason::NotAllowedBy(PolicyKind::Resource))
    );
    assert_eq!(
        (refusal.key.as_deref(), refusal.action.as_deref()),
        (Some(KEY), Some("kms:Encrypt"))
    );
}

#[tokio::test]
async fn a_key_is_described() {
    let metadata = json!({"KeyMetadata": {
        "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "Arn": KEY, "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyUsage": "ENCRYPT_DECRYPT", "KeyState": "PendingDeletion", "DeletionDate": 1_900_000_000.0,
    }});
    let stage = Stage::answering([
        answer(200, &[], &metadata.to_string()),
        kms_error(400, "NotFoundException", "Key is not there"),
    ]);
    let described = stage.aws.describe_key(&key()).await;
    let expected = KeyFacts {
        customer_managed: true,
        spec: "SYMMETRIC_DEFAULT".into(),
        usage: "ENCRYPT_DECRYPT".into(),
        state: "PendingDeletion".into(),
        deletion_at: DateTime::from_timestamp(1_900_000_000, 0),
        in_custom_store: false,
    };
    assert_eq!(described.granted(), Some(&expected));
    assert_eq!(stage.aws.describe_key(&key()).await.outcome, Outcome::Absent);
}

#[tokio::test]
async fn each_kind_of_session_has_its_parameters() {
    let stage = Stage::answering((0..4).map(|_| sts_success()));
    let aws = &stage.aws;
    assert!(aws.tagged_session(&role(), &external_id(), &name(), None).await.granted().is_some());
    let client = aws.client_session(&session(), &role(), Some(&external_id()), &name(), None).await;
    assert!(client.granted().is_some());
    assert!(
        aws.client_session(&session(), &role(), None, &name(), None)
            .await
            .granted()
            .is_some()
    );
    assert!(aws.untagged_session(&role()).await.granted().is_some());

    let sent = stage.sent();
    let [tagged, client, without, untagged] = sent.as_slice() else {
        panic!("four calls were made");
    };
    let says = |sent: &Sent, what: &str| sent.body.split('&').any(|pair| pair == what);
    assert!(says(tagged, "Tags.member.1.Key=latchkey-external-id") && says(tagged, "Tags.member.1.Value=lk-3f1c9a5e7b2d4860"));
    assert!(says(tagged, "RoleSessionName=latchkey-00000000-0000-0000-0000-000000000000"));
    assert!(says(client, "ExternalId=lk-3f1c9a5e7b2d4860"));
    assert!(says(untagged, "RoleSessionName=latchkey") && says(untagged, "DurationSeconds=3600"));
    for sent in [tagged, client, without] {
        assert!(says(sent, "DurationSeconds=900"));
    }
    for (sent, has_tag, has_id) in [
        (tagged, true, false),
        (client, false, true),
        (without, false, false),
        (untagged, false, false),
    ] {
        assert_eq!(
            (sent.body.contains("Tags."), sent.body.contains("ExternalId")),
            (has_tag, has_id),
            "{}",
            sent.body
        );
        assert!(!sent.body.contains("TransitiveTagKeys"));
        assert!(sent.url.starts_with("https://sts.eu-central-1.amazonaws.com"), "{}", sent.url);
    }
    let signed_by = |sent: &Sent, id: &str| sent.header("authorization").unwrap().contains(id);
    assert!(signed_by(tagged, "AKIAPROCESS") && signed_by(untagged, "AKIAPROCESS"));
    assert!(signed_by(client, SECRETS[0]) && signed_by(without, SECRETS[0]));
}

#[tokio::test]
async fn the_vendors_own_sessions_are_cached_and_failures_are_not() {
    let stage = Stage::answering([sts_error(403, "AccessDenied", "Access denied"), sts_success()]);
    assert!(stage.aws.storage_session(&role()).await.is_refused_by(DeniedBy::Sts));
    for _ in 0..3 {
        assert!(stage.aws.storage_session(&role()).await.granted().is_some());
    }
    assert_eq!(stage.sent().len(), 2);
}

#[tokio::test]
async fn sts_reveals_which_side_denies() {
    let message = "User: arn:aws:sts::1:assumed-role/storage/s is not authorized to perform: sts:AssumeRole on resource: \
                   arn:aws:iam::210987654321:role/docs because no identity-based policy allows the sts:AssumeRole action";
    let stage = Stage::answering([
        sts_error(403, "AccessDenied", message),
        sts_error(403, "ExpiredToken", "The token expired"),
    ]);
    let refusal = stage.aws.client_session(&session(), &role(), None, &name(), None).await;
    assert_eq!(
        refusal.map(drop).outcome,
        refused(DeniedBy::Sts, DenialReason::NotAllowedBy(PolicyKind::Identity))
    );
    let expired = stage.aws.client_session(&session(), &role(), None, &name(), None).await;
    assert!(expired.is_unanswered());
}

#[tokio::test]
async fn a_session_never_shows_its_secrets() {
    let stage = Stage::answering([sts_success()]);
    let assumed = stage.aws.storage_session(&role()).await;
    let shown = format!("{assumed:?} {:#?} {:?} {:?}", session(), bucket(), key());
    for secret in SECRETS {
        assert!(!shown.contains(secret));
    }
}

/// From outside of the vendor's network, AWS is reached through the proxy alone, and the proxy sees no request.
#[tokio::test]
async fn the_proxy_outside_gets_the_request_to_open_a_tunnel() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            connection.read_exact(&mut byte).await.unwrap();
            head.extend(byte);
        }
        connection
            .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8(head).unwrap()
    });
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(SdkRegion::from_static("eu-central-1"))
        .no_credentials();
    let config = config.load().await;
    let proxy = OutsideProxy {
        url: format!("http://{address}").parse().unwrap(),
        login: Some(("ops".to_owned(), "s/cret".to_owned().into())),
    };
    let outside = through(&config, &proxy).unwrap();
    let aws = |config| AwsCloud::from_config(config, AwsOptions::default(), MockClock::new().shared());
    let cloud = aws(&config).with_outside(aws(&outside));
    let answer = cloud.outside().unwrap().list_objects(&bucket(), "").await;
    assert!(answer.is_unanswered() && answer.exchange.request_id.is_none());
    let head = tokio::time::timeout(AT_LEISURE, asked).await.expect("the proxy is asked").unwrap();
    assert!(head.starts_with("CONNECT docs.s3.eu-west-1.amazonaws.com:443 HTTP/1.1"), "{head}");
    // ops:s/cret
    assert!(
        head.to_ascii_lowercase().contains("proxy-authorization: basic b3bzonmvy3jlda=="),
        "{head}"
    );
    assert!(!head.contains("AWS4"), "{head}");
}

#[tokio::test]
async fn path_style_is_a_setting() {
    let wire = StaticReplayClient::new(vec![ReplayEvent::new(HttpRequest::empty(), answer(200, &[], ""))]);
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(SdkRegion::from_static("eu-central-1"))
        .endpoint_url("http://127.0.0.1:4566")
        .http_client(wire.clone())
        .build();
    let aws = AwsCloud::from_config(&config, AwsOptions { s3_path_style: true }, MockClock::new().shared());
    assert!(aws.head_bucket(&bucket()).await.granted().is_some());
    let sent = wire.actual_requests().next().unwrap().uri().to_owned();
    assert!(sent.starts_with("http://127.0.0.1:4566/docs"), "{sent}");
}
