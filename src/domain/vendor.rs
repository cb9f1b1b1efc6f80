//! What of the vendor's own set-up the rules need to know.

use std::collections::BTreeSet;

use super::arn::{RoleArn, RoleName};
use super::catalogue::{CheckWeight, Prerequisites};
use super::check::CheckName;
use super::partition::Partition;
use super::region::Regions;
use super::storage_config::Mode;

/// The vendor, as its customers meet it.
#[derive(Debug, Clone)]
pub struct Vendor {
    pub name: String,
    /// Where the vendor hosts the `CloudFormation` template.
    pub cloudformation_url: Option<String>,
    /// The document-storage role, which assumes the customers' roles. Set when `assume_role` is offered.
    pub storage_role: Option<RoleArn>,
    /// The customer-facing role, which the customers' policies name. Set when `direct` is offered.
    pub direct_role: Option<RoleArn>,
    /// How the name of every customer's role has to begin.
    pub client_role_prefix: Option<RoleName>,
    /// Checks that may only warn.
    pub advisory_checks: BTreeSet<CheckName>,
    /// Templates grant the reads of the bucket's posture, and the checks of it are made.
    pub posture: bool,
    pub regions: Regions,
}

impl Vendor {
    /// A vendor that offers nothing: for what needs none.
    pub fn unnamed() -> Self {
        Self {
            name: String::new(),
            cloudformation_url: None,
            storage_role: None,
            direct_role: None,
            client_role_prefix: None,
            advisory_checks: BTreeSet::new(),
            posture: false,
            regions: Regions::default(),
        }
    }

    pub fn role(&self, mode: Mode) -> Option<&RoleArn> {
        match mode {
            Mode::Direct => self.direct_role.as_ref(),
            Mode::AssumeRole => self.storage_role.as_ref(),
        }
    }

    /// The modes on offer, the recommended one first.
    pub fn modes(&self) -> Vec<Mode> {
        [Mode::AssumeRole, Mode::Direct]
            .into_iter()
            .filter(|mode| self.role(*mode).is_some())
            .collect()
    }

    /// The partition that all of the vendor's roles are in.
    pub fn partition(&self) -> Partition {
        self.storage_role
            .as_ref()
            .or(self.direct_role.as_ref())
            .map_or(Partition::Aws, RoleArn::partition)
    }

    pub fn requires(&self, check: CheckName) -> bool {
        check.entry().weight != CheckWeight::Advisory && !self.advisory_checks.contains(&check)
    }

    /// The checks that are made of a config of this mode, in the catalogue's order.
    pub fn checks(&self, mode: Mode) -> impl Iterator<Item = CheckName> {
        CheckName::of_mode(mode).filter(|check| self.posture || check.entry().weight != CheckWeight::Advisory)
    }

    /// The checks that must pass before this one is meaningful, in the order in which they are blamed.
    pub fn prerequisites(&self, check: CheckName, mode: Mode) -> Vec<CheckName> {
        match check.entry().prerequisites {
            Prerequisites::These(groups) => {
                let all = groups.iter().copied().flatten().copied();
                all.filter(|other| other.entry().modes.contains(&mode)).collect()
            }
            Prerequisites::AllRequired => self.checks(mode).filter(|other| *other != check && self.requires(*other)).collect(),
        }
    }
}
