//! A verification as a page shows it: its checks in groups, and for each one that did not pass, what to do.

use chrono::{DateTime, SecondsFormat, Utc};

use super::labels::{self, CheckGroup, pretty};
use super::status::{BannerState, CheckState};
use crate::domain::access_level::AccessLevel;
use crate::domain::check::{CheckName, CheckStatus};
use crate::domain::finding::Finding;
use crate::domain::fix::{Fix, FixDocument};
use crate::domain::message::{Audience, Message};
use crate::domain::storage_config::{Mode, StorageConfig};
use crate::domain::vendor::Vendor;
use crate::domain::verification::{Verification, VerificationState};

/// Who reads the page, and the vendor's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageContext<'a> {
    pub audience: Audience,
    pub vendor: &'a str,
}

impl<'a> MessageContext<'a> {
    pub(crate) fn customer(vendor: &'a Vendor) -> Self {
        Self {
            audience: Audience::Customer,
            vendor: &vendor.name,
        }
    }

    pub(crate) fn operations(vendor: &'a Vendor) -> Self {
        Self {
            audience: Audience::Operations,
            vendor: &vendor.name,
        }
    }

    /// What a check proves.
    pub(crate) fn claim(self, check: CheckName) -> String {
        self.text(&check.claim())
    }

    pub(crate) fn text(self, message: &Message) -> String {
        message.render(self.audience, self.vendor)
    }

    fn mode(self, mode: Mode) -> String {
        match self.audience {
            Audience::Customer => labels::mode_title(mode).to_owned(),
            Audience::Operations => mode.to_string(),
        }
    }
}

/// The headline of a page.
pub(crate) struct Banner {
    pub state: BannerState,
    pub title: String,
    pub text: String,
}

impl Banner {
    pub(crate) fn new(state: BannerState, title: &str, text: impl Into<String>) -> Self {
        Self {
            state,
            title: title.to_owned(),
            text: text.into(),
        }
    }
}

/// The paths of the page and of its event stream.
pub(crate) struct Follow {
    pub page: String,
    pub events: String,
}

/// The whole verification.
pub(crate) struct VerificationView {
    pub version: i32,
    pub finished: bool,
    pub attempt: i32,
    pub elapsed: Option<Elapsed>,
    pub next_attempt: Option<Countdown>,
    /// How many checks were made.
    pub done: usize,
    /// How many were not made, because another one did not pass.
    pub skipped: usize,
    pub total: usize,
    pub groups: Vec<GroupView>,
    /// The failed checks, with what each proves.
    pub failed: Vec<(CheckName, String)>,
    /// The submitted values, with their labels.
    pub sent: Vec<(&'static str, String)>,
    pub leftovers: Vec<String>,
    pub id: String,
    pub for_ops: bool,
}

pub(crate) struct Elapsed {
    pub since: String,
    /// The verification is still running.
    pub counting: bool,
    pub text: String,
}

pub(crate) struct Countdown {
    pub until: String,
    pub seconds: i64,
}

pub(crate) struct GroupView {
    pub group: CheckGroup,
    pub title: &'static str,
    pub checks: Vec<CheckView>,
    pub state: CheckState,
    pub summary: String,
    /// What all of the group's checks wait for.
    pub note: Option<String>,
}

pub(crate) struct CheckView {
    pub name: CheckName,
    pub state: CheckState,
    pub proves: String,
    pub summary: Option<String>,
    pub detail: Option<String>,
    pub aws: Option<String>,
    /// What to do. More than one if AWS does not reveal which change is missing.
    pub fixes: Vec<FixView>,
}

pub(crate) struct FixView {
    pub title: &'static str,
    pub place: String,
    pub summary: String,
    pub statement: Option<String>,
    /// The policy that denied access, and its page in the AWS console.
    pub policy: Option<(String, String)>,
    /// The fix is made in the form.
    pub in_form: bool,
}

impl FixView {
    fn all(finding: &Finding, config: &StorageConfig, reader: MessageContext<'_>) -> Vec<Self> {
        let fixes = std::iter::successors(finding.fix.as_ref(), |fix| fix.also.as_deref());
        let view = |fix: &Fix| {
            let (title, place) = labels::place(fix.document, config);
            Self {
                title,
                place,
                summary: reader.text(&fix.summary),
                statement: fix.statement.as_ref().map(pretty),
                policy: fix.policy.as_ref().map(|policy| (policy.to_string(), policy.console_url())),
                in_form: fix.document == FixDocument::Form,
            }
        };
        fixes.map(view).collect()
    }
}

/// A time in a format for scripts.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl VerificationView {
    pub(crate) fn of(
        verification: &Verification,
        config: &StorageConfig,
        vendor: &Vendor,
        reader: MessageContext<'_>,
        now: DateTime<Utc>,
    ) -> Self {
        let finished = verification.state == VerificationState::Finished;
        let mode = config.storage.mode();
        let checks: Vec<CheckView> = vendor
            .checks(mode, config.storage.level)
            .filter_map(|name| {
                let finding = verification.findings.iter().find(|finding| finding.check == name);
                match finding {
                    Some(finding) => Some(CheckView::of(finding, finished, config, reader)),
                    None if finished => None,
                    None => Some(CheckView::waiting(name, reader)),
                }
            })
            .collect();
        let total = checks.len();
        let count = |is: fn(CheckState) -> bool| checks.iter().filter(|check| is(check.state)).count();
        let skipped = count(CheckState::is_skipped);
        let done = total - skipped - count(|state| state == CheckState::Waiting);
        let failed = checks
            .iter()
            .filter(|check| matches!(check.state, CheckState::Failed | CheckState::NotYet));
        let failed = failed.map(|check| (check.name, check.proves.clone())).collect();
        let mut groups: Vec<GroupView> = CheckGroup::ALL.map(|group| GroupView::new(group, reader)).into();
        for check in checks {
            let group = CheckGroup::of(check.name);
            if let Some(view) = groups.iter_mut().find(|view| view.group == group) {
                view.checks.push(check);
            }
        }
        groups.retain(|group| !group.checks.is_empty());
        for group in &mut groups {
            group.sum_up();
        }
        let until = verification.finished_at.unwrap_or(now);
        let storage = &config.storage;
        let mut sent = vec![
            ("Mode", reader.mode(mode)),
            ("Bucket ARN", storage.bucket.to_string()),
            ("Region", storage.region.to_string()),
            ("Key ARN", storage.key.to_string()),
        ];
        sent.extend(storage.prefix.as_ref().map(|prefix| ("Prefix", prefix.to_string())));
        if storage.level != AccessLevel::ReadWrite {
            sent.push(("Access", storage.level.to_string()));
        }
        sent.extend(storage.sample_object.clone().map(|key| ("Sample object", key)));
        sent.extend(storage.access.client_role().map(|role| ("Role ARN", role.to_string())));
        let owner = if storage.bucket_account == *storage.default_bucket_account() {
            match storage.access.client_role() {
                Some(_) => "Bucket account (the role's)",
                None => "Bucket account (the key's)",
            }
        } else {
            "Bucket account"
        };
        sent.push((owner, storage.bucket_account.to_string()));
        Self {
            version: verification.version,
            finished,
            attempt: verification.attempt,
            elapsed: verification.started_at.map(|since| Elapsed {
                since: time(since),
                counting: !finished,
                text: seconds((until - since).num_seconds()),
            }),
            next_attempt: verification.next_attempt_at.map(|at| Countdown {
                until: time(at),
                seconds: (at - now).num_seconds().max(0),
            }),
            done,
            skipped,
            total,
            groups,
            failed,
            sent,
            leftovers: if finished { verification.leftovers.clone() } else { Vec::new() },
            id: verification.id.to_string(),
            for_ops: reader.audience == Audience::Operations,
        }
    }
}

fn seconds(seconds: i64) -> String {
    match seconds {
        ..=0 => "less than a second".into(),
        1 => "1 second".into(),
        2..=119 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds / 60),
    }
}

impl GroupView {
    fn new(group: CheckGroup, reader: MessageContext<'_>) -> Self {
        Self {
            group,
            title: match reader.audience {
                Audience::Customer => group.title(),
                Audience::Operations => group.ops_title(),
            },
            checks: Vec::new(),
            state: CheckState::Waiting,
            summary: String::new(),
            note: None,
        }
    }

    fn sum_up(&mut self) {
        let count = |state| self.checks.iter().filter(|check| check.state == state).count();
        let (passed, total) = (count(CheckState::Passed), self.checks.len());
        self.state = if count(CheckState::Failed) > 0 {
            CheckState::Failed
        } else if count(CheckState::NotYet) > 0 {
            CheckState::NotYet
        } else if count(CheckState::Waiting) > 0 {
            CheckState::Waiting
        } else if passed == total {
            CheckState::Passed
        } else if count(CheckState::Inconclusive) > 0 {
            CheckState::Inconclusive
        } else {
            CheckState::Skipped
        };
        self.summary = format!("{passed} of {total} passed");
        let first = self
            .checks
            .first()
            .filter(|check| check.state.is_skipped())
            .and_then(|check| check.summary.clone());
        if first.is_some() && self.checks.iter().all(|check| check.summary == first) {
            self.note = first;
            "Not checked yet".clone_into(&mut self.summary);
            self.checks.iter_mut().for_each(|check| check.summary = None);
        }
    }
}

impl CheckView {
    fn waiting(name: CheckName, reader: MessageContext<'_>) -> Self {
        Self {
            name,
            state: CheckState::Waiting,
            proves: reader.claim(name),
            summary: None,
            detail: None,
            aws: None,
            fixes: Vec::new(),
        }
    }

    fn of(finding: &Finding, finished: bool, config: &StorageConfig, reader: MessageContext<'_>) -> Self {
        let aws = finding
            .exchange
            .as_ref()
            .filter(|_| finding.status != CheckStatus::Passed)
            .map(|exchange| {
                let mut parts = vec![exchange.operation.clone()];
                parts.extend(exchange.code.clone());
                parts.extend(exchange.request_id.as_ref().map(|id| format!("request {id}")));
                parts.join(" · ")
            });
        Self {
            name: finding.check,
            state: match finding.status.into() {
                CheckState::Failed if !finished => CheckState::NotYet,
                state => state,
            },
            proves: reader.claim(finding.check),
            summary: match finding.skipped_because {
                Some(premise) => Some(format!("Not checked yet: waiting for “{}”", reader.claim(premise))),
                None => (finding.status != CheckStatus::Passed).then(|| reader.text(&finding.summary)),
            },
            detail: finding
                .detail
                .as_ref()
                .filter(|_| finding.status != CheckStatus::Skipped)
                .map(|detail| reader.text(detail)),
            aws,
            fixes: FixView::all(finding, config, reader),
        }
    }
}
