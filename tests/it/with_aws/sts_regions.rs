//! STS is deactivated in the region that Latchkey calls: whose fault that is follows from the account that STS names.

use serde_json::{Value, json};

use crate::support::aws::{Account, REGION, World, apply_templates};
use crate::support::server::{TestServer, check, checks};

/// AWS has this in the console only.
async fn set_sts(world: &World, account: &Account, change: &str) {
    let scope = format!("AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/account/aws4_request", account.id);
    let sending = reqwest::Client::new().post(format!("{}/{change}", world.endpoint));
    let sending = sending.header("authorization", scope).json(&json!({"RegionName": REGION}));
    assert_eq!(sending.send().await.expect("the stand-in answers").status(), 200);
}

/// Whose account it is.
#[derive(Clone, Copy)]
enum Side {
    Customer,
    Vendor,
}

/// The verification while the account has STS deactivated. After that, the next one succeeds.
async fn verification_without_sts(side: Side) -> (World, Value) {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", "assume_role").await;
    let account = match side {
        Side::Customer => &world.customer,
        Side::Vendor => &world.vendor,
    };
    set_sts(&world, account, "deactivateSts").await;
    let verification = server.submit("acme", &applied.submission()).await;
    set_sts(&world, account, "activateSts").await;
    assert_eq!(server.verify("acme").await["verdict"], "verified");
    (world, verification)
}

#[tokio::test]
async fn the_customer_is_told_to_activate_sts() {
    let (world, verification) = verification_without_sts(Side::Customer).await;
    assert_eq!(checks(&verification, "failed"), ["client-role-assumable"], "{verification:#}");
    let found = check(&verification, "client-role-assumable");
    assert_eq!(
        (&found["side"], &found["fix"]["document"]),
        (&json!("customer"), &json!("account-settings"))
    );
    let fix = found["fix"]["summary"].as_str().unwrap();
    assert!(fix.contains(&world.customer.id) && fix.contains(REGION), "{fix}");
}

#[tokio::test]
async fn a_vendor_without_sts_is_alerted_and_no_customer_asked() {
    let (_, verification) = verification_without_sts(Side::Vendor).await;
    assert_eq!(verification["verdict"], "inconclusive", "{verification:#}");
    let found = check(&verification, "vendor-role-assumable");
    assert_eq!((&found["side"], &found["fix"]), (&json!("vendor"), &Value::Null));
    assert_eq!(found["aws"]["code"], "RegionDisabledException");
}
