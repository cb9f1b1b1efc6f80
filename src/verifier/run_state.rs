//! The mutable side of a run: evidence, sessions, and the objects that still have to be deleted.

use std::collections::BTreeMap;

use super::limited::Limit;
use crate::cloud::AwsSession;
use crate::domain::access_level::AccessLevel;
use crate::domain::api_result::{ApiResult, Outcome};
use crate::domain::evidence::{DeletedObject, Evidence, KeptVersions, StoredObject};
use crate::domain::storage_config::Storage;
use crate::domain::unauthorized::{UnauthorizedCaller, UnauthorizedProbe};

pub(super) struct RunState {
    pub evidence: Evidence,
    /// The vendor's own session, which assumes the customer's role in `assume_role`.
    pub vendor: Option<AwsSession>,
    /// The session that production will use: the client role's in `assume_role`, the tagged one in `direct`.
    pub production: Option<AwsSession>,
    pub unauthorized_sessions: BTreeMap<UnauthorizedCaller, AwsSession>,
    pub limited_sessions: BTreeMap<Limit, AwsSession>,
    /// A session that cannot be used outside of the vendor's network.
    pub control: Option<AwsSession>,
    pub ciphertext: Option<Vec<u8>>,
    /// `read`: the key of the sample object, once it is known.
    pub sample: Option<String>,
    delete_sent: bool,
    delete_version_sent: bool,
    /// An earlier run may have left an object with the key of this one's.
    was_left: bool,
    /// Objects of earlier runs that are still to be deleted.
    due: Vec<String>,
    /// Objects of earlier runs that could not be deleted.
    kept: Vec<String>,
}

/// An object to delete.
pub(super) enum CleanUp {
    Probe(String),
    /// The version of the probe object that the bucket keeps.
    Version {
        key: String,
        version: String,
    },
    Leftover(String),
}

impl CleanUp {
    pub(crate) fn key(&self) -> &str {
        let (Self::Probe(key) | Self::Version { key, .. } | Self::Leftover(key)) = self;
        key
    }

    pub(crate) fn version(&self) -> Option<&str> {
        match self {
            Self::Version { version, .. } => Some(version),
            Self::Probe(_) | Self::Leftover(_) => None,
        }
    }
}

impl RunState {
    pub(crate) fn new(
        storage: &Storage,
        probe_key: &str,
        leftovers: Vec<String>,
        retires: bool,
        known_versions: Option<KeptVersions>,
        callers: &[UnauthorizedCaller],
    ) -> Self {
        let (same, due): (Vec<_>, Vec<_>) = leftovers.into_iter().partition(|key| key == probe_key);
        Self {
            evidence: Evidence {
                level: storage.level,
                retires,
                known_versions,
                unauthorized: callers.iter().map(|caller| (*caller, UnauthorizedProbe::default())).collect(),
                ..Evidence::default()
            },
            vendor: None,
            production: None,
            unauthorized_sessions: BTreeMap::new(),
            limited_sessions: BTreeMap::new(),
            control: None,
            ciphertext: None,
            sample: storage.sample_object.clone(),
            delete_sent: false,
            delete_version_sent: false,
            due,
            was_left: !same.is_empty(),
            kept: Vec::new(),
        }
    }

    pub(crate) fn unauthorized_mut(&mut self, caller: UnauthorizedCaller) -> &mut UnauthorizedProbe {
        self.evidence.unauthorized.entry(caller).or_default()
    }

    pub(crate) fn record_unauthorized_role(&mut self, caller: UnauthorizedCaller, answer: ApiResult<AwsSession>) {
        if let Some(session) = answer.granted() {
            self.unauthorized_sessions.insert(caller, session.clone());
        }
        self.unauthorized_mut(caller).role = Some(answer.map(drop));
    }

    /// Whether the probe object, which was there, is being deleted.
    pub(crate) fn deletes_written(&self) -> bool {
        self.delete_sent && self.has_written()
    }

    /// Whether the probe object is known to be in the bucket.
    pub(crate) fn has_written(&self) -> bool {
        self.evidence.put.as_ref().is_some_and(|put| put.granted().is_some())
    }

    /// An object that is known to be in the bucket and can be read.
    pub(crate) fn readable<'a>(&'a self, probe_key: &'a str) -> Option<&'a str> {
        match self.evidence.level {
            AccessLevel::ReadWrite => self.has_written().then_some(probe_key),
            AccessLevel::Read => {
                let sample = self.evidence.sample.as_ref()?;
                sample.granted().and(self.sample.as_deref())
            }
        }
    }

    /// Whether a put may have written the object: it was granted, or its result is unknown.
    fn may_have_written(&self) -> bool {
        self.puts()
            .any(|put| matches!(put.outcome, Outcome::Granted(_) | Outcome::Unanswered))
    }

    /// Whether a put may still be executed after the delete.
    fn may_write_later(&self) -> bool {
        self.puts().any(|put| put.is_unanswered() || put.exchange.may_arrive_late)
    }

    fn puts(&self) -> impl Iterator<Item = &ApiResult<StoredObject>> {
        [&self.evidence.put, &self.evidence.put_with_header].into_iter().flatten()
    }

    /// What to delete next, and with which session: leftovers immediately, the probe object once no call needs it. One that was left
    /// before, and was not written again, is deleted after the last call.
    pub(crate) fn next_clean_up(&mut self, object_is_idle: bool, is_last: bool, probe_key: &str) -> Option<(CleanUp, AwsSession)> {
        // Without the right to write, nothing is deleted.
        if self.evidence.level == AccessLevel::Read {
            return None;
        }
        let session = self.production.clone()?;
        if let Some(key) = self.due.pop() {
            return Some((CleanUp::Leftover(key), session));
        }
        let may_exist = self.may_have_written() || is_last && self.was_left;
        if object_is_idle && !self.delete_sent && may_exist {
            self.delete_sent = true;
            return Some((CleanUp::Probe(probe_key.to_owned()), session));
        }
        if self.evidence.delete.is_some()
            && !self.delete_version_sent
            && let Some(version) = self.evidence.version_of_probe()
        {
            let (key, version) = (probe_key.to_owned(), version.to_owned());
            self.delete_version_sent = true;
            return Some((CleanUp::Version { key, version }, session));
        }
        None
    }

    pub(crate) fn record_clean_up(&mut self, what: CleanUp, answer: ApiResult<DeletedObject>) {
        match what {
            CleanUp::Probe(_) => self.evidence.delete = Some(answer),
            CleanUp::Version { .. } => self.evidence.delete_version = Some(answer.map(drop)),
            CleanUp::Leftover(key) => {
                if !is_gone(&answer) {
                    self.kept.push(key);
                }
            }
        }
    }

    /// Keys of our objects that may still be in the bucket. A put that timed out may still be executed after the delete.
    pub(crate) fn leftovers(self, probe_key: &str) -> Vec<String> {
        let deleted = self.evidence.delete.as_ref().is_some_and(is_gone);
        let probe_may_remain = (self.was_left || self.may_have_written()) && !deleted || self.may_write_later();
        let mut keys = self.kept;
        keys.extend(self.due);
        keys.extend(probe_may_remain.then(|| probe_key.to_owned()));
        keys
    }
}

fn is_gone(answer: &ApiResult<DeletedObject>) -> bool {
    matches!(answer.outcome, Outcome::Granted(_) | Outcome::Absent)
}
