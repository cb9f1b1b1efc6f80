//! Campaigns: operators have customers update the documents that they applied.
//!
//! A campaign advances in steps, each a job that does a limited number of short transactions: first its tenants are enrolled, then they
//! are notified, a few at a time, so that the notices of a large campaign do not delay other mail.

use chrono::{NaiveDate, TimeDelta};
use serde_json::json;
use tracing::{error, info, warn};

use super::mail::notify;
use super::read::PageStart;
use super::{Caller, Context, UnknownTenant, document_versions};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::campaign::{
    Campaign, CampaignMessage, CampaignPreview, CampaignProgress, CampaignTenant, CampaignTenantState, LOOK_AGAIN_AFTER, REMIND_AFTER,
    REMINDERS,
};
use crate::domain::document_version::DocumentVersion;
use crate::domain::ids::{CampaignId, TenantId, TenantRef};
use crate::domain::mail::DocumentsNotice;
use crate::domain::tenant::TenantFilter;
use crate::store::{self, active_configs, campaigns, jobs};

/// How many tenants are enrolled in one transaction.
const ENROLLED_AT_ONCE: i64 = 1000;

/// How many tenants are notified in one step, and the pause after it: at most 18,000 an hour.
const NOTIFIED_AT_ONCE: i64 = 50;
const PAUSE: TimeDelta = TimeDelta::seconds(10);

/// How soon a worker with mail settings is looked for.
const MAIL_IS_OFF: TimeDelta = TimeDelta::minutes(10);

/// What operators ask for.
#[derive(Debug, Clone)]
pub struct NewCampaign {
    /// Defaults to the version that this process issues.
    pub version: Option<i32>,
    pub filter: TenantFilter,
    pub message: CampaignMessage,
    pub deadline: Option<NaiveDate>,
}

#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    #[error("there is no such version of the documents")]
    UnknownVersion,
    #[error("there is no such campaign")]
    Unknown,
    #[error("mail is off")]
    MailOff,
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// What a campaign would do. Changes nothing.
pub async fn preview(context: &Context, new: &NewCampaign) -> Result<CampaignPreview, CampaignError> {
    let version = version(context, new.version).await?;
    let mut db = store::acquire(&context.pool).await?;
    Ok(campaigns::preview(&mut db, version.number, &below(&new.filter, &version)).await?)
}

/// Starts a campaign.
pub async fn start(context: &Context, caller: &Caller, new: NewCampaign) -> Result<Campaign, CampaignError> {
    if context.mail.is_none() {
        return Err(CampaignError::MailOff);
    }
    let version = version(context, new.version).await?;
    let campaign = Campaign {
        id: context.clock.uuid().into(),
        version: version.number,
        filter: new.filter,
        message: new.message,
        deadline: new.deadline,
        created_at: context.clock.now(),
        enrolled_at: None,
        ended_at: None,
    };
    let mut db = store::begin(&context.pool).await?;
    campaigns::insert(&mut db, &campaign).await?;
    jobs::enqueue_campaign(&mut db, campaign.id, None).await?;
    let started = AuditChange::none().with(campaign.facts());
    context.audit(&mut db, caller, AuditAction::CampaignStarted, None, started).await?;
    store::commit(db).await?;
    Ok(campaign)
}

/// Ends a campaign: nobody is notified any more, and notices that wait are not sent. Idempotent.
pub async fn end(context: &Context, caller: &Caller, id: CampaignId) -> Result<Campaign, CampaignError> {
    let mut db = store::begin(&context.pool).await?;
    let campaign = campaigns::find_locked(&mut db, id).await?.ok_or(CampaignError::Unknown)?;
    if campaign.ended_at.is_some() {
        return Ok(campaign);
    }
    let now = context.clock.now();
    campaigns::end(&mut db, id, now).await?;
    let progress = campaigns::progress(&mut db, id).await?;
    let ended = AuditChange::none().with(json!({"campaign_id": id, "version": campaign.version, "progress": progress}));
    context.audit(&mut db, caller, AuditAction::CampaignEnded, None, ended).await?;
    store::commit(db).await?;
    Ok(Campaign {
        ended_at: Some(now),
        ..campaign
    })
}

pub async fn find(context: &Context, id: CampaignId) -> store::Result<Option<(Campaign, CampaignProgress)>> {
    let mut db = store::acquire(&context.pool).await?;
    let Some(campaign) = campaigns::find(&mut db, id).await? else {
        return Ok(None);
    };
    let progress = campaigns::progress(&mut db, id).await?;
    Ok(Some((campaign, progress)))
}

/// A page of campaigns, newest first.
pub async fn list(context: &Context, after: Option<PageStart<CampaignId>>, limit: i64) -> store::Result<Vec<Campaign>> {
    let mut db = store::acquire(&context.pool).await?;
    campaigns::list(&mut db, after, limit).await
}

/// A page of a campaign's tenants. None if there is no such campaign.
pub async fn tenants(
    context: &Context,
    id: CampaignId,
    state: Option<CampaignTenantState>,
    after: Option<PageStart<TenantId>>,
    limit: i64,
) -> store::Result<Option<Vec<CampaignTenant>>> {
    let mut db = store::acquire(&context.pool).await?;
    if campaigns::find(&mut db, id).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(campaigns::tenants(&mut db, id, state, after, limit).await?))
}

async fn version(context: &Context, number: Option<i32>) -> Result<DocumentVersion, CampaignError> {
    let current = document_versions::current(context).await?;
    match number {
        Some(number) if number != current.number => {
            let mut db = store::acquire(&context.pool).await?;
            let found = store::document_versions::find(&mut db, number).await?;
            found.ok_or(CampaignError::UnknownVersion)
        }
        _ => Ok(current),
    }
}

/// The tenants of the filter that were not verified against the version.
fn below(filter: &TenantFilter, version: &DocumentVersion) -> TenantFilter {
    TenantFilter {
        documents_below: Some(version.since),
        ..filter.clone()
    }
}

/// Does the next step of a campaign, and queues the one after it.
pub async fn advance(context: &Context, id: CampaignId) -> store::Result<()> {
    let mut db = store::begin(&context.pool).await?;
    let Some(campaign) = campaigns::find_locked(&mut db, id)
        .await?
        .filter(|campaign| campaign.ended_at.is_none())
    else {
        return Ok(());
    };
    let version = store::document_versions::find(&mut db, campaign.version)
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("campaigns", id, "its version of the documents is missing"))?;
    let now = context.clock.now();
    if campaign.enrolled_at.is_none() {
        let filter = below(&campaign.filter, &version);
        let enrolled = campaigns::enroll(&mut db, id, &filter, ENROLLED_AT_ONCE, now).await?;
        jobs::enqueue_campaign(&mut db, id, None).await?;
        store::commit(db).await?;
        info!(campaign = %id, enrolled, "tenants were added to a campaign");
        return Ok(());
    }
    let due = campaigns::due(&mut db, id, now, NOTIFIED_AT_ONCE).await?;
    // Ends the lock, so that the campaign can be ended between two tenants.
    drop(db);
    if context.mail.is_none() {
        warn!(campaign = %id, "this worker has no mail settings, so it cannot notify the tenants of a campaign");
        return enqueue_next(context, id, Some(MAIL_IS_OFF)).await;
    }
    for tenant in &due {
        match notify_tenant(context, &campaign, &version, *tenant).await {
            Ok(()) | Err(NotifyError::UnknownTenant(_)) => {}
            Err(NotifyError::Store(error)) if error.outage().is_some() => return Err(error),
            // One tenant must not hold up the others.
            Err(NotifyError::Store(error)) => {
                error!(campaign = %id, %tenant, %error, "cannot notify a tenant of a campaign; it will be tried again");
                let mut db = store::acquire(&context.pool).await?;
                campaigns::set_due(&mut db, id, *tenant, Some(now + LOOK_AGAIN_AFTER)).await?;
            }
        }
    }
    enqueue_next(context, id, (!due.is_empty()).then_some(PAUSE)).await
}

/// Queues the next step, for when the next notice is due, but not before the end of the pause.
async fn enqueue_next(context: &Context, id: CampaignId, pause: Option<TimeDelta>) -> store::Result<()> {
    let mut db = store::begin(&context.pool).await?;
    if let Some(due) = campaigns::next_due(&mut db, id).await? {
        let earliest = context.clock.now() + pause.unwrap_or_default();
        jobs::enqueue_campaign(&mut db, id, Some(due.max(earliest))).await?;
    }
    store::commit(db).await
}

/// Queues the next step of every open campaign whose job was lost.
pub(crate) async fn sweep(context: &Context) -> store::Result<()> {
    let mut db = store::acquire(&context.pool).await?;
    let open = campaigns::open(&mut db).await?;
    drop(db);
    for id in open {
        let mut db = store::begin(&context.pool).await?;
        let campaign = campaigns::find(&mut db, id).await?;
        let is_due = campaigns::next_due(&mut db, id)
            .await?
            .is_some_and(|due| due <= context.clock.now());
        if is_due || campaign.is_some_and(|campaign| campaign.enrolled_at.is_none()) {
            jobs::enqueue_campaign(&mut db, id, None).await?;
            store::commit(db).await?;
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum NotifyError {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Notifies the contacts of a tenant, if it is due and still has to update its documents.
async fn notify_tenant(context: &Context, campaign: &Campaign, version: &DocumentVersion, tenant: TenantId) -> Result<(), NotifyError> {
    let (mut db, tenant) = context.begin_for_tenant::<NotifyError>(&TenantRef::Id(tenant)).await?;
    let now = context.clock.now();
    let Some(notices) = campaigns::claim(&mut db, campaign.id, tenant.id, now).await? else {
        return Ok(());
    };
    let active = active_configs::find(&mut db, tenant.id).await?;
    let Some(active) = active else {
        // It was offboarded.
        campaigns::set_due(&mut db, campaign.id, tenant.id, None).await?;
        return Ok(store::commit(db).await?);
    };
    let Some(update) = document_versions::update_to(&mut db, version, &active.config).await? else {
        campaigns::set_verified(&mut db, tenant.id, active.config.id, now).await?;
        return Ok(store::commit(db).await?);
    };
    let notice = DocumentsNotice {
        campaign: campaign.id,
        version: update.version,
        from: update.from,
        changes: update.changes.into_iter().map(|change| change.summary).collect(),
        message: campaign.message.clone(),
        deadline: campaign.deadline,
        is_reminder: notices > 0,
    };
    let is_suspended = tenant.facts.suspended_at.is_some();
    let queued = if is_suspended {
        0
    } else {
        notify::documents_changed(context, &mut db, &active.config, notice).await?
    };
    if queued > 0 {
        let next = (notices < REMINDERS).then_some(now + REMIND_AFTER);
        campaigns::notified(&mut db, campaign.id, tenant.id, now, next).await?;
    } else {
        campaigns::set_due(&mut db, campaign.id, tenant.id, Some(now + LOOK_AGAIN_AFTER)).await?;
    }
    Ok(store::commit(db).await?)
}
