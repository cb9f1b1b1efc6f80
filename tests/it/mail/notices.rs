//! Which events contacts are notified of, and how often.

use std::time::Duration;

use latchkey::domain::audit::AuditReason;
use latchkey::domain::ids::TenantRef;
use latchkey::service::approve_change::{approve, decline};
use latchkey::service::mail::notify::key_pending_deletion;
use latchkey::service::request_verification::request_verification;
use latchkey::service::{Caller, read};
use serde_json::json;
use uuid::Uuid;

use super::{DAY, Stage};
use crate::support::pages::{client, read as read_page};

fn reason() -> AuditReason {
    AuditReason::parse("a test").unwrap()
}

fn by_id(tenant: Uuid) -> TenantRef {
    TenantRef::Id(tenant.into())
}

/// Verifies again, and AWS denies access.
async fn reject_again(stage: &Stage, tenant: Uuid) {
    let queued = request_verification(&stage.context, &Caller::operator(), &by_id(tenant), None)
        .await
        .unwrap();
    stage.seed.reject(queued.id).await;
}

#[tokio::test]
async fn a_confirmed_address_gets_its_invite_and_the_link_opens_the_form() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.confirmed("acme", "jo@acme.example").await;
    let mail = stage.next().await;
    assert_eq!(mail.header("Subject"), "Connect your S3 bucket to Example Vendor");
    assert_eq!(mail.header("To"), "\"Jo Miller\" <jo@acme.example>");
    let opened = read_page(client().get(mail.link("/onboard/"))).await;
    assert_eq!((opened.status, opened.location()), (303, "/onboard"));
    let invites = stage.server.get("/v1/tenants/acme/invites").await.expect(200);
    assert_eq!(invites["items"][0]["id"], stage.message("acme", "invite").await["invite_id"]);
}

#[tokio::test]
async fn a_rejection_is_told_with_its_fix_and_once_a_day() {
    let stage = Stage::new().await;
    let tenant = stage.tenant("acme").await;
    stage.confirmed("acme", "jo@acme.example").await;
    stage.deliver().await;
    let (_, verification) = stage.seed.try_submit(tenant).await.unwrap();
    stage.seed.reject(verification).await;
    let mail = stage.next().await;
    assert!(mail.header("Subject").starts_with("Action required"), "{}", mail.header("Subject"));
    let told = read::verifications::find(&stage.context, verification).await.unwrap().unwrap();
    let failed = told.findings.iter().find(|finding| finding.fix.is_some()).expect("a fix");
    let text =
        |message: &latchkey::domain::message::Message| message.render(latchkey::domain::message::Audience::Customer, "Example Vendor");
    assert!(mail.text.contains(&text(&failed.summary)), "{}", mail.text);
    assert!(
        mail.text
            .contains(&format!("What to do: {}", text(&failed.fix.as_ref().unwrap().summary))),
        "{}",
        mail.text
    );
    let check = stage.message("acme", "action_required").await["subject"].clone();
    assert_eq!(check, json!(failed.check.to_string()));
    let opened = read_page(client().get(mail.link("/onboard/"))).await;
    assert_eq!(opened.status, 303);

    for _ in 0..3 {
        reject_again(&stage, tenant).await;
    }
    stage.deliver().await;
    assert_eq!(stage.count("acme", "action_required").await, 1, "once a day");
    stage.clock.forward(DAY);
    reject_again(&stage, tenant).await;
    stage.next().await;
    assert_eq!(stage.count("acme", "action_required").await, 2);
}

#[tokio::test]
async fn success_and_the_loss_of_access_are_told() {
    let stage = Stage::new().await;
    let tenant = stage.tenant("acme").await;
    stage.confirmed("acme", "jo@acme.example").await;
    stage.deliver().await;
    stage.seed.activate(tenant).await;
    let mail = stage.next().await;
    assert!(mail.header("Subject").contains("is connected"));
    assert!(
        mail.text.contains("You do not need to do anything.") && !mail.text.contains("/onboard/"),
        "{}",
        mail.text
    );

    reject_again(&stage, tenant).await;
    assert!(stage.waiting().await.is_empty(), "one rejection may be a mistake");
    stage.clock.forward(Duration::from_mins(2));
    reject_again(&stage, tenant).await;
    let mail = stage.next().await;
    assert!(mail.header("Subject").contains("lost access"));
    assert!(mail.text.contains("1. ") && mail.text.contains("/onboard/"), "{}", mail.text);
}

#[tokio::test]
async fn a_rotation_and_a_key_that_will_be_deleted_are_told_with_a_link() {
    let stage = Stage::new().await;
    let tenant = stage.seed.active("acme").await;
    stage.confirmed("acme", "jo@acme.example").await;
    stage.seed.try_issue(tenant).await.unwrap();
    let mail = stage.next().await;
    assert!(mail.header("Subject").contains("external ID"));
    let external_id = stage.seed.find(tenant).await.external_id.to_string();
    assert!(!mail.text.contains(&external_id), "the page has it, for those who have the link");

    let active = read::tenants::detail(&stage.context, &by_id(tenant))
        .await
        .unwrap()
        .unwrap()
        .active
        .unwrap();
    for _ in 0..2 {
        let mut db = stage.server.pool.begin().await.unwrap();
        let at = "2027-01-15T10:00:00Z".parse().unwrap();
        key_pending_deletion(&stage.context, &mut db, &active.config, Some(at))
            .await
            .unwrap();
        db.commit().await.unwrap();
    }
    let mail = stage.next().await;
    assert!(
        mail.text.contains(active.config.storage.key.as_str()) && mail.text.contains("2027-01-15 10:00 UTC"),
        "{}",
        mail.text
    );
    assert!(mail.text.contains("/onboard/"));
}

#[tokio::test]
async fn what_becomes_of_a_change_is_told() {
    let stage = Stage::new().await;
    let tenant = stage.seed.active("acme").await;
    stage.confirmed("acme", "jo@acme.example").await;
    let version = stage.seed.submit_in(tenant, "333333333333").await;
    let mail = stage.next().await;
    assert!(mail.header("Subject").contains("is waiting for Example Vendor"));
    decline(&stage.context, &Caller::operator(), &by_id(tenant), version, &reason())
        .await
        .unwrap();
    assert!(stage.next().await.header("Subject").contains("declined"));

    let version = stage.seed.submit_in(tenant, "444444444444").await;
    stage.deliver().await;
    let queued = approve(&stage.context, &Caller::operator(), &by_id(tenant), version, &reason())
        .await
        .unwrap();
    assert!(stage.next().await.header("Subject").contains("confirmed"));
    stage.seed.verify(tenant, queued.id).await;
    let mail = stage.next().await;
    assert!(mail.header("Subject").contains("is connected"));
    assert_eq!(
        stage.message("acme", "verified").await["subject"],
        json!(format!("version {version}"))
    );
}

/// An address that came through a link must not get a link that can do more than that one.
#[tokio::test]
async fn only_contacts_that_operators_entered_get_a_link_that_can_change_storage() {
    let stage = Stage::new().await;
    let tenant = stage.seed.active("acme").await;
    let operators = stage.confirmed("acme", "jo@acme.example").await;
    let customers = stage.confirmed("acme", "al@acme.example").await;
    let invite: Uuid = {
        let created = stage.server.post("/v1/tenants/acme/invites", &json!({})).await.expect(201);
        created["id"].as_str().unwrap().parse().unwrap()
    };
    sqlx::query("update contacts set invite_id = $1 where id = $2::uuid")
        .bind(invite)
        .bind(&customers)
        .execute(&stage.server.pool)
        .await
        .unwrap();
    let (_, verification) = stage.seed.try_submit(tenant).await.unwrap();
    stage.seed.reject(verification).await;
    for contact in [&operators, &customers] {
        let body = json!({"purpose": "change"});
        stage
            .server
            .post(&format!("/v1/tenants/acme/contacts/{contact}/invite"), &body)
            .await
            .expect(202);
    }
    stage.deliver().await;
    let purposes: Vec<(String, String, String)> = sqlx::query_as(
        "select m.contact_id::text, m.kind, i.purpose from mails m join invites i on i.id = m.invite_id order by m.kind, m.created_at",
    )
    .fetch_all(&stage.server.pool)
    .await
    .unwrap();
    assert_eq!(purposes.len(), 4);
    for (contact, kind, purpose) in purposes {
        let expected = if contact == operators { "change" } else { "onboarding" };
        assert_eq!(purpose, expected, "{kind}");
    }
}

#[tokio::test]
async fn only_confirmed_contacts_are_told_anything() {
    let stage = Stage::new().await;
    let tenant = stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    stage.deliver().await;
    stage.seed.activate(tenant).await;
    let kinds: Vec<_> = stage.messages("acme").await.iter().map(|message| message["kind"].clone()).collect();
    assert_eq!(kinds, ["address_confirmation"]);
}

#[tokio::test]
async fn offboarding_ends_all_mail_and_erasure_removes_contacts_and_messages() {
    let stage = Stage::new().await;
    let tenant = stage.seed.active("acme").await;
    let id = stage.confirmed("acme", "jo@acme.example").await;
    stage.seed.try_issue(tenant).await.unwrap();
    stage.seed.offboard(tenant).await;
    let seen = stage.relay.seen().len();
    stage.deliver().await;
    assert_eq!(stage.relay.seen().len(), seen);
    let waiting: (String, Option<String>) = sqlx::query_as("select state, fault from mails where kind = 'rotation_requested'")
        .fetch_one(&stage.server.pool)
        .await
        .unwrap();
    assert_eq!(waiting, ("given_up".to_owned(), Some("offboarded".to_owned())));
    stage
        .server
        .post(&format!("/v1/tenants/{tenant}/contacts/{id}/invite"), &json!({}))
        .await
        .expect(410);

    assert!(stage.stored().await.contains("jo@acme.example"));
    let admin = stage.server.token_of(latchkey::domain::token::Role::Admin).await;
    let url = format!("{}/v1/tenants/{tenant}/personal-data", stage.server.private);
    let erase = stage
        .server
        .bare(reqwest::Method::DELETE, &url)
        .bearer_auth(admin)
        .json(&json!({"reason": "a test"}));
    stage.server.send(erase).await.expect(200);
    let stored = stage.stored().await;
    assert!(!stored.contains("jo@acme.example") && !stored.contains("Jo Miller"), "{stored}");
    let left: i64 =
        sqlx::query_scalar("select (select count(*) from mails) + (select count(*) from contacts) + (select count(*) from contact_links)")
            .fetch_one(&stage.server.pool)
            .await
            .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn names_are_escaped_in_html() {
    let stage = Stage::new().await;
    let body = json!({"slug": "acme", "name": "<img src=x> & \"Sons\""});
    stage.server.post("/v1/tenants", &body).await.expect(201);
    let body = json!({"name": "Jo <b>Miller</b>", "email": "jo@acme.example"});
    stage.server.post("/v1/tenants/acme/contacts", &body).await.expect(201);
    let mail = stage.next().await;
    assert!(
        !mail.html.contains("<img") && mail.html.contains("&#60;img src=x&#62;"),
        "{}",
        mail.html
    );
    assert!(mail.text.contains("<img src=x> & \"Sons\""));
    stage.post(&mail.link("/mail/confirm/")).await;
    let mail = stage.next().await;
    assert!(
        !mail.html.contains("<b>Miller") && mail.html.contains("Jo &#60;b&#62;Miller"),
        "{}",
        mail.html
    );
}
