//! The migrations, and what the schema guarantees.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use latchkey::domain::access_level::AccessLevel;
use latchkey::domain::approval::ApprovalState;
use latchkey::domain::check::{CheckStatus, FaultSide};
use latchkey::domain::contact::ContactLinkPurpose;
use latchkey::domain::evidence::KeptVersions;
use latchkey::domain::invite::{InvitePurpose, InviteSessionKind};
use latchkey::domain::mail::{MailKind, MailState};
use latchkey::domain::reverification::Standing;
use latchkey::domain::reverification::budget::AwsService;
use latchkey::domain::storage_config::Mode;
use latchkey::domain::tenant::TenantStatus;
use latchkey::domain::token::Role;
use latchkey::domain::verification::{Trigger, Verdict, VerificationState};
use latchkey::domain::webhook::{DeliveryState, Topic};
use latchkey::store::Constraint;
use latchkey::store::migrations::{MIGRATIONS, run, run_within};
use sqlx::migrate::{Migrate, Migration};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};
use strum::IntoEnumIterator;

use crate::support::database::empty_database;

async fn connection() -> PgConnection {
    let url = empty_database().await;
    PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap()
}

/// The data that a migration's file in `tests/data/migrations` adds once the migration is applied.
fn data_file(migration: &Migration) -> PathBuf {
    let name = format!("{:04}_{}.sql", migration.version, migration.description.replace(' ', "_"));
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/migrations")).join(name)
}

async fn add_data(db: &mut PgConnection, migration: &Migration) {
    let file = data_file(migration);
    let sql = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let added = db.execute(AssertSqlSafe(sql)).await;
    added.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

async fn tables(db: &mut PgConnection) -> BTreeSet<String> {
    let tables: Vec<String> = sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
        .fetch_all(db)
        .await
        .unwrap();
    tables.into_iter().collect()
}

/// Every table has rows before the next migration is applied.
#[tokio::test]
async fn each_migration_is_applied_to_a_database_with_data() {
    let mut db = connection().await;
    db.ensure_migrations_table("_sqlx_migrations").await.unwrap();
    let mut before = tables(&mut db).await;
    for migration in MIGRATIONS.iter() {
        db.apply("_sqlx_migrations", migration).await.unwrap();
        add_data(&mut db, migration).await;
        let after = tables(&mut db).await;
        for table in after.difference(&before) {
            let has_rows: bool = sqlx::query_scalar(AssertSqlSafe(format!("select exists (select from {table})")))
                .fetch_one(&mut db)
                .await
                .unwrap();
            assert!(has_rows, "{} adds nothing to {table}", data_file(migration).display());
        }
        before = after;
    }
}

#[test]
fn each_data_file_belongs_to_a_migration() {
    let folder = data_file(MIGRATIONS.iter().next().unwrap()).parent().unwrap().to_owned();
    let files: BTreeSet<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files, MIGRATIONS.iter().map(data_file).collect());
}

/// A database with every table and with all the data files.
async fn filled() -> PgConnection {
    let mut db = connection().await;
    MIGRATIONS.run(&mut db).await.unwrap();
    for migration in MIGRATIONS.iter() {
        add_data(&mut db, migration).await;
    }
    db
}

#[tokio::test]
async fn the_database_refuses_what_concurrent_requests_could_break() {
    let mut db = filled().await;
    let new_tenant = "insert into tenants (id, slug, name, modes, external_id, created_at) values (gen_random_uuid(), ";
    let queued = "insert into verifications (id, tenant_id, config_id, trigger, state, created_at) values (gen_random_uuid(), \
                  '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'manual', 'queued', now())";
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
        (
            "active_configs_role_key",
            "insert into active_configs (tenant_id, config_id, location, role_arn, activated_at, verified_at)
             select tenant_id, id, bucket_arn || '/', role_arn, now(), now() from storage_configs
             where role_arn = 'arn:aws:iam::222222222222:role/documents'"
                .to_owned(),
        ),
        ("verifications_one_queued", queued.to_owned()),
        (
            "mails_one_a_day",
            "insert into mails (id, tenant_id, contact_id, address_hash, kind, subject, content, day, state, due_at, created_at)
             select gen_random_uuid(), tenant_id, contact_id, address_hash, kind, subject, content, day, state, due_at, created_at from mails"
                .to_owned(),
        ),
        (
            "contacts_email_key",
            "insert into contacts (id, tenant_id, name, email, created_at)
             select gen_random_uuid(), tenant_id, name, upper(email), now() from contacts"
                .to_owned(),
        ),
        ("append-only", "update storage_configs set region = 'x'".to_owned()),
        ("append-only", "delete from audit_events".to_owned()),
        ("append-only", "update audit_events set detail = '{\"reason\": \"x\"}'".to_owned()),
        ("append-only", "truncate audit_events cascade".to_owned()),
        ("append-only", "truncate tenants cascade".to_owned()),
    ] {
        let error = db.execute(AssertSqlSafe(sql)).await.unwrap_err().to_string();
        assert!(error.contains(constraint), "{constraint}: {error}");
    }
}

fn values<T: IntoEnumIterator + Display>() -> BTreeSet<String> {
    T::iter().map(|value| value.to_string()).collect()
}

/// Every check constraint with a list of values allows exactly the variants of an enum.
#[tokio::test]
async fn lists_of_values_are_those_of_the_enums() {
    let mut db = connection().await;
    MIGRATIONS.run(&mut db).await.unwrap();
    let constraints: Vec<(String, String)> = sqlx::query_as(
        "select conname::text, pg_get_constraintdef(oid) from pg_constraint
         where contype = 'c' and connamespace = 'public'::regnamespace and pg_get_constraintdef(oid) like '%ARRAY[%'",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    let quoted = |definition: &str| -> BTreeSet<String> { definition.split('\'').skip(1).step_by(2).map(str::to_owned).collect() };
    let in_database: BTreeMap<String, BTreeSet<String>> = constraints.iter().map(|(name, text)| (name.clone(), quoted(text))).collect();
    let in_code = [
        ("tenants_modes_check", values::<Mode>()),
        ("tenants_status_check", values::<TenantStatus>()),
        ("storage_configs_mode_check", values::<Mode>()),
        ("approvals_state_check", values::<ApprovalState>()),
        ("invites_purpose_check", values::<InvitePurpose>()),
        ("invite_sessions_kind_check", values::<InviteSessionKind>()),
        ("verifications_trigger_check", values::<Trigger>()),
        ("verifications_state_check", values::<VerificationState>()),
        ("verifications_verdict_check", values::<Verdict>()),
        ("verifications_keeps_versions_check", values::<KeptVersions>()),
        ("verification_checks_status_check", values::<CheckStatus>()),
        ("verification_checks_side_check", values::<FaultSide>()),
        ("reverifications_standing_check", values::<Standing>()),
        ("call_budgets_service_check", values::<AwsService>()),
        ("drifts_before_status_check", values::<CheckStatus>()),
        ("drifts_after_status_check", values::<CheckStatus>()),
        ("tokens_role_check", values::<Role>()),
        ("storage_configs_access_check", values::<AccessLevel>()),
        ("credential_issuances_access_check", values::<AccessLevel>()),
        ("webhooks_events_check", values::<Topic>()),
        ("webhook_deliveries_state_check", values::<DeliveryState>()),
        ("mails_kind_check", values::<MailKind>()),
        ("mails_state_check", values::<MailState>()),
        ("contact_links_purpose_check", values::<ContactLinkPurpose>()),
    ];
    assert_eq!(
        in_database,
        in_code.into_iter().map(|(name, values)| (name.to_owned(), values)).collect()
    );
}

/// The constraints that become errors of their own exist under these names.
#[tokio::test]
async fn constraints_with_an_error_of_their_own_exist() {
    let mut db = connection().await;
    MIGRATIONS.run(&mut db).await.unwrap();
    let unique: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid
         where (i.indisunique or i.indisexclusion) and c.relnamespace = 'public'::regnamespace",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    for constraint in Constraint::iter() {
        let name: &str = constraint.into();
        assert!(unique.iter().any(|index| index == name), "{name} in {unique:?}");
    }
}

#[tokio::test]
async fn several_processes_can_migrate_at_once() {
    let url = empty_database().await;
    let pool = latchkey::store::connect(PgConnectOptions::from_str(&url).unwrap(), 16);
    let runs = (0..4).map(|_| run(&pool));
    for run in futures::future::join_all(runs).await {
        run.unwrap();
    }
}

/// A process that is suspended holds the lock. Here, its future is not polled any more.
#[tokio::test]
async fn a_process_that_is_suspended_does_not_block_the_migrations_of_others() {
    let url = empty_database().await;
    let pool = latchkey::store::connect(PgConnectOptions::from_str(&url).unwrap(), 16);
    let mut db = PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
    db.lock().await.unwrap();
    let mut suspended = Box::pin(run_within(&pool, Duration::from_secs(3)));
    let mut observer = PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
    let waits = async {
        let waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted
                           and database = (select oid from pg_database where datname = current_database()))";
        while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut observer).await.unwrap() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        done = &mut suspended => panic!("it does not wait: {done:?}"),
        () = waits => (),
    }
    db.unlock().await.unwrap();

    run(&pool).await.unwrap();
    assert!(suspended.await.is_err(), "its session was ended");
}
