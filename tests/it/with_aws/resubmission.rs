//! Submitting while a version is active or being verified.

use serde_json::json;

use crate::support::aws::{World, apply_templates};
use crate::support::server::{TestServer, checks};

#[tokio::test]
async fn a_rejected_resubmission_keeps_the_active_version() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", "assume_role").await;
    server.submit("acme", &applied.submission()).await;

    let mut elsewhere = applied.submission();
    elsewhere["bucket_arn"] = json!("arn:aws:s3:::there-is-no-such-bucket-anywhere");
    let rejected = server.submit("acme", &elsewhere).await;
    assert_eq!((&rejected["verdict"], &rejected["version"]), (&json!("rejected"), &json!(2)));
    assert_eq!(checks(&rejected, "failed"), ["bucket-reachable"], "{rejected:#}");
    let tenant = server.get("/v1/tenants/acme").await.expect(200);
    assert_eq!(tenant["status"], "active");
    assert_eq!(tenant["active"]["version"], 1);
    assert_eq!(tenant["last_verification"]["version"], 2);

    let other = apply_templates(&world, &server, "acme", "direct").await;
    let verified = server.submit("acme", &other.submission()).await;
    assert_eq!(verified["verdict"], "verified", "{verified:#}");
    assert_eq!(server.get("/v1/tenants/acme").await.expect(200)["active"]["version"], 3);
    let versions = server.get("/v1/tenants/acme/storage-configs").await.expect(200);
    assert_eq!(versions["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_newer_submission_supersedes_a_running_verification() {
    let world = World::new().await;
    let held = crate::support::aws_proxy::HeldRequests::to(&world.endpoint, "GET", "latchkey-probe").await;
    let server = TestServer::builder().aws(&world).aws_endpoint(&held.url).start().await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", "assume_role").await;
    let path = "/v1/tenants/acme/storage-configs";
    let first = server.post(path, &applied.submission()).await.expect(202);
    held.one_is_held().await;

    let second = server.post(path, &applied.submission()).await.expect(202);
    let asked = server
        .post("/v1/tenants/acme/verifications", &json!({"version": 2}))
        .await
        .expect(202);
    assert_eq!(asked["id"], second["verification"]["id"], "the queued or running one is returned");
    let third = server.post(path, &applied.submission()).await.expect(202);
    let dropped = server.finished(&second["verification"]["id"]).await;
    assert_eq!(dropped["verdict"], "superseded");
    held.release();

    let stopped = server.finished(&first["verification"]["id"]).await;
    assert_eq!(stopped["verdict"], "superseded", "{stopped:#}");
    let last = server.finished(&third["verification"]["id"]).await;
    assert_eq!((&last["verdict"], &last["version"]), (&json!("verified"), &json!(3)));
    assert_eq!(server.get("/v1/tenants/acme").await.expect(200)["active"]["version"], 3);
    assert_eq!(world.customer.contents(&applied.bucket).await.0, Vec::<String>::new());
}
