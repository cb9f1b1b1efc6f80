//! Many re-verifications that fail together are one incident.

use serde_json::json;

use crate::support::seed::Seed;
use crate::support::server::{TIMEOUT, TestServer};

const TENANTS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_rejects_no_tenant_and_raises_one_alarm() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    for number in 0..TENANTS {
        seed.active(&format!("tenant-{number}")).await;
    }
    // Its calls to AWS get no answer.
    let _worker = server.replica().worker().start().await;
    let asked = json!({"within_seconds": 0, "reason": "a test"});
    let answer = server.post("/v1/reverifications", &asked).await.expect(200);
    assert_eq!(answer["storage_configs"], TENANTS);
    let open = async {
        let count = "select count(*) from incidents where ended_at is null";
        while sqlx::query_scalar::<_, i64>(count).fetch_one(&server.pool).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, open).await.expect("an incident is open");
    let tenants = server.get("/v1/tenants").await.expect(200);
    for tenant in tenants["items"].as_array().unwrap() {
        assert_eq!(tenant["status"], "active", "{tenant}");
    }
    let queued: i64 = sqlx::query_scalar("select count(*) from verifications where trigger = 'scheduled'")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(queued, 0);
    let incidents: i64 = sqlx::query_scalar("select count(*) from incidents")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(incidents, 1);
}
