//! Snapshots of what the command line prints.

use std::process::{Command, Stdio};

use latchkey::domain::token::Role;
use serde_json::{Value, json};

use crate::support::aws::{World, apply_templates};
use crate::support::cli::{latchkey, run, run_as, text};
use crate::support::server::TestServer;

/// Replaces IDs, times and secrets with fixed text of the same length.
fn redacted(text: &str) -> String {
    let shapes = [
        "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
        "dddd-dd-dd dd:dd:ddZ",
        "dddd-dd-ddTdd:dd:dd.ddddddZ",
        "lk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "127.0.0.1:ddddd",
        "iam::dddddddddddd:",
        "LatchkeyAssumexxxxxxxx",
        "LatchkeyObjectsxxxxxxxx",
        "LatchkeyListxxxxxxxx",
        "LatchkeyKeyxxxxxxxx",
        "LatchkeyPosturexxxxxxxx",
        "LatchkeyBucketxxxxxxxx",
        "LatchkeyNetworkxxxxxxxx",
    ];
    let fits = |text: &[char], shape: &str| {
        text.len() >= shape.len()
            && shape.chars().zip(text).all(|(wanted, found)| match wanted {
                'x' => found.is_ascii_hexdigit(),
                'd' => found.is_ascii_digit(),
                other => *found == other,
            })
    };
    let text: Vec<char> = text.chars().collect();
    let (mut rest, mut out) = (text.as_slice(), String::new());
    while let Some(first) = rest.first() {
        if let Some(shape) = shapes.iter().find(|shape| fits(rest, shape)) {
            out.push_str(&shape.replace('d', "0"));
            rest = &rest[shape.len()..];
        } else {
            out.push(*first);
            rest = &rest[1..];
        }
    }
    out
}

/// What a command prints, with its exit code.
async fn printed(server: &TestServer, token: &str, line: &str) -> String {
    let args: Vec<&str> = line.split(' ').collect();
    let ran = run_as(token, &args, server).await;
    let (out, err) = (text(&ran.stdout), text(&ran.stderr));
    assert!(
        !out.contains('\u{1b}') && !err.contains('\u{1b}'),
        "no terminal, no colors: {out}{err}"
    );
    let mut printed = format!("$ latchkey {line}\n{out}");
    if !err.is_empty() {
        printed = printed + "--- stderr\n" + &err;
    }
    redacted(&format!("{printed}--- exit code {}\n", ran.status.code().unwrap_or(-1)))
}

/// The names of the commands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let commands = help.split("Commands:\n").nth(1).unwrap_or_default();
    let lines = commands.lines().take_while(|line| line.starts_with("  "));
    let named = lines
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    named.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_help() {
    let help = |args: &[&str]| {
        let ran = latchkey(&[args, &["--help"]].concat(), &[("COLUMNS", "100")]);
        assert!(ran.status.success(), "{args:?}: {}", text(&ran.stderr));
        text(&ran.stdout)
    };
    let all = help(&[]);
    insta::assert_snapshot!("help", all);
    let commands = listed(&all);
    assert!(commands.len() > 20, "{commands:?}");
    for command in &commands {
        let said = help(&[command]);
        let below = listed(&said);
        insta::assert_snapshot!(format!("help-{command}"), said);
        for inner in below {
            insta::assert_snapshot!(format!("help-{command}-{inner}"), help(&[command, &inner]));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_output_of_commands_is_stable() {
    let server = TestServer::start().await;
    let admin = server.token_of(Role::Admin).await;
    let mut session = String::new();
    for line in [
        "tenant create acme --name Acme --reference C-4711",
        "tenant create globex --modes direct",
        "tenant create acme",
        "tenant list",
        "tenant list --mode assume_role --json",
        "tenant edit acme --name Acme-Corporation --reference= --modes direct,assume_role",
        "tenant edit acme",
        "tenant show acme",
        "tenant suspend globex --reason Unpaid",
        "tenant suspend globex --reason Unpaid",
        "tenant resume globex --reason Paid",
        "tenant offboard globex --reason Over",
        "tenant show nobody",
        "tenant list --status happy",
        "external-id rotate acme",
        "external-id end acme",
        "external-id abandon acme",
        "invite list acme",
        "template acme --format nonsense",
        "template merge acme --document bucket-policy --mode direct --bucket acme-documents",
        "template merge acme --document nonsense",
        "validate --mode direct --bucket-arn arn:aws:s3:::acme --bucket-region eu-central-1 --key-arn arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "validate --mode direct --bucket-arn acme --bucket-region Frankfurt --key-arn alias/docs",
        "validate --mode direct --bucket-arn acme --bucket-region eu-central-1 --key-arn alias/docs --json",
        "submit acme --mode direct --bucket-arn acme --bucket-region eu-central-1 --key-arn alias/docs",
        "submit acme --mode direct --bucket-arn arn:aws:s3:::acme --bucket-region eu-central-1 --key-arn arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "config list acme",
        "config show acme 1",
        "config show acme 2",
        "config show acme 1 --json",
        "verify acme",
        "verification list acme",
        "verification show nonsense",
        "removal acme",
        "stats",
        "stats --json",
        "token list",
        "token revoke nonsense",
    ] {
        session += &printed(&server, &admin, line).await;
        session.push('\n');
    }
    insta::assert_snapshot!("session", session);
}

/// Secrets that are printed only once can be used as printed.
#[tokio::test(flavor = "multi_thread")]
async fn one_time_secrets_work() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let admin = server.token_of(Role::Admin).await;
    let create = [
        "token",
        "create",
        "--role",
        "viewer",
        "--name",
        "reader",
        "--expires-in",
        "90m",
        "--json",
    ];
    let made = run_as(&admin, &create, &server).await;
    let made: Value = serde_json::from_slice(&made.stdout).unwrap_or_else(|_| panic!("{}", text(&made.stderr)));
    let viewer = made["token"].as_str().unwrap();
    assert!(viewer.starts_with("lk_viewer_"), "{made}");
    assert!(run_as(viewer, &["tenant", "list"], &server).await.status.success());
    let refused = run_as(viewer, &["tenant", "suspend", "acme", "--reason", "x"], &server).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("ops or admin"), "{}", text(&refused.stderr));
    let revoked = run_as(&admin, &["token", "revoke", made["id"].as_str().unwrap()], &server).await;
    assert_eq!(text(&revoked.stdout), "Revoked.\n");
    assert_eq!(run_as(viewer, &["tenant", "list"], &server).await.status.code(), Some(2));
    let invited = run(&["invite", "create", "acme", "--json"], &server).await;
    let invited: Value = serde_json::from_slice(&invited.stdout).unwrap();
    let walker = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let opened = walker.get(invited["url"].as_str().unwrap()).send().await.unwrap();
    assert!(
        opened.status().is_redirection() && opened.headers().contains_key("set-cookie"),
        "{opened:?}"
    );
}

/// `latchkey … | head` ends without an error.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_is_not_an_error() {
    let server = TestServer::start().await;
    for slug in ["acme", "globex"] {
        server.create_tenant(slug).await;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command
        .args(["tenant", "list", "--json"])
        .env("LATCHKEY_URL", &server.private)
        .env("LATCHKEY_TOKEN", &server.token)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        child.wait_with_output().unwrap()
    });
    let ended = ended.await.unwrap();
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert_eq!(text(&ended.stderr), "");
}

mod tests_with_aws {
    use super::*;

    /// A terminal shows a table that is redrawn in place, and then the result.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_verification_is_watched_on_a_terminal() {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        server.create_tenant("acme").await;
        let applied = apply_templates(&world, &server, "acme", "assume_role").await;
        assert_eq!(server.submit("acme", &applied.submission()).await["verdict"], "verified");

        let watched = async |colors: bool| {
            let mut command = Command::new("script");
            let line = format!("stty cols 150 rows 40; {} verify acme --watch", env!("CARGO_BIN_EXE_latchkey"));
            command
                .args(["--quiet", "--return", "--command", &line, "/dev/null"])
                .env("LATCHKEY_URL", &server.private)
                .env("LATCHKEY_TOKEN", &server.token)
                .env("TERM", "xterm")
                .stdin(Stdio::null());
            if !colors {
                command.env("NO_COLOR", "1");
            }
            let ran = tokio::task::spawn_blocking(move || command.output().expect("script, of util-linux, runs"));
            ran.await.unwrap()
        };
        let live = watched(true).await;
        let shown = text(&live.stdout);
        assert_eq!(live.status.code(), Some(0), "{shown}");
        let (before, after) = shown.rsplit_once("\u{1b}[J").expect("the table was taken away");
        assert!(
            before.contains("\u{1b}[1A") || before.contains("\u{1b}[2A") || before.matches("\u{1b}[J").count() > 2,
            "{before}"
        );
        assert!(before.contains("checks passed so far") && !after.contains("so far"), "{shown}");
        assert!(
            after.contains("object-readable") && after.contains("Version 1: verified"),
            "{after}"
        );

        let plain = watched(false).await;
        let shown = text(&plain.stdout);
        assert_eq!(plain.status.code(), Some(0), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
        assert!(
            shown.contains("object-readable") && shown.contains("Version 1: verified"),
            "{shown}"
        );

        let as_json = run(&["verify", "acme", "--watch", "--json"], &server).await;
        let verification: Value = serde_json::from_slice(&as_json.stdout).unwrap();
        assert_eq!(
            (&verification["state"], &verification["verdict"]),
            (&json!("finished"), &json!("verified"))
        );
    }
}
