//! Buckets that do not respond do not keep the verifications of others waiting.

use std::sync::Arc;

use latchkey::domain::arn::KeyArn;
use latchkey::domain::external_id::ExternalId;
use serde_json::{Value, json};

use crate::support::granting_cloud::GrantingCloud;
use crate::support::server::TestServer;

const KEY: &str = "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// As many as a worker with three permits has places.
const SILENT: usize = 48;
const PERMITS: usize = 3;

async fn submit(server: &TestServer, slug: &str) -> Value {
    server.create_tenant(slug).await;
    let submission = json!({
        "mode": "direct", "bucket_arn": format!("arn:aws:s3:::{slug}"), "bucket_region": "us-east-1", "key_arn": KEY,
        "bucket_account_id": "222222222222",
    });
    let submitted = server
        .post(&format!("/v1/tenants/{slug}/storage-configs"), &submission)
        .await
        .expect(202);
    submitted["verification"]["id"].clone()
}

#[tokio::test]
async fn others_are_verified_meanwhile() {
    let cloud = GrantingCloud::new(ExternalId::from_random([7; 20]), KeyArn::parse(KEY).expect("the ARN of a key"));
    let server = TestServer::builder()
        .cloud(Arc::new(cloud.silent_for("silent-")))
        .concurrency(PERMITS)
        .start()
        .await;
    let mut silent = Vec::new();
    for number in 0..SILENT {
        silent.push(submit(&server, &format!("silent-{number}")).await);
    }
    let mut responding = Vec::new();
    for number in 0..10 {
        responding.push(submit(&server, &format!("responds-{number}")).await);
    }
    for id in responding {
        server.finished(&id).await;
    }
    for id in silent {
        let verification = server
            .get(&format!("/v1/verifications/{}", id.as_str().expect("an ID")))
            .await
            .expect(200);
        assert_ne!(verification["state"], Value::from("finished"), "its bucket has not responded");
    }
}
