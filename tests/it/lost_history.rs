//! The database loses changes that were read before: by a failover to a standby that did not have them, by a crash, by a restore. The same
//! positions are then assigned to other changes. Every replica must detect this.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use latchkey::domain::token::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::cli::{latchkey, text};
use crate::support::clock::clock;
use crate::support::database::empty_database_on;
use crate::support::db_proxy::DatabaseProxy;
use crate::support::postgres_server::Postgres;
use crate::support::seed::Seed;
use crate::support::server::{ApiResponse, TIMEOUT, TestServer};

async fn ask(server: &TestServer, token: &str, path: &str) -> ApiResponse {
    let url = format!("{}/internal/v1/{path}", server.private);
    server.send_now(server.bare(Method::GET, &url).bearer_auth(token)).await
}

/// Status, version and external ID of each tenant, as a replica answers. Waits until its answers are fresh.
async fn answers(server: &TestServer, token: &str, tenants: &[Uuid]) -> BTreeMap<Uuid, Value> {
    let up_to_date = async { while server.read_model.caught_up().await.is_err() {} };
    tokio::time::timeout(TIMEOUT, up_to_date).await.expect("answers are fresh again");
    let answers = tenants.iter().map(|tenant| async move {
        let answer = ask(server, token, &format!("tenants/{tenant}/storage-config")).await;
        assert!(!answer.headers.contains_key("latchkey-stale"), "{:#}", answer.body);
        let storage = &answer.body;
        (*tenant, json!([answer.status, storage["version"], storage["external_id"]]))
    });
    join_all(answers).await.into_iter().collect()
}

/// The same, as the database has it.
async fn truth(database_url: &str) -> BTreeMap<Uuid, Value> {
    let pool = latchkey::store::connect(database_url.parse().unwrap(), 1);
    let rows: Vec<(Uuid, Value)> = sqlx::query_as(
        "select t.id, case
             when t.suspended_at is not null then jsonb_build_array(403, null, null)
             else jsonb_build_array(200, c.version, t.external_id) end
         from tenants t left join active_configs a on a.tenant_id = t.id left join storage_configs c on c.id = a.config_id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    pool.close().await;
    rows.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_that_lost_changes_no_replica_serves_them() {
    let mut postgres = Postgres::start().await;
    let database = empty_database_on(&postgres.url).await;
    let old = TestServer::builder().database_url(&database).start().await;
    let seed = Seed::new(&old);
    let mut tenants = Vec::new();
    for number in 0..6 {
        tenants.push(seed.active(&format!("tenant-{number}")).await);
    }
    let token = old.token_of(Role::Service).await;
    let line = DatabaseProxy::to(&database).await;
    let replica = old.replica().database_url(&line.url).start().await;
    replica.settle().await;
    let common = ask(&replica, &token, "changes").await.expect(200)["cursor"].clone();

    let standby = postgres.standby().await;
    postgres.order("detach").await;
    seed.suspend(tenants[0]).await;
    seed.activate(tenants[1]).await;
    seed.rotate(tenants[2]).await;
    let lost_token = old.token_of(Role::Service).await;
    replica.settle().await;
    let lost = ask(&replica, &lost_token, "changes").await.expect(200)["cursor"].clone();
    assert_eq!(answers(&replica, &token, &tenants).await, truth(&database).await);

    line.cut();
    postgres.order("crash").await;
    postgres.order("promote").await;
    let name = database.rsplit('/').next().unwrap();
    let promoted = format!("{}/{name}", standby.rsplit_once('/').unwrap().0);
    let new = TestServer::builder().database_url(&promoted).start().await;
    let seed = Seed::new(&new);
    // As many changes as were lost, and more: the position that the replica knows is passed before it looks.
    seed.suspend(tenants[3]).await;
    for tenant in &tenants[4..] {
        for _ in 0..4 {
            seed.activate(*tenant).await;
        }
    }
    line.redirect(&promoted);

    // During the reload, existing tenants do not get 404.
    let is_done = Arc::new(AtomicBool::new(false));
    let watching = async {
        while !is_done.load(Ordering::Relaxed) {
            for tenant in &tenants {
                let status = ask(&replica, &token, &format!("tenants/{tenant}/storage-config")).await.status;
                assert!([200, 403].contains(&status), "{status}");
            }
        }
    };
    let checking = async {
        line.restore();
        let expected = truth(&promoted).await;
        assert_eq!(answers(&replica, &token, &tenants).await, expected);
        assert_eq!(answers(&new, &token, &tenants).await, expected);
        is_done.store(true, Ordering::Relaxed);
    };
    tokio::join!(watching, checking);

    assert_eq!(
        ask(&replica, &lost_token, "changes").await.status,
        401,
        "a token that was lost is not known any more"
    );
    let refused = ask(&replica, &token, &format!("changes?after={}", lost.as_str().unwrap())).await;
    assert_eq!((refused.status, &refused.body["type"]), (410, &json!("/problems/cursor-lost")));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("Read from the beginning"), "{detail}");
    let later = ask(&replica, &token, &format!("changes?after={}", common.as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(
        later["items"].as_array().unwrap().len(),
        3,
        "a cursor from before the loss is still good: {later:#}"
    );
    let all = ask(&replica, &token, "changes").await.expect(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 6);
    postgres.end().await;
}

/// A standby may be behind by any time, and nothing on it tells by how much.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_never_fresh() {
    let mut postgres = Postgres::start().await;
    let database = empty_database_on(&postgres.url).await;
    let server = TestServer::builder().database_url(&database).start().await;
    let acme = Seed::new(&server).active("acme").await;
    let token = server.token_of(Role::Service).await;
    let line = DatabaseProxy::to(&database).await;
    let replica = server.replica().database_url(&line.url).start().await;
    replica.settle().await;
    let path = format!("tenants/{acme}/storage-config");
    ask(&replica, &token, &path).await.expect(200);

    let standby = postgres.standby().await;
    let name = database.rsplit('/').next().unwrap();
    let standby = format!("{}/{name}", standby.rsplit_once('/').unwrap().0);
    let role = ("LATCHKEY_STORAGE_ROLE_ARN", "arn:aws:iam::111111111111:role/storage");
    for (url, code, said) in [(&database, 0, "a primary"), (&standby, 1, "a standby")] {
        let output = latchkey(&["check-config", "--database"], &[role, ("DATABASE_URL", url)]);
        let printed = text(&output.stdout);
        assert!(output.status.code() == Some(code) && printed.contains(said), "{printed}");
    }

    line.cut();
    let until_stale = async { while replica.read_model.caught_up().await.is_ok() {} };
    tokio::time::timeout(TIMEOUT, until_stale).await.expect("its last contact gets old");
    line.redirect(&standby);
    line.restore();
    let watcher = latchkey::store::connect(standby.parse().unwrap(), 1);
    let sessions = async || -> i64 {
        sqlx::query_scalar("select sessions from pg_stat_database where datname = current_database()")
            .fetch_one(&watcher)
            .await
            .unwrap()
    };
    let before = sessions().await;
    let tries = async {
        while sessions().await < before + 3 {
            let answer = ask(&replica, &token, &path).await;
            assert_eq!((answer.status, &answer.body["stale"]), (200, &json!(true)));
            assert!(replica.read_model.caught_up().await.is_err());
        }
    };
    tokio::time::timeout(TIMEOUT, tries)
        .await
        .expect("it reaches the standby again and again");
    watcher.close().await;
    line.cut();
    line.redirect(&database);
    line.restore();
    let recovered = async { while replica.read_model.caught_up().await.is_err() {} };
    tokio::time::timeout(TIMEOUT, recovered).await.expect("the primary is fresh");
    postgres.end().await;
}

/// Crashes Postgres this often under load.
async fn crash_often(crashes: usize) {
    let mut postgres = Postgres::start_lossy().await;
    let database = empty_database_on(&postgres.url).await;
    let server = TestServer::builder().database_url(&database).start().await;
    let replica = server.replica().start().await;
    let seed = Seed::new(&server);
    let mut tenants = Vec::new();
    for number in 0..8 {
        tenants.push(seed.active(&format!("tenant-{number}")).await);
    }
    let token = server.token_of(Role::Service).await;
    // The crash must not lose the tenants and the token.
    sqlx::query("checkpoint").execute(&server.pool).await.unwrap();
    let mut lost = 0;
    for crash in 0..crashes {
        let stop = Arc::new(AtomicBool::new(false));
        let writers = tenants.chunks(2).map(|own| {
            let (seed, stop, own) = (seed.clone(), stop.clone(), own.to_vec());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let [choice, which]: [u8; 2] = clock().random();
                    let tenant = own[usize::from(which) % own.len()];
                    // Some are interrupted by the outage.
                    let _ = match choice % 3 {
                        0 => seed.try_suspend(tenant).await,
                        1 => seed.try_resume(tenant).await,
                        _ => seed.try_activate(tenant).await,
                    };
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        // Enough changes that both replicas have read some which a crash loses.
        let begin = replica.read_model.position();
        let enough = i64::from(clock().random::<1>()[0] % 16) + 8;
        let reading = async {
            let mut positions = replica.read_model.watch();
            let _ = positions.wait_for(|at| at.is_some_and(|at| at >= begin + enough)).await;
        };
        tokio::time::timeout(TIMEOUT, reading).await.expect("changes are read");
        postgres.order("crash").await;
        let last_read = replica.read_model.position();
        postgres.order("start").await;
        stop.store(true, Ordering::Relaxed);
        join_all(writers).await;
        let head: i64 = loop {
            if let Ok(head) = sqlx::query_scalar("select config_changes from change_counters")
                .fetch_one(&server.pool)
                .await
            {
                break head;
            }
        };
        lost += usize::from(head < last_read);
        let expected = truth(&database).await;
        for (name, server) in [("server", &server), ("replica", &replica)] {
            let given = answers(server, &token, &tenants).await;
            assert_eq!(given, expected, "the {name} after crash {crash}");
        }
    }
    println!("{lost} of {crashes} crashes lost changes that were read");
    assert!(lost > 0, "no crash lost anything, so nothing was shown");
    postgres.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_crashes_that_lose_commits_no_replica_serves_what_was_lost() {
    crash_often(4).await;
}

/// `./dev/soak tests` runs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn soak_fifty_crashes_that_lose_commits() {
    crash_often(50).await;
}
