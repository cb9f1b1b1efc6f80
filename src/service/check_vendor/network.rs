//! The proxy outside of the vendor's network. Whether it is really outside shows when a customer's policy denies what it calls.

use super::{Found, ReportStatus, VendorReport, report};
use crate::cloud::SetupCloud;
use crate::domain::api_result::Outcome;
use crate::domain::vendor::Vendor;

/// Nothing if the vendor names no network.
pub(super) async fn check(cloud: &dyn SetupCloud, vendor: &Vendor) -> Option<VendorReport> {
    let network = vendor.network.as_ref()?;
    let found = if network.is_probed { proxy(cloud).await } else { unproven() };
    Some(report("network", found))
}

fn unproven() -> Found {
    (
        ReportStatus::Note,
        "Customers' documents deny calls from outside of your network, but no verification proves it. Set LATCHKEY_NETWORK_OUTSIDE_PROXY."
            .into(),
    )
}

async fn proxy(cloud: &dyn SetupCloud) -> Found {
    let identity = cloud.identity_from_outside().await;
    match identity.as_ref().map(|answer| &answer.outcome) {
        Some(Outcome::Granted(_)) => (
            ReportStatus::Passed,
            "AWS responds through the proxy outside of your network. Its own address must not be one that your settings name.".into(),
        ),
        _ => (
            ReportStatus::Unanswered,
            "AWS does not respond through LATCHKEY_NETWORK_OUTSIDE_PROXY. Check its URL and its login, and that it opens tunnels to STS, S3 and KMS.".into(),
        ),
    }
}
