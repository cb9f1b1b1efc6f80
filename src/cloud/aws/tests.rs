//! The adapter against recorded responses: answers that a stand-in cannot give, and the requests that are sent.

mod bucket;
mod calls;
mod key;
mod outside;
mod sessions;

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

use super::*;
use crate::clock::MockClock;
use crate::domain::account::AccountId;
use crate::domain::api_result::{AccessDenied, DenialReason, DeniedBy, Outcome, PolicyKind};
use crate::domain::arn::{BucketName, KeyArn};
use crate::domain::evidence::KeptVersions;
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
