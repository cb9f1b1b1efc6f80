//! Looks up an object of the token's tenant. Those of other tenants do not exist for it.

use super::auth::Customer;
use crate::domain::ids::VerificationId;
use crate::domain::verification::Verification;
use crate::http::AppState;
use crate::http::conventions::problem::Problem;
use crate::service::read;

pub(super) async fn find_verification(state: &AppState, customer: &Customer, id: VerificationId) -> Result<Verification, Problem> {
    read::verifications::find(&state.context, id)
        .await?
        .filter(|verification| verification.tenant_id == customer.tenant.id)
        .ok_or_else(Problem::unknown_verification)
}
