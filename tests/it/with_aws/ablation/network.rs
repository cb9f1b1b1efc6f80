//! Access from the vendor's network only: calls from elsewhere are denied by the statements of the documents.

use latchkey::domain::vendor_network::{OrganizationId, VendorNetwork, VpcEndpointId, VpcEndpoints};
use rstest::rstest;
use serde_json::{Value, json};

use super::Repair::Fixes;
use super::{Setup, TENANT, check, checks, has_sid, not_passed, statements};
use crate::support::aws::{READ, READ_PREFIX, Scope, WHOLE, World, apply_scope};
use crate::support::aws_proxy::with_headers;
use crate::support::server::TestServer;

const BUCKET: &str = "bucket-policy";
const KEY: &str = "key-policy";
const ROLE: &str = "role-permissions";
const SID: &str = "LatchkeyNetwork";

type Headers = &'static [(&'static str, &'static str)];

/// How the vendor calls AWS, and how somebody who has stolen its credentials does. The stand-in knows it from these headers.
#[derive(Debug, Clone, Copy)]
struct Way {
    inside: Headers,
    outside: Headers,
    network: fn() -> VendorNetwork,
}

const TLS: (&str, &str) = ("x-forwarded-proto", "https");
const FROM_THE_VENDOR: Headers = &[TLS, ("x-standin-source-ip", "52.57.10.20")];
const FROM_ELSEWHERE: Headers = &[TLS, ("x-standin-source-ip", "52.57.99.1")];
const THROUGH_AN_ENDPOINT: Headers = &[
    TLS,
    ("x-standin-source-vpce", "vpce-0123456789abcdef0"),
    ("x-standin-vpce-org", "o-a1b2c3d4e5"),
];
const THROUGH_ANOTHER: Headers = &[
    TLS,
    ("x-standin-source-vpce", "vpce-0fedcba9876543210"),
    ("x-standin-vpce-org", "o-z9y8x7w6v5"),
];

/// Over the internet, from a fixed address.
const ADDRESS: Way = Way {
    inside: FROM_THE_VENDOR,
    outside: FROM_ELSEWHERE,
    network: || network(&["52.57.10.20/32"], VpcEndpoints::These(Vec::new())),
};

/// Through an endpoint that is named. Calls over the internet have no endpoint.
const ENDPOINT: Way = Way {
    inside: THROUGH_AN_ENDPOINT,
    outside: FROM_ELSEWHERE,
    network: || {
        network(
            &[],
            VpcEndpoints::These(vec![VpcEndpointId::parse("vpce-0123456789abcdef0").unwrap()]),
        )
    },
};

/// Through any endpoint of the vendor's organization.
const ORGANIZATION: Way = Way {
    inside: THROUGH_AN_ENDPOINT,
    outside: THROUGH_ANOTHER,
    network: || network(&[], VpcEndpoints::OfOrganization(OrganizationId::parse("o-a1b2c3d4e5").unwrap())),
};

/// Through an endpoint, where addresses are named as well.
const EITHER: Way = Way {
    inside: THROUGH_AN_ENDPOINT,
    outside: THROUGH_ANOTHER,
    network: || {
        network(
            &["52.57.10.20/32"],
            VpcEndpoints::These(vec![VpcEndpointId::parse("vpce-0123456789abcdef0").unwrap()]),
        )
    },
};

fn network(source_ips: &[&str], endpoints: VpcEndpoints) -> VendorNetwork {
    VendorNetwork {
        source_ips: source_ips.iter().map(|net| net.parse().unwrap()).collect(),
        endpoints,
        is_probed: true,
    }
}

/// A tenant whose documents were applied as issued.
async fn setup(mode: &'static str, scope: Scope, way: Way) -> Setup {
    let world = World::new().await;
    let (inside, outside) = (
        with_headers(&world.endpoint, way.inside).await,
        with_headers(&world.endpoint, way.outside).await,
    );
    in_network(world, &inside, &outside, mode, scope, way).await
}

async fn in_network(world: World, inside: &str, outside: &str, mode: &'static str, scope: Scope, way: Way) -> Setup {
    let server = TestServer::builder()
        .aws(&world)
        .aws_endpoint(inside)
        .outside(outside)
        .network((way.network)())
        .start()
        .await;
    server.create_tenant(TENANT).await;
    let applied = apply_scope(&world, &server, TENANT, mode, scope).await;
    let setup = Setup { world, server, applied };
    if scope.access == "read" {
        let key = format!("{}document", scope.prefix.unwrap_or_default());
        let putting = setup.world.customer.s3.put_object().bucket(&setup.applied.bucket).key(key);
        putting.body(b"a document".to_vec().into()).send().await.expect("an object is put");
    }
    setup
}

/// Applies a document without the statement.
async fn unrestrict(setup: &Setup, document: &str) {
    if document == KEY {
        setup.world.customer.remove_from_key(&setup.applied.key, SID).await;
    } else {
        setup
            .change(document, |body| statements(body).retain(|statement| !has_sid(statement, SID)))
            .await;
    }
}

/// The puts are encrypted by KMS, which S3 calls from a network of its own.
#[rstest]
#[tokio::test]
async fn as_issued(
    #[values("assume_role", "direct")] mode: &'static str,
    #[values(ADDRESS, ENDPOINT, ORGANIZATION, EITHER)] way: Way,
    #[values(WHOLE, READ_PREFIX)] scope: Scope,
) {
    let setup = setup(mode, scope, way).await;
    let verification = setup.server.submit(TENANT, &setup.applied.submission()).await;
    assert_eq!(verification["verdict"], "verified", "{}", not_passed(&verification));
    assert_eq!(check(&verification, "network-restricted")["status"], "passed");
    assert_eq!(verification["leftovers"], json!([]));
}

#[rstest]
#[case::role("assume_role", ROLE)]
#[case::bucket("direct", BUCKET)]
#[case::key("direct", KEY)]
#[tokio::test]
async fn not_restricted(
    #[case] mode: &'static str,
    #[case] document: &str,
    #[values(ADDRESS, ENDPOINT)] way: Way,
    #[values(WHOLE, READ)] scope: Scope,
) {
    let setup = setup(mode, scope, way).await;
    unrestrict(&setup, document).await;
    setup.fails(&["network-restricted"], document, Fixes).await;
}

/// The vendor calls from another network than that of the applied documents.
#[rstest]
#[case::role("assume_role", ROLE, "bucket-listable")]
#[case::bucket("direct", BUCKET, "bucket-listable")]
#[case::key("direct", KEY, "key-describable")]
#[tokio::test]
async fn restricted_to_an_earlier_network(#[case] mode: &'static str, #[case] document: &str, #[case] fails: &str) {
    let setup = setup(mode, WHOLE, ADDRESS).await;
    setup.replace(document, "52.57.10.20/32", "52.57.10.99/32").await;
    let verification = setup.server.submit(TENANT, &setup.applied.submission()).await;
    assert!(
        checks(&verification, "failed").contains(&fails.to_owned()),
        "{}",
        not_passed(&verification)
    );
    let fix = &check(&verification, fails)["fix"];
    assert_eq!(fix["document"], document, "{fix:#}");
    let wanted = fix["statement"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![fix["statement"].clone()]);
    assert!(wanted.iter().any(|statement| has_sid(statement, SID)), "{fix:#}");
    setup.apply_fixes(verification).await;
}

/// The proxy's calls come from the vendor's network, so nothing can be said about others.
#[rstest]
#[tokio::test]
async fn the_proxy_is_not_outside(#[values("assume_role", "direct")] mode: &'static str) {
    let world = World::new().await;
    let inside = with_headers(&world.endpoint, FROM_THE_VENDOR).await;
    let setup = in_network(world, &inside, &inside, mode, WHOLE, ADDRESS).await;
    let verification = setup.server.submit(TENANT, &setup.applied.submission()).await;
    assert_eq!(
        inconclusive(&verification),
        ("network-restricted", "vendor"),
        "{}",
        not_passed(&verification)
    );
    assert!(
        check(&verification, "network-restricted")["summary"]
            .as_str()
            .unwrap()
            .contains("came from within")
    );
}

#[tokio::test]
async fn the_proxy_does_not_answer() {
    let world = World::new().await;
    let inside = with_headers(&world.endpoint, FROM_THE_VENDOR).await;
    let setup = in_network(world, &inside, "http://127.0.0.1:9", "direct", WHOLE, ADDRESS).await;
    let verification = setup.server.submit(TENANT, &setup.applied.submission()).await;
    assert_eq!(
        inconclusive(&verification),
        ("network-restricted", "vendor"),
        "{}",
        not_passed(&verification)
    );
}

/// Within one organization, AWS tells that it is the policy of a VPC endpoint, which is the vendor's.
#[rstest]
#[case::not_allowed(r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "NotAction": "s3:ListBucket", "Resource": "*"}]}"#)]
#[case::denied(r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Principal": "*", "Action": "s3:ListBucket", "Resource": "*"}]}"#)]
#[tokio::test]
async fn the_policy_of_a_vpc_endpoint_is_the_vendors(#[case] policy: &'static str, #[values("assume_role", "direct")] mode: &'static str) {
    let world = World::new().await;
    world.join_in_one_organization().await;
    let headers = Box::leak(Box::new([
        TLS,
        ("x-standin-source-vpce", "vpce-0123456789abcdef0"),
        ("x-standin-vpce-policy", policy),
    ]));
    let endpoint = with_headers(&world.endpoint, headers).await;
    let setup = Setup::through(world, &endpoint, mode, WHOLE).await;
    let verification = setup.server.submit(TENANT, &setup.applied.submission()).await;
    assert_eq!(checks(&verification, "failed"), [""; 0], "{}", not_passed(&verification));
    assert_eq!(inconclusive(&verification).1, "vendor", "{}", not_passed(&verification));
}

/// The only check without a result, and who has to act.
fn inconclusive(verification: &Value) -> (&str, &str) {
    assert_eq!(verification["verdict"], "inconclusive", "{}", not_passed(verification));
    let all = verification["checks"].as_array().unwrap().iter();
    let inconclusive: Vec<&Value> = all.filter(|check| check["status"] == "inconclusive").collect();
    let first = inconclusive
        .first()
        .unwrap_or_else(|| panic!("every check has a result: {}", not_passed(verification)));
    (first["name"].as_str().unwrap(), first["side"].as_str().unwrap_or_default())
}
