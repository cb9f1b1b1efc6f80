//! The change feed: in commit order, without gaps, and the current state when read from the beginning.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use latchkey::domain::feed::FeedCursor;
use latchkey::domain::token::{Role, TokenLifetime};
use latchkey::service::Caller;
use latchkey::service::tokens::create_limited_token;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::clock::clock;
use crate::support::seed::Seed;
use crate::support::server::{ApiResponse, TestServer};

async fn feed(server: &TestServer, token: &str, query: &str) -> ApiResponse {
    let url = format!("{}/internal/v1/changes?{query}", server.private);
    server.send_now(server.bare(Method::GET, &url).bearer_auth(token)).await
}

/// A consumer: what it knows of each tenant, and how far it came.
#[derive(Default)]
struct Consumer {
    position: i64,
    cursor: Option<String>,
    known: BTreeMap<String, Value>,
}

impl Consumer {
    /// Reads on by one page, and gives how many changes came.
    async fn read(&mut self, server: &TestServer, token: &str, query: &str) -> usize {
        let after = self.cursor.as_ref().map(|cursor| format!("after={cursor}&")).unwrap_or_default();
        let page = feed(server, token, &format!("{after}{query}")).await.expect(200);
        let changes = page["items"].as_array().unwrap();
        for change in changes {
            let position = change["position"].as_i64().unwrap();
            assert!(position > self.position, "positions only grow");
            self.position = position;
            self.known.insert(change["tenant_id"].as_str().unwrap().to_owned(), change.clone());
        }
        self.cursor = page["cursor"].as_str().map(str::to_owned);
        changes.len()
    }

    /// Tombstone or version and external ID of each.
    fn state(&self) -> BTreeMap<String, Value> {
        let told = |change: &Value| match &change["tombstone"] {
            Value::Null => json!([change["storage"]["version"], change["storage"]["external_id"]]),
            tombstone => tombstone.clone(),
        };
        self.known.iter().map(|(id, change)| (id.clone(), told(change))).collect()
    }
}

async fn present_state(server: &TestServer) -> BTreeMap<String, Value> {
    let rows: Vec<(String, Value)> = sqlx::query_as(
        "select t.id::text, case
             when t.offboarded_at is not null then '\"offboarded\"'::jsonb
             when t.suspended_at is not null then '\"suspended\"'
             else jsonb_build_array(c.version, t.external_id) end
         from tenants t left join active_configs a on a.tenant_id = t.id left join storage_configs c on c.id = a.config_id
         where c.id is not null or t.suspended_at is not null or t.offboarded_at is not null",
    )
    .fetch_all(&server.pool)
    .await
    .unwrap();
    rows.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn following_and_replaying_lead_to_the_current_state() {
    const WRITERS: usize = 6;
    let server = TestServer::start().await;
    let replica = server.replica().start().await;
    let token = server.token_of(Role::Service).await;
    let seed = Seed::new(&server);
    let writers = (0..WRITERS).map(|writer| {
        let seed = seed.clone();
        async move {
            let mut tenants = Vec::new();
            for step in 0..40 {
                let [choice, which]: [u8; 2] = clock().random();
                if tenants.len() < 3 {
                    tenants.push((seed.active(&format!("tenant-{writer}-{step}")).await, false));
                    continue;
                }
                let at = usize::from(which) % tenants.len();
                let (tenant, suspended) = tenants[at];
                match choice % 8 {
                    0 | 1 => {
                        tenants[at].1 = !suspended;
                        if suspended {
                            seed.resume(tenant).await;
                        } else {
                            seed.suspend(tenant).await;
                        }
                    }
                    2 => seed.rotate(tenant).await,
                    3 => {
                        seed.offboard(tenant).await;
                        tenants.swap_remove(at);
                    }
                    _ => {
                        seed.activate(tenant).await;
                    }
                }
            }
        }
    });
    let writing = tokio::spawn(join_all(writers));
    let mut follower = Consumer::default();
    // Now from the one, now from the other: a position holds on both.
    for on in [&server, &replica].into_iter().cycle().take_while(|_| !writing.is_finished()) {
        follower.read(on, &token, "limit=3&wait=0").await;
    }
    writing.await.unwrap();
    server.settle().await;
    replica.settle().await;
    while follower.read(&replica, &token, "limit=7").await > 0 {}
    let mut replayer = Consumer::default();
    while replayer.read(&server, &token, "limit=5").await > 0 {}
    let present = present_state(&server).await;
    assert_eq!(replayer.state(), present);
    assert_eq!(follower.state(), present);
    let positions: BTreeSet<i64> = replayer.known.values().map(|change| change["position"].as_i64().unwrap()).collect();
    assert_eq!(positions.len(), present.len(), "each change has a position of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_returns_when_a_change_is_committed() {
    let server = TestServer::start().await;
    let token = server.token_of(Role::Service).await;
    let seed = Seed::new(&server);
    let acme = seed.active("acme").await;
    server.settle().await;
    let start = feed(&server, &token, "").await.expect(200);
    assert_eq!(start["items"][0]["storage"]["slug"], "acme");
    let query = format!("after={}&wait=60", cursor(&start));
    let (waited, ()) = tokio::join!(feed(&server, &token, &query), seed.suspend(acme));
    let waited = waited.expect(200);
    assert_eq!(waited["items"][0]["tombstone"], "suspended");
    assert_eq!(waited["items"][0]["storage"], Value::Null);
    let nothing = feed(&server, &token, &format!("after={}", cursor(&waited))).await.expect(200);
    assert_eq!((&nothing["items"], &nothing["cursor"]), (&json!([]), &waited["cursor"]));
}

fn cursor(page: &Value) -> &str {
    page["cursor"].as_str().expect("a cursor")
}

/// Tenant and tombstone of each change.
fn told(page: &Value) -> Vec<(String, Value)> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|change| (change["slug"].as_str().unwrap().to_owned(), change["tombstone"].clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_appear_in_commit_order_and_rollbacks_leave_no_gap() {
    let server = TestServer::start().await;
    let token = server.token_of(Role::Service).await;
    let seed = Seed::new(&server);
    let [long, short, rolled_back] = ["long", "short", "rolled-back"];
    let mut ids = Vec::new();
    for slug in [long, short, rolled_back] {
        ids.push(seed.active(slug).await);
    }
    server.settle().await;
    let mut reader = Consumer::default();
    assert_eq!(reader.read(&server, &token, "").await, 3);
    let (start, begin) = (reader.position, reader.cursor.clone().unwrap());

    let suspend = async |id: uuid::Uuid| {
        let mut db = server.pool.begin().await.unwrap();
        let suspend = sqlx::query("update tenants set suspended_at = now() where id = $1").bind(id);
        suspend.execute(&mut *db).await.unwrap();
        db
    };
    let taking_long = suspend(ids[0]).await;
    suspend(ids[2]).await.rollback().await.unwrap();
    seed.suspend(ids[1]).await;
    server.settle().await;
    let page = feed(&server, &token, &format!("after={begin}")).await.expect(200);
    assert_eq!(told(&page), [(short.into(), json!("suspended"))]);
    assert_eq!(page["items"][0]["position"], start + 1, "what was rolled back leaves no gap");

    taking_long.commit().await.unwrap();
    server.settle().await;
    let page = feed(&server, &token, &format!("after={}", cursor(&page))).await.expect(200);
    assert_eq!(told(&page), [(long.into(), json!("suspended"))]);
    assert_eq!(page["items"][0]["position"], start + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_sees_each_tenants_latest_change() {
    let server = TestServer::start().await;
    let token = server.token_of(Role::Service).await;
    let seed = Seed::new(&server);
    let never = seed.tenant("never").await;
    let [first, second, third] = [seed.active("first").await, seed.active("second").await, seed.active("third").await];
    server.settle().await;
    let mut reader = Consumer::default();
    assert_eq!(reader.read(&server, &token, "limit=1").await, 1);
    for _ in 0..5 {
        seed.activate(first).await;
        seed.rotate(second).await;
        seed.suspend(third).await;
        seed.resume(third).await;
    }
    seed.offboard(second).await;
    seed.suspend(never).await;
    server.settle().await;
    assert_eq!(reader.read(&server, &token, "").await, 4);
    assert_eq!(reader.state(), present_state(&server).await);
    seed.resume(never).await;
    server.settle().await;
    let page = feed(&server, &token, &format!("after={}", reader.cursor.as_ref().unwrap()))
        .await
        .expect(200);
    assert_eq!(told(&page), [("never".into(), json!("nothing_active"))]);
    let all = feed(&server, &token, "").await.expect(200);
    assert_eq!(
        told(&all)[2..],
        [("second".into(), json!("offboarded")), ("never".into(), json!("nothing_active"))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_token_sees_only_its_tenants() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let mine = seed.active("mine").await;
    let other = seed.active("other").await;
    let tenants = ["mine".parse().unwrap()];
    let made = create_limited_token(
        &server.context,
        &Caller::operator(),
        "test",
        Role::Service,
        TokenLifetime::Never,
        Some(&tenants),
    )
    .await;
    let token = made.expect("a token is made").1.expose_secret().to_owned();
    server.settle().await;
    let start = feed(&server, &token, "").await.expect(200);
    assert_eq!(told(&start), [("mine".into(), Value::Null)]);
    let service = server.token_of(Role::Service).await;
    let end = feed(&server, &service, "").await.expect(200);
    assert_eq!(start["cursor"], end["cursor"], "it goes on after what it may not know");
    let query = format!("after={}&wait=60", cursor(&start));
    let change = async {
        seed.suspend(other).await;
        seed.suspend(mine).await;
    };
    let (waited, ()) = tokio::join!(feed(&server, &token, &query), change);
    assert_eq!(told(&waited.expect(200)), [("mine".into(), json!("suspended"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_parameters_are_reported() {
    let server = TestServer::start().await;
    let unknown = FeedCursor {
        position: 99,
        mark: clock().uuid(),
    };
    let token = server.token_of(Role::Service).await;
    for (query, status, errors) in [
        ("after=99", 422, vec![("after", "malformed_cursor")]),
        (&*format!("after={unknown}"), 410, vec![]),
        (
            "after=-1&wait=61&limit=0",
            422,
            vec![("after", "malformed_cursor"), ("wait", "out_of_range"), ("limit", "out_of_range")],
        ),
        ("after=", 422, vec![("after", "malformed_cursor")]),
        ("afterr=1", 400, vec![]),
    ] {
        let refused = feed(&server, &token, query).await;
        let found = refused.errors();
        let found: Vec<(&str, &str)> = found.iter().map(|(field, code)| (field.as_str(), code.as_str())).collect();
        assert_eq!((refused.status, found), (status, errors), "{query}: {:#}", refused.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reused_slug_resolves_to_its_new_tenant() {
    let server = TestServer::start().await;
    let token = server.token_of(Role::Service).await;
    let seed = Seed::new(&server);
    let first = seed.active("acme").await;
    seed.offboard(first).await;
    let ask = async |name: &str| {
        let url = format!("{}/internal/v1/tenants/{name}/storage-config", server.private);
        server.send(server.bare(Method::GET, &url).bearer_auth(&token)).await
    };
    assert_eq!(ask("acme").await.status, 410);
    let second = seed.tenant("acme").await;
    assert_eq!(ask("acme").await.status, 404);
    seed.activate(second).await;
    assert_eq!(ask("acme").await.expect(200)["tenant_id"], json!(second));
    assert_eq!(ask(&first.to_string()).await.status, 410);
}
