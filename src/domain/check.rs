//! How a check can end, and whose side that is about.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;

pub use super::catalogue::CheckName;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CheckStatus {
    Passed,
    Failed,
    /// An advisory check that did not pass.
    Warning,
    /// Something that it depends on did not pass, or it was not to be seen with what is granted.
    Skipped,
    /// AWS, the network or the vendor's own set-up did not answer the question.
    Inconclusive,
}

/// Who has to act before a check that did not pass can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FaultSide {
    /// The fix says what to do.
    Customer,
    /// Never the customer's to mend.
    Vendor,
    /// AWS or the network: it is asked again.
    Aws,
}
