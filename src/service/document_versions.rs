//! Versions of the documents that customers apply: which one this process issues, and which of them tenants were verified against.

use std::sync::{PoisonError, RwLock};

use chrono::TimeDelta;
use sqlx::PgConnection;
use tracing::info;

use super::{Context, UnknownTenant};
use crate::domain::document_version::{
    ConfigDocuments, DocumentChange, DocumentSet, DocumentUpdate, DocumentVersion, GrantKind, RequestedUpdate, changes,
};
use crate::domain::ids::{StorageConfigId, TenantId, TenantRef};
use crate::domain::storage_config::{Mode, StorageConfig};
use crate::domain::templates::sid::SidSuffix;
use crate::domain::vendor::Vendor;
use crate::store::{self, active_configs, campaigns, document_versions};

/// How many versions are listed.
const MOST: i64 = 100;

/// The documents that this process issues, and their version once the database knows them.
#[derive(Debug, Default)]
pub struct IssuedDocuments {
    documents: DocumentSet,
    version: RwLock<Option<DocumentVersion>>,
}

impl IssuedDocuments {
    pub fn of(vendor: &Vendor) -> Self {
        Self {
            documents: DocumentSet::of(vendor),
            version: RwLock::default(),
        }
    }

    fn known(&self) -> Option<DocumentVersion> {
        self.version.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The version of the documents that this process issues. Gives them the next number if the database does not know them.
pub async fn current(context: &Context) -> store::Result<DocumentVersion> {
    match context.documents.known() {
        Some(version) => Ok(version),
        None => record(context).await,
    }
}

/// Looks for the version in the database, also if it was there before: a database that was restored may have lost it.
pub(crate) async fn record(context: &Context) -> store::Result<DocumentVersion> {
    let documents = &context.documents.documents;
    let fingerprint = documents.fingerprint();
    let mut db = store::acquire(&context.pool).await?;
    let known = find_valid(context, &mut db, &fingerprint).await?;
    drop(db);
    let version = match known {
        Some(version) => version,
        None => add(context, documents, &fingerprint).await?,
    };
    *context.documents.version.write().unwrap_or_else(PoisonError::into_inner) = Some(version.clone());
    Ok(version)
}

/// How long processes of two releases issue different documents at most. A rolling update takes less.
const ROLLOUT: TimeDelta = TimeDelta::days(1);

/// The version of these documents. None if they need a new number: those who were verified against later documents in the meantime
/// may lack what these have.
async fn find_valid(context: &Context, db: &mut PgConnection, fingerprint: &str) -> store::Result<Option<DocumentVersion>> {
    let Some(version) = document_versions::find_by_fingerprint(db, fingerprint).await? else {
        return Ok(None);
    };
    let newest = document_versions::newest(db, 1).await?.pop();
    let is_replaced = newest.is_some_and(|newest| newest.number > version.number && context.clock.now() - newest.first_seen_at > ROLLOUT);
    Ok((!is_replaced).then_some(version))
}

/// Gives documents the next number, unless another process has done so at the same time.
async fn add(context: &Context, documents: &DocumentSet, fingerprint: &str) -> store::Result<DocumentVersion> {
    let mut db = store::begin(&context.pool).await?;
    document_versions::lock(&mut db).await?;
    if let Some(version) = find_valid(context, &mut db, fingerprint).await? {
        return Ok(version);
    }
    let newest = document_versions::newest(&mut db, 1).await?.pop();
    let version = DocumentVersion::next(newest.as_ref(), documents.clone(), context.clock.now());
    document_versions::insert(&mut db, &version).await?;
    store::commit(db).await?;
    info!(version = version.number, "the documents that customers apply have a new version");
    Ok(version)
}

/// A version with what it changed, for each kind of documents that the vendor offers.
#[derive(Debug, Clone)]
pub struct ListedVersion {
    pub version: DocumentVersion,
    pub is_current: bool,
    /// How many tenants have an active version that was last verified against it.
    pub tenants: i64,
    /// Compared with the number before. Empty for the first one.
    pub changes: Vec<(GrantKind, Vec<DocumentChange>)>,
}

/// The versions, newest first, and how many tenants were verified against none.
#[derive(Debug, Clone)]
pub struct VersionList {
    pub current: i32,
    pub versions: Vec<ListedVersion>,
    pub unverified: i64,
    /// How many tenants have an active version that was not verified against the current documents of its mode and access.
    pub outdated: i64,
}

/// The newest versions, and how many tenants are on each.
pub async fn list(context: &Context) -> store::Result<VersionList> {
    let current = current(context).await?;
    let mut db = store::acquire(&context.pool).await?;
    let found = document_versions::newest(&mut db, MOST).await?;
    let counts = document_versions::count_tenants(&mut db).await?;
    let outdated = document_versions::count_outdated(&mut db, current.since).await?;
    let of = |number: Option<i32>| {
        counts
            .iter()
            .find(|count| count.verified == number)
            .map_or(0, |count| count.tenants)
    };
    let versions = found.iter().enumerate().map(|(index, version)| ListedVersion {
        is_current: version.number == current.number,
        tenants: of(Some(version.number)),
        changes: match found.get(index + 1) {
            Some(before) => GrantKind::all([Mode::AssumeRole, Mode::Direct])
                .filter(|kind| context.vendor.levels.contains(&kind.level))
                .map(|kind| (kind, changes(&before.documents, &version.documents, kind, None)))
                .filter(|(_, changes)| !changes.is_empty())
                .collect(),
            None => Vec::new(),
        },
        version: version.clone(),
    });
    Ok(VersionList {
        current: current.number,
        versions: versions.collect(),
        unverified: of(None),
        outdated,
    })
}

/// What is known of the documents of the active version, or else of the newest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantDocuments {
    /// The submitted version that it is about.
    pub config_version: i32,
    pub documents: ConfigDocuments,
    pub current: i32,
    pub is_outdated: bool,
}

/// The documents of a tenant's storage. None if this process's documents are not recorded yet.
pub(super) async fn of_config(context: &Context, db: &mut PgConnection, config: &StorageConfig) -> store::Result<Option<TenantDocuments>> {
    let current = match context.documents.known() {
        Some(version) => Some(version),
        None => find_valid(context, db, &context.documents.documents.fingerprint()).await?,
    };
    let Some(current) = current else {
        return Ok(None);
    };
    let documents = document_versions::of_config(db, config.id).await?;
    Ok(Some(TenantDocuments {
        config_version: config.version,
        documents,
        current: current.number,
        is_outdated: documents.is_outdated(GrantKind::of(&config.storage), &current),
    }))
}

/// What the customer has to update: the active version was not verified against the current documents. None if nothing.
pub async fn update_of(context: &Context, tenant: TenantId) -> store::Result<Option<RequestedUpdate>> {
    let current = current(context).await?;
    let mut db = store::acquire(&context.pool).await?;
    let Some(active) = active_configs::find(&mut db, tenant).await? else {
        return Ok(None);
    };
    let Some(update) = update_to(&mut db, &current, &active.config).await? else {
        return Ok(None);
    };
    let (message, deadline) = campaigns::message_of(&mut db, tenant).await?.unzip();
    Ok(Some(RequestedUpdate {
        update,
        message,
        deadline: deadline.flatten(),
    }))
}

/// What to update of a storage config for a version. None if it was verified against it.
pub(super) async fn update_to(
    db: &mut PgConnection,
    version: &DocumentVersion,
    config: &StorageConfig,
) -> store::Result<Option<DocumentUpdate>> {
    let kind = GrantKind::of(&config.storage);
    let documents = document_versions::of_config(db, config.id).await?;
    if !documents.is_outdated(kind, version) {
        return Ok(None);
    }
    let from = match documents.base(version) {
        Some(number) => document_versions::find(db, number).await?,
        None => None,
    };
    Ok(Some(DocumentUpdate {
        version: version.number,
        changes: from.as_ref().map_or_else(Vec::new, |from| {
            changes(&from.documents, &version.documents, kind, Some(SidSuffix::of(config.tenant_id)))
        }),
        from: from.map(|from| from.number),
    }))
}

/// Whether a verification that nobody asked for shows that a config has the documents of a version: not if they differ from those that it
/// had in what no call shows. Then somebody has to say that they were applied, by submitting or by verifying again.
pub(super) async fn are_shown(
    db: &mut PgConnection,
    config: StorageConfigId,
    kind: GrantKind,
    version: &DocumentVersion,
) -> store::Result<bool> {
    let known = document_versions::of_config(db, config).await?;
    let from = match known.base(version) {
        _ if known.verified >= Some(version.number) || known.issued == Some(version.number) => return Ok(true),
        Some(number) => document_versions::find(db, number).await?,
        None => None,
    };
    let from = from.map(|from| from.documents).unwrap_or_default();
    Ok(version.documents.is_told_from(&from, kind))
}

/// Records that a full verification has shown that a config has the documents of this version, and in the campaigns that wait for it. The
/// tenant must be locked.
pub(super) async fn set_verified(
    context: &Context,
    db: &mut PgConnection,
    tenant: TenantId,
    config: StorageConfigId,
    version: &DocumentVersion,
) -> store::Result<()> {
    let now = context.clock.now();
    document_versions::set_verified(db, config, tenant, version.number, now).await?;
    campaigns::set_verified(db, tenant, config, now).await
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct NotRecorded(#[from] store::StoreError);

impl From<UnknownTenant> for NotRecorded {
    fn from(_: UnknownTenant) -> Self {
        Self(store::StoreError::inconsistent("reverifications", "", "its tenant is missing"))
    }
}

/// The same after a re-verification whose result is not recorded. Changes nothing if it is known.
pub async fn prove(context: &Context, tenant: TenantId, config: StorageConfigId, kind: GrantKind) -> store::Result<()> {
    let current = current(context).await?;
    let mut db = store::acquire(&context.pool).await?;
    let known = document_versions::of_config(&mut db, config).await?;
    let are_shown = are_shown(&mut db, config, kind, &current).await?;
    drop(db);
    if known.verified >= Some(current.number) || !are_shown {
        return Ok(());
    }
    let proven = async {
        let (mut db, tenant) = context.begin_for_tenant::<NotRecorded>(&TenantRef::Id(tenant)).await?;
        set_verified(context, &mut db, tenant.id, config, &current).await?;
        Ok::<_, NotRecorded>(store::commit(db).await?)
    };
    proven.await.map_err(|NotRecorded(error)| error)
}
