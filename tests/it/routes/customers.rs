//! The customers' form.

use latchkey::domain::token::Role;
use latchkey::http::Route;
use reqwest::header;

use super::operators::sign_in_as;
use super::subject::{Subject, Tenant, TenantState};
use super::{Outcome, Row, Session, assert_each_is_answered_to_somebody, from_browser, page, requests, send};
use crate::support::pages::{client, posting, read};
use crate::support::relay::unreachable_relay;
use crate::support::server::TestServer;

const COLUMNS: [&str; 6] = [
    "no session",
    "session of an invite",
    "session of another tenant's invite",
    "form of another session",
    "form without a token",
    "from another site",
];

/// Opens the link of the tenant's invite.
async fn open_link(server: &TestServer, tenant: &Tenant) -> Session {
    let http = client();
    let opened = read(http.get(format!("{}/onboard/{}", server.public, tenant.link))).await;
    let cookie = opened.cookie("latchkey-onboard").expect("the link opens a session");
    let page = read(http.get(format!("{}/onboard/send", server.public)).header(header::COOKIE, &cookie)).await;
    Session {
        form_token: page.form_token(),
        cookie,
    }
}

/// A caller, by column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    NoSession,
    Customer,
    OtherCustomer,
    /// With the form token of another session.
    ForeignForm,
    /// Without a form token.
    EmptyForm,
    OtherSite,
}

impl Caller {
    const ALL: [Self; 6] = [
        Self::NoSession,
        Self::Customer,
        Self::OtherCustomer,
        Self::ForeignForm,
        Self::EmptyForm,
        Self::OtherSite,
    ];
}

fn of(row: &Row, caller: Caller) -> Outcome {
    row.outcomes[Caller::ALL
        .iter()
        .position(|other| *other == caller)
        .expect("every caller has a column")]
}

pub struct Form {
    pub server: TestServer,
    pub http: reqwest::Client,
    admin_token: String,
    pub subject: Subject,
    pub customer: Session,
    /// Of another tenant.
    other: Session,
    /// The file name of a style sheet.
    asset: String,
}

impl Form {
    pub async fn start() -> Self {
        let server = TestServer::builder().mail(unreachable_relay()).start().await;
        let admin_token = server.token_of(Role::Admin).await;
        let http = client();
        let subject = Subject::create(&server, &admin_token).await;
        let page = read(from_browser(http.get(format!("{}/onboard/apply", server.public)))).await.html;
        let asset = page.split("/onboard/assets/").nth(1).and_then(|rest| rest.split('"').next());
        Self {
            asset: asset.expect("the page has a style sheet").to_owned(),
            customer: open_link(&server, &subject.tenant).await,
            other: open_link(&server, &Tenant::create(&server, TenantState::Active).await).await,
            admin_token,
            subject,
            http,
            server,
        }
    }

    /// Both customers start again, with tenants that no request has changed.
    async fn start_again(&mut self, path: &str) {
        self.subject.change(path);
        self.subject.prepare(&self.server, &self.admin_token, path).await;
        self.customer = open_link(&self.server, &self.subject.tenant).await;
        self.other = open_link(&self.server, &Tenant::create(&self.server, TenantState::Active).await).await;
    }

    async fn request(&self, route: &Route, caller: Caller) -> (Outcome, String) {
        let is_form = route.method == "POST";
        if !is_form && matches!(caller, Caller::ForeignForm | Caller::EmptyForm | Caller::OtherSite) {
            return (Outcome::Skipped, String::new());
        }
        let url = format!("{}{}", self.server.public, requests::path(route, &self.subject, &self.asset));
        let (session, form_token) = match caller {
            Caller::NoSession => (None, &self.customer.form_token),
            Caller::Customer | Caller::OtherSite => (Some(&self.customer), &self.customer.form_token),
            Caller::OtherCustomer => (Some(&self.other), &self.other.form_token),
            Caller::ForeignForm => (Some(&self.customer), &self.other.form_token),
            Caller::EmptyForm => (Some(&self.customer), &String::new()),
        };
        let mut request = from_browser(self.http.request(route.method.clone(), &url));
        if let Some(session) = session {
            request = request.header(header::COOKIE, &session.cookie);
        }
        if caller == Caller::OtherSite {
            request = request.header("sec-fetch-site", "cross-site");
        }
        if is_form {
            let mut fields = requests::customers_form(route);
            fields.push(("form_token", form_token.clone()));
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            request = posting(request, &fields);
        }
        send(request).await
    }

    /// How many versions and verifications the customer's tenant has.
    async fn history(&self) -> (i64, i64) {
        let counts =
            "select (select count(*) from storage_configs where tenant_id = $1), (select count(*) from verifications where tenant_id = $1)";
        sqlx::query_as(counts)
            .bind(self.subject.tenant.id)
            .fetch_one(&self.server.pool)
            .await
            .expect("the history is counted")
    }
}

#[tokio::test]
async fn customers_see_and_change_only_their_own_tenant() {
    let mut form = Form::start().await;
    let mut rows = Vec::new();
    for route in form.server.routes().public {
        let mut outcomes = Vec::new();
        for caller in Caller::ALL {
            let before = form.history().await;
            let (mut outcome, text) = form.request(&route, caller).await;
            let requires_session = outcomes.first().is_some_and(|nobody: &Outcome| nobody.is_refused());
            if caller == Caller::OtherCustomer && outcome.is_answered() && requires_session {
                outcome = Outcome::OwnTenants;
            }
            let changed = form.history().await != before;
            if caller == Caller::Customer {
                let submits = route.method == "POST" && ["/onboard/send", "/onboard/verify"].contains(&route.path.as_str());
                assert_eq!(changed, submits, "{} {}", route.method, route.path);
            } else {
                assert!(!changed, "{} {}", route.method, route.path);
                let shown = form.subject.tenant.marks.iter().find(|mark| text.contains(*mark));
                assert_eq!(shown, None, "{} {}", route.method, route.path);
            }
            outcomes.push(outcome);
        }
        if route.method == "POST" {
            form.start_again(&route.path).await;
        }
        rows.push(Row { route, outcomes });
    }

    assert_each_is_answered_to_somebody(&rows);
    rows.iter().for_each(assert_principles);
    page::check("Customers", &COLUMNS, &rows);
}

/// Rules that hold for every route, whatever the page says.
fn assert_principles(row: &Row) {
    let (name, path) = (row.name(), row.route.path.as_str());
    // The secret in a link is what opens a session.
    let is_link = path.ends_with("/{token}");
    let is_open = is_link || ["/healthz", "/problems/{name}", "/onboard/assets/{name}"].contains(&path);
    assert!(is_open || of(row, Caller::NoSession).is_refused(), "{name} is open to everybody");
    assert!(
        is_open || of(row, Caller::OtherCustomer) != Outcome::Answered,
        "{name} with a session of another tenant"
    );
    assert!(of(row, Caller::Customer).is_answered(), "{name} with a session");
    if row.changes_something() {
        // The link itself is the proof, so no form token is needed.
        let forged: &[Caller] = if is_link {
            &[Caller::OtherSite]
        } else {
            &[Caller::ForeignForm, Caller::EmptyForm, Caller::OtherSite]
        };
        for caller in forged.iter().copied() {
            assert!(of(row, caller).is_refused(), "{name} with a forged form");
        }
    }
}

/// Neither listener serves the other's routes, not even to an admin.
#[tokio::test]
async fn neither_listener_serves_the_others_routes() {
    let form = Form::start().await;
    let cookies = format!("{}; {}", form.customer.cookie, sign_in_as(&form.server, Role::Admin).await.cookie);
    let routes = form.server.routes();
    let private = routes.programs.iter().chain(&routes.dashboard);
    let crossed = private.map(|route| (route, &form.server.public)).chain(
        routes
            .public
            .iter()
            .chain(&routes.customer_programs)
            .map(|route| (route, &form.server.private)),
    );
    for (route, listener) in crossed.filter(|(route, _)| !["/healthz", "/problems/{name}"].contains(&route.path.as_str())) {
        let path = requests::path(route, &form.subject, &form.asset);
        let request = form.http.request(route.method.clone(), format!("{listener}{path}"));
        let request = request.bearer_auth(&form.admin_token).header(header::COOKIE, &cookies);
        let status = read(request).await.status;
        assert_eq!(status, 404, "{} {path} at {listener}", route.method);
    }
}
