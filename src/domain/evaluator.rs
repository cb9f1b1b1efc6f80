//! The evaluator: applies the rules to the evidence as it arrives, and keeps the findings.

use std::collections::BTreeMap;

use super::catalogue::DecidedBy;
use super::check::{CheckName, CheckStatus, FaultSide};
use super::evidence::Evidence;
use super::finding::Finding;
use super::message::findings;
use super::rules::{CheckContext, RuleOutcome};
use super::storage_config::{Mode, Storage};
use super::templates::TemplateParams;
use super::vendor::Vendor;

/// The findings of a run so far.
pub struct Evaluator<'a> {
    vendor: &'a Vendor,
    storage: &'a Storage,
    params: &'a TemplateParams,
    findings: BTreeMap<CheckName, Finding>,
}

impl<'a> Evaluator<'a> {
    pub fn new(vendor: &'a Vendor, storage: &'a Storage, params: &'a TemplateParams) -> Self {
        Self {
            vendor,
            storage,
            params,
            findings: BTreeMap::new(),
        }
    }

    fn mode(&self) -> Mode {
        self.storage.mode()
    }

    /// Applies every rule for which the evidence is complete, and returns the new findings.
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

    /// Closes the run: checks without a finding become inconclusive. Checks that the database decides stay open if their
    /// prerequisites passed.
    pub fn close(&mut self, evidence: &Evidence) -> Vec<Finding> {
        let mut new = Vec::new();
        for check in self.vendor.checks(self.mode()) {
            if self.findings.contains_key(&check) {
                continue;
            }
            let finding = match (self.decide(check, evidence), check.entry().decided_by) {
                (Some(finding), _) => finding,
                (None, DecidedBy::Database) => continue,
                (None, DecidedBy::Evidence(_)) => self.weigh(Finding::inconclusive(check, FaultSide::Aws, findings::ended_before(), None)),
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
        for prerequisite in self.vendor.prerequisites(check, self.mode()) {
            let found = self.findings.get(&prerequisite)?;
            if found.status != CheckStatus::Passed {
                return Some(self.weigh(blocked_by(check, found)));
            }
        }
        let DecidedBy::Evidence(rule) = check.entry().decided_by else {
            return None;
        };
        let context = CheckContext {
            storage: self.storage,
            params: self.params,
            evidence,
            findings: &self.findings,
        };
        match rule(&context) {
            RuleOutcome::Pending => None,
            RuleOutcome::Found(finding) => Some(self.weigh(*finding)),
            RuleOutcome::BlockedBy(other) => {
                let finding = self.findings.get(&other).map_or_else(
                    || Finding::skipped(check, other, findings::has_no_result(other)),
                    |found| blocked_by(check, found),
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
fn blocked_by(check: CheckName, prerequisite: &Finding) -> Finding {
    let name = prerequisite.check;
    if prerequisite.status == CheckStatus::Inconclusive {
        return Finding {
            skipped_because: Some(name),
            side: prerequisite.side,
            ..Finding::inconclusive(check, FaultSide::Aws, findings::is_inconclusive(name), None)
        };
    }
    Finding::skipped(check, name, findings::did_not_pass(name))
}
