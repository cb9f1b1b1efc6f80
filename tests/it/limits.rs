//! Limits on what a tenant or a caller can store.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use latchkey::clock::Clock;
use latchkey::domain::limits::Limits;
use latchkey::domain::token::Role;
use latchkey::service::create_tenant::sweep;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::clock::AheadClock;
use crate::support::server::{ApiResponse, TestServer};

pub fn versions(versions_per_day: u32, versions: u32) -> Limits {
    Limits {
        versions_per_day,
        versions,
        ..Limits::NONE
    }
}

fn submission() -> Value {
    json!({
        "mode": "direct",
        "bucket_arn": "arn:aws:s3:::acme-documents",
        "bucket_region": "eu-central-1",
        "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    })
}

async fn submit(server: &TestServer, slug: &str) -> ApiResponse {
    server.post(&format!("/v1/tenants/{slug}/storage-configs"), &submission()).await
}

fn detail(answer: &ApiResponse) -> &str {
    answer.body["detail"].as_str().unwrap()
}

#[tokio::test]
async fn a_tenant_submits_a_limited_number_of_versions_per_day_and_in_all() {
    let clock = Arc::new(AheadClock::default());
    let server = TestServer::builder().clock(clock.clone()).limits(versions(2, 3)).start().await;
    server.create_tenant("acme").await;
    server.create_tenant("globex").await;
    submit(&server, "acme").await.expect(202);
    clock.forward(Duration::from_hours(1));
    submit(&server, "acme").await.expect(202);

    clock.forward(Duration::from_hours(1));
    let third = submit(&server, "acme").await;
    assert_eq!(third.status, 429, "{:#}", third.body);
    let wait: u32 = third.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((21 * 3600..=22 * 3600 + 1).contains(&wait), "until a day after the first: {wait}");
    assert!(detail(&third).contains("LATCHKEY_MAX_VERSIONS_PER_DAY"), "{:#}", third.body);
    submit(&server, "globex").await.expect(202);
    let listed = server.get("/v1/tenants/acme/storage-configs").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    clock.forward(Duration::from_secs(u64::from(wait)));
    submit(&server, "acme").await.expect(202);
    clock.forward(Duration::from_hours(48));
    let fourth = submit(&server, "acme").await;
    assert_eq!((fourth.status, fourth.headers.get("retry-after")), (409, None), "{:#}", fourth.body);
    assert!(detail(&fourth).contains("raise LATCHKEY_MAX_VERSIONS."), "{:#}", fourth.body);
}

#[tokio::test]
async fn concurrent_submissions_do_not_exceed_the_limit() {
    let server = TestServer::builder().limits(versions(3, 100)).start().await;
    server.create_tenant("acme").await;
    let answers = join_all((0..8).map(|_| submit(&server, "acme"))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 202, 202, 429, 429, 429, 429, 429]);
}

#[tokio::test]
async fn versions_are_listed_in_pages() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    for _ in 0..3 {
        submit(&server, "acme").await.expect(202);
    }
    let path = "/v1/tenants/acme/storage-configs";
    let numbers = |page: &Value| -> Vec<Value> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["version"].clone())
            .collect()
    };
    let all = server.get(path).await.expect(200);
    assert_eq!(
        (numbers(&all), &all["next_cursor"]),
        (vec![json!(3), json!(2), json!(1)], &Value::Null)
    );
    let first = server.get(&format!("{path}?limit=2")).await.expect(200);
    assert_eq!(numbers(&first), [3, 2]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = server.get(&format!("{path}?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((numbers(&second), &second["next_cursor"]), (vec![json!(1)], &Value::Null));
}

async fn create(server: &TestServer, slug: &str) -> ApiResponse {
    server.post("/v1/tenants", &json!({"slug": slug, "name": slug})).await
}

async fn delete(server: &TestServer, token: &str, path: &str) -> ApiResponse {
    let request = server.bare(Method::DELETE, &format!("{}{path}", server.private)).bearer_auth(token);
    server.send(request.json(&json!({"reason": "Over"}))).await
}

#[tokio::test]
async fn the_slug_of_an_offboarded_tenant_stays_reserved() {
    let clock = Arc::new(AheadClock::default());
    let limits = Limits {
        slug_reservation: TimeDelta::days(90),
        ..Limits::NONE
    };
    let server = TestServer::builder().clock(clock.clone()).limits(limits).start().await;
    let admin = server.token_of(Role::Admin).await;
    let first = create(&server, "acme").await.expect(201);
    let id = first["id"].as_str().unwrap();
    assert_eq!(
        create(&server, "acme").await.errors(),
        [("slug".to_owned(), "slug_taken".to_owned())]
    );
    delete(&server, &admin, "/v1/tenants/acme").await.expect(200);

    let reserved = create(&server, "acme").await;
    let until = (clock.now() + TimeDelta::days(90)).format("%Y-%m-%dT").to_string();
    assert_eq!(
        (reserved.status, reserved.errors()),
        (409, vec![("slug".to_owned(), "slug_reserved".to_owned())])
    );
    assert!(
        detail(&reserved).contains(&until) && detail(&reserved).contains("LATCHKEY_SLUG_RESERVATION_DAYS"),
        "{:#}",
        reserved.body
    );
    delete(&server, &admin, &format!("/v1/tenants/{id}/personal-data"))
        .await
        .expect(200);
    sweep(&server.context).await.unwrap();
    assert_eq!(create(&server, "acme").await.status, 409, "erasure does not free it");
    let stored: Vec<String> = sqlx::query_scalar("select r::text from released_slugs r")
        .fetch_all(&server.pool)
        .await
        .unwrap();
    assert!(stored.len() == 1 && !stored[0].contains("acme"), "{stored:?}");

    clock.forward(Duration::from_hours(24 * 90));
    let second = create(&server, "acme").await.expect(201);
    assert_ne!(second["id"], first["id"]);
    sweep(&server.context).await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from released_slugs")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

/// Creating a tenant while another one with its slug is being offboarded is refused, whichever comes first.
#[tokio::test]
async fn a_slug_is_reserved_before_anybody_can_take_it() {
    let limits = Limits {
        slug_reservation: TimeDelta::days(1),
        ..Limits::NONE
    };
    let server = TestServer::builder().limits(limits).start().await;
    let admin = server.token_of(Role::Admin).await;
    create(&server, "acme").await.expect(201);
    let creating = async {
        let answers = join_all((0..8).map(|_| create(&server, "acme"))).await;
        assert!(answers.iter().all(|answer| answer.status == 409));
    };
    let ((), offboarded) = tokio::join!(creating, delete(&server, &admin, "/v1/tenants/acme"));
    offboarded.expect(200);
}

#[tokio::test]
async fn tokens_expire_within_the_limit() {
    let limits = Limits {
        token_lifetime: Some(TimeDelta::days(365)),
        ..Limits::NONE
    };
    let limited = TestServer::builder().limits(limits).start().await;
    let unlimited = limited.replica().start().await;
    let admin = limited.token_of(Role::Admin).await;
    let create = async |server: &TestServer, more: Value| {
        let mut body = json!({"name": "billing", "role": "service"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request = server
            .bare(Method::POST, &format!("{}/v1/tokens", server.private))
            .bearer_auth(&admin);
        server.send(request.json(&body)).await
    };
    let days = |created: Value| {
        let time = |member: &str| created[member].as_str().map(|text| text.parse::<DateTime<Utc>>().unwrap());
        time("expires_at").map(|until| (until - time("created_at").unwrap()).num_days())
    };
    for server in [&limited, &unlimited] {
        assert_eq!(days(create(server, json!({})).await.expect(201)), Some(90));
        assert_eq!(days(create(server, json!({"expires_in_hours": 8760})).await.expect(201)), Some(365));
    }
    let error = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
    let longer = create(&limited, json!({"expires_in_hours": 8761})).await;
    assert_eq!((longer.status, longer.errors()), (422, error("expires_in_hours", "out_of_range")));
    let never = create(&limited, json!({"never_expires": true})).await;
    assert_eq!((never.status, never.errors()), (422, error("never_expires", "must_expire")));
    assert!(
        never.body.to_string().contains("LATCHKEY_TOKEN_MAX_LIFETIME_DAYS"),
        "{:#}",
        never.body
    );
    let both = create(&unlimited, json!({"never_expires": true, "expires_in_hours": 1})).await;
    assert_eq!((both.status, both.errors()), (422, error("never_expires", "contradiction")));

    assert_eq!(
        days(create(&unlimited, json!({"expires_in_hours": 8761})).await.expect(201)),
        Some(365)
    );
    assert_eq!(days(create(&unlimited, json!({"never_expires": true})).await.expect(201)), None);
    assert_eq!(
        days(create(&unlimited, json!({"never_expires": false})).await.expect(201)),
        Some(90)
    );
}
