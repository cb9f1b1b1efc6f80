//! A call in flight, and how its result is recorded.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::run_state::RunState;

/// A call in flight.
pub(super) type PendingCall<'a> = BoxFuture<'a, CompletedCall>;

/// A call that returned, and where its result goes.
pub(super) struct CompletedCall {
    pub record: Box<dyn FnOnce(&mut RunState) + Send>,
    /// The call used the probe object, which must not be deleted before.
    pub used_object: bool,
}

/// Makes a call, and then hands its result to `record`.
pub(super) fn pending<'a, T: Send + 'static>(
    uses_object: bool,
    call: impl Future<Output = T> + Send + 'a,
    record: impl FnOnce(&mut RunState, T) + Send + 'static,
) -> PendingCall<'a> {
    async move {
        let result = call.await;
        CompletedCall {
            record: Box::new(move |state| record(state, result)),
            used_object: uses_object,
        }
    }
    .boxed()
}
