//! The customers' API.

use latchkey::domain::token::Role;
use latchkey::http::Route;
use reqwest::{Method, RequestBuilder, header};

use super::subject::{Subject, Tenant, TenantState};
use super::{Outcome, Row, assert_each_is_answered_to_somebody, page, requests, send};
use crate::support::pages::{client, read};
use crate::support::relay::unreachable_relay;
use crate::support::server::TestServer;

const COLUMNS: [&str; 6] = [
    "no token",
    "token of an invite",
    "token of another tenant's invite",
    "token of a revoked invite",
    "admin's token",
    "session of an invite",
];

/// A caller, by column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Nobody,
    Customer,
    OtherCustomer,
    Revoked,
    Admin,
    /// With the cookie of a browser that opened the link.
    Browser,
}

impl Caller {
    const ALL: [Self; 6] = [
        Self::Nobody,
        Self::Customer,
        Self::OtherCustomer,
        Self::Revoked,
        Self::Admin,
        Self::Browser,
    ];
}

fn of(row: &Row, caller: Caller) -> Outcome {
    row.outcomes[Caller::ALL
        .iter()
        .position(|other| *other == caller)
        .expect("every caller has a column")]
}

/// What callers show.
struct Credentials {
    admin: String,
    other: String,
    revoked: String,
    cookie: String,
}

/// A request as a customer's program sends it.
pub fn request(server: &TestServer, route: &Route, subject: &Subject, token: Option<&str>) -> RequestBuilder {
    let url = format!("{}{}", server.public, requests::path(route, subject, ""));
    let mut request = server.bare(route.method.clone(), &url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if route.method == "GET" {
        request
    } else {
        request.json(&requests::body(route, subject))
    }
}

#[tokio::test]
async fn programs_of_customers_see_and_change_only_their_own_tenant() {
    let server = TestServer::builder().mail(unreachable_relay()).start().await;
    let admin = server.token_of(Role::Admin).await;
    let mut subject = Subject::create(&server, &admin).await;
    let ended = Tenant::create(&server, TenantState::Active).await;
    let revoke = server.request(Method::DELETE, &format!("/v1/tenants/{}/invites/{}", ended.slug, ended.invite));
    server.send(revoke).await.expect(204);
    let other = Tenant::create(&server, TenantState::Active).await;
    let mut shown = Credentials {
        admin: admin.clone(),
        other: other.program,
        revoked: ended.program,
        cookie: String::new(),
    };

    let mut rows = Vec::new();
    for route in server.routes().customer_programs {
        let mut outcomes = Vec::new();
        for caller in Caller::ALL {
            subject.prepare(&server, &admin, &route.path).await;
            let opened = read(client().get(format!("{}/onboard/{}", server.public, subject.tenant.link))).await;
            shown.cookie = opened.cookie("latchkey-onboard").expect("the link opens a session");
            let token = match caller {
                Caller::Nobody | Caller::Browser => None,
                Caller::Customer => Some(&subject.tenant.program),
                Caller::OtherCustomer => Some(&shown.other),
                Caller::Revoked => Some(&shown.revoked),
                Caller::Admin => Some(&shown.admin),
            };
            let mut request = request(&server, &route, &subject, token.map(String::as_str));
            if caller == Caller::Browser {
                request = request.header(header::COOKIE, &shown.cookie);
            }
            let (mut outcome, text) = send(request).await;
            let requires_token = outcomes.first().is_some_and(|nobody: &Outcome| nobody.is_refused());
            if caller == Caller::OtherCustomer && outcome.is_answered() && requires_token {
                outcome = Outcome::OwnTenants;
            }
            if caller != Caller::Customer {
                let mark = subject.tenant.marks.iter().find(|mark| text.contains(*mark));
                assert_eq!(mark, None, "{} {}", route.method, route.path);
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
    page::check("Customers' programs", &COLUMNS, &rows);
}

/// Rules that hold for every route, whatever the page says.
fn assert_principles(row: &Row) {
    let name = row.name();
    assert!(of(row, Caller::Customer).is_answered(), "{name} with a token");
    assert_ne!(of(row, Caller::OtherCustomer), Outcome::Skipped, "{name}");
    if row.is("GET /customer/v1/openapi.json") {
        return;
    }
    assert_ne!(
        of(row, Caller::OtherCustomer),
        Outcome::Answered,
        "{name} with a token of another tenant"
    );
    for caller in [Caller::Nobody, Caller::Revoked, Caller::Admin, Caller::Browser] {
        assert!(of(row, caller).is_refused(), "{name} is open to others");
    }
}
