//! The time from the commit of a change until a replica responds with it. `./dev/bench read` starts the replicas.
//!
//! `propagation <tenant> <changes> <replica>…` with `DATABASE_URL` and `LATCHKEY_TOKEN`; the replicas are URLs. Prints milliseconds.

use std::time::{Duration, Instant};

use futures::future::join_all;
use sqlx::PgPool;

/// The time between two requests, so that they do not slow down what they measure.
const GAP: Duration = Duration::from_micros(500);

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(tenant), Some(changes)) = (arguments.next(), arguments.next().and_then(|count| count.parse::<u32>().ok())) else {
        return;
    };
    let replicas: Vec<String> = arguments.collect();
    let [database, token] = ["DATABASE_URL", "LATCHKEY_TOKEN"].map(|name| std::env::var(name).expect("it is set"));
    let pool = PgPool::connect(&database).await.expect("Postgres answers");
    let http = reqwest::Client::new();
    let mut times = Vec::new();
    for change in 0..changes {
        let external_id = format!("lk-change-{change:08}");
        sqlx::query("update tenants set external_id = $1 where slug = $2")
            .bind(&external_id)
            .bind(&tenant)
            .execute(&pool)
            .await
            .expect("it is changed");
        let committed = now();
        times.extend(
            join_all(
                replicas
                    .iter()
                    .map(|replica| seen(&http, replica, &tenant, &token, &external_id, committed)),
            )
            .await,
        );
    }
    times.sort_by(f64::total_cmp);
    let of = |share: usize| times[(times.len() - 1) * share / 100];
    println!(
        r#"{{"changes": {changes}, "p50_ms": {:.2}, "p90_ms": {:.2}, "p99_ms": {:.2}, "max_ms": {:.2}}}"#,
        of(50),
        of(90),
        of(99),
        of(100)
    );
}

/// Milliseconds until a replica responds with the change.
async fn seen(http: &reqwest::Client, replica: &str, tenant: &str, token: &str, external_id: &str, committed: Instant) -> f64 {
    let url = format!("{replica}/internal/v1/tenants/{tenant}/storage-config");
    loop {
        let answer = http.get(&url).bearer_auth(token).send().await.expect("the replica answers");
        if answer.text().await.expect("the answer is whole").contains(external_id) {
            return committed.elapsed().as_secs_f64() * 1000.0;
        }
        #[expect(clippy::disallowed_methods, reason = "it polls")]
        tokio::time::sleep(GAP).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is what is measured")]
fn now() -> Instant {
    Instant::now()
}
