//! The vendor's own setup is wrong: customers need not act, operations are alerted, and `check-config --aws` finds it first.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::json;

use crate::support::aws::{REGION, World, apply_templates};
use crate::support::server::{TestServer, check, checks};

fn command(world: &World, server: &TestServer, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command
        .args(args)
        .env("DATABASE_URL", &server.database_url)
        .env("LATCHKEY_STORAGE_ROLE_ARN", &world.storage_role)
        .env("LATCHKEY_DIRECT_ROLE_ARN", &world.direct_role)
        .env("LATCHKEY_PUBLIC_LISTEN", "127.0.0.1:0")
        .env("LATCHKEY_PRIVATE_LISTEN", "127.0.0.1:0")
        .env("LATCHKEY_S3_PATH_STYLE", "true")
        .env("AWS_ENDPOINT_URL", &world.endpoint)
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", &world.latchkey.id)
        .env("AWS_SECRET_ACCESS_KEY", &world.latchkey.secret);
    command
}

/// A serving process, ended with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Nobody may assume a role any more.
async fn shut(world: &World, role: &str) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", world.customer.id)}}]});
    world.vendor.put_trust(role, &trust).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_fault_alerts_operations_and_reassures_the_customer() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).without_worker().start().await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", "assume_role").await;
    shut(&world, "storage").await;

    let mut serving = command(&world, &server, &["serve", "--propagation-window", "0s"])
        .env("LATCHKEY_LOG", "info")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the process starts");
    let lines = BufReader::new(serving.stderr.take().expect("it writes to the standard error")).lines();
    let _serving = Serving(serving);
    let submitted = server
        .post("/v1/tenants/acme/storage-configs", &applied.submission())
        .await
        .expect(202);

    // Drain its output, so that it never blocks on a full pipe.
    let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| said.send(line).or(Ok::<_, ()>(()))));
    let listen = async {
        let (mut private, mut alert, mut waits) = (None, None, false);
        while private.is_none() || alert.is_none() || !waits {
            let line = heard.recv().await.expect("it goes on");
            if line.contains("private listener ready") {
                private = line.split("address=").nth(1).map(|rest| rest.trim().to_owned());
            }
            if line.contains("the vendor's own setup") {
                alert = Some(line);
            } else if line.contains("will be retried") {
                waits = true;
            }
        }
        (private, alert)
    };
    let (private, alert) = tokio::time::timeout(crate::support::server::TIMEOUT, listen)
        .await
        .expect("it says so");
    let alert = alert.expect("ops are alerted");
    assert!(alert.contains("ERROR") && alert.contains("vendor-role-assumable"), "{alert}");

    let metrics = server
        .bare(reqwest::Method::GET, &format!("http://{}/metrics", private.expect("it listens")))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        metrics.contains(r#"latchkey_vendor_faults_total{check="vendor-role-assumable",code="AccessDenied"} 1"#),
        "{metrics}"
    );

    let id = submitted["verification"]["id"].as_str().unwrap();
    let verification = server.get(&format!("/v1/verifications/{id}")).await.expect(200);
    assert_eq!(verification["verdict"], json!(null), "it is asked again");
    assert!(verification["next_attempt_at"].is_string());
    assert_eq!(checks(&verification, "failed"), [""; 0]);
    let role = check(&verification, "vendor-role-assumable");
    assert_eq!(role["side"], "vendor");
    let summary = role["summary"].as_str().unwrap();
    assert!(summary.contains("No action is needed from the customer"), "{summary}");
}

async fn check_config(world: &World, server: &TestServer, env: &[(&'static str, &'static str)]) -> Output {
    let mut command = command(world, server, &["check-config", "--aws"]);
    command.envs(env.iter().copied());
    tokio::task::spawn_blocking(move || command.output().expect("the process starts"))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_finds_faults_of_the_vendor_setup() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).without_worker().start().await;
    let told = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();

    let right = check_config(&world, &server, &[]).await;
    assert_eq!(right.status.code(), Some(0), "{}", told(&right));
    for line in [
        "ok       process: ",
        "ok       clock: ",
        "ok       storage role: ",
        "ok       customers' roles: ",
        "ok       customer-facing role, with a tag: ",
        "warning  customer-facing role, with another tag: ",
        "note     STS quota: This process requests at most 100 ",
    ] {
        assert!(told(&right).contains(line), "{line} is not in {}", told(&right));
    }
    assert!(
        !told(&right).contains("region ") && !told(&right).contains("own bucket "),
        "{}",
        told(&right)
    );

    let mut elsewhere = command(&world, &server, &["check-config", "--aws", "--region", "cn-north-1"]);
    let elsewhere = tokio::task::spawn_blocking(move || elsewhere.output().expect("the process starts"));
    assert_eq!(elsewhere.await.unwrap().status.code(), Some(2), "a region of another partition");

    let unknown_key = [("AWS_ACCESS_KEY_ID", "AKIANOBODYKNOWSTHIS0"), ("AWS_SECRET_ACCESS_KEY", "none")];
    let unknown = check_config(&world, &server, &unknown_key).await;
    assert_eq!(unknown.status.code(), Some(1), "{}", told(&unknown));
    assert!(
        told(&unknown).contains("failed   process: AWS rejects the credentials of the process"),
        "{}",
        told(&unknown)
    );

    let away = check_config(&world, &server, &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]).await;
    assert_eq!(away.status.code(), Some(3), "{}", told(&away));
    assert!(told(&away).contains("unknown  process: AWS cannot be reached"), "{}", told(&away));

    shut(&world, "storage").await;
    let shut = check_config(&world, &server, &[]).await;
    assert_eq!(shut.status.code(), Some(1), "{}", told(&shut));
    assert!(told(&shut).contains("failed   storage role: "), "{}", told(&shut));
    assert!(told(&shut).contains("ok       customer-facing role: "), "{}", told(&shut));
}
