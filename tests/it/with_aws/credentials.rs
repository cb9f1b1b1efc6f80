//! Credentials for a tenant's documents, as unmodified AWS SDKs request them.

use aws_config::BehaviorVersion;
use aws_sdk_s3 as s3;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use latchkey::domain::token::Role;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::aws::{Applied, REGION, World, apply_templates};
use crate::support::aws_proxy::HeldRequests;
use crate::support::process::Process;
use crate::support::server::{ApiResponse, TIMEOUT, TestServer};

/// One tenant whose documents the service can access, and one whose it cannot.
pub struct Stage {
    pub world: World,
    pub server: TestServer,
    pub token: String,
    pub ours: Applied,
    pub theirs: Applied,
}

impl Stage {
    pub async fn new(mode: &'static str) -> Self {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        let mut applied = Vec::new();
        for slug in ["acme", "other"] {
            server.create_tenant(slug).await;
            let documents = apply_templates(&world, &server, slug, mode).await;
            assert_eq!(server.submit(slug, &documents.submission()).await["verdict"], "verified");
            applied.push(documents);
        }
        server.settle().await;
        let token = server.token_of(Role::Service).await;
        let theirs = applied.pop().unwrap();
        let ours = applied.pop().unwrap();
        Self {
            world,
            server,
            token,
            ours,
            theirs,
        }
    }

    fn url(&self, query: &str) -> String {
        format!("{}/internal/v1/tenants/acme/credentials{query}", self.server.private)
    }

    pub async fn get(&self, query: &str) -> ApiResponse {
        let request = self.server.bare(Method::GET, &self.url(query)).bearer_auth(&self.token);
        self.server.send(request).await
    }

    /// An S3 client with what was answered.
    pub fn client(&self, given: &Value) -> s3::Client {
        let text = |name: &str| given[name].as_str().unwrap().to_owned();
        let credentials = s3::config::Credentials::new(text("AccessKeyId"), text("SecretAccessKey"), Some(text("Token")), None, "test");
        let config = s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(s3::config::Region::new(REGION))
            .endpoint_url(&self.world.endpoint)
            .force_path_style(true)
            .credentials_provider(credentials);
        s3::Client::from_conf(config.build())
    }
}

pub async fn put(client: &s3::Client, bucket: &str, key: &str) -> Result<(), String> {
    let put = client
        .put_object()
        .bucket(bucket)
        .key(key)
        .body(b"text".to_vec().into())
        .send()
        .await;
    put.map(drop).map_err(|error| error.code().unwrap_or_default().to_owned())
}

#[rstest]
#[case("direct")]
#[case("assume_role")]
#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_limited_to_the_tenants_bucket_and_key(#[case] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let answer = stage.get("").await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let given = answer.expect(200);
    assert_eq!(given.as_object().unwrap().len(), 4);
    assert_eq!(stage.get("").await.expect(200), given, "they are held");
    let (client, ours, theirs) = (stage.client(&given), &stage.ours.bucket, &stage.theirs.bucket);
    put(&client, ours, "a/1").await.unwrap();
    assert_eq!(put(&client, theirs, "a/1").await.unwrap_err(), "AccessDenied");

    let reading = stage.client(&stage.get("?access=read").await.expect(200));
    assert!(reading.get_object().bucket(ours).key("a/1").send().await.is_ok());
    assert_eq!(put(&reading, ours, "a/2").await.unwrap_err(), "AccessDenied");

    let narrow = stage.client(&stage.get("?prefix=b/").await.expect(200));
    put(&narrow, ours, "b/1").await.unwrap();
    assert_eq!(put(&narrow, ours, "a/2").await.unwrap_err(), "AccessDenied");
    assert!(narrow.list_objects_v2().bucket(ours).prefix("b/").send().await.is_ok());
    assert!(narrow.list_objects_v2().bucket(ours).prefix("a/").send().await.is_err());
    assert!(narrow.list_objects_v2().bucket(ours).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn suspension_during_the_call_withholds_credentials() {
    let stage = Stage::new("direct").await;
    let held = HeldRequests::to(&stage.world.endpoint, "POST", "/").await;
    let replica = stage
        .server
        .replica()
        .aws(&stage.world)
        .aws_endpoint(&held.url)
        .without_worker()
        .start()
        .await;
    let url = format!("{}/internal/v1/tenants/acme/credentials", replica.private);
    let asking = replica.send_now(replica.bare(Method::GET, &url).bearer_auth(&stage.token));
    let suspending = async {
        held.one_is_held().await;
        let because = json!({"reason": "Unpaid"});
        stage.server.post("/v1/tenants/acme/suspend", &because).await.expect(200);
        replica.settle().await;
        held.release();
    };
    let (refused, ()) = tokio::join!(asking, suspending);
    assert_eq!(
        (refused.status, &refused.body["type"]),
        (403, &json!("/problems/suspended")),
        "{:#}",
        refused.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_appear_neither_in_logs_nor_in_metrics() {
    let stage = Stage::new("assume_role").await;
    let process = Process::serve(&stage.world.access(), &stage.server.database_url, &[("LATCHKEY_LOG", "trace")]).await;
    let url = format!("{}/internal/v1/tenants/acme/credentials", process.url);
    let asking = async {
        loop {
            let answer = stage
                .server
                .send_now(stage.server.bare(Method::GET, &url).bearer_auth(&stage.token))
                .await;
            if answer.status == 200 {
                return answer.body;
            }
        }
    };
    let given = tokio::time::timeout(TIMEOUT, asking).await.expect("it gets ready");
    let metrics = stage.server.bare(Method::GET, &format!("{}/metrics", process.url));
    let metrics = stage.server.send_now(metrics).await.body;
    let (said, metrics) = (process.said(), metrics.as_str().unwrap());
    assert!(said.iter().any(|line| line.contains("AssumeRole")), "the log has the AWS calls");
    assert!(metrics.contains(r#"latchkey_credentials_total{outcome="made"}"#), "{metrics}");
    let secret = |name: &str| given[name].as_str().unwrap();
    let secrets = [
        secret("SecretAccessKey"),
        secret("Token"),
        &stage.token,
        &stage.world.latchkey.secret,
    ];
    for secret in secrets {
        let leak = said.iter().find(|line| line.contains(secret));
        assert_eq!(leak, None);
        assert!(!metrics.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_who_has_to_act() {
    let stage = Stage::new("assume_role").await;
    for (query, field) in [("?access=all", "access"), ("?prefix=*", "prefix"), ("?prefix=", "prefix")] {
        let refused = stage.get(query).await;
        assert_eq!((refused.status, refused.errors()[0].0.as_str()), (422, field));
    }
    let closed = json!({"Version": "2012-10-17", "Statement": []});
    stage.ours.apply(&stage.world.customer, "trust-policy", &closed).await;
    let refused = stage.get("").await;
    assert_eq!(
        (refused.status, &refused.body["type"]),
        (503, &json!("/problems/customer-side")),
        "{:#}",
        refused.body
    );
    assert!(refused.headers.contains_key("retry-after"));

    let trust = stage.ours.document("trust-policy");
    stage.ours.apply(&stage.world.customer, "trust-policy", &trust).await;
    stage.get("").await.expect(200);
    let other = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]});
    stage.world.vendor.put_permissions("storage", &other).await;
    // Otherwise AWS does not say whose policy denies it.
    stage.world.join_in_one_organization().await;
    let refused = stage.get("?access=read").await;
    assert_eq!(
        (refused.status, &refused.body["type"]),
        (503, &json!("/problems/vendor-side")),
        "{:#}",
        refused.body
    );

    let because = json!({"reason": "Unpaid"});
    stage.server.post("/v1/tenants/acme/suspend", &because).await.expect(200);
    assert_eq!(stage.get("").await.status, 403, "what is held is given no more");
}
