//! Judging: from evidence to findings. Pure, so that every rule can be tried by a table.

pub mod bucket;
pub mod isolation;
pub mod key;
pub mod object;
pub mod roles;

use std::collections::BTreeMap;

use super::answer::{Answer, Outcome};
use super::check::{CheckName, Finding, Status};
use super::evidence::Evidence;
use super::fix;
use super::storage_config::{Mode, Storage};
use super::templates::Blanks;
use super::vendor::Vendor;

/// What a judging function sees.
pub struct Case<'a> {
    pub storage: &'a Storage,
    /// Fills the statements of a fix.
    pub blanks: &'a Blanks,
    pub evidence: &'a Evidence,
    findings: &'a BTreeMap<CheckName, Finding>,
}

/// What a judging function says.
pub enum Judgement {
    /// The evidence is not all there yet.
    Pending,
    Found(Box<Finding>),
    /// Another check, which did not pass, says it all.
    Because(CheckName),
}

impl From<Finding> for Judgement {
    fn from(finding: Finding) -> Self {
        Self::Found(Box::new(finding))
    }
}

impl Case<'_> {
    /// What another check found, if it is decided.
    fn found(&self, check: CheckName) -> Option<&Finding> {
        self.findings.get(&check)
    }

    fn status(&self, check: CheckName) -> Option<Status> {
        self.found(check).map(|finding| finding.status)
    }

    /// Whether a decided check stands in the way: it failed, or would have if it were required.
    fn is_broken(&self, check: CheckName) -> bool {
        matches!(self.status(check), Some(Status::Failed | Status::Warning))
    }
}

/// The findings of a run as they grow.
pub struct Bench<'a> {
    vendor: &'a Vendor,
    storage: &'a Storage,
    blanks: &'a Blanks,
    findings: BTreeMap<CheckName, Finding>,
}

impl<'a> Bench<'a> {
    pub fn new(vendor: &'a Vendor, storage: &'a Storage, blanks: &'a Blanks) -> Self {
        Self {
            vendor,
            storage,
            blanks,
            findings: BTreeMap::new(),
        }
    }

    fn mode(&self) -> Mode {
        self.storage.mode()
    }

    /// Judges whatever the evidence allows by now, and gives back what is newly decided.
    pub fn settle(&mut self, evidence: &Evidence) -> Vec<Finding> {
        let mut new = Vec::new();
        loop {
            let before = new.len();
            for check in CheckName::of_mode(self.mode()) {
                if self.findings.contains_key(&check) {
                    continue;
                }
                if let Some(finding) = self.decide(check, evidence) {
                    self.findings.insert(check, finding.clone());
                    new.push(finding);
                }
            }
            if new.len() == before {
                return new;
            }
        }
    }

    /// Nothing more will be asked: what is still open was never answered. `bucket-not-claimed` stays open when all that
    /// it rests on passed: the database decides it.
    pub fn close(&mut self, evidence: &Evidence) -> Vec<Finding> {
        let mut new = Vec::new();
        for check in CheckName::of_mode(self.mode()) {
            if self.findings.contains_key(&check) {
                continue;
            }
            let decided = self.decide(check, evidence);
            let open = || {
                self.weigh(Finding::inconclusive(
                    check,
                    "This was not asked: the verification ended before.",
                    None,
                ))
            };
            let finding = match decided {
                None if check == CheckName::BucketNotClaimed => continue,
                None => open(),
                Some(finding) => finding,
            };
            self.findings.insert(check, finding.clone());
            new.push(finding);
        }
        new
    }

    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.values()
    }

    fn decide(&self, check: CheckName, evidence: &Evidence) -> Option<Finding> {
        for premise in check.premises(self.mode()) {
            let found = self.findings.get(&premise)?;
            let only_warns = check == CheckName::BucketNotClaimed && !found.required;
            if found.status != Status::Passed && !only_warns {
                return Some(self.weigh(unmet(check, found)));
            }
        }
        let case = Case {
            storage: self.storage,
            blanks: self.blanks,
            evidence,
            findings: &self.findings,
        };
        match check.judge(&case) {
            Judgement::Pending => None,
            Judgement::Found(finding) => Some(self.weigh(*finding)),
            Judgement::Because(other) => {
                let finding = self.findings.get(&other).map_or_else(
                    || Finding::skipped(check, other, format!("Not looked at, because {other} is not settled.")),
                    |found| unmet(check, found),
                );
                Some(self.weigh(finding))
            }
        }
    }

    fn weigh(&self, finding: Finding) -> Finding {
        let required = self.vendor.requires(finding.check);
        let status = match finding.status {
            Status::Failed if !required => Status::Warning,
            status => status,
        };
        Finding {
            status,
            required,
            ..finding
        }
    }
}

/// A check whose premise did not pass.
fn unmet(check: CheckName, premise: &Finding) -> Finding {
    let because = premise.check;
    if premise.status == Status::Inconclusive {
        return Finding {
            skipped_because: Some(because),
            ..Finding::inconclusive(check, format!("Not settled, because {because} is not."), None)
        };
    }
    Finding::skipped(check, because, format!("Not looked at, because {because} did not pass."))
}

/// `bucket-not-claimed` is decided by the database, at activation.
pub fn not_claimed(_: &Case) -> Judgement {
    Judgement::Pending
}

/// The usual check of one permission: granted passes, refused fails and says what would grant it.
fn permission<T>(
    case: &Case,
    check: CheckName,
    answer: Option<&Answer<T>>,
    action: &str,
    permission: fix::Permission,
    passed: &str,
) -> Judgement {
    let Some(answer) = answer else {
        return Judgement::Pending;
    };
    match &answer.outcome {
        Outcome::Granted(_) => Finding::passed(check, passed, Some(&answer.exchange)),
        Outcome::Refused(refusal) => Finding::failed(
            check,
            format!("The vendor was refused {action}."),
            Some(&answer.exchange),
            fix::of_refusal(refusal, action, fix::permission_of(refusal, permission), case.blanks),
        ),
        Outcome::Absent | Outcome::Unusable | Outcome::Misrouted | Outcome::Unanswered => Finding::unanswered(check, answer),
    }
    .into()
}
