//! The rights of the role that the service runs as, if another role owns the schema.
//!
//! The service may read everything and write its own tables, but it may only add to the audit log, to the submitted versions and to the
//! versions of the documents. The change feed, the positions and the hashes of the audit log, and erasure are written by functions that run
//! with the owner's rights.

use sqlx::{AssertSqlSafe, Executor, PgConnection, PgPool};

use super::Result;
use super::jobs::SCHEMA;

/// Tables that the service only reads.
const READ_ONLY: [&str; 7] = [
    "_sqlx_migrations",
    "change_counters",
    "config_changes",
    "change_marks",
    "audit_retention",
    "audit_anchor",
    "audit_dropped_ends",
];

/// Tables that the service only adds to.
const APPEND_ONLY: [&str; 3] = ["audit_events", "storage_configs", "document_versions"];

/// Functions of the schema that the service calls, or that Postgres calls with the service's rights in a generated column. All others run
/// in triggers, and nobody may execute them: as a trigger of a table of the service's own, they would write with the owner's rights.
const CALLED: [&str; 11] = [
    "text_range(text, text)",
    "keys_at(text)",
    "erase_tenant(uuid, timestamptz)",
    "failing_terms(text[], text)",
    "without_personal_data(jsonb)",
    "audit_hash(audit_events, bytea)",
    "audit_personal_hash(audit_events)",
    "add_partitions()",
    "drop_verifications(interval)",
    "drop_deliveries(interval)",
    "drop_audit_events()",
];

/// The schema of the partitions.
const PARTITIONS: &str = "partitions";

/// Grants a role what the service needs, and takes away what it has besides. Idempotent. The caller's role must own the schema.
///
/// # Errors
/// When the role does not exist, or the caller does not own the schema.
pub async fn grant(pool: &PgPool, role: &str) -> Result<Granted> {
    let mut db = pool.begin().await?;
    let unquoted = role.to_owned();
    let role: String = sqlx::query_scalar("select quote_ident($1)").bind(role).fetch_one(&mut *db).await?;
    let mut statements = Vec::new();
    for schema in ["public", SCHEMA] {
        // Whatever the role had before, such as the right to add triggers to the owner's tables.
        for objects in ["tables", "sequences", "functions"] {
            statements.push(format!("revoke all on all {objects} in schema {schema} from {role}"));
        }
        statements.push(format!("revoke create on schema {schema} from {role}, public"));
        statements.push(format!("grant usage on schema {schema} to {role}"));
        statements.push(format!(
            "grant select, insert, update, delete on all tables in schema {schema} to {role}"
        ));
        statements.push(format!("grant usage, select on all sequences in schema {schema} to {role}"));
        // Tables of later migrations.
        let later = format!("alter default privileges in schema {schema} grant");
        statements.push(format!("{later} select, insert, update, delete on tables to {role}"));
        statements.push(format!("{later} usage, select on sequences to {role}"));
    }
    // Partitions are reached through their tables, whose rights hold.
    statements.push(format!("revoke all on all tables in schema {PARTITIONS} from {role}, public"));
    statements.push(format!("revoke all on schema {PARTITIONS} from {role}, public"));
    statements.extend(closing(&mut db, &role).await?);
    statements.push(format!("grant execute on all functions in schema {SCHEMA} to {role}"));
    statements.push(format!(
        "alter default privileges in schema {SCHEMA} grant execute on functions to {role}"
    ));
    for function in CALLED {
        statements.push(format!("grant execute on function public.{function} to {role}"));
    }
    for table in READ_ONLY {
        statements.push(format!("revoke insert, update, delete, truncate on public.{table} from {role}"));
    }
    for table in APPEND_ONLY {
        statements.push(format!("revoke update, delete, truncate on public.{table} from {role}"));
    }
    for statement in statements {
        db.execute(AssertSqlSafe(statement)).await?;
    }
    // The queue's tables have row security without a policy, so that only their owner sees rows.
    let protected: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = $1 and c.relrowsecurity order by 1",
    )
    .bind(SCHEMA)
    .fetch_all(&mut *db)
    .await?;
    for table in protected {
        let statements = [
            format!("drop policy if exists latchkey_service on {table}"),
            format!("create policy latchkey_service on {table} using (true) with check (true)"),
        ];
        for statement in statements {
            db.execute(AssertSqlSafe(statement)).await?;
        }
    }
    if may_rewrite(&mut db, &unquoted).await? {
        return Ok(Granted::OwnsTheLog);
    }
    db.commit().await?;
    Ok(Granted::Done)
}

/// Statements that take from everybody the functions of the schema, and the right to create temporary tables, which could have triggers.
async fn closing(db: &mut PgConnection, role: &str) -> Result<Vec<String>> {
    let mut statements = vec!["alter default privileges revoke execute on functions from public".to_owned()];
    // Not those of extensions, which write nothing and may belong to somebody else.
    let functions: Vec<String> = sqlx::query_scalar(
        "select format('public.%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) from pg_proc p
         where p.pronamespace = 'public'::regnamespace and not exists (
             select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
         ) order by 1",
    )
    .fetch_all(&mut *db)
    .await?;
    statements.extend(
        functions
            .iter()
            .map(|function| format!("revoke execute on function {function} from public")),
    );
    // Only the owner of the database can do this. Without it, the role has temporary tables, but nothing to attach to them.
    let database: Option<String> = sqlx::query_scalar(
        "select quote_ident(datname) from pg_database where datname = current_database() and pg_has_role(datdba, 'usage')",
    )
    .fetch_optional(db)
    .await?;
    statements.extend(database.map(|database| format!("revoke temporary on database {database} from {role}, public")));
    Ok(statements)
}

/// The result of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    Done,
    /// Nothing was granted: the role is a superuser, or has the owner's rights or rights of its own that reach the audit log.
    OwnsTheLog,
}

/// Whether a role can rewrite the audit log: it has the owner's rights, is a superuser, can add a trigger, which would run with the
/// rights of the owner's functions, or can use these functions in triggers of its own.
async fn may_rewrite(db: &mut PgConnection, role: &str) -> Result<bool> {
    let may = sqlx::query_scalar!(
        r#"select pg_has_role($1::text::name, c.relowner, 'member') or has_table_privilege($1::text::name, c.oid, 'trigger, truncate, update, delete')
                  or has_schema_privilege($1::text::name, c.relnamespace, 'create')
                  or has_schema_privilege($1::text::name, 'partitions', 'usage, create')
                  or has_table_privilege($1::text::name, 'public.audit_retention', 'insert, update, delete, truncate')
                  or has_table_privilege($1::text::name, 'public.audit_anchor', 'insert, update, delete, truncate')
                  or exists (
                      select from pg_proc p where p.pronamespace = c.relnamespace and p.prosecdef and p.prorettype = 'trigger'::regtype
                          and has_function_privilege($1::text::name, p.oid, 'execute')
                  ) as "may!"
           from pg_class c where c.oid = 'public.audit_events'::regclass"#,
        role,
    );
    Ok(may.fetch_one(db).await?)
}

/// Whether the connection's role can rewrite the audit log.
///
/// # Errors
/// When the database is unavailable, or has no schema.
pub async fn owns_audit_log(pool: &PgPool) -> Result<bool> {
    let mut db = pool.acquire().await?;
    let role: String = sqlx::query_scalar("select current_user::text").fetch_one(&mut *db).await?;
    may_rewrite(&mut db, &role).await
}
