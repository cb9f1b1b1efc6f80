//! Signing in with JWTs of an identity provider, valid and invalid ones.

use std::time::Duration;

use aws_lc_rs::hmac;
use latchkey::domain::token::Role;
use latchkey::identity_provider::{IdentityProviderSettings, ServiceTenants};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::clock::clock;
use crate::support::identity_provider::{Behavior, Provider, SigningKey, encoded};
use crate::support::seed::Seed;
use crate::support::server::{ApiResponse, TestServer};

async fn server(settings: IdentityProviderSettings) -> TestServer {
    TestServer::builder().identity_provider(settings).start().await
}

/// The response to a request with this JWT.
async fn get(server: &TestServer, jwt: &str) -> ApiResponse {
    ask(server, jwt, Method::GET, "/v1/tenants").await
}

async fn ask(server: &TestServer, jwt: &str, method: Method, path: &str) -> ApiResponse {
    server
        .send(server.bare(method, &format!("{}{path}", server.private)).bearer_auth(jwt))
        .await
}

#[tokio::test]
async fn jwts_of_each_algorithm_family_are_accepted() {
    let (rsa, p256, p384, ed) = (
        SigningKey::rsa("r"),
        SigningKey::p256("e"),
        SigningKey::p384("f"),
        SigningKey::ed25519("d"),
    );
    let provider = Provider::with(&[&rsa, &p256, &p384, &ed]).await;
    let server = server(provider.settings()).await;
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        get(&server, &rsa.sign(algorithm, &provider.claims(&json!({})))).await.expect(200);
    }
    for (key, algorithm) in [(&p256, "ES256"), (&p384, "ES384"), (&ed, "EdDSA")] {
        get(&server, &key.sign(algorithm, &provider.claims(&json!({})))).await.expect(200);
    }
    assert_eq!(provider.asked(), 1, "keys are kept");

    let jwt = ed.sign("EdDSA", &provider.claims(&json!({"aud": ["other", "latchkey"]})));
    let made = server
        .bare(Method::POST, &format!("{}/v1/tenants", server.private))
        .bearer_auth(&jwt);
    let made = server.send(made.json(&json!({"slug": "acme", "name": "Acme"}))).await;
    let request_id = made.headers["x-request-id"].to_str().unwrap().to_owned();
    made.expect(201);
    let log = server.get("/v1/events?tenant=acme&actor=user:ada-42").await.expect(200);
    let event = &log["items"][0];
    assert_eq!(event["actor"], json!({"kind": "user", "subject": "ada-42", "name": "Ada Example"}));
    assert_eq!((&event["address"], &event["request_id"]), (&json!("127.0.0.1"), &json!(request_id)));
    assert_eq!(
        ask(&server, &jwt, Method::GET, "/v1/tokens").await.status,
        403,
        "ops may not see tokens"
    );
}

#[tokio::test]
async fn an_invalid_jwt_is_rejected_with_the_reason() {
    let (key, forger) = (SigningKey::rsa("one"), SigningKey::rsa("one"));
    let provider = Provider::with(&[&key]).await;
    let server = server(provider.settings()).await;
    let now = clock().now().timestamp();
    let good = provider.claims(&json!({}));
    let signed = |more: Value| key.sign("RS256", &provider.claims(&more));
    let under = |head: Value, algorithm| key.sign_under(&head, algorithm, &good);
    let whole = signed(json!({}));
    let tampered = {
        let parts: Vec<&str> = whole.split('.').collect();
        format!(
            "{}.{}.{}",
            parts[0],
            encoded(provider.claims(&json!({"roles": "admin"})).to_string()),
            parts[2]
        )
    };
    // The public key, which everyone knows, as the HMAC secret.
    let symmetric = {
        let message = format!("{}.{}", encoded(r#"{"alg":"HS256","kid":"one"}"#), encoded(good.to_string()));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public()["n"].as_str().unwrap().as_bytes());
        format!("{message}.{}", encoded(hmac::sign(&secret, message.as_bytes())))
    };
    let unsigned = format!("{}.{}.", encoded(r#"{"alg":"none","kid":"one"}"#), encoded(good.to_string()));
    for (jwt, rule) in [
        (forger.sign("RS256", &good), "signature"),
        (tampered, "signature"),
        (whole.rsplit_once('.').unwrap().0.to_owned() + ".", "signature"),
        (unsigned, "algorithm"),
        (symmetric, "algorithm"),
        (under(json!({"alg": "PS256", "kid": "one"}), "RS256"), "signature"),
        (under(json!({"alg": "ES256", "kid": "one"}), "RS256"), "another algorithm"),
        (under(json!({"alg": "RS256", "kid": "two"}), "RS256"), "no key"),
        (under(json!({"alg": "RS256", "kid": "one", "typ": "logout+jwt"}), "RS256"), "typ"),
        (under(json!({"alg": "RS256", "kid": "one", "crit": ["exp"]}), "RS256"), "crit"),
        (signed(json!({"exp": now - 120})), "expired"),
        (signed(json!({"exp": null})), "exp"),
        (signed(json!({"nbf": now + 120})), "nbf"),
        (signed(json!({"iat": now + 120})), "iat"),
        (signed(json!({"aud": "another-service"})), "aud"),
        (signed(json!({"aud": null})), "aud"),
        (signed(json!({"iss": "https://login.elsewhere.example"})), "iss"),
        (signed(json!({"sub": ""})), "sub"),
        ("nonsense".to_owned(), "base64url"),
        (format!("{whole}.more.parts"), "base64url"),
    ] {
        let refused = get(&server, &jwt).await;
        assert_eq!(refused.status, 401, "{rule}: {:#}", refused.body);
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(
            detail.contains(rule) && !detail.contains("eyJ") && !detail.contains("ada"),
            "{rule}: {detail}"
        );
    }
    get(&server, &signed(json!({"exp": now - 30, "nbf": now + 30, "iat": now + 30})))
        .await
        .expect(200);
    get(&server, &under(json!({"alg": "RS256"}), "RS256")).await.expect(200);
    assert_eq!(get(&server, "lk_ops_nonsense").await.status, 401);
}

#[tokio::test]
async fn new_keys_are_fetched_and_removed_keys_invalidate_their_jwts() {
    let (old, new) = (SigningKey::p256("old"), SigningKey::p256("new"));
    let provider = Provider::with(&[&old]).await;
    let server = server(provider.settings()).await;
    let by_old = old.sign("ES256", &provider.claims(&json!({})));
    let by_new = new.sign("ES256", &provider.claims(&json!({})));
    get(&server, &by_old).await.expect(200);
    get(&server, &by_new).await.expect(401);
    provider.publish(&[&new]);
    get(&server, &by_new).await.expect(200);
    get(&server, &by_old).await.expect(401);
}

#[tokio::test]
async fn unknown_key_ids_do_not_cause_repeated_fetches() {
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    let mut settings = provider.settings();
    settings.timing.pause = Duration::from_hours(1);
    settings.timing.refresh = Duration::from_hours(2);
    let server = server(settings).await;
    get(&server, &key.sign("ES256", &provider.claims(&json!({})))).await.expect(200);
    let forged: Vec<String> = (0..20)
        .map(|number| {
            key.sign_under(
                &json!({"alg": "ES256", "kid": format!("made-up-{number}")}),
                "ES256",
                &provider.claims(&json!({})),
            )
        })
        .collect();
    for answer in futures::future::join_all(forged.iter().map(|jwt| get(&server, jwt))).await {
        // It may be a new key, which is unknown until the hour is over.
        assert_eq!(answer.status, 503, "{:#}", answer.body);
        assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 60);
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn keys_are_kept_while_the_provider_is_unavailable() {
    let (key, new) = (SigningKey::p256("one"), SigningKey::p256("new"));
    let provider = Provider::with(&[&key]).await;
    provider.set_behavior(Behavior::Unavailable);
    let server = server(provider.settings()).await;
    let jwt = |key: &SigningKey, subject: &str| key.sign("ES256", &provider.claims(&json!({"sub": subject})));
    let away = get(&server, &jwt(&key, "a")).await;
    assert_eq!(away.status, 503, "{:#}", away.body);
    assert!(away.headers.contains_key("retry-after"));
    server.get("/v1/tenants").await.expect(200);

    provider.set_behavior(Behavior::Normal);
    get(&server, &jwt(&key, "a")).await.expect(200);
    provider.set_behavior(Behavior::Unavailable);
    get(&server, &jwt(&new, "a")).await.expect(503);
    get(&server, &jwt(&key, "b")).await.expect(200);
    provider.publish(&[&key, &new]);
    provider.set_behavior(Behavior::Normal);
    get(&server, &jwt(&new, "a")).await.expect(200);
}

#[rstest]
#[case::of_another_issuer(Behavior::OtherIssuer)]
#[case::keys_over_http(Behavior::InsecureKeysUrl)]
#[case::without_end(Behavior::HugeKeySet)]
#[case::redirected(Behavior::Redirect)]
#[tokio::test]
async fn an_untrustworthy_provider_provides_no_keys(#[case] behavior: Behavior) {
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    provider.set_behavior(behavior);
    let server = server(provider.settings()).await;
    let jwt = key.sign("ES256", &provider.claims(&json!({})));
    assert_eq!(get(&server, &jwt).await.status, 503);
    provider.set_behavior(Behavior::Normal);
    get(&server, &jwt).await.expect(200);
}

#[tokio::test]
async fn roles_are_read_and_mapped_as_configured() {
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    let mut settings = provider.settings();
    settings.roles.path = "realm_access.roles".into();
    settings.roles.mapping = Some(vec![
        ("storage-admins".into(), Role::Admin),
        ("on-call".into(), Role::Ops),
        ("readers".into(), Role::Viewer),
        ("machines".into(), Role::Service),
    ]);
    settings.service_tenants = ServiceTenants::All;
    let server = server(settings).await;
    let with = |roles: Value| key.sign("ES256", &provider.claims(&json!({"realm_access": {"roles": roles}})));
    get(&server, &with(json!(["readers"]))).await.expect(200);
    let tokens = |jwt: String| {
        let server = &server;
        async move { ask(server, &jwt, Method::GET, "/v1/tokens").await.status }
    };
    assert_eq!(tokens(with(json!("readers on-call"))).await, 403);
    assert_eq!(tokens(with(json!(["readers", "storage-admins"]))).await, 200);
    let none = get(&server, &with(json!(["admin", "guests"]))).await;
    assert_eq!((none.status, &none.body["type"]), (403, &json!("/problems/forbidden")));
    assert!(
        none.body["detail"].as_str().unwrap().contains("realm_access.roles"),
        "{:#}",
        none.body
    );

    // Services may read storage configs and nothing else. The second read comes from memory.
    let machine = with(json!(["machines"]));
    for _ in 0..2 {
        let path = "/internal/v1/tenants/nobody/storage-config";
        assert_eq!(ask(&server, &machine, Method::GET, path).await.status, 404);
    }
    assert_eq!(get(&server, &machine).await.status, 403);
    let reader = with(json!(["readers"]));
    assert_eq!(ask(&server, &reader, Method::GET, "/internal/v1/changes").await.status, 403);
}

#[tokio::test]
async fn a_jwt_from_the_proxy_is_protected_against_csrf() {
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    let mut settings = provider.settings();
    settings.header = Some("x-proxy-jwt".parse().unwrap());
    let server = server(settings).await;
    let jwt = key.sign("ES256", &provider.claims(&json!({})));
    let url = format!("{}/v1/tenants", server.private);
    let handed_on = |method| server.bare(method, &url).header("x-proxy-jwt", &jwt);
    server.send(handed_on(Method::GET)).await.expect(200);
    let body = json!({"slug": "acme", "name": "Acme"});
    let foreign = handed_on(Method::POST).header("sec-fetch-site", "cross-site").json(&body);
    let refused = server.send(foreign).await;
    assert_eq!((refused.status, &refused.body["type"]), (403, &json!("/problems/forbidden")));
    server.send(handed_on(Method::POST).json(&body)).await.expect(201);
    let both = handed_on(Method::GET).bearer_auth("lk_ops_nonsense");
    assert_eq!(server.send(both).await.status, 401, "what the caller shows itself comes first");
}

#[tokio::test]
async fn without_a_provider_jwts_are_rejected() {
    let server = TestServer::start().await;
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    let refused = get(&server, &key.sign("ES256", &provider.claims(&json!({})))).await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.body["detail"].as_str().unwrap().contains("no identity provider"),
        "{:#}",
        refused.body
    );
}

/// A viewer is refused every action, and each attempt is recorded.
#[tokio::test]
async fn every_change_by_a_viewer_is_refused_and_audited() {
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    let server = server(provider.settings()).await;
    server.create_tenant("acme").await;
    let jwt = key.sign("ES256", &provider.claims(&json!({"roles": "viewer"})));
    let token = server.token_of(Role::Viewer).await;
    // Validating and computing change nothing, so viewers may do both.
    let reading = ["/v1/validate", "/v1/tenants/{tenant}/templates/merge"];
    let api = server.get("/openapi.json").await.expect(200);
    let mut tried = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in ["post", "patch", "put", "delete"] {
            if !path.starts_with("/v1/") || item.get(method).is_none() || reading.contains(&path.as_str()) {
                continue;
            }
            let concrete = path
                .replace("{tenant}", "acme")
                .replace("{id}", "00000000-0000-7000-8000-000000000000");
            for shown in [&jwt, &token] {
                let method: Method = method.to_uppercase().parse().unwrap();
                let refused = ask(&server, shown, method.clone(), &concrete).await;
                assert_eq!(refused.status, 403, "{method} {path}: {:#}", refused.body);
                tried.push((method.to_string(), path.clone(), refused.body["instance"].clone()));
            }
        }
    }
    assert!(tried.len() > 24, "{tried:?}");
    let log = server.get("/v1/events?action=request.refused&limit=1000").await.expect(200);
    let written: Vec<(String, String, Value)> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let text = |member: &str| event["detail"][member].as_str().unwrap().to_owned();
            (text("method"), text("route"), event["request_id"].clone())
        })
        .collect();
    assert_eq!(written, tried);
}

/// The statuses of a service's reads of these tenants.
async fn reads(server: &TestServer, jwt: &str, tenants: &[&str]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for tenant in tenants {
        let path = format!("/internal/v1/tenants/{tenant}/storage-config");
        statuses.push(ask(server, jwt, Method::GET, &path).await.status);
    }
    statuses
}

#[tokio::test]
async fn a_jwt_of_a_service_reads_only_the_tenants_in_its_claim() {
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    let mut settings = provider.settings();
    settings.service_tenants = ServiceTenants::Claim("latchkey_tenants".into());
    let server = server(settings).await;
    let seed = Seed::new(&server);
    let acme = seed.active("acme").await;
    seed.active("globex").await;
    let with = |more: Value| key.sign("ES256", &provider.claims(&more));
    let service = with(json!({"roles": "service", "latchkey_tenants": [acme]}));
    assert_eq!(reads(&server, &service, &["acme", "globex", "nobody"]).await, [200, 404, 404]);
    let changes = ask(&server, &service, Method::GET, "/internal/v1/changes").await.expect(200);
    let slugs: Vec<&Value> = changes["items"].as_array().unwrap().iter().map(|item| &item["slug"]).collect();
    assert_eq!(slugs, ["acme"], "{changes:#}");

    for tenants in [json!(null), json!(acme), json!(["acme"])] {
        let refused = ask(
            &server,
            &with(json!({"roles": "service", "latchkey_tenants": tenants})),
            Method::GET,
            "/internal/v1/changes",
        )
        .await;
        assert_eq!(refused.status, 403, "{tenants}: {:#}", refused.body);
        assert!(
            refused.body["detail"].as_str().unwrap().contains("latchkey_tenants"),
            "{:#}",
            refused.body
        );
    }
    get(&server, &with(json!({"roles": "viewer"}))).await.expect(200);
}

#[tokio::test]
async fn without_a_setting_no_jwt_is_a_services() {
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    let server = server(provider.settings()).await;
    Seed::new(&server).active("acme").await;
    let service = key.sign("ES256", &provider.claims(&json!({"roles": "service"})));
    let refused = ask(&server, &service, Method::GET, "/internal/v1/tenants/acme/storage-config").await;
    assert_eq!(refused.status, 403, "{:#}", refused.body);
    assert!(
        refused.body["detail"].as_str().unwrap().contains("LATCHKEY_OIDC_TENANTS_CLAIM"),
        "{:#}",
        refused.body
    );
    for role in ["viewer", "ops", "admin"] {
        get(&server, &key.sign("ES256", &provider.claims(&json!({"roles": role}))))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_jwt_that_is_valid_for_too_long_is_refused() {
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    let server = server(provider.settings()).await;
    let now = clock().now().timestamp();
    let with = |issued: Value, expires: i64| key.sign("ES256", &provider.claims(&json!({"iat": issued, "exp": expires})));
    get(&server, &with(json!(now - 43_200), now + 43_200)).await.expect(200);
    for (jwt, reason) in [
        (with(json!(now), now + 90_000), "valid for too long"),
        (with(json!(now - 90_000), now + 60), "issued too long ago"),
        (with(json!(null), now + 60), "claim iat"),
    ] {
        let refused = get(&server, &jwt).await;
        assert_eq!(refused.status, 401, "{reason}: {:#}", refused.body);
        assert!(
            refused.body["detail"].as_str().unwrap().contains(reason),
            "{reason}: {:#}",
            refused.body
        );
    }
}

#[tokio::test]
async fn an_id_token_is_only_accepted_from_the_proxy() {
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    let mut settings = provider.settings();
    settings.header = Some("x-proxy-jwt".parse().unwrap());
    let server = server(settings.clone()).await;
    let claims = provider.claims(&json!({"nonce": "n-0S6_WzA2Mj"}));
    let id_token = key.sign("ES256", &claims);
    let by_proxy = || {
        server
            .bare(Method::GET, &format!("{}/v1/tenants", server.private))
            .header("x-proxy-jwt", &id_token)
    };
    for _ in 0..2 {
        let refused = get(&server, &id_token).await;
        assert_eq!(refused.status, 401, "{:#}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains("ID token"), "{:#}", refused.body);
        // Which is remembered, but not for the other header.
        server.send(by_proxy()).await.expect(200);
    }
    let access_token = key.sign_under(&json!({"alg": "ES256", "typ": "at+jwt", "kid": "one"}), "ES256", &claims);
    get(&server, &access_token).await.expect(200);

    settings.id_tokens = true;
    let lenient = server.replica().identity_provider(settings).start().await;
    get(&lenient, &id_token).await.expect(200);
}

#[tokio::test]
async fn a_user_with_a_lower_role_does_not_get_earlier_responses() {
    let key = SigningKey::p256("one");
    let provider = Provider::with(&[&key]).await;
    let server = server(provider.settings()).await;
    let create = async |roles: &str| {
        let jwt = key.sign("ES256", &provider.claims(&json!({"roles": roles})));
        let request = server
            .bare(Method::POST, &format!("{}/v1/tenants", server.private))
            .bearer_auth(jwt);
        let request = request
            .header("idempotency-key", "k")
            .json(&json!({"slug": "acme", "name": "Acme"}));
        server.send(request).await
    };
    create("ops").await.expect(201);
    assert_eq!(create("ops").await.headers["idempotent-replayed"], "true");
    let lowered = create("viewer").await;
    assert_eq!((lowered.status, lowered.body["id"].as_str()), (422, None), "{:#}", lowered.body);
}
