//! The process is killed, or told to stop, in the middle of a verification.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::aws::{REGION, World, apply_templates};
use crate::support::aws_proxy::HeldRequests;
use crate::support::server::{TIMEOUT, TestServer};

/// A process that works on the queue of a server's database.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Worker {
    fn start(world: &World, server: &TestServer, endpoint: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_latchkey"))
            .arg("worker")
            .env("DATABASE_URL", &server.database_url)
            .env("LATCHKEY_STORAGE_ROLE_ARN", &world.storage_role)
            .env("LATCHKEY_DIRECT_ROLE_ARN", &world.direct_role)
            .env("LATCHKEY_WORKER_LOST_AFTER", "1s")
            .env("LATCHKEY_S3_PATH_STYLE", "true")
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", &world.latchkey.id)
            .env("AWS_SECRET_ACCESS_KEY", &world.latchkey.secret)
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the worker starts");
        Self(child)
    }

    fn signal(&self, signal: &str) {
        send(signal, self.0.id());
    }

    /// Waits for the process to end by itself.
    async fn ended(mut self) -> std::process::ExitStatus {
        let ended = tokio::task::spawn_blocking(move || self.0.wait());
        tokio::time::timeout(TIMEOUT, ended)
            .await
            .expect("the process ends")
            .unwrap()
            .unwrap()
    }
}

fn send(signal: &str, process: u32) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(sent.expect("kill is there").success());
}

/// A submission whose verification has written its object and is held.
async fn in_the_middle(world: &World, held: &HeldRequests) -> (TestServer, Worker, String, Value) {
    let stage = with_a_held_request(world, held, "assume_role").await;
    assert_eq!(world.customer.contents(&stage.2).await.0.len(), 1, "the probe object is there");
    stage
}

#[tokio::test]
async fn a_killed_run_is_taken_over_and_cleaned_up() {
    let world = World::new().await;
    let held = HeldRequests::to(&world.endpoint, "GET", "latchkey-probe").await;
    let (server, worker, bucket, id) = in_the_middle(&world, &held).await;
    worker.signal("-KILL");
    worker.ended().await;
    let lost = server.get(&format!("/v1/verifications/{}", id.as_str().unwrap())).await.expect(200);
    assert_eq!(lost["state"], "running");

    end_lease(&server).await;
    let _next = Worker::start(&world, &server, &world.endpoint);
    let verification = server.finished(&id).await;
    assert_eq!(verification["verdict"], "verified", "{verification:#}");
    assert_eq!(verification["attempt"], 2);
    assert_eq!(verification["leftovers"], serde_json::json!([]));
    assert_eq!(
        world.customer.contents(&bucket).await.0,
        Vec::<String>::new(),
        "both probe objects are gone"
    );
    assert_eq!(server.status("acme").await, "active");
}

/// Lets the lease of the run end at once, and returns when it would have ended.
async fn end_lease(server: &TestServer) -> DateTime<Utc> {
    let ended = "with old as (select id, lease_until from verifications where state = 'running')
                 update verifications v set lease_until = clock_timestamp() from old where v.id = old.id returning old.lease_until";
    sqlx::query_scalar(ended).fetch_one(&server.pool).await.unwrap()
}

/// The deadline of a put is in its session, so it is real time that has to pass.
async fn wait_until(server: &TestServer, time: DateTime<Utc>) {
    let wait = sqlx::query("select pg_sleep_until($1)").bind(time);
    wait.execute(&server.pool).await.unwrap();
}

/// A server without a worker of its own, a worker, and a submission whose verification is held.
async fn with_a_held_request(world: &World, held: &HeldRequests, mode: &'static str) -> (TestServer, Worker, String, Value) {
    let server = TestServer::builder().aws(world).without_worker().start().await;
    server.create_tenant("acme").await;
    let applied = apply_templates(world, &server, "acme", mode).await;
    let worker = Worker::start(world, &server, &held.url);
    let submitted = server
        .post("/v1/tenants/acme/storage-configs", &applied.submission())
        .await
        .expect(202);
    held.one_is_held().await;
    (server, worker, applied.bucket, submitted["verification"]["id"].clone())
}

/// A worker is suspended before its put, and resumes after another one has taken over, cleaned up and finished.
#[rstest]
#[tokio::test]
async fn a_suspended_process_that_goes_on_puts_nothing(#[values("assume_role", "direct")] mode: &'static str) {
    let world = World::new().await;
    let puts = HeldRequests::to(&world.endpoint, "PUT", "latchkey-probe").await;
    // STS and KMS.
    let held = HeldRequests::to(&puts.url, "POST", "/").await;
    let (server, worker, bucket, id) = with_a_held_request(&world, &held, mode).await;
    worker.signal("-STOP");
    held.release();

    end_lease(&server).await;
    let _next = Worker::start(&world, &server, &world.endpoint);
    let verification = server.finished(&id).await;
    assert_eq!(verification["verdict"], "verified", "{verification:#}");

    worker.signal("-CONT");
    worker.signal("-TERM");
    assert!(worker.ended().await.success(), "it ends its run");
    assert_eq!(puts.count(), 0, "it sends no put");
    assert_eq!(world.customer.contents(&bucket).await.0, [""; 0]);
}

/// `./dev/soak tests` runs it: 200 workers are suspended at any moment of a verification, and go on when others have taken over.
#[rstest]
#[tokio::test]
#[ignore = "takes minutes"]
async fn soak_suspended_workers_leave_nothing_unknown(#[values("assume_role", "direct")] mode: &'static str) {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).without_worker().start().await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", mode).await;
    let first = Worker::start(&world, &server, &world.endpoint);
    assert_eq!(server.submit("acme", &applied.submission()).await["verdict"], "verified");
    drop(first);
    let mut random = StdRng::seed_from_u64(1);
    let mut suspended = 0;
    for round in 0..100 {
        let worker = Worker::start(&world, &server, &world.endpoint);
        let requested = server.post("/v1/tenants/acme/verifications", &json!({})).await.expect(202);
        let id = &requested["id"];
        while state(&server, id).await == "queued" {}
        let moment = Duration::from_millis(random.random_range(0..400));
        sqlx::query("select pg_sleep($1)")
            .bind(moment.as_secs_f64())
            .execute(&server.pool)
            .await
            .unwrap();
        worker.signal("-STOP");
        if state(&server, id).await == "running" {
            suspended += 1;
            end_lease(&server).await;
            let next = Worker::start(&world, &server, &world.endpoint);
            assert_eq!(server.finished(id).await["verdict"], "verified", "round {round}");
            drop(next);
        }
        worker.signal("-CONT");
        worker.signal("-TERM");
        let ended = worker.ended().await;
        assert!(ended.success(), "round {round}: {ended}");

        let known: Vec<String> = sqlx::query_scalar("select unnest(probe_objects) from verifications")
            .fetch_all(&server.pool)
            .await
            .unwrap();
        let left = world.customer.contents(&applied.bucket).await.0;
        assert!(left.iter().all(|key| known.contains(key)), "round {round}: {left:?} {known:?}");
    }
    assert!(
        suspended >= 50,
        "only {suspended} workers were suspended in the middle of a verification"
    );
    let last = Worker::start(&world, &server, &world.endpoint);
    server.verify("acme").await;
    assert_eq!(world.customer.contents(&applied.bucket).await.0, [""; 0]);
    drop(last);
}

async fn state(server: &TestServer, id: &Value) -> Value {
    let verification = server.get(&format!("/v1/verifications/{}", id.as_str().expect("an ID"))).await;
    verification.expect(200)["state"].clone()
}

/// The worker was suspended after its put was sent, and the put arrives after another one has cleaned up. Only AWS can refuse it
/// now.
#[rstest]
#[tokio::test]
async fn a_put_that_arrives_after_the_lease_is_denied(#[values("assume_role", "direct")] mode: &'static str) {
    let world = World::new().await;
    let puts = HeldRequests::to(&world.endpoint, "PUT", "latchkey-probe").await;
    let (server, worker, bucket, id) = with_a_held_request(&world, &puts, mode).await;
    worker.signal("-STOP");

    let lease_until = end_lease(&server).await;
    let _next = Worker::start(&world, &server, &world.endpoint);
    let verification = server.finished(&id).await;
    assert_eq!(verification["verdict"], "verified", "{verification:#}");
    assert_eq!(verification["leftovers"], json!([]));

    wait_until(&server, lease_until).await;
    puts.release();
    puts.answered().await;
    assert_eq!(world.customer.contents(&bucket).await.0, [""; 0]);
}

#[tokio::test]
async fn lost_database_connections_are_recovered() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", "assume_role").await;
    assert_eq!(server.submit("acme", &applied.submission()).await["verdict"], "verified");
    let everyone_else =
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    let ended = sqlx::query(everyone_else).execute(&server.pool).await.unwrap();
    assert!(ended.rows_affected() > 0);
    let again = server.submit("acme", &applied.submission()).await;
    assert_eq!((&again["verdict"], &again["version"]), (&Value::from("verified"), &Value::from(2)));
}

#[tokio::test]
async fn a_first_signal_lets_running_checks_finish() {
    let world = World::new().await;
    let held = HeldRequests::to(&world.endpoint, "GET", "latchkey-probe").await;
    let (server, worker, bucket, id) = in_the_middle(&world, &held).await;
    worker.signal("-TERM");
    held.release();
    assert!(worker.ended().await.success());
    let verification = server.finished(&id).await;
    assert_eq!(
        (&verification["verdict"], &verification["attempt"]),
        (&Value::from("verified"), &Value::from(1))
    );
    assert_eq!(world.customer.contents(&bucket).await.0, Vec::<String>::new());
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let world = World::new().await;
    let held = HeldRequests::to(&world.endpoint, "GET", "latchkey-probe").await;
    let (_server, worker, _, _) = in_the_middle(&world, &held).await;
    let process = worker.0.id();
    worker.signal("-TERM");
    let mut ended = Box::pin(worker.ended());
    // The request stays held: one signal gives running jobs their grace period, 25 s.
    let waits = tokio::time::timeout(Duration::from_millis(300), &mut ended).await.is_err();
    assert!(waits, "one signal does not end running jobs");
    send("-TERM", process);
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .expect("a second signal does");
}

/// The worker looks at all named queues to find a job, so there is none for each tenant.
#[tokio::test(flavor = "multi_thread")]
async fn tenants_have_no_queues_of_their_own() {
    let server = TestServer::builder().aws(&World::new().await).start().await;
    let count = async |table: &'static str| -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from graphile_worker._private_{table}"));
        sqlx::query_scalar(sql).fetch_one(&server.pool).await.unwrap()
    };
    for slug in ["acme", "globex"] {
        server.create_tenant(slug).await;
        let nowhere = json!({
            "mode": "direct",
            "bucket_arn": "arn:aws:s3:::no-such-bucket-anywhere",
            "bucket_region": REGION,
            "key_arn": format!("arn:aws:kms:{REGION}:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        });
        assert_eq!(server.submit(slug, &nowhere).await["verdict"], "rejected");
    }
    let waiting = async { while count("jobs").await > 0 {} };
    assert!(tokio::time::timeout(TIMEOUT, waiting).await.is_ok(), "jobs stay");
    assert_eq!(count("job_queues").await, 0);
}
