//! The evaluator: applies the rules to the evidence as it arrives, and keeps the findings.
//!
//! Evidence may be partial. A rule that needs a result that is not there yet is applied later. When the run ends, a check
//! without a finding is inconclusive, never passed:
//!
//! ```
//! use latchkey::domain::access_level::AccessLevel;
//! use latchkey::domain::arn::{BucketArn, KeyArn, RoleArn};
//! use latchkey::domain::check::CheckStatus;
//! use latchkey::domain::evaluator::Evaluator;
//! use latchkey::domain::evidence::Evidence;
//! use latchkey::domain::storage_config::{Access, Storage};
//! use latchkey::domain::templates::TemplateParams;
//! use latchkey::domain::vendor::Vendor;
//! use latchkey::domain::verification::Verdict;
//!
//! let role = |account: &str| RoleArn::parse(&format!("arn:aws:iam::{account}:role/documents")).unwrap();
//! let key = KeyArn::parse("arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab").unwrap();
//! let vendor = Vendor { storage_role: Some(role("111111111111")), ..Vendor::unnamed() };
//! let storage = Storage {
//!     access: Access::AssumeRole { role: role("222222222222") },
//!     bucket: BucketArn::parse("arn:aws:s3:::my-bucket").unwrap(),
//!     region: key.region().clone(),
//!     bucket_account: key.account().clone(),
//!     key,
//!     prefix: None,
//!     level: AccessLevel::ReadWrite,
//!     sample_object: None,
//! };
//! let params = TemplateParams::of_storage(&storage, role("111111111111"), Vec::new());
//!
//! let mut evaluator = Evaluator::new(&vendor, &storage, &params);
//! let nothing = Evidence::default();
//! assert!(evaluator.settle(&nothing).is_empty());
//!
//! let findings = evaluator.close(&nothing);
//! assert!(findings.iter().all(|finding| finding.status == CheckStatus::Inconclusive));
//! assert_eq!(Verdict::of(&findings), Verdict::Inconclusive);
//! ```

use std::collections::BTreeMap;

use super::catalogue::{CheckGroup, DecidedBy};
use super::check::{CheckName, CheckStatus, FaultSide};
use super::evidence::{Evidence, ProductionCalls};
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
            for check in self.vendor.checks(self.mode(), self.storage.level) {
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
        for check in self.vendor.checks(self.mode(), self.storage.level) {
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
        for prerequisite in self.vendor.prerequisites(check, self.mode(), self.storage.level) {
            let found = self.findings.get(&prerequisite)?;
            if found.status != CheckStatus::Passed {
                return Some(self.weigh(blocked_by(check, found)));
            }
        }
        let DecidedBy::Evidence(rule) = check.entry().decided_by else {
            return None;
        };
        let context = CheckContext {
            vendor: self.vendor,
            storage: self.storage,
            params: self.params,
            evidence,
            findings: &self.findings,
        };
        match rule(&context) {
            RuleOutcome::Pending => self.withheld(check, evidence),
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

    /// The finding of a check whose calls are never made, because unauthorized callers were not denied.
    fn withheld(&self, check: CheckName, evidence: &Evidence) -> Option<Finding> {
        let calls = match check.entry().group {
            CheckGroup::Key => evidence.production_calls_to_key(self.mode()),
            CheckGroup::Bucket | CheckGroup::Objects => evidence.production_calls_to_bucket(self.mode()),
            CheckGroup::Vendor | CheckGroup::Role => return None,
        };
        match calls {
            ProductionCalls::Withheld(open) if open != check => {
                let found = self.findings.get(&open)?;
                Some(self.weigh(blocked_by(check, found)))
            }
            _ => None,
        }
    }

    /// A session is not accepted in a region that its account has not enabled. Otherwise, such an answer is a matter of seconds.
    /// <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>
    fn explain_session(&self, finding: Finding) -> Finding {
        let region = &self.storage.region;
        let Some(exchange) = finding.exchange.as_ref().filter(|_| finding.status == CheckStatus::Inconclusive) else {
            return finding;
        };
        let code = exchange.code.as_deref().unwrap_or_default();
        let is_of_session = matches!(
            code,
            "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidToken" | "InvalidAccessKeyId"
        );
        if !is_of_session || !region.is_opt_in() || exchange.operation.starts_with("sts:") {
            return finding;
        }
        match self.mode() {
            Mode::Direct => Finding::vendor_side(finding.check, Some(exchange)),
            Mode::AssumeRole => {
                let summary = findings::session_not_accepted(region, code);
                Finding::inconclusive(finding.check, FaultSide::Customer, summary, Some(exchange))
            }
        }
    }

    fn weigh(&self, finding: Finding) -> Finding {
        let finding = self.explain_session(finding);
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
