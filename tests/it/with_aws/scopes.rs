//! Prefixes and read access: what is granted, proven and handed out is this much, and no more.

use aws_sdk_s3 as s3;
use latchkey::domain::token::Role;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::aws::{Applied, Keys, PREFIX, READ, REGION, Scope, WHOLE, World, apply_scope, apply_to, sdk_config};
use crate::support::server::{TestServer, check, checks};

async fn put(world: &World, bucket: &str, key: &str) {
    let putting = world.customer.s3.put_object().bucket(bucket).key(key);
    putting.body(b"a document".to_vec().into()).send().await.expect("an object is put");
}

/// The credentials that a service gets.
async fn credentials(server: &TestServer, tenant: &str, query: &str) -> Value {
    answer(server, tenant, query, 200).await
}

async fn answer(server: &TestServer, tenant: &str, query: &str, status: u16) -> Value {
    let service = server.token_of(Role::Service).await;
    let path = format!("{}/internal/v1/tenants/{tenant}/credentials{query}", server.private);
    let request = server.bare(Method::GET, &path).bearer_auth(&service);
    server.send(request).await.expect(status)
}

async fn client(world: &World, credentials: &Value) -> s3::Client {
    let text = |name: &str| credentials[name].as_str().expect("credentials are texts").to_owned();
    let keys = Keys {
        id: text("AccessKeyId"),
        secret: text("SecretAccessKey"),
        token: Some(text("Token")),
    };
    let config = sdk_config(&world.endpoint, &keys).await;
    s3::Client::from_conf(s3::config::Builder::from(&config).force_path_style(true).build())
}

async fn can_get(client: &s3::Client, bucket: &str, key: &str) -> bool {
    client.get_object().bucket(bucket).key(key).send().await.is_ok()
}

async fn can_put(client: &s3::Client, bucket: &str, key: &str) -> bool {
    let putting = client.put_object().bucket(bucket).key(key).body(b"other".to_vec().into());
    putting.send().await.is_ok()
}

async fn verified(server: &TestServer, tenant: &str, applied: &Applied) {
    let verification = server.submit(tenant, &applied.submission()).await;
    assert_eq!(verification["verdict"], "verified", "{verification:#}");
}

#[rstest]
#[tokio::test]
async fn a_prefix_is_all_that_is_granted(#[values("assume_role", "direct")] mode: &'static str) {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let applied = apply_scope(&world, &server, "acme", mode, PREFIX).await;
    let bucket = applied.bucket.as_str();
    world.customer.keep_versions(bucket).await;
    world.customer.suspend_versions(bucket).await;
    put(&world, bucket, "teams/documents/ours").await;
    put(&world, bucket, "others").await;
    verified(&server, "acme", &applied).await;
    let (keys, _) = world.customer.contents(bucket).await;
    assert_eq!(keys, ["others", "teams/documents/ours"], "the probe object is gone");

    let config = server.get("/v1/tenants/acme/storage-configs").await.expect(200);
    assert_eq!(config["items"][0]["prefix"], "teams/documents/");
    for query in ["", "?prefix=teams/documents/"] {
        let client = client(&world, &credentials(&server, "acme", query).await).await;
        assert!(can_get(&client, bucket, "teams/documents/ours").await && can_put(&client, bucket, "teams/documents/new").await);
        assert!(!can_get(&client, bucket, "others").await && !can_put(&client, bucket, "new").await);
        assert!(client.list_objects_v2().bucket(bucket).send().await.is_err());
        let below = client.list_objects_v2().bucket(bucket).prefix("teams/documents/").send().await;
        assert!(below.is_ok());
    }
    let refused = answer(&server, "acme", "?prefix=teams/", 422).await;
    assert_eq!(refused["errors"][0]["code"], "prefix_not_granted");
}

/// HEAD is denied to a caller who may only list with a prefix, so it does not show whose bucket it is.
#[tokio::test]
async fn the_wrong_account_is_found_with_a_prefix() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let applied = apply_scope(&world, &server, "acme", "direct", PREFIX).await;
    let mut submission = applied.submission();
    submission["bucket_account_id"] = json!("999999999999");
    let verification = server.submit("acme", &submission).await;
    assert_eq!(checks(&verification, "failed"), ["bucket-owner-matches"], "{verification:#}");
}

/// Two tenants share a bucket and a key. Prefixes that overlap are one bucket for two.
#[tokio::test]
async fn tenants_share_a_bucket_if_their_prefixes_are_apart() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    let bucket = world.customer.create_bucket().await;
    let key = world.customer.create_key().await;
    for (tenant, prefix, fails) in [
        ("acme", Some("acme/"), None),
        ("globex", Some("globex/"), None),
        ("initech", Some("acme/inner/"), Some("bucket-not-claimed")),
        ("umbrella", None, Some("bucket-not-claimed")),
    ] {
        server.create_tenant(tenant).await;
        let scope = Scope { prefix, ..WHOLE };
        let applied = apply_to(&world, &server, tenant, "assume_role", scope, bucket.clone(), key.clone()).await;
        let verification = server.submit(tenant, &applied.submission()).await;
        assert_eq!(checks(&verification, "failed"), Vec::from_iter(fails), "{verification:#}");
    }
    assert_eq!(server.status("acme").await, "active");
    assert_eq!(server.status("globex").await, "active");

    // The vendor's operators learn this beforehand. A customer does not: the bucket may be somebody else's.
    let other = world.customer.create_key().await;
    let default = "key_arn".to_owned();
    for (tenant, key, errors) in [
        ("initech", &key, vec![]),
        ("initech", &other, vec![(default, "not_the_default_key".to_owned())]),
        ("acme", &key, vec![]),
    ] {
        let role = format!("arn:aws:iam::{}:role/{tenant}-new", world.customer.id);
        let bucket_arn = format!("arn:aws:s3:::{bucket}");
        let prefix = format!("{tenant}/");
        let body = json!({"tenant": tenant, "mode": "assume_role", "bucket_arn": bucket_arn, "bucket_region": REGION, "key_arn": key,
            "role_arn": role, "prefix": prefix});
        let answer = server.post("/v1/validate", &body).await;
        assert_eq!(answer.errors(), errors, "{:#}", answer.body);
    }
}

/// The default key is the bucket's, so the fix of a wrong one concerns everything in it.
#[tokio::test]
async fn a_prefix_has_no_default_key_of_its_own() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let applied = apply_scope(&world, &server, "acme", "assume_role", PREFIX).await;
    let text = applied.document("bucket-encryption").to_string();
    let other = world.customer.create_key().await;
    let changed = serde_json::from_str(&text.replace(&applied.key, &other)).unwrap();
    applied.apply(&world.customer, "bucket-encryption", &changed).await;
    let verification = server.submit("acme", &applied.submission()).await;
    assert_eq!(checks(&verification, "failed"), ["encrypted-with-key"], "{verification:#}");
    let fix = &check(&verification, "encrypted-with-key")["fix"]["summary"];
    assert!(fix.as_str().unwrap().contains("The default applies to the whole bucket"), "{fix}");
}

#[rstest]
#[tokio::test]
async fn read_access_is_verified_without_a_write(#[values("assume_role", "direct")] mode: &'static str) {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let applied = apply_scope(&world, &server, "acme", mode, READ).await;
    let bucket = applied.bucket.as_str();
    put(&world, bucket, "documents/1").await;
    world.customer.keep_versions(bucket).await;
    verified(&server, "acme", &applied).await;
    assert_eq!(
        world.customer.contents(bucket).await,
        (vec!["documents/1".to_owned()], 1),
        "nothing was written"
    );

    let credentials = credentials(&server, "acme", "").await;
    let client = client(&world, &credentials).await;
    assert!(can_get(&client, bucket, "documents/1").await && !can_put(&client, bucket, "new").await);
    let refused = answer(&server, "acme", "?access=read_write", 422).await;
    assert_eq!(refused["errors"][0]["code"], "access_not_granted");
}

/// What keeps a verification from reading an object.
#[tokio::test]
async fn an_object_is_needed_to_verify_read_access() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let applied = apply_scope(&world, &server, "acme", "direct", READ).await;
    let bucket = applied.bucket.as_str();
    let named = |key: Option<&str>| {
        let mut submission = applied.submission();
        submission["sample_object"] = json!(key);
        submission
    };
    let summary = |verification: &Value, name: &str| check(verification, name)["summary"].as_str().unwrap_or_default().to_owned();

    let empty = server.submit("acme", &named(None)).await;
    assert_eq!(checks(&empty, "failed"), ["object-readable"], "{empty:#}");
    assert!(summary(&empty, "object-readable").starts_with("There is no object to read"));
    let absent = server.submit("acme", &named(Some("absent"))).await;
    assert_eq!(checks(&absent, "failed"), ["object-readable"], "{absent:#}");
    assert_eq!(summary(&absent, "object-readable"), "There is no object with this key.");

    let other = world.customer.s3.put_object().bucket(bucket).key("other");
    let other = other.server_side_encryption(s3::types::ServerSideEncryption::Aes256);
    other.body(b"a document".to_vec().into()).send().await.expect("an object is put");
    let other = server.submit("acme", &named(Some("other"))).await;
    assert_eq!(checks(&other, "failed"), ["key-decrypt-allowed"], "{other:#}");
    put(&world, bucket, "documents/1").await;
    let found = server.submit("acme", &named(Some("documents/1"))).await;
    assert_eq!(found["verdict"], "verified", "{found:#}");
}
