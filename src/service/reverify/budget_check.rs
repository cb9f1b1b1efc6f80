//! Whether the budget of calls to AWS is enough for the schedule.

use crate::domain::reverification::budget::OverBudget;
use crate::service::Context;
use crate::store::{self, reverifications};

#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    #[error("{}", explain(.0))]
    TooSmall(OverBudget),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Names what would work.
fn explain(over: &OverBudget) -> String {
    let service = <&str>::from(over.service).to_uppercase();
    let mut remedies = vec![format!(
        "LATCHKEY_{service}_CALLS_PER_SECOND={} if AWS allows that many",
        over.sufficient_rate()
    )];
    let periods = [
        ("LATCHKEY_LIGHT_VERIFICATION_EVERY", over.light_every),
        ("LATCHKEY_FULL_VERIFICATION_EVERY", over.full_every),
    ];
    let periods = periods
        .iter()
        .filter_map(|(setting, every)| Some(format!("{setting}={}", humantime::format_duration((*every)?))));
    remedies.push(periods.collect::<Vec<_>>().join(" and "));
    format!("{over}; set {}", remedies.join(", or "))
}

/// # Errors
/// When so many storage configs cannot be verified again on this schedule.
pub(crate) async fn fits_budget(context: &Context) -> Result<(), BudgetError> {
    let mut db = store::acquire(&context.pool).await?;
    let configs = reverifications::count(&mut db).await?;
    context
        .rates
        .check(&context.schedule, &configs, &context.vendor.extra)
        .map_err(BudgetError::TooSmall)
}
