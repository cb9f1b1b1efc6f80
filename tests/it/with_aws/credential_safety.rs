//! Credential safety after verification: which bucket they work on, what is rechecked after a wait, what happens
//! without the database, what is recorded, how many there may be, and how they end.

use std::time::Duration;

use latchkey::domain::token::Role;
use latchkey::service::issuances::audit_past_hours;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::credentials::{Stage, put};
use crate::support::aws::{Account, apply_templates};
use crate::support::aws_proxy::HeldRequests;
use crate::support::db_proxy::DatabaseProxy;
use crate::support::server::{ApiResponse, TIMEOUT, TestServer};

async fn ask(server: &TestServer, token: &str, query: &str) -> ApiResponse {
    let url = format!("{}/internal/v1/tenants/acme/credentials{query}", server.private);
    server.send_now(server.bare(Method::GET, &url).bearer_auth(token)).await
}

#[rstest]
#[case("direct")]
#[case("assume_role")]
#[tokio::test(flavor = "multi_thread")]
async fn credentials_do_not_work_on_a_bucket_that_somebody_else_created_again(#[case] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let bucket = &stage.ours.bucket;
    let client = stage.client(&stage.get("").await.expect(200));
    put(&client, bucket, "a/1").await.unwrap();
    client.delete_object().bucket(bucket).key("a/1").send().await.unwrap();
    stage.world.customer.s3.delete_bucket().bucket(bucket).send().await.unwrap();
    let new_owner = Account::new(&stage.world.endpoint).await;
    new_owner.take_bucket_for_everybody(bucket).await;
    let other = Account::new(&stage.world.endpoint).await;
    put(&other.s3, bucket, "b/1").await.expect("the bucket is open to everyone");
    assert_eq!(put(&client, bucket, "a/2").await.unwrap_err(), "AccessDenied");
    assert!(client.get_object().bucket(bucket).key("b/1").send().await.is_err());
    assert!(client.list_objects_v2().bucket(bucket).send().await.is_err());
}

/// A replica whose requests to STS wait at a held, and the answer to a request for credentials during which `meanwhile` happened.
async fn while_waiting<F>(stage: &Stage, meanwhile: impl FnOnce() -> F) -> ApiResponse
where
    F: Future<Output = ()>,
{
    let held = HeldRequests::to(&stage.world.endpoint, "POST", "/").await;
    let replica = stage.server.replica().aws(&stage.world).aws_endpoint(&held.url).without_worker();
    let replica = replica.start().await;
    let changing = async {
        held.one_is_held().await;
        meanwhile().await;
        replica.settle().await;
        held.release();
    };
    let (answer, ()) = tokio::join!(ask(&replica, &stage.token, ""), changing);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_during_the_wait_gets_nothing() {
    let stage = Stage::new("direct").await;
    let admin = stage.server.token_of(Role::Admin).await;
    let refused = while_waiting(&stage, || async {
        let url = format!("{}/v1/tokens", stage.server.private);
        let tokens = stage
            .server
            .send(stage.server.bare(Method::GET, &url).bearer_auth(&admin))
            .await
            .expect(200);
        let service = tokens["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|token| token["role"] == "service")
            .unwrap();
        let url = format!("{url}/{}", service["id"].as_str().unwrap());
        let revoking = stage.server.bare(Method::DELETE, &url).bearer_auth(&admin);
        stage.server.send(revoking).await.expect(200);
    })
    .await;
    assert_eq!((refused.status, &refused.body["type"]), (401, &json!("/problems/unauthenticated")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_becomes_active_during_the_wait_is_the_one_that_is_answered() {
    let stage = Stage::new("direct").await;
    let newer = apply_templates(&stage.world, &stage.server, "acme", "direct").await;
    let given = while_waiting(&stage, || async {
        assert_eq!(stage.server.submit("acme", &newer.submission()).await["verdict"], "verified");
    })
    .await;
    let client = stage.client(&given.expect(200));
    put(&client, &newer.bucket, "a/1")
        .await
        .expect("the credentials are for the new bucket");
    assert_eq!(put(&client, &stage.ours.bucket, "a/1").await.unwrap_err(), "AccessDenied");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_no_new_sessions_are_made_after_a_while() {
    let stage = Stage::new("direct").await;
    let line = DatabaseProxy::to(&stage.server.database_url).await;
    let replica = stage.server.replica().database_url(&line.url).aws(&stage.world).without_worker();
    let replica = replica.credentials_stale_for(Duration::from_secs(2)).start().await;
    let held = ask(&replica, &stage.token, "").await.expect(200);
    line.cut();
    let refused = tokio::time::timeout(TIMEOUT, async {
        for number in 0.. {
            let answer = ask(&replica, &stage.token, &format!("?prefix={number}/")).await;
            if answer.status != 200 {
                return answer;
            }
            // The number of sessions is limited, so they must not be used up before the time is.
            for _ in 0..50 {
                ask(&replica, &stage.token, "").await.expect(200);
            }
        }
        unreachable!("numbers do not end")
    })
    .await
    .expect("new sessions are refused before long");
    assert_eq!((refused.status, &refused.body["type"]), (503, &json!("/problems/unavailable")));
    assert!(refused.headers.contains_key("retry-after"));
    let still = ask(&replica, &stage.token, "").await;
    assert_eq!(still.headers["latchkey-stale"], "true");
    assert_eq!(
        still.expect(200),
        held,
        "cached credentials are handed out for as long as they work"
    );
    let url = format!("{}/internal/v1/tenants/acme/storage-config", replica.private);
    let config = replica.send_now(replica.bare(Method::GET, &url).bearer_auth(&stage.token)).await;
    assert_eq!((config.status, &config.body["stale"]), (200, &json!(true)));
    line.restore();
    let again = async { while ask(&replica, &stage.token, "?prefix=new/").await.status != 200 {} };
    tokio::time::timeout(TIMEOUT, again).await.expect("new sessions are made again");
}

/// Reads work, so only the write of the record shows that the database does not take what is handed out.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_record_no_new_sessions_are_made_after_a_while() {
    let stage = Stage::new("direct").await;
    let replica = stage.server.replica().aws(&stage.world).without_worker();
    let replica = replica.credentials_stale_for(Duration::from_secs(2)).start().await;
    let held = ask(&replica, &stage.token, "").await.expect(200);
    let full = "create function full_disk() returns trigger language plpgsql as
                    'begin raise exception ''could not extend file'' using errcode = ''disk_full''; end';
                create trigger full_disk before insert or update on credential_issuances for each row execute function full_disk()";
    sqlx::raw_sql(full).execute(&stage.server.pool).await.unwrap();
    let refused = tokio::time::timeout(TIMEOUT, async {
        for number in 0.. {
            let answer = ask(&replica, &stage.token, &format!("?prefix={number}/")).await;
            if answer.status != 200 {
                return answer;
            }
            for _ in 0..50 {
                ask(&replica, &stage.token, "").await.expect(200);
            }
        }
        unreachable!("numbers do not end")
    })
    .await
    .expect("new sessions are refused before long");
    assert_eq!((refused.status, &refused.body["type"]), (503, &json!("/problems/unavailable")));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(
        ask(&replica, &stage.token, "").await.expect(200),
        held,
        "the recorded session is handed out for as long as it works"
    );
    sqlx::raw_sql("drop trigger full_disk on credential_issuances")
        .execute(&stage.server.pool)
        .await
        .unwrap();
    replica.issuances.write().await.unwrap();
    ask(&replica, &stage.token, "?prefix=new/").await.expect(200);
    let recorded: i64 = sqlx::query_scalar("select sum(count)::bigint from credential_issuances")
        .fetch_one(&stage.server.pool)
        .await
        .unwrap();
    replica.issuances.write().await.unwrap();
    assert!(recorded > 1, "what could not be recorded was kept: {recorded}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hand_out_is_in_the_audit_log() {
    let stage = Stage::new("direct").await;
    let other = stage.server.token_of(Role::Service).await;
    // The first is made, the others are cached and take the fast path.
    for _ in 0..5 {
        ask(&stage.server, &stage.token, "").await.expect(200);
    }
    ask(&stage.server, &stage.token, "?access=read").await.expect(200);
    ask(&stage.server, &other, "").await.expect(200);
    let recorded: i64 = sqlx::query_scalar("select count(*) from credential_issuances")
        .fetch_one(&stage.server.pool)
        .await
        .unwrap();
    assert_eq!(recorded, 3, "each session is recorded before it is handed out");
    let at_once = stage.server.get("/v1/events?action=credentials.issued").await.expect(200);
    assert_eq!(
        at_once["items"].as_array().unwrap().len(),
        3,
        "the first of each is in the log at once: {at_once:#}"
    );
    stage.server.issuances.write().await.unwrap();
    // A process whose hour is over.
    let earlier = "alter table credential_issuances disable trigger user;
                   update credential_issuances set hour = hour - interval '2 hours';
                   alter table credential_issuances enable trigger user";
    sqlx::raw_sql(earlier).execute(&stage.server.pool).await.unwrap();
    for _ in 0..2 {
        audit_past_hours(&stage.server.context).await.unwrap();
    }
    let events = stage.server.get("/v1/events?action=credentials.issued").await.expect(200);
    let mut counts: Vec<(Value, Value)> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["detail"]["access"].clone(), event["detail"]["count"].clone()))
        .collect();
    counts.sort_by_key(|(access, count)| (access.to_string(), count.as_i64()));
    let expected = [("read", 1), ("read_write", 1), ("read_write", 1), ("read_write", 4)];
    assert_eq!(counts, expected.map(|(access, count)| (json!(access), json!(count))));
    assert!(
        events["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|event| event["actor"]["kind"] == "token")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_last_as_long_as_was_asked() {
    let stage = Stage::new("assume_role").await;
    let until = |answer: &Value| {
        answer["Expiration"]
            .as_str()
            .unwrap()
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap()
    };
    let hour = until(&stage.get("").await.expect(200));
    let quarter = until(&stage.get("?ttl=900").await.expect(200));
    let difference = (hour - quarter).num_minutes();
    assert!((40..=46).contains(&difference), "{difference}");
    for bad in ["899", "3601", "1h", ""] {
        let refused = stage.get(&format!("?ttl={bad}")).await;
        assert_eq!(
            (refused.status, refused.errors()),
            (422, vec![("ttl".into(), "out_of_range".into())]),
            "{bad}"
        );
    }
}

#[rstest]
#[case("direct", "vendor")]
#[case("assume_role", "customer")]
#[tokio::test(flavor = "multi_thread")]
async fn sessions_can_be_ended_before_they_expire(#[case] mode: &'static str, #[case] side: &str) {
    let stage = Stage::new(mode).await;
    let given = stage.get("").await.expect(200);
    let client = stage.client(&given);
    put(&client, &stage.ours.bucket, "a/1").await.unwrap();
    let reason = json!({"reason": "Unpaid"});
    let suspended = stage.server.post("/v1/tenants/acme/suspend", &reason).await.expect(200);
    // A replica that has not heard of it can make sessions for another 5 minutes, and its clock can be 5 minutes off.
    let time = |value: &Value| value.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let until = time(&suspended["sessions_valid_until"]);
    let later = until - time(&given["Expiration"]);
    assert!((9..=11).contains(&later.num_minutes()), "{later}");
    put(&client, &stage.ours.bucket, "a/2")
        .await
        .expect("AWS accepts the session until it expires");

    let live = stage.server.get("/v1/tenants/acme/session-revocation").await.expect(200);
    assert_eq!(live["sessions_valid_until"], suspended["sessions_valid_until"]);
    let [revocation] = live["revocations"].as_array().unwrap().as_slice() else {
        panic!("{live:#}");
    };
    assert_eq!(revocation["side"], side);
    let role = revocation["role_arn"].as_str().unwrap().rsplit('/').next().unwrap();
    let account = if side == "vendor" {
        &stage.world.vendor
    } else {
        &stage.world.customer
    };
    account
        .put_inline_policy(role, revocation["policy_name"].as_str().unwrap(), &revocation["policy"])
        .await;
    assert_eq!(put(&client, &stage.ours.bucket, "a/3").await.unwrap_err(), "AccessDenied");
    let other = stage.server.bare(
        Method::GET,
        &format!("{}/internal/v1/tenants/other/credentials", stage.server.private),
    );
    let others = stage.client(&stage.server.send(other.bearer_auth(&stage.token)).await.expect(200));
    put(&others, &stage.theirs.bucket, "a/1")
        .await
        .expect("other tenants are not affected");
}

async fn attach(stage: &Stage, revocation: &Value) {
    let role = revocation["role_arn"].as_str().unwrap().rsplit('/').next().unwrap();
    let account = if revocation["side"] == "vendor" {
        &stage.world.vendor
    } else {
        &stage.world.customer
    };
    account
        .put_inline_policy(role, revocation["policy_name"].as_str().unwrap(), &revocation["policy"])
        .await;
}

/// A replica that is cut off from the database has not heard of the suspension, and makes another session.
#[rstest]
#[case("direct")]
#[case("assume_role")]
#[tokio::test(flavor = "multi_thread")]
async fn sessions_made_by_a_replica_that_has_not_heard_are_ended_too(#[case] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let line = DatabaseProxy::to(&stage.server.database_url).await;
    let replica = stage.server.replica().database_url(&line.url).aws(&stage.world).without_worker();
    let replica = replica.start().await;
    ask(&replica, &stage.token, "").await.expect(200);
    line.cut();
    let reason = json!({"reason": "Unpaid"});
    let suspended = stage.server.post("/v1/tenants/acme/suspend", &reason).await.expect(200);
    let live = stage.server.get("/v1/tenants/acme/session-revocation").await.expect(200);
    for revocation in live["revocations"].as_array().unwrap() {
        attach(&stage, revocation).await;
    }
    // A session of a later second than the document.
    let written = stage.server.context.clock.now();
    let late = loop {
        let given = ask(
            &replica,
            &stage.token,
            &format!("?prefix={}/", stage.server.context.clock.now().timestamp_micros()),
        )
        .await;
        let given = given.expect(200);
        if stage.server.context.clock.now() - written > chrono::TimeDelta::seconds(2) {
            break given;
        }
        for _ in 0..100 {
            ask(&replica, &stage.token, "").await.expect(200);
        }
    };
    assert!(late["Expiration"].as_str() <= suspended["sessions_valid_until"].as_str());
    let client = stage.client(&late);
    assert_eq!(put(&client, &stage.ours.bucket, "a/1").await.unwrap_err(), "AccessDenied");
}

/// Services of an active tenant get sessions that the policies do not deny.
#[rstest]
#[case("direct")]
#[case("assume_role")]
#[tokio::test(flavor = "multi_thread")]
async fn after_a_revocation_replicas_hand_out_new_sessions(#[case] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let replica = stage.server.replica().aws(&stage.world).without_worker().start().await;
    let before = ask(&replica, &stage.token, "").await.expect(200);
    let revoked = stage
        .server
        .post("/v1/tenants/acme/session-revocation", &json!({}))
        .await
        .expect(200);
    assert_eq!(
        stage.server.get("/v1/tenants/acme/session-revocation").await.expect(200)["revocations"],
        revoked["revocations"],
        "the document is about the same sessions"
    );
    replica.settle().await;
    // Issue times are whole seconds.
    let denied_before = revoked["revocations"][0]["policy"]["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
        .as_str()
        .unwrap()
        .parse::<chrono::DateTime<chrono::Utc>>()
        .unwrap();
    while stage.server.context.clock.now() < denied_before {
        tokio::task::yield_now().await;
    }
    let after = ask(&replica, &stage.token, "").await.expect(200);
    assert_ne!(after["AccessKeyId"], before["AccessKeyId"]);
    for revocation in revoked["revocations"].as_array().unwrap() {
        attach(&stage, revocation).await;
    }
    let bucket = &stage.ours.bucket;
    assert_eq!(put(&stage.client(&before), bucket, "a/1").await.unwrap_err(), "AccessDenied");
    put(&stage.client(&after), bucket, "a/1").await.expect("the new session works");
    let log = stage.server.get("/v1/events?action=tenant.sessions_revoked").await.expect(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
}

/// Other services keep working.
#[rstest]
#[case("direct")]
#[case("assume_role")]
#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_one_token_can_be_ended(#[case] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let leaked = stage.client(&stage.get("").await.expect(200));
    let other = stage.server.token_of(Role::Service).await;
    let others = stage.client(&ask(&stage.server, &other, "").await.expect(200));
    let admin = stage.server.token_of(Role::Admin).await;
    let url = format!("{}/v1/tokens", stage.server.private);
    let id: uuid::Uuid = sqlx::query_scalar("select id from tokens where role = 'service' order by created_at, id limit 1")
        .fetch_one(&stage.server.pool)
        .await
        .unwrap();
    let asked = stage.server.bare(Method::GET, &format!("{url}/{id}/session-revocation"));
    let live = stage.server.send(asked.bearer_auth(&admin)).await.expect(200);
    let revocations = live["revocations"].as_array().unwrap();
    assert!(!revocations.is_empty());
    for revocation in revocations {
        attach(&stage, revocation).await;
    }
    let bucket = &stage.ours.bucket;
    assert_eq!(put(&leaked, bucket, "a/1").await.unwrap_err(), "AccessDenied");
    put(&others, bucket, "a/2").await.expect("other tokens are not affected");
    let none = stage
        .server
        .bare(Method::GET, &format!("{url}/{}/session-revocation", uuid::Uuid::nil()));
    assert_eq!(stage.server.send(none.bearer_auth(&admin)).await.status, 404);
}
