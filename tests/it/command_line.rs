//! The command line, as people and scripts use it.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::aws::{REGION, World, apply_templates};
use crate::support::cli::{latchkey, run, text};
use crate::support::database::empty_database;
use crate::support::server::{TIMEOUT, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_command_explains_the_error_and_exits_with_2() {
    let server = TestServer::start().await;
    let unknown = run(&["tenant", "show", "nobody"], &server).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("There is no tenant"), "{}", text(&unknown.stderr));
    server.create_tenant("acme").await;
    let wrong = [
        "submit",
        "acme",
        "--mode",
        "direct",
        "--bucket-arn",
        "acme",
        "--bucket-region",
        "x",
        "--key-arn",
        "y",
    ];
    let wrong = run(&wrong, &server).await;
    assert_eq!(wrong.status.code(), Some(2));
    let lines = text(&wrong.stderr);
    for field in ["bucket_arn: ", "bucket_region: ", "key_arn: "] {
        assert!(lines.contains(field), "{lines}");
    }
    let nowhere = latchkey(
        &["tenant", "list"],
        &[("LATCHKEY_URL", "http://127.0.0.1:9"), ("LATCHKEY_TOKEN", "x")],
    );
    assert_eq!(nowhere.status.code(), Some(3));
    assert!(text(&nowhere.stderr).contains("did not respond"), "{}", text(&nowhere.stderr));
}

#[test]
fn a_missing_or_invalid_setting_prevents_the_start() {
    let role = ("LATCHKEY_STORAGE_ROLE_ARN", "arn:aws:iam::111111111111:role/storage");
    let database = ("DATABASE_URL", "postgres://nobody@127.0.0.1:9/nothing");
    for (env, names) in [
        (vec![role], "DATABASE_URL"),
        (vec![database], "LATCHKEY_STORAGE_ROLE_ARN"),
        (
            vec![role, database, ("LATCHKEY_ADVISORY_CHECKS", "object-deletable")],
            "LATCHKEY_ADVISORY_CHECKS",
        ),
        (
            vec![role, database, ("LATCHKEY_PUBLIC_LISTEN", "everywhere")],
            "LATCHKEY_PUBLIC_LISTEN",
        ),
    ] {
        for command in ["serve", "check-config"] {
            let output = latchkey(&[command], &env);
            let line = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{command}: {line}");
            assert_eq!(line.lines().count(), 1, "{command}: {line}");
            assert!(line.contains(names), "{command}: {line}");
        }
    }
    let right = latchkey(&["check-config"], &[role, database]);
    assert!(right.status.success(), "{}", text(&right.stderr));
}

#[test]
fn all_invalid_settings_are_reported_and_empty_variables_are_unset() {
    let empty = [
        ("LATCHKEY_STALE_FOR", ""),
        ("LATCHKEY_DIRECT_ROLE_ARN", " "),
        ("LATCHKEY_LOG_FORMAT", ""),
    ];
    let valid = [
        ("LATCHKEY_STORAGE_ROLE_ARN", "arn:aws:iam::111111111111:role/storage"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:9/nothing"),
    ];
    let output = latchkey(&["check-config"], &[&valid[..], &empty[..]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));

    let wrong = [
        ("LATCHKEY_STALE_FOR", "forever"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x"),
        ("LATCHKEY_LOG_FORMAT", ""),
    ];
    let output = latchkey(&["check-config", "--log-format", "xml"], &wrong);
    let lines = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{lines}");
    assert_eq!(lines.lines().count(), 3, "{lines}");
    for variable in ["LATCHKEY_STALE_FOR", "DATABASE_URL", "LATCHKEY_LOG_FORMAT"] {
        assert!(
            lines.lines().any(|line| line.starts_with(&format!("latchkey: {variable}: "))),
            "{lines}"
        );
    }
    assert!(!lines.contains("hunter2"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_token_is_created_in_the_database() {
    let url = empty_database().await;
    let made = latchkey(&["token", "create", "--role", "admin", "--json"], &[("DATABASE_URL", &url)]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let token: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(token["token"].as_str().unwrap().starts_with("lk_admin_"));
    let days = |key: &str| token[key].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!((days("expires_at") - days("created_at")).num_days(), 90);
    let never = ["token", "create", "--role", "admin", "--never-expires"];
    let refused = latchkey(&never, &[("DATABASE_URL", &url)]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("LATCHKEY_TOKEN_MAX_LIFETIME_DAYS"),
        "{}",
        text(&refused.stderr)
    );
    let unlimited = latchkey(&never, &[("DATABASE_URL", &url), ("LATCHKEY_TOKEN_MAX_LIFETIME_DAYS", "0")]);
    assert!(unlimited.status.success(), "{}", text(&unlimited.stderr));
    let wrong = latchkey(&["token", "create", "--role", "emperor"], &[("DATABASE_URL", &url)]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn the_committed_openapi_document_is_up_to_date() {
    let printed = latchkey(&["openapi"], &[]);
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let committed: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    assert!(printed == committed, "openapi.json is stale: run ./dev/generate");
    let printed = latchkey(&["openapi", "--customer"], &[]);
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let committed: Value = serde_json::from_str(include_str!("../../openapi-customer.json")).unwrap();
    assert!(printed == committed, "openapi-customer.json is stale: run ./dev/generate");
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_listed_suspended_and_offboarded() {
    let server = TestServer::start().await;
    for slug in ["acme", "globex"] {
        server.create_tenant(slug).await;
    }
    let off = run(&["tenant", "suspend", "acme", "--reason", "Unpaid", "--json"], &server).await;
    let off: Value = serde_json::from_slice(&off.stdout).unwrap();
    assert_eq!(off["status"], "suspended");
    let listed = run(&["tenant", "list", "--status", "suspended", "--json"], &server).await;
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let found = run(&["tenant", "list", "-q", "glob"], &server).await;
    assert!(text(&found.stdout).contains("globex") && !text(&found.stdout).contains("acme"));
    let wrong = run(&["tenant", "list", "--status", "happy"], &server).await;
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong.stderr));
    let twice = run(&["tenant", "suspend", "acme", "--reason", "Unpaid"], &server).await;
    assert_eq!(twice.status.code(), Some(2), "{}", text(&twice.stderr));
    let ended = run(&["tenant", "offboard", "acme", "--reason", "Contract ended"], &server).await;
    assert!(text(&ended.stdout).contains("offboarded"));
}

#[test]
fn the_committed_list_of_checks_is_up_to_date() {
    let printed = latchkey(&["checks"], &[]);
    assert!(
        text(&printed.stdout) == include_str!("../../docs/checks.md"),
        "docs/checks.md is stale: latchkey checks > docs/checks.md"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_invited() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let made = run(&["invite", "acme", "--expires-in-hours", "1"], &server).await;
    assert!(made.status.success(), "{}", text(&made.stderr));
    let url = text(&made.stdout);
    assert!(url.starts_with(&format!("{}/onboard/", server.public)), "{url}");
    let listed = run(&["invite", "list", "acme", "--json"], &server).await;
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let id = listed[0]["id"].as_str().unwrap();
    let revoked = run(&["invite", "revoke", "acme", id], &server).await;
    assert_eq!(text(&revoked.stdout), "Revoked.\n");
    let listed = run(&["invite", "list", "acme"], &server).await;
    assert!(text(&listed.stdout).contains("revoked"), "{}", text(&listed.stdout));
    let made = run(&["invite", "create", "acme", "--api-token"], &server).await;
    let lines: Vec<_> = text(&made.stdout).lines().map(str::to_owned).collect();
    assert!(lines.len() == 2 && lines[1].starts_with("lkc_"), "{lines:?}");
    let asked = server.bare(reqwest::Method::GET, &format!("{}/customer/v1/connection", server.public));
    server.send(asked.bearer_auth(&lines[1])).await.expect(200);
    assert_eq!(
        run(&["invite", "acme", "--expires-in-hours", "0"], &server).await.status.code(),
        Some(2)
    );
}

#[test]
fn each_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let printed = latchkey(&["completions", shell], &[]);
        let script = text(&printed.stdout);
        assert!(printed.status.success(), "{shell}");
        for word in ["offboard", "revoke", "failing-check"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    assert_eq!(latchkey(&["completions", "tcsh"], &[]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_created_tested_and_deleted() {
    let server = TestServer::builder().worker().start().await;
    let receiver = crate::webhooks::receiver::Receiver::start().await;
    let created = run(&["webhook", "create", &receiver.url, "--description", "Billing", "--json"], &server).await;
    assert!(created.status.success(), "{}", text(&created.stderr));
    let created: Value = serde_json::from_slice(&created.stdout).unwrap();
    let (id, secret) = (created["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
    assert!(secret.starts_with("whsec_"));
    for command in [
        vec!["webhook", "list"],
        vec!["webhook", "show", id],
        vec!["webhook", "deliveries", id],
    ] {
        let told = text(&run(&command, &server).await.stdout);
        assert!(!told.contains(secret), "{told}");
        assert_eq!(told.contains(id), command[1] != "deliveries", "{told}");
    }
    let tested = run(&["webhook", "test", id], &server).await;
    assert_eq!((tested.status.code(), text(&tested.stdout)), (Some(0), "Delivered: 204.\n".into()));
    receiver.answer(|_, _| crate::webhooks::receiver::status(500));
    let failed = run(&["webhook", "test", id], &server).await;
    assert_eq!(
        (failed.status.code(), text(&failed.stdout)),
        (Some(1), "Not delivered: status 500.\n".into())
    );
    let log = run(&["webhook", "deliveries", id, "--json"], &server).await;
    let log: Value = serde_json::from_slice(&log.stdout).unwrap();
    let delivery = log[0]["id"].as_str().unwrap();
    let resent = run(&["webhook", "resend", id, delivery], &server).await;
    assert!(resent.status.success() && text(&resent.stdout).contains(log[0]["message_id"].as_str().unwrap()));
    receiver.messages(3).await;
    let rotated = run(&["webhook", "rotate-secret", id, "--overlap-hours", "0"], &server).await;
    assert!(text(&rotated.stdout).contains("whsec_") && !text(&rotated.stdout).contains(secret));
    assert!(run(&["webhook", "enable", id], &server).await.status.success());
    assert!(run(&["webhook", "delete", id], &server).await.status.success());
    let gone = run(&["webhook", "show", id], &server).await;
    assert_eq!(gone.status.code(), Some(2), "{}", text(&gone.stderr));
    let wrong = run(
        &["webhook", "create", "https://169.254.169.254/", "--events", "tenant.born"],
        &server,
    )
    .await;
    let lines = text(&wrong.stderr);
    assert!(
        wrong.status.code() == Some(2) && lines.contains("  url: ") && lines.contains("  events[0]: "),
        "{lines}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_printed_and_a_tenant_is_erased() {
    let mut server = TestServer::start().await;
    server.token = server.token_of(latchkey::domain::token::Role::Admin).await;
    server.create_tenant("acme").await;
    let ended = run(&["tenant", "offboard", "acme", "--reason", "Contract ended"], &server).await;
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let table = run(&["events", "--tenant", "acme"], &server).await;
    let shown = text(&table.stdout);
    assert!(shown.contains("tenant.created") && shown.contains("Contract ended"), "{shown}");
    let early = run(&["events", "--json", "--action", "tenant.offboarded"], &server).await;
    let lines: Vec<Value> = text(&early.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1);
    let id = lines[0]["tenant_id"].as_str().unwrap();
    let erased = run(&["tenant", "erase", id, "--reason", "Asked to", "--json"], &server).await;
    let tenant: Value = serde_json::from_slice(&erased.stdout).unwrap();
    assert_eq!(tenant["name"], "erased");
    let after = lines[0]["id"].as_str().unwrap();
    let rest = run(&["events", "--json", "--after", after], &server).await;
    let last: Value = serde_json::from_str(text(&rest.stdout).trim()).unwrap();
    assert_eq!(last["action"], "tenant.erased");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_followed() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let mut following = tokio::process::Command::new(env!("CARGO_BIN_EXE_latchkey"))
        .args(["events", "--follow", "--json", "--tenant", "acme"])
        .env("LATCHKEY_URL", &server.private)
        .env("LATCHKEY_TOKEN", &server.token)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut action = async || {
        let line = tokio::time::timeout(TIMEOUT, lines.next_line()).await.expect("a line comes");
        let event: Value = serde_json::from_str(&line.unwrap().expect("it goes on")).unwrap();
        event["action"].as_str().unwrap().to_owned()
    };
    assert_eq!(action().await, "tenant.created");
    for (how, told) in [("suspend", "tenant.suspended"), ("resume", "tenant.resumed")] {
        server.create_tenant(&format!("another-{how}")).await;
        let reason = serde_json::json!({"reason": "Unpaid"});
        server.post(&format!("/v1/tenants/acme/{how}"), &reason).await.expect(200);
        assert_eq!(action().await, told, "and nothing of others");
    }
}

#[test]
fn the_committed_list_of_metrics_is_up_to_date() {
    let printed = latchkey(&["metrics"], &[]);
    assert!(
        text(&printed.stdout) == include_str!("../../docs/metrics.md"),
        "docs/metrics.md is stale: latchkey metrics > docs/metrics.md"
    );
}

#[test]
fn the_settings_page_is_up_to_date() {
    let printed = latchkey(&["settings"], &[]);
    assert!(
        text(&printed.stdout) == include_str!("../../docs/operators/settings.md"),
        "docs/operators/settings.md is stale: latchkey settings > docs/operators/settings.md"
    );
}

mod tests_with_aws {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_tenant_is_onboarded() {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        let created = run(&["tenant", "create", "acme", "--name", "Acme", "--json"], &server).await;
        assert!(created.status.success(), "{}", text(&created.stderr));
        let tenant: Value = serde_json::from_slice(&created.stdout).unwrap();
        assert_eq!(tenant["status"], "invited");

        let applied = apply_templates(&world, &server, "acme", "assume_role").await;
        let template = run(&["template", "acme", "--mode", "assume_role", "--bucket", &applied.bucket], &server).await;
        assert!(text(&template.stdout).contains(tenant["external_id"].as_str().unwrap()));
        assert!(text(&template.stdout).contains("<KEY_ARN>"));

        let bucket_arn = format!("arn:aws:s3:::{}", applied.bucket);
        let role = applied.role.clone().unwrap();
        let submit = [
            "submit",
            "acme",
            "--mode",
            "assume_role",
            "--bucket-arn",
            &bucket_arn,
            "--bucket-region",
            REGION,
        ];
        let rest = ["--key-arn", &applied.key, "--role-arn", &role, "--watch"];
        let submitted = run(&[&submit[..], &rest[..]].concat(), &server).await;
        let told = text(&submitted.stdout);
        assert_eq!(submitted.status.code(), Some(0), "{told}{}", text(&submitted.stderr));
        assert!(told.contains("object-readable") && told.contains("Version 1: verified"), "{told}");

        let trust = serde_json::json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": world.storage_role},
        }]});
        applied.apply(&world.customer, "trust-policy", &trust).await;
        let verified = run(&["verify", "acme", "--watch"], &server).await;
        assert_eq!(verified.status.code(), Some(1), "a rejected verification is a no");
        let told = text(&verified.stdout);
        assert!(
            told.contains("role-requires-external-id (trust-policy)") && told.contains("sts:ExternalId"),
            "{told}"
        );

        let listed = run(&["tenant", "list"], &server).await;
        assert!(text(&listed.stdout).contains("acme"), "{}", text(&listed.stdout));
        let shown = run(&["tenant", "show", "acme"], &server).await;
        assert!(text(&shown.stdout).contains(&bucket_arn), "{}", text(&shown.stdout));
    }
}
