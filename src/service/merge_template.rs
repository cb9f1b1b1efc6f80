//! Merging the issued statements into a customer's existing policy.

use serde_json::Value;
use tokio::sync::Semaphore;

use super::Context;
use super::issue_templates::{TypedParams, fill};
use crate::domain::storage_config::Mode;
use crate::domain::templates::merge::{MergeTarget, MergedDocument, merge, read};
use crate::domain::tenant::Tenant;
use crate::domain::text::FieldError;

/// How many policies are evaluated concurrently. Evaluating takes milliseconds of CPU time, which would delay other requests.
static EVALUATIONS: Semaphore = Semaphore::const_new(2);

/// The current policy, and the entries that are merged into it.
#[derive(Debug)]
pub(crate) struct MergeRequest {
    pub(crate) document: Option<String>,
    pub(crate) current: Option<Value>,
    pub(crate) typed: TypedParams,
}

/// Merges the tenant's statements into the current policy.
///
/// # Errors
/// Every invalid entry. Unlike for templates, all values that the statements contain are required.
///
/// # Panics
/// When the evaluation panics.
pub(crate) async fn merge_template(context: &Context, tenant: &Tenant, request: MergeRequest) -> Result<MergedDocument, Vec<FieldError>> {
    let (context, tenant) = (context.clone(), tenant.clone());
    let MergeRequest { document, current, typed } = request;
    evaluate(move || merge_now(&context, &tenant, document.as_deref(), current.as_ref(), &typed)).await
}

/// Runs an evaluation on a thread for blocking work.
async fn evaluate<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _permit = EVALUATIONS.acquire().await;
    tokio::task::spawn_blocking(work).await.expect("the evaluation does not panic")
}

fn merge_now(
    context: &Context,
    tenant: &Tenant,
    document: Option<&str>,
    current: Option<&Value>,
    typed: &TypedParams,
) -> Result<MergedDocument, Vec<FieldError>> {
    let mut faults = Vec::new();
    let target: Option<MergeTarget> = document.and_then(|text| text.trim().parse().ok());
    if target.is_none() {
        let detail = "must be bucket-policy or key-policy; the policies of the customer's role need no merging";
        faults.push(match document {
            None => FieldError::new("document", "required", format!("document is missing; it {detail}")),
            Some(_) => FieldError::new("document", "unknown_document", format!("document {detail}")),
        });
    }
    let present = match (target, current) {
        (_, None) => {
            let detail = "current is missing; send the current policy, or an empty string if the bucket has none";
            faults.push(FieldError::new("current", "required", detail));
            None
        }
        (None, _) => None,
        (Some(target), Some(current)) => read(target, current)
            .map_err(|malformed| faults.push(FieldError::of("current", malformed)))
            .ok(),
    };
    let params = fill(context, tenant, typed).map_err(|found| faults.extend(found)).ok();
    let params = params.map(|mut params| {
        params.account = params
            .account
            .take()
            .or_else(|| params.key.as_ref().map(|key| key.account().clone()));
        let assumed = params.mode == Mode::AssumeRole;
        let needed = [
            ("bucket", target == Some(MergeTarget::BucketPolicy) && params.bucket.is_none()),
            ("role_name", assumed && params.role_name.is_none()),
            ("account_id", assumed && params.account.is_none()),
        ];
        for (field, _) in needed.into_iter().filter(|(_, missing)| *missing) {
            faults.push(FieldError::new(
                field,
                "required",
                format!("{field} is missing; it is part of the statements to merge"),
            ));
        }
        params
    });
    match (target, present, params) {
        (Some(target), Some(present), Some(params)) if faults.is_empty() => Ok(merge(target, present, &params, context.clock.now())),
        _ => Err(faults),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn evaluations_leave_the_runtime_to_other_requests() {
        let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
        // Each evaluation runs until its sender is dropped.
        let begin = || {
            let (end, ended) = mpsc::channel::<()>();
            let started = started.clone();
            let evaluation = tokio::spawn(evaluate(move || {
                started.send(()).expect("the test waits");
                ended.recv().expect_err("nothing is sent");
            }));
            (end, evaluation)
        };
        let running = [begin(), begin()];
        starts.recv().await.expect("one starts");
        starts.recv().await.expect("another starts");
        // This thread is free, and no third evaluation starts.
        let mut third = Box::pin(evaluate(|| ()));
        assert!((&mut third).now_or_never().is_none());
        assert_eq!(EVALUATIONS.available_permits(), 0);
        for (end, evaluation) in running {
            drop(end);
            evaluation.await.expect("it ends");
        }
        third.await;
    }
}
