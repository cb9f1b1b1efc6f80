//! The header `idempotency-key`: a repeated request is processed once.

use chrono::{DateTime, TimeDelta, Utc};
use latchkey::domain::token::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::aws::AwsAccess;
use crate::support::process::Process;
use crate::support::server::{ApiResponse, TestServer};

const CHANGE_NOTHING: [&str; 4] = [
    "/v1/validate",
    "/v1/tenants/{tenant}/templates/merge",
    "/customer/v1/validate",
    "/customer/v1/templates/merge",
];

async fn server() -> TestServer {
    TestServer::start().await
}

/// A POST with this key and the role `ops`.
async fn post(server: &TestServer, key: &str, path: &str, body: &Value) -> ApiResponse {
    let request = server.request(Method::POST, path).header("idempotency-key", key).json(body);
    server.send(request).await
}

async fn count(server: &TestServer, table: &'static str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(sql).fetch_one(&server.pool).await.unwrap()
}

fn code(answer: &ApiResponse) -> String {
    let all: Vec<String> = answer.errors().into_iter().map(|(field, code)| format!("{field} {code}")).collect();
    all.join(", ")
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_response() {
    let server = server().await;
    let body = json!({"slug": "acme", "name": "Acme"});
    let first = post(&server, "k1", "/v1/tenants", &body).await;
    assert_eq!((first.status, first.headers.get("idempotent-replayed")), (201, None));
    let again = post(&server, "k1", "/v1/tenants", &body).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    for header in ["location", "content-type"] {
        assert_eq!(again.headers[header], first.headers[header]);
    }
    assert_ne!(again.headers["x-request-id"], first.headers["x-request-id"]);

    let path = "/v1/tenants/acme/suspend";
    let reason = json!({"reason": "Unpaid"});
    assert_eq!(post(&server, "k2", path, &reason).await.status, 200);
    assert_eq!(
        post(&server, "k2", path, &reason).await.status,
        200,
        "again, and it is no double suspend"
    );
    assert_eq!(post(&server, "k3", path, &reason).await.status, 409, "with another key it is");
    assert_eq!(count(&server, "tenants").await, 1);
    let log = server.get("/v1/events?tenant=acme").await.expect(200);
    assert_eq!(log["items"].as_array().map(Vec::len), Some(2), "{log:#}");
}

#[tokio::test]
async fn another_request_with_the_same_key_is_rejected() {
    let server = server().await;
    post(&server, "k", "/v1/tenants", &json!({"slug": "acme", "name": "Acme"}))
        .await
        .expect(201);
    for (path, body) in [
        ("/v1/tenants", json!({"slug": "other", "name": "Other"})),
        ("/v1/tenants/acme/suspend", json!({"slug": "acme", "name": "Acme"})),
    ] {
        let refused = post(&server, "k", path, &body).await;
        assert_eq!(code(&refused), "idempotency-key key_of_another_request");
        assert_eq!(refused.expect(422)["type"], "/problems/validation");
    }
    assert_eq!(count(&server, "tenants").await, 1);
}

#[tokio::test]
async fn a_failed_request_does_not_use_up_the_key() {
    let server = server().await;
    assert_eq!(post(&server, "k", "/v1/tenants", &json!({"slug": "A"})).await.status, 422);
    let corrected = post(&server, "k", "/v1/tenants", &json!({"slug": "acme", "name": "Acme"})).await;
    assert_eq!(corrected.status, 201);

    let viewer = server.token_of(Role::Viewer).await;
    let url = format!("{}/v1/tenants/acme/suspend", server.private);
    let tries = server.bare(Method::POST, &url).bearer_auth(&viewer).header("idempotency-key", "v");
    assert_eq!(server.send(tries.json(&json!({"reason": "Fun"}))).await.status, 403);
    let nobody = server.bare(Method::POST, &url).header("idempotency-key", "v").json(&json!({}));
    assert_eq!(server.send(nobody).await.status, 401);
    assert_eq!(count(&server, "idempotency_keys").await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_sender_and_lasts_a_day() {
    let server = server().await;
    let body = json!({"slug": "acme", "name": "Acme"});
    post(&server, "k", "/v1/tenants", &body).await.expect(201);
    let admin = server.token_of(Role::Admin).await;
    let url = format!("{}/v1/tenants", server.private);
    let other = json!({"slug": "other", "name": "Other"});
    let by_another = server.bare(Method::POST, &url).bearer_auth(&admin).header("idempotency-key", "k");
    assert_eq!(server.send(by_another.json(&other)).await.status, 201);

    sqlx::query("update idempotency_keys set expires_at = expires_at - interval '24 hours'")
        .execute(&server.pool)
        .await
        .unwrap();
    let next_day = json!({"slug": "next-day", "name": "Next day"});
    assert_eq!(post(&server, "k", "/v1/tenants", &next_day).await.status, 201);
    assert_eq!(latchkey::service::idempotency::sweep(&server.context).await.unwrap(), 1);
    assert_eq!(count(&server, "idempotency_keys").await, 1, "the other one is forgotten");
}

#[tokio::test]
async fn concurrent_repeats_take_effect_once() {
    let server = server().await;
    let body = json!({"slug": "acme", "name": "Acme"});
    let all = futures::future::join_all((0..8).map(|_| post(&server, "k", "/v1/tenants", &body))).await;
    let made = all.iter().filter(|answer| answer.status == 201).count();
    assert!(made >= 1);
    for answer in all.iter().filter(|answer| answer.status != 201) {
        assert_eq!((answer.status, code(answer).as_str()), (409, "idempotency-key under_way"));
    }
    assert_eq!(count(&server, "tenants").await, 1);
    assert_eq!(
        post(&server, "k", "/v1/tenants", &body).await.status,
        201,
        "and later there is the answer"
    );
}

#[tokio::test]
async fn one_time_secrets_are_neither_stored_nor_created_twice() {
    let server = server().await;
    let admin = server.token_of(Role::Admin).await;
    let url = format!("{}/v1/tokens", server.private);
    let body = json!({"name": "billing", "role": "viewer"});
    let ask = || {
        server
            .bare(Method::POST, &url)
            .bearer_auth(&admin)
            .header("idempotency-key", "k")
            .json(&body)
    };
    let made = server.send(ask()).await;
    assert_eq!(made.headers["cache-control"], "no-store");
    let request_id = made.headers["x-request-id"].to_str().unwrap().to_owned();
    let text = made.expect(201)["token"].as_str().unwrap().to_owned();
    let tokens = count(&server, "tokens").await;
    let again = server.send(ask()).await;
    assert_eq!(code(&again), "idempotency-key answer_not_kept");
    let problem = again.expect(409);
    assert!(problem["detail"].as_str().unwrap().contains(&request_id), "{problem:#}");
    assert_eq!(count(&server, "tokens").await, tokens);
    let kept: Vec<String> = sqlx::query_scalar("select k::text from idempotency_keys k")
        .fetch_all(&server.pool)
        .await
        .unwrap();
    let secret = text.rsplit('_').next().unwrap();
    assert!(!kept.is_empty());
    assert!(
        kept.iter().all(|row| !row.contains(secret) && !row.contains(&hex::encode(secret))),
        "{kept:?}"
    );
    let log = server.get("/v1/events?limit=1000").await.expect(200);
    let entries = log["items"].as_array().unwrap();
    assert!(
        entries
            .iter()
            .any(|entry| entry["request_id"] == request_id.as_str() && entry["action"] == "token.created")
    );
}

/// The rows that a process leaves if it dies before or after its change is committed.
#[tokio::test]
async fn a_crash_leaves_the_change_made_once_or_not_at_all() {
    let server = server().await;
    let body = json!({"slug": "acme", "name": "Acme"});
    post(&server, "k", "/v1/tenants", &body).await.expect(201);
    let lost = "update idempotency_keys set answered_at = null, status = null, headers = null, body = null, claimed_at = claimed_at - interval '1 hour'";
    sqlx::query(lost).execute(&server.pool).await.unwrap();
    let after = post(&server, "k", "/v1/tenants", &body).await;
    assert_eq!((after.status, code(&after).as_str()), (409, "idempotency-key answer_not_kept"));

    sqlx::query("update idempotency_keys set done_at = null, claimed_at = now()")
        .execute(&server.pool)
        .await
        .unwrap();
    let at_work = post(&server, "k", "/v1/tenants", &body).await;
    assert_eq!((at_work.status, code(&at_work).as_str()), (409, "idempotency-key under_way"));
    assert_eq!(at_work.headers["retry-after"], "1");
    sqlx::query("update idempotency_keys set claimed_at = claimed_at - interval '1 hour'")
        .execute(&server.pool)
        .await
        .unwrap();
    let taken_over = post(&server, "k", "/v1/tenants", &body).await;
    assert_eq!(code(&taken_over), "slug slug_taken", "it is carried out again");
}

#[tokio::test]
async fn invalid_keys_are_reported_and_other_methods_need_none() {
    let server = server().await;
    let body = json!({"slug": "acme", "name": "Acme"});
    for key in ["", " ", &"k".repeat(256)] {
        let refused = post(&server, key, "/v1/tenants", &body).await;
        assert_eq!(
            (refused.status, code(&refused).as_str()),
            (422, "idempotency-key malformed_idempotency_key"),
            "{key:?}"
        );
    }
    let two = server
        .request(Method::POST, "/v1/tenants")
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    assert_eq!(code(&server.send(two.json(&body)).await), "idempotency-key repeated");
    let large = json!({"slug": "acme", "name": "x".repeat(1 << 17)});
    assert_eq!(post(&server, "k", "/v1/tenants", &large).await.status, 413);
    let read = server.request(Method::GET, "/v1/tenants").header("idempotency-key", "");
    assert_eq!(server.send(read).await.status, 200);
    assert_eq!(count(&server, "idempotency_keys").await, 0);
}

/// If the database rejects the key, the change is not made. If it rejects the response, a repetition does not make a second change.
#[tokio::test]
async fn the_key_and_the_change_are_committed_together() {
    let server = server().await;
    let refuse = |column: &str| {
        format!(
            "create or replace function refuse() returns trigger language plpgsql as $$
                 begin if new.{column} is not null then raise exception 'lost'; end if; return new; end $$;
             create or replace trigger refuse before update on idempotency_keys for each row execute function refuse()"
        )
    };
    let body = json!({"slug": "acme", "name": "Acme"});
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse("done_at")))
        .execute(&server.pool)
        .await
        .unwrap();
    assert_eq!(post(&server, "k", "/v1/tenants", &body).await.status, 500);
    assert_eq!((count(&server, "tenants").await, count(&server, "idempotency_keys").await), (0, 0));

    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse("answered_at")))
        .execute(&server.pool)
        .await
        .unwrap();
    let made = post(&server, "k", "/v1/tenants", &body).await.expect(201);
    assert_eq!(code(&post(&server, "k", "/v1/tenants", &body).await), "idempotency-key under_way");
    sqlx::query("update idempotency_keys set claimed_at = claimed_at - interval '2 minutes'")
        .execute(&server.pool)
        .await
        .unwrap();
    let later = post(&server, "k", "/v1/tenants", &body).await;
    assert_eq!(code(&later), "idempotency-key answer_not_kept");
    let detail = later.expect(409)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(made["id"].as_str().unwrap()), "{detail}");
    assert_eq!(count(&server, "tenants").await, 1);
}

/// A slow request that another one has taken over makes no change.
#[tokio::test]
async fn a_request_that_was_taken_over_changes_nothing() {
    let server = server().await;
    let body = json!({"slug": "acme", "name": "Acme"});
    post(&server, "k1", "/v1/tenants", &body).await.expect(201);
    let mut lock = server.pool.begin().await.unwrap();
    sqlx::query("select from tenants where slug = 'acme' for update")
        .execute(&mut *lock)
        .await
        .unwrap();
    let reason = json!({"reason": "Unpaid"});
    let slow = post(&server, "k2", "/v1/tenants/acme/suspend", &reason);
    let taken_over = async {
        let take = "update idempotency_keys set claim = gen_random_uuid() where done_at is null";
        while sqlx::query(take).execute(&server.pool).await.unwrap().rows_affected() == 0 {
            tokio::task::yield_now().await;
        }
        lock.commit().await.unwrap();
    };
    let (slow, ()) = tokio::join!(slow, taken_over);
    assert_eq!((slow.status, code(&slow).as_str()), (409, "idempotency-key under_way"));
    assert_eq!(server.status("acme").await, "invited");
}

/// A client that hangs up before the response gets it by repeating the request.
#[tokio::test]
async fn a_disconnected_caller_gets_the_response_later() {
    let server = server().await;
    server.create_tenant("acme").await;
    let mut lock = server.pool.begin().await.unwrap();
    sqlx::query("select from tenants where slug = 'acme' for update")
        .execute(&mut *lock)
        .await
        .unwrap();
    let path = "/v1/tenants/acme/suspend";
    let reason = json!({"reason": "Unpaid"});
    let claimed = async { while count(&server, "idempotency_keys").await == 0 {} };
    tokio::select! {
        _ = post(&server, "k", path, &reason) => panic!("it waits for the lock"),
        () = claimed => {}
    }
    lock.commit().await.unwrap();
    let again = loop {
        let again = post(&server, "k", path, &reason).await;
        if again.status != 409 {
            break again;
        }
        assert_eq!(code(&again), "idempotency-key under_way");
    };
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.expect(200)["status"], "suspended");
}

#[tokio::test]
async fn operations_that_change_nothing_keep_no_keys() {
    let server = server().await;
    server.create_tenant("acme").await;
    let validate = json!({
        "mode": "direct",
        "bucket_arn": "arn:aws:s3:::acme-documents",
        "bucket_region": "eu-central-1",
        "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    });
    let merge = json!({"document": "bucket-policy", "mode": "direct", "bucket": "acme-documents", "current": ""});
    let paths = CHANGE_NOTHING.map(|path| path.replace("{tenant}", "acme"));
    for (path, body) in paths.iter().zip([validate, merge]) {
        for _ in 0..2 {
            let answer = post(&server, "k", path, &body).await;
            assert_eq!(
                (answer.status, answer.headers.get("idempotent-replayed")),
                (200, None),
                "{:#}",
                answer.body
            );
        }
    }
    assert_eq!(count(&server, "idempotency_keys").await, 0);
}

#[tokio::test]
async fn a_sender_has_a_limited_number_of_keys() {
    let server = server().await;
    server.create_tenant("acme").await;
    let path = "/v1/tenants/acme/invites";
    post(&server, "first", path, &json!({})).await.expect(201);
    let more = "insert into idempotency_keys (key, request, claim, claimed_at, expires_at, sender)
                select sha256(n::text::bytea), request, claim, claimed_at, expires_at + interval '1 minute', sender
                from idempotency_keys, generate_series(1, 9999) n";
    sqlx::query(more).execute(&server.pool).await.unwrap();
    let over = post(&server, "over", path, &json!({})).await;
    assert_eq!(
        (over.status, &over.body["type"]),
        (429, &json!("/problems/too-many-requests")),
        "{:#}",
        over.body
    );
    let wait: u32 = over.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((86_000..=86_401).contains(&wait), "until the first key expires: {wait}");
    assert_eq!(count(&server, "invites").await, 1);
    assert_eq!(
        code(&post(&server, "first", path, &json!({})).await),
        "idempotency-key answer_not_kept"
    );
    server.post(path, &json!({})).await.expect(201);

    let admin = server.token_of(Role::Admin).await;
    let url = format!("{}{path}", server.private);
    let by_another = server
        .bare(Method::POST, &url)
        .bearer_auth(&admin)
        .header("idempotency-key", "over");
    assert_eq!(server.send(by_another.json(&json!({}))).await.status, 201);
    sqlx::query("update idempotency_keys set expires_at = now() - interval '1 second' where key = sha256('1')")
        .execute(&server.pool)
        .await
        .unwrap();
    assert_eq!(post(&server, "over", path, &json!({})).await.status, 201);
}

/// Stored responses of a tenant are erased with it, even those of requests that changed nothing.
#[tokio::test]
async fn stored_responses_are_found_by_their_tenant() {
    let server = server().await;
    server.create_tenant("acme").await;
    let path = "/v1/tenants/acme/storage-configs";
    let submission = json!({
        "mode": "direct",
        "bucket_arn": "arn:aws:s3:::acme-documents",
        "bucket_region": "eu-central-1",
        "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    });
    post(&server, "k1", path, &submission).await.expect(202);
    // It is queued already.
    post(&server, "k2", "/v1/tenants/acme/verifications", &json!({})).await.expect(202);
    post(&server, "k3", "/v1/tenants", &json!({"slug": "globex", "name": "Globex"}))
        .await
        .expect(201);
    let reason = json!({"reason": "Asked to"});
    let kept = async || -> i64 {
        let sql = "select count(*) from idempotency_keys where body is not null";
        sqlx::query_scalar(sql).fetch_one(&server.pool).await.unwrap()
    };
    assert_eq!(kept().await, 3);
    let offboard = server.request(Method::DELETE, "/v1/tenants/acme").json(&reason);
    server.send(offboard).await.expect(200);
    let admin = server.token_of(Role::Admin).await;
    let id: String = sqlx::query_scalar("select id::text from tenants where slug = 'acme'")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    let url = format!("{}/v1/tenants/{id}/personal-data", server.private);
    let erased = server.bare(Method::DELETE, &url).bearer_auth(&admin).json(&reason);
    server.send(erased).await.expect(200);
    assert_eq!(kept().await, 1, "the other tenant's");
}

#[test]
fn it_is_described() {
    let apis = [latchkey::http::openapi(), latchkey::http::customer_openapi()].map(|api| serde_json::to_value(api).unwrap());
    for (path, item) in apis.iter().flat_map(|api| api["paths"].as_object().unwrap()) {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let told = parameters.iter().any(|parameter| parameter["name"] == "idempotency-key");
            let takes_keys = method == "post" && !path.starts_with("/internal/") && !CHANGE_NOTHING.contains(&path.as_str());
            assert_eq!(told, takes_keys, "{method} {path}");
        }
    }
}

/// While the tenant is locked, a process claims the key and is killed. Another one does not wait until the claim is old.
#[tokio::test]
async fn a_repeated_request_takes_over_as_soon_as_the_first_process_is_dead() {
    let server = server().await;
    server.create_tenant("acme").await;
    let process = Process::serve(&AwsAccess::none(), &server.database_url, &[]).await;
    let mut lock = server.pool.begin().await.unwrap();
    sqlx::query("select from tenants where slug = 'acme' for update")
        .execute(&mut *lock)
        .await
        .unwrap();
    let (path, reason) = ("/v1/tenants/acme/suspend", json!({"reason": "Unpaid"}));
    let first = server
        .bare(Method::POST, &format!("{}{path}", process.url))
        .bearer_auth(&server.token)
        .header("idempotency-key", "k")
        .json(&reason);
    let first = tokio::spawn(first.send());
    let claimed_at = "select claimed_at from idempotency_keys where process is not null";
    let claimed: DateTime<Utc> = loop {
        if let Some(claimed) = sqlx::query_scalar(claimed_at).fetch_optional(&server.pool).await.unwrap() {
            break claimed;
        }
    };
    let early = post(&server, "k", path, &reason).await;
    assert_eq!(code(&early), "idempotency-key under_way", "the process lives");

    process.kill();
    assert!(first.await.unwrap().is_err(), "its client gets no response");
    lock.commit().await.unwrap();
    let repeated = loop {
        let repeated = post(&server, "k", path, &reason).await;
        if repeated.status != 409 {
            break repeated;
        }
        assert_eq!(code(&repeated), "idempotency-key under_way");
    };
    assert_eq!(repeated.headers.get("idempotent-replayed"), None);
    assert_eq!(repeated.expect(200)["status"], "suspended");
    let taken_over: DateTime<Utc> = sqlx::query_scalar(claimed_at).fetch_one(&server.pool).await.unwrap();
    assert!(taken_over - claimed < TimeDelta::minutes(1), "{claimed} {taken_over}");
}

/// A process whose connection is lost shows again that it lives.
#[tokio::test]
async fn a_process_that_lost_its_lock_takes_it_again() {
    let server = server().await;
    let live = "select p.process, l.pid from live_processes p join pg_locks l on l.objid = p.process::oid and l.locktype = 'advisory'";
    let shown = async |other: Option<i32>| loop {
        let shown: Option<(i32, i32)> = sqlx::query_as(live).fetch_optional(&server.pool).await.unwrap();
        if let Some((process, connection)) = shown
            && Some(connection) != other
        {
            break (process, connection);
        }
    };
    let (process, connection) = shown(None).await;
    sqlx::query("select pg_terminate_backend($1)")
        .bind(connection)
        .execute(&server.pool)
        .await
        .unwrap();
    let (again, _) = shown(Some(connection)).await;
    assert_eq!(again, process);
    server.create_tenant("acme").await;
    post(&server, "k", "/v1/tenants/acme/suspend", &json!({"reason": "Unpaid"}))
        .await
        .expect(200);
}
