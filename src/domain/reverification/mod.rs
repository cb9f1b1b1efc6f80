//! Re-verification: storage configs that were verified once are verified again and again.
//!
//! A *light* re-verification makes at most five calls, none of which changes anything. A *full* one runs every check. Neither leaves a
//! record while its result is what is known already. Anything else queues an ordinary verification, whose result is recorded, compared
//! with the previous one ([`drift`](super::drift)) and announced.

pub mod budget;
pub mod incident;
pub mod light;
pub mod report;
pub mod schedule;
#[cfg(test)]
mod simulation;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::external_id::ExternalId;
use super::ids::{StorageConfigId, TenantId};
use super::storage_config::Storage;

/// How much is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Depth {
    Light,
    Full,
}

/// What is known of a storage config, which decides when it is verified again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Standing {
    /// Verified. Both depths take turns.
    Verified,
    /// Rejected. Verified in full, more and more rarely.
    Rejected,
    /// Without a result, because of AWS or the vendor's own setup. Verified in full until there is one.
    Unanswered,
}

/// When a storage config was and will be verified again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    pub standing: Standing,
    pub due_at: DateTime<Utc>,
    /// From then on, the next one is a full one.
    pub full_due_at: DateTime<Utc>,
    /// How often in a row there was no other result. 0 while verified.
    pub repeats: u32,
}

/// A ciphertext of random bytes under the customer's key, kept from a full verification. The plaintext is of no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCiphertext {
    pub ciphertext: Vec<u8>,
    pub plaintext_sha256: Vec<u8>,
}

/// A storage config that is due, claimed by this process until the lease ends.
#[derive(Debug, Clone)]
pub struct DueReverification {
    pub config: StorageConfigId,
    pub tenant: TenantId,
    pub storage: Storage,
    pub external_id: ExternalId,
    /// The external IDs that the tenant's policies should accept.
    pub accepted_ids: Vec<ExternalId>,
    pub timing: Timing,
    /// By the database's clock.
    pub leased_until: DateTime<Utc>,
    pub lease: i64,
    pub ciphertext: Option<KeptCiphertext>,
    /// The key of a full one's probe object, recorded before it can exist.
    pub probe_key: Option<String>,
    /// Keys of probe objects that earlier ones may have left in the bucket.
    pub leftovers: Vec<String>,
}

impl DueReverification {
    pub fn depth(&self) -> Depth {
        if self.probe_key.is_some() { Depth::Full } else { Depth::Light }
    }
}

/// The result of a re-verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// As known before.
    Unchanged,
    /// Something is different: an ordinary verification has to find out what.
    Changed,
    /// AWS gave no answer, or the vendor's own setup prevents it.
    Unanswered,
}
