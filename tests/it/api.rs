//! Invalid requests: the response names every fault, nothing is stored, and AWS is not called.

use std::sync::Arc;

use aws_smithy_http_client::test_util::infallible_client_fn;
use latchkey::cloud::aws::{AwsCloud, AwsOptions};
use latchkey::domain::token::Role;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::aws::{AwsAccess, sdk_config};
use crate::support::clock::clock;
use crate::support::seed::Seed;
use crate::support::server::TestServer;

/// A server that panics when it calls AWS.
async fn server() -> TestServer {
    let untouchable = infallible_client_fn(|_| -> axum::http::Response<&'static str> { panic!("AWS was called") });
    let access = AwsAccess::none();
    let config = sdk_config(&access.endpoint, &access.keys)
        .await
        .into_builder()
        .http_client(untouchable)
        .build();
    let cloud = AwsCloud::from_config(&config, AwsOptions::default(), clock());
    TestServer::builder().cloud(Arc::new(cloud)).start().await
}

fn good() -> Value {
    json!({
        "mode": "assume_role",
        "bucket_arn": "arn:aws:s3:::acme-documents",
        "bucket_region": "eu-central-1",
        "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "role_arn": "arn:aws:iam::222222222222:role/documents",
    })
}

async fn rows(server: &TestServer) -> (i64, i64) {
    let count = |table: &'static str| sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")));
    let configs = count("storage_configs").fetch_one(&server.pool).await.unwrap();
    let verifications = count("verifications").fetch_one(&server.pool).await.unwrap();
    (configs, verifications)
}

#[tokio::test]
async fn an_invalid_submission_lists_all_errors_and_stores_nothing() {
    let server = server().await;
    server.create_tenant("acme").await;
    let cases: Vec<(Value, Vec<(&str, &str)>)> = vec![
        (
            json!({"bucket_arn": "arn:aws:s3:eu-central-1::acme-documents"}),
            vec![("bucket_arn", "region_in_bucket_arn")],
        ),
        (
            json!({"key_arn": "arn:aws:kms:eu-central-1:222222222222:alias/docs"}),
            vec![("key_arn", "alias_arn")],
        ),
        (json!({"bucket_region": "us-east-1"}), vec![("key_arn", "key_in_other_region")]),
        (
            json!({"bucket_arn": "arn:aws-cn:s3:::acme-documents"}),
            vec![("bucket_arn", "other_partition")],
        ),
        (json!({"mode": "direct"}), vec![("role_arn", "role_arn_not_allowed")]),
        (json!({"role_arn": null}), vec![("role_arn", "role_arn_required")]),
        (
            json!({"external_id": "my-own-choice"}),
            vec![("external_id", "not_the_issued_external_id")],
        ),
        (json!({"bucket_regoin": "eu-central-1"}), vec![("bucket_regoin", "unknown_field")]),
        (json!({"bucket_arn": 7}), vec![("bucket_arn", "wrong_type")]),
        (
            json!({"mode": "both", "bucket_arn": "x", "bucket_region": "Frankfurt", "key_arn": 1, "extra": true}),
            vec![
                ("key_arn", "wrong_type"),
                ("extra", "unknown_field"),
                ("mode", "unknown_mode"),
                ("bucket_arn", "not_an_arn"),
                ("bucket_region", "malformed_region"),
            ],
        ),
    ];
    for (changes, expected) in cases {
        let mut body = good();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let answer = server.post("/v1/tenants/acme/storage-configs", &body).await;
        let found = answer.errors();
        let found: Vec<(&str, &str)> = found.iter().map(|(field, code)| (field.as_str(), code.as_str())).collect();
        assert_eq!(found, expected, "{changes}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let request_id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
        let problem = answer.expect(422);
        assert_eq!(problem["type"], "/problems/validation");
        assert_eq!(problem["instance"], request_id.as_str());
        for error in problem["errors"].as_array().unwrap() {
            assert!(error["detail"].as_str().unwrap().len() > 15, "{error}");
        }
    }
    assert_eq!(rows(&server).await, (0, 0));
    assert_eq!(server.status("acme").await, "invited");
}

#[tokio::test]
async fn the_vendors_own_account_is_refused() {
    let server = server().await;
    server.create_tenant("acme").await;
    let mut own = good();
    own["key_arn"] = json!("arn:aws:kms:eu-central-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab");
    own["bucket_account_id"] = json!("111111111111");
    let refused = |field: &str| (field.to_owned(), "vendor_account".to_owned());
    for path in ["/v1/validate", "/v1/tenants/acme/storage-configs"] {
        let answer = server.post(path, &own).await;
        assert_eq!(answer.status, 422, "{path}");
        assert_eq!(answer.errors(), [refused("bucket_account_id"), refused("key_arn")], "{path}");
    }
    assert_eq!(rows(&server).await, (0, 0));
}

#[tokio::test]
async fn validate_reports_errors_and_stores_nothing() {
    let server = server().await;
    let valid = server.post("/v1/validate", &good()).await.expect(200);
    assert_eq!(
        (&valid["valid"], &valid["bucket_account_id"]),
        (&json!(true), &json!("222222222222"))
    );
    assert_eq!(valid["derived"], json!({"bucket_account_id": "role_arn"}));
    let mut wrong = good();
    wrong["bucket_arn"] = json!("acme-documents");
    let problem = server.post("/v1/validate", &wrong).await.expect(422);
    assert_eq!(problem["errors"][0]["suggestion"], "arn:aws:s3:::acme-documents", "{problem:#}");
    assert_eq!(rows(&server).await, (0, 0));
}

#[tokio::test]
async fn validate_says_what_it_did_not_judge() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let other = seed.active("globex").await;
    server.create_tenant("acme").await;
    let taken = server.get(&format!("/v1/tenants/{other}")).await.expect(200)["active"].clone();
    let issued = server.get("/v1/tenants/acme").await.expect(200)["external_id"].clone();
    let validate = async |changes: Value| {
        let mut body = good();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        server.post("/v1/validate", &body).await
    };
    let error = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];

    // Without a tenant, any well-formed external ID is valid, and the response says so.
    let alone = validate(json!({"external_id": "somebody-elses-id"})).await.expect(200);
    assert_eq!(alone["not_judged"], json!(["external_id", "tenant_modes", "claims", "aws"]));
    assert_eq!(
        alone["judged"],
        json!(["mode", "bucket_arn", "bucket_region", "key_arn", "role_arn"])
    );
    assert!(
        alone["reasons"]["external_id"].as_str().unwrap().contains("no tenant is named"),
        "{alone:#}"
    );

    let known = validate(json!({"tenant": "acme", "external_id": issued, "bucket_account_id": "222222222222"}))
        .await
        .expect(200);
    assert_eq!(known["not_judged"], json!(["aws"]));
    assert_eq!(known["derived"], json!({}), "the account was submitted");
    for judged in ["external_id", "tenant_modes", "claims"] {
        assert!(known["judged"].as_array().unwrap().contains(&json!(judged)), "{known:#}");
    }
    let foreign = validate(json!({"tenant": "acme", "external_id": "somebody-elses-id"})).await;
    assert_eq!(foreign.errors(), error("external_id", "not_the_issued_external_id"));
    let claimed = validate(json!({"tenant": "acme", "bucket_arn": taken["bucket_arn"]})).await;
    assert_eq!((claimed.status, claimed.errors()), (422, error("bucket_arn", "claimed")));
    let own = validate(json!({"tenant": "globex", "mode": "direct", "role_arn": null, "bucket_arn": taken["bucket_arn"]})).await;
    assert_eq!(own.status, 200, "{:#}", own.body);

    for (tenant, code) in [
        (json!("nobody"), "unknown_tenant"),
        (json!(7), "wrong_type"),
        (json!("No Slug"), "malformed_slug"),
    ] {
        let refused = validate(json!({"tenant": tenant, "bucket_arn": "acme-documents"})).await;
        let expected = [error("tenant", code), error("bucket_arn", "not_an_arn")].concat();
        assert_eq!((refused.status, refused.errors()), (422, expected));
    }
    let misspelt = validate(json!({"tennant": "acme"})).await;
    assert_eq!(misspelt.errors(), error("tennant", "unknown_field"));
}

#[tokio::test]
async fn an_empty_external_id_is_refused() {
    let server = server().await;
    server.create_tenant("acme").await;
    for path in ["/v1/validate", "/v1/tenants/acme/storage-configs"] {
        for blank in ["", "  ", "\t"] {
            let mut body = good();
            body["external_id"] = json!(blank);
            let refused = server.post(path, &body).await;
            let expected = vec![("external_id".to_owned(), "blank_external_id".to_owned())];
            assert_eq!((refused.status, refused.errors()), (422, expected), "{path}");
        }
    }
    assert_eq!(rows(&server).await, (0, 0));
}

#[tokio::test]
async fn templates_refuse_what_a_submission_would() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let china = format!("arn:aws-cn:kms:cn-north-1:222222222222:key/{id}");
    let vendors = format!("arn:aws:kms:eu-central-1:111111111111:key/{id}");
    let root = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "kms:*", "Resource": "*"});
    let current = json!({"Version": "2012-10-17", "Statement": [root]});
    for (field, value, code) in [
        ("key_arn", china.as_str(), "other_partition"),
        ("key_arn", vendors.as_str(), "vendor_account"),
        ("account_id", "111111111111", "vendor_account"),
    ] {
        let expected = vec![(field.to_owned(), code.to_owned())];
        let found = server.get(&format!("/v1/tenants/acme/templates?{field}={value}")).await;
        assert_eq!((found.status, found.errors()), (422, expected.clone()), "{value}");
        for mode in ["assume_role", "direct"] {
            let mut body = json!({
                "document": "key-policy", "current": current, "mode": mode, "role_name": "documents", "account_id": "222222222222",
                "key_arn": format!("arn:aws:kms:eu-central-1:222222222222:key/{id}"),
            });
            body[field] = json!(value);
            let found = server.post("/v1/tenants/acme/templates/merge", &body).await;
            assert_eq!((found.status, found.errors()), (422, expected.clone()), "{mode}: {value}");
        }
    }
    let meant = server
        .get("/v1/tenants/acme/templates?bucket=s3://acme-documents/x")
        .await
        .expect(422);
    assert_eq!(meant["errors"][0]["suggestion"], "acme-documents", "{meant:#}");
}

#[rstest]
#[case::broken("{\"slug\": ", "application/json", 400, "/problems/unreadable")]
#[case::no_object("[1, 2]", "application/json", 400, "/problems/unreadable")]
#[case::no_json("slug=acme", "application/x-www-form-urlencoded", 415, "/problems/unsupported-media-type")]
#[tokio::test]
async fn an_unreadable_body_is_explained(#[case] body: &'static str, #[case] content: &str, #[case] status: u16, #[case] kind: &str) {
    let server = server().await;
    let request = server
        .request(Method::POST, "/v1/tenants")
        .header("content-type", content)
        .body(body);
    let problem = server.send(request).await.expect(status);
    assert_eq!(problem["type"], kind);
}

#[tokio::test]
async fn a_body_of_one_megabyte_is_rejected() {
    let server = server().await;
    let large = json!({"slug": "acme", "name": "x".repeat(1 << 20)}).to_string();
    let request = server
        .request(Method::POST, "/v1/tenants")
        .header("content-type", "application/json")
        .body(large);
    assert_eq!(server.send(request).await.expect(413)["type"], "/problems/too-large");
}

#[tokio::test]
async fn unknown_tenants_and_taken_slugs_are_reported() {
    let server = server().await;
    server.create_tenant("acme").await;
    let taken = server.post("/v1/tenants", &json!({"slug": "acme", "name": "Another"})).await;
    assert_eq!(taken.errors(), [("slug".to_owned(), "slug_taken".to_owned())]);
    assert_eq!(taken.expect(409)["type"], "/problems/conflict");
    for path in [
        "/v1/tenants/nobody",
        "/v1/tenants/No%20Slug",
        "/v1/tenants/nobody/templates",
        "/v1/verifications/x",
        "/v2",
    ] {
        assert_eq!(server.get(path).await.expect(404)["type"], "/problems/not-found", "{path}");
    }
    assert_eq!(server.post("/v1/tenants/nobody/storage-configs", &good()).await.status, 404);
    assert_eq!(
        server.post("/v1/tenants/acme/verifications", &json!({})).await.status,
        409,
        "nothing was submitted"
    );
    let wrong = server.request(Method::DELETE, "/v1/tenants");
    let answer = server.send(wrong).await;
    let allow = answer.headers["allow"].to_str().unwrap().to_owned();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    assert_eq!(answer.expect(405)["type"], "/problems/method-not-allowed");
    let faults = server
        .post("/v1/tenants", &json!({"slug": "A", "modes": ["both"], "nmae": "x"}))
        .await;
    let fields: Vec<String> = faults.errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["nmae", "slug", "name", "modes"]);
}

#[tokio::test]
async fn requests_need_a_valid_token_with_the_right_role() {
    let server = server().await;
    server.create_tenant("acme").await;
    let viewer = server.token_of(Role::Viewer).await;
    let service = server.token_of(Role::Service).await;
    let tenants = format!("{}/v1/tenants", server.private);
    let storage = format!("{}/internal/v1/tenants/acme/storage-config", server.private);

    let none = server.send(server.bare(Method::GET, &tenants)).await;
    assert_eq!(none.headers["www-authenticate"], "Bearer");
    assert_eq!(none.expect(401)["type"], "/problems/unauthenticated");
    let forged = server.bare(Method::GET, &tenants).bearer_auth("lk_admin_0000");
    assert_eq!(server.send(forged).await.status, 401);
    let basic = server.bare(Method::GET, &tenants).basic_auth("lk", Some(&viewer));
    assert_eq!(server.send(basic).await.status, 401);

    let reads = server.bare(Method::GET, &tenants).bearer_auth(&viewer);
    assert_eq!(server.send(reads).await.status, 200);
    let writes = server
        .bare(Method::POST, &tenants)
        .bearer_auth(&viewer)
        .json(&json!({"slug": "x1", "name": "x"}));
    let detail = server.send(writes).await.expect(403)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("ops or admin") && detail.contains("viewer"), "{detail}");
    let peeks = server.bare(Method::GET, &tenants).bearer_auth(&service);
    assert_eq!(server.send(peeks).await.status, 403);
    let ops_reads_storage = server.bare(Method::GET, &storage).bearer_auth(&server.token);
    assert_eq!(server.send(ops_reads_storage).await.status, 403);
    let nothing_yet = server.bare(Method::GET, &storage).bearer_auth(&service);
    assert_eq!(server.send(nothing_yet).await.status, 404);

    sqlx::query("update tokens set revoked_at = now() where role = 'viewer'")
        .execute(&server.pool)
        .await
        .unwrap();
    let revoked = server.bare(Method::GET, &tenants).bearer_auth(&viewer);
    assert_eq!(server.send(revoked).await.status, 401);
}

/// These pages have the dashboard's origin.
#[tokio::test]
async fn the_api_documentation_has_security_headers() {
    let server = TestServer::builder().trusted_proxies("127.0.0.0/8").start().await;
    for (path, kind) in [
        ("/docs/", "text/html"),
        ("/docs/swagger-ui-bundle.js", "text/javascript"),
        ("/docs/swagger-initializer.js", "text/javascript"),
        ("/openapi.json", "application/json"),
    ] {
        let request = server.bare(Method::GET, &format!("{}{path}", server.private));
        let answer = server.send(request.header("host", "latchkey.internal")).await;
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
        assert!(
            answer.status == 200 && header("content-type").starts_with(kind),
            "{path}: {}",
            header("content-type")
        );
        let policy = header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("strict-transport-security"), "", "{path} over http");
        // Behind a proxy that speaks TLS.
        let request = server.bare(Method::GET, &format!("{}{path}", server.private));
        let forwarded = request.header("host", "latchkey.internal").header("x-forwarded-proto", "https");
        assert!(
            server.send(forwarded).await.headers.contains_key("strict-transport-security"),
            "{path}"
        );
    }
    assert_eq!(server.get("/docs/nothing.js").await.expect(404)["type"], "/problems/not-found");
}

#[tokio::test]
async fn a_list_continues_at_its_cursor() {
    let server = server().await;
    for slug in ["one", "two", "three"] {
        server.create_tenant(slug).await;
    }
    let slugs = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
    };
    let first = server.get("/v1/tenants?limit=2").await.expect(200);
    assert_eq!(slugs(&first), ["three", "two"]);
    server.create_tenant("four").await;
    let next = format!("/v1/tenants?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = server.get(&next).await.expect(200);
    assert_eq!(slugs(&second), ["one"]);
    assert_eq!(second["next_cursor"], Value::Null);
    let wrong = server.get("/v1/tenants?limit=0&cursor=x").await;
    assert_eq!(wrong.errors().len(), 2);
    assert_eq!(wrong.status, 422);
    assert_eq!(server.get("/v1/tenants?limti=2").await.status, 400);
}

#[tokio::test]
async fn secrets_are_never_stored_in_plaintext() {
    let server = server().await;
    let stored: Vec<Vec<u8>> = sqlx::query_scalar("select hash from tokens").fetch_all(&server.pool).await.unwrap();
    assert_eq!(stored.iter().map(Vec::len).collect::<Vec<_>>(), [32]);
    let audit: Vec<Value> = sqlx::query_scalar("select detail from audit_events")
        .fetch_all(&server.pool)
        .await
        .unwrap();
    assert!(!audit.is_empty());
    let secret = server.token.rsplit('_').next().unwrap();
    assert!(audit.iter().all(|detail| !detail.to_string().contains(secret)));
    let changed = sqlx::query("update audit_events set action = 'nothing'")
        .execute(&server.pool)
        .await;
    assert!(changed.unwrap_err().to_string().contains("append-only"));
}

/// A response names all invalid fields.
#[tokio::test]
async fn all_invalid_fields_are_reported_at_once() {
    let server = server().await;
    let admin = server.token_of(Role::Admin).await;
    server.create_tenant("acme").await;
    let cases = [
        (
            "/v1/tenants",
            json!({"slug": "A", "name": 7, "modes": ["both"], "x": 1}),
            vec!["name", "x", "slug", "modes"],
        ),
        (
            "/v1/tokens",
            json!({"name": "", "role": "x", "expires_in_hours": 0, "tenants": ["A B"], "x": 1}),
            vec!["x", "role", "expires_in_hours", "tenants[0]", "name"],
        ),
        (
            "/v1/tenants/acme/invites",
            json!({"expires_in_hours": 0, "x": 1}),
            vec!["x", "expires_in_hours"],
        ),
        ("/v1/tenants/acme/suspend", json!({"reason": "", "x": 1}), vec!["x", "reason"]),
        (
            "/v1/tenants/acme/verifications",
            json!({"version": "x", "y": 1}),
            vec!["version", "y"],
        ),
        (
            "/v1/tenants/acme/templates/merge",
            json!({"document": "x", "current": {}, "mode": "y", "z": 1}),
            vec!["z", "document", "mode"],
        ),
    ];
    for (path, body, mut expected) in cases {
        let request = server.bare(Method::POST, &format!("{}{path}", server.private)).bearer_auth(&admin);
        let answer = server.send(request.json(&body)).await;
        let mut named: Vec<String> = answer.errors().into_iter().map(|(field, _)| field).collect();
        named.sort_unstable();
        expected.sort_unstable();
        assert_eq!(
            (answer.status, named),
            (422, expected.into_iter().map(str::to_owned).collect()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_cursor_is_valid_for_its_own_list_only() {
    let server = server().await;
    let admin = server.token_of(Role::Admin).await;
    for slug in ["one", "two", "three"] {
        server.create_tenant(slug).await;
    }
    let first = server.get("/v1/tenants?limit=1").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(
        server.get(&format!("/v1/tenants?limit=2&cursor={cursor}")).await.status,
        200,
        "the limit may change"
    );
    let tampered = cursor.replacen(|c: char| c.is_ascii_digit(), "9", 3);
    for (path, code) in [
        (format!("/v1/tokens?cursor={cursor}"), "foreign_cursor"),
        (format!("/v1/tenants?status=invited&cursor={cursor}"), "foreign_cursor"),
        (format!("/v1/tenants/one/verifications?cursor={cursor}"), "foreign_cursor"),
        (format!("/v1/tenants?cursor={tampered}"), "foreign_cursor"),
        ("/v1/tenants?cursor=abc".to_owned(), "malformed_cursor"),
        ("/v1/tenants?cursor=".to_owned(), "malformed_cursor"),
    ] {
        let request = server.bare(Method::GET, &format!("{}{path}", server.private)).bearer_auth(&admin);
        let answer = server.send(request).await;
        assert_eq!(
            (answer.status, answer.errors()),
            (422, vec![("cursor".to_owned(), code.to_owned())]),
            "{path}"
        );
    }
}

#[tokio::test]
async fn all_errors_of_a_merge_are_reported_at_once() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let path = "/v1/tenants/acme/templates/merge";
    let of = |faults: &[(&str, &str)]| {
        faults
            .iter()
            .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
            .collect::<Vec<_>>()
    };

    let nothing = server.post(path, &json!({})).await;
    let expected = [
        ("document", "required"),
        ("current", "required"),
        ("role_name", "required"),
        ("account_id", "required"),
    ];
    assert_eq!((nothing.status, nothing.errors()), (422, of(&expected)));

    let wrong = json!({"document": "bucket-policy", "current": "{", "bucket": "B", "role_name": 7, "posture": "yes", "nmae": 1});
    let wrong = server.post(path, &wrong).await;
    let expected = [
        ("role_name", "wrong_type"),
        ("posture", "wrong_type"),
        ("nmae", "unknown_field"),
        ("current", "not_json"),
        ("bucket", "old_bucket_name"),
    ];
    assert_eq!((wrong.status, wrong.errors()), (422, of(&expected)));

    let large = json!({"document": "bucket-policy", "current": "x".repeat(70_000)});
    assert_eq!(server.post(path, &large).await.status, 413);

    let unknown = server.get("/v1/tenants/acme/templates?format=yaml&bucket=B").await;
    let expected = [("format", "unknown_format"), ("bucket", "old_bucket_name")];
    assert_eq!(unknown.errors(), of(&expected));
    for (query, field, code) in [
        ("role_path=vendors", "role_path", "malformed_role_path"),
        ("tags=Team", "tags", "malformed_tags"),
        ("tags=aws:x=y", "tags", "reserved_tag_key"),
        ("permissions_boundary=boundary", "permissions_boundary", "not_an_arn"),
        (
            "permissions_boundary=arn:aws-cn:iam::aws:policy/ReadOnlyAccess",
            "permissions_boundary",
            "other_partition",
        ),
        (
            "key_arn=arn:aws-cn:kms:cn-north-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "key_arn",
            "other_partition",
        ),
    ] {
        let wrong = server.get(&format!("/v1/tenants/acme/templates?{query}")).await;
        assert_eq!((wrong.status, wrong.errors()), (422, of(&[(field, code)])), "{query}");
    }
    let perhaps = server.get("/v1/tenants/acme/templates?posture=perhaps").await;
    assert!(
        perhaps.status == 400 && perhaps.body["detail"].as_str().unwrap().contains("posture"),
        "{:#}",
        perhaps.body
    );
}
