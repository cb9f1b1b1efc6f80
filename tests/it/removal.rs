//! What customers remove in AWS after offboarding: they can read it with their link, and the printed commands work.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::aws::{World, apply_templates};
use crate::support::server::TestServer;
use crate::support::services::tools;
use crate::support::shell::{Shell, succeeded};

async fn offboard(server: &TestServer, slug: &str) {
    let request = server.request(reqwest::Method::DELETE, &format!("/v1/tenants/{slug}"));
    server.send(request.json(&json!({"reason": "Contract ended"}))).await.expect(200);
}

#[tokio::test]
async fn the_invite_link_shows_what_to_remove_after_offboarding() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let link = async || {
        let made = server.post("/v1/tenants/acme/invites", &json!({})).await.expect(201);
        (made["url"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
    };
    let (open, revoked, expired) = (link().await, link().await, link().await);
    let revoke = server.request(reqwest::Method::DELETE, &format!("/v1/tenants/acme/invites/{}", revoked.1));
    server.send(revoke).await;
    sqlx::query("update invites set created_at = now() - interval '2 days', expires_at = now() - interval '1 day' where id = $1::uuid")
        .bind(&expired.1)
        .execute(&server.pool)
        .await
        .unwrap();
    let before = server.get("/v1/tenants/acme/removal").await.expect(200);
    assert_eq!(before["steps"].as_array().map(Vec::len), Some(3), "ops may ask before the end too");
    offboard(&server, "acme").await;

    let read = async |url: &str| {
        let answer = server.send(server.bare(reqwest::Method::GET, url)).await;
        (answer.status, answer.body.as_str().expect("a page is text").to_owned())
    };
    let (status, page) = read(&open.0).await;
    assert_eq!(status, 410);
    for told in [
        "LatchkeyAssume",
        "LatchkeyObjects",
        "LatchkeyList",
        "LatchkeyKey",
        "Delete the role",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    for (url, _) in [&revoked, &expired] {
        let (status, page) = read(url).await;
        assert_eq!(status, 410);
        assert!(!page.contains("LatchkeyAssume") && !page.contains("acme"), "{page}");
    }
    sqlx::query("update tenants set offboarded_at = offboarded_at - interval '91 days'")
        .execute(&server.pool)
        .await
        .unwrap();
    sqlx::query("update invites set revoked_at = revoked_at - interval '91 days'")
        .execute(&server.pool)
        .await
        .unwrap();
    let (status, page) = read(&open.0).await;
    assert_eq!(status, 410);
    assert!(
        !page.contains("LatchkeyAssume"),
        "after a time the steps are no longer shown: {page}"
    );
}

mod tests_with_aws {
    use super::*;

    #[rstest]
    #[case("assume_role", true)]
    #[case("assume_role", false)]
    #[case("direct", true)]
    #[tokio::test]
    async fn the_removal_commands_remove_exactly_what_was_granted(#[case] mode: &'static str, #[case] alone: bool) {
        let tools = tools();
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        let id = server.create_tenant("acme").await["id"].as_str().unwrap().to_owned();
        let applied = apply_templates(&world, &server, "acme", mode).await;
        let theirs = json!({
            "Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{}:root", world.customer.id)},
            "Action": "s3:GetBucketTagging", "Resource": format!("arn:aws:s3:::{}", applied.bucket),
        });
        if !alone {
            let mut policy = applied.document("bucket-policy");
            policy["Statement"].as_array_mut().unwrap().push(theirs.clone());
            world.customer.put_bucket_policy(&applied.bucket, &policy).await;
        }
        let verification = server.submit("acme", &applied.submission()).await;
        assert_eq!(verification["verdict"], "verified", "{verification:#}");
        offboard(&server, "acme").await;

        let removal = server.get(&format!("/v1/tenants/{id}/removal")).await.expect(200);
        let folder = std::env::temp_dir().join(format!("latchkey-removal-{id}"));
        std::fs::create_dir(&folder).unwrap();
        let shell = Shell { tools, world: &world };
        for step in removal["steps"].as_array().unwrap() {
            let mut command = shell.command("sh");
            let ran = command
                .current_dir(&folder)
                .args(["-e", "-c", step["command"].as_str().unwrap()])
                .output()
                .await;
            succeeded(ran.expect("sh runs"));
        }
        std::fs::remove_dir_all(&folder).unwrap();

        let policy = world.customer.s3.get_bucket_policy().bucket(&applied.bucket).send().await;
        let policy = policy.ok().and_then(|policy| policy.policy);
        let policy: Option<Value> = policy.map(|text| serde_json::from_str(&text).expect("a policy is JSON"));
        if alone {
            assert_eq!(policy, None, "an empty policy is no policy");
        } else {
            assert_eq!(policy.unwrap()["Statement"], json!([theirs]));
        }
        let key = world
            .customer
            .kms
            .get_key_policy()
            .key_id(&applied.key)
            .policy_name("default")
            .send()
            .await;
        let key = key.unwrap().policy.unwrap();
        assert!(!key.contains("Latchkey") && key.contains("kms:*"), "{key}");
        let role = world.customer.iam.get_role().role_name(&applied.role_name).send().await;
        assert!(role.is_err(), "the role is gone, or never was");
    }
}
