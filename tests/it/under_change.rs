//! Readers on two replicas, while tenants are activated, rotated, suspended and offboarded at random by several writers,
//! the line to the database breaks and Postgres itself is restarted: nobody is ever told what was not true a second ago, but as stale, nor of another tenant.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use latchkey::domain::token::Role;
use reqwest::Method;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::aws::{World, clock};
use crate::db_proxy::Line;
use crate::postgres::Postgres;
use crate::seed::{Change, Seed, read_bucket, read_rotation};
use crate::server::{PATIENCE, Server, empty_database_on};

/// What a tenant may be answered with: what it has active, a suspension, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Active { version: i32, rotation: i32 },
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

    /// From now on nothing else is.
    fn done(&self, tenant: Uuid, truth: Truth) {
        let now = clock().instant();
        let mut history = self.0.lock().unwrap();
        for span in history.get_mut(&tenant).unwrap() {
            if span.truth != truth {
                span.ended.get_or_insert(now);
            }
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

/// A tenant as its writer, who is the only one to change it, knows it.
#[derive(Clone, Copy)]
struct Known {
    id: Uuid,
    version: i32,
    rotation: i32,
    suspended: bool,
    offboarded: bool,
}

impl Known {
    fn truth(&self) -> Truth {
        match self {
            Self { offboarded: true, .. } => Truth::Offboarded,
            Self { suspended: true, .. } => Truth::Suspended,
            Self { version, rotation, .. } => Truth::Active {
                version: *version,
                rotation: *rotation,
            },
        }
    }

    fn after(mut self, change: Change) -> Self {
        match change {
            Change::Activate => self.version += 1,
            Change::Rotate => self.rotation += 1,
            Change::Suspend => self.suspended = true,
            Change::Resume => self.suspended = false,
            Change::Offboard => self.offboarded = true,
        }
        self
    }

    /// As the database has it, once that answers.
    async fn again(mut self, seed: &Seed) -> Self {
        let row: (Option<i32>, String, bool, bool) = loop {
            let asked = sqlx::query_as(
                "select (select version from storage_configs c join active_configs a on a.config_id = c.id where a.tenant_id = t.id),
                        external_id, suspended_at is not null, offboarded_at is not null
                 from tenants t where id = $1",
            );
            match asked.bind(self.id).fetch_one(&seed.0).await {
                Ok(row) => break row,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.version = row.0.unwrap_or(self.version);
        self.rotation = read_rotation(&row.1);
        (self.suspended, self.offboarded) = (row.2, row.3);
        self
    }
}

/// One of several writers, each with tenants of its own.
struct Writer {
    name: String,
    seed: Seed,
    history: Arc<History>,
    tenants: Vec<Known>,
}

impl Writer {
    async fn step(&mut self, step: usize) {
        if self.tenants.len() < 4 {
            let id = clock().uuid();
            if self.seed.attempt_tenant(id, &format!("{}-{step}", self.name)).await.is_ok() {
                let new = Known {
                    id,
                    version: 0,
                    rotation: 0,
                    suspended: false,
                    offboarded: false,
                };
                self.tenants.push(new);
                self.change(self.tenants.len() - 1, Change::Activate).await;
            }
            return;
        }
        let [choice, which]: [u8; 2] = clock().random();
        let at = usize::from(which) % self.tenants.len();
        let known = &self.tenants[at];
        let change = match choice % 8 {
            _ if known.version == 0 => Change::Activate,
            0 => Change::Offboard,
            _ if known.suspended => Change::Resume,
            1 | 2 => Change::Suspend,
            3 | 4 => Change::Rotate,
            _ => Change::Activate,
        };
        self.change(at, change).await;
    }

    async fn change(&mut self, at: usize, change: Change) {
        let before = self.tenants[at];
        let wanted = before.after(change);
        self.history.begins(before.id, wanted.truth());
        let now = match self.seed.attempt(change, before.id).await {
            Ok(()) => wanted,
            // It may have been done: both are allowed until it is known.
            Err(_) => before.again(&self.seed).await,
        };
        if now.version > 0 {
            self.history.done(now.id, now.truth());
        }
        self.tenants[at] = now;
        if now.offboarded {
            self.tenants.swap_remove(at);
        }
    }
}

/// How often readers saw fresh answers, and stale ones.
#[derive(Default)]
struct Seen {
    fresh: watch::Sender<usize>,
    stale: watch::Sender<usize>,
}

/// Waits until that was seen some times more.
async fn seen_again(count: &watch::Sender<usize>, what: &str) {
    let wanted = *count.borrow() + 20;
    let mut count = count.subscribe();
    let seen = count.wait_for(|seen| *seen >= wanted);
    tokio::time::timeout(PATIENCE, seen)
        .await
        .unwrap_or_else(|_| panic!("{what}, in the end"))
        .expect("readers read");
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
                let external_id = storage["external_id"].as_str().unwrap();
                assert!(external_id.contains(&owner), "never another tenant's");
                let rotation = read_rotation(external_id);
                Truth::Active { version, rotation }
            }
            403 => Truth::Suspended,
            410 => Truth::Offboarded,
            // It is not known yet, or nothing is known for sure.
            404 | 503 => continue,
            other => panic!("{other} is no answer"),
        };
        if stale {
            seen.stale.send_modify(|seen| *seen += 1);
            continue;
        }
        seen.fresh.send_modify(|seen| *seen += 1);
        let since = asked.checked_sub(Duration::from_secs(1)).unwrap_or(asked);
        assert!(
            history.allows(tenant, truth, since),
            "{tenant} was not {truth:?} within the last second"
        );
    }
}

/// Readers on two replicas, and writers.
struct Crowd {
    seed: Seed,
    history: Arc<History>,
    seen: [Arc<Seen>; 2],
    stop: Arc<AtomicBool>,
    readers: Vec<JoinHandle<()>>,
}

impl Crowd {
    async fn on(replicas: [&Server; 2]) -> Self {
        let token = replicas[0].token_of(Role::Service).await;
        for replica in replicas {
            replica.settle().await;
        }
        let (history, stop) = (Arc::new(History::default()), Arc::new(AtomicBool::new(false)));
        let seen = [Arc::new(Seen::default()), Arc::new(Seen::default())];
        let readers = [0, 1].map(|on| {
            let url = replicas[on].private.clone();
            tokio::spawn(read(url, token.clone(), history.clone(), seen[on].clone(), stop.clone()))
        });
        Self {
            seed: Seed(replicas[0].pool.clone()),
            history,
            seen,
            stop,
            readers: readers.into(),
        }
    }

    fn writers(&self, round: &str) -> Vec<Writer> {
        let writer = |number| Writer {
            name: format!("{round}-{number}"),
            seed: self.seed.clone(),
            history: self.history.clone(),
            tenants: Vec::new(),
        };
        (0..4).map(writer).collect()
    }

    /// Several writers, a good while each.
    async fn round(&self, name: &str) {
        let write = |mut writer: Writer| async move {
            for step in 0..30 {
                writer.step(step).await;
            }
        };
        join_all(self.writers(name).into_iter().map(write)).await;
    }

    /// Waits until both replicas give fresh answers.
    async fn fresh(&self) {
        for seen in &self.seen {
            seen_again(&seen.fresh, "answers are fresh").await;
        }
    }

    async fn stale(&self, on: usize) {
        seen_again(&self.seen[on].stale, "answers are marked as stale").await;
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for reader in self.readers {
            reader.await.expect("every answer was true");
        }
        assert!(self.seen.iter().all(|seen| *seen.fresh.borrow() > 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_are_never_told_what_is_no_longer_true() {
    let world = World::new().await;
    let server = Server::start_idle(&world).await;
    let line = Line::to(&server.database_url).await;
    let replica = server.replica(&line.url, &world).await;
    let crowd = Crowd::on([&server, &replica]).await;
    crowd.round("one").await;
    // To the one, connections end at once; to the other the line goes dead.
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .execute(&server.pool)
        .await
        .unwrap();
    line.go_dead();
    crowd.round("two").await;
    crowd.stale(1).await;
    line.restore();
    crowd.round("three").await;
    crowd.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_are_they_while_postgres_is_restarted() {
    let Some(mut postgres) = Postgres::start().await else { return };
    let world = World::new().await;
    let database = empty_database_on(&postgres.url).await;
    let server = Server::idle_with(&database, &world, Duration::from_hours(24)).await;
    let replica = server.replica(&database, &world).await;
    let crowd = Crowd::on([&server, &replica]).await;
    let writing: Vec<_> = crowd
        .writers("all")
        .into_iter()
        .map(|mut writer| {
            let stop = crowd.stop.clone();
            tokio::spawn(async move {
                for step in (0..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                    writer.step(step).await;
                }
            })
        })
        .collect();
    for end in ["stop", "crash"] {
        crowd.fresh().await;
        postgres.order(end).await;
        crowd.stale(0).await;
        crowd.stale(1).await;
        postgres.order("start").await;
    }
    crowd.fresh().await;
    crowd.end().await;
    for writer in writing {
        writer.await.expect("the writer ends");
    }
    postgres.end().await;
}
