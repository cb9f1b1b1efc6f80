//! The evaluator: applies the rules to the evidence as it comes in, and keeps the findings.

use std::collections::BTreeMap;

use super::check::{CheckName, CheckStatus, FaultSide};
use super::evidence::Evidence;
use super::finding::Finding;
use super::rules::{CheckContext, RuleOutcome};
use super::storage_config::{Mode, Storage};
use super::templates::TemplateParams;
use super::vendor::Vendor;

/// The findings of a run so far.
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

    /// Applies every rule that the evidence allows by now, and returns the new findings.
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

    /// Closes the run: checks without a finding become inconclusive. `bucket-not-claimed` stays open when its
    /// prerequisites passed, because the database decides it at activation.
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
                    "Not checked: the verification ended before.",
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
                    || Finding::skipped(check, other, format!("Not checked, because {other} has no result.")),
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

/// The finding of a check whose prerequisite did not pass.
fn unmet(check: CheckName, premise: &Finding) -> Finding {
    let because = premise.check;
    if premise.status == CheckStatus::Inconclusive {
        return Finding {
            skipped_because: Some(because),
            side: premise.side,
            ..Finding::inconclusive(check, FaultSide::Aws, format!("Inconclusive, because {because} is."), None)
        };
    }
    Finding::skipped(check, because, format!("Not checked, because {because} did not pass."))
}
