//! Storage that changes behind Latchkey's back: noticed by the next re-verification, told with the right sentence and the span of time.

use chrono::{DateTime, Utc};
use latchkey::domain::reverification::budget::{CallRates, Calls};
use latchkey::domain::reverification::schedule::Schedule;
use rstest::rstest;
use serde_json::{Value, json};

use super::credentials::Stage;
use crate::support::aws::{Account, World, apply_templates};
use crate::support::server::{TIMEOUT, TestServer};
use crate::webhooks::Hook;

/// Something that a customer does to storage that was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    DisableKey,
    ScheduleKeyDeletion,
    RemoveKeyStatement,
    EnableVersioning,
    ChangeDefaultKey,
    EncryptWithS3Keys,
    OpenBucketToPublic,
    OpenBucketToRole,
    RemoveTrust,
    RemoveTrustCondition,
    TrustWholeAccount,
    DeleteBucket,
    LoseBucketToAnother,
    RemoveReadPermission,
}

impl Act {
    async fn happen(self, stage: &Stage) {
        let (customer, ours) = (&stage.world.customer, &stage.ours);
        match self {
            Self::DisableKey => drop(customer.kms.disable_key().key_id(&ours.key).send().await.unwrap()),
            Self::ScheduleKeyDeletion => {
                let scheduled = customer.kms.schedule_key_deletion().key_id(&ours.key);
                scheduled.pending_window_in_days(7).send().await.unwrap();
            }
            Self::RemoveKeyStatement => customer.remove_from_key(&ours.key, "LatchkeyKey").await,
            Self::EnableVersioning => customer.keep_versions(&ours.bucket).await,
            Self::ChangeDefaultKey => {
                let key = customer.create_key().await;
                let everybody =
                    json!({"Sid": "Everybody", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"});
                customer.add_to_key(&key, &everybody).await;
                change(stage, "bucket-encryption", |text| text.replace(&ours.key, &key)).await;
            }
            Self::EncryptWithS3Keys => {
                let rule = json!({"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]});
                ours.apply(customer, "bucket-encryption", &rule).await;
            }
            Self::OpenBucketToPublic => {
                customer.s3.delete_public_access_block().bucket(&ours.bucket).send().await.unwrap();
                allow(stage, &json!("*")).await;
            }
            Self::OpenBucketToRole => allow(stage, &json!({"AWS": stage.world.direct_role})).await,
            Self::RemoveTrust => {
                let nobody = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                    "Principal": {"AWS": format!("arn:aws:iam::{}:root", customer.id)}}]});
                customer.put_trust(&ours.role_name, &nobody).await;
            }
            Self::RemoveTrustCondition => {
                let mut trust = ours.document("trust-policy");
                trust["Statement"][0].as_object_mut().unwrap().remove("Condition");
                ours.apply(customer, "trust-policy", &trust).await;
            }
            Self::TrustWholeAccount => {
                let mut trust = ours.document("trust-policy");
                trust["Statement"][0]["Principal"]["AWS"] = json!(format!("arn:aws:iam::{}:root", stage.world.vendor.id));
                ours.apply(customer, "trust-policy", &trust).await;
            }
            Self::DeleteBucket => drop(customer.s3.delete_bucket().bucket(&ours.bucket).send().await.unwrap()),
            Self::LoseBucketToAnother => {
                customer.s3.delete_bucket().bucket(&ours.bucket).send().await.unwrap();
                let another = Account::new(&stage.world.endpoint).await;
                another.take_bucket_for_everybody(&ours.bucket).await;
            }
            Self::RemoveReadPermission => {
                for document in ["role-permissions", "bucket-policy"] {
                    change(stage, document, |text| text.replace("\"s3:GetObject\",", "")).await;
                }
            }
        }
    }

    /// Whether the few calls of a light re-verification show it.
    fn is_seen_lightly(self) -> bool {
        matches!(
            self,
            Self::DisableKey
                | Self::ScheduleKeyDeletion
                | Self::RemoveKeyStatement
                | Self::RemoveTrust
                | Self::DeleteBucket
                | Self::LoseBucketToAnother
        )
    }
}

async fn change(stage: &Stage, document: &str, change: impl FnOnce(String) -> String) {
    let body: Value = serde_json::from_str(&change(stage.ours.document(document).to_string())).unwrap();
    stage.ours.apply(&stage.world.customer, document, &body).await;
}

/// Lets a principal read the bucket without any condition.
async fn allow(stage: &Stage, principal: &Value) {
    let mut policy = stage.ours.document("bucket-policy");
    let statement = json!({"Sid": "Others", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{}/*", stage.ours.bucket)});
    policy["Statement"].as_array_mut().unwrap().push(statement);
    stage.ours.apply(&stage.world.customer, "bucket-policy", &policy).await;
}

/// The drifts of `acme`, newest first, once there are any that meet a condition.
async fn drifts(server: &TestServer, done: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let looked = async {
        loop {
            let page = server.get("/v1/tenants/acme/drift").await.expect(200);
            let items = page["items"].as_array().expect("items are a list").clone();
            if !items.is_empty() && done(&items) {
                return items;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, looked).await.expect("a drift is found")
}

async fn verify_again(server: &TestServer) {
    let asked = json!({"within_seconds": 0, "reason": "a test"});
    let answer = server.post("/v1/reverifications", &asked).await.expect(200);
    assert!(answer["storage_configs"].as_u64() >= Some(1), "{answer}");
}

async fn make_light_one_due(stage: &Stage) {
    sqlx::query("update reverifications set due_at = now() where tenant_id = (select id from tenants where slug = 'acme')")
        .execute(&stage.server.pool)
        .await
        .unwrap();
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a time").parse().expect("a time")
}

#[rstest]
#[case("assume_role", Act::DisableKey, "key-suitable", "The key is disabled.")]
#[case("assume_role", Act::ScheduleKeyDeletion, "key-suitable", "The key is scheduled for deletion on ")]
#[case(
    "direct",
    Act::RemoveKeyStatement,
    "key-describable",
    "The key policy gives Example Vendor no access."
)]
#[case(
    "assume_role",
    Act::EnableVersioning,
    "versioning-disabled",
    "The bucket keeps old versions of objects."
)]
#[case("assume_role", Act::ChangeDefaultKey, "encrypted-with-key", "with another key: arn:aws:kms:")]
#[case(
    "assume_role",
    Act::EncryptWithS3Keys,
    "encrypted-with-key",
    "The bucket encrypts with AES256, not with a KMS key."
)]
#[case(
    "direct",
    Act::OpenBucketToPublic,
    "bucket-not-public",
    "Anyone on the internet can call s3:GetObject"
)]
#[case(
    "direct",
    Act::OpenBucketToRole,
    "bucket-requires-external-id",
    "The bucket allowed calls that it must deny:"
)]
#[case(
    "assume_role",
    Act::RemoveTrust,
    "client-role-assumable",
    "The customer's role denied access to Example Vendor."
)]
#[case(
    "assume_role",
    Act::RemoveTrustCondition,
    "role-requires-external-id",
    "The customer's role can be assumed without an external ID"
)]
#[case(
    "assume_role",
    Act::TrustWholeAccount,
    "role-denies-other-roles",
    "The customer's role can also be assumed by another role of Example Vendor."
)]
#[case("assume_role", Act::DeleteBucket, "bucket-reachable", "There is no bucket named ")]
#[case(
    "direct",
    Act::LoseBucketToAnother,
    "bucket-owner-matches",
    "The bucket does not belong to the account "
)]
#[case(
    "assume_role",
    Act::RemoveReadPermission,
    "object-readable",
    "Example Vendor was denied s3:GetObject."
)]
#[tokio::test(flavor = "multi_thread")]
async fn each_drift_is_told_with_its_sentence(#[case] mode: &'static str, #[case] act: Act, #[case] check: &str, #[case] sentence: &str) {
    let stage = Stage::new(mode).await;
    let verified = stage.server.get("/v1/tenants/acme").await.expect(200);
    let verified_at = time(&verified["reverification"]["verified_in_full_at"]);
    act.happen(&stage).await;
    if act.is_seen_lightly() {
        make_light_one_due(&stage).await;
    } else {
        verify_again(&stage.server).await;
    }
    let found = drifts(&stage.server, |found| found.iter().any(|drift| drift["check"] == check)).await;
    let drift = found.iter().find(|drift| drift["check"] == check).unwrap();
    let summary = drift["after"]["summary"].as_str().unwrap();
    assert!(summary.contains(sentence), "{summary}");
    assert_eq!(
        (&drift["direction"], &drift["before"]["status"]),
        (&json!("worse"), &json!("passed"))
    );
    assert!(
        time(&drift["not_before"]) >= verified_at && time(&drift["not_before"]) < time(&drift["found_at"]),
        "{drift:#}"
    );
    let path = format!("/v1/verifications/{}", drift["verification_id"].as_str().unwrap());
    let verification = stage.server.get(&path).await.expect(200);
    assert_eq!(verification["trigger"], "scheduled");
}

/// Neither depth leaves a trace while nothing changed, and the next full one knows the same.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn unchanged_storage_leaves_no_record(#[values("direct", "assume_role")] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let counts = async || -> (i64, i64, i64) {
        let counted = sqlx::query_as(
            "select (select count(*) from verifications), (select count(*) from verification_checks), (select count(*) from audit_events)",
        );
        counted.fetch_one(&stage.server.pool).await.unwrap()
    };
    let before = counts().await;
    for depth in ["light", "full"] {
        let times = async || -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
            let times = sqlx::query_as(
                "select light_at, full_at from reverifications r join tenants t on t.id = r.tenant_id where t.slug = 'acme'",
            );
            times.fetch_one(&stage.server.pool).await.unwrap()
        };
        let (light, full) = times().await;
        let due = match depth {
            "light" => "update reverifications set due_at = now()",
            _ => "update reverifications set due_at = now(), full_due_at = now()",
        };
        sqlx::query(due).execute(&stage.server.pool).await.unwrap();
        let looked = async {
            loop {
                let (light_now, full_now) = times().await;
                if light_now > light {
                    assert_eq!(full_now > full, depth == "full");
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(TIMEOUT, looked).await.expect("it is verified again");
    }
    assert_eq!(counts().await, before);
    let page = stage.server.get("/v1/tenants/acme/drift").await.expect(200);
    assert_eq!(page["items"], json!([]));
    let (keys, _) = stage.world.customer.contents(&stage.ours.bucket).await;
    assert_eq!(keys, [""; 0], "the probe object of the full one is deleted");
}

/// Verifies again until a re-verification found what was known.
async fn verify_again_until_known(stage: &Stage) {
    let repeats = async || -> i32 {
        let repeats =
            sqlx::query_scalar("select repeats from reverifications r join tenants t on t.id = r.tenant_id where t.slug = 'acme'");
        repeats.fetch_one(&stage.server.pool).await.unwrap()
    };
    let before = repeats().await;
    verify_again(&stage.server).await;
    let looked = async {
        while repeats().await == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, looked).await.expect("it is verified again");
}

/// A version that nobody may delete would be added each time.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_again_to_a_bucket_that_keeps_versions(#[values("direct", "assume_role")] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let versions = async || stage.world.customer.contents(&stage.ours.bucket).await.1;
    let before = versions().await;
    Act::EnableVersioning.happen(&stage).await;
    verify_again(&stage.server).await;
    let found = drifts(&stage.server, |found| !found.is_empty()).await;
    assert_eq!(found[0]["check"], "versioning-disabled");
    let written = versions().await;
    assert_eq!(written, before + 2, "an object and its delete marker");
    verify_again_until_known(&stage).await;
    assert_eq!(versions().await, written);

    stage.world.customer.suspend_versions(&stage.ours.bucket).await;
    assert_eq!(stage.server.verify("acme").await["verdict"], "verified");
}

/// Neither a re-verification nor the verification that it queues adds an object.
#[tokio::test(flavor = "multi_thread")]
async fn one_object_is_left_at_most_by_reverifications() {
    let stage = Stage::new("assume_role").await;
    let drop_delete = |text: String| text.replace("\"s3:DeleteObject\",", "");
    for document in ["role-permissions", "bucket-policy"] {
        change(&stage, document, drop_delete).await;
    }
    for _ in 0..2 {
        verify_again(&stage.server).await;
        drifts(&stage.server, |found| !found.is_empty()).await;
        verify_again_until_known(&stage).await;
        let (objects, _) = stage.world.customer.contents(&stage.ours.bucket).await;
        assert_eq!(objects.len(), 1, "{objects:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_is_a_drift_too_and_webhooks_get_both() {
    let stage = Stage::new("assume_role").await;
    let hook = Hook::create(&stage.server, "http://127.0.0.1:9/").await;
    Act::EnableVersioning.happen(&stage).await;
    verify_again(&stage.server).await;
    drifts(&stage.server, |found| found[0]["direction"] == "worse").await;
    stage.world.customer.suspend_versions(&stage.ours.bucket).await;
    // On schedule, nothing is written again to a bucket that kept versions.
    stage.server.verify("acme").await;
    let found = drifts(&stage.server, |found| found[0]["direction"] == "better").await;
    assert_eq!(
        found.last().unwrap()["check"],
        "versioning-disabled",
        "the first one is still known"
    );
    let feed = stage.server.get("/v1/drift?check=versioning-disabled&since=1h").await.expect(200);
    let directions: Vec<&Value> = feed["items"].as_array().unwrap().iter().map(|drift| &drift["direction"]).collect();
    assert_eq!(directions, ["better", "worse"]);
    assert_eq!(feed["items"][0]["slug"], "acme");

    let log = hook
        .log_until(&stage.server, |log| {
            log.iter().filter(|sent| sent["type"] == "tenant.drifted").count() >= 2
        })
        .await;
    let first = log.iter().find(|sent| sent["type"] == "tenant.drifted").unwrap();
    let path = hook.path(&format!("/deliveries/{}", first["id"].as_str().unwrap()));
    let delivery = stage.server.get(&path).await.expect(200);
    let payload = &delivery["payload"];
    let change = &payload["data"]["changes"][0];
    assert_eq!(
        (&payload["data"]["slug"], &change["check"]),
        (&json!("acme"), &json!("versioning-disabled"))
    );
    assert_eq!(change["after"]["summary"], "The bucket keeps old versions of objects.");
}

/// A denial in production makes the tenant due at once: of credentials, and as a service reports it.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_denial_in_production_is_looked_into_at_once(#[values("credentials", "report")] how: &'static str) {
    let stage = Stage::new("assume_role").await;
    let url = |path: &str| format!("{}/internal/v1/tenants/acme/{path}", stage.server.private);
    if how == "credentials" {
        Act::RemoveTrust.happen(&stage).await;
        let asked = stage
            .server
            .bare(reqwest::Method::GET, &url("credentials"))
            .bearer_auth(&stage.token);
        stage.server.send(asked).await.expect(503);
    } else {
        Act::RemoveReadPermission.happen(&stage).await;
        let report = json!({"operation": "s3:GetObject", "code": "AccessDenied", "request_id": "79104EXAMPLEB723"});
        for is_first in [true, false] {
            let reported = stage
                .server
                .bare(reqwest::Method::POST, &url("reports"))
                .bearer_auth(&stage.token)
                .json(&report);
            let answer = stage.server.send(reported).await.expect(202);
            assert_eq!(answer["due_now"], is_first);
        }
    }
    let found = drifts(&stage.server, |_| true).await;
    let expected = if how == "credentials" {
        "client-role-assumable"
    } else {
        "object-readable"
    };
    assert_eq!(found[0]["check"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_names_every_fault_and_only_ones_own_tenants_can_be_reported() {
    let stage = Stage::new("assume_role").await;
    let post = async |tenant: &str, body: &Value| {
        let url = format!("{}/internal/v1/tenants/{tenant}/reports", stage.server.private);
        let request = stage.server.bare(reqwest::Method::POST, &url).bearer_auth(&stage.token).json(body);
        stage.server.send(request).await
    };
    let refused = post("acme", &json!({"code": "<script>"})).await.expect(422);
    let fields: Vec<&Value> = refused["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["operation", "code"]);
    post("nobody", &json!({"operation": "s3:GetObject", "code": "AccessDenied"}))
        .await
        .expect(404);
}

/// A fault of AWS or the vendor asks nothing of the customer, and is tried again until there is a result.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_blocked_by_the_vendor_goes_on_by_itself() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).schedule(Schedule::OFF).start().await;
    server.create_tenant("acme").await;
    let documents = apply_templates(&world, &server, "acme", "direct").await;
    let name = world.direct_role.rsplit('/').next().unwrap();
    let before = world.vendor.iam.get_role().role_name(name).send().await.unwrap();
    let before = before.role.and_then(|role| role.assume_role_policy_document).unwrap();
    let before = percent_encoding::percent_decode_str(&before).decode_utf8().unwrap().into_owned();
    let nobody = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", world.customer.id)}}]});
    world.vendor.put_trust(name, &nobody).await;
    assert_eq!(server.submit("acme", &documents.submission()).await["verdict"], "inconclusive");
    assert_eq!(server.status("acme").await, "blocked_by_vendor");

    world.vendor.put_trust(name, &serde_json::from_str(&before).unwrap()).await;
    sqlx::query("update reverifications set due_at = now()")
        .execute(&server.pool)
        .await
        .unwrap();
    let active = async {
        while server.status("acme").await != "active" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, active).await.expect("it becomes active");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_taken_from_a_budget_that_replicas_share() {
    let world = World::new().await;
    let rates = CallRates(Calls {
        sts: 10,
        kms: 1000,
        s3: 1000,
    });
    let server = TestServer::builder().aws(&world).rates(rates).start().await;
    server.create_tenant("acme").await;
    let documents = apply_templates(&world, &server, "acme", "assume_role").await;
    assert_eq!(server.submit("acme", &documents.submission()).await["verdict"], "verified");
    let taken: Vec<(String, bool)> =
        sqlx::query_as("select service, free_at > now() - interval '1 minute' from call_budgets order by service")
            .fetch_all(&server.pool)
            .await
            .unwrap();
    let all = ["kms", "s3", "sts"].map(|service| (service.to_owned(), true));
    assert_eq!(taken, all);
}

/// The vendor's direct role cannot be assumed until the returned policy is applied again.
async fn break_vendor_role(world: &World) -> Value {
    let name = world.direct_role.rsplit('/').next().unwrap();
    let role = world.vendor.iam.get_role().role_name(name).send().await.unwrap().role;
    let policy = role.and_then(|role| role.assume_role_policy_document).unwrap();
    let policy = percent_encoding::percent_decode_str(&policy).decode_utf8().unwrap().into_owned();
    let nobody = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", world.customer.id)}}]});
    world.vendor.put_trust(name, &nobody).await;
    serde_json::from_str(&policy).unwrap()
}

/// Waits until a query returns true.
async fn until(server: &TestServer, query: &'static str) {
    let asked = async {
        while !sqlx::query_scalar::<_, bool>(query).fetch_one(&server.pool).await.unwrap() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, asked).await.unwrap_or_else(|_| panic!("{query}"));
}

/// After an outage, an active version is known to be verified again without a record.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_leaves_nothing_behind() {
    let stage = Stage::new("direct").await;
    let before = break_vendor_role(&stage.world).await;
    assert_eq!(stage.server.verify("acme").await["verdict"], "inconclusive");
    until(&stage.server, "select bool_or(standing = 'unanswered') from reverifications").await;
    let name = stage.world.direct_role.rsplit('/').next().unwrap();
    stage.world.vendor.put_trust(name, &before).await;
    sqlx::query("update reverifications set due_at = now()")
        .execute(&stage.server.pool)
        .await
        .unwrap();
    until(&stage.server, "select bool_and(standing = 'verified') from reverifications").await;
}

async fn open_bucket(stage: &Stage) {
    Act::OpenBucketToPublic.happen(stage).await;
    assert_eq!(stage.server.verify("acme").await["verdict"], "rejected");
    assert_eq!(stage.server.status("acme").await, "active", "one look could be wrong");
}

async fn is_quarantined(stage: &Stage) {
    sqlx::query("update reverifications set due_at = now()")
        .execute(&stage.server.pool)
        .await
        .unwrap();
    until(&stage.server, "select bool_or(status = 'quarantined') from tenants").await;
}

/// A breach is followed by a second verification, whatever else happens in the meantime.
#[tokio::test(flavor = "multi_thread")]
async fn another_version_does_not_prevent_the_second_look() {
    let stage = Stage::new("direct").await;
    open_bucket(&stage).await;
    let mut nowhere = stage.ours.submission();
    nowhere["bucket_arn"] = json!("arn:aws:s3:::no-such-bucket-anywhere");
    assert_eq!(stage.server.submit("acme", &nowhere).await["verdict"], "rejected");
    is_quarantined(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_does_not_prevent_the_second_look() {
    let stage = Stage::new("direct").await;
    open_bucket(&stage).await;
    for act in ["suspend", "resume"] {
        stage
            .server
            .post(&format!("/v1/tenants/acme/{act}"), &json!({"reason": "a test"}))
            .await
            .expect(200);
    }
    is_quarantined(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_without_a_result_does_not_prevent_the_second_look() {
    let stage = Stage::new("direct").await;
    open_bucket(&stage).await;
    let before = break_vendor_role(&stage.world).await;
    assert_eq!(stage.server.verify("acme").await["verdict"], "inconclusive");
    let name = stage.world.direct_role.rsplit('/').next().unwrap();
    stage.world.vendor.put_trust(name, &before).await;
    is_quarantined(&stage).await;
}

/// A rotation that takes its time does not hide a breach.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_does_not_prevent_the_quarantine() {
    let stage = Stage::new("direct").await;
    stage
        .server
        .post("/v1/tenants/acme/external-id/rotate", &json!({}))
        .await
        .expect(200);
    Act::OpenBucketToPublic.happen(&stage).await;
    assert_eq!(stage.server.verify("acme").await["trigger"], "rotation");
    until(
        &stage.server,
        "select exists (select from verifications where trigger = 'scheduled' and verdict = 'rejected')",
    )
    .await;
    is_quarantined(&stage).await;
}
