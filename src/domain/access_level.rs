//! What a vendor may do with a tenant's documents.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::text::Malformed;

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, EnumIter, EnumString, IntoStaticStr, Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AccessLevel {
    #[default]
    ReadWrite,
    Read,
}

impl AccessLevel {
    /// # Errors
    /// `unknown_access`
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        text.parse()
            .map_err(|_| Malformed::new("unknown_access", "access must be read or read_write"))
    }

    /// Whether this level allows everything that the other one does.
    pub fn includes(self, other: Self) -> bool {
        self == Self::ReadWrite || other == Self::Read
    }
}
