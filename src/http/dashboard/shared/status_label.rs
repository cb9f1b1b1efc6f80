//! The label of a tenant's status.

use crate::domain::tenant::TenantStatus;

pub(crate) trait StatusLabel {
    fn label(self) -> &'static str;
}

impl StatusLabel for TenantStatus {
    fn label(self) -> &'static str {
        match self {
            Self::Invited => "Invited",
            Self::Verifying => "Verifying",
            Self::BlockedByVendor => "Blocked by vendor",
            Self::ActionRequired => "Action required",
            Self::Active => "Active",
            Self::Degraded => "Degraded",
            Self::Quarantined => "Quarantined",
            Self::Suspended => "Suspended",
            Self::Offboarded => "Offboarded",
        }
    }
}
