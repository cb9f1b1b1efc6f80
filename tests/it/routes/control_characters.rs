//! Control characters in any input: Postgres refuses NUL, and terminals and logs act on the others.

use reqwest::header;
use serde_json::{Map, Value, json};

use super::customer_programs;
use super::customers::Form;
use super::operators::Dashboard;
use super::programs::request;
use super::requests;
use crate::support::pages::{posting, read};
use crate::support::server::TestServer;

const TEXT: &str = "a\0b";
const IN_URL: &str = "a%00b";

/// The properties of the request's body.
fn properties<'a>(api: &'a Value, operation: &Value) -> Option<&'a Map<String, Value>> {
    let reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()?;
    let schema = api.pointer(reference.strip_prefix('#')?)?;
    schema["properties"].as_object()
}

#[tokio::test]
async fn the_api_names_the_field_that_has_one() {
    let dashboard = Dashboard::start().await;
    let (server, subject) = (&dashboard.server, &dashboard.subject);
    let api = server.get("/openapi.json").await.expect(200);
    let mut fields = 0;
    for route in server.routes().programs {
        let operation = &api["paths"][&route.path][route.method.as_str().to_lowercase()];
        let token = if route.path.starts_with("/internal/") {
            &dashboard.service_token
        } else {
            &dashboard.admin_token
        };
        for (field, schema) in properties(&api, operation).into_iter().flatten() {
            let is_list = schema["type"] == "array" || schema["type"].as_array().is_some_and(|types| types.contains(&json!("array")));
            for value in [json!(TEXT), json!("a\u{1b}[31m"), json!([TEXT])]
                .into_iter()
                .take(if is_list { 3 } else { 2 })
            {
                let mut body = requests::body(&route, subject);
                body[field] = value;
                let answer = server.send(request(server, &route, subject, Some(token)).json(&body)).await;
                let named = answer.errors().iter().any(|(name, _)| name.split('[').next() == Some(field));
                // The items of a batch have an answer each.
                let is_answered = route.path == "/internal/v1/storage-configs:batch" && answer.status == 200;
                assert!(is_answered || answer.status == 422 && named, "{route:?} {body} {}", answer.body);
                fields += 1;
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a parameter has a name");
            let route = latchkey::http::Route {
                path: route.path.replace(&format!("{{{name}}}"), IN_URL),
                ..route.clone()
            };
            let mut request = request(server, &route, subject, Some(token));
            if parameter["in"] == "query" {
                request = request.query(&[(name, TEXT)]);
            }
            let answer = server.send(request).await;
            assert!(answer.status < 500, "{route:?} {name} {}", answer.body);
        }
    }
    assert!(fields > 50, "{fields}");
}

#[tokio::test]
async fn the_customers_api_names_the_field_that_has_one() {
    let form = Form::start().await;
    let (server, subject) = (&form.server, &form.subject);
    let api = serde_json::to_value(latchkey::http::customer_openapi()).expect("the document is JSON");
    let mut fields = 0;
    for route in server.routes().customer_programs {
        let operation = &api["paths"][&route.path][route.method.as_str().to_lowercase()];
        for (field, _) in properties(&api, operation).into_iter().flatten() {
            let mut body = requests::body(&route, subject);
            body[field] = json!(TEXT);
            let request = customer_programs::request(server, &route, subject, Some(&subject.tenant.program)).json(&body);
            let answer = server.send(request).await;
            let named = answer.errors().iter().any(|(name, _)| name == field);
            assert!(answer.status == 422 && named, "{route:?} {body} {}", answer.body);
            fields += 1;
        }
    }
    assert!(fields > 20, "{fields}");
}

#[tokio::test]
async fn no_form_fails_on_one() {
    let dashboard = Dashboard::start().await;
    let form = Form::start().await;
    let routes = dashboard.server.routes();
    let operators = routes.dashboard.iter().map(|route| {
        let fields = requests::operators_form(route, &dashboard.subject, &dashboard.admin_token);
        (route, &dashboard.server.private, &dashboard.subject, &dashboard.admin, fields)
    });
    let customers = routes.public.iter().map(|route| {
        (
            route,
            &form.server.public,
            &form.subject,
            &form.customer,
            requests::customers_form(route),
        )
    });
    let mut forms = 0;
    for (route, listener, subject, session, fields) in operators.chain(customers).filter(|(route, ..)| route.method == "POST") {
        let url = format!("{listener}{}", requests::path(route, subject, ""));
        for wrong in fields.iter().map(|(name, _)| *name) {
            let with = fields
                .iter()
                .map(|(name, value)| (*name, if *name == wrong { TEXT } else { value.as_str() }));
            let with: Vec<(&str, &str)> = with.chain([("form_token", session.form_token.as_str())]).collect();
            let request = form
                .http
                .request(route.method.clone(), &url)
                .header(header::COOKIE, &session.cookie);
            let page = read(posting(request, &with)).await;
            assert!(
                page.status < 500 && page.status != 403,
                "{route:?} {wrong}: {} {}",
                page.status,
                page.html
            );
            forms += 1;
        }
    }
    assert!(forms > 20, "{forms}");
    for query in ["actor", "action", "tenant"] {
        let request = form.http.get(format!("{}/audit?{query}={IN_URL}", dashboard.server.private));
        let page = read(request.header(header::COOKIE, &dashboard.admin.cookie)).await;
        assert_eq!(page.status, 200, "{}", page.html);
    }
}

#[tokio::test]
async fn a_reason_has_none() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    for reason in ["a\0b", "a\nb", "a\u{1b}[31mb", "a\u{9b}31m"] {
        let refused = server.post("/v1/tenants/acme/suspend", &json!({"reason": reason})).await;
        assert_eq!(
            (refused.status, refused.errors()),
            (422, vec![("reason".into(), "malformed_reason".into())])
        );
    }
}
