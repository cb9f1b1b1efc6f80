//! When tenants were verified last: in the list of tenants, as a filter, and as its order.

use latchkey::domain::token::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::dashboard::Person;
use crate::support::seed::Seed;
use crate::support::server::TestServer;

/// Moves a tenant's last verifications into the past. No service can wait that long.
async fn verified_ago(server: &TestServer, tenant: Uuid, light: &str, full: &str) {
    let moved = "update reverifications set light_at = now() - $2::interval, full_at = now() - $3::interval where tenant_id = $1";
    let moved = sqlx::query(moved)
        .bind(tenant)
        .bind(light)
        .bind(full)
        .execute(&server.pool)
        .await
        .unwrap();
    assert_eq!(moved.rows_affected(), 1);
}

async fn slugs(server: &TestServer, query: &str) -> Vec<String> {
    let listed = server.get(&format!("/v1/tenants?{query}")).await.expect(200);
    let items = listed["items"].as_array().unwrap();
    items.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
}

/// `fresh` was confirmed just now, `late` yesterday, `old` three days ago and in full only last month; `new` has no active version.
async fn tenants(server: &TestServer) -> [Uuid; 3] {
    let seed = Seed::new(server);
    let [fresh, old, late] = [seed.active("fresh").await, seed.active("old").await, seed.active("late").await];
    seed.tenant("new").await;
    verified_ago(server, late, "1 day", "2 days").await;
    verified_ago(server, old, "3 days", "30 days").await;
    [fresh, old, late]
}

#[tokio::test]
async fn tenants_are_listed_by_when_they_were_verified() {
    let server = TestServer::start().await;
    let [_, old, _] = tenants(&server).await;
    assert_eq!(slugs(&server, "").await, ["new", "late", "old", "fresh"], "the newest first");
    assert_eq!(
        slugs(&server, "confirmed_before=6h").await,
        ["old", "late"],
        "the longest ago first"
    );
    assert_eq!(slugs(&server, "confirmed_before=2days").await, ["old"]);
    assert_eq!(slugs(&server, "confirmed_before=0s").await, ["old", "late", "fresh"]);
    assert_eq!(slugs(&server, "verified_in_full_before=7d").await, ["old"]);
    assert_eq!(slugs(&server, "verified_in_full_before=1h").await, ["old", "late"]);
    assert_eq!(slugs(&server, "confirmed_before=1h&verified_in_full_before=7d").await, ["old"]);
    assert_eq!(slugs(&server, "confirmed_before=2020-01-01T00:00:00Z").await, [""; 0]);
    assert_eq!(slugs(&server, "confirmed_before=1h&status=active&q=la").await, ["late"]);
    assert_eq!(slugs(&server, "confirmed_before=1h&failing_check=key-suitable").await, [""; 0]);
    assert_eq!(slugs(&server, "confirmed_before=1h&status=invited").await, [""; 0]);

    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server
            .get(&format!("/v1/tenants?confirmed_before=0s&limit=1{cursor}"))
            .await
            .expect(200);
        paged.push(page["items"][0]["slug"].as_str().unwrap().to_owned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, ["old", "late", "fresh"]);
    let other_order = server.get(&format!("/v1/tenants?limit=1{cursor}")).await;
    assert_eq!(other_order.errors(), [("cursor".to_owned(), "foreign_cursor".to_owned())]);

    let listed = server.get("/v1/tenants?confirmed_before=2d").await.expect(200);
    let detail = server.get("/v1/tenants/old").await.expect(200);
    assert_eq!(listed["items"][0]["reverification"], detail["reverification"]);
    let new = server.get("/v1/tenants?q=new").await.expect(200);
    assert_eq!(new["items"][0]["reverification"], Value::Null);

    // While it is suspended, nothing is verified; after that, it is known when it was verified last.
    let seed = Seed::new(&server);
    seed.suspend(old).await;
    assert_eq!(slugs(&server, "confirmed_before=0s").await, ["late", "fresh"]);
    seed.resume(old).await;
    assert_eq!(slugs(&server, "confirmed_before=0s").await.len(), 3);

    let wrong = server.get("/v1/tenants?confirmed_before=yesterday&verified_in_full_before=6").await;
    let codes = ["confirmed_before", "verified_in_full_before"].map(|field| (field.to_owned(), "malformed_time".to_owned()));
    assert_eq!((wrong.status, wrong.errors()), (422, codes.to_vec()));
}

#[tokio::test]
async fn the_dashboard_shows_and_filters_when_tenants_were_verified() {
    let server = TestServer::start().await;
    tenants(&server).await;
    let ops = Person::of(&server, Role::Viewer).await;
    let all = ops.get("/tenants").await.html;
    for words in ["1 day ago", "3 days ago", "in full <time", "30 days ago</time>", "Due again"] {
        assert!(all.contains(words), "{words}: {all}");
    }
    let late = ops.get("/tenants?confirmed_before=6h&verified_in_full_before=&status=").await.html;
    assert!(late.contains("not confirmed for longest"), "{late}");
    assert!(late.contains("<option value=\"6h\" selected>6 hours</option>"), "{late}");
    let (old, other) = (late.find("/tenants/old\""), late.find("/tenants/late\""));
    assert!(old.is_some() && old < other && !late.contains("/tenants/fresh\""), "{late}");
    let exact = ops.get("/tenants?confirmed_before=2020-01-01T00:00:00Z").await.html;
    assert!(exact.contains("No tenants match these filters."), "{exact}");
    assert!(exact.contains("selected>2020-01-01T00:00:00Z</option>"), "{exact}");
    let wrong = ops.get("/tenants?confirmed_before=soon").await.html;
    assert!(wrong.contains("Use a time such as 2026-01-31T00:00:00Z"), "{wrong}");

    let overview = ops.get("/").await.html;
    assert!(
        overview.contains("Longest unconfirmed") && overview.contains("3 days ago"),
        "{overview}"
    );
}

/// No list reads a whole table, at any page. The drift feed is only read for its answers: it goes through its partitions from the newest drift
/// on. `./dev/bench list` has more of them, with more tenants.
#[tokio::test]
async fn no_list_by_time_scans_a_table() {
    let server = TestServer::start().await;
    let mut db = server.pool.acquire().await.unwrap();
    // Without triggers and foreign keys, which take most of the time.
    sqlx::query("set session_replication_role = replica")
        .execute(&mut *db)
        .await
        .unwrap();
    for (table, columns) in [
        (
            "tenants (id, slug, name, modes, external_id, created_at, status, failing_checks)",
            "md5('t' || n)::uuid, 't-' || n, 'Tenant ' || n, array['direct'], 'lk-test-' || n, now() - n * interval '1 minute',
             'active', '{}'",
        ),
        (
            "storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, created_at)",
            "md5('c' || n)::uuid, md5('t' || n)::uuid, 1, 'direct', 'arn:aws:s3:::documents-' || n, '222222222222', 'eu-central-1',
             'arn:aws:kms:eu-central-1:222222222222:key/' || n, now()",
        ),
        (
            "active_configs (tenant_id, config_id, location, activated_at, verified_at)",
            "md5('t' || n)::uuid, md5('c' || n)::uuid, 'arn:aws:s3:::documents-' || n || '/', now(), now()",
        ),
        (
            "reverifications (config_id, tenant_id, standing, due_at, full_due_at, light_at, full_at)",
            "md5('c' || n)::uuid, md5('t' || n)::uuid, 'verified', now() + interval '1 hour', now() + interval '1 day',
             now() - ((n * 7919) % 5000) * interval '1 minute', now() - n * interval '1 hour'",
        ),
        (
            "drifts (id, tenant_id, config_id, verification_id, name, before_status, before_summary, after_status, after_summary, found_at)",
            "(lpad(to_hex((extract(epoch from now() - n * interval '1 minute') * 1000)::bigint), 12, '0') || '70008000' ||
              right(md5('d' || n), 12))::uuid, md5('t' || n)::uuid, md5('c' || n)::uuid, md5('v' || n)::uuid,
             case when n % 100 = 0 then 'key-suitable' else 'bucket-reachable' end, 'passed', 'It passed.', 'failed', 'It failed.',
             now() - n * interval '1 minute'",
        ),
    ] {
        let insert = format!("insert into {table} select {columns} from generate_series(1, 5000) n");
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&mut *db).await.unwrap();
    }
    sqlx::query("reset session_replication_role").execute(&mut *db).await.unwrap();
    drop(db);
    // Autovacuum would do this within a minute.
    for table in ["tenants", "storage_configs", "active_configs", "reverifications", "drifts"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("vacuum analyze {table}")))
            .execute(&server.pool)
            .await
            .unwrap();
    }
    let read = async || -> (i64, i64) {
        sqlx::query("select pg_stat_force_next_flush()")
            .execute(&server.pool)
            .await
            .unwrap();
        let counts = "select coalesce(sum(seq_tup_read), 0)::bigint, coalesce(sum(idx_tup_fetch), 0)::bigint from pg_stat_user_tables
                      where relname in ('tenants', 'storage_configs', 'active_configs', 'reverifications')";
        sqlx::query_as(counts).fetch_one(&server.pool).await.unwrap()
    };
    let before = read().await;
    let mut pages = 0;
    for (list, found) in [
        ("tenants?confirmed_before=6h", 5),
        ("tenants?confirmed_before=0s", 5),
        ("tenants?confirmed_before=6h&status=active", 5),
        ("tenants?confirmed_before=6h&status=invited", 0),
        ("tenants?confirmed_before=6h&failing_check=object-readable", 0),
        ("tenants?confirmed_before=6h&q=4999", 1),
        ("tenants?confirmed_before=6h&mode=direct", 5),
        ("tenants?confirmed_before=3000h", 0),
        ("tenants?verified_in_full_before=4900h", 5),
        ("tenants?verified_in_full_before=7d&confirmed_before=1h", 5),
        ("drift?since=9999h", 5),
        ("drift?check=key-suitable", 5),
        ("drift?check=versioning-disabled", 0),
        ("drift?tenant=t-4711", 1),
        ("drift?tenant=t-4711&check=key-suitable", 0),
        ("drift?since=1s", 0),
    ] {
        let mut cursor = String::new();
        for _ in 0..3 {
            let separator = if list.contains('?') { '&' } else { '?' };
            let page = server.get(&format!("/v1/{list}{separator}limit=5{cursor}")).await.expect(200);
            assert_eq!(page["items"].as_array().map(Vec::len), Some(found), "{list}");
            pages += 1;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
    }
    let after = read().await;
    assert_eq!(after.0, before.0, "nothing was read that was not looked up");
    let fetched = (after.1 - before.1) / pages;
    assert!(fetched < 300, "{fetched} rows are looked at for a page");
}

#[tokio::test]
async fn the_drift_feed_has_all_tenants() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    for slug in ["acme", "globex"] {
        seed.active(slug).await;
    }
    // Without AWS, nothing drifts.
    let drifted = "insert into drifts (id, tenant_id, config_id, verification_id, name, before_status, before_summary, after_status,
                                       after_code, after_summary, not_before, found_at)
                   select (lpad(to_hex((extract(epoch from now() - ago::interval) * 1000)::bigint), 12, '0') || '70008000' ||
                               right(md5(tenant_id || name), 12))::uuid,
                          tenant_id, config_id, gen_random_uuid(), name, 'passed', 'The key is enabled.', 'failed',
                          'DisabledException', 'The key is disabled: ' || ago, now() - ago::interval - interval '6 hours', now() - ago::interval
                   from active_configs cross join (values ('key-suitable', '1 hour'), ('bucket-reachable', '3 days')) as found (name, ago)
                   where tenant_id = (select id from tenants where slug = $1)";
    for slug in ["acme", "globex"] {
        sqlx::query(drifted).bind(slug).execute(&server.pool).await.unwrap();
    }
    let lines = async |query: &str| -> Vec<(String, String)> {
        let page = server.get(&format!("/v1/drift?{query}")).await.expect(200);
        let line = |item: &Value| {
            (
                item["slug"].as_str().unwrap().to_owned(),
                item["check"].as_str().unwrap().to_owned(),
            )
        };
        page["items"].as_array().unwrap().iter().map(line).collect()
    };
    let all = lines("").await;
    let checks: Vec<&str> = all.iter().map(|(_, check)| check.as_str()).collect();
    assert_eq!(
        checks,
        ["key-suitable", "key-suitable", "bucket-reachable", "bucket-reachable"],
        "newest first"
    );
    assert_eq!(lines("since=24h").await, all[..2]);
    assert_eq!(
        lines("tenant=acme&check=bucket-reachable").await,
        [("acme".to_owned(), "bucket-reachable".to_owned())]
    );
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/v1/drift?limit=1{cursor}")).await.expect(200);
        let item = &page["items"][0];
        paged.push((
            item["slug"].as_str().unwrap().to_owned(),
            item["check"].as_str().unwrap().to_owned(),
        ));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, all);
    let of_tenant = server.get("/v1/tenants/acme/drift?limit=1").await.expect(200);
    let of_all = server.get("/v1/drift?tenant=acme&limit=1").await.expect(200);
    for field in ["id", "before", "after", "not_before", "verification_id"] {
        assert_eq!(of_tenant["items"][0][field], of_all["items"][0][field]);
    }
    assert_eq!(server.get("/v1/drift?tenant=nobody").await.status, 404);
    let wrong = server.get("/v1/drift?check=x&since=soon&limit=0").await;
    let fields: Vec<String> = wrong.errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        (wrong.status, fields),
        (422, ["check", "since", "limit"].map(str::to_owned).to_vec())
    );
    let service = server.token_of(Role::Service).await;
    let url = format!("{}/v1/drift", server.private);
    assert_eq!(server.send(server.bare(Method::GET, &url).bearer_auth(service)).await.status, 403);

    let ops = Person::of(&server, Role::Viewer).await;
    let page = ops.get("/drift").await.html;
    let acme = server.get("/v1/tenants/acme").await.expect(200)["id"].as_str().unwrap().to_owned();
    assert!(page.contains(&format!("<a href=\"/tenants/{acme}\">")), "{page}");
    assert!(
        page.contains("The key is disabled: 1 hour") && page.contains("Before: The key is enabled."),
        "{page}"
    );
    assert_eq!(page.matches("View verification").count(), 4);
    let filtered = ops.get("/drift?tenant=globex&check=key-suitable&since=24h").await.html;
    assert_eq!(filtered.matches("View verification").count(), 1, "{filtered}");
    assert!(
        ops.get("/drift?tenant=nobody")
            .await
            .html
            .contains("There is no tenant with this ID or slug.")
    );
    assert!(
        ops.get("/drift?check=object-readable")
            .await
            .html
            .contains("No change matches these filters.")
    );
    assert!(ops.get("/drift?since=soon").await.html.contains("Use a time such as"));
    let tenant = ops.get("/tenants/acme").await.html;
    assert!(tenant.contains(&format!("href=\"/drift?tenant={acme}\"")), "{tenant}");
    let nothing = json!({"items": [], "next_cursor": null});
    assert_eq!(server.get("/v1/drift?since=2099-01-01T00:00:00Z").await.expect(200), nothing);
}
