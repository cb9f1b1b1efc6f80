//! How mail is sent: over which connection, how often, and when not any more.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use latchkey::service::mail::send::{claim, send};
use reqwest::Method;
use serde_json::json;

use super::{DAY, Stage};
use crate::support::relay::{Behavior, TestRelay};
use crate::support::server::TestServer;

const LATER: Duration = Duration::from_mins(1);

#[tokio::test]
async fn mail_is_sent_encrypted_and_with_a_login() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    let mailer = stage.relay.mailer_with(stage.relay.starttls(true), Some(("storage", "hunter2")));
    stage.deliver_with(&mailer).await;
    let mails = stage.relay.seen();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].was_encrypted);
    assert_eq!(mails[0].login.as_deref(), Some(STANDARD.encode("\0storage\0hunter2").as_str()));
    assert_eq!(mails[0].to, "jo@acme.example");
    assert_eq!(mails[0].header("From"), "\"Example Vendor\" <storage@vendor.example>");
    assert_eq!(mails[0].header("Auto-Submitted"), "auto-generated");
    let message = stage.message("acme", "address_confirmation").await;
    assert_eq!((&message["state"], &message["attempts"]), (&json!("sent"), &json!(1)));
    let id = message["id"].as_str().unwrap();
    assert_eq!(mails[0].header("Message-ID"), format!("<{id}@vendor.example>"));
}

#[tokio::test]
async fn nothing_is_sent_to_a_relay_whose_identity_is_not_proven() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    let untrusted = stage.relay.mailer_with(stage.relay.starttls(false), Some(("storage", "hunter2")));
    stage.deliver_with(&untrusted).await;
    assert_eq!(stage.message("acme", "address_confirmation").await["fault"], "tls");

    stage.relay.behave(Behavior {
        starttls: false,
        ..Behavior::default()
    });
    stage.clock.forward(LATER);
    let trusted = stage.relay.mailer_with(stage.relay.starttls(true), Some(("storage", "hunter2")));
    stage.deliver_with(&trusted).await;
    let message = stage.message("acme", "address_confirmation").await;
    assert_eq!((&message["fault"], &message["attempts"]), (&json!("tls"), &json!(2)));
    assert_eq!(stage.relay.seen().len(), 0);
}

#[tokio::test]
async fn a_refused_login_is_told_and_tried_again() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    stage.relay.behave(Behavior {
        login: "535 5.7.8 Authentication credentials invalid",
        ..Behavior::default()
    });
    let mailer = stage.relay.mailer_with(stage.relay.starttls(true), Some(("storage", "hunter2")));
    stage.deliver_with(&mailer).await;
    let message = stage.message("acme", "address_confirmation").await;
    assert_eq!((&message["state"], &message["fault"]), (&json!("failed"), &json!("login_refused")));
    assert_eq!(message["reply"], "535 5.7.8");
    stage.relay.behave(Behavior::default());
    stage.clock.forward(LATER);
    stage.deliver_with(&mailer).await;
    assert_eq!(stage.message("acme", "address_confirmation").await["state"], "sent");
}

#[tokio::test]
async fn a_deferred_mail_is_sent_again_when_it_is_due() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    stage.relay.behave(Behavior {
        data: "451 4.7.1 Greylisted",
        ..Behavior::default()
    });
    stage.deliver().await;
    let message = stage.message("acme", "address_confirmation").await;
    assert_eq!(
        (&message["state"], &message["fault"], &message["reply"]),
        (&json!("failed"), &json!("deferred"), &json!("451 4.7.1"))
    );
    assert!(message["next_attempt_at"].is_string());

    stage.relay.behave(Behavior::default());
    stage.deliver().await;
    assert_eq!(stage.relay.seen().len(), 0, "it is not due yet");
    stage.clock.forward(LATER);
    stage.deliver().await;
    let message = stage.message("acme", "address_confirmation").await;
    assert_eq!(
        (&message["state"], &message["attempts"], &message["fault"]),
        (&json!("sent"), &json!(2), &json!(null))
    );
    stage.clock.forward(DAY);
    stage.deliver().await;
    assert_eq!(stage.relay.seen().len(), 1, "what was accepted is not sent again");
}

#[tokio::test]
async fn a_refused_mail_is_given_up_at_once_and_the_relays_text_is_dropped() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    stage.relay.behave(Behavior {
        data: "554 5.7.1 Blocked because of https://storage.vendor.example/onboard/secret",
        ..Behavior::default()
    });
    stage.deliver().await;
    let message = stage.message("acme", "address_confirmation").await;
    assert_eq!(
        (&message["state"], &message["fault"], &message["reply"]),
        (&json!("given_up"), &json!("rejected"), &json!("554 5.7.1"))
    );
    assert!(message["ended_at"].is_string() && message["next_attempt_at"].is_null());
    assert!(!stage.stored().await.contains("onboard/secret"));
    // It does not count as the one of the day.
    stage.relay.behave(Behavior::default());
    let contact = message["contact_id"].as_str().unwrap();
    let again = format!("/v1/tenants/acme/contacts/{contact}/confirmation");
    stage.server.post(&again, &json!({})).await.expect(202);
    stage.next().await;
    stage.server.post(&again, &json!({})).await.expect(409);
}

#[tokio::test]
async fn a_mail_that_nobody_takes_is_given_up_after_a_day() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    stage.relay.behave(Behavior {
        recipient: "450 4.2.1 Try later",
        ..Behavior::default()
    });
    let mut hours = 0;
    while !stage.waiting().await.is_empty() {
        stage.deliver().await;
        stage.clock.forward(Duration::from_hours(1));
        hours += 1;
        assert!(hours < 48);
    }
    assert!(hours >= 24, "{hours}");
    let message = stage.message("acme", "address_confirmation").await;
    assert_eq!((&message["state"], &message["fault"]), (&json!("given_up"), &json!("deferred")));
}

/// The process ends after the relay accepted the mail, and before that is recorded.
#[tokio::test]
async fn after_a_crash_a_mail_is_sent_again_with_the_same_id_and_both_links_work() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    let id = stage.waiting().await[0];
    let claimed = claim(&stage.context, id.into()).await.unwrap().expect("it is due");
    stage.mailer.send(&stage.context.clock, &claimed.letter.unwrap()).await.unwrap();

    send(&stage.context, Some(&stage.mailer), id.into()).await.unwrap();
    assert_eq!(stage.relay.seen().len(), 1, "another sender has it");
    stage.clock.forward(Duration::from_mins(5));
    send(&stage.context, Some(&stage.mailer), id.into()).await.unwrap();
    let mails = stage.relay.seen();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    for mail in &mails {
        let page = stage.server.bare(Method::GET, &mail.link("/mail/confirm/")).send().await.unwrap();
        assert_eq!(page.status(), 200);
    }
}

#[tokio::test]
async fn two_senders_do_not_send_the_same_mail() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    let id = stage.waiting().await[0];
    let one = || send(&stage.context, Some(&stage.mailer), id.into());
    let (first, second, third) = tokio::join!(one(), one(), one());
    first.and(second).and(third).unwrap();
    assert_eq!(stage.relay.seen().len(), 1);
}

/// A refused mail leaves no link that anybody knows; one whose fate is unknown does.
#[tokio::test]
async fn an_invite_is_made_once_unless_an_attempt_may_have_reached_the_relay() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.relay.behave(Behavior::default());
    stage.confirmed("acme", "jo@acme.example").await;
    let invites = async || {
        let listed = stage.server.get("/v1/tenants/acme/invites").await.expect(200);
        listed["items"].as_array().unwrap().len()
    };
    stage.relay.behave(Behavior {
        data: "451 4.3.0 Later",
        ..Behavior::default()
    });
    stage.deliver().await;
    assert_eq!(invites().await, 1);
    stage.relay.behave(Behavior {
        hangs_up: true,
        ..Behavior::default()
    });
    stage.clock.forward(LATER);
    stage.deliver().await;
    assert_eq!(invites().await, 1, "the first link was never sent");
    assert_eq!(stage.message("acme", "invite").await["fault"], "broken_off");
    stage.relay.behave(Behavior::default());
    stage.clock.forward(LATER * 5);
    stage.deliver().await;
    assert_eq!(invites().await, 2, "the second link may have arrived");
    let mails = stage.relay.seen();
    let links: Vec<String> = mails[mails.len() - 2..].iter().map(|mail| mail.link("/onboard/")).collect();
    assert_ne!(links[0], links[1]);
    for link in links {
        let opened = crate::support::pages::read(crate::support::pages::client().get(&link)).await;
        assert_eq!((opened.status, opened.location()), (303, "/onboard"));
    }
}

#[tokio::test]
async fn the_worker_sends_what_is_queued() {
    let relay = TestRelay::start().await;
    let server = TestServer::builder().mail(relay.mailer()).worker().start().await;
    server.create_tenant("acme").await;
    let body = json!({"name": "Jo Miller", "email": "jo@acme.example"});
    server.post("/v1/tenants/acme/contacts", &body).await.expect(201);
    let mails = relay.mails(1).await;
    assert_eq!(mails[0].to, "jo@acme.example");
}
