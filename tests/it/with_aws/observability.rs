//! What a process reports: metrics, logs and traces. The dashboard and the alerting rules use only metrics that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::routing::post;
use latchkey::domain::token::Role;
use latchkey::telemetry::metric;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::aws::{World, apply_templates};
use crate::support::process::Process;
use crate::support::relay::{FROM, TestRelay};
use crate::support::server::{ApiResponse, TestServer};
use crate::webhooks::receiver::Receiver;

/// A process that has done some work of every kind.
struct Work {
    process: Process,
    server: TestServer,
    world: World,
    /// What no output may contain.
    secrets: Vec<String>,
}

impl Work {
    async fn begin(more: &[(&str, &str)]) -> Self {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).without_worker().start().await;
        let process = Process::serve(&world.access(), &server.database_url, more).await;
        Self {
            secrets: vec![server.token.clone(), world.latchkey.secret.clone()],
            process,
            server,
            world,
        }
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> ApiResponse {
        let mut request = self.server.bare(method, &format!("{}{path}", self.process.url)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.server.send_now(request).await
    }

    async fn post(&self, path: &str, body: Value) -> ApiResponse {
        self.ask(Method::POST, path, &self.server.token, Some(body)).await
    }

    /// A tenant whose storage is verified.
    async fn verified(&mut self, slug: &str) -> String {
        let created = self.post("/v1/tenants", json!({"slug": slug, "name": slug})).await.expect(201);
        self.secrets.push(created["external_id"].as_str().unwrap().to_owned());
        let applied = apply_templates(&self.world, &self.server, slug, "assume_role").await;
        let path = format!("/v1/tenants/{slug}/storage-configs");
        let submitted = self.post(&path, applied.submission()).await;
        let request_id = submitted.headers["x-request-id"].to_str().unwrap().to_owned();
        let submitted = submitted.expect(202);
        let verification = self.server.finished(&submitted["verification"]["id"]).await;
        assert_eq!(verification["verdict"], "verified", "{verification:#}");
        request_id
    }

    async fn scrape(&self) -> String {
        let answer = reqwest::get(format!("{}/metrics", self.process.url)).await.unwrap();
        assert!(
            answer.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/plain; version=0.0.4")
        );
        answer.text().await.unwrap()
    }

    fn is_discreet(&self, text: &str) {
        for secret in &self.secrets {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}

/// The labels of each rendered metric.
fn samples(rendered: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut samples: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in rendered.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, labels) = match line.split_once('{') {
            Some((name, rest)) => (name, rest.rsplit_once('}').expect("a sample is whole").0),
            None => (line.split(' ').next().unwrap_or_default(), ""),
        };
        let is_known = |name: &str| metric::ALL.iter().any(|metric| metric.name == name);
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let name = base.filter(|base| is_known(base)).unwrap_or(name);
        let labels = labels.split("\",").filter_map(|pair| Some(pair.split_once("=\"")?.0.to_owned()));
        samples
            .entry(name.to_owned())
            .or_default()
            .extend(labels.filter(|label| label != "le"));
    }
    samples
}

#[tokio::test(flavor = "multi_thread")]
async fn a_working_process_exports_every_metric() {
    let receiver = Receiver::start().await;
    let relay = TestRelay::start().await;
    let key = "00".repeat(32);
    let smtp_url = format!("smtp://storage:unspeakable@127.0.0.1:{}", relay.port);
    let mut work = Work::begin(&[
        ("LATCHKEY_SMTP_URL", &smtp_url),
        ("LATCHKEY_MAIL_FROM", FROM),
        ("LATCHKEY_WEBHOOK_KEY", &key),
        ("LATCHKEY_WEBHOOK_ALLOW", "127.0.0.0/8"),
        ("LATCHKEY_MAX_VERSIONS_PER_DAY", "1"),
    ])
    .await;
    work.post("/v1/webhooks", json!({"url": receiver.url})).await.expect(201);
    work.verified("acme").await;
    let contact = json!({"name": "Jo", "email": "jo@globex.example"});
    work.post("/v1/tenants/acme/contacts", contact).await.expect(201);
    let mail = relay.mails(1).await.remove(0);
    work.process
        .until("the mail is counted", |_| async {
            work.scrape().await.contains("latchkey_mails_total{")
        })
        .await;
    let another = json!({
        "mode": "direct",
        "bucket_arn": "arn:aws:s3:::acme-documents",
        "bucket_region": "eu-central-1",
        "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    });
    work.post("/v1/tenants/acme/storage-configs", another).await.expect(429);
    let service = work.server.token_of(Role::Service).await;
    let read = "/internal/v1/tenants/acme/storage-config";
    work.process
        .until("the directory has it", |_| async {
            work.ask(Method::GET, read, &service, None).await.status == 200
        })
        .await;
    for _ in 0..2 {
        let given = work.ask(Method::GET, "/internal/v1/tenants/acme/credentials", &service, None).await;
        assert_eq!(given.status, 200);
    }
    work.process
        .until("a webhook receives the event", |_| async {
            work.scrape().await.contains("latchkey_webhook_attempts_total{")
        })
        .await;
    let again = json!({"within_seconds": 0, "reason": "a test"});
    work.post("/v1/reverifications", again).await.expect(200);
    work.process
        .until("a re-verification is counted", |_| async {
            work.scrape().await.contains("latchkey_reverifications_total{")
        })
        .await;
    let rendered = work.scrape().await;
    work.process.end().await;
    assert!(receiver.url.ends_with("?code=unguessable"), "a webhook's address may hold a secret");
    work.secrets.push("unguessable".into());
    work.secrets.extend(["unspeakable".into(), "jo@globex.example".into()]);
    for link in ["/mail/confirm/", "/mail/stop/"] {
        work.secrets.push(mail.link(link).rsplit('/').next().unwrap().to_owned());
    }
    work.is_discreet(&rendered);
    let said = work.process.said();
    assert!(said.iter().any(|line| line.contains("webhook message delivered")));
    for line in &said {
        work.is_discreet(line);
    }
    // If the vendor's role denies access, the tenant waits for the vendor. This needs a new process: one with a session would use it.
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", work.world.customer.id)}}]});
    work.world.vendor.put_trust("storage", &trust).await;
    let shut = Process::serve(&work.world.access(), &work.server.database_url, &[]).await;
    let begun = work.server.request(Method::POST, "/v1/tenants/acme/verifications").json(&json!({}));
    work.server.send_now(begun).await.expect(202);
    let told = async |process: &Process| {
        reqwest::get(format!("{}/metrics", process.url))
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    shut.until("the fault is counted", |process| async move {
        told(process).await.contains("latchkey_vendor_faults_total{")
    })
    .await;

    work.is_discreet(&rendered);
    assert!(!rendered.contains("acme"), "no tenant is in a label");
    let (mut found, other) = (samples(&rendered), samples(&told(&shut).await));
    for (name, labels) in other {
        found.entry(name).or_default().extend(labels);
    }
    for metric in metric::ALL {
        let labels = found.remove(metric.name).unwrap_or_else(|| panic!("{} is not told", metric.name));
        let told: Vec<&str> = labels.iter().map(String::as_str).collect();
        let mut meant = metric.labels.to_vec();
        meant.sort_unstable();
        assert_eq!(told, meant, "{}", metric.name);
        assert!(
            rendered.contains(&format!("# HELP {} {}", metric.name, metric.help())) || metric.name == "latchkey_vendor_faults_total",
            "{}",
            metric.name
        );
    }
    assert!(found.is_empty(), "not in the table: {found:?}");

    for sample in [
        r#"latchkey_verifications_total{verdict="verified"} 1"#,
        r#"latchkey_checks_total{check="object-readable",status="passed"} 1"#,
        r#"latchkey_http_requests_total{method="POST",route="/v1/tenants/{tenant}/storage-configs",status="202"} 1"#,
        r#"latchkey_credentials_given_total{from="held"} 1"#,
        r#"latchkey_credentials_given_total{from="waited"} 1"#,
        r#"latchkey_http_requests_in_flight{listener="private"} 1"#,
        "latchkey_database_up 1",
        "latchkey_read_model_following 1",
    ] {
        assert!(rendered.lines().any(|line| line == sample), "{sample} is not in {rendered}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_expire_soon_are_counted_by_role() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).without_worker().start().await;
    for role in [Role::Service, Role::Service, Role::Service, Role::Viewer] {
        server.token_of(role).await;
    }
    let aged = "update tokens set created_at = now() - interval '81 days', expires_at = now() + interval '9 days'
                where role = 'service' and id <> (select id from tokens where role = 'service' order by id limit 1)";
    sqlx::query(aged).execute(&server.pool).await.unwrap();
    let process = Process::serve(&world.access(), &server.database_url, &[]).await;
    process
        .until("the tokens are counted", |process| async move {
            let told = reqwest::get(format!("{}/metrics", process.url))
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            let has = |sample: &str| told.lines().any(|line| line == sample);
            has(r#"latchkey_tokens_expiring{role="service"} 2"#) && has(r#"latchkey_tokens_expiring{role="viewer"} 0"#)
        })
        .await;
}

/// The metric names and labels in an expression of Prometheus's query language.
fn named(expression: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let (mut metrics, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let mut outside = String::new();
    let mut rest = expression;
    // Braces contain matchers. Quoted text can be anything.
    while let Some((before, after)) = rest.split_once('{') {
        outside.push_str(before);
        let (matchers, after) = after.split_once('}').expect("a brace is closed");
        for matcher in matchers.split(',').filter(|matcher| matcher.contains('=') || matcher.contains('!')) {
            labels.insert(matcher.trim().chars().take_while(|c| is_word(*c)).collect());
        }
        outside.push(' ');
        rest = after;
    }
    outside.push_str(rest);
    for word in outside.split(|c| !is_word(c)) {
        if word.starts_with("latchkey_") || word.starts_with("process_") {
            metrics.insert(word.to_owned());
        }
    }
    for grouping in ["by (", "on ("] {
        for part in outside.split(grouping).skip(1) {
            let list = part.split(')').next().unwrap_or_default();
            labels.extend(
                list.split(',')
                    .map(|label| label.trim().to_owned())
                    .filter(|label| !label.is_empty()),
            );
        }
    }
    (metrics, labels)
}

fn is_whole(expression: &str) {
    for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
        let count = |c| expression.chars().filter(|it| *it == c).count();
        assert_eq!(count(open), count(close), "{expression}");
    }
}

/// Each expression with its location.
fn expressions() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(include_str!("../../../docs/observability/dashboard.json")).unwrap();
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.push((panel["title"].to_string(), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    let panels = found.len();
    let alerts: Value = yaml_serde::from_str(include_str!("../../../docs/observability/alerts.yaml")).unwrap();
    for group in alerts["groups"].as_array().unwrap() {
        assert!(group["name"].is_string());
        for rule in group["rules"].as_array().unwrap() {
            let known = ["alert", "expr", "for", "labels", "annotations"];
            assert!(rule.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{rule}");
            assert!(
                ["critical", "warning", "info"].contains(&rule["labels"]["severity"].as_str().unwrap()),
                "{rule}"
            );
            for text in ["summary", "description"] {
                assert!(rule["annotations"][text].as_str().unwrap().ends_with('.'), "{rule}");
            }
            found.push((rule["alert"].to_string(), rule["expr"].as_str().unwrap().to_owned()));
        }
    }
    assert!(panels > 30 && found.len() > panels + 15);
    found
}

#[test]
fn the_dashboard_and_the_alerts_use_existing_metrics() {
    let mut used = BTreeSet::new();
    for (place, expression) in expressions() {
        is_whole(&expression);
        let (names, labels) = named(&expression);
        assert!(!names.is_empty(), "{place}: {expression}");
        let mut may: BTreeSet<&str> = BTreeSet::from(["le", "job", "instance"]);
        for name in &names {
            let of = |metric: &&metric::Metric| match metric.kind {
                metric::MetricKind::Histogram => ["_bucket", "_sum", "_count"]
                    .iter()
                    .any(|suffix| name.strip_suffix(suffix) == Some(metric.name)),
                _ => name == metric.name,
            };
            let metric = metric::ALL.iter().find(of).unwrap_or_else(|| panic!("{place}: there is no {name}"));
            may.extend(metric.labels);
            used.insert(metric.name);
        }
        for label in &labels {
            assert!(may.contains(label.as_str()), "{place}: {names:?} have no label {label}");
        }
    }
    let unused: Vec<&str> = metric::ALL
        .iter()
        .map(|metric| metric.name)
        .filter(|name| !used.contains(name))
        .collect();
    // These help to find a leak. They are not for a dashboard.
    assert_eq!(
        unused,
        [
            "process_virtual_memory_bytes",
            "process_virtual_memory_max_bytes",
            "process_threads",
            "process_start_time_seconds"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn json_logs_have_context_and_no_secrets() {
    let mut work = Work::begin(&[("LATCHKEY_LOG", "info,latchkey=debug")]).await;
    let asked = work.verified("acme").await;
    let invited = work.post("/v1/tenants/acme/invites", json!({"api_token": true})).await.expect(201);
    let link = work.process.reached(invited["url"].as_str().unwrap());
    let program = invited["api_token"].as_str().unwrap().to_owned();
    let connection = work.process.reached("http://127.0.0.1:9/customer/v1/connection");
    for (token, status) in [(program.as_str(), 200), ("lkc_forged", 401)] {
        let request = work.server.bare(Method::GET, &connection).bearer_auth(token);
        work.server.send(request).await.expect(status);
    }
    work.secrets.extend([program, "lkc_forged".into()]);
    work.secrets.push(link.rsplit('/').next().unwrap().to_owned());
    let walker = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let opened = walker.get(&link).send().await.unwrap();
    let cookie = opened.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    work.secrets.push(cookie.split('=').nth(1).unwrap().to_owned());
    let next = opened.headers()["location"].to_str().unwrap();
    let next = if next.starts_with('/') {
        work.process.reached(&format!("http://127.0.0.1:9{next}"))
    } else {
        work.process.reached(next)
    };
    let page = walker.get(next).header("cookie", cookie).send().await.unwrap();
    assert!(page.status() != 403, "the link is good: {page:?}");
    let admin = work.server.token_of(Role::Admin).await;
    work.secrets.push(admin.clone());
    let new = json!({"name": "billing", "role": "service"});
    let made = work.ask(Method::POST, "/v1/tokens", &admin, Some(new)).await.expect(201);
    work.secrets.push(made["token"].as_str().unwrap().to_owned());
    let password = work
        .server
        .database_url
        .split(':')
        .nth(2)
        .unwrap()
        .split('@')
        .next()
        .unwrap()
        .to_owned();
    assert!(password.len() > 10);
    work.secrets.push(password);
    work.post("/v1/tenants", json!({"slug": "acme", "name": "Again"})).await.expect(409);
    work.ask(Method::GET, "/v1/tenants", "lk_admin_forged", None).await.expect(401);
    work.secrets.push("lk_admin_forged".into());
    work.process.end().await;

    let said = work.process.said();
    let lines: Vec<Value> = said
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for (line, text) in lines.iter().zip(&said) {
        for member in ["timestamp", "level", "target", "message"] {
            assert!(line[member].is_string(), "{member} is not in {text}");
        }
        work.is_discreet(text);
    }
    let of = |member: &str| {
        lines
            .iter()
            .filter(move |line| line["span"][member].is_string())
            .collect::<Vec<_>>()
    };
    let answered: Vec<&Value> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert!(answered.len() > 5);
    for line in &answered {
        assert_eq!(line["span"]["request_id"].as_str().map(str::len), Some(36), "{line}");
    }
    assert!(
        of("tenant")
            .iter()
            .any(|line| line["span"]["route"] == "/v1/tenants/{tenant}/invites" && line["span"]["tenant"] == "acme")
    );
    assert!(
        of("tenant")
            .iter()
            .any(|line| line["span"]["route"].as_str().is_some_and(|route| route.starts_with("/onboard"))),
        "the form's pages are a tenant's"
    );
    let verified = of("verification");
    assert!(!verified.is_empty());
    for line in verified {
        assert_eq!(
            line["span"]["request_id"],
            asked.as_str(),
            "a verification says who asked for it: {line}"
        );
    }
    assert!(of("verification").iter().any(|line| line["span"]["tenant"].is_string()));
}

/// A minimal collector of traces.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

impl Collector {
    /// Starts it, and returns it with its URL.
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let taken = collector.0.clone();
        let take = post(move |body: Bytes| async move {
            taken
                .lock()
                .unwrap()
                .push(ExportTraceServiceRequest::decode(body).expect("it is OTLP"));
            (
                [("content-type", "application/x-protobuf")],
                ExportTraceServiceResponse::default().encode_to_vec(),
            )
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/v1/traces", take);
        tokio::spawn(async move { axum::serve(listener, router).await });
        (collector, url)
    }

    fn spans(&self) -> Vec<Span> {
        let taken = self.0.lock().unwrap();
        let scopes = taken
            .iter()
            .flat_map(|request| &request.resource_spans)
            .flat_map(|spans| &spans.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_is_one_trace_from_the_request_to_aws() {
    let (collector, url) = Collector::start().await;
    let mut work = Work::begin(&[("LATCHKEY_OTLP_ENDPOINT", &url)]).await;
    work.verified("acme").await;
    let (trace, caller) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let traced = |url: String| {
        let request = work
            .server
            .bare(Method::GET, &url)
            .header("traceparent", format!("00-{trace}-{caller}-01"));
        work.server.send_now(request.bearer_auth(&work.server.token))
    };
    traced(format!("{}/v1/tenants/acme", work.process.url)).await.expect(200);
    let public = work.post("/v1/tenants/acme/invites", json!({})).await.expect(201);
    let link = work.process.reached(public["url"].as_str().unwrap());
    traced(link.clone()).await;
    work.secrets.push(link.rsplit('/').next().unwrap().to_owned());
    // The last spans are sent when the process ends.
    work.process.end().await;

    let spans = collector.spans();
    let one = |name: &str| {
        let named: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
        assert_eq!(named.len(), 1, "{name}: {named:?}");
        named[0].clone()
    };
    let asked = one("POST /v1/tenants/{tenant}/storage-configs");
    let verification = one("verification");
    assert_eq!(
        (&verification.trace_id, &verification.parent_span_id),
        (&asked.trace_id, &asked.span_id)
    );
    let calls: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id == verification.span_id).collect();
    for operation in [
        "sts:AssumeRole",
        "s3:PutObject",
        "s3:GetObject",
        "s3:DeleteObject",
        "kms:Encrypt",
        "kms:DescribeKey",
    ] {
        let call = calls.iter().find(|span| span.name == operation);
        let call = call.unwrap_or_else(|| panic!("{operation} is not among {calls:?}"));
        assert!(call.attributes.iter().any(|pair| pair.key == "outcome"), "{call:?}");
        assert!(
            call.start_time_unix_nano >= verification.start_time_unix_nano && call.end_time_unix_nano <= verification.end_time_unix_nano
        );
    }
    let shown = one("GET /v1/tenants/{tenant}");
    assert_eq!(
        (hex::encode(&shown.trace_id), hex::encode(&shown.parent_span_id)),
        (trace.into(), caller.into())
    );
    let page = spans
        .iter()
        .find(|span| span.name.starts_with("GET /onboard/"))
        .expect("the form is traced");
    assert_ne!(hex::encode(&page.trace_id), trace, "nobody on the internet chooses a trace");
    let all = format!("{:?}", collector.0.lock().unwrap());
    work.is_discreet(&all);
    assert!(all.contains("service.name") && all.contains("\"latchkey\""));
    assert!(!spans.iter().any(|span| span.name.contains("traces")), "sending them is not traced");
}
