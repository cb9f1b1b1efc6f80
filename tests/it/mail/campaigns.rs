//! Campaigns for an update of the documents: notices, reminders, links and progress.

use std::time::Duration;

use latchkey::domain::token::Role;
use latchkey::service::campaigns::advance;
use latchkey::service::mail::send::send;
use reqwest::{Method, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{DAY, Stage};
use crate::document_versions::with_posture;
use crate::support::cli;
use crate::support::pages::{Page, client, posting, read};
use crate::support::relay::ReceivedMail;
use crate::support::seed::Seed;
use crate::support::server::{ApiResponse, TestServer};

const WEEK: Duration = Duration::from_hours(24 * 7);

/// Two releases on one database: the tenants of the first one were verified against version 1, and the second one issues version 2.
struct Update {
    stage: Stage,
    next: TestServer,
}

impl Update {
    async fn new() -> Self {
        let stage = Stage::new().await;
        stage.server.get("/v1/document-versions").await.expect(200);
        let builder = stage.server.replica().vendor(with_posture(&stage.server));
        let next = builder.mail(stage.mailer.clone()).clock(stage.clock.clone()).start().await;
        let listed = next.get("/v1/document-versions").await.expect(200);
        assert_eq!(listed["current"], 2);
        Self { stage, next }
    }

    /// A tenant of the first release, with a confirmed contact.
    async fn tenant(&self, slug: &str) -> Uuid {
        let tenant = self.stage.seed.active(slug).await;
        self.stage.confirmed(slug, &format!("jo@{slug}.example")).await;
        tenant
    }

    async fn start(&self) -> String {
        let campaign = self.next.post("/v1/campaigns", &new_campaign()).await.expect(201);
        campaign["id"].as_str().unwrap().to_owned()
    }

    /// What the worker does when the next step is due.
    async fn advance(&self, campaign: &str) {
        let id: Uuid = campaign.parse().unwrap();
        // To enroll, and to notify.
        for _ in 0..2 {
            advance(&self.next.context, id.into()).await.expect("the step is done");
        }
    }

    /// The mails that are sent now.
    async fn sent(&self) -> Vec<ReceivedMail> {
        let before = self.stage.relay.seen().len();
        for id in self.stage.waiting().await {
            send(&self.next.context, Some(&self.stage.mailer), id.into())
                .await
                .expect("the attempt is recorded");
        }
        self.stage.relay.seen().split_off(before)
    }

    async fn progress(&self, campaign: &str) -> Value {
        self.next.get(&format!("/v1/campaigns/{campaign}")).await.expect(200)["progress"].clone()
    }

    /// The slugs of the campaign's tenants in this state.
    async fn slugs(&self, campaign: &str, state: &str) -> Vec<String> {
        let listed = self
            .next
            .get(&format!("/v1/campaigns/{campaign}/tenants?state={state}"))
            .await
            .expect(200);
        let items = listed["items"].as_array().unwrap();
        let mut slugs: Vec<String> = items.iter().map(|tenant| tenant["slug"].as_str().unwrap().to_owned()).collect();
        slugs.sort();
        slugs
    }
}

fn new_campaign() -> Value {
    json!({"message": "We now watch the settings of your bucket."})
}

/// A customer's browser.
struct Visitor {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

impl Visitor {
    async fn open(server: &TestServer, link: &str) -> Self {
        let http = client();
        let opened = read(http.get(link)).await;
        assert_eq!((opened.status, opened.location()), (303, "/onboard"));
        Self {
            cookie: opened.cookie("latchkey-onboard").expect("a session"),
            base: server.public.clone(),
            http,
        }
    }

    async fn get(&self, path: &str) -> Page {
        read(self.http.get(format!("{}{path}", self.base)).header(header::COOKIE, &self.cookie)).await
    }

    async fn post(&self, path: &str, token: &str) -> Page {
        let request = self.http.post(format!("{}{path}", self.base)).header(header::COOKIE, &self.cookie);
        read(posting(request, &[("form_token", token)])).await
    }
}

#[tokio::test]
async fn a_campaign_leads_from_the_notice_to_the_verified_update() {
    let update = Update::new().await;
    let acme = update.tenant("acme").await;
    update.stage.seed.active("globex").await;
    Seed::new(&update.next).active("current").await;

    let counted = json!({"message": "We now watch the settings of your bucket.", "dry_run": true});
    let preview = update.next.post("/v1/campaigns", &counted).await.expect(200);
    assert_eq!(preview, json!({"document_version": 2, "tenants": 2, "without_contact": 1}));
    assert_eq!(update.next.get("/v1/campaigns").await.expect(200)["items"], json!([]));

    let campaign = update.next.post("/v1/campaigns", &new_campaign()).await.expect(201);
    let id = campaign["id"].as_str().unwrap().to_owned();
    assert_eq!((&campaign["document_version"], &campaign["enrolled_at"]), (&json!(2), &Value::Null));
    update.advance(&id).await;
    let mails = update.sent().await;
    let to: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["jo@acme.example"]);
    let mail = &mails[0];
    assert_eq!(
        mail.header("Subject"),
        "Action required: update your AWS policies for Example Vendor"
    );
    for part in [
        "which are now version 2",
        "Since version 1, the update adds s3:GetBucketLogging",
        "Example Vendor writes: “We now watch the settings of your bucket.”",
        "choose “Verify again”",
    ] {
        assert!(mail.text.contains(part) && mail.html.contains(part), "{part}: {}", mail.text);
    }
    assert_eq!(update.slugs(&id, "not_opened").await, ["acme"]);
    assert_eq!(update.slugs(&id, "without_contact").await, ["globex"]);
    update.advance(&id).await;
    assert_eq!(update.sent().await.len(), 0, "nobody is notified twice");

    let visitor = Visitor::open(&update.next, &mail.link("/onboard/")).await;
    assert_eq!(visitor.get("/onboard").await.location(), "/onboard/apply");
    let page = visitor.get("/onboard/apply").await;
    for part in [
        "The documents have changed",
        "They are now version 2",
        "s3:GetBucketLogging",
        "“We now watch the settings of your bucket.”",
        "<dt>Version of the documents</dt><dd>2</dd>",
    ] {
        assert!(page.html.contains(part), "{part}: {}", page.html);
    }
    assert!(visitor.get("/onboard/verify").await.html.contains("See the new documents"));
    let progress = update.progress(&id).await;
    let expected = json!({"tenants": 2, "notified": 1, "opened": 1, "verified": 0, "failing": 0, "without_contact": 1});
    assert_eq!(progress, expected);

    let asked = visitor.post("/onboard/verify", &page.form_token()).await;
    assert_eq!(asked.location(), "/onboard/verify");
    let verification: Uuid = sqlx::query_scalar("select id from verifications where tenant_id = $1 and state = 'queued'")
        .bind(acme)
        .fetch_one(&update.next.pool)
        .await
        .unwrap();
    Seed::new(&update.next).verify(acme, verification.into()).await;
    let documents = update.next.get("/v1/tenants/acme").await.expect(200)["documents"].clone();
    assert_eq!(
        (&documents["issued_version"], &documents["verified_version"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(update.progress(&id).await["verified"], 1);
    assert_eq!(update.slugs(&id, "verified").await, ["acme"]);
    assert!(!visitor.get("/onboard/apply").await.html.contains("The documents have changed"));
    assert_eq!(visitor.get("/onboard").await.location(), "/onboard/verify");

    update.stage.clock.forward(WEEK);
    update.advance(&id).await;
    assert_eq!(update.sent().await.len(), 0, "a tenant that is done is not reminded");
}

#[tokio::test]
async fn customers_are_reminded_three_times_a_week_apart() {
    let update = Update::new().await;
    update.tenant("acme").await;
    let id = update.start().await;
    let mut subjects = Vec::new();
    for _ in 0..6 {
        update.advance(&id).await;
        subjects.extend(update.sent().await.iter().map(|mail| mail.header("Subject").to_owned()));
        update.stage.clock.forward(DAY * 6);
        update.advance(&id).await;
        assert_eq!(update.sent().await.len(), 0, "a week has not passed");
        update.stage.clock.forward(DAY);
    }
    let reminders = subjects.iter().filter(|subject| subject.starts_with("Reminder: ")).count();
    assert_eq!((subjects.len(), reminders), (4, 3), "{subjects:?}");
    let listed = update.next.get(&format!("/v1/campaigns/{id}/tenants")).await.expect(200);
    let tenant = &listed["items"][0];
    assert_eq!((&tenant["notices"], &tenant["next_notice_at"]), (&json!(4), &Value::Null));
}

#[tokio::test]
async fn nobody_is_reminded_by_a_campaign_that_was_ended() {
    let update = Update::new().await;
    update.tenant("acme").await;
    let id = update.start().await;
    update.advance(&id).await;
    assert_eq!(update.sent().await.len(), 1);
    update.stage.clock.forward(WEEK);
    update.advance(&id).await;
    assert_eq!(update.stage.waiting().await.len(), 1, "a reminder waits");

    let path = format!("/v1/campaigns/{id}/end");
    let ended = update.next.post(&path, &json!({})).await.expect(200);
    assert!(ended["ended_at"].is_string());
    assert_eq!(update.next.post(&path, &json!({})).await.expect(200), ended, "it ends once");
    assert_eq!(update.sent().await.len(), 0, "it is not sent any more");
    let reminder = update.stage.message("acme", "documents_changed").await;
    assert_eq!((&reminder["state"], &reminder["fault"]), (&json!("given_up"), &json!("not_needed")));
    update.stage.clock.forward(WEEK);
    update.advance(&id).await;
    assert_eq!(update.sent().await.len(), 0);
    let actions: Vec<String> = sqlx::query_scalar("select action from audit_events where action like 'campaign.%' order by position")
        .fetch_all(&update.next.pool)
        .await
        .unwrap();
    assert_eq!(actions, ["campaign.started", "campaign.ended"]);
}

/// Who has no contact gets the notice once there is one. A suspended or offboarded tenant gets none.
#[tokio::test]
async fn a_tenant_is_notified_when_it_can_be() {
    let update = Update::new().await;
    let later = update.stage.seed.active("later").await;
    let suspended = update.tenant("suspended").await;
    let offboarded = update.tenant("offboarded").await;
    let id = update.start().await;
    advance(&update.next.context, id.parse::<Uuid>().unwrap().into()).await.unwrap();
    update.stage.seed.suspend(suspended).await;
    update.stage.seed.offboard(offboarded).await;
    update.advance(&id).await;
    assert_eq!(update.sent().await.len(), 0);
    assert_eq!(update.slugs(&id, "without_contact").await, ["later"]);

    update.stage.confirmed("later", "al@later.example").await;
    update.stage.seed.resume(suspended).await;
    update.stage.clock.forward(DAY);
    update.advance(&id).await;
    let mut to: Vec<String> = update.sent().await.into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["al@later.example", "jo@suspended.example"]);
    assert!(update.stage.seed.find(later).await.facts.active.is_some());
}

#[tokio::test]
async fn a_campaign_is_started_once_and_by_operators_alone() {
    let update = Update::new().await;
    update.tenant("acme").await;
    let keyed = || {
        let request = update
            .next
            .request(Method::POST, "/v1/campaigns")
            .header("idempotency-key", "campaign-1");
        update.next.send(request.json(&new_campaign()))
    };
    let first = keyed().await.expect(201);
    assert_eq!(keyed().await.expect(201), first);
    let listed = update.next.get("/v1/campaigns").await.expect(200);
    assert_eq!(listed["items"], json!([first]));

    let viewer = update.next.token_of(Role::Viewer).await;
    for path in [
        "/v1/campaigns".to_owned(),
        format!("/v1/campaigns/{}/end", first["id"].as_str().unwrap()),
    ] {
        let request = update.next.bare(Method::POST, &format!("{}{path}", update.next.private));
        let refused: ApiResponse = update.next.send(request.bearer_auth(&viewer).json(&new_campaign())).await;
        assert_eq!(refused.status, 403, "{path}");
    }
    for (body, error) in [
        (json!({}), "message required"),
        (json!({"message": "see https://evil.example"}), "message message_has_link"),
        (json!({"message": "x", "deadline": "2020-01-01"}), "deadline out_of_range"),
        (json!({"message": "x", "status": "happy"}), "status unknown_status"),
        (
            json!({"message": "x", "document_version": 7}),
            "document_version unknown_document_version",
        ),
    ] {
        let refused = update.next.post("/v1/campaigns", &body).await;
        let errors: Vec<String> = refused.errors().iter().map(|(field, code)| format!("{field} {code}")).collect();
        assert_eq!((refused.status, errors), (422, vec![error.to_owned()]), "{body}");
    }
    let unknown = format!("/v1/campaigns/{}", Uuid::nil());
    assert_eq!(update.next.get(&unknown).await.status, 404);
    assert_eq!(update.next.post(&format!("{unknown}/end"), &json!({})).await.status, 404);

    let without_mail = TestServer::start().await;
    assert_eq!(without_mail.post("/v1/campaigns", &new_campaign()).await.status, 409);
}

/// The words of a search can be a tenant's name. Neither the audit log nor the campaign keeps them.
#[tokio::test]
async fn the_words_of_a_search_are_not_kept() {
    let update = Update::new().await;
    update.tenant("acme").await;
    let body = json!({"message": "Please update.", "q": "acme"});
    let campaign = update.next.post("/v1/campaigns", &body).await.expect(201);
    update.advance(campaign["id"].as_str().unwrap()).await;
    let events = update.next.get("/v1/events?action=campaign.started").await.expect(200);
    let detail = &events["items"][0]["detail"];
    assert_eq!(
        (&detail["by_search"], &detail["filter"]["words"]),
        (&json!(true), &Value::Null),
        "{events:#}"
    );
    assert!(!events.to_string().contains("acme"), "{events:#}");
    let filter: Value = sqlx::query_scalar("select filter from campaigns")
        .fetch_one(&update.next.pool)
        .await
        .unwrap();
    assert_eq!(filter.get("words"), None);
}

/// 2,100 tenants: three steps to enroll them, and fifty at a time to notify them.
#[tokio::test]
async fn a_large_campaign_advances_in_small_steps() {
    let update = Update::new().await;
    // Seeding so many through the services would take minutes.
    for statement in [
        "insert into tenants (id, slug, name, modes, external_id, created_at, status)
         select gen_random_uuid(), 'many-' || n, 'Many', '{direct}', 'lk-' || lpad(n::text, 40, '0'), now(), 'active'
         from generate_series(1, 2100) n",
        "insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, created_at)
         select gen_random_uuid(), id, 1, 'direct', 'arn:aws:s3:::' || slug, '222222222222', 'eu-central-1',
                'arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab', now() from tenants",
        "insert into active_configs (tenant_id, config_id, location, activated_at, verified_at)
         select tenant_id, id, bucket_arn || '/', now(), now() from storage_configs",
    ] {
        sqlx::query(statement).execute(&update.next.pool).await.unwrap();
    }
    let id = update.start().await;
    let step = async || {
        advance(&update.next.context, id.parse::<Uuid>().unwrap().into()).await.unwrap();
        update.progress(&id).await["tenants"].as_i64().unwrap()
    };
    assert_eq!((step().await, step().await, step().await), (1000, 2000, 2100));
    let looked_at = async || -> i64 {
        sqlx::query_scalar("select count(*) from campaign_tenants where due_at > $1")
            .bind(update.stage.context.clock.now())
            .fetch_one(&update.next.pool)
            .await
            .unwrap()
    };
    step().await;
    assert_eq!(looked_at().await, 50, "without a contact, they are looked at again tomorrow");
    step().await;
    assert_eq!(looked_at().await, 100);
    assert_eq!(update.progress(&id).await["without_contact"], 2100);
    let page = update.next.get(&format!("/v1/campaigns/{id}/tenants?limit=200")).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 200);
    assert!(page["next_cursor"].is_string());
}

/// The worker does the steps, and sends the notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_runs_a_campaign() {
    let update = Update::new().await;
    update.tenant("acme").await;
    let builder = update.next.replica().vendor(with_posture(&update.next));
    let worker = builder.mail(update.stage.mailer.clone()).worker().start().await;
    let seen = update.stage.relay.seen().len();
    let id = worker.post("/v1/campaigns", &new_campaign()).await.expect(201)["id"].clone();
    let notified = update.stage.relay.mails(seen + 1).await.pop().unwrap();
    assert!(
        notified.header("Subject").contains("update your AWS policies"),
        "{:?}",
        notified.headers
    );
    assert_eq!(update.progress(id.as_str().unwrap()).await["notified"], 1);
}

#[tokio::test]
async fn campaigns_are_run_in_a_terminal_and_on_the_dashboard() {
    let update = Update::new().await;
    update.tenant("acme").await;
    let run = async |arguments: &[&str]| {
        let out = cli::run(&[&["campaign"], arguments].concat(), &update.next).await;
        assert!(out.status.success(), "{arguments:?}: {}", cli::text(&out.stderr));
        cli::text(&out.stdout).trim().to_owned()
    };
    let counted = run(&["start", "--message", "A new permission.", "--dry-run"]).await;
    assert_eq!(
        counted,
        "1 tenants were not verified against version 2. 0 of them have no contact that gets mail."
    );
    let deadline = (update.stage.context.clock.now() + DAY * 30).date_naive().to_string();
    let id = run(&["start", "--message", "A new permission.", "--to", "2", "--deadline", &deadline]).await;
    update.advance(&id).await;
    assert!(run(&["list"]).await.contains("A new permission."));
    let shown = run(&["show", &id]).await;
    assert!(shown.contains("acme") && shown.contains("without a contact"), "{shown}");

    let http = client();
    let base = &update.next.private;
    let signed_in = read(posting(http.post(format!("{base}/sign-in")), &[("token", &update.next.token)])).await;
    let cookie = signed_in.cookie("latchkey-dashboard").expect("a session");
    let get = async |path: &str| read(http.get(format!("{base}{path}")).header(header::COOKIE, &cookie)).await;
    let post = async |path: &str, fields: &[(&str, &str)]| {
        let request = http.post(format!("{base}{path}")).header(header::COOKIE, &cookie);
        read(posting(request, fields)).await
    };
    let page = get(&format!("/campaigns/{id}")).await;
    for part in ["A new permission.", "Opened the link", "/tenants/", &format!("deadline {deadline}")] {
        assert!(page.html.contains(part), "{part}: {}", page.html);
    }
    let token = page.form_token();
    let ended = post(&format!("/campaigns/{id}/end"), &[("form_token", &token)]).await;
    assert_eq!(ended.location(), format!("/campaigns/{id}?done=campaign-ended"));
    let counted = post("/campaigns", &[("form_token", &token), ("message", "Another."), ("preview", "yes")]).await;
    assert!(counted.html.contains("The campaign would be for 1 tenant."), "{}", counted.html);
    let wrong = post("/campaigns", &[("form_token", &token), ("message", "")]).await;
    assert_eq!(wrong.status, 422);
    let started = post("/campaigns", &[("form_token", &token), ("message", "Another.")]).await;
    assert!(started.location().ends_with("?done=campaign-started"), "{}", started.location());
    assert_eq!(run(&["end", started.location().split(['/', '?']).nth(2).unwrap()]).await, "Ended.");
}
