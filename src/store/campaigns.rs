//! Campaigns, and the tenants that they are for.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, QueryBuilder};
use uuid::Uuid;

use super::error::column;
use super::{Result, StoreError, tenant_list};
use crate::domain::campaign::{Campaign, CampaignMessage, CampaignPreview, CampaignProgress, CampaignTenant, CampaignTenantState};
use crate::domain::ids::{CampaignId, InviteId, StorageConfigId, TenantId};
use crate::domain::tenant::TenantFilter;

const TABLE: &str = "campaigns";

/// A row of `campaigns`.
struct CampaignRow {
    id: Uuid,
    document_version: i32,
    filter: serde_json::Value,
    message: String,
    deadline: Option<NaiveDate>,
    created_at: DateTime<Utc>,
    enrolled_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

/// Selects campaigns.
macro_rules! select_campaigns {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            CampaignRow,
            "select id, document_version, filter, message, deadline, created_at, enrolled_at, ended_at from campaigns " + $rest
            $(, $argument)*
        )
    };
}

impl TryFrom<CampaignRow> for Campaign {
    type Error = StoreError;

    fn try_from(row: CampaignRow) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            version: row.document_version,
            filter: serde_json::from_value(row.filter).map_err(|fault| StoreError::inconsistent(TABLE, row.id, fault))?,
            message: column(TABLE, row.id, &row.message)?,
            deadline: row.deadline,
            created_at: row.created_at,
            enrolled_at: row.enrolled_at,
            ended_at: row.ended_at,
        })
    }
}

pub(crate) async fn insert(db: &mut PgConnection, campaign: &Campaign) -> Result<()> {
    let filter = serde_json::to_value(&campaign.filter).map_err(|fault| StoreError::inconsistent(TABLE, campaign.id, fault))?;
    sqlx::query!(
        "insert into campaigns (id, document_version, filter, message, deadline, created_at) values ($1, $2, $3, $4, $5, $6)",
        campaign.id.as_uuid(),
        campaign.version,
        filter,
        campaign.message.as_str(),
        campaign.deadline,
        campaign.created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn find(db: &mut PgConnection, id: CampaignId) -> Result<Option<Campaign>> {
    select_campaigns!("where id = $1", id.as_uuid())
        .fetch_optional(db)
        .await?
        .map(Campaign::try_from)
        .transpose()
}

/// A campaign, locked until the transaction ends. Waits for the notices that are being queued.
pub(crate) async fn find_locked(db: &mut PgConnection, id: CampaignId) -> Result<Option<Campaign>> {
    select_campaigns!("where id = $1 for update", id.as_uuid())
        .fetch_optional(db)
        .await?
        .map(Campaign::try_from)
        .transpose()
}

/// A page of campaigns, newest first.
pub(crate) async fn list(db: &mut PgConnection, after: Option<(DateTime<Utc>, CampaignId)>, limit: i64) -> Result<Vec<Campaign>> {
    let (at, id) = after.map(|(at, id)| (at, id.as_uuid())).unzip();
    select_campaigns!(
        "where $1::timestamptz is null or (created_at, id) < ($1, $2::uuid) order by created_at desc, id desc limit $3",
        at,
        id,
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Campaign::try_from)
    .collect()
}

/// The campaigns that have not ended.
pub(crate) async fn open(db: &mut PgConnection) -> Result<Vec<CampaignId>> {
    let ids = sqlx::query_scalar!("select id from campaigns where ended_at is null");
    Ok(ids.fetch_all(db).await?.into_iter().map(CampaignId::from).collect())
}

/// Ends a campaign: no notice is due any more.
pub(crate) async fn end(db: &mut PgConnection, id: CampaignId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("update campaigns set ended_at = $2 where id = $1", id.as_uuid(), now)
        .execute(db)
        .await?;
    Ok(())
}

/// The statuses of the tenants that a campaign is for, unless its filter names one.
const STATUSES: &str = "('active', 'degraded')";

/// Adds the next `limit` tenants that match the filter. Returns how many. The campaign must be locked.
pub(crate) async fn enroll(
    db: &mut PgConnection,
    campaign: CampaignId,
    filter: &TenantFilter,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<u64> {
    let enrolled_to = sqlx::query_scalar!("select enrolled_to from campaigns where id = $1", campaign.as_uuid())
        .fetch_one(&mut *db)
        .await?;
    let mut query = QueryBuilder::new("insert into campaign_tenants (campaign_id, tenant_id, enrolled_at, due_at) select ");
    query.push_bind(campaign.as_uuid()).push(", id, ").push_bind(now);
    query.push(", ").push_bind(now).push(" from tenants where id > ");
    query.push_bind(enrolled_to.unwrap_or_default());
    push_filter(&mut query, filter);
    query.push(" order by id limit ").push_bind(limit).push(" returning tenant_id");
    let enrolled: Vec<Uuid> = query.build_query_scalar().persistent(false).fetch_all(&mut *db).await?;
    let (last, count) = (enrolled.iter().max().copied(), enrolled.len() as u64);
    sqlx::query!(
        "update campaigns set enrolled_to = coalesce($2, enrolled_to), enrolled_at = $3,
             filter = case when $3::timestamptz is null then filter else filter - 'words' end
         where id = $1",
        campaign.as_uuid(),
        last,
        (count < limit.unsigned_abs()).then_some(now),
    )
    .execute(db)
    .await?;
    Ok(count)
}

/// How many tenants match a campaign's filter.
pub(crate) async fn preview(db: &mut PgConnection, version: i32, filter: &TenantFilter) -> Result<CampaignPreview> {
    let mut query = QueryBuilder::new(
        "select count(*), count(*) filter (where not exists (
             select from contacts c where c.tenant_id = tenants.id and c.confirmed_at is not null and c.stopped_at is null
         )) from tenants where true",
    );
    push_filter(&mut query, filter);
    let (tenants, without_contact): (i64, i64) = query.build_query_as().persistent(false).fetch_one(db).await?;
    Ok(CampaignPreview {
        version,
        tenants,
        without_contact,
    })
}

fn push_filter(query: &mut QueryBuilder<sqlx::Postgres>, filter: &TenantFilter) {
    if filter.status.is_none() {
        query.push(" and status in ").push(STATUSES);
    }
    tenant_list::push_conditions(query, filter);
}

/// Tenants of an open campaign whose notice is due, those that have waited longest first.
pub(crate) async fn due(db: &mut PgConnection, campaign: CampaignId, now: DateTime<Utc>, limit: i64) -> Result<Vec<TenantId>> {
    let ids = sqlx::query_scalar!(
        "select tenant_id from campaign_tenants where campaign_id = $1 and due_at <= $2 order by due_at, tenant_id limit $3",
        campaign.as_uuid(),
        now,
        limit,
    );
    Ok(ids.fetch_all(db).await?.into_iter().map(TenantId::from).collect())
}

/// When the next notice of a campaign is due.
pub(crate) async fn next_due(db: &mut PgConnection, campaign: CampaignId) -> Result<Option<DateTime<Utc>>> {
    let next = sqlx::query_scalar!(
        "select due_at from campaign_tenants where campaign_id = $1 and due_at is not null order by due_at limit 1",
        campaign.as_uuid(),
    );
    Ok(next.fetch_optional(db).await?.flatten())
}

/// How many notices a tenant got, if its next one is due and the campaign has not ended. Locks both until the transaction ends. The
/// tenant must be locked.
pub(crate) async fn claim(db: &mut PgConnection, campaign: CampaignId, tenant: TenantId, now: DateTime<Utc>) -> Result<Option<i32>> {
    let open = sqlx::query_scalar!(
        "select id from campaigns where id = $1 and ended_at is null for share",
        campaign.as_uuid()
    );
    if open.fetch_optional(&mut *db).await?.is_none() {
        return Ok(None);
    }
    let notices = sqlx::query_scalar!(
        "select notices from campaign_tenants where campaign_id = $1 and tenant_id = $2 and due_at <= $3 for update",
        campaign.as_uuid(),
        tenant.as_uuid(),
        now,
    );
    Ok(notices.fetch_optional(db).await?)
}

/// Records that a tenant was notified.
pub(crate) async fn notified(
    db: &mut PgConnection,
    campaign: CampaignId,
    tenant: TenantId,
    now: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
) -> Result<()> {
    sqlx::query!(
        "update campaign_tenants set notices = notices + 1, notified_at = $3, due_at = $4 where campaign_id = $1 and tenant_id = $2",
        campaign.as_uuid(),
        tenant.as_uuid(),
        now,
        next,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Changes when a tenant's next notice is due.
pub(crate) async fn set_due(db: &mut PgConnection, campaign: CampaignId, tenant: TenantId, at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!(
        "update campaign_tenants set due_at = $3 where campaign_id = $1 and tenant_id = $2",
        campaign.as_uuid(),
        tenant.as_uuid(),
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether a tenant still has to update its documents for a campaign.
pub(crate) async fn is_needed(db: &mut PgConnection, campaign: CampaignId, tenant: TenantId) -> Result<bool> {
    let needed = sqlx::query_scalar!(
        r#"select exists (
               select from campaigns c join campaign_tenants t on t.campaign_id = c.id
               where c.id = $1 and t.tenant_id = $2 and c.ended_at is null and t.verified_at is null
           ) as "needed!""#,
        campaign.as_uuid(),
        tenant.as_uuid(),
    );
    Ok(needed.fetch_one(db).await?)
}

/// Records in the tenant's open campaigns that its active version is verified against their documents, if it is this one.
pub(crate) async fn set_verified(db: &mut PgConnection, tenant: TenantId, config: StorageConfigId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update campaign_tenants t set verified_at = $3, due_at = null
         from campaigns c join document_versions v on v.number = c.document_version,
              active_configs a join config_documents d using (config_id) join storage_configs s on s.id = a.config_id
         where t.tenant_id = $1 and t.verified_at is null and c.id = t.campaign_id and c.ended_at is null and a.tenant_id = $1 and a.config_id = $2
           and d.verified >= case s.mode || '/' || s.access
               when 'assume_role/read_write' then v.assume_role_since when 'assume_role/read' then v.assume_role_read_since
               when 'direct/read_write' then v.direct_since else v.direct_read_since end",
        tenant.as_uuid(),
        config.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that a link in a notice was opened.
pub(crate) async fn set_opened(db: &mut PgConnection, tenant: TenantId, invite: InviteId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update campaign_tenants t set opened_at = $3
         from mails m
         where m.tenant_id = $1 and m.invite_id = $2 and m.kind = 'documents_changed' and t.tenant_id = $1 and t.opened_at is null
           and t.campaign_id = (m.content -> 'documents' ->> 'campaign')::uuid",
        tenant.as_uuid(),
        invite.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What the newest open campaign tells a tenant that has not updated its documents.
pub(crate) async fn message_of(db: &mut PgConnection, tenant: TenantId) -> Result<Option<(CampaignMessage, Option<NaiveDate>)>> {
    let row = sqlx::query!(
        "select c.id, c.message, c.deadline from campaign_tenants t join campaigns c on c.id = t.campaign_id
         where t.tenant_id = $1 and t.verified_at is null and c.ended_at is null order by c.created_at desc, c.id desc limit 1",
        tenant.as_uuid(),
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| Ok((column(TABLE, row.id, &row.message)?, row.deadline))).transpose()
}

pub(crate) async fn progress(db: &mut PgConnection, campaign: CampaignId) -> Result<CampaignProgress> {
    let row = sqlx::query!(
        r#"select count(*) as "tenants!", count(notified_at) as "notified!", count(opened_at) as "opened!", count(verified_at) as "verified!",
                  count(*) filter (where verified_at is null and failing_checks <> '{}') as "failing!",
                  count(*) filter (where verified_at is null and not has_contact) as "without_contact!"
           from (
               select c.notified_at, c.opened_at, c.verified_at, t.failing_checks, exists (
                   select from contacts k where k.tenant_id = t.id and k.confirmed_at is not null and k.stopped_at is null
               ) as has_contact
               from campaign_tenants c join tenants t on t.id = c.tenant_id where c.campaign_id = $1
           ) tenants"#,
        campaign.as_uuid(),
    )
    .fetch_one(db)
    .await?;
    Ok(CampaignProgress {
        tenants: row.tenants,
        notified: row.notified,
        opened: row.opened,
        verified: row.verified,
        failing: row.failing,
        without_contact: row.without_contact,
    })
}

/// A page of a campaign's tenants, the newest ones first.
pub(crate) async fn tenants(
    db: &mut PgConnection,
    campaign: CampaignId,
    state: Option<CampaignTenantState>,
    after: Option<(DateTime<Utc>, TenantId)>,
    limit: i64,
) -> Result<Vec<CampaignTenant>> {
    let (at, id) = after.map(|(at, id)| (at, id.as_uuid())).unzip();
    let state: Option<&str> = state.map(Into::into);
    let rows = sqlx::query!(
        r#"select t.id, t.slug, t.name, t.status, t.failing_checks, c.enrolled_at, c.notices, c.notified_at, c.opened_at, c.verified_at,
                  c.due_at, k.has_contact as "has_contact!"
           from campaign_tenants c join tenants t on t.id = c.tenant_id
           cross join lateral (
               select exists (
                   select from contacts k where k.tenant_id = t.id and k.confirmed_at is not null and k.stopped_at is null
               ) as has_contact
           ) k
           where c.campaign_id = $1 and ($2::timestamptz is null or (c.enrolled_at, c.tenant_id) < ($2, $3::uuid))
             and case $5::text
                 when 'open' then c.verified_at is null
                 when 'not_notified' then c.verified_at is null and c.notified_at is null
                 when 'not_opened' then c.verified_at is null and c.notified_at is not null and c.opened_at is null
                 when 'opened' then c.verified_at is null and c.opened_at is not null
                 when 'verified' then c.verified_at is not null
                 when 'failing' then c.verified_at is null and t.failing_checks <> '{}'
                 when 'without_contact' then c.verified_at is null and not k.has_contact
                 else true
             end
           order by c.enrolled_at desc, c.tenant_id desc limit $4"#,
        campaign.as_uuid(),
        at,
        id,
        limit,
        state,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let text = |text: &String| column("tenants", row.id, text);
            Ok(CampaignTenant {
                tenant: row.id.into(),
                slug: column("tenants", row.id, &row.slug)?,
                name: column("tenants", row.id, &row.name)?,
                status: column("tenants", row.id, &row.status)?,
                enrolled_at: row.enrolled_at,
                notices: row.notices,
                notified_at: row.notified_at,
                opened_at: row.opened_at,
                verified_at: row.verified_at,
                due_at: row.due_at,
                failing_checks: row.failing_checks.iter().map(text).collect::<Result<_>>()?,
                has_contact: row.has_contact,
            })
        })
        .collect()
}
