//! A realistic request for each route.

use latchkey::http::Route;
use serde_json::{Value, json};

use super::subject::Subject;

/// A bucket and a key of a customer, for `direct`.
fn storage() -> Value {
    json!({
        "mode": "direct",
        "bucket_arn": "arn:aws:s3:::routes-documents",
        "bucket_region": "eu-central-1",
        "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    })
}

/// The path with its parameters filled in. `asset` is a file of the listener's pages.
pub fn path(route: &Route, subject: &Subject, asset: &str) -> String {
    let path = &route.path;
    let id = match path.split("/{id}").next().and_then(|before| before.rsplit('/').next()) {
        Some("verifications") => &subject.tenant.verification,
        Some("invites") => &subject.tenant.invite,
        // A contact that confirmed the address cannot be asked again, and only such a one can be invited.
        Some("contacts") if path.ends_with("/confirmation") => &subject.tenant.people.unconfirmed,
        Some("contacts") => &subject.tenant.people.confirmed,
        Some("campaigns") => &subject.campaign,
        Some("webhooks") => &subject.webhook.id,
        Some("tokens") => &subject.token,
        _ => "",
    };
    let name = match path.as_str() {
        "/docs/{name}" => "swagger-ui.css",
        "/problems/{name}" => "validation",
        "/onboard/documents/{name}" => "latchkey.tf",
        _ => asset,
    };
    let filled = [
        ("{tenant}", subject.tenant.slug.as_str()),
        ("{version}", if is_decision(path) { "2" } else { "1" }),
        ("{id}", id),
        ("{session}", &subject.tenant.session),
        ("{delivery}", &subject.webhook.delivery),
        ("{name}", name),
        ("{format}", "terraform"),
        (
            "{token}",
            match path.as_str() {
                "/mail/confirm/{token}" => &subject.tenant.people.confirm,
                "/mail/stop/{token}" | "/mail/resume/{token}" => &subject.tenant.people.stop,
                _ => &subject.tenant.link,
            },
        ),
    ];
    let filled = filled
        .iter()
        .fold(path.clone(), |path, (parameter, value)| path.replace(parameter, value));
    assert!(
        !filled.contains(['{', '}']) && !filled.contains("//"),
        "requests.rs lacks a value for {path}"
    );
    filled
}

/// An address that nobody has yet: each is asked a limited number of times to confirm it.
fn new_address(subject: &Subject) -> String {
    format!("{}@acme.example", subject.new_slug)
}

/// Whether the route decides on a pending version.
pub fn is_decision(path: &str) -> bool {
    path.contains("{version}") && (path.ends_with("/approve") || path.ends_with("/decline"))
}

/// The body of a request to the API. Most operations need none.
pub fn body(route: &Route, subject: &Subject) -> Value {
    match route.path.as_str() {
        "/v1/tenants" => json!({"slug": subject.new_slug, "name": "Routes"}),
        "/v1/tenants/{tenant}" if route.method == "PATCH" => json!({"name": "Routes"}),
        "/v1/tenants/{tenant}" | "/v1/tenants/{tenant}/suspend" | "/v1/tenants/{tenant}/resume" | "/v1/tenants/{tenant}/personal-data" => {
            json!({"reason": "Routes"})
        }
        path if is_decision(path) => json!({"reason": "Routes"}),
        "/v1/tenants/{tenant}/contacts" => json!({"name": "Routes", "email": new_address(subject)}),
        "/v1/tenants/{tenant}/contacts/{id}" if route.method == "PATCH" => json!({"name": "Routes"}),
        "/v1/tenants/{tenant}/storage-configs" | "/v1/validate" | "/customer/v1/storage-configs" | "/customer/v1/validate" => storage(),
        "/v1/tenants/{tenant}/templates/merge" | "/customer/v1/templates/merge" => json!({
            "document": "bucket-policy", "mode": "direct", "bucket": "routes-documents",
            "key_arn": storage()["key_arn"], "current": {"Version": "2012-10-17", "Statement": []},
        }),
        "/v1/tokens" => json!({"name": "routes", "role": "viewer"}),
        "/v1/campaigns" => json!({"message": "Routes"}),
        "/v1/webhooks" => json!({"url": "https://127.0.0.1/"}),
        "/v1/reverifications" => json!({"within_seconds": 0, "reason": "Routes"}),
        "/internal/v1/tenants/{tenant}/reports" => json!({"operation": "s3:GetObject", "code": "AccessDenied"}),
        "/internal/v1/storage-configs:batch" => json!({"tenants": [subject.tenant.slug]}),
        _ => json!({}),
    }
}

/// The fields of a form of the dashboard, without its token. `token` is an API token to sign in with.
pub fn operators_form(route: &Route, subject: &Subject, token: &str) -> Vec<(&'static str, String)> {
    let address = new_address(subject);
    let fields: Vec<(&'static str, &str)> = match route.path.as_str() {
        "/sign-in" => vec![("token", token)],
        "/new-tenant" => vec![("slug", &subject.new_slug), ("name", "Routes"), ("direct", "on")],
        "/tenants/{tenant}/edit" => vec![("name", "Routes"), ("direct", "on")],
        "/tenants/{tenant}/invites" => vec![("hours", "24"), ("purpose", "change")],
        "/tenants/{tenant}/contacts" | "/tenants/{tenant}/contacts/{id}" => vec![("name", "Routes"), ("email", &address)],
        path if is_decision(path) => vec![("reason", "Routes")],
        "/tenants/{tenant}/suspend" | "/tenants/{tenant}/resume" => vec![("reason", "Routes")],
        "/tenants/{tenant}/offboard" | "/tenants/{tenant}/erase" => vec![("reason", "Routes"), ("slug", &subject.tenant.slug)],
        "/tokens" => vec![("name", "routes"), ("role", "viewer"), ("days", "1")],
        "/campaigns" => vec![("message", "Routes")],
        "/webhooks" => vec![("url", "https://127.0.0.1/"), ("status_changed", "on")],
        "/webhooks/{id}/rotate-secret" => vec![("overlap", "day")],
        _ => Vec::new(),
    };
    fields.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// The fields of a form of the customers' pages, without its token.
pub fn customers_form(route: &Route) -> Vec<(&'static str, String)> {
    let storage = storage();
    let text = |member: &str| storage[member].as_str().expect("a text").to_owned();
    match route.path.as_str() {
        "/onboard/send" | "/onboard/send/check" => ["mode", "bucket_arn", "bucket_region", "key_arn"]
            .map(|field| (field, text(field)))
            .to_vec(),
        "/onboard/contacts" => vec![("name", "Routes".to_owned()), ("email", "routes@acme.example".to_owned())],
        "/onboard/merge" => vec![
            ("document", "bucket-policy".to_owned()),
            ("current", "{}".to_owned()),
            ("mode", text("mode")),
            ("bucket", "routes-documents".to_owned()),
            ("key_arn", text("key_arn")),
        ],
        _ => Vec::new(),
    }
}
