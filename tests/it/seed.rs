//! Tenants with storage that nobody verified, written straight into the database: for tests of those who read it.

use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::aws::clock;

/// Makes and changes tenants as Latchkey itself does, without AWS.
#[derive(Clone)]
pub struct Seed(pub PgPool);

/// What becomes of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Its next version becomes the active one. Its bucket's name says whose it is, and which version.
    Activate,
    /// Its external ID ends with the next number.
    Rotate,
    Suspend,
    Resume,
    Offboard,
}

impl Change {
    fn statements(self) -> &'static [&'static str] {
        match self {
            Self::Activate => &[
                "select from tenants where id = $1 for update",
                "insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, created_at)
                 select gen_random_uuid(), $1, n, 'direct', 'arn:aws:s3:::b-' || replace($1::text, '-', '') || '-' || n, '222222222222',
                        'eu-central-1', 'arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab', now()
                 from (select coalesce(max(version), 0) + 1 as n from storage_configs where tenant_id = $1) next",
                "insert into active_configs (tenant_id, config_id, bucket_arn, activated_at, verified_at)
                 select tenant_id, id, bucket_arn, now(), now() from storage_configs where tenant_id = $1 order by version desc limit 1
                 on conflict (tenant_id) do update
                     set config_id = excluded.config_id, bucket_arn = excluded.bucket_arn, verified_at = now()",
            ],
            Self::Rotate => &[
                "update tenants set external_id = 'lk-' || split_part(external_id, '-', 2) || '-' || split_part(external_id, '-', 3)::int + 1
                 where id = $1",
            ],
            Self::Suspend => &["update tenants set suspended_at = now() where id = $1"],
            Self::Resume => &["update tenants set suspended_at = null where id = $1"],
            Self::Offboard => &[
                "update tenants set offboarded_at = now() where id = $1",
                "delete from active_configs where tenant_id = $1",
            ],
        }
    }
}

impl Seed {
    /// # Errors
    /// When the database goes away: then it may have been done, or not.
    pub async fn attempt(&self, change: Change, tenant: Uuid) -> sqlx::Result<()> {
        let mut db = self.0.begin().await?;
        for statement in change.statements() {
            sqlx::query(*statement).bind(tenant).execute(&mut *db).await?;
        }
        db.commit().await
    }

    async fn change(&self, change: Change, tenant: Uuid) {
        self.attempt(change, tenant).await.expect("it is done");
    }

    /// # Errors
    /// When the database goes away.
    pub async fn attempt_tenant(&self, id: Uuid, slug: &str) -> sqlx::Result<()> {
        sqlx::query("insert into tenants (id, slug, name, modes, external_id, created_at) values ($1, $2, $2, '{direct}', $3, now())")
            .bind(id)
            .bind(slug)
            .bind(format!("lk-{}-0", id.simple()))
            .execute(&self.0)
            .await
            .map(drop)
    }

    pub async fn tenant(&self, slug: &str) -> Uuid {
        let id = clock().uuid();
        self.attempt_tenant(id, slug).await.expect("a tenant is made");
        id
    }

    /// Gives the version.
    pub async fn activate(&self, tenant: Uuid) -> i32 {
        self.change(Change::Activate, tenant).await;
        sqlx::query_scalar("select max(version) from storage_configs where tenant_id = $1")
            .bind(tenant)
            .fetch_one(&self.0)
            .await
            .expect("it has a version")
    }

    pub async fn active(&self, slug: &str) -> Uuid {
        let tenant = self.tenant(slug).await;
        self.activate(tenant).await;
        tenant
    }

    pub async fn suspend(&self, tenant: Uuid) {
        self.change(Change::Suspend, tenant).await;
    }

    pub async fn resume(&self, tenant: Uuid) {
        self.change(Change::Resume, tenant).await;
    }

    pub async fn offboard(&self, tenant: Uuid) {
        self.change(Change::Offboard, tenant).await;
    }

    pub async fn rotate(&self, tenant: Uuid) {
        self.change(Change::Rotate, tenant).await;
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

/// How often the external ID was rotated.
pub fn read_rotation(external_id: &str) -> i32 {
    let number = external_id.rsplit('-').next().and_then(|number| number.parse().ok());
    number.expect("it ends with a number")
}
