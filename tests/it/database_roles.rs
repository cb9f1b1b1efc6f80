//! The service as a database role that does not own the schema.

use std::str::FromStr;
use std::sync::Arc;

use latchkey::domain::arn::KeyArn;
use latchkey::domain::external_id::ExternalId;
use latchkey::domain::token::Role;
use latchkey::store::connect;
use latchkey::store::grants::{self, Granted};
use latchkey::store::migrations::{self, MigrationError};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, PgPool};

use crate::support::aws::unique;
use crate::support::database::migrated_database;
use crate::support::granting_cloud::GrantingCloud;
use crate::support::seed::Seed;
use crate::support::server::TestServer;

struct Roles {
    owner: PgPool,
    /// The name of the service's role.
    role: String,
    /// The URL of the service's role.
    service_url: String,
    service: PgConnection,
}

impl Roles {
    /// A database whose schema belongs to one role, and another role for the service.
    async fn new() -> Self {
        let url = migrated_database().await;
        let options = PgConnectOptions::from_str(&url).unwrap();
        let owner = connect(options.clone(), 4);
        let role = format!("service_{}", unique());
        owner
            .execute(AssertSqlSafe(format!("create role {role} login password 'test'")))
            .await
            .unwrap();
        // The role had more than the service needs.
        owner
            .execute(AssertSqlSafe(format!(
                "grant all on all tables in schema public to {role}; grant create on schema public to {role};
                 grant execute on all functions in schema public to public"
            )))
            .await
            .unwrap();
        assert_eq!(grants::grant(&owner, &role).await.unwrap(), Granted::Done);
        let options = options.username(&role).password("test");
        Self {
            service: options.connect().await.unwrap(),
            service_url: options.to_url_lossy().to_string(),
            owner,
            role,
        }
    }

    /// The service's role again has what only the owner of the database can take away.
    async fn grant_temporary_tables(&self) {
        let database: String = sqlx::query_scalar("select quote_ident(current_database())")
            .fetch_one(&self.owner)
            .await
            .unwrap();
        let grant = format!("grant temporary on database {database} to {}", self.role);
        self.owner.execute(AssertSqlSafe(grant)).await.unwrap();
    }

    async fn server(&self) -> TestServer {
        TestServer::builder().database_url(&self.service_url).start().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_works_without_owning_the_schema() {
    let roles = Roles::new().await;
    let server = roles.server().await;
    let seed = Seed::new(&server);
    let acme = seed.active("acme").await;
    seed.rotate(acme).await;
    seed.suspend(acme).await;
    seed.resume(acme).await;
    seed.submit_in(acme, "333333333333").await;
    let path = "/v1/tenants/acme/storage-configs/2/decline";
    server.post(path, &json!({"reason": "A test"})).await.expect(200);
    server.post("/v1/tenants/acme/invites", &json!({})).await.expect(201);
    server.post("/v1/webhooks", &json!({"url": "https://127.0.0.1/"})).await.expect(201);
    seed.offboard(acme).await;
    let admin = server.token_of(Role::Admin).await;
    let url = format!("{}/v1/tenants/{acme}/personal-data", server.private);
    let erase = server.bare(reqwest::Method::DELETE, &url).bearer_auth(admin);
    server.send(erase.json(&json!({"reason": "A test"}))).await.expect(200);
    let erased: String = sqlx::query_scalar("select name from tenants where id = $1")
        .bind(acme)
        .fetch_one(&roles.owner)
        .await
        .unwrap();
    assert_eq!(erased, "erased");
}

/// The queue's tables have row security, which hides their rows from other roles than the owner.
#[tokio::test(flavor = "multi_thread")]
async fn the_services_worker_finds_its_jobs() {
    let roles = Roles::new().await;
    let key = KeyArn::parse("arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab").unwrap();
    let cloud = GrantingCloud::new(ExternalId::from_random([9; 20]), key.clone());
    let server = TestServer::builder()
        .database_url(&roles.service_url)
        .cloud(Arc::new(cloud))
        .worker()
        .start()
        .await;
    server.create_tenant("acme").await;
    let submission = json!({"mode": "direct", "bucket_arn": "arn:aws:s3:::acme", "bucket_region": "eu-central-1", "key_arn": key});
    assert_eq!(
        server.submit("acme", &submission).await["verdict"],
        "rejected",
        "AWS grants access to another external ID"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_service_cannot_rewrite_the_log() {
    let mut roles = Roles::new().await;
    let server = roles.server().await;
    Seed::new(&server).active("acme").await;
    assert!(grants::owns_audit_log(&roles.owner).await.unwrap());
    assert!(!grants::owns_audit_log(&server.pool).await.unwrap());
    for statement in [
        "delete from audit_events",
        "update audit_events set detail = '{}'",
        "truncate audit_events",
        "alter table audit_events disable trigger all",
        "alter table audit_events add column x int",
        "drop trigger audit_events_are_append_only on audit_events",
        "create or replace function audit_hash(event audit_events, previous bytea) returns bytea language sql as 'select null::bytea'",
        "create or replace function guard_audit_event() returns trigger language plpgsql as 'begin return new; end'",
        "set session_replication_role = replica",
        "create trigger x before update on audit_events for each row execute function forbid_change()",
        "create trigger x before update on tenants for each row execute function forbid_change()",
        "select record_config_change(gen_random_uuid())",
        "update change_counters set audit_events = 0",
        "update change_counters set config_changes = 0",
        "delete from config_changes",
        "delete from change_marks",
        "update storage_configs set region = 'x'",
        "delete from storage_configs",
        "update document_versions set documents = '{}'",
        "update _sqlx_migrations set success = false",
        "create table public.x (id int)",
        "create temporary table x (id int)",
        "truncate credential_issuances",
    ] {
        let error = roles.service.execute(statement).await.expect_err(statement);
        let code = error
            .as_database_error()
            .and_then(|error| error.code().map(|code| code.to_string()));
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
    }
    // An entry without a salt does not break the chain.
    let entry =
        "insert into audit_events (id, at, actor, action, detail, personal_salt) values (gen_random_uuid(), now(), '{}', 'x', '{}', null)";
    roles.service.execute(entry).await.unwrap();
    let broken: i64 = sqlx::query_scalar("select count(*) from audit_events where personal_salt is null or hash is null")
        .fetch_one(&roles.owner)
        .await
        .unwrap();
    assert_eq!(broken, 0);
    // The counters that the owner's functions use are not those of a temporary table.
    roles.grant_temporary_tables().await;
    let mut change = sqlx::Connection::begin(&mut roles.service).await.unwrap();
    change
        .execute("create temporary table change_counters (audit_events bigint, config_changes bigint, token_mark uuid)")
        .await
        .unwrap();
    change
        .execute("insert into pg_temp.change_counters values (0, 0, gen_random_uuid())")
        .await
        .unwrap();
    change.execute("update tenants set suspended_at = now()").await.unwrap();
    let before: i64 = sqlx::query_scalar("select config_changes from public.change_counters")
        .fetch_one(&roles.owner)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let after: i64 = sqlx::query_scalar("select config_changes from public.change_counters")
        .fetch_one(&roles.owner)
        .await
        .unwrap();
    assert_eq!(after, before + 1);
}

/// A function with the owner's rights, as the trigger of a table of the service's own, would make gaps in the positions of the audit log and
/// of the change feed.
#[tokio::test]
async fn the_owners_functions_are_not_for_triggers_of_others() {
    let mut roles = Roles::new().await;
    roles.grant_temporary_tables().await;
    let functions: Vec<String> = sqlx::query_scalar(
        "select proname::text from pg_proc where pronamespace = 'public'::regnamespace and prosecdef and prorettype = 'trigger'::regtype
         order by 1",
    )
    .fetch_all(&roles.owner)
    .await
    .unwrap();
    assert!(
        functions.contains(&"assign_audit_position".to_owned()) && functions.len() >= 6,
        "{functions:?}"
    );
    let positions = async || {
        sqlx::query_as::<_, (i64, i64, uuid::Uuid)>("select audit_events, config_changes, token_mark from change_counters")
            .fetch_one(&roles.owner)
            .await
            .unwrap()
    };
    let before = positions().await;
    let table = "create temporary table own (id uuid, tenant_id uuid, config_id uuid, slug text)";
    roles.service.execute(table).await.unwrap();
    for function in functions {
        let attach = format!("create trigger {function} after insert on own for each row execute function public.{function}()");
        let refused = roles.service.execute(AssertSqlSafe(attach)).await.expect_err(&function);
        let code = refused
            .as_database_error()
            .and_then(|error| error.code().map(|code| code.to_string()));
        assert_eq!(code.as_deref(), Some("42501"), "{function}: {refused}");
    }
    let insert = "insert into own values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'x')";
    roles.service.execute(insert).await.unwrap();
    assert_eq!(positions().await, before);
    // A role that may use one of them could rewrite the log.
    let service = connect(PgConnectOptions::from_str(&roles.service_url).unwrap(), 1);
    assert!(!grants::owns_audit_log(&service).await.unwrap());
    let grant = format!("grant execute on function assign_audit_position() to {}", roles.role);
    roles.owner.execute(AssertSqlSafe(grant)).await.unwrap();
    assert!(grants::owns_audit_log(&service).await.unwrap());
}

/// Erasure removes names and reasons from the audit log, so it must not be possible without a trace.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_needs_an_end_that_cannot_be_taken_back() {
    let mut roles = Roles::new().await;
    let server = roles.server().await;
    let acme = Seed::new(&server).active("acme").await;
    let forged = format!(
        "insert into audit_events (id, at, actor, action, tenant_id, detail)
         values (gen_random_uuid(), now(), '{{\"kind\": \"system\"}}', 'tenant.offboarded', '{acme}', '{{}}')"
    );
    roles.service.execute(AssertSqlSafe(forged)).await.unwrap();
    let erase = "select erase_tenant(id, now()) from tenants";
    let refused = roles.service.execute(erase).await.unwrap_err();
    assert!(refused.to_string().contains("the tenant is not offboarded"), "{refused}");
    roles.service.execute("update tenants set offboarded_at = now()").await.unwrap();
    for statement in ["update tenants set offboarded_at = null", "delete from tenants"] {
        roles.service.execute(statement).await.expect_err(statement);
    }
    roles.service.execute(erase).await.unwrap();
    for statement in [
        "update tenants set erased_at = null",
        "update tenants set offboarded_at = null",
        "update tenants set offboarded_at = null, erased_at = null",
        "delete from tenants",
    ] {
        roles.service.execute(statement).await.expect_err(statement);
    }
    let ended: bool = sqlx::query_scalar("select offboarded_at is not null and erased_at is not null from tenants")
        .fetch_one(&roles.owner)
        .await
        .unwrap();
    assert!(ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_issuances_cannot_be_made_to_vanish() {
    let mut roles = Roles::new().await;
    let row = |expires: &str| {
        format!(
            "insert into credential_issuances (tenant_id, hour, actor_id, access, actor, count, audited_count, first_at, last_at, expires_at)
             values (gen_random_uuid(), date_trunc('hour', now()), 'x', 'read', '{{}}', 3, 1, now(), now(), now() {expires})"
        )
    };
    roles.service.execute(AssertSqlSafe(row("+ interval '1 hour'"))).await.unwrap();
    for statement in [
        "delete from credential_issuances",
        "update credential_issuances set count = 1",
        "update credential_issuances set audited_count = 0",
        "update credential_issuances set expires_at = now()",
        "update credential_issuances set hour = hour - interval '1 hour'",
        "update credential_issuances set actor_id = 'y'",
        "update credential_issuances set actor = '{\"kind\": \"system\"}'",
        "update credential_issuances set tenant_id = gen_random_uuid()",
    ] {
        let refused = roles.service.execute(statement).await.expect_err(statement);
        assert!(refused.to_string().contains("only grow"), "{statement}: {refused}");
    }
    roles
        .service
        .execute("update credential_issuances set count = 4, last_at = now()")
        .await
        .unwrap();
    roles
        .service
        .execute("update credential_issuances set audited_count = 4")
        .await
        .unwrap();
    roles
        .service
        .execute("delete from credential_issuances")
        .await
        .expect_err("its sessions are still valid");
    roles.service.execute(AssertSqlSafe(row("- interval '1 second'"))).await.unwrap();
    let expired = "delete from credential_issuances where expires_at < now()";
    roles
        .service
        .execute(expired)
        .await
        .expect_err("the audit log does not have all of it");
    roles
        .service
        .execute("update credential_issuances set audited_count = 3 where audited_count = 1")
        .await
        .unwrap();
    assert_eq!(roles.service.execute(expired).await.unwrap().rows_affected(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_says_who_has_to_migrate() {
    let roles = Roles::new().await;
    let service = connect(PgConnectOptions::from_str(&roles.service_url).unwrap(), 2);
    migrations::run(&service).await.expect("nothing is missing");
    sqlx::query("delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)")
        .execute(&roles.owner)
        .await
        .unwrap();
    let refused = migrations::run(&service).await.unwrap_err();
    assert!(matches!(refused, MigrationError::NotOwner), "{refused}");
    assert!(refused.to_string().contains("latchkey migrate"));
}

#[tokio::test]
async fn a_role_with_the_owners_rights_is_refused() {
    let roles = Roles::new().await;
    let role = format!("member_{}", unique());
    let owner: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&roles.owner)
        .await
        .unwrap();
    roles
        .owner
        .execute(AssertSqlSafe(format!("create role {role} in role {owner}")))
        .await
        .unwrap();
    assert_eq!(grants::grant(&roles.owner, &role).await.unwrap(), Granted::OwnsTheLog);
    assert!(grants::grant(&roles.owner, "nobody_has_this_name").await.is_err());
}
