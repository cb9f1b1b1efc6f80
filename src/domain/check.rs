//! The possible results of a check, and who has to act.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

pub use super::catalogue::CheckName;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CheckStatus {
    Passed,
    Failed,
    /// An advisory check that did not pass.
    Warning,
    /// A prerequisite did not pass, or the granted permissions do not allow the check.
    Skipped,
    /// AWS, the network or the vendor's own setup prevented a result.
    Inconclusive,
}

/// Who must act for the check to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FaultSide {
    /// The fix says what to do.
    Customer,
    /// The customer cannot fix it.
    Vendor,
    /// AWS or the network. The check runs again.
    Aws,
}
