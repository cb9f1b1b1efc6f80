//! Several writers activate, rotate, suspend and offboard tenants at random, while the connection to the database breaks and Postgres
//! restarts. Readers on two replicas never get another tenant's config, and get one that has been outdated for more than a second only
//! if it is marked as stale.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use latchkey::domain::external_id::ExternalId;
use latchkey::domain::token::Role;
use reqwest::Method;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::clock::clock;
use crate::support::database::empty_database_on;
use crate::support::db_proxy::DatabaseProxy;
use crate::support::postgres_server::Postgres;
use crate::support::seed::{Attempt, Seed, read_bucket};
use crate::support::server::{TIMEOUT, TestServer};

/// The possible answers for a tenant: its active version, that it is suspended, or that it is offboarded.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Truth {
    Active { version: i32, external_id: String },
    Suspended,
    Offboarded,
}

/// The states of each tenant, with the longest time that each can have lasted: from before its change began until after the next
/// change was done.
#[derive(Default)]
struct History(Mutex<HashMap<Uuid, Vec<Span>>>);

struct Span {
    truth: Truth,
    ended: Option<Instant>,
}

impl History {
    /// It can be true from now on.
    fn begins(&self, tenant: Uuid, truth: Truth) {
        self.0.lock().unwrap().entry(tenant).or_default().push(Span { truth, ended: None });
    }

    /// Nothing else is true from now on.
    fn done(&self, tenant: Uuid, truth: &Truth) {
        let now = clock().instant();
        let mut history = self.0.lock().unwrap();
        for span in history.get_mut(&tenant).unwrap() {
            if span.truth != *truth {
                span.ended.get_or_insert(now);
            }
        }
    }

    /// Whether it was true at some time after `since`, or at any time without it.
    fn allows(&self, tenant: Uuid, truth: &Truth, since: Option<Instant>) -> bool {
        let history = self.0.lock().unwrap();
        let known = history.get(&tenant).map(Vec::as_slice).unwrap_or_default();
        let recent = |span: &Span| span.ended.is_none_or(|ended| since.is_none_or(|since| ended >= since));
        known.iter().any(|span| span.truth == *truth && recent(span))
    }

    fn some_tenant(&self) -> Option<Uuid> {
        let history = self.0.lock().unwrap();
        let [a, b]: [u8; 2] = clock().random();
        let at = usize::from(u16::from_be_bytes([a, b])) % history.len().max(1);
        history.keys().nth(at).copied()
    }
}

/// A change to a tenant that has an active version.
#[derive(Debug, Clone, Copy)]
enum Change {
    Activate,
    Rotate,
    Suspend,
    Resume,
    Offboard,
}

/// A tenant as its writer knows it. Nobody else changes the tenant.
#[derive(Clone)]
struct Known {
    id: Uuid,
    /// The active version.
    version: i32,
    external_id: ExternalId,
    suspended: bool,
    offboarded: bool,
}

impl Known {
    fn truth(&self) -> Truth {
        match self {
            Self { offboarded: true, .. } => Truth::Offboarded,
            Self { suspended: true, .. } => Truth::Suspended,
            Self { version, external_id, .. } => Truth::Active {
                version: *version,
                external_id: external_id.to_string(),
            },
        }
    }

    /// The tenant's state in the database, once the database responds.
    async fn read_again(&mut self, seed: &Seed) {
        let tenant = loop {
            match seed.try_find(self.id).await {
                Ok(tenant) => break tenant,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.version = tenant.facts.active.as_ref().map_or(self.version, |active| active.version);
        self.suspended = tenant.facts.suspended_at.is_some();
        self.offboarded = tenant.facts.offboarded_at.is_some();
        self.external_id = tenant.external_id;
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
            if let Ok(tenant) = self.seed.try_tenant(&format!("{}-{step}", self.name)).await {
                let new = Known {
                    id: tenant.id.as_uuid(),
                    version: 0,
                    external_id: tenant.external_id,
                    suspended: false,
                    offboarded: false,
                };
                self.change(new, Change::Activate).await;
            }
            return;
        }
        let [choice, which]: [u8; 2] = clock().random();
        let known = self.tenants.swap_remove(usize::from(which) % self.tenants.len());
        let change = match choice % 8 {
            0 => Change::Offboard,
            _ if known.suspended => Change::Resume,
            1 | 2 => Change::Suspend,
            3 | 4 => Change::Rotate,
            _ => Change::Activate,
        };
        self.change(known, change).await;
    }

    /// Changes a tenant, unless it is offboarded or the result of its last change is unknown.
    async fn change(&mut self, mut known: Known, change: Change) {
        let changed = self.attempt(&mut known, change).await.is_ok();
        if !changed {
            // The change may have been committed: until this is known, the states before and after it are both allowed.
            known.read_again(&self.seed).await;
        }
        if known.version > 0 {
            self.history.done(known.id, &known.truth());
        }
        if changed && !known.offboarded {
            self.tenants.push(known);
        }
    }

    async fn attempt(&self, known: &mut Known, change: Change) -> Attempt {
        let seed = &self.seed;
        let begins = |known: &Known| self.history.begins(known.id, known.truth());
        match change {
            Change::Activate => {
                let (version, verification) = seed.try_submit(known.id).await?;
                known.version = version;
                begins(known);
                seed.try_verify(verification, &known.external_id).await
            }
            Change::Rotate => {
                let (next, verification) = seed.try_issue(known.id).await?;
                known.external_id = next;
                begins(known);
                seed.try_verify(verification, &known.external_id).await?;
                seed.try_end_previous(known.id, &known.external_id).await
            }
            Change::Suspend => {
                known.suspended = true;
                begins(known);
                seed.try_suspend(known.id).await
            }
            Change::Resume => {
                known.suspended = false;
                begins(known);
                seed.try_resume(known.id).await
            }
            Change::Offboard => {
                known.offboarded = true;
                begins(known);
                seed.try_offboard(known.id).await
            }
        }
    }
}

/// How often readers saw fresh answers, and stale ones.
#[derive(Default)]
struct Seen {
    fresh: watch::Sender<usize>,
    stale: watch::Sender<usize>,
}

/// Waits until readers have seen it several more times.
async fn seen_again(count: &watch::Sender<usize>, what: &str) {
    let wanted = *count.borrow() + 20;
    let mut count = count.subscribe();
    let seen = count.wait_for(|seen| *seen >= wanted);
    tokio::time::timeout(TIMEOUT, seen)
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
                assert_eq!(storage["version"], version);
                let external_id = storage["external_id"].as_str().unwrap().to_owned();
                Truth::Active { version, external_id }
            }
            403 => Truth::Suspended,
            410 => Truth::Offboarded,
            // The tenant is unknown so far, or its state is uncertain.
            404 | 503 => continue,
            other => panic!("{other} is no answer"),
        };
        assert!(history.allows(tenant, &truth, None), "{tenant} was never {truth:?}");
        if stale {
            seen.stale.send_modify(|seen| *seen += 1);
            continue;
        }
        seen.fresh.send_modify(|seen| *seen += 1);
        let since = asked.checked_sub(Duration::from_secs(1)).unwrap_or(asked);
        assert!(
            history.allows(tenant, &truth, Some(since)),
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
    async fn on(replicas: [&TestServer; 2]) -> Self {
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
            seed: Seed::new(replicas[0]),
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

    /// Several writers, each with many changes.
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
async fn answers_are_current_or_marked_as_stale() {
    let server = TestServer::start().await;
    let proxy = DatabaseProxy::to(&server.database_url).await;
    let replica = server.replica().database_url(&proxy.url).start().await;
    let crowd = Crowd::on([&server, &replica]).await;
    crowd.round("one").await;
    // One replica's connections are closed; the other's hang.
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .execute(&server.pool)
        .await
        .unwrap();
    proxy.freeze();
    crowd.round("two").await;
    crowd.stale(1).await;
    proxy.restore();
    crowd.round("three").await;
    crowd.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_current_or_marked_as_stale_while_postgres_restarts() {
    let mut postgres = Postgres::start().await;
    let database = empty_database_on(&postgres.url).await;
    let server = TestServer::builder().database_url(&database).start().await;
    let replica = server.replica().start().await;
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
