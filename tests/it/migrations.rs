//! Every migration, on a database with data in the tables that were there before it.

use std::str::FromStr;

use latchkey::store::migrations::MIGRATIONS;
use sqlx::migrate::Migrate;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor, PgConnection};

use crate::server::empty_database;

/// What is in the tables once the migration of that version is through.
const DATA: [(i64, &str); 4] = [
    (
        1,
        "insert into tenants (id, slug, name, modes, external_id, created_at)
             values ('00000000-0000-7000-8000-000000000001', 'acme', 'Acme', '{direct,assume_role}', 'lk-00000001', now());
         insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, created_at)
             values ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 1, 'direct', 'arn:aws:s3:::acme',
                     '222222222222', 'eu-central-1', 'arn:aws:kms:…', now());
         insert into active_configs (tenant_id, config_id, bucket_arn, activated_at, verified_at)
             values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', 'arn:aws:s3:::acme', now(), now())",
    ),
    (
        2,
        "insert into verifications (id, tenant_id, config_id, trigger, state, verdict, attempt, created_at, started_at, finished_at)
             values ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000001',
                     '00000000-0000-7000-8000-000000000002', 'submission', 'finished', 'rejected', 1, now(), now(), now() + interval '1 s');
         insert into verification_attempts (verification_id, attempt, event, started_at)
             values ('00000000-0000-7000-8000-000000000003', 1, 1, now());
         insert into verification_checks (verification_id, attempt, name, event, status, required, summary)
             values ('00000000-0000-7000-8000-000000000003', 1, 'bucket-reachable', 2, 'failed', true, '…')",
    ),
    (
        3,
        "insert into tokens (id, name, role, hash, created_at)
             values ('00000000-0000-7000-8000-000000000004', 'x', 'admin', decode(repeat('00', 32), 'hex'), now())",
    ),
    (
        4,
        "insert into audit_events (id, at, actor, action, tenant_id, detail)
             values ('00000000-0000-7000-8000-000000000005', now(), '{}', 'x', '00000000-0000-7000-8000-000000000001', '{}')",
    ),
];

async fn connection() -> PgConnection {
    let url = empty_database().await;
    PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap()
}

#[tokio::test]
async fn each_migration_goes_through_with_data_before_it() {
    let mut db = connection().await;
    db.ensure_migrations_table("_sqlx_migrations").await.unwrap();
    for migration in MIGRATIONS.iter() {
        db.apply("_sqlx_migrations", migration).await.unwrap();
        if let Some((_, sql)) = DATA.iter().find(|(version, _)| *version == migration.version) {
            db.execute(*sql).await.unwrap();
        }
    }
    let facts: (Option<i32>, Option<String>, bool, bool) = sqlx::query_as(
        "select active_version, newest_verdict, first_rejection is not null, status_since = activated_at
         from tenants t join active_configs a on a.tenant_id = t.id, tenant_facts(t.id)",
    )
    .fetch_one(&mut db)
    .await
    .unwrap();
    assert_eq!(facts, (Some(1), Some("rejected".into()), true, true));
    let terms: Vec<String> = sqlx::query_scalar("select term from tenant_terms order by term")
        .fetch_all(&mut db)
        .await
        .unwrap();
    assert_eq!(terms, ["check:bucket-reachable", "check:bucket-reachable/active", "word:acme"]);
}

/// What tenants are found by follows them through every change.
#[tokio::test]
async fn terms_are_what_the_tenants_are() {
    let mut db = connection().await;
    MIGRATIONS.run(&mut db).await.unwrap();
    let new = "insert into tenants (id, slug, name, modes, external_id, created_at) values (gen_random_uuid(), 'acme', 'Acme Bank', \
               '{direct}', 'lk-00000001', now())";
    db.execute(new).await.unwrap();
    for change in [
        "update tenants set name = 'Globex', reference = 'C-4711'",
        "update tenants set status = 'action_required', failing_checks = '{bucket-reachable,key-suitable}'",
        "update tenants set status = 'active'",
        "update tenants set failing_checks = '{key-suitable}'",
        "update tenants set suspended_at = now()",
    ] {
        db.execute(change).await.unwrap();
        let differ: i64 = sqlx::query_scalar(
            "select count(*) from (
                 (select terms.term, t.created_at, t.id from tenants t, tenant_terms_of(t.search, t.failing_checks, t.status) terms
                  except select term, created_at, tenant_id from tenant_terms)
                 union all
                 (select term, created_at, tenant_id from tenant_terms
                  except select terms.term, t.created_at, t.id from tenants t, tenant_terms_of(t.search, t.failing_checks, t.status) terms)
             ) d",
        )
        .fetch_one(&mut db)
        .await
        .unwrap();
        assert_eq!(differ, 0, "{change}");
    }
    let terms: Vec<String> = sqlx::query_scalar("select term from tenant_terms order by term")
        .fetch_all(&mut db)
        .await
        .unwrap();
    assert_eq!(
        terms,
        [
            "check:key-suitable",
            "check:key-suitable/active",
            "word:4711",
            "word:acme",
            "word:c",
            "word:globex"
        ]
    );
}

#[tokio::test]
async fn what_two_requests_could_race_on_is_refused_by_the_database() {
    let mut db = connection().await;
    MIGRATIONS.run(&mut db).await.unwrap();
    for (_, sql) in DATA {
        db.execute(sql).await.unwrap();
    }
    let new_tenant = "insert into tenants (id, slug, name, modes, external_id, created_at) values (gen_random_uuid(), ";
    let queued = "insert into verifications (id, tenant_id, config_id, trigger, state, created_at) values (gen_random_uuid(), \
                  '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', 'manual', 'queued', now())";
    db.execute(queued).await.unwrap();
    for (constraint, sql) in [
        (
            "tenants_slug_key",
            format!("{new_tenant} 'acme', 'x', '{{direct}}', 'lk-00000009', now())"),
        ),
        (
            "tenants_external_id_key",
            format!("{new_tenant} 'other', 'x', '{{direct}}', 'lk-00000001', now())"),
        ),
        (
            "tenants_slug_check",
            format!("{new_tenant} 'A', 'x', '{{direct}}', 'lk-00000008', now())"),
        ),
        ("verifications_one_queued", queued.to_owned()),
        ("append-only", "update storage_configs set region = 'x'".to_owned()),
        ("append-only", "delete from audit_events".to_owned()),
        ("append-only", "update audit_events set detail = '{\"reason\": \"x\"}'".to_owned()),
        ("append-only", "truncate audit_events cascade".to_owned()),
        ("append-only", "truncate tenants cascade".to_owned()),
    ] {
        let error = db.execute(sqlx::AssertSqlSafe(sql)).await.unwrap_err().to_string();
        assert!(error.contains(constraint), "{constraint}: {error}");
    }
}

#[tokio::test]
async fn many_processes_may_migrate_at_once() {
    let url = empty_database().await;
    let pool = latchkey::store::connect(PgConnectOptions::from_str(&url).unwrap(), 16);
    let runs = (0..4).map(|_| latchkey::store::migrations::run(&pool));
    for run in futures::future::join_all(runs).await {
        run.unwrap();
    }
}
