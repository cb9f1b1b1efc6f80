//! What the links in mails do.

use reqwest::Method;
use serde_json::json;

use super::{DAY, Stage};
use crate::support::pages::{client, posting, read};

#[tokio::test]
async fn opening_the_link_changes_nothing_and_its_button_confirms_the_address() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    let contact = stage.add("acme", "jo@acme.example").await;
    let id = contact["id"].as_str().unwrap();
    assert_eq!(contact["state"], "unconfirmed");
    let mail = stage.next().await;
    let link = mail.link("/mail/confirm/");
    for _ in 0..2 {
        let page = read(client().get(&link)).await;
        assert_eq!(page.status, 200);
        assert!(
            page.html.contains("j…@acme.example") && !page.html.contains("jo@acme"),
            "{}",
            page.html
        );
        assert_eq!(
            stage.contact("acme", id).await["state"],
            "unconfirmed",
            "a scanner confirms nothing"
        );
    }
    let foreign = read(client().post(&link).header("sec-fetch-site", "cross-site")).await;
    assert_eq!(foreign.status, 403);
    assert_eq!(stage.contact("acme", id).await["state"], "unconfirmed");
    stage.post(&link).await;
    stage.post(&link).await;
    assert_eq!(stage.contact("acme", id).await["state"], "confirmed");
    let events = stage
        .server
        .get("/v1/events?tenant=acme&action=contact.confirmed")
        .await
        .expect(200);
    let events = events["items"].as_array().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor"], json!({"kind": "contact", "id": id}));
}

#[tokio::test]
async fn a_link_for_confirming_expires_after_a_week() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    let link = stage.next().await.link("/mail/confirm/");
    stage.clock.forward(DAY * 7);
    assert_eq!(read(client().get(&link)).await.status, 410);
    assert_eq!(read(client().post(&link)).await.status, 410);
    let unknown = format!("{}/mail/confirm/{}", stage.server.public, "x".repeat(43));
    assert_eq!(read(client().get(&unknown)).await.status, 404);
    // A link for stopping mail confirms nothing.
    let stop = link.replace("/confirm/", "/stop/");
    assert_eq!(read(client().post(&stop)).await.status, 404);
}

/// RFC 8058: the mail program posts, without a browser's headers.
#[tokio::test]
async fn one_click_stops_mail_and_the_page_starts_it_again() {
    let stage = Stage::new().await;
    let tenant = stage.seed.active("acme").await;
    let id = stage.confirmed("acme", "jo@acme.example").await;
    stage.seed.try_issue(tenant).await.unwrap();
    let mail = stage.next().await;
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let link = mail.header("List-Unsubscribe").trim_matches(['<', '>']).to_owned();
    assert_eq!(link, mail.link("/mail/stop/"));
    let page = read(client().get(&link)).await;
    assert!(page.status == 200 && page.html.contains("Stop messages?"));
    assert_eq!(stage.contact("acme", &id).await["state"], "confirmed");

    // A mail that waits meanwhile.
    let invite = format!("/v1/tenants/acme/contacts/{id}/invite");
    stage.server.post(&invite, &json!({})).await.expect(202);
    let stopped = read(posting(client().post(&link), &[("List-Unsubscribe", "One-Click")])).await;
    assert!(stopped.status == 200 && stopped.html.contains("Messages are stopped"));
    let contact = stage.contact("acme", &id).await;
    assert_eq!(contact["state"], "stopped");
    assert!(contact["stopped_at"].is_string());
    let waiting = stage.message("acme", "invite").await;
    assert_eq!(
        (&waiting["state"], &waiting["fault"]),
        (&json!("given_up"), &json!("contact_stopped"))
    );
    stage.server.post(&invite, &json!({})).await.expect(409);
    let events = stage.server.get("/v1/events?tenant=acme&action=contact.stopped").await.expect(200);
    assert_eq!(events["items"][0]["actor"], json!({"kind": "contact", "id": id}));

    stage.post(&link.replace("/stop/", "/resume/")).await;
    assert_eq!(stage.contact("acme", &id).await["state"], "confirmed");
    stage.server.post(&invite, &json!({})).await.expect(202);
}

#[tokio::test]
async fn the_database_has_no_secret_of_a_link() {
    let stage = Stage::new().await;
    let tenant = stage.tenant("acme").await;
    stage.confirmed("acme", "jo@acme.example").await;
    stage.deliver().await;
    let (_, verification) = stage.seed.try_submit(tenant).await.unwrap();
    stage.seed.reject(verification).await;
    stage.deliver().await;
    let (stored, mails) = (stage.stored().await, stage.relay.seen());
    assert_eq!(mails.len(), 3);
    let mut secrets = Vec::new();
    for mail in &mails {
        let links = mail.text.lines().filter(|line| line.starts_with("http"));
        secrets.extend(links.map(|link| link.rsplit('/').next().unwrap().to_owned()));
    }
    assert_eq!(secrets.len(), 6, "{secrets:?}");
    for secret in secrets {
        assert_eq!(secret.len(), 43);
        assert!(!stored.contains(&secret));
    }
}

#[tokio::test]
async fn links_end_with_the_tenant() {
    let stage = Stage::new().await;
    let tenant = stage.tenant("acme").await;
    stage.add("acme", "jo@acme.example").await;
    let link = stage.next().await.link("/mail/confirm/");
    stage.seed.offboard(tenant).await;
    assert_eq!(read(client().get(&link)).await.status, 410);
    let answer = stage.server.bare(Method::POST, &link).send().await.unwrap();
    assert_eq!(answer.status(), 410);
}
