//! The mutable side of a run: evidence, sessions, and the objects that still have to be deleted.

use strum::EnumIter;

use crate::cloud::AwsSession;
use crate::domain::api_result::{ApiResult, Outcome};
use crate::domain::evidence::{DeletedObject, Evidence, StoredObject, UnauthorizedProbe};

/// The identity of an unauthorized caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter)]
pub(super) enum Unauthorized {
    /// Without a session tag.
    Untagged,
    /// With a random external ID as its tag.
    Mistagged,
    /// With the external ID that a rotation has retired.
    Retired,
}

pub(super) struct RunState {
    pub evidence: Evidence,
    /// The vendor's own session, which assumes the customer's role in `assume_role`.
    pub vendor: Option<AwsSession>,
    /// The session that production will use: the client role's in `assume_role`, the tagged one in `direct`.
    pub production: Option<AwsSession>,
    pub untagged: Option<AwsSession>,
    pub mistagged: Option<AwsSession>,
    pub retired: Option<AwsSession>,
    pub ciphertext: Option<Vec<u8>>,
    delete_sent: bool,
    /// Objects of earlier runs that are still to be deleted.
    due: Vec<String>,
    /// Objects of earlier runs that could not be deleted.
    kept: Vec<String>,
}

/// An object to delete.
pub(super) enum CleanUp {
    Probe(String),
    Leftover(String),
}

impl CleanUp {
    pub(crate) fn key(&self) -> &str {
        let (Self::Probe(key) | Self::Leftover(key)) = self;
        key
    }
}

impl RunState {
    pub(crate) fn new(leftovers: Vec<String>, retires: bool) -> Self {
        Self {
            evidence: Evidence {
                retires,
                ..Evidence::default()
            },
            vendor: None,
            production: None,
            untagged: None,
            mistagged: None,
            retired: None,
            ciphertext: None,
            delete_sent: false,
            due: leftovers,
            kept: Vec::new(),
        }
    }

    pub(crate) fn unauthorized_session(&self, who: Unauthorized) -> Option<&AwsSession> {
        match who {
            Unauthorized::Untagged => self.untagged.as_ref(),
            Unauthorized::Mistagged => self.mistagged.as_ref(),
            Unauthorized::Retired => self.retired.as_ref(),
        }
    }

    /// The session of an unauthorized caller, and where its results go.
    pub(crate) fn unauthorized_mut(&mut self, who: Unauthorized) -> (&mut UnauthorizedProbe, &mut Option<AwsSession>) {
        match who {
            Unauthorized::Untagged => (&mut self.evidence.untagged, &mut self.untagged),
            Unauthorized::Mistagged => (&mut self.evidence.mistagged, &mut self.mistagged),
            Unauthorized::Retired => (&mut self.evidence.retired, &mut self.retired),
        }
    }

    /// Whether the probe object is known to be in the bucket.
    pub(crate) fn has_written(&self) -> bool {
        self.evidence.put.as_ref().is_some_and(|put| put.granted().is_some())
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

    /// What to delete next, and with which session: leftovers immediately, the probe object once no call needs it.
    pub(crate) fn next_clean_up(&mut self, object_is_idle: bool, probe_key: &str) -> Option<(CleanUp, AwsSession)> {
        let session = self.production.clone()?;
        if let Some(key) = self.due.pop() {
            return Some((CleanUp::Leftover(key), session));
        }
        if object_is_idle && !self.delete_sent && self.may_have_written() {
            self.delete_sent = true;
            return Some((CleanUp::Probe(probe_key.to_owned()), session));
        }
        None
    }

    pub(crate) fn record_clean_up(&mut self, what: CleanUp, answer: ApiResult<DeletedObject>) {
        match what {
            CleanUp::Probe(_) => self.evidence.delete = Some(answer),
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
        let probe_may_remain = self.may_have_written() && !deleted || self.may_write_later();
        let mut keys = self.kept;
        keys.extend(self.due);
        keys.extend(probe_may_remain.then(|| probe_key.to_owned()));
        keys
    }
}

fn is_gone(answer: &ApiResult<DeletedObject>) -> bool {
    matches!(answer.outcome, Outcome::Granted(_) | Outcome::Absent)
}
