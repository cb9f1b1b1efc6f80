//! The customers' API, as programs of customers use it.

use futures::future::join;
use latchkey::domain::ids::{InviteId, TenantRef, VerificationId};
use latchkey::service::Caller;
use latchkey::service::create_api_token::create_api_token;
use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::pages::{client, posting, read};
use crate::support::seed::Seed;
use crate::support::server::{ApiResponse, TestServer};

/// A customer's program.
struct Program<'a> {
    server: &'a TestServer,
    token: String,
    invite: String,
}

impl<'a> Program<'a> {
    async fn invited(server: &'a TestServer, slug: &str, purpose: &str) -> Self {
        let body = json!({"api_token": true, "purpose": purpose});
        let created = server.post(&format!("/v1/tenants/{slug}/invites"), &body).await;
        assert_eq!(created.headers[header::CACHE_CONTROL], "no-store");
        let created = created.expect(201);
        Self {
            server,
            token: text(&created["api_token"]).to_owned(),
            invite: text(&created["id"]).to_owned(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/customer/v1/{path}", self.server.public);
        self.server.bare(method, &url).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> ApiResponse {
        self.server.send(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> ApiResponse {
        self.server.send(self.request(Method::POST, path).json(body)).await
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn verification(id: &Value) -> VerificationId {
    VerificationId::parse(text(id)).expect("an ID")
}

fn storage(bucket: &str) -> Value {
    json!({
        "mode": "direct",
        "bucket_arn": format!("arn:aws:s3:::{bucket}"),
        "bucket_region": "eu-central-1",
        "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    })
}

async fn audit(server: &TestServer, action: &str) -> Vec<Value> {
    let log = server.get(&format!("/v1/events?action={action}")).await.expect(200);
    log["items"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_connects_storage_without_a_browser() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let acme = seed.tenant("acme").await;
    let program = Program::invited(&server, "acme", "onboarding").await;

    let before = program.get("connection").await.expect(200);
    let external_id = seed.find(acme).await.external_id.to_string();
    assert_eq!(before["external_id"], *external_id);
    assert_eq!(
        (&before["status"], &before["may_submit"], &before["newest"]),
        (&json!("invited"), &json!(true), &Value::Null)
    );
    assert_eq!(before["offered_modes"][0]["mode"], "direct");
    assert!(text(&before["offered_modes"][0]["vendor_role_arn"]).starts_with("arn:aws:iam::"));
    assert_eq!(
        (&before["vendor_name"], &before["tenant_name"]),
        (&json!("Example Vendor"), &json!("acme"))
    );

    let file = program
        .get("templates?format=terraform&bucket=acme-documents&tags=Team%3DRecords")
        .await;
    assert_eq!(
        file.headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"latchkey-acme.tf\""
    );
    assert!(text(&file.body).contains(&external_id) && text(&file.body).contains("Records"));
    assert_eq!(
        program.get("templates?format=pdf").await.errors(),
        [("format".into(), "unknown_format".into())]
    );
    let current = json!({"document": "bucket-policy", "bucket": "acme-documents", "key_arn": storage("")["key_arn"], "current": ""});
    let merged = program.post("templates/merge", &current).await.expect(200);
    assert!(merged["merged"].to_string().contains(&external_id), "{merged:#}");

    let judged = program.post("validate", &storage("acme-documents")).await.expect(200);
    assert_eq!((&judged["valid"], &judged["not_judged"]), (&json!(true), &json!(["claims", "aws"])));
    let wrong = program.post("validate", &json!({"mode": "direct", "tenant": "globex"})).await;
    let fields: Vec<String> = wrong.errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["tenant", "bucket_arn", "bucket_region", "key_arn"], "every field at once");

    let submitted = program.post("storage-configs", &storage("acme-documents")).await;
    assert_eq!(submitted.headers[header::RETRY_AFTER], "2");
    let location = submitted.headers[header::LOCATION].to_str().expect("a path").to_owned();
    let submitted = submitted.expect(202);
    assert_eq!((&submitted["version"], &submitted["is_new"]), (&json!(1), &json!(true)));
    assert_eq!(submitted["derived"], json!({"bucket_account_id": "key_arn"}));
    let id = verification(&submitted["verification"]["id"]);
    assert_eq!(location, format!("/customer/v1/verifications/{id}"));
    let path = format!("verifications/{id}");
    let queued = program.get(&path).await;
    assert_eq!(queued.headers[header::RETRY_AFTER], "2", "it says when to ask again");
    assert_eq!(queued.expect(200)["state"], "queued");

    let waiting_path = format!("{path}?wait=20");
    let (finished, ()) = join(program.get(&waiting_path), seed.verify(acme, id)).await;
    assert_eq!(finished.headers.get(header::RETRY_AFTER), None);
    let finished = finished.expect(200);
    assert_eq!(
        (&finished["state"], &finished["verdict"]),
        (&json!("finished"), &json!("verified")),
        "{finished:#}"
    );
    let stream = program.get(&format!("{path}/events")).await.expect(200);
    assert!(text(&stream).contains("event: finished"), "{stream}");

    let after = program.get("connection").await.expect(200);
    assert_eq!(
        (
            &after["status"],
            &after["active"]["version"],
            &after["newest_verification"]["verdict"],
            &after["may_submit"]
        ),
        (&json!("active"), &json!(1), &json!("verified"), &json!(false))
    );
    assert_eq!(
        program.get("storage-configs/1").await.expect(200)["bucket_arn"],
        "arn:aws:s3:::acme-documents"
    );
    let removal = program.get("removal").await.expect(200);
    assert!(text(&removal["text"]).contains("acme-documents"), "{removal:#}");

    let made = audit(&server, "storage_config.submitted").await;
    assert_eq!(
        (&made[0]["actor"]["kind"], &made[0]["actor"]["id"], &made[0]["address"]),
        (&json!("invite"), &json!(program.invite), &json!("127.0.0.1"))
    );
    let created = audit(&server, "invite.api_token_created").await;
    assert_eq!(
        made[0]["actor"]["api_token"], created[0]["detail"]["invite_session_id"],
        "it says which program"
    );
}

#[tokio::test]
async fn what_is_rejected_is_said_in_the_customers_words() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    seed.tenant("acme").await;
    let program = Program::invited(&server, "acme", "onboarding").await;
    let submitted = program.post("storage-configs", &storage("acme-documents")).await.expect(202);
    let id = verification(&submitted["verification"]["id"]);
    seed.reject(id).await;
    let rejected = program.get(&format!("verifications/{id}")).await.expect(200);
    assert_eq!(rejected["verdict"], "rejected");
    let operators = server.get(&format!("/v1/verifications/{id}")).await.expect(200);
    let stream = text(&program.get(&format!("verifications/{id}/events")).await.expect(200)).to_owned();
    for said in [rejected.to_string(), stream] {
        assert!(said.contains("your") && !said.contains("the customer"), "{said}");
    }
    assert!(operators.to_string().contains("the customer"), "{operators:#}");
    let connection = program.get("connection").await.expect(200);
    assert_eq!(connection["status"], "action_required");
    assert!(
        !connection["newest_verification"]["failing_checks"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
}

#[tokio::test]
async fn a_program_that_runs_twice_makes_one_version() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let acme = seed.tenant("acme").await;
    let program = Program::invited(&server, "acme", "onboarding").await;
    let nothing = program.post("verifications", &json!({})).await.expect(409);
    assert!(text(&nothing["detail"]).contains("not submitted"), "{nothing:#}");
    let first = program.post("storage-configs", &storage("acme-documents")).await.expect(202);
    let again = program.post("storage-configs", &storage("acme-documents")).await.expect(202);
    assert_eq!((&again["version"], &again["is_new"]), (&json!(1), &json!(false)));
    assert_eq!(again["verification"]["id"], first["verification"]["id"], "it is still queued");
    let asked = program.post("verifications", &json!({})).await.expect(202);
    assert_eq!(asked["id"], first["verification"]["id"]);
    seed.verify(acme, verification(&first["verification"]["id"])).await;
    let later = program.post("storage-configs", &storage("acme-documents")).await.expect(202);
    assert_eq!((&later["version"], &later["is_new"]), (&json!(1), &json!(false)));
    assert_ne!(later["verification"]["id"], first["verification"]["id"], "it is verified again");
    assert_eq!(audit(&server, "storage_config.submitted").await.len(), 1);

    let refused = program.post("storage-configs", &storage("other-documents")).await.expect(403);
    assert!(text(&refused["detail"]).contains("an invite that allows changes"), "{refused:#}");
    let changing = Program::invited(&server, "acme", "change").await;
    let changed = changing.post("storage-configs", &storage("other-documents")).await.expect(202);
    assert_eq!((&changed["version"], &changed["is_new"]), (&json!(2), &json!(true)));

    let key = |body: &Value| {
        changing
            .request(Method::POST, "storage-configs")
            .header("idempotency-key", "k")
            .json(body)
    };
    let first = server.send(key(&storage("third-documents"))).await;
    let repeated = server.send(key(&storage("third-documents"))).await;
    assert_eq!(repeated.headers["idempotent-replayed"], "true");
    assert_eq!(repeated.expect(202), first.expect(202));
    let other = server.send(key(&storage("fourth-documents"))).await;
    assert_eq!(other.errors(), [("idempotency-key".into(), "key_of_another_request".into())]);
}

/// Every ID is looked up among those of the token's tenant.
#[tokio::test]
async fn nothing_of_another_tenant_can_be_named() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    seed.active("globex").await;
    seed.activate(seed_id(&server, "globex").await).await;
    seed.tenant("acme").await;
    let program = Program::invited(&server, "acme", "onboarding").await;
    let foreign = server.get("/v1/tenants/globex/verifications").await.expect(200)["items"][0]["id"].clone();
    let nobodys = Uuid::nil().to_string();
    for suffix in ["", "?wait=20", "/events"] {
        let path = |id: &str| format!("verifications/{id}{suffix}");
        let refused = program.get(&path(text(&foreign))).await.expect(404);
        let unknown = program.get(&path(&nobodys)).await.expect(404);
        assert_eq!(refused["detail"], unknown["detail"]);
    }
    program.get("storage-configs/2").await.expect(404);

    // Which buckets other customers have is not told before access was proven.
    let taken = server.get("/v1/tenants/globex/storage-configs/2").await.expect(200)["bucket_arn"].clone();
    let mut claimed = storage("");
    claimed["bucket_arn"] = taken;
    assert_eq!(program.post("validate", &claimed).await.expect(200)["valid"], true);
    claimed["tenant"] = json!("acme");
    server.post("/v1/validate", &claimed).await.expect(422);
}

async fn seed_id(server: &TestServer, slug: &str) -> Uuid {
    let tenant = server.get(&format!("/v1/tenants/{slug}")).await.expect(200);
    text(&tenant["id"]).parse().expect("an ID")
}

#[tokio::test]
async fn a_token_that_does_not_work_says_why_and_what_to_do() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let acme = seed.active("acme").await;
    let refused = async |token: &str| {
        let url = format!("{}/customer/v1/connection", server.public);
        let answer = server.send(server.bare(Method::GET, &url).bearer_auth(token)).await;
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
        let problem = answer.expect(401);
        assert!(!problem.to_string().contains(token), "{problem:#}");
        text(&problem["detail"]).to_owned()
    };
    let ended = Program::invited(&server, "acme", "onboarding").await;
    let sessions = format!("/v1/tenants/acme/invites/{}/sessions", ended.invite);
    let listed = server.get(&sessions).await.expect(200);
    assert_eq!(
        (&listed["items"][0]["kind"], &listed["items"][0]["address"]),
        (&json!("api_token"), &Value::Null)
    );
    let end = server.request(Method::DELETE, &format!("{sessions}/{}", text(&listed["items"][0]["id"])));
    server.send(end).await.expect(204);
    assert!(refused(&ended.token).await.contains("The token was revoked. Ask Example Vendor"));

    let revoked = Program::invited(&server, "acme", "onboarding").await;
    let revoke = server.request(Method::DELETE, &format!("/v1/tenants/acme/invites/{}", revoked.invite));
    server.send(revoke).await.expect(204);
    assert!(
        refused(&revoked.token)
            .await
            .contains("was revoked. Ask Example Vendor for a new invite")
    );

    let expired = Program::invited(&server, "acme", "onboarding").await;
    let past = "update invites set created_at = now() - interval '2 days', expires_at = now() - interval '1 day' where id = $1";
    sqlx::query(past)
        .bind(expired.invite.parse::<Uuid>().expect("an ID"))
        .execute(&server.pool)
        .await
        .expect("the invite expires");
    assert!(refused(&expired.token).await.contains("has expired. Ask Example Vendor"));

    assert!(refused(&format!("lkc_{}", "0".repeat(64))).await.contains("unknown"));
    assert!(
        refused(&server.token).await.contains("another kind"),
        "the vendor's tokens are not for this API"
    );
    let bare = server.bare(Method::GET, &format!("{}/customer/v1/connection", server.public));
    assert!(text(&server.send(bare).await.expect(401)["detail"]).contains("lkc_"));

    let valid = Program::invited(&server, "acme", "onboarding").await;
    let private = server.bare(Method::GET, &format!("{}/v1/tenants/acme", server.private));
    server.send(private.bearer_auth(&valid.token)).await.expect(401);
    let cookie = format!("latchkey-onboard={}", valid.token);
    let page = read(
        client()
            .get(format!("{}/onboard/apply", server.public))
            .header(header::COOKIE, cookie),
    )
    .await;
    assert_eq!(page.status, 403, "a token is no session of a browser");

    seed.offboard(acme).await;
    let gone = valid.get("connection").await.expect(410);
    assert!(text(&gone["detail"]).contains("GET /customer/v1/removal"), "{gone:#}");
    let removal = valid.get("removal").await.expect(200);
    assert!(!removal["steps"].as_array().expect("a list").is_empty());
}

#[tokio::test]
async fn a_suspended_customer_can_still_ask() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let acme = seed.active("acme").await;
    let program = Program::invited(&server, "acme", "onboarding").await;
    seed.suspend(acme).await;
    assert_eq!(program.get("connection").await.expect(200)["status"], "suspended");
}

#[tokio::test]
async fn errors_are_problems_with_pages() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let program = Program::invited(&server, "acme", "onboarding").await;
    for (method, path, status) in [
        (Method::GET, "nothing", 404),
        (Method::DELETE, "connection", 405),
        (Method::GET, "verifications/x", 404),
        (Method::GET, "templates?mod=direct", 400),
        (Method::GET, &format!("verifications/{}?wait=21", Uuid::nil()), 422),
    ] {
        let answer = server.send(program.request(method, path)).await;
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json", "{path}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN), None, "{path}");
        let problem = answer.expect(status);
        assert_eq!(problem["instance"].as_str().map(str::len), Some(36), "{path}");
        let page = read(client().get(format!("{}{}", server.public, text(&problem["type"])))).await;
        assert_eq!(page.status, 200, "{path}");
    }
    let form = program
        .request(Method::POST, "validate")
        .body("mode=direct")
        .header(header::CONTENT_TYPE, "text/plain");
    server.send(form).await.expect(415);
    let large = program.request(Method::POST, "validate").json(&json!({"mode": "x".repeat(70_000)}));
    server.send(large).await.expect(413);
    let document = server
        .send(server.bare(Method::GET, &format!("{}/customer/v1/openapi.json", server.public)))
        .await;
    assert_eq!(document.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(
        document.expect(200)["components"]["securitySchemes"]["token"]["bearerFormat"],
        "lkc_<secret>"
    );
}

#[tokio::test]
async fn what_causes_verifications_is_limited_like_in_the_form() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let program = Program::invited(&server, "acme", "onboarding").await;
    program.post("storage-configs", &storage("acme-documents")).await.expect(202);
    for _ in 1..10 {
        program.post("verifications", &json!({})).await.expect(202);
    }
    let refused = program.post("verifications", &json!({})).await;
    let wait: u32 = refused.headers[header::RETRY_AFTER]
        .to_str()
        .expect("a number")
        .parse()
        .expect("a number");
    assert!((1..=6).contains(&wait), "{wait}");
    assert_eq!(refused.expect(429)["type"], "/problems/too-many-requests");
    program.get("connection").await.expect(200);
    let other = Program::invited(&server, "acme", "onboarding").await;
    other.post("verifications", &json!({})).await.expect(202);
}

#[tokio::test]
async fn requests_are_limited_by_invite() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let program = Program::invited(&server, "acme", "onboarding").await;
    let refused = loop {
        let answer = program.get("storage-configs/1").await;
        if answer.status != 404 {
            break answer;
        }
    };
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(refused.expect(429)["type"], "/problems/too-many-requests");
}

#[tokio::test]
async fn the_form_creates_a_token_and_shows_it_once() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let invite = server.post("/v1/tenants/acme/invites", &json!({})).await.expect(201);
    assert_eq!(invite.get("api_token"), None, "none was requested");
    let http = client();
    let opened = read(http.get(text(&invite["url"]))).await;
    let cookie = opened.cookie("latchkey-onboard").expect("the link opens a session");
    let at = |method: Method, path: &str| {
        http.request(method, format!("{}{path}", server.public))
            .header(header::COOKIE, &cookie)
    };
    let form_token = read(at(Method::GET, "/onboard/apply")).await.form_token();
    let page = read(posting(at(Method::POST, "/onboard/api-token"), &[("form_token", &form_token)])).await;
    let token = page.html.split("id=\"token\">").nth(1).and_then(|rest| rest.split('<').next());
    let token = token.expect("the page shows the token");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    assert!(
        page.html.contains(&format!("{}/customer/v1/connection", server.public)),
        "{}",
        page.html
    );

    let program = Program {
        server: &server,
        token: token.to_owned(),
        invite: text(&invite["id"]).to_owned(),
    };
    program.get("connection").await.expect(200);
    let sessions = server
        .get(&format!("/v1/tenants/acme/invites/{}/sessions", program.invite))
        .await
        .expect(200);
    let own = sessions["items"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|session| session["kind"] == "api_token");
    assert_eq!(own.expect("it is listed")["address"], "127.0.0.1");
    let created = audit(&server, "invite.api_token_created").await;
    assert_eq!(created[0]["actor"], json!({"kind": "invite", "id": program.invite}));

    let stored: Vec<String> = sqlx::query_scalar(
        "select row_to_json(s)::text from invite_sessions s union all select row_to_json(a)::text from audit_events a
         union all select row_to_json(i)::text from invites i",
    )
    .fetch_all(&server.pool)
    .await
    .expect("the rows are read");
    assert!(stored.iter().all(|row| !row.contains(token)), "only its hash is stored");
}

#[tokio::test]
async fn the_tokens_of_an_invite_are_bounded() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let program = Program::invited(&server, "acme", "onboarding").await;
    sqlx::query(
        "insert into invite_sessions (id, invite_id, kind, hash, created_at, last_used_at)
         select gen_random_uuid(), i.id, 'api_token', sha256(n::text::bytea), now() - interval '1 day', now() - n * interval '1 minute'
         from invites i, generate_series(1, 19) n",
    )
    .execute(&server.pool)
    .await
    .expect("tokens are inserted");
    program.get("connection").await.expect(200);
    let id = InviteId::parse(&program.invite).expect("an ID");
    let tenant = TenantRef::parse("acme").expect("a slug");
    create_api_token(&server.context, &Caller::operator(), &tenant, id)
        .await
        .expect("another token is created");
    let (count, oldest): (i64, bool) = sqlx::query_as("select count(*), bool_or(hash = sha256('19'::bytea)) from invite_sessions")
        .fetch_one(&server.pool)
        .await
        .expect("the tokens are counted");
    assert_eq!(
        (count, oldest),
        (20, false),
        "the one that was not used for the longest time is gone"
    );
    program.get("connection").await.expect(200);
}
