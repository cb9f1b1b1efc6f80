//! The dashboard.

use latchkey::domain::token::Role;
use latchkey::http::Route;
use latchkey::service::sign_in::sign_in;
use reqwest::header;

use super::subject::Subject;
use super::{Outcome, Row, Session, assert_each_is_answered_to_somebody, from_browser, page, requests, send};
use crate::support::pages::{client, posting, read};
use crate::support::relay::unreachable_relay;
use crate::support::server::TestServer;

const COLUMNS: [&str; 8] = [
    "signed out",
    "viewer",
    "ops",
    "admin",
    "admin, form of another session",
    "admin, form without a token",
    "admin, from another site",
    "token of a service",
];

pub async fn sign_in_as(server: &TestServer, role: Role) -> Session {
    let token = server.token_of(role).await;
    let origin = (None, [127, 0, 0, 1].into());
    let signed_in = sign_in(&server.context, origin, &token).await.expect("the token is valid").session;
    Session {
        cookie: format!("latchkey-dashboard={}", signed_in.expose()),
        form_token: signed_in.form_token(),
    }
}

/// A caller, by column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    SignedOut,
    Viewer,
    Ops,
    Admin,
    /// With the form token of another session.
    ForeignForm,
    /// Without a form token.
    EmptyForm,
    OtherSite,
    Service,
}

impl Caller {
    const ALL: [Self; 8] = [
        Self::SignedOut,
        Self::Viewer,
        Self::Ops,
        Self::Admin,
        Self::ForeignForm,
        Self::EmptyForm,
        Self::OtherSite,
        Self::Service,
    ];
}

fn of(row: &Row, caller: Caller) -> Outcome {
    row.outcomes[Caller::ALL
        .iter()
        .position(|other| *other == caller)
        .expect("every caller has a column")]
}

pub struct Dashboard {
    pub server: TestServer,
    http: reqwest::Client,
    pub admin_token: String,
    pub service_token: String,
    pub subject: Subject,
    viewer: Session,
    ops: Session,
    pub admin: Session,
    /// The file name of a style sheet.
    asset: String,
}

impl Dashboard {
    pub async fn start() -> Self {
        let server = TestServer::builder().mail(unreachable_relay()).start().await;
        let http = client();
        let admin_token = server.token_of(Role::Admin).await;
        let sign_in_page = read(from_browser(http.get(format!("{}/sign-in", server.private)))).await.html;
        let asset = sign_in_page.split("/assets/").nth(1).and_then(|rest| rest.split('"').next());
        Self {
            asset: asset.expect("the page has a style sheet").to_owned(),
            subject: Subject::create(&server, &admin_token).await,
            viewer: sign_in_as(&server, Role::Viewer).await,
            ops: sign_in_as(&server, Role::Ops).await,
            admin: sign_in_as(&server, Role::Admin).await,
            service_token: server.token_of(Role::Service).await,
            admin_token,
            http,
            server,
        }
    }

    /// Someone signed out.
    async fn sign_in_again(&mut self) {
        self.viewer = sign_in_as(&self.server, Role::Viewer).await;
        self.ops = sign_in_as(&self.server, Role::Ops).await;
        self.admin = sign_in_as(&self.server, Role::Admin).await;
    }

    async fn outcome(&self, route: &Route, caller: Caller) -> Outcome {
        let is_form = route.method == "POST";
        if !is_form && matches!(caller, Caller::ForeignForm | Caller::EmptyForm | Caller::OtherSite) {
            return Outcome::Skipped;
        }
        let url = format!("{}{}", self.server.private, requests::path(route, &self.subject, &self.asset));
        let (session, form_token) = match caller {
            Caller::SignedOut | Caller::Service => (None, &self.admin.form_token),
            Caller::Viewer => (Some(&self.viewer), &self.viewer.form_token),
            Caller::Ops => (Some(&self.ops), &self.ops.form_token),
            Caller::Admin | Caller::OtherSite => (Some(&self.admin), &self.admin.form_token),
            Caller::ForeignForm => (Some(&self.admin), &self.ops.form_token),
            Caller::EmptyForm => (Some(&self.admin), &String::new()),
        };
        let mut request = from_browser(self.http.request(route.method.clone(), &url));
        if let Some(session) = session {
            request = request.header(header::COOKIE, &session.cookie);
        }
        if caller == Caller::Service {
            request = request.bearer_auth(&self.service_token);
        }
        if caller == Caller::OtherSite {
            request = request.header("sec-fetch-site", "cross-site");
        }
        if is_form {
            let mut fields = requests::operators_form(route, &self.subject, &self.admin_token);
            fields.push(("form_token", form_token.clone()));
            if route.path.ends_with("/edit") {
                fields.push(("known", self.known(&url).await));
            }
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            request = posting(request, &fields);
        }
        send(request).await.0
    }

    /// What the form says about the tenant's state.
    async fn known(&self, url: &str) -> String {
        let page = read(from_browser(self.http.get(url).header(header::COOKIE, &self.admin.cookie)))
            .await
            .html;
        let rest = page.split_once("name=\"known\" value=\"").expect("the form has the field").1;
        rest.split_once('"').expect("the value ends").0.to_owned()
    }
}

#[tokio::test]
async fn operators_get_what_their_roles_allow() {
    let mut dashboard = Dashboard::start().await;
    let mut rows = Vec::new();
    for route in dashboard.server.routes().dashboard {
        let mut outcomes = Vec::new();
        for caller in Caller::ALL {
            dashboard
                .subject
                .prepare(&dashboard.server, &dashboard.admin_token, &route.path)
                .await;
            let outcome = dashboard.outcome(&route, caller).await;
            if outcome.is_answered() && route.method == "POST" {
                dashboard.subject.change(&route.path);
            }
            if route.path == "/sign-out" {
                dashboard.sign_in_again().await;
            }
            outcomes.push(outcome);
        }
        rows.push(Row { route, outcomes });
    }

    assert_each_is_answered_to_somebody(&rows);
    rows.iter().for_each(assert_principles);
    page::check("Dashboard", &COLUMNS, &rows);
}

/// Rules that hold for every route, whatever the page says.
fn assert_principles(row: &Row) {
    let (name, path) = (row.name(), row.route.path.as_str());
    let is_open = ["/sign-in", "/assets/{name}"].contains(&path);
    for caller in [Caller::SignedOut, Caller::Service] {
        assert!(is_open || of(row, caller) == Outcome::SignIn, "{name} is open to everybody");
    }
    if row.changes_something() {
        assert!(of(row, Caller::OtherSite).is_refused(), "{name} from another site");
        assert!(
            path == "/sign-in" || of(row, Caller::ForeignForm).is_refused(),
            "{name} with a form without the session's token"
        );
        assert!(
            ["/sign-in", "/sign-out"].contains(&path) || of(row, Caller::Viewer).is_refused(),
            "{name} as a viewer"
        );
    }
    let is_for_admins = path.starts_with("/tokens") || path.ends_with("/erase");
    assert!(!is_for_admins || of(row, Caller::Ops).is_refused(), "{name} as ops");
    assert!(of(row, Caller::Admin).is_answered(), "{name} as an admin");
}
