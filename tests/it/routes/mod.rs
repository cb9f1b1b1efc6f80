//! Every route of both listeners, requested as every kind of caller. docs/routes.md has the results: a route that is missing
//! there, or answers otherwise, fails its test.
//!
//! `INSTA_UPDATE=always` updates the page.

mod control_characters;
mod customer_programs;
mod customers;
mod operators;
mod page;
mod programs;
mod requests;
mod subject;

use std::fmt;

use latchkey::http::Route;
use reqwest::{RequestBuilder, StatusCode, header};

use crate::support::pages::read;

/// How a caller was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    /// The route requires a caller, and this one sees only its own tenants.
    OwnTenants,
    /// Redirected to the sign-in page.
    SignIn,
    Refused(StatusCode),
    /// Not requested: it makes no difference here.
    Skipped,
}

impl Outcome {
    /// Whether the handler did something for the caller.
    pub fn is_answered(self) -> bool {
        matches!(self, Self::Answered | Self::OwnTenants)
    }

    pub fn is_refused(self) -> bool {
        matches!(self, Self::SignIn | Self::Refused(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => f.write_str("yes"),
            Self::OwnTenants => f.write_str("own"),
            Self::SignIn => f.write_str("sign-in"),
            Self::Refused(status) => write!(f, "{}", status.as_u16()),
            Self::Skipped => f.write_str("–"),
        }
    }
}

/// A route, and how each caller was answered, in the order of the columns.
pub struct Row {
    pub route: Route,
    pub outcomes: Vec<Outcome>,
}

impl Row {
    pub fn changes_something(&self) -> bool {
        self.route.method != reqwest::Method::GET
    }

    pub fn is(&self, route: &str) -> bool {
        self.name() == route
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.route.method, self.route.path)
    }
}

/// A browser's session.
pub struct Session {
    pub cookie: String,
    pub form_token: String,
}

/// The response's outcome and text. Any other status than these is a request that this test has to correct.
async fn send(request: RequestBuilder) -> (Outcome, String) {
    let description = format!("{request:?}");
    let page = read(request).await;
    let status = StatusCode::from_u16(page.status).expect("a status");
    let outcome = match page.status {
        303 if page.location() == "/sign-in" || page.location().starts_with("/sign-in?next=") => Outcome::SignIn,
        200..=399 => Outcome::Answered,
        401 | 403 | 404 => Outcome::Refused(status),
        _ => panic!("{status} for {description}\n{}", page.html),
    };
    (outcome, page.html)
}

/// A request as a browser sends it when it navigates.
fn from_browser(request: RequestBuilder) -> RequestBuilder {
    request.header(header::ACCEPT, "text/html,*/*;q=0.8")
}

/// Each route is answered to somebody, so the requests of this test are such as are made.
fn assert_each_is_answered_to_somebody(rows: &[Row]) {
    for row in rows {
        assert!(
            row.outcomes.iter().any(|outcome| outcome.is_answered()),
            "{}: {:?}",
            row.name(),
            row.outcomes
        );
    }
}
