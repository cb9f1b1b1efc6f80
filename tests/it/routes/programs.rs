//! The APIs, and what else programs request from the private listener.

use std::sync::Arc;

use latchkey::domain::arn::KeyArn;
use latchkey::domain::token::Role;
use latchkey::http::Route;
use reqwest::{RequestBuilder, header};

use super::subject::{Subject, service_token};
use super::{Outcome, Row, assert_each_is_answered_to_somebody, page, requests, send};
use crate::support::granting_cloud::GrantingCloud;
use crate::support::relay::unreachable_relay;
use crate::support::seed::Seed;
use crate::support::server::TestServer;

const COLUMNS: [&str; 6] = ["no token", "viewer", "ops", "admin", "service", "service of another tenant"];

/// The tokens that callers send.
struct Tokens {
    viewer: String,
    ops: String,
    admin: String,
    /// Limited to another tenant than the requested one.
    foreign: String,
    /// An admin's, revoked.
    revoked: String,
}

/// A caller, by column. The service's token covers the subject.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Nobody,
    Viewer,
    Ops,
    Admin,
    Service,
    ForeignService,
}

impl Caller {
    const ALL: [Self; 6] = [
        Self::Nobody,
        Self::Viewer,
        Self::Ops,
        Self::Admin,
        Self::Service,
        Self::ForeignService,
    ];

    fn token<'a>(self, tokens: &'a Tokens, subject: &'a Subject) -> Option<&'a str> {
        Some(match self {
            Self::Nobody => return None,
            Self::Viewer => &tokens.viewer,
            Self::Ops => &tokens.ops,
            Self::Admin => &tokens.admin,
            Self::Service => &subject.tenant.service,
            Self::ForeignService => &tokens.foreign,
        })
    }
}

/// The outcome for this caller.
fn of(row: &Row, caller: Caller) -> Outcome {
    row.outcomes[Caller::ALL
        .iter()
        .position(|other| *other == caller)
        .expect("every caller has a column")]
}

pub fn request(server: &TestServer, route: &Route, subject: &Subject, token: Option<&str>) -> RequestBuilder {
    let url = format!("{}{}", server.private, requests::path(route, subject, ""));
    let mut request = server.bare(route.method.clone(), &url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if route.method == "PATCH" {
        request = request.header(header::IF_MATCH, "*");
    }
    if route.method == "GET" {
        request
    } else {
        request.json(&requests::body(route, subject))
    }
}

#[tokio::test]
async fn programs_get_what_their_tokens_allow() {
    let key = KeyArn::parse("arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab").expect("the ARN of a key");
    let cloud = GrantingCloud::new("lk-0000000000000000000000000000000000000000".parse().expect("an external ID"), key);
    let server = TestServer::builder()
        .cloud(Arc::new(cloud))
        .without_worker()
        .mail(unreachable_relay())
        .start()
        .await;
    let other = Seed::new(&server).active("other").await;
    let revoked = server.token_of(Role::Admin).await;
    sqlx::query("update tokens set revoked_at = now() where role = 'admin'")
        .execute(&server.pool)
        .await
        .expect("the token is revoked");
    let tokens = Tokens {
        viewer: server.token_of(Role::Viewer).await,
        ops: server.token.clone(),
        admin: server.token_of(Role::Admin).await,
        foreign: service_token(&server, other).await,
        revoked,
    };
    let mut subject = Subject::create(&server, &tokens.admin).await;

    let mut rows = Vec::new();
    for route in server.routes().programs {
        subject.prepare(&server, &tokens.admin, &route.path).await;
        let (nobody, _) = send(request(&server, &route, &subject, None)).await;
        for unknown in [
            &tokens.revoked,
            "lk_admin_0000000000000000000000000000000000000000000000000000000000000000",
        ] {
            let (outcome, _) = send(request(&server, &route, &subject, Some(unknown))).await;
            assert_eq!(outcome, nobody, "{} {} with {unknown}", route.method, route.path);
        }
        let mut outcomes = Vec::new();
        for caller in Caller::ALL {
            subject.prepare(&server, &tokens.admin, &route.path).await;
            server.settle().await;
            let token = caller.token(&tokens, &subject);
            let (mut outcome, text) = send(request(&server, &route, &subject, token)).await;
            if caller == Caller::ForeignService {
                for mark in &subject.tenant.marks {
                    assert!(!text.contains(mark), "{} {} shows {mark}", route.method, route.path);
                }
                if outcome == Outcome::Answered && nobody.is_refused() {
                    outcome = Outcome::OwnTenants;
                }
            }
            if outcome.is_answered() && route.method != "GET" {
                subject.change(&route.path);
            }
            outcomes.push(outcome);
        }
        rows.push(Row { route, outcomes });
    }

    assert_each_is_answered_to_somebody(&rows);
    rows.iter().for_each(assert_principles);
    page::check("Programs", &COLUMNS, &rows);
}

/// Rules that hold for every route, whatever the page says.
fn assert_principles(row: &Row) {
    let (name, path) = (row.name(), row.route.path.as_str());
    let nobody = of(row, Caller::Nobody);
    let operators = [Caller::Viewer, Caller::Ops, Caller::Admin].map(|caller| of(row, caller));
    let services = [Caller::Service, Caller::ForeignService].map(|caller| of(row, caller));
    if path.starts_with("/internal/") {
        assert!(
            nobody.is_refused() && operators.iter().all(|outcome| outcome.is_refused()),
            "{name}"
        );
        assert_ne!(services[1], Outcome::Answered, "{name}");
    } else if path.starts_with("/v1/") {
        assert!(nobody.is_refused() && services.iter().all(|outcome| outcome.is_refused()), "{name}");
        // Validating and merging change nothing.
        let reads = !row.changes_something() || row.is("POST /v1/validate") || row.is("POST /v1/tenants/{tenant}/templates/merge");
        assert!(reads || operators[0].is_refused(), "{name}");
        // Nobody may do more than an admin.
        assert!(operators[2].is_answered(), "{name}");
    } else {
        assert!(!row.changes_something(), "{name}");
        let open = [
            "/healthz",
            "/readyz",
            "/metrics",
            "/problems/{name}",
            "/openapi.json",
            "/docs",
            "/docs/",
            "/docs/{name}",
        ];
        assert!(nobody.is_refused() || open.contains(&path), "{name} is open to everybody");
    }
}
