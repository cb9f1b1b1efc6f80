//! `GET /onboard/verify`: how the newest version does, while it is verified and ever after.

use askama::Template;
use axum::extract::State as Extract;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};

use super::frame::{Frame, render};
use super::refusal::Refusal;
use super::visitor::Visitor;
use super::words::{self, Group, pretty};
use crate::domain::check::{CheckName, Side, Status};
use crate::domain::finding::Finding;
use crate::domain::fix::FixDocument;
use crate::domain::ids::TenantRef;
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::TenantStatus;
use crate::domain::vendor::Vendor;
use crate::domain::verification::{State as Progress, Verdict, Verification};
use crate::http::State;
use crate::service::read;

#[derive(Template)]
#[template(path = "onboard/pages/verify.html")]
struct Page<'a> {
    frame: Frame<'a>,
    form_token: String,
    /// Something may still happen: the page follows it.
    live: bool,
    /// The server's time, since the visitor's may be another.
    now: String,
    banner: Banner,
    notes: Vec<String>,
    run: Option<Run>,
}

/// The one thing to know.
struct Banner {
    /// A class for the stylesheet.
    kind: &'static str,
    mark: &'static str,
    title: String,
    text: String,
}

struct Run {
    version: i32,
    finished: bool,
    attempt: i32,
    elapsed: Option<Elapsed>,
    next_attempt: Option<Countdown>,
    done: usize,
    total: usize,
    groups: Vec<GroupView>,
    /// What failed, by the check's name and what it claims.
    failed: Vec<(CheckName, String)>,
    /// What was sent, each with its label.
    sent: Vec<(&'static str, String)>,
    leftovers: Vec<String>,
    request_id: String,
}

struct Elapsed {
    since: String,
    /// Still counting.
    counting: bool,
    text: String,
}

struct Countdown {
    until: String,
    seconds: i64,
}

struct GroupView {
    group: Group,
    checks: Vec<CheckView>,
    /// A class for the stylesheet.
    kind: &'static str,
    summary: String,
    /// What all of its checks wait for, said once.
    note: Option<String>,
}

struct CheckView {
    name: CheckName,
    kind: &'static str,
    mark: &'static str,
    word: &'static str,
    proves: String,
    summary: Option<String>,
    detail: Option<String>,
    aws: Option<String>,
    fix: Option<FixView>,
}

struct FixView {
    title: &'static str,
    place: String,
    summary: String,
    statement: Option<String>,
    /// The fix is in the form itself.
    in_form: bool,
}

pub async fn handle(Extract(state): Extract<State>, visitor: Visitor) -> Result<Response, Refusal> {
    let context = &state.context;
    let detail = read::tenant_detail(context, &TenantRef::Id(visitor.tenant.id))
        .await?
        .ok_or(Refusal::UnknownLink)?;
    let now = context.clock.now();
    let vendor = &context.vendor.name;
    let mut page = Page {
        frame: Frame::new(&state, &visitor, 3, "Verify"),
        form_token: visitor.session.form_token(),
        live: false,
        now: time(now),
        banner: Banner {
            kind: "neutral",
            mark: "…",
            title: "Nothing to verify yet".into(),
            text: "Apply the documents of step 1, then tell us where your bucket and key are. The checks start right after that.".into(),
        },
        notes: Vec::new(),
        run: None,
    };
    if let Some(verification) = detail.last_verification {
        let config = read::config(context, visitor.tenant.id, verification.version)
            .await?
            .ok_or(Refusal::Broken)?;
        page.live = verification.state != Progress::Finished;
        page.banner = banner(&verification, vendor);
        if let Some(active) = &detail.active
            && active.config.version != config.version
        {
            page.notes.push(format!(
                "Version {} with the bucket {} stays in use until this one is verified.",
                active.config.version,
                active.config.storage.bucket.name()
            ));
        }
        page.run = Some(Run::of(&verification, &config, &context.vendor, now));
    }
    match detail.tenant.status() {
        TenantStatus::Suspended => page
            .notes
            .push("Your storage is switched off at the moment, from our side. You can go on here; whom to ask stands below.".into()),
        TenantStatus::Degraded => page
            .notes
            .push("This used to work, and does not any more. It is still in use: please mend what is shown below soon.".into()),
        _ => {}
    }
    page.frame.title.clone_from(&page.banner.title);
    Ok(render(&page))
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn banner(verification: &Verification, vendor: &str) -> Banner {
    let banner = |kind, mark, title: &str, text: String| Banner {
        kind,
        mark,
        title: title.to_owned(),
        text,
    };
    match (verification.state, verification.verdict) {
        (Progress::Queued, _) => banner(
            "running",
            "…",
            "Waiting for its turn",
            "What you sent is stored. The checks start in a moment.".into(),
        ),
        (Progress::Running, _) if verification.next_attempt_at.is_some() => banner(
            "running",
            "…",
            "Waiting for AWS",
            "Something was refused. New policies can take a minute to reach all of AWS, so it is tried again. If you have yet to \
             apply something, now is the time."
                .into(),
        ),
        (Progress::Running, _) => banner(
            "running",
            "…",
            "Checking your storage",
            "Real calls are made with the access that you granted. You can close this page: the result is kept.".into(),
        ),
        (Progress::Finished, Some(Verdict::Verified)) => banner(
            "passed",
            "✓",
            "Everything works",
            format!(
                "Your bucket is connected, and nobody but {vendor} gets in with what you granted. Your documents will be kept there from \
                 now on. There is nothing left to do: you can close this page. Leave the role and the policies as they are."
            ),
        ),
        (Progress::Finished, Some(Verdict::Rejected)) => banner(
            "failed",
            "✕",
            "Something is missing",
            "What to change stands below, next to the check that found it. Then verify again: nothing has to be typed anew.".into(),
        ),
        (Progress::Finished, Some(Verdict::Inconclusive)) if vendor_fault(verification) => banner(
            "inconclusive",
            "?",
            "Something is wrong on our side",
            "Nothing is needed from you. What you sent is kept, and we have been told; it will be verified again.".into(),
        ),
        (Progress::Finished, Some(Verdict::Superseded)) => banner(
            "neutral",
            "–",
            "Something newer was sent",
            "This version was not looked at to the end.".into(),
        ),
        (Progress::Finished, _) => banner(
            "inconclusive",
            "?",
            "AWS did not answer everything",
            "That is nobody's fault, and nothing you did is wrong as far as we know. Verify again in a minute.".into(),
        ),
    }
}

fn vendor_fault(verification: &Verification) -> bool {
    verification.findings.iter().any(|finding| finding.side == Some(Side::Vendor))
}

impl Run {
    fn of(verification: &Verification, config: &StorageConfig, vendor: &Vendor, now: DateTime<Utc>) -> Self {
        let finished = verification.state == Progress::Finished;
        let mode = config.storage.mode();
        let checks: Vec<CheckView> = vendor
            .checks(mode)
            .filter_map(|name| {
                let finding = verification.findings.iter().find(|finding| finding.check == name);
                match finding {
                    Some(finding) => Some(CheckView::of(finding, config, &vendor.name)),
                    None if finished => None,
                    None => Some(CheckView::waiting(name, &vendor.name)),
                }
            })
            .collect();
        let total = checks.len();
        let failed = checks.iter().filter(|check| check.kind == "failed");
        let failed = failed.map(|check| (check.name, check.proves.clone())).collect();
        let mut groups: Vec<GroupView> = Group::ALL.map(GroupView::new).into();
        for check in checks {
            let group = Group::of(check.name);
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
            ("Mode", words::mode(mode).title.to_owned()),
            ("Bucket ARN", storage.bucket.to_string()),
            ("Region", storage.region.to_string()),
            ("Key ARN", storage.key.to_string()),
        ];
        sent.extend(storage.access.client_role().map(|role| ("Role ARN", role.to_string())));
        sent.push(("Account of the bucket", storage.bucket_account.to_string()));
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
            done: verification.findings.len(),
            total,
            groups,
            failed,
            sent,
            leftovers: if finished { verification.leftovers.clone() } else { Vec::new() },
            request_id: verification.id.to_string(),
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
    fn new(group: Group) -> Self {
        Self {
            group,
            checks: Vec::new(),
            kind: "waiting",
            summary: String::new(),
            note: None,
        }
    }

    fn sum_up(&mut self) {
        let count = |kind: &str| self.checks.iter().filter(|check| check.kind == kind).count();
        let (passed, failed, total) = (count("passed"), count("failed"), self.checks.len());
        let open = count("waiting");
        self.kind = match (failed, open) {
            (1.., _) => "failed",
            (0, 1..) => "waiting",
            (0, 0) if passed == total => "passed",
            (0, 0) if count("inconclusive") > 0 => "inconclusive",
            (0, 0) => "skipped",
        };
        self.summary = format!("{passed} of {total} passed");
        let first = self
            .checks
            .first()
            .filter(|check| check.kind == "skipped")
            .and_then(|check| check.summary.clone());
        if first.is_some() && self.checks.iter().all(|check| check.summary == first) {
            self.note = first;
            "Not looked at yet".clone_into(&mut self.summary);
            self.checks.iter_mut().for_each(|check| check.summary = None);
        }
    }
}

impl CheckView {
    fn waiting(name: CheckName, vendor: &str) -> Self {
        Self {
            name,
            kind: "waiting",
            mark: "·",
            word: "Waiting",
            proves: named(name.entry().proves, vendor),
            summary: None,
            detail: None,
            aws: None,
            fix: None,
        }
    }

    fn of(finding: &Finding, config: &StorageConfig, vendor: &str) -> Self {
        let (kind, mark, word) = words::status(finding.status);
        let aws = finding
            .exchange
            .as_ref()
            .filter(|_| finding.status != Status::Passed)
            .map(|exchange| {
                let mut parts = vec![exchange.operation.clone()];
                parts.extend(exchange.code.clone());
                parts.extend(exchange.request_id.as_ref().map(|id| format!("request {id}")));
                parts.join(" · ")
            });
        Self {
            name: finding.check,
            kind,
            mark,
            word,
            proves: named(finding.check.entry().proves, vendor),
            summary: match finding.skipped_because {
                Some(premise) => Some(format!("First this has to pass: {}", named(premise.entry().proves, vendor))),
                None => (finding.status != Status::Passed).then(|| named(&finding.summary, vendor)),
            },
            detail: finding
                .detail
                .as_deref()
                .filter(|_| finding.status != Status::Skipped)
                .map(|detail| named(detail, vendor)),
            aws,
            fix: finding.fix.as_ref().map(|fix| {
                let (title, place) = words::place(fix.document, config);
                FixView {
                    title,
                    place,
                    summary: named(&fix.summary, vendor),
                    statement: fix.statement.as_ref().map(pretty),
                    in_form: fix.document == FixDocument::Form,
                }
            }),
        }
    }
}

/// The rules speak of "the vendor" and "tenants"; customers know the one by its name, and are not to know of the others.
fn named(text: &str, vendor: &str) -> String {
    text.replace("No other tenant", "Nobody else")
        .replace("another tenant", "somebody else")
        .replace("The vendor's", &format!("{vendor}'s"))
        .replace("the vendor's", &format!("{vendor}'s"))
        .replace("The vendor ", &format!("{vendor} "))
        .replace("the vendor ", &format!("{vendor} "))
}
