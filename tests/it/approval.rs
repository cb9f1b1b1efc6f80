//! Changes of an active version that an operator has to approve.

use std::str::FromStr;

use latchkey::domain::approval::ApprovalPolicy;
use latchkey::domain::arn::KeyArn;
use latchkey::domain::ids::VerificationId;
use latchkey::domain::token::Role;
use latchkey::domain::vendor::Vendor;
use latchkey::service::run_verification::run_verification;
use latchkey::store::connect;
use latchkey::store::jobs::JobOrigin;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use crate::support::granting_cloud::GrantingCloud;
use crate::support::seed::Seed;
use crate::support::server::{ApiResponse, TestServer};
use crate::webhooks::Hook;

const FOREIGN: &str = "333333333333";

/// A server, and its tenant acme with version 1 active.
struct Stage {
    server: TestServer,
    seed: Seed,
    acme: Uuid,
}

impl Stage {
    async fn new(policy: ApprovalPolicy) -> Self {
        let server = TestServer::builder().approval(policy).start().await;
        let seed = Seed::new(&server);
        let acme = seed.active("acme").await;
        Self { server, seed, acme }
    }

    /// Version 2, in another account, is verified and waits for an approval.
    async fn pending() -> Self {
        let stage = Self::new(ApprovalPolicy::AccountChange).await;
        assert_eq!(stage.seed.submit_in(stage.acme, FOREIGN).await, 2);
        assert_eq!(stage.approval().await, "pending");
        stage
    }

    async fn detail(&self) -> Value {
        self.server.get("/v1/tenants/acme").await.expect(200)
    }

    async fn active(&self) -> Value {
        self.detail().await["active_version"].clone()
    }

    /// The state of the open approval.
    async fn approval(&self) -> Value {
        self.detail().await["open_approval"]["state"].clone()
    }

    /// The state of a version's approval.
    async fn state_of(&self, version: i32) -> String {
        sqlx::query_scalar("select a.state from approvals a join storage_configs c on c.id = a.config_id where c.version = $1")
            .bind(version)
            .fetch_one(&self.server.pool)
            .await
            .unwrap()
    }

    async fn decide(&self, version: i32, decision: &str) -> ApiResponse {
        let path = format!("/v1/tenants/acme/storage-configs/{version}/{decision}");
        self.server
            .post(&path, &json!({"reason": "The customer confirmed it by phone"}))
            .await
    }

    /// Approves version 2, and returns the verification that was queued.
    async fn approve(&self) -> VerificationId {
        let queued = self.decide(2, "approve").await;
        assert_eq!(
            queued.headers["location"],
            format!("/v1/verifications/{}", queued.body["id"].as_str().unwrap())
        );
        id(&queued.expect(202))
    }

    async fn audited(&self, action: &str) -> Vec<Value> {
        let events = self.server.get(&format!("/v1/events?action={action}")).await.expect(200);
        events["items"].as_array().unwrap().clone()
    }
}

fn id(verification: &Value) -> VerificationId {
    let id: Uuid = verification["id"].as_str().unwrap().parse().unwrap();
    id.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_account_is_verified_but_not_activated() {
    let stage = Stage::new(ApprovalPolicy::AccountChange).await;
    let hook = Hook::create(&stage.server, "http://127.0.0.1:9/").await;
    stage.seed.submit_in(stage.acme, FOREIGN).await;
    let detail = stage.detail().await;
    assert_eq!((&detail["active_version"], &detail["status"]), (&json!(1), &json!("active")));
    assert_eq!(detail["last_verification"]["verdict"], "verified");
    assert_eq!(detail["open_approval"]["state"], "pending");
    assert_eq!(detail["open_approval"]["config"]["bucket_account_id"], FOREIGN);

    let listed = stage.server.get("/v1/approvals").await.expect(200);
    let [pending] = listed["items"].as_array().unwrap().as_slice() else {
        panic!("{listed:#}")
    };
    assert_eq!(
        (&pending["slug"], &pending["config"]["version"], &pending["replaces"]["version"]),
        (&json!("acme"), &json!(2), &json!(1))
    );

    assert_eq!(stage.audited("storage_config.approval_requested").await.len(), 1);
    assert_eq!(stage.audited("storage_config.activated").await.len(), 1, "of version 1");
    let sent = hook.log(&stage.server).await;
    let requested: Vec<_> = sent
        .iter()
        .filter(|sent| sent["type"] == "storage_config.approval_requested")
        .collect();
    assert_eq!(requested.len(), 1, "{sent:#?}");
    let detail = stage
        .server
        .get(&hook.path(&format!("/deliveries/{}", requested[0]["id"].as_str().unwrap())))
        .await
        .expect(200);
    let payload: Value = match &detail["payload"] {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        other => other.clone(),
    };
    assert_eq!(payload["data"]["config"]["bucket_account_id"], FOREIGN);
    assert_eq!(payload["data"]["replaces"]["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_change_is_activated_once_it_is_verified_again() {
    let stage = Stage::pending().await;
    let hook = Hook::create(&stage.server, "http://127.0.0.1:9/").await;
    let verification = stage.approve().await;
    assert_eq!((stage.active().await, stage.approval().await), (json!(1), json!("approved")));
    stage.seed.verify(stage.acme, verification).await;
    assert_eq!((stage.active().await, stage.approval().await), (json!(2), Value::Null));
    assert_eq!(stage.state_of(2).await, "activated");

    let approved = stage.audited("storage_config.approved").await;
    assert_eq!(approved[0]["detail"]["reason"], "The customer confirmed it by phone");
    let activated = hook.log(&stage.server).await;
    assert!(
        activated.iter().any(|sent| sent["type"] == "storage_config.activated"),
        "{activated:#?}"
    );
    assert_eq!(stage.decide(2, "decline").await.status, 409, "it is decided");

    assert_eq!(stage.seed.submit_in(stage.acme, FOREIGN).await, 3);
    assert_eq!(stage.active().await, 3, "both accounts are in use now");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_change_that_is_rejected_has_to_be_approved_again() {
    let stage = Stage::pending().await;
    let verification = stage.approve().await;
    stage.seed.reject(verification).await;
    assert_eq!((stage.active().await, stage.state_of(2).await), (json!(1), "withdrawn".to_owned()));
    assert_eq!(stage.decide(2, "approve").await.status, 409);

    let again = stage
        .server
        .post("/v1/tenants/acme/verifications", &json!({"version": 2}))
        .await
        .expect(202);
    stage.seed.verify(stage.acme, id(&again)).await;
    assert_eq!((stage.active().await, stage.approval().await), (json!(1), json!("pending")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_change_is_never_activated() {
    let stage = Stage::pending().await;
    let declined = stage.decide(2, "decline").await.expect(200);
    assert_eq!(declined["state"], "declined");
    let again = stage
        .server
        .post("/v1/tenants/acme/verifications", &json!({"version": 2}))
        .await
        .expect(202);
    stage.seed.verify(stage.acme, id(&again)).await;
    assert_eq!((stage.active().await, stage.state_of(2).await), (json!(1), "declined".to_owned()));
    assert_eq!(stage.decide(2, "approve").await.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_or_the_end_of_the_tenant_withdraws_an_approval() {
    let stage = Stage::pending().await;
    stage.seed.submit_in(stage.acme, FOREIGN).await;
    assert_eq!(
        (stage.state_of(2).await.as_str(), stage.state_of(3).await.as_str()),
        ("withdrawn", "pending")
    );
    let refused = stage.decide(2, "approve").await;
    assert_eq!(refused.status, 409, "{:#}", refused.body);
    stage.seed.offboard(stage.acme).await;
    assert_eq!(stage.state_of(3).await, "withdrawn");
    assert_eq!(stage.server.get("/v1/approvals").await.expect(200)["items"], json!([]));
    assert_eq!(stage.audited("storage_config.approval_withdrawn").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_decides_which_changes_wait() {
    let always = Stage::new(ApprovalPolicy::Always).await;
    always.seed.submit_in(always.acme, "222222222222").await;
    assert_eq!(
        (always.active().await, always.approval().await),
        (json!(1), json!("pending")),
        "another bucket"
    );
    let same = always
        .server
        .post("/v1/tenants/acme/verifications", &json!({"version": 1}))
        .await
        .expect(202);
    always.seed.verify(always.acme, id(&same)).await;
    assert_eq!(always.approval().await, "pending", "the active version is verified as ever");

    let account = Stage::new(ApprovalPolicy::AccountChange).await;
    account.seed.submit_in(account.acme, "222222222222").await;
    assert_eq!(account.active().await, 2);

    let never = Stage::new(ApprovalPolicy::Never).await;
    never.seed.submit_in(never.acme, FOREIGN).await;
    assert_eq!(never.active().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_decide_and_only_with_a_reason() {
    let stage = Stage::pending().await;
    let path = "/v1/tenants/acme/storage-configs/2/approve";
    let viewer = stage.server.token_of(Role::Viewer).await;
    let url = format!("{}{path}", stage.server.private);
    let request = stage.server.bare(Method::POST, &url).bearer_auth(viewer);
    assert_eq!(stage.server.send_now(request.json(&json!({"reason": "x"}))).await.status, 403);
    assert_eq!(stage.server.post(path, &json!({})).await.errors()[0].0, "reason");
    assert_eq!(stage.decide(1, "approve").await.status, 409, "version 1 is active");
    assert_eq!(stage.decide(9, "approve").await.status, 404);
    assert_eq!(stage.approval().await, "pending");
}

/// Another tenant's bucket cannot be approved, either.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_another_tenant_took_meanwhile_is_rejected() {
    let stage = Stage::pending().await;
    let verification = stage.approve().await;
    sqlx::query(
        "update active_configs set location = (select bucket_arn || '/' from storage_configs where tenant_id = $1 and version = 2)
         where tenant_id = $2",
    )
    .bind(stage.acme)
    .bind(stage.seed.active("globex").await)
    .execute(&stage.server.pool)
    .await
    .unwrap();
    stage.seed.verify(stage.acme, verification).await;
    let detail = stage.detail().await;
    assert_eq!(
        (&detail["active_version"], &detail["last_verification"]["verdict"]),
        (&json!(1), &json!("rejected"))
    );
    assert_eq!(stage.state_of(2).await, "withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_can_be_taken_back() {
    let stage = Stage::pending().await;
    let verification = stage.approve().await;
    assert_eq!(stage.decide(2, "decline").await.expect(200)["state"], "declined");
    stage.seed.verify(stage.acme, verification).await;
    assert_eq!((stage.active().await, stage.state_of(2).await), (json!(1), "declined".to_owned()));
}

/// An approval is for now. Otherwise anyone with a link could use it weeks later.
#[tokio::test(flavor = "multi_thread")]
async fn an_approved_change_without_a_result_is_pending_again() {
    let stage = Stage::pending().await;
    let verification = stage.approve().await;
    let mut context = stage.server.context.clone();
    let without_roles = Vendor {
        direct_role: None,
        ..Vendor::clone(&context.vendor)
    };
    context.vendor = without_roles.into();
    let cloud = GrantingCloud::new(stage.seed.find(stage.acme).await.external_id, key());
    run_verification(&context, &cloud, verification, &JobOrigin::default())
        .await
        .unwrap();
    assert_eq!(stage.detail().await["last_verification"]["verdict"], "inconclusive");
    assert_eq!((stage.active().await, stage.approval().await), (json!(1), json!("pending")));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_verification_of_the_approval_activates() {
    let stage = Stage::pending().await;
    let verification = stage.approve().await;
    let other =
        "update approvals set verification_id = (select id from verifications where id <> $1 order by id limit 1) where state = 'approved'";
    sqlx::query(other)
        .bind(verification.as_uuid())
        .execute(&stage.server.pool)
        .await
        .unwrap();
    stage.seed.verify(stage.acme, verification).await;
    assert_eq!(stage.detail().await["last_verification"]["verdict"], "verified");
    assert_eq!((stage.active().await, stage.approval().await), (json!(1), json!("approved")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_change_stays_declined_whatever_the_setting_becomes() {
    let stage = Stage::pending().await;
    stage.decide(2, "decline").await.expect(200);
    let restarted = stage.server.replica().approval(ApprovalPolicy::Never).start().await;
    let again = restarted
        .post("/v1/tenants/acme/verifications", &json!({"version": 2}))
        .await
        .expect(202);
    Seed::new(&restarted).verify(stage.acme, id(&again)).await;
    assert_eq!((stage.active().await, stage.state_of(2).await), (json!(1), "declined".to_owned()));
}

/// A verification of the active version that was queued while a newer version was being verified.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_does_not_replace_a_newer_one() {
    let stage = Stage::new(ApprovalPolicy::AccountChange).await;
    let (version, newer) = stage.seed.try_submit(stage.acme).await.unwrap();
    let running = "update verifications set state = 'running', started_at = now(), lease_until = now() - interval '1 minute' where id = $1";
    sqlx::query(running)
        .bind(newer.as_uuid())
        .execute(&stage.server.pool)
        .await
        .unwrap();
    let older = stage
        .server
        .post("/v1/tenants/acme/verifications", &json!({"version": 1}))
        .await
        .expect(202);
    stage.seed.verify(stage.acme, newer).await;
    assert_eq!(stage.active().await, version);
    stage.seed.verify(stage.acme, id(&older)).await;
    let verdict: Option<String> = sqlx::query_scalar("select verdict from verifications where id = $1")
        .bind(id(&older).as_uuid())
        .fetch_one(&stage.server.pool)
        .await
        .unwrap();
    assert_eq!((stage.active().await, verdict.as_deref()), (json!(version), Some("superseded")));
}

#[tokio::test]
async fn pending_approvals_are_read_in_pages_with_one_query_each() {
    let server = TestServer::builder().approval(ApprovalPolicy::AccountChange).start().await;
    let seed = Seed::new(&server);
    for slug in ["acme", "globex", "initech"] {
        let tenant = seed.active(slug).await;
        seed.submit_in(tenant, FOREIGN).await;
    }
    let mut path = "/v1/approvals?limit=2".to_owned();
    let mut listed = Vec::new();
    loop {
        let page = server.get(&path).await.expect(200);
        for pending in page["items"].as_array().unwrap() {
            let detail = server
                .get(&format!("/v1/tenants/{}", pending["tenant_id"].as_str().unwrap()))
                .await
                .expect(200);
            assert_eq!(pending["config"], detail["open_approval"]["config"]);
            let mut active = detail["active"].clone();
            active.as_object_mut().unwrap().remove("verified_at");
            assert_eq!(pending["replaces"], active);
            listed.push(pending["slug"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => path = format!("/v1/approvals?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(listed, ["acme", "globex", "initech"]);

    // A connection prepares each of its statements once.
    let mut context = server.context.clone();
    context.pool = connect(PgConnectOptions::from_str(&server.database_url).unwrap(), 1);
    let read = latchkey::service::read::approvals::pending(&context, None, 10).await.unwrap();
    assert_eq!(read.len(), 3);
    let prepared: Vec<String> =
        sqlx::query_scalar("select statement from pg_prepared_statements where statement not like '%pg_prepared_statements%'")
            .fetch_all(&context.pool)
            .await
            .unwrap();
    assert_eq!(prepared.len(), 1, "{prepared:?}");
}

fn key() -> KeyArn {
    KeyArn::parse("arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab").unwrap()
}
