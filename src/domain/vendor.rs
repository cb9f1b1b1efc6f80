//! The part of the vendor's configuration that the rules need.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::access_level::AccessLevel;
use super::account::AccountId;
use super::approval::ApprovalPolicy;
use super::arn::{RoleArn, RoleName};
use super::catalogue::{CheckWeight, Prerequisites};
use super::check::CheckName;
use super::document_version::DocumentSet;
use super::extra_action::ExtraActions;
use super::partition::Partition;
use super::region::Regions;
use super::storage_config::Mode;
use super::vendor_network::VendorNetwork;

/// The vendor, as its customers know it.
#[derive(Debug, Clone)]
pub struct Vendor {
    pub name: String,
    /// Where the vendor hosts the `CloudFormation` template.
    pub cloudformation_url: Option<String>,
    /// The storage role, which assumes the customers' roles. Set if `assume_role` is offered.
    pub storage_role: Option<RoleArn>,
    /// The customer-facing role, which the customers' policies name. Set if `direct` is offered.
    pub direct_role: Option<RoleArn>,
    /// The required prefix of every customer role's name.
    pub client_role_prefix: Option<RoleName>,
    /// Checks whose failure is only a warning.
    pub advisory_checks: BTreeSet<CheckName>,
    /// The templates grant reads of the bucket's security settings, and the advisory checks run.
    pub posture: bool,
    /// What the vendor asks for beyond what Latchkey needs.
    pub extra: ExtraActions,
    /// Whether customers' resources may be in an account of the vendor's roles. Only for tests.
    pub allow_own_account: bool,
    pub regions: Regions,
    /// What the vendor asks for, the default first.
    pub levels: Vec<AccessLevel>,
    /// Which changes of an active version need an operator's approval.
    pub approval: ApprovalPolicy,
    /// Where its calls to AWS come from. If set, customers deny calls from elsewhere.
    pub network: Option<VendorNetwork>,
}

impl Vendor {
    /// A vendor without modes, for commands that need none.
    pub fn unnamed() -> Self {
        Self {
            name: String::new(),
            cloudformation_url: None,
            storage_role: None,
            direct_role: None,
            client_role_prefix: None,
            advisory_checks: BTreeSet::new(),
            posture: false,
            extra: ExtraActions::default(),
            allow_own_account: false,
            regions: Regions::default(),
            levels: vec![AccessLevel::default()],
            approval: ApprovalPolicy::default(),
            network: None,
        }
    }

    /// The level of a customer who names none.
    pub fn level(&self) -> AccessLevel {
        self.levels.first().copied().unwrap_or_default()
    }

    /// The most that any customer grants.
    pub fn most_access(&self) -> AccessLevel {
        self.levels.iter().min().copied().unwrap_or_default()
    }

    pub fn role(&self, mode: Mode) -> Option<&RoleArn> {
        match mode {
            Mode::Direct => self.direct_role.as_ref(),
            Mode::AssumeRole => self.storage_role.as_ref(),
        }
    }

    /// In `assume_role`, the customer-facing role: another role of the vendor's, which the bucket and the key must deny.
    pub fn other_role(&self, mode: Mode) -> Option<&RoleArn> {
        self.direct_role.as_ref().filter(|_| mode == Mode::AssumeRole)
    }

    /// The enabled modes, the recommended one first.
    pub fn modes(&self) -> Vec<Mode> {
        [Mode::AssumeRole, Mode::Direct]
            .into_iter()
            .filter(|mode| self.role(*mode).is_some())
            .collect()
    }

    /// The accounts of the vendor's roles, each once.
    pub fn accounts(&self) -> Vec<&AccountId> {
        let mut accounts: Vec<_> = [&self.storage_role, &self.direct_role]
            .into_iter()
            .flatten()
            .map(RoleArn::account)
            .collect();
        accounts.dedup();
        accounts
    }

    /// Whether this is an account of the vendor, where no customer's resource can be. The vendor's roles may have access to
    /// their own account without any external ID.
    pub fn refuses_account(&self, account: &AccountId) -> bool {
        !self.allow_own_account && self.accounts().contains(&account)
    }

    /// Whether this is one of the vendor's roles.
    pub fn is_own_role(&self, role: &RoleArn) -> bool {
        [&self.storage_role, &self.direct_role].into_iter().flatten().any(|own| own == role)
    }

    /// Whether this is one of the vendor's roles, or one that could only be the vendor's.
    pub fn owns_role(&self, role: &RoleArn) -> bool {
        self.is_own_role(role) || self.refuses_account(role.account())
    }

    /// The partition of all of the vendor's roles.
    pub fn partition(&self) -> Partition {
        self.storage_role
            .as_ref()
            .or(self.direct_role.as_ref())
            .map_or(Partition::Aws, RoleArn::partition)
    }

    /// Whether verifications call from outside of the vendor's network, too.
    pub fn probes_network(&self) -> bool {
        self.network.as_ref().is_some_and(|network| network.is_probed)
    }

    pub fn requires(&self, check: CheckName) -> bool {
        check.entry().weight != CheckWeight::Advisory && !self.advisory_checks.contains(&check)
    }

    /// The checks of a storage config in this mode and with this access, in the catalogue's order.
    pub fn checks(&self, mode: Mode, level: AccessLevel) -> impl Iterator<Item = CheckName> {
        CheckName::of(mode, level).filter(move |check| match check {
            CheckName::RoleDeniesOtherRoles => self.other_role(mode).is_some(),
            CheckName::ExtraActionsAllowed => self.extra.calls(level).next().is_some(),
            CheckName::NetworkRestricted => self.probes_network(),
            _ => self.posture || check.entry().weight != CheckWeight::Advisory,
        })
    }

    /// Changes whenever a check or a document does.
    pub fn catalogue_fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for mode in self.modes() {
            for level in &self.levels {
                for check in self.checks(mode, *level) {
                    hash.update(format!(
                        "{mode} {level} {check} {} {}\n",
                        check.entry().proves,
                        self.requires(check)
                    ));
                }
            }
        }
        hash.update(DocumentSet::of(self).fingerprint());
        hex::encode(&hash.finalize()[..8])
    }

    /// The checks that must pass before this one is meaningful, in the order in which they are blamed.
    pub fn prerequisites(&self, check: CheckName, mode: Mode, level: AccessLevel) -> Vec<CheckName> {
        match check.entry().prerequisites {
            Prerequisites::These(groups) => {
                let all = groups.iter().copied().flatten().copied();
                all.filter(|other| other.is_of(mode, level)).collect()
            }
            Prerequisites::AllRequired => self
                .checks(mode, level)
                .filter(|other| *other != check && self.requires(*other))
                .collect(),
        }
    }
}
