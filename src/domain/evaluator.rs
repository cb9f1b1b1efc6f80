//! The bench: judges whatever the evidence allows, as it comes in, and keeps what is decided.

use std::collections::BTreeMap;

use super::check::{CheckName, CheckStatus, FaultSide};
use super::evidence::Evidence;
use super::finding::Finding;
use super::rules::{CheckContext, RuleOutcome};
use super::storage_config::{Mode, Storage};
use super::templates::TemplateParams;
use super::vendor::Vendor;

/// The findings of a run as they grow.
pub struct Evaluator<'a> {
    vendor: &'a Vendor,
    storage: &'a Storage,
    blanks: &'a TemplateParams,
    findings: BTreeMap<CheckName, Finding>,
}

impl<'a> Evaluator<'a> {
    pub fn new(vendor: &'a Vendor, storage: &'a Storage, blanks: &'a TemplateParams) -> Self {
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
            for check in self.vendor.checks(self.mode()) {
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
        for check in self.vendor.checks(self.mode()) {
            if self.findings.contains_key(&check) {
                continue;
            }
            let decided = self.decide(check, evidence);
            let open = || {
                self.weigh(Finding::inconclusive(
                    check,
                    FaultSide::Aws,
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
            let only_warns = check == CheckName::BucketNotClaimed && !self.vendor.requires(premise);
            let Some(found) = self.findings.get(&premise) else {
                if only_warns {
                    continue;
                }
                return None;
            };
            if found.status != CheckStatus::Passed && !only_warns {
                return Some(self.weigh(unmet(check, found)));
            }
        }
        let case = CheckContext {
            storage: self.storage,
            blanks: self.blanks,
            evidence,
            findings: &self.findings,
        };
        match check.judge(&case) {
            RuleOutcome::Pending => None,
            RuleOutcome::Found(finding) => Some(self.weigh(*finding)),
            RuleOutcome::BlockedBy(other) => {
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
            CheckStatus::Failed if !required => CheckStatus::Warning,
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
    if premise.status == CheckStatus::Inconclusive {
        return Finding {
            skipped_because: Some(because),
            side: premise.side,
            ..Finding::inconclusive(check, FaultSide::Aws, format!("Not settled, because {because} is not."), None)
        };
    }
    Finding::skipped(check, because, format!("Not looked at, because {because} did not pass."))
}
