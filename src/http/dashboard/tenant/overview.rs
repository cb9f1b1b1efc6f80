//! `GET /tenants/{tenant}`: a tenant's state and history, and the actions for it.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};

use crate::domain::approval::{Approval, ApprovalState};
use crate::domain::audit::AuditFilter;
use crate::domain::check::{CheckStatus, FaultSide};
use crate::domain::drift::DriftFilter;
use crate::domain::ids::TenantRef;
use crate::domain::invite::{Invite, InviteState};
use crate::domain::limits::VersionLimit;
use crate::domain::storage_config::ActiveConfig;
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::{LastVerified, Quarantine, Rotation, Tenant, TenantStatus};
use crate::domain::verification::{Verdict, Verification, VerificationState};
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::audit::view::AuditRow;
use crate::http::dashboard::drift::view::DriftRow;
use crate::http::dashboard::shared::again::AgainView;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::notice::PageQuery;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::relative_time::{RelativeTime, relative, seconds};
use crate::http::dashboard::shared::session::DashboardUser;
use crate::http::dashboard::shared::status_label::StatusLabel;
use crate::http::dashboard::tenant::approval::{Difference, differences};
use crate::http::dashboard::tenant::contacts::{ContactRow, MailRow};
use crate::http::dashboard::tenant::message;
use crate::http::dashboard::tenant::show_invite::purpose_label;
use crate::http::dashboard::verifications::banner::banner;
use crate::http::web_ui::labels::place;
use crate::http::web_ui::render;
use crate::http::web_ui::status::{BannerState, Pill, PillColor};
use crate::http::web_ui::verification_view::{MessageContext, time};
use crate::service::document_versions::TenantDocuments;
use crate::service::revoke_sessions::live_sessions;
use crate::service::{Context, mail, read};

/// How many audit log entries are shown.
const HISTORY: usize = 15;
const VERIFICATIONS: i64 = 8;
const INVITES: usize = 10;
const DRIFTS: i64 = 10;
const MAILS: i64 = 10;

#[derive(Template)]
#[template(path = "dashboard/pages/tenant.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    since: RelativeTime,
    created: RelativeTime,
    /// The server's time, because the browser's clock may differ.
    now: String,
    running: Option<RunningVerification>,
    quarantine: Option<QuarantineNotice>,
    trouble: Option<Trouble>,
    active: Option<ActiveView>,
    /// A change that is waiting for approval.
    approval: Option<ApprovalNotice>,
    /// The latest submission, if it is not active.
    submitted: Option<Submitted>,
    /// Newest first.
    drifts: Vec<DriftRow>,
    verifications: Vec<RecentVerification>,
    history: Vec<AuditRow>,
    older: bool,
    invites: Vec<InviteView>,
    contacts: Vec<ContactRow>,
    /// The latest mails, newest first.
    mails: Vec<MailRow>,
    mail_is_on: bool,
    next_id: Option<String>,
    previous_id: Option<String>,
    /// The AWS sessions that are still valid, of a tenant that is no longer served.
    sessions: Option<SessionsView>,
    /// Why the tenant cannot submit another version.
    version_limit: Option<String>,
    /// Use of the previous external ID ended, but it is not verified yet that it is denied.
    ending: bool,
}

struct SessionsView {
    until: RelativeTime,
    /// For each role, where the policy goes and the command that attaches it.
    revocations: Vec<(String, String)>,
}

impl SessionsView {
    async fn load(context: &Context, tenant: &Tenant, now: DateTime<Utc>) -> Result<Option<Self>, Problem> {
        if !matches!(
            tenant.status(),
            TenantStatus::Suspended | TenantStatus::Quarantined | TenantStatus::Offboarded
        ) {
            return Ok(None);
        }
        let live = live_sessions(context, tenant).await?;
        let revocations = live.revocations.into_iter().map(|revocation| {
            let account = match revocation.side {
                FaultSide::Customer => "The customer's role",
                FaultSide::Vendor | FaultSide::Aws => "Your role",
            };
            (format!("{account} {}", revocation.role), revocation.command)
        });
        Ok(live.valid_until.map(|until| Self {
            until: RelativeTime::of(until, now),
            revocations: revocations.collect(),
        }))
    }
}

struct RunningVerification {
    path: String,
    title: String,
    text: String,
}

struct QuarantineNotice {
    since: RelativeTime,
    /// The checks that found a breach, each with what it proves.
    checks: Vec<(String, String)>,
}

impl QuarantineNotice {
    fn of(quarantine: &Quarantine, context: &Context, now: DateTime<Utc>) -> Self {
        let reader = MessageContext::operations(&context.vendor);
        let claimed = quarantine.checks.iter().map(|check| (check.to_string(), reader.claim(*check)));
        Self {
            since: RelativeTime::of(quarantine.since, now),
            checks: claimed.collect(),
        }
    }
}

/// What keeps the tenant from working.
struct Trouble {
    state: BannerState,
    title: String,
    text: String,
    path: String,
    at: RelativeTime,
    failures: Vec<Failure>,
    mail: Option<String>,
}

struct Failure {
    check: String,
    claim: String,
    summary: String,
    remedy: Option<String>,
    place: Option<String>,
}

struct ActiveView {
    version: i32,
    documents: Option<TenantDocuments>,
    facts: Vec<(&'static str, String)>,
    verified: RelativeTime,
    again: Option<AgainView>,
}

struct ApprovalNotice {
    version: i32,
    since: RelativeTime,
    /// An operator approved it, and it is being verified again.
    is_approved: bool,
    differences: Vec<Difference>,
}

impl ApprovalNotice {
    fn of(approval: &Approval, active: Option<&ActiveConfig>, now: DateTime<Utc>) -> Self {
        Self {
            version: approval.config.version,
            since: RelativeTime::of(approval.requested_at, now),
            is_approved: approval.state == ApprovalState::Approved,
            differences: differences(active.map(|active| &active.config), &approval.config),
        }
    }
}

struct Submitted {
    version: i32,
    when: RelativeTime,
    facts: Vec<(&'static str, String)>,
}

/// A row of the list of verifications.
struct RecentVerification {
    path: String,
    version: i32,
    trigger: String,
    pill: Pill,
    when: RelativeTime,
    took: String,
}

struct InviteView {
    id: String,
    pill: Pill,
    purpose: &'static str,
    open: bool,
    created: RelativeTime,
    expires: RelativeTime,
    used: Option<RelativeTime>,
}

impl Page<'_> {
    fn may_change(&self) -> bool {
        self.frame.may_manage() && self.tenant.facts.may_change().is_ok()
    }

    fn may_erase(&self) -> bool {
        self.frame.may_manage_tokens() && self.tenant.facts.may_be_erased().is_ok() && self.tenant.erased_at.is_none()
    }

    fn may_rotate(&self) -> bool {
        self.active.is_some() && self.tenant.rotation.is_none()
    }
}

/// The parts of a config, with labels.
fn facts(config: &StorageConfig) -> Vec<(&'static str, String)> {
    let storage = &config.storage;
    let mut facts = vec![
        ("Mode", storage.mode().to_string()),
        ("Bucket", storage.bucket.to_string()),
        ("Access", storage.level.to_string()),
        ("Region", storage.region.to_string()),
        ("Key", storage.key.to_string()),
    ];
    facts.extend(storage.access.client_role().map(|role| ("Role", role.to_string())));
    facts.extend(storage.prefix.as_ref().map(|prefix| ("Prefix", prefix.to_string())));
    facts.push(("Bucket account", storage.bucket_account.to_string()));
    facts
}

fn version_limit(reached: VersionLimit, now: DateTime<Utc>) -> String {
    let setting = reached.setting();
    match reached {
        VersionLimit::Day { limit, until, .. } => {
            let when = relative(until, now);
            format!("{limit} versions were submitted within 24 hours. The next one is possible {when}, or when you raise {setting}.")
        }
        VersionLimit::Total { limit } => format!("The tenant has {limit} versions. To allow more, raise {setting}."),
    }
}

impl RecentVerification {
    fn of(verification: &Verification, path: &str, now: DateTime<Utc>) -> Self {
        let took = verification.started_at.zip(verification.finished_at);
        let color = match verification.verdict {
            Some(Verdict::Verified) => PillColor::Green,
            Some(Verdict::Rejected) => PillColor::Red,
            Some(Verdict::Inconclusive) => PillColor::Amber,
            Some(Verdict::Superseded) => PillColor::Grey,
            None => PillColor::Blue,
        };
        let word = verification
            .verdict
            .map_or_else(|| verification.state.to_string(), |verdict| verdict.to_string());
        Self {
            path: format!("{path}/verifications/{}", verification.id),
            version: verification.version,
            trigger: verification.trigger.to_string(),
            pill: Pill::new(color, word),
            when: RelativeTime::of(verification.created_at, now),
            took: took.map_or_else(|| "–".to_owned(), |(from, to)| seconds((to - from).as_seconds_f64())),
        }
    }
}

impl InviteView {
    fn of(invite: &Invite, now: DateTime<Utc>) -> Self {
        let state = invite.state(now);
        let (color, word) = match state {
            InviteState::Open => (PillColor::Green, "Open"),
            InviteState::Expired => (PillColor::Grey, "Expired"),
            InviteState::Revoked => (PillColor::Grey, "Revoked"),
        };
        Self {
            id: invite.id.to_string(),
            pill: Pill::new(color, word),
            purpose: purpose_label(invite.purpose),
            open: state == InviteState::Open,
            created: RelativeTime::of(invite.created_at, now),
            expires: RelativeTime::of(invite.expires_at, now),
            used: invite.last_used_at.map(|at| RelativeTime::of(at, now)),
        }
    }
}

impl Trouble {
    fn of(context: &Context, tenant: &Tenant, verification: &Verification, config: &StorageConfig, now: DateTime<Utc>) -> Option<Self> {
        if !matches!(verification.verdict, Some(Verdict::Rejected | Verdict::Inconclusive)) {
            return None;
        }
        let told = banner(verification);
        let reader = MessageContext::operations(&context.vendor);
        let stands_out = |status| matches!(status, CheckStatus::Failed | CheckStatus::Inconclusive);
        let failures = verification
            .findings
            .iter()
            .filter(|finding| stands_out(finding.status))
            .map(|finding| Failure {
                check: finding.check.to_string(),
                claim: reader.claim(finding.check),
                summary: reader.text(&finding.summary),
                remedy: finding.fix.as_ref().map(|fix| reader.text(&fix.summary)),
                place: finding.fix.as_ref().map(|fix| {
                    let (title, place) = place(fix.document, config);
                    format!("{title} · {place}")
                }),
            });
        Some(Self {
            state: told.state,
            title: match verification.verdict {
                Some(Verdict::Rejected) => format!("Version {} was rejected", verification.version),
                _ => told.title,
            },
            text: told.text,
            path: format!("{}/verifications/{}", tenant_path(tenant), verification.id),
            at: RelativeTime::of(verification.finished_at.unwrap_or(verification.created_at), now),
            failures: failures.collect(),
            mail: message::text(tenant, verification, config, &context.vendor),
        })
    }
}

impl ActiveView {
    fn of(active: &ActiveConfig, again: Option<LastVerified>, documents: Option<TenantDocuments>, now: DateTime<Utc>) -> Self {
        Self {
            version: active.config.version,
            documents,
            facts: facts(&active.config),
            verified: RelativeTime::of(active.verified_at, now),
            again: again.map(|last| AgainView::of(last, now)),
        }
    }
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    InPath(tenant): InPath<TenantRef>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let context = &state.context;
    let now = context.clock.now();
    let detail = read::tenants::detail(context, &tenant).await?.ok_or_else(Problem::unknown_tenant)?;
    let tenant = &detail.tenant;
    let path = tenant_path(tenant);
    let newest = read::storage_configs::newest(context, tenant.id).await?;
    let verifications = read::verifications::list(context, tenant.id, None, VERIFICATIONS).await?;
    let limit = i64::try_from(HISTORY + 1).unwrap_or(i64::MAX);
    let mut history = read::audit::latest(context, &AuditFilter::of(tenant.id), None, limit).await?;
    let older = history.len() > HISTORY;
    history.truncate(HISTORY);
    let invites = read::invites::list(context, tenant.id).await?;
    let contacts = mail::contact_list(context, tenant.id).await?;
    let mails = mail::list(context, tenant.id, None, MAILS).await?;

    let drifts = read::drifts::list(context, &DriftFilter::of(tenant.id), None, DRIFTS).await?;
    let reader = MessageContext::operations(&context.vendor);

    let running = verifications
        .iter()
        .find(|one| one.state != VerificationState::Finished)
        .map(|one| {
            let told = banner(one);
            RunningVerification {
                path: format!("{path}/verifications/{}", one.id),
                title: format!("Version {} is being verified", one.version),
                text: told.title,
            }
        });
    let trouble = match &detail.last_verification {
        Some(last) => {
            let config = read::storage_configs::find(context, tenant.id, last.version).await?;
            config.and_then(|config| Trouble::of(context, tenant, last, &config, now))
        }
        None => None,
    };
    let active_version = detail.active.as_ref().map(|active| active.config.version);
    let submitted = newest
        .filter(|newest| Some(newest.version) != active_version)
        .map(|newest| Submitted {
            version: newest.version,
            when: RelativeTime::of(newest.created_at, now),
            facts: facts(&newest),
        });
    let (next_id, previous_id) = match &tenant.rotation {
        Some(Rotation::Issued { next }) => (Some(next.to_string()), None),
        Some(Rotation::Overlap { previous } | Rotation::Ending { previous }) => (None, Some(previous.to_string())),
        None => (None, None),
    };
    Ok(render(&Page {
        frame: Layout {
            notice: query.notice(),
            live: running.is_some(),
            ..Layout::new(&state, &session, Section::Tenants, tenant.name.as_str())
        },
        since: RelativeTime::of(tenant.status_since, now),
        created: RelativeTime::of(tenant.created_at, now),
        now: time(now),
        running,
        quarantine: detail
            .quarantine
            .as_ref()
            .map(|quarantine| QuarantineNotice::of(quarantine, context, now)),
        trouble,
        approval: detail
            .open_approval
            .as_ref()
            .map(|approval| ApprovalNotice::of(approval, detail.active.as_ref(), now)),
        active: detail
            .active
            .as_ref()
            .map(|active| ActiveView::of(active, detail.reverification, detail.documents, now)),
        submitted,
        drifts: drifts.iter().map(|found| DriftRow::of(found, reader, now)).collect(),
        verifications: verifications.iter().map(|one| RecentVerification::of(one, &path, now)).collect(),
        history: history.iter().map(|entry| AuditRow::of(entry, now)).collect(),
        older,
        invites: invites.iter().take(INVITES).map(|invite| InviteView::of(invite, now)).collect(),
        mails: mails.iter().map(|mail| MailRow::of(mail, &contacts, now)).collect(),
        contacts: contacts.iter().map(|contact| ContactRow::of(contact, now)).collect(),
        mail_is_on: context.mail.is_some(),
        next_id,
        previous_id,
        sessions: SessionsView::load(context, tenant, now).await?,
        version_limit: read::storage_configs::limit_reached(context, tenant.id)
            .await?
            .map(|limit| version_limit(limit, now)),
        ending: matches!(tenant.rotation, Some(Rotation::Ending { .. })),
        tenant,
        path,
    }))
}
