//! Tenants with storage that nobody verified, written straight into the database: for tests of those who read it.

use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::aws::clock;

/// Makes and changes tenants as Latchkey itself does, without AWS.
#[derive(Clone)]
pub struct Landlord(pub PgPool);

impl Landlord {
    pub async fn tenant(&self, slug: &str) -> Uuid {
        let id = clock().uuid();
        sqlx::query("insert into tenants (id, slug, name, modes, external_id, created_at) values ($1, $2, $2, '{direct}', $3, now())")
            .bind(id)
            .bind(slug)
            .bind(format!("lk-{}", id.simple()))
            .execute(&self.0)
            .await
            .expect("a tenant is made");
        id
    }

    /// Makes the next version the active one. Its bucket's name says whose it is, and which version.
    pub async fn activate(&self, tenant: Uuid) -> i32 {
        let mut db = self.0.begin().await.expect("a transaction begins");
        sqlx::query("select from tenants where id = $1 for update")
            .bind(tenant)
            .execute(&mut *db)
            .await
            .expect("it is locked");
        let config = clock().uuid();
        let version: i32 = sqlx::query_scalar(
            "insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, created_at)
             select $1, $2, n, 'direct', 'arn:aws:s3:::b-' || replace($2::text, '-', '') || '-' || n, '222222222222', 'eu-central-1',
                    'arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab', now()
             from (select coalesce(max(version), 0) + 1 as n from storage_configs where tenant_id = $2) next returning version",
        )
        .bind(config)
        .bind(tenant)
        .fetch_one(&mut *db)
        .await
        .expect("a config is made");
        sqlx::query(
            "insert into active_configs (tenant_id, config_id, bucket_arn, activated_at, verified_at)
             select tenant_id, id, bucket_arn, now(), now() from storage_configs where id = $1
             on conflict (tenant_id) do update set config_id = excluded.config_id, bucket_arn = excluded.bucket_arn, verified_at = now()",
        )
        .bind(config)
        .execute(&mut *db)
        .await
        .expect("it is made the active one");
        db.commit().await.expect("the transaction ends");
        version
    }

    pub async fn active(&self, slug: &str) -> Uuid {
        let tenant = self.tenant(slug).await;
        self.activate(tenant).await;
        tenant
    }

    async fn run(&self, sql: &'static str, tenant: Uuid) {
        let mut db = self.0.begin().await.expect("a transaction begins");
        for statement in sql.split(';') {
            sqlx::query(statement).bind(tenant).execute(&mut *db).await.expect("it is done");
        }
        db.commit().await.expect("the transaction ends");
    }

    pub async fn suspend(&self, tenant: Uuid) {
        self.run("update tenants set suspended_at = now() where id = $1", tenant).await;
    }

    pub async fn resume(&self, tenant: Uuid) {
        self.run("update tenants set suspended_at = null where id = $1", tenant).await;
    }

    pub async fn offboard(&self, tenant: Uuid) {
        self.run(
            "update tenants set offboarded_at = now() where id = $1; delete from active_configs where tenant_id = $1",
            tenant,
        )
        .await;
    }

    pub async fn rotate(&self, tenant: Uuid) {
        self.run(
            "update tenants set external_id = 'lk-' || replace(gen_random_uuid()::text, '-', '') where id = $1",
            tenant,
        )
        .await;
    }
}

/// Version and tenant that a bucket's name tells.
pub fn read_bucket(storage: &Value) -> (String, i32) {
    let name = storage["bucket"].as_str().expect("a bucket has a name");
    let mut parts = name.rsplitn(2, '-');
    let version = parts.next().and_then(|text| text.parse().ok()).expect("it ends with the version");
    let tenant = parts
        .next()
        .and_then(|rest| rest.strip_prefix("b-"))
        .expect("the tenant comes first");
    (tenant.to_owned(), version)
}
