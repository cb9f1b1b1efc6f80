//! Creates tenants through Latchkey's own services, without AWS: verifications run against [`GrantingCloud`].

use std::error::Error;

use latchkey::domain::arn::KeyArn;
use latchkey::domain::audit::AuditReason;
use latchkey::domain::external_id::ExternalId;
use latchkey::domain::ids::{TenantRef, VerificationId};
use latchkey::domain::submission::Submission;
use latchkey::domain::tenant::{Rotation, Tenant};
use latchkey::service::create_tenant::{NewTenant, create_tenant};
use latchkey::service::request_verification::request_verification;
use latchkey::service::rotate_external_id::{end_previous, rotate};
use latchkey::service::run_verification::run_verification;
use latchkey::service::submit_config::submit_config;
use latchkey::service::tenant_lifecycle::{offboard, resume, suspend};
use latchkey::service::{Caller, Context, UnknownTenant, read};
use latchkey::store::jobs::JobOrigin;
use serde_json::Value;
use uuid::Uuid;

use super::granting_cloud::GrantingCloud;
use super::server::TestServer;

/// The account of the tenants' buckets and of the key.
const OWN_ACCOUNT: &str = "222222222222";
const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// Fails when the database goes away: a change may then have been made, or not.
pub type Attempt<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Creates and changes tenants. A server's worker would run the verifications too, so the server must have none.
#[derive(Clone)]
pub struct Seed(Context);

impl Seed {
    pub fn new(server: &TestServer) -> Self {
        Self(server.context.clone())
    }

    pub async fn tenant(&self, slug: &str) -> Uuid {
        self.try_tenant(slug).await.expect("the tenant is created").id.as_uuid()
    }

    /// A tenant with an active version.
    pub async fn active(&self, slug: &str) -> Uuid {
        let tenant = self.tenant(slug).await;
        self.activate(tenant).await;
        tenant
    }

    /// Makes a new version the active one, and returns its number.
    pub async fn activate(&self, tenant: Uuid) -> i32 {
        let external_id = self.find(tenant).await.external_id;
        let (version, verification) = self.try_submit(tenant).await.expect("the config is submitted");
        self.try_verify(verification, &external_id).await.expect("the verification runs");
        let verdict: Option<String> = sqlx::query_scalar("select verdict from verifications where id = $1")
            .bind(verification.as_uuid())
            .fetch_one(&self.0.pool)
            .await
            .expect("the verification is read");
        assert_eq!(verdict.as_deref(), Some("verified"));
        version
    }

    /// The same, for any verdict.
    pub async fn try_activate(&self, tenant: Uuid) -> Attempt {
        let external_id = self.try_find(tenant).await?.external_id;
        let (_, verification) = self.try_submit(tenant).await?;
        self.try_verify(verification, &external_id).await
    }

    /// Takes a new external ID through all steps of a rotation.
    pub async fn rotate(&self, tenant: Uuid) {
        let (next, verification) = self.try_issue(tenant).await.expect("an external ID is issued");
        self.try_verify(verification, &next).await.expect("the verification runs");
        self.try_end_previous(tenant, &next)
            .await
            .expect("the previous external ID is retired");
        let rotated = self.find(tenant).await;
        assert_eq!((rotated.external_id, rotated.rotation), (next, None));
    }

    pub async fn suspend(&self, tenant: Uuid) {
        self.try_suspend(tenant).await.expect("the tenant is suspended");
    }

    pub async fn resume(&self, tenant: Uuid) {
        self.try_resume(tenant).await.expect("the tenant is resumed");
    }

    pub async fn offboard(&self, tenant: Uuid) {
        self.try_offboard(tenant).await.expect("the tenant is offboarded");
    }

    pub async fn find(&self, tenant: Uuid) -> Tenant {
        self.try_find(tenant).await.expect("the tenant is read")
    }

    pub async fn try_find(&self, tenant: Uuid) -> Attempt<Tenant> {
        Ok(read::tenants::find(&self.0, &by_id(tenant)).await?.ok_or(UnknownTenant)?)
    }

    pub async fn try_tenant(&self, slug: &str) -> Attempt<Tenant> {
        let new = NewTenant {
            slug: Some(slug.to_owned()),
            name: Some(slug.to_owned()),
            modes: Some(vec!["direct".to_owned()]),
            ..NewTenant::default()
        };
        Ok(create_tenant(&self.0, &caller(), &new).await?)
    }

    /// Submits a new version, whose bucket has the tenant and the version in its name.
    pub async fn try_submit(&self, tenant: Uuid) -> Attempt<(i32, VerificationId)> {
        self.try_submit_in(tenant, OWN_ACCOUNT).await
    }

    /// Submits a version whose bucket is in this account, verifies it, and returns its number.
    pub async fn submit_in(&self, tenant: Uuid, account: &str) -> i32 {
        let (version, verification) = self.try_submit_in(tenant, account).await.expect("the config is submitted");
        self.verify(tenant, verification).await;
        version
    }

    /// Runs a verification in which AWS grants access with the external ID in use.
    pub async fn verify(&self, tenant: Uuid, verification: VerificationId) {
        let external_id = self.find(tenant).await.external_id;
        self.try_verify(verification, &external_id).await.expect("the verification runs");
    }

    /// Runs a verification in which AWS denies access.
    pub async fn reject(&self, verification: VerificationId) {
        let other = ExternalId::from_random([9; 20]);
        self.try_verify(verification, &other).await.expect("the verification runs");
    }

    async fn try_submit_in(&self, tenant: Uuid, account: &str) -> Attempt<(i32, VerificationId)> {
        let next: i32 = sqlx::query_scalar("select coalesce(max(version), 0) + 1 from storage_configs where tenant_id = $1")
            .bind(tenant)
            .fetch_one(&self.0.pool)
            .await?;
        let submission = Submission {
            mode: Some("direct".to_owned()),
            bucket_arn: Some(format!("arn:aws:s3:::b-{}-{next}", tenant.simple())),
            bucket_region: Some("eu-central-1".to_owned()),
            key_arn: Some(KEY.to_owned()),
            bucket_account_id: Some(account.to_owned()),
            ..Submission::default()
        };
        let (config, verification) = submit_config(&self.0, &caller(), &by_id(tenant), &submission).await?;
        assert_eq!(config.version, next);
        Ok((next, verification))
    }

    /// Issues the next external ID, and queues the verification that brings it into use.
    pub async fn try_issue(&self, tenant: Uuid) -> Attempt<(ExternalId, VerificationId)> {
        let issued = rotate(&self.0, &caller(), &by_id(tenant)).await?;
        let Some(Rotation::Issued { next }) = issued.rotation else {
            panic!("{:?} is not a new external ID", issued.rotation)
        };
        let verification = request_verification(&self.0, &caller(), &by_id(tenant), None).await?;
        Ok((next, verification.id))
    }

    /// Retires the previous external ID.
    pub async fn try_end_previous(&self, tenant: Uuid, current: &ExternalId) -> Attempt {
        end_previous(&self.0, &caller(), &by_id(tenant)).await?;
        let verification = request_verification(&self.0, &caller(), &by_id(tenant), None).await?;
        self.try_verify(verification.id, current).await
    }

    /// Runs a verification in which AWS grants access with this external ID alone.
    pub async fn try_verify(&self, verification: VerificationId, external_id: &ExternalId) -> Attempt {
        let cloud = GrantingCloud::new(external_id.clone(), KeyArn::parse(KEY).expect("the ARN of a key"));
        Ok(Box::pin(run_verification(&self.0, &cloud, verification, &JobOrigin::default())).await?)
    }

    pub async fn try_suspend(&self, tenant: Uuid) -> Attempt {
        suspend(&self.0, &caller(), &by_id(tenant), &reason()).await?;
        Ok(())
    }

    pub async fn try_resume(&self, tenant: Uuid) -> Attempt {
        resume(&self.0, &caller(), &by_id(tenant), &reason()).await?;
        Ok(())
    }

    pub async fn try_offboard(&self, tenant: Uuid) -> Attempt {
        offboard(&self.0, &caller(), &by_id(tenant), &reason()).await?;
        Ok(())
    }
}

fn caller() -> Caller {
    Caller::operator()
}

fn by_id(tenant: Uuid) -> TenantRef {
    TenantRef::Id(tenant.into())
}

fn reason() -> AuditReason {
    AuditReason::parse("Seeded by a test").expect("a reason")
}

/// Parses the tenant and the version from a bucket's name.
pub fn read_bucket(storage: &Value) -> (String, i32) {
    let name = storage["bucket"].as_str().expect("a bucket has a name");
    let (tenant, version) = name
        .strip_prefix("b-")
        .and_then(|rest| rest.rsplit_once('-'))
        .expect("the bucket's name has a tenant and a version");
    (tenant.to_owned(), version.parse().expect("a version is a number"))
}
