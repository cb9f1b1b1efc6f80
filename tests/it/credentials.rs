//! Credentials for a tenant's documents, as AWS SDKs ask for them: nothing of theirs is changed for it.

use std::process::{Command, Output};

use aws_config::BehaviorVersion;
use aws_sdk_s3 as s3;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::future::join_all;
use latchkey::domain::token::Role;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::aws::{Applied, REGION, World, apply_templates};
use crate::server::{Answer, Server};

/// A tenant whose documents are within reach, and one whose are not.
struct Stage {
    world: World,
    server: Server,
    token: String,
    ours: Applied,
    theirs: Applied,
}

impl Stage {
    async fn new(mode: &'static str) -> Self {
        let world = World::new().await;
        let server = Server::start(&world).await;
        let mut applied = Vec::new();
        for slug in ["ours", "theirs"] {
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
        format!("{}/internal/v1/tenants/ours/credentials{query}", self.server.private)
    }

    async fn get(&self, query: &str) -> Answer {
        let request = self.server.bare(Method::GET, &self.url(query)).bearer_auth(&self.token);
        self.server.send(request).await
    }

    /// The environment of a program that knows nothing of Latchkey.
    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", self.url("")),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", format!("Bearer {}", self.token)),
            ("AWS_REGION", REGION.into()),
            ("AWS_DEFAULT_REGION", REGION.into()),
            ("AWS_ENDPOINT_URL", self.world.endpoint.clone()),
            ("AWS_CONFIG_FILE", "/dev/null".into()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".into()),
            ("OURS", self.ours.bucket.clone()),
            ("THEIRS", self.theirs.bucket.clone()),
        ]
    }

    async fn run(&self, program: &str, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.args(args).envs(self.environment());
        tokio::task::spawn_blocking(move || command.output().expect("the program starts"))
            .await
            .unwrap()
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

/// Where `./dev/test` installed what tests run.
fn tool(name: &str) -> String {
    std::env::var("LATCHKEY_TEST_TOOLS").map_or_else(|_| name.to_owned(), |tools| format!("{tools}/{name}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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

/// The three lines of the README, and what a service does with them.
const BOTO3: &str = r#"
import boto3, os
s3 = boto3.client("s3")
ours, theirs = os.environ["OURS"], os.environ["THEIRS"]
s3.put_object(Bucket=ours, Key="python", Body=b"text")
assert s3.get_object(Bucket=ours, Key="python")["Body"].read() == b"text"
assert [o["Key"] for o in s3.list_objects_v2(Bucket=ours)["Contents"]] == ["python"]
s3.delete_object(Bucket=ours, Key="python")
try:
    s3.put_object(Bucket=theirs, Key="python", Body=b"text")
except s3.exceptions.ClientError as error:
    assert error.response["Error"]["Code"] == "AccessDenied", error
    print("refused")
"#;

#[rstest]
#[case("direct")]
#[case("assume_role")]
#[tokio::test(flavor = "multi_thread")]
async fn boto3_works_as_it_is(#[case] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let ran = stage.run(&tool("python"), &["-c", BOTO3]).await;
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(text(&ran.stdout), "refused\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_cli_works_as_it_is() {
    let stage = Stage::new("assume_role").await;
    let aws = tool("aws");
    let ours = format!("s3://{}/cli", stage.ours.bucket);
    let theirs = format!("s3://{}/cli", stage.theirs.bucket);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/rustfmt.toml");
    for args in [
        vec!["s3", "cp", file, &ours],
        vec!["s3", "cp", &ours, "-"],
        vec!["s3", "ls", &ours],
        vec!["s3", "rm", &ours],
    ] {
        let ran = stage.run(&aws, &args).await;
        assert!(ran.status.success(), "{args:?}: {}", text(&ran.stderr));
    }
    let refused = stage.run(&aws, &["s3", "cp", file, &theirs]).await;
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("AccessDenied"), "{}", text(&refused.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_sdk_works_as_it_is() {
    let stage = Stage::new("assume_role").await;
    // The SDK reads the environment of its process: this program once more, with another one.
    let program = std::env::current_exe().unwrap();
    let program = program.to_str().unwrap();
    let ran = stage
        .run(program, &["credentials::a_program_of_the_vendors", "--exact", "--ignored"])
        .await;
    assert!(ran.status.success(), "{}{}", text(&ran.stdout), text(&ran.stderr));
    assert!(text(&ran.stdout).contains("1 passed"), "{}", text(&ran.stdout));
}

#[tokio::test]
#[ignore = "it is run by the test before it, in an environment made for it"]
async fn a_program_of_the_vendors() {
    let config = aws_config::defaults(BehaviorVersion::latest()).load().await;
    let client = s3::Client::from_conf(s3::config::Builder::from(&config).force_path_style(true).build());
    let [ours, theirs] = ["OURS", "THEIRS"].map(|name| std::env::var(name).unwrap());
    put(&client, &ours, "rust").await.unwrap();
    let read = client.get_object().bucket(&ours).key("rust").send().await.unwrap();
    assert_eq!(&read.body.collect().await.unwrap().to_vec(), b"text");
    let listed = client.list_objects_v2().bucket(&ours).send().await.unwrap();
    assert_eq!(listed.contents().len(), 1);
    client.delete_object().bucket(&ours).key("rust").send().await.unwrap();
    assert_eq!(put(&client, &theirs, "rust").await.unwrap_err(), "AccessDenied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_process_gives_them_too() {
    let stage = Stage::new("direct").await;
    let private = stage.server.private.clone();
    let token = stage.token.clone();
    let ran = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_latchkey"))
            .args(["credential-process", "--tenant", "ours", "--access", "read"])
            .env("LATCHKEY_URL", private)
            .env("LATCHKEY_TOKEN", token)
            .output()
            .expect("the binary starts")
    });
    let ran = ran.await.unwrap();
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let mut printed: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(printed["Version"], 1);
    printed["Token"] = printed["SessionToken"].clone();
    let reading = stage.client(&printed);
    assert_eq!(put(&reading, &stage.ours.bucket, "x").await.unwrap_err(), "AccessDenied");
    assert!(reading.list_objects_v2().bucket(&stage.ours.bucket).send().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_cold_callers_get_the_same_ones() {
    let stage = Stage::new("direct").await;
    let given = join_all((0..500).map(|_| stage.get(""))).await;
    let first = given[0].body.clone();
    assert!(first["Token"].is_string(), "{first:#}");
    assert!(given.iter().all(|answer| answer.status == 200 && answer.body == first));
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
    stage.server.post("/v1/tenants/ours/suspend", &because).await.expect(200);
    assert_eq!(stage.get("").await.status, 403, "what is held is given no more");
}
