//! Credentials for a tenant's documents, as AWS SDKs ask for them: nothing of theirs is changed for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_s3 as s3;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::future::join_all;
use latchkey::domain::arn::RoleArn;
use latchkey::domain::token::Role;
use latchkey::domain::vendor::Vendor;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::aws::{Applied, REGION, World, apply_templates};
use crate::blocking_proxy::Gate;
use crate::process::Process;
use crate::recorded_aws::{RecordedAws, VENDOR_ROLE, served, sts_error};
use crate::seed::Seed;
use crate::server::{Answer, PATIENCE, Server};

/// A tenant whose documents are within reach, and one whose are not.
pub struct Stage {
    pub world: World,
    pub server: Server,
    pub token: String,
    pub ours: Applied,
    pub theirs: Applied,
}

impl Stage {
    pub async fn new(mode: &'static str) -> Self {
        let world = World::new().await;
        let server = Server::start(&world).await;
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

    async fn get(&self, query: &str) -> Answer {
        let request = self.server.bare(Method::GET, &self.url(query)).bearer_auth(&self.token);
        self.server.send(request).await
    }

    /// An S3 client with what was answered.
    fn client(&self, given: &Value) -> s3::Client {
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

async fn put(client: &s3::Client, bucket: &str, key: &str) -> Result<(), String> {
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
async fn they_are_for_that_bucket_and_key_alone(#[case] mode: &'static str) {
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

/// A server whose STS is recorded: it counts, takes its time, and can be throttled.
struct Recorded {
    server: Server,
    token: String,
    calls: Arc<AtomicUsize>,
    throttled: Arc<AtomicBool>,
}

impl Recorded {
    async fn new() -> Self {
        let (calls, throttled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let told = throttled.clone();
        let throttling = move || told.load(Ordering::Relaxed);
        let aws = RecordedAws::but(move |_| throttling().then(|| sts_error(400, "Throttling", "Rate exceeded")));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = served::router(aws, Duration::from_millis(100), calls.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let vendor = Vendor {
            direct_role: Some(RoleArn::parse(VENDOR_ROLE).unwrap()),
            ..Vendor::unnamed()
        };
        let server = Server::idle_at(vendor, &endpoint).await;
        Seed(server.pool.clone()).active("acme").await;
        let token = server.token_of(Role::Service).await;
        server.settle().await;
        Self {
            server,
            token,
            calls,
            throttled,
        }
    }

    async fn get(&self, query: &str) -> Answer {
        let url = format!("{}/internal/v1/tenants/acme/credentials{query}", self.server.private);
        self.server.send(self.server.bare(Method::GET, &url).bearer_auth(&self.token)).await
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_cold_callers_are_one_call_of_sts() {
    let recorded = Recorded::new().await;
    let given = join_all((0..500).map(|_| recorded.get(""))).await;
    let first = given[0].body.clone();
    assert!(first["Token"].is_string(), "{first:#}");
    assert!(given.iter().all(|answer| answer.status == 200 && answer.body == first));
    assert_eq!(recorded.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_sts_throttles_what_is_at_hand_is_given() {
    let recorded = Recorded::new().await;
    let given = recorded.get("").await.expect(200);
    recorded.throttled.store(true, Ordering::Relaxed);
    assert_eq!(recorded.get("").await.expect(200), given);
    let others = recorded.get("?access=read").await;
    assert_eq!(
        (others.status, &others.body["type"]),
        (503, &json!("/problems/unavailable")),
        "{:#}",
        others.body
    );
    assert!(others.headers.contains_key("retry-after"));
    assert_eq!(others.headers["cache-control"], "no-store");
    assert_eq!(recorded.get("").await.expect(200), given);
    recorded.throttled.store(false, Ordering::Relaxed);
    recorded.get("?access=read").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_suspended_while_they_are_made_gets_none() {
    let stage = Stage::new("direct").await;
    let gate = Gate::before(&stage.world.endpoint, "POST", "/").await;
    let replica = stage.server.beside_at(&stage.server.database_url, &stage.world, &gate.url).await;
    let url = format!("{}/internal/v1/tenants/acme/credentials", replica.private);
    let asking = replica.send_now(replica.bare(Method::GET, &url).bearer_auth(&stage.token));
    let suspending = async {
        gate.reached().await;
        let because = json!({"reason": "Unpaid"});
        stage.server.post("/v1/tenants/acme/suspend", &because).await.expect(200);
        replica.settle().await;
        gate.open();
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
async fn nothing_of_them_is_in_the_log_or_the_metrics() {
    let stage = Stage::new("assume_role").await;
    let process = Process::serve(&stage.world, &stage.server.database_url, &[("LATCHKEY_LOG", "trace")]).await;
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
    let given = tokio::time::timeout(PATIENCE, asking).await.expect("it gets ready");
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
async fn whose_fault_it_is_is_said() {
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
