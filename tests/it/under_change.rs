//! Readers on two replicas, while tenants are activated, rotated, suspended and offboarded at random by several writers and
//! the line to the database breaks: nobody is ever told what was not true a second ago, but as stale, nor of another tenant.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use latchkey::domain::token::Role;
use reqwest::Method;
use uuid::Uuid;

use crate::aws::{World, clock};
use crate::landlord::{Landlord, read_bucket};
use crate::line::Line;
use crate::server::{PATIENCE, Server};

/// What a tenant may be answered with: its active version, a suspension, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Active(i32),
    Suspended,
    Offboarded,
}

/// What was true of each tenant, and from when to when at most: from before the change was begun until after it was done.
#[derive(Default)]
struct History(Mutex<HashMap<Uuid, Vec<Span>>>);

struct Span {
    truth: Truth,
    ended: Option<Instant>,
}

impl History {
    /// From now on it may be true.
    fn begins(&self, tenant: Uuid, truth: Truth) {
        self.0.lock().unwrap().entry(tenant).or_default().push(Span { truth, ended: None });
    }

    /// From now on all but the newest is over.
    fn done(&self, tenant: Uuid) {
        let now = clock().instant();
        let mut history = self.0.lock().unwrap();
        let known = history.get_mut(&tenant).unwrap();
        let before = known.len() - 1;
        for span in &mut known[..before] {
            span.ended.get_or_insert(now);
        }
    }

    /// Whether it was true at some moment since `since`.
    fn allows(&self, tenant: Uuid, truth: Truth, since: Instant) -> bool {
        let history = self.0.lock().unwrap();
        let known = history.get(&tenant).map(Vec::as_slice).unwrap_or_default();
        known
            .iter()
            .any(|span| span.truth == truth && span.ended.is_none_or(|ended| ended >= since))
    }

    fn some_tenant(&self) -> Option<Uuid> {
        let history = self.0.lock().unwrap();
        let [a, b]: [u8; 2] = clock().random();
        let at = usize::from(u16::from_be_bytes([a, b])) % history.len().max(1);
        history.keys().nth(at).copied()
    }
}

async fn write(landlord: Landlord, history: Arc<History>, writer: usize) {
    let mut tenants: Vec<(Uuid, i32, bool)> = Vec::new();
    for step in 0..60 {
        if tenants.len() < 4 {
            let id = landlord.tenant(&format!("tenant-{writer}-{step}")).await;
            history.begins(id, Truth::Active(1));
            let version = landlord.activate(id).await;
            history.done(id);
            tenants.push((id, version, false));
            continue;
        }
        let [choice, which]: [u8; 2] = clock().random();
        let at = usize::from(which) % tenants.len();
        let (id, version, suspended) = tenants[at];
        match (choice % 8, suspended) {
            (0, _) => {
                history.begins(id, Truth::Offboarded);
                landlord.offboard(id).await;
                tenants.swap_remove(at);
            }
            (_, true) => {
                history.begins(id, Truth::Active(version));
                landlord.resume(id).await;
                tenants[at].2 = false;
            }
            (1 | 2, false) => {
                history.begins(id, Truth::Suspended);
                landlord.suspend(id).await;
                tenants[at].2 = true;
            }
            (3, false) => {
                landlord.rotate(id).await;
                continue;
            }
            (_, false) => {
                history.begins(id, Truth::Active(version + 1));
                tenants[at].1 = landlord.activate(id).await;
            }
        }
        history.done(id);
    }
}

/// What readers saw.
#[derive(Default)]
struct Seen {
    fresh: AtomicUsize,
    stale: AtomicUsize,
}

async fn read(url: String, token: String, history: Arc<History>, seen: Arc<Seen>, stop: Arc<AtomicBool>) {
    let http = reqwest::Client::new();
    while !stop.load(Ordering::Relaxed) {
        let Some(tenant) = history.some_tenant() else {
            tokio::task::yield_now().await;
            continue;
        };
        let asked = clock().instant();
        let request = http.request(Method::GET, format!("{url}/internal/v1/tenants/{tenant}/storage-config"));
        let answer = request.bearer_auth(&token).send().await.expect("the server answers");
        let stale = answer.headers().contains_key("latchkey-stale");
        let status = answer.status().as_u16();
        let truth = match status {
            200 => {
                let storage: serde_json::Value = answer.json().await.unwrap();
                let (owner, version) = read_bucket(&storage);
                assert_eq!(owner, tenant.simple().to_string(), "never another tenant's");
                assert_eq!(storage["tenant_id"], tenant.to_string());
                assert_eq!(storage["stale"], stale);
                Truth::Active(version)
            }
            403 => Truth::Suspended,
            410 => Truth::Offboarded,
            // It is not known yet, or nothing is known for sure.
            404 | 503 => continue,
            other => panic!("{other} is no answer"),
        };
        if stale {
            seen.stale.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        seen.fresh.fetch_add(1, Ordering::Relaxed);
        let since = asked.checked_sub(Duration::from_secs(1)).unwrap_or(asked);
        assert!(
            history.allows(tenant, truth, since),
            "{tenant} was not {truth:?} within the last second"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_are_never_told_what_is_no_longer_true() {
    let world = World::new().await;
    let server = Server::start_idle(&world).await;
    let token = server.token_of(Role::Service).await;
    let line = Line::to(&server.database_url).await;
    let replica = server.beside(&line.url, &world).await;
    server.settle().await;
    let (history, seen, stop) = (
        Arc::new(History::default()),
        Arc::new(Seen::default()),
        Arc::new(AtomicBool::new(false)),
    );
    let readers: Vec<_> = [&server, &replica, &server, &replica]
        .into_iter()
        .map(|on| tokio::spawn(read(on.private.clone(), token.clone(), history.clone(), seen.clone(), stop.clone())))
        .collect();
    let landlord = Landlord(server.pool.clone());
    let round = async |first: usize| {
        join_all((first..first + 4).map(|writer| write(landlord.clone(), history.clone(), writer))).await;
    };
    round(0).await;
    // As a restart of Postgres looks to those who are connected: to the one at once, to the other by a line that goes dead.
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .execute(&server.pool)
        .await
        .unwrap();
    line.go_dead();
    round(4).await;
    let told = async {
        while seen.stale.load(Ordering::Relaxed) == 0 && !readers.iter().any(tokio::task::JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, told)
        .await
        .expect("answers are marked as stale in the end");
    line.mend();
    round(8).await;
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("every answer was true");
    }
    assert!(seen.fresh.load(Ordering::Relaxed) > 0);
}
