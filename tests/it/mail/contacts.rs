//! Contacts of a tenant, as operators manage them.

use latchkey::domain::contact::{CONFIRMATIONS_PER_ADDRESS, CONFIRMATIONS_PER_TENANT, MOST};
use latchkey::domain::token::Role;
use reqwest::Method;
use serde_json::json;

use super::{DAY, Stage};
use crate::support::pages::{client, read};
use crate::support::server::TestServer;

const CONTACTS: &str = "/v1/tenants/acme/contacts";

#[tokio::test]
async fn contacts_are_added_listed_changed_and_removed() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    let added = stage.add("acme", "jo@acme.example").await;
    let id = added["id"].as_str().unwrap();
    assert_eq!((&added["state"], &added["invite_id"]), (&json!("unconfirmed"), &json!(null)));
    let path = format!("{CONTACTS}/{id}");
    let renamed = stage.server.request(Method::PATCH, &path).json(&json!({"name": "Jo Smith"}));
    assert_eq!(stage.server.send(renamed).await.expect(200)["name"], "Jo Smith");
    let listed = stage.server.get(CONTACTS).await.expect(200);
    assert_eq!(listed["items"][0]["email"], "jo@acme.example");
    assert_eq!(listed["mail_is_on"], true);
    assert_eq!(stage.server.get("/v1/tenants/other/contacts").await.status, 404);
    assert_eq!(stage.server.send(stage.server.request(Method::DELETE, &path)).await.status, 204);
    assert_eq!(stage.server.send(stage.server.request(Method::DELETE, &path)).await.status, 404);
    assert_eq!(stage.server.get(&path).await.status, 404);
    let message = stage.message("acme", "address_confirmation").await;
    assert_eq!(
        (&message["state"], &message["fault"], &message["contact_id"]),
        (&json!("given_up"), &json!("contact_removed"), &json!(null))
    );
    let events = stage.server.get("/v1/events?tenant=acme").await.expect(200);
    let actions: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["action"].clone())
        .collect();
    assert_eq!(actions, ["tenant.created", "contact.added", "contact.changed", "contact.removed"]);

    let viewer = stage.server.token_of(Role::Viewer).await;
    let url = format!("{}{CONTACTS}", stage.server.private);
    let refused = stage.server.bare(Method::POST, &url).bearer_auth(&viewer).json(&json!({}));
    assert_eq!(stage.server.send(refused).await.status, 403);
}

#[tokio::test]
async fn invalid_contacts_are_reported() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    let wrong = stage
        .server
        .post(
            CONTACTS,
            &json!({"name": "Jo\nMiller", "email": "jo@acme.example\r\nBcc: x@y.example"}),
        )
        .await;
    assert_eq!(
        wrong.errors(),
        [("name".into(), "malformed_name".into()), ("email".into(), "malformed_email".into())]
    );
    let missing = stage.server.post(CONTACTS, &json!({"mail": "x"})).await;
    assert_eq!(
        missing.errors(),
        [
            ("mail".into(), "unknown_field".into()),
            ("name".into(), "required".into()),
            ("email".into(), "required".into())
        ]
    );
    stage.add("acme", "jo@acme.example").await;
    let taken = stage
        .server
        .post(CONTACTS, &json!({"name": "Jo", "email": "JO@acme.example"}))
        .await;
    assert_eq!((taken.status, taken.errors()), (409, vec![("email".into(), "email_taken".into())]));
}

#[tokio::test]
async fn a_tenant_has_at_most_ten_contacts() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    for number in 0..MOST {
        stage.add("acme", &format!("jo{number}@acme.example")).await;
    }
    let more = json!({"name": "Jo", "email": "one-more@acme.example"});
    stage.server.post(CONTACTS, &more).await.expect(409);
}

/// Nobody can have mail sent to somebody else again and again.
#[tokio::test]
async fn confirmations_are_limited_by_address_and_by_tenant() {
    let stage = Stage::new().await;
    for number in 0..CONFIRMATIONS_PER_ADDRESS {
        let slug = format!("tenant-{number}");
        stage.tenant(&slug).await;
        stage.add(&slug, "victim@elsewhere.example").await;
    }
    stage.tenant("acme").await;
    let victim = json!({"name": "Jo", "email": "Victim@elsewhere.example"});
    let refused = stage.server.post(CONTACTS, &victim).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["retry-after"], "86400");
    assert_eq!(
        stage.server.get(CONTACTS).await.expect(200)["items"],
        json!([]),
        "nothing was added"
    );
    stage.clock.forward(DAY);
    stage.server.post(CONTACTS, &victim).await.expect(201);

    let id = stage.add("acme", "jo0@acme.example").await["id"].as_str().unwrap().to_owned();
    let mut asked = 2;
    loop {
        let change = stage
            .server
            .request(Method::PATCH, &format!("{CONTACTS}/{id}"))
            .json(&json!({"email": format!("jo{asked}@acme.example")}));
        if stage.server.send(change).await.status == 429 {
            break;
        }
        asked += 1;
        assert!(asked <= CONFIRMATIONS_PER_TENANT);
    }
    assert_eq!(asked, CONFIRMATIONS_PER_TENANT);
}

#[tokio::test]
async fn another_address_has_to_be_confirmed_again_and_the_earlier_one_gets_nothing() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    let id = stage.confirmed("acme", "jo@acme.example").await;
    let earlier = stage.relay.seen().last().unwrap().link("/mail/stop/");
    let path = format!("{CONTACTS}/{id}");
    let change = stage
        .server
        .request(Method::PATCH, &path)
        .json(&json!({"email": "jo@globex.example"}));
    let changed = stage.server.send(change).await.expect(200);
    assert_eq!((&changed["state"], &changed["confirmed_at"]), (&json!("unconfirmed"), &json!(null)));
    assert_eq!(stage.message("acme", "invite").await["fault"], "contact_removed");
    assert_eq!(read(client().get(&earlier)).await.status, 404);
    let mail = stage.next().await;
    assert_eq!(mail.to, "jo@globex.example");
}

/// The person who enters an address chooses the name, too, so it must not be in a mail that nobody asked for.
#[tokio::test]
async fn a_confirmation_has_nothing_of_what_was_entered() {
    let stage = Stage::new().await;
    stage.tenant("acme").await;
    let body = json!({"name": "WIN at https://evil.example", "email": "jo@acme.example"});
    stage.server.post(CONTACTS, &body).await.expect(201);
    let mail = stage.next().await;
    assert_eq!(mail.header("To"), "jo@acme.example");
    assert!(!format!("{mail:?}").contains("evil.example"), "{mail:?}");
}

#[tokio::test]
async fn without_mail_nothing_is_queued_and_operators_are_told() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let added = server
        .post(CONTACTS, &json!({"name": "Jo", "email": "jo@acme.example"}))
        .await
        .expect(201);
    let id = added["id"].as_str().unwrap();
    assert_eq!(server.get("/v1/tenants/acme/messages").await.expect(200)["items"], json!([]));
    assert_eq!(server.get(CONTACTS).await.expect(200)["mail_is_on"], false);
    for operation in ["confirmation", "invite"] {
        server.post(&format!("{CONTACTS}/{id}/{operation}"), &json!({})).await.expect(409);
    }
    let jobs: i64 = sqlx::query_scalar("select count(*) from mails")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(jobs, 0);
}
