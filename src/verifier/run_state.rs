//! What a run holds while it goes: evidence, sessions, and what is to be cleaned up.

use crate::cloud::AwsSession;
use crate::domain::api_result::{ApiResult, Outcome};
use crate::domain::evidence::{DeletedObject, Evidence};

pub struct RunState {
    pub evidence: Evidence,
    /// The vendor's own, by which a customer's role is assumed.
    pub vendor: Option<AwsSession>,
    /// What production will use: the client role's in `assume_role`, the tagged one in `direct`.
    pub production: Option<AwsSession>,
    pub untagged: Option<AwsSession>,
    pub mistagged: Option<AwsSession>,
    pub retired: Option<AwsSession>,
    pub ciphertext: Option<Vec<u8>>,
    delete_sent: bool,
    /// Of earlier runs: still to be deleted.
    due: Vec<String>,
    /// Of earlier runs: could not be deleted.
    kept: Vec<String>,
}

/// An object to delete.
pub enum CleanUp {
    Probe(String),
    Leftover(String),
}

impl RunState {
    pub fn new(leftovers: Vec<String>, retires: bool) -> Self {
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

    /// A put may have written the object: it was granted, or nobody knows.
    fn may_have_written(&self) -> bool {
        [&self.evidence.put, &self.evidence.put_with_header]
            .into_iter()
            .flatten()
            .any(|put| matches!(put.outcome, Outcome::Granted(_) | Outcome::Unanswered))
    }

    fn may_yet_arrive(&self) -> bool {
        [&self.evidence.put, &self.evidence.put_with_header]
            .into_iter()
            .flatten()
            .any(|put| put.is_unanswered() || put.exchange.may_arrive_late)
    }

    /// What to delete next: leftovers at once, the probe object when no call needs it any more.
    pub fn next_clean_up(&mut self, object_is_idle: bool, probe_key: &str) -> Option<CleanUp> {
        self.production.as_ref()?;
        if let Some(key) = self.due.pop() {
            return Some(CleanUp::Leftover(key));
        }
        if object_is_idle && !self.delete_sent && self.may_have_written() {
            self.delete_sent = true;
            return Some(CleanUp::Probe(probe_key.to_owned()));
        }
        None
    }

    pub fn record_clean_up(&mut self, what: CleanUp, answer: ApiResult<DeletedObject>) {
        match what {
            CleanUp::Probe(_) => self.evidence.delete = Some(answer),
            CleanUp::Leftover(key) => {
                if !is_gone(&answer) {
                    self.kept.push(key);
                }
            }
        }
    }

    /// Keys of objects of ours that may still be there. A put that was not answered in time may arrive after the delete.
    pub fn leftovers(self, probe_key: &str) -> Vec<String> {
        let deleted = self.evidence.delete.as_ref().is_some_and(is_gone);
        let probe_stays = self.may_have_written() && !deleted || self.may_yet_arrive();
        let mut keys = self.kept;
        keys.extend(self.due);
        keys.extend(probe_stays.then(|| probe_key.to_owned()));
        keys
    }
}

fn is_gone(answer: &ApiResult<DeletedObject>) -> bool {
    matches!(answer.outcome, Outcome::Granted(_) | Outcome::Absent)
}
