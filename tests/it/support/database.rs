//! Databases of a test's own.

use std::str::FromStr;

use latchkey::store::{connect, migrations};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};

use super::aws::unique;
use super::services;

/// Any number: it names the lock under which the template is created.
const TEMPLATE_LOCK: i64 = 0x7465_6d70;

/// The URL of a new database without a schema.
pub async fn empty_database() -> String {
    empty_database_on(&services::postgres()).await
}

/// The same on another Postgres, given the URL of any of its databases.
pub async fn empty_database_on(url: &str) -> String {
    let mut root = root(url).await;
    create(&mut root, url, None).await
}

/// The URL of a new database with the current schema. It is copied from a template, which the first test creates.
pub async fn migrated_database() -> String {
    let url = services::postgres();
    let mut root = root(&url).await;
    let template = template(&mut root, &url).await;
    create(&mut root, &url, Some(&template)).await
}

async fn root(url: &str) -> PgConnection {
    options(url).connect().await.expect("Postgres answers")
}

fn options(url: &str) -> PgConnectOptions {
    PgConnectOptions::from_str(url).expect("a URL of Postgres")
}

fn named(url: &str, name: &str) -> String {
    options(url).database(name).to_url_lossy().to_string()
}

async fn create(root: &mut PgConnection, url: &str, template: Option<&str>) -> String {
    let name = format!("test_{}", unique());
    let template = template.map(|template| format!(" template {template}")).unwrap_or_default();
    execute(root, format!("create database {name}{template}")).await;
    named(url, &name)
}

/// The name of the template for the current migrations. Its databases are only renamed to that name once they are complete.
async fn template(root: &mut PgConnection, url: &str) -> String {
    let newest = migrations::MIGRATIONS.iter().last().expect("there are migrations");
    let checksums: Vec<u8> = migrations::MIGRATIONS
        .iter()
        .flat_map(|migration| migration.checksum.to_vec())
        .collect();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &checksums);
    let name = format!("template_{}_{}", newest.version, hex::encode(&hash.as_ref()[..8]));
    if exists(root, &name).await {
        return name;
    }
    execute(root, format!("select pg_advisory_lock({TEMPLATE_LOCK})")).await;
    if !exists(root, &name).await {
        let new = create(root, url, None).await;
        let pool = connect(options(&new), 2);
        migrations::run(&pool).await.expect("migrations run");
        pool.close().await;
        let new = options(&new).get_database().expect("a database has a name").to_owned();
        execute(root, format!("alter database {new} rename to {name}")).await;
    }
    execute(root, format!("select pg_advisory_unlock({TEMPLATE_LOCK})")).await;
    name
}

async fn exists(root: &mut PgConnection, database: &str) -> bool {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(database)
        .fetch_one(root)
        .await
        .expect("Postgres answers")
}

async fn execute(root: &mut PgConnection, statement: String) {
    root.execute(AssertSqlSafe(statement)).await.expect("Postgres does it");
}
