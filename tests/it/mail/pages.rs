//! Contacts on the dashboard, on the customers' form and on the command line.

use latchkey::domain::token::Role;
use reqwest::header;
use serde_json::json;

use super::Stage;
use crate::support::cli::{run, text};
use crate::support::pages::{Page, client, posting, read};
use crate::support::server::TestServer;

/// A browser with a session.
struct Browser {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

impl Browser {
    async fn get(&self, path: &str) -> Page {
        read(self.http.get(format!("{}{path}", self.base)).header(header::COOKIE, &self.cookie)).await
    }

    async fn post(&self, path: &str, token: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.http.post(format!("{}{path}", self.base)).header(header::COOKIE, &self.cookie);
        read(posting(request, &[fields, &[("form_token", token)]].concat())).await
    }

    /// An operator on the dashboard.
    async fn operator(server: &TestServer) -> Self {
        let http = client();
        let token = server.token_of(Role::Ops).await;
        let signed_in = read(posting(http.post(format!("{}/sign-in", server.private)), &[("token", &token)])).await;
        Self {
            cookie: signed_in.cookie("latchkey-dashboard").expect("a session"),
            base: server.private.clone(),
            http,
        }
    }

    /// A customer who opened a link.
    async fn customer(server: &TestServer, slug: &str) -> Self {
        let created = server.post(&format!("/v1/tenants/{slug}/invites"), &json!({})).await.expect(201);
        let http = client();
        let opened = read(http.get(created["url"].as_str().unwrap())).await;
        Self {
            cookie: opened.cookie("latchkey-onboard").expect("a session"),
            base: server.public.clone(),
            http,
        }
    }
}

#[tokio::test]
async fn operators_manage_contacts_and_see_each_mail() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    let browser = Browser::operator(&stage.server).await;
    let page = browser.get("/tenants/acme/new-contact").await;
    let token = page.form_token();
    let wrong = browser
        .post("/tenants/acme/contacts", &token, &[("name", ""), ("email", "jo")])
        .await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.html.contains("Enter a name.") && wrong.html.contains("aria-invalid"),
        "{}",
        wrong.html
    );
    let added = browser
        .post(
            "/tenants/acme/contacts",
            &token,
            &[("name", "Jo Miller"), ("email", "jo@acme.example")],
        )
        .await;
    assert_eq!(added.location(), "/tenants/acme?done=contact-saved");
    let page = browser.get("/tenants/acme").await.html;
    assert!(
        page.contains("jo@acme.example") && page.contains("Unconfirmed") && page.contains("Queued"),
        "{page}"
    );

    let link = stage.next().await.link("/mail/confirm/");
    stage.post(&link).await;
    stage.deliver().await;
    let page = browser.get("/tenants/acme").await.html;
    assert!(
        page.contains("Confirmed") && page.contains("Sent") && page.contains("Mail an invite"),
        "{page}"
    );
    let id = stage.message("acme", "invite").await["contact_id"].as_str().unwrap().to_owned();
    let changed = browser
        .post(
            &format!("/tenants/acme/contacts/{id}"),
            &token,
            &[("name", "Jo Smith"), ("email", "jo@acme.example")],
        )
        .await;
    assert_eq!(changed.status, 303);
    let again = browser.post(&format!("/tenants/acme/contacts/{id}/invite"), &token, &[]).await;
    assert_eq!(again.status, 409, "the invite of today was sent when the address was confirmed");
    let removed = browser.post(&format!("/tenants/acme/contacts/{id}/remove"), &token, &[]).await;
    assert_eq!(removed.location(), "/tenants/acme?done=contact-removed");
    let page = browser.get("/tenants/acme").await.html;
    assert!(
        page.contains("No contacts yet") && page.contains("To a contact that was removed"),
        "{page}"
    );
}

#[tokio::test]
async fn operators_are_told_that_mail_is_off() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let browser = Browser::operator(&server).await;
    assert!(browser.get("/").await.html.contains("Mail is off"));
    assert!(browser.get("/tenants/acme").await.html.contains("Mail is off"));
    let stage = Stage::new().await;
    let browser = Browser::operator(&stage.server).await;
    assert!(!browser.get("/").await.html.contains("Mail is off"));
}

#[tokio::test]
async fn customers_enter_contacts_and_remove_only_their_own() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    let operators = stage.add("acme", "ops@acme.example").await["id"].as_str().unwrap().to_owned();
    let browser = Browser::customer(&stage.server, "acme").await;
    let page = browser.get("/onboard/verify").await;
    assert!(
        page.html.contains("Who should we tell?") && page.html.contains("o…@acme.example"),
        "{}",
        page.html
    );
    assert!(
        !page.html.contains("ops@acme.example"),
        "those who have the link do not see whole addresses"
    );
    let token = page.form_token();
    let wrong = browser.post("/onboard/contacts", &token, &[("name", "Jo"), ("email", "jo@")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.html.contains("Enter one email address"), "{}", wrong.html);
    let added = browser
        .post("/onboard/contacts", &token, &[("name", "Jo"), ("email", "jo@acme.example")])
        .await;
    assert_eq!(added.location(), "/onboard/verify#contacts");

    let listed = stage.server.get("/v1/tenants/acme/contacts").await.expect(200);
    let own = &listed["items"][1];
    assert!(own["invite_id"].is_string(), "{own:#}");
    let refused = browser.post(&format!("/onboard/contacts/{operators}/remove"), &token, &[]).await;
    assert_eq!(refused.status, 404);
    let removed = browser
        .post(&format!("/onboard/contacts/{}/remove", own["id"].as_str().unwrap()), &token, &[])
        .await;
    assert_eq!(removed.status, 303);
    let listed = stage.server.get("/v1/tenants/acme/contacts").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_form_asks_for_no_contacts_without_mail() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let browser = Browser::customer(&server, "acme").await;
    assert!(!browser.get("/onboard/verify").await.html.contains("Who should we tell?"));
    let token = browser.get("/onboard/send").await.form_token();
    let refused = browser
        .post("/onboard/contacts", &token, &[("name", "Jo"), ("email", "jo@acme.example")])
        .await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn contacts_are_managed_in_a_terminal() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    let run = async |arguments: &[&str]| {
        let out = run(&[&["contact"], arguments].concat(), &stage.server).await;
        assert!(out.status.success(), "{arguments:?}: {}", text(&out.stderr));
        text(&out.stdout).trim().to_owned()
    };
    let id = run(&["add", "acme", "--name", "Jo Miller", "--email", "jo@acme.example"]).await;
    assert!(run(&["list", "acme"]).await.contains("jo@acme.example"));
    assert_eq!(run(&["change", "acme", &id, "--email", "jo@globex.example"]).await, "unconfirmed");
    stage.deliver().await;
    let link = stage.relay.seen().last().unwrap().link("/mail/confirm/");
    stage.post(&link).await;
    assert!(run(&["list", "acme"]).await.contains("confirmed"));
    assert!(run(&["messages", "acme"]).await.contains("invite"));
    assert_eq!(run(&["invite", "acme", &id, "--purpose", "change"]).await, "Queued.");
    assert_eq!(run(&["remove", "acme", &id]).await, "Removed.");
}
