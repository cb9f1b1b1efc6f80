//! The verifier: asks `cloud`, as many calls at once as do not wait for each other, and judges by `domain`.

mod run_state;
mod steps;
#[cfg(test)]
mod tests;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::cloud::{Cloud, SessionName};
use crate::domain::arn::RoleArn;
use crate::domain::evaluator::Evaluator;
use crate::domain::external_id::ExternalId;
use crate::domain::finding::Finding;
use crate::domain::ids::VerificationId;
use crate::domain::storage_config::{Mode, Storage};
use crate::domain::templates::TemplateParams;
use crate::domain::vendor::Vendor;

use run_state::RunState;
use steps::Step;

/// Where probe objects live in a customer's bucket.
pub const PROBE_PREFIX: &str = "latchkey-probe/";

/// What is to be verified.
#[derive(Debug, Clone)]
pub struct VerificationSubject {
    pub verification: VerificationId,
    pub storage: Storage,
    pub vendor_role: RoleArn,
    pub external_id: ExternalId,
    /// What the statements of a fix accept: the external ID, and during a rotation the other one too.
    pub accepted_ids: Vec<ExternalId>,
    /// Has to be refused: the rotation is over.
    pub retired_id: Option<ExternalId>,
    /// The key of the object that this run writes, recorded before the run so that a crash cannot hide it.
    pub probe_key: String,
    /// Keys of objects that earlier runs may have left behind.
    pub leftovers: Vec<String>,
}

/// What a run amounts to. The findings went out as they came.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    pub findings: Vec<Finding>,
    /// Keys of objects of ours that may still be in the bucket.
    pub leftovers: Vec<String>,
    /// It was told to stop before all was asked.
    pub stopped: bool,
}

/// One run's unchanging side.
struct Run<'a> {
    cloud: &'a dyn Cloud,
    subject: &'a VerificationSubject,
    session_name: SessionName,
    /// Of the same form as an issued one, and nobody's.
    random_id: ExternalId,
    plaintext: [u8; 32],
    body: [u8; 64],
}

impl Run<'_> {
    fn mode(&self) -> Mode {
        self.subject.storage.mode()
    }
}

/// Runs every check of the subject's mode once. Findings go to `found` as they are decided. Once `stop` is cancelled no
/// new call is made but those that clean up.
pub async fn run(
    cloud: &dyn Cloud,
    clock: &SharedClock,
    vendor: &Vendor,
    subject: &VerificationSubject,
    found: UnboundedSender<Finding>,
    stop: &CancellationToken,
) -> RunReport {
    let run = Run {
        cloud,
        subject,
        session_name: SessionName::of_verification(subject.verification),
        random_id: ExternalId::from_random(clock.random()),
        plaintext: clock.random(),
        body: clock.random(),
    };
    let blanks = TemplateParams {
        posture: vendor.posture,
        ..TemplateParams::of_storage(&subject.storage, subject.vendor_role.clone(), subject.accepted_ids.clone())
    };
    let mut bench = Evaluator::new(vendor, &subject.storage, &blanks);
    let mut board = RunState::new(subject.leftovers.clone(), subject.retired_id.is_some());
    let mut waiting: Vec<Step> = Step::of_run(run.mode(), vendor.posture, subject.retired_id.is_some());
    let mut in_flight = FuturesUnordered::new();
    let mut object_calls = 0_usize;

    loop {
        if !stop.is_cancelled() {
            let (ready, rest): (Vec<Step>, Vec<Step>) = waiting.into_iter().partition(|step| step.is_ready(&board));
            waiting = rest;
            for step in ready {
                object_calls += usize::from(step.needs_object());
                in_flight.push(step.start(&run, &board));
            }
        }
        if let Some(cleaning) = board.next_clean_up(object_calls == 0, &subject.probe_key) {
            in_flight.push(steps::delete(&run, &board, cleaning));
        }
        let Some(answered) = in_flight.next().await else {
            break;
        };
        object_calls -= usize::from(answered.needed_object);
        (answered.record)(&mut board);
        for finding in bench.settle(&board.evidence) {
            // Nobody listening is no reason to stop: the report holds everything.
            let _ = found.send(finding);
        }
    }
    for finding in bench.close(&board.evidence) {
        let _ = found.send(finding);
    }
    RunReport {
        findings: bench.findings().cloned().collect(),
        leftovers: board.leftovers(&subject.probe_key),
        stopped: stop.is_cancelled(),
    }
}
