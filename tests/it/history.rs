//! Partitions of the tables with history: what they get, when they are dropped, and what stays.

use latchkey::service::history::sweep;
use latchkey::store::grants::{self, Granted};
use latchkey::store::history::{AuditRetention, keep_audit_log};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use std::str::FromStr;
use std::time::Duration;

use crate::support::aws::unique;
use crate::support::cli::{latchkey, text};
use crate::support::seed::Seed;
use crate::support::server::TestServer;

async fn rows(server: &TestServer, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_all(&server.pool)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn execute(server: &TestServer, sql: &str) {
    server
        .pool
        .execute(AssertSqlSafe(sql.to_owned()))
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Partitions for a month that has passed, and for the year 2024 and the ones after it.
async fn add_month(server: &TestServer, month: &str) {
    let sql = format!(
        "select add_partition(parent, '{}', '{month}-01Z', '{month}-01Z'::timestamptz + interval '1 month')
         from unnest(array['verifications', 'drifts', 'webhook_deliveries', 'webhook_attempts']) parent",
        month.replace('-', "_")
    );
    execute(server, &sql).await;
}

/// An expression for an ID of this time.
fn id(time: &str, n: u8) -> String {
    format!("overlay(first_id('{time}')::text placing '7000-8000-0000000000{n:02x}' from 15)::uuid")
}

/// Inserts a finished verification of the tenant's version.
async fn verification(server: &TestServer, time: &str, n: u8, columns: &str, values: &str) {
    let sql = format!(
        "insert into verifications (id, tenant_id, config_id, trigger, state, attempt, created_at, started_at, finished_at, {columns})
         select {}, tenant_id, config_id, 'scheduled', 'finished', 1, '{time}', '{time}', '{time}', {values} from active_configs",
        id(time, n)
    );
    execute(server, &sql).await;
}

const NUMBERS: &str = "select get_byte(uuid_send(id), 15)::text from verifications where id < first_id('2025-06-01Z') order by id";

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_are_in_the_partition_of_their_month() {
    let server = TestServer::start().await;
    Seed::new(&server).active("acme").await;
    sweep(&server.context).await.unwrap();
    for (table, format) in [("verifications", "YYYY_MM"), ("audit_events", "YYYY")] {
        let partitions = rows(
            &server,
            &format!(
                "select distinct replace(tableoid::regclass::text, to_char(now() at time zone 'utc', '{format}'), 'now') from {table}"
            ),
        )
        .await;
        assert_eq!(partitions, [format!("partitions.{table}_now")]);
    }
    let ahead = "select parent::regclass::text || ' ' || count(*) from (
                     select inhparent as parent from pg_inherits i join pg_class c on c.oid = i.inhrelid
                     where c.relnamespace = 'partitions'::regnamespace and c.relkind = 'r') p group by parent order by 1";
    assert_eq!(
        rows(&server, ahead).await,
        [
            "audit_events 3",
            "drifts 3",
            "verifications 3",
            "webhook_attempts 3",
            "webhook_deliveries 3"
        ],
        "this one, the next, and the one for other times"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_never_lacks_a_partition() {
    let server = TestServer::start().await;
    Seed::new(&server).active("acme").await;
    for (n, time) in [(1, "1999-01-01Z"), (2, "2050-01-01Z")] {
        verification(&server, time, n, "verdict", "'verified'").await;
        let sql = format!("select tableoid::regclass::text from verifications where id = {}", id(time, n));
        assert_eq!(rows(&server, &sql).await, ["partitions.verifications_other"]);
    }
    // Its rows are not moved into a partition that would be added now. They are dropped with the first partition that is later.
    execute(
        &server,
        "select add_partition('verifications', '1999_01', '1999-01-01Z', '1999-02-01Z')",
    )
    .await;
    assert_eq!(
        rows(&server, "select count(*)::text from partitions.verifications_other").await,
        ["2"]
    );
    add_month(&server, "2025-01").await;
    sweep(&server.context).await.unwrap();
    let left = "select (id < first_id('2025-01-01Z'))::text from partitions.verifications_other";
    assert_eq!(rows(&server, left).await, ["false"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_needed_outlives_its_partition() {
    let server = TestServer::start().await;
    Seed::new(&server).active("acme").await;
    add_month(&server, "2025-01").await;
    execute(
        &server,
        "update verifications set created_at = '2025-01-01Z', finished_at = '2025-01-01Z', verdict = 'inconclusive'",
    )
    .await;
    execute(&server, "update active_configs set verified_at = '2025-01-05Z'").await;
    let at = |day: u8| format!("2025-01-{day:02}Z");
    verification(&server, &at(2), 2, "verdict", "'verified'").await;
    verification(&server, &at(3), 3, "verdict, probe_objects", "'verified', '{x}'").await;
    verification(&server, &at(4), 4, "verdict", "'verified'").await;
    verification(&server, &at(5), 5, "verdict", "'verified'").await;
    verification(&server, &at(6), 6, "verdict, is_breach", "'rejected', true").await;
    verification(&server, &at(7), 7, "verdict", "'rejected'").await;
    verification(&server, &at(8), 8, "verdict", "'inconclusive'").await;
    verification(&server, &at(9), 9, "verdict", "'superseded'").await;
    let approved = format!(
        "insert into approvals (config_id, tenant_id, state, requested_at, decided_at, verification_id)
         select config_id, tenant_id, 'activated', now(), now(), {} from active_configs",
        id(&at(4), 4)
    );
    execute(&server, &approved).await;
    execute(
        &server,
        &format!(
            "insert into drifts (id, tenant_id, config_id, verification_id, name, before_status, before_summary, after_status, after_summary, found_at)
             select {}, tenant_id, config_id, {}, 'key-suitable', 'passed', 'x', 'failed', 'y', now() from active_configs",
            id(&at(6), 6),
            id(&at(6), 6)
        ),
    )
    .await;
    let overview = "select to_jsonb(o)::text from tenant_overview o";
    let before = rows(&server, overview).await;
    sweep(&server.context).await.unwrap();
    assert_eq!(
        rows(
            &server,
            "select coalesce(to_regclass('partitions.verifications_2025_01')::text, 'gone')"
        )
        .await,
        ["gone"]
    );
    let kept = ["3", "4", "5", "6", "7", "8", "9"];
    assert_eq!(rows(&server, NUMBERS).await, kept, "the second is gone");
    assert_eq!(rows(&server, overview).await, before);
    assert_eq!(rows(&server, "select count(*)::text from drifts").await, ["0"]);
    let partition = "select distinct tableoid::regclass::text from verifications where id < first_id('2025-06-01Z')";
    assert!(rows(&server, partition).await[0].starts_with("partitions.verifications_kept_"));

    // A later month makes them superfluous, and what is still needed moves on.
    add_month(&server, "2025-02").await;
    verification(&server, "2025-02-02Z", 20, "verdict", "'verified'").await;
    execute(&server, "update active_configs set verified_at = '2025-02-02Z'").await;
    execute(&server, "delete from approvals").await;
    execute(&server, "update verifications set probe_objects = '{}' where probe_objects <> '{}'").await;
    sweep(&server.context).await.unwrap();
    assert_eq!(rows(&server, NUMBERS).await, ["20"]);
    let bounds = "select count(*)::text from partitions_of('verifications') where is_kept";
    assert_eq!(rows(&server, bounds).await, ["1"]);
    server.get("/v1/tenants/acme").await.expect(200);
    sweep(&server.context).await.unwrap();
    assert_eq!(rows(&server, NUMBERS).await, ["20"], "nothing more is old");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_verification_and_a_waiting_message_stay() {
    let server = TestServer::start().await;
    Seed::new(&server).active("acme").await;
    add_month(&server, "2025-01").await;
    let open = format!(
        "insert into verifications (id, tenant_id, config_id, trigger, state, created_at)
         select {}, tenant_id, config_id, 'scheduled', 'queued', '2025-01-02Z' from active_configs",
        id("2025-01-02Z", 1)
    );
    execute(&server, &open).await;
    execute(
        &server,
        "insert into webhooks (id, url, events, created_at, generation, key_id)
         values (gen_random_uuid(), 'https://x.example', '{tenant.drifted}', now(), 1, 'x')",
    )
    .await;
    for (n, state) in [(1, "waiting"), (2, "delivered"), (3, "given_up")] {
        let delivery = format!(
            "insert into webhook_deliveries (id, webhook_id, message_id, type, payload, state, created_at, ended_at)
             select {}, id, gen_random_uuid(), 'test', '{{}}', '{state}', now(), case when '{state}' <> 'waiting' then now() end from webhooks",
            id("2025-01-02Z", n)
        );
        execute(&server, &delivery).await;
    }
    execute(
        &server,
        "insert into webhook_attempts (delivery_id, attempt, started_at) select id, 1, now() from webhook_deliveries",
    )
    .await;
    let positions = rows(&server, "select position::text from webhook_deliveries where state = 'waiting'").await;
    sweep(&server.context).await.unwrap();
    assert_eq!(rows(&server, NUMBERS).await, ["1"]);
    assert_eq!(rows(&server, "select position::text from webhook_deliveries").await, positions);
    let attempts = "select state from webhook_attempts a join webhook_deliveries d on d.id = a.delivery_id";
    assert_eq!(rows(&server, attempts).await, ["waiting"]);
    // It is still the tenant's only queued one.
    let second = sqlx::query(
        "insert into verifications (id, tenant_id, config_id, trigger, state, created_at)
         select gen_random_uuid(), tenant_id, config_id, 'manual', 'queued', now() from active_configs",
    );
    let refused = second.execute(&server.pool).await.unwrap_err();
    assert!(refused.to_string().contains("verifications_one_queued"), "{refused}");
}

/// Nobody waits for a change of partitions that cannot be made now.
#[tokio::test(flavor = "multi_thread")]
async fn partitions_in_use_are_left_alone() {
    let server = TestServer::start().await;
    Seed::new(&server).active("acme").await;
    add_month(&server, "2025-01").await;
    verification(&server, "2025-01-02Z", 1, "verdict", "'verified'").await;
    let mut reader = server.pool.begin().await.unwrap();
    reader.execute("select from verifications").await.unwrap();
    let refused = server
        .pool
        .execute("select drop_verifications(interval '400 days')")
        .await
        .unwrap_err();
    let code = refused
        .as_database_error()
        .and_then(|error| error.code().map(|code| code.to_string()));
    assert_eq!(code.as_deref(), Some("55P03"), "{refused}");
    assert_eq!(rows(&server, NUMBERS).await, ["1"], "nothing is done by halves");
    reader.rollback().await.unwrap();
    sweep(&server.context).await.unwrap();
    assert_eq!(rows(&server, NUMBERS).await, [""; 0], "a newer one has its result");
}

/// Two years of the audit log, and an entry of the first that was committed after one of the second.
async fn old_audit_log(server: &TestServer) {
    let empty = "alter table audit_events disable trigger all; delete from audit_events; alter table audit_events enable trigger all;
                 update change_counters set audit_events = 0, audit_hash = null";
    execute(server, empty).await;
    for year in ["2023", "2024", "2025"] {
        let sql =
            format!("select add_partition('audit_events', '{year}', '{year}-01-01Z', '{year}-01-01Z'::timestamptz + interval '1 year')");
        execute(server, &sql).await;
    }
    let tenant = "insert into tenants (id, slug, name, modes, external_id, created_at, offboarded_at, erased_at)
                  values (gen_random_uuid(), 'erased', 'erased', '{direct}', 'lk-99999999', '2023-01-01Z', '2023-06-01Z', '2023-07-01Z')";
    execute(server, tenant).await;
    for (time, action) in [
        ("2023-05-01Z", "x"),
        ("2023-06-01Z", "tenant.offboarded"),
        ("2023-07-01Z", "tenant.erased"),
        ("2024-01-01Z", "x"),
        ("2023-12-31Z", "late"),
        ("2025-01-01Z", "x"),
    ] {
        let sql = format!(
            "insert into audit_events (id, at, actor, action, tenant_id, detail)
             select {}, '{time}', '{{\"kind\": \"system\"}}', '{action}', id, '{{}}' from tenants where slug = 'erased'",
            id(time, 1)
        );
        execute(server, &sql).await;
    }
}

fn verify(server: &TestServer, head: &[&str]) -> (Option<i32>, String) {
    let ran = latchkey(&[&["audit", "verify"], head].concat(), &[("DATABASE_URL", &server.database_url)]);
    (ran.status.code(), text(&ran.stdout) + &text(&ran.stderr))
}

/// The log is kept forever unless its owner decides otherwise, and what is left is still one chain.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_verifies_after_its_beginning_was_dropped() {
    let server = TestServer::start().await;
    old_audit_log(&server).await;
    let count = "select count(*)::text from audit_events";
    let (before, whole) = (rows(&server, count).await, verify(&server, &[]));
    assert_eq!(whole.0, Some(0), "{}", whole.1);
    sweep(&server.context).await.unwrap();
    assert_eq!(rows(&server, count).await, before, "forever");

    let keep = latchkey(
        &["migrate", "--audit-retention", "1100d"],
        &[("DATABASE_URL", &server.database_url)],
    );
    assert!(keep.status.success(), "{}", text(&keep.stderr));
    execute(&server, "update audit_retention set keep = clock_timestamp() - '2024-06-01Z'").await;
    let kept_head = rows(
        &server,
        "select position || ':' || encode(hash, 'hex') from audit_events where position = 2",
    )
    .await;
    sweep(&server.context).await.unwrap();
    let left = rows(
        &server,
        "select action || ' ' || to_char(at, 'YYYY') from audit_events where at < '2026-01-01Z' order by position",
    )
    .await;
    assert_eq!(
        left,
        ["x 2024", "late 2023", "x 2025"],
        "the late one was committed after one of the next year"
    );
    let (code, printed) = verify(&server, &["--head", &kept_head[0]]);
    assert_eq!(code, Some(0), "the erasure is still recorded: {printed}");
    assert!(
        printed.contains("were dropped because of the retention") && printed.contains("cannot be checked"),
        "{printed}"
    );
    server.create_tenant("acme").await;
    let (code, printed) = verify(&server, &[]);
    assert_eq!(code, Some(0), "{printed}");

    let tamper = "alter table audit_events disable trigger all; delete from audit_events where action = 'late';
                  alter table audit_events enable trigger all";
    execute(&server, tamper).await;
    let (code, printed) = verify(&server, &[]);
    assert!(code == Some(1) && printed.contains("is missing"), "{printed}");
    execute(&server, "update audit_anchor set hash = sha256('x')").await;
    assert!(
        verify(&server, &[]).1.contains("was changed"),
        "the first one does not continue the anchor"
    );
}

/// Somebody with the rights of the service can drop old partitions as the settings say, but not of the audit log.
#[tokio::test(flavor = "multi_thread")]
async fn the_services_role_cannot_shorten_the_audit_log() {
    let server = TestServer::start().await;
    old_audit_log(&server).await;
    add_month(&server, "2025-01").await;
    let role = format!("service_{}", unique());
    execute(&server, &format!("create role {role} login password 'test'")).await;
    assert_eq!(grants::grant(&server.pool, &role).await.unwrap(), Granted::Done);
    let options = PgConnectOptions::from_str(&server.database_url).unwrap();
    let options = options.username(&role).password("test");
    let mut service = options.connect().await.unwrap();
    for statement in [
        "update audit_retention set keep = '365 days'",
        "delete from audit_retention",
        "insert into audit_anchor (position, hash, at) values (1, 'x', now())",
        "insert into audit_dropped_ends select id, 'tenant.offboarded' from tenants",
        "select from partitions.audit_events_2023",
        "delete from partitions.audit_events_2023",
        "truncate partitions.audit_events_2023",
        "drop table partitions.audit_events_2023",
        "alter table audit_events detach partition partitions.audit_events_2023",
        "create table partitions.x (id uuid)",
        "select add_partition('audit_events', '1990', '1990-01-01Z', '1991-01-01Z')",
        "select copy_needed('audit_events', first_id(now()), 'false')",
        "select replace_partitions('{audit_events}', first_id(now()), '{false}')",
        "select create_detached('audit_events', 'x')",
    ] {
        let error = service.execute(statement).await.expect_err(statement);
        let code = error
            .as_database_error()
            .and_then(|error| error.code().map(|code| code.to_string()));
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
    }
    let before = rows(&server, "select count(*)::text from audit_events").await;
    service
        .execute("select add_partitions(), drop_verifications('0'), drop_deliveries('-1 year'), drop_audit_events()")
        .await
        .unwrap();
    assert_eq!(rows(&server, "select count(*)::text from audit_events").await, before);
    let months = "select count(*)::text from partitions_of('verifications')";
    assert_eq!(rows(&server, months).await, ["2"], "this month and the next are not old");
    let service = latchkey::store::connect(options, 1);
    assert!(!grants::owns_audit_log(&service).await.unwrap());
    let year = Duration::from_hours(365 * 24);
    assert_eq!(keep_audit_log(&service, Some(year)).await.unwrap(), AuditRetention::Other);
    assert_eq!(keep_audit_log(&server.pool, Some(year)).await.unwrap(), AuditRetention::AsSet);
    assert_eq!(keep_audit_log(&service, Some(year)).await.unwrap(), AuditRetention::AsSet);
    // Partitions that are added later are out of reach, too, whatever rights new tables get.
    sqlx::query("select add_partition('audit_events', '2022', '2022-01-01Z', '2023-01-01Z')")
        .execute(&server.pool)
        .await
        .unwrap();
    let reach = sqlx::query("select from partitions.audit_events_2022").execute(&service).await;
    assert!(reach.is_err());
}

/// Lookups by ID read one partition, and lists read an index of each.
#[tokio::test(flavor = "multi_thread")]
async fn queries_use_the_partitions() {
    let server = TestServer::start().await;
    let plan = async |sql: &str| -> String {
        let mut db = server.pool.acquire().await.unwrap();
        // The tables are empty, so anything would do.
        db.execute("set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off")
            .await
            .unwrap();
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("explain (costs off) {sql}")))
            .fetch_all(&mut *db)
            .await
            .unwrap();
        lines.join("\n")
    };
    let now = "'01a22d0c-beca-78d0-8c60-077ffc81b3a7'";
    for (sql, partitions) in [
        (format!("select from verifications where id = {now}"), 1),
        (format!("update verifications set attempt = 1 where id = {now}"), 1),
        (format!("select from webhook_attempts where delivery_id = {now}"), 1),
        (
            format!("select from verifications where tenant_id = {now} order by created_at desc, id desc limit 1"),
            3,
        ),
        (
            format!("select from verifications where tenant_id = {now} and config_id = {now} order by created_at desc, id desc limit 1"),
            3,
        ),
        (format!("select from drifts where tenant_id = {now}"), 3),
        (
            format!("select from webhook_deliveries where webhook_id = {now} order by created_at desc, id desc limit 30"),
            3,
        ),
        (
            format!("select from audit_events where tenant_id = {now} and position > 3 order by position limit 30"),
            3,
        ),
        (
            "select from audit_events where position > 3 order by position limit 30".to_owned(),
            3,
        ),
    ] {
        let plan = plan(&sql).await;
        assert!(!plan.contains("Seq Scan") && !plan.contains("->  Sort"), "{sql}: {plan}");
        assert_eq!(
            plan.matches("Scan using").count() + plan.matches("Heap Scan").count(),
            partitions,
            "{sql}: {plan}"
        );
    }
}
