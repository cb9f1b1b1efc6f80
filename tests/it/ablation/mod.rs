//! The ablation matrix: from a tenant whose documents were applied as issued, one thing is changed. Exactly the expected
//! checks fail, their fix names the document that was changed, and what is skipped is skipped because of them.

mod direct;
mod permissions;
mod resources;
mod style;
mod trust_policy;

use std::future::Future;
use std::pin::Pin;

use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::aws::{Applied, World, apply_templates};
use crate::blocking_proxy::tls_terminator;
use crate::server::{Server, check, checks};

type Change = for<'a> fn(&'a World, &'a mut Applied, &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

struct Row {
    name: String,
    mode: &'static str,
    change: Change,
    /// Handed to the change.
    subject: &'static str,
    fails: &'static [&'static str],
    /// The document that the first fix names; none when nothing is wrong.
    fix: Option<&'static str>,
}

const S3_ACTIONS: [(&str, &str); 5] = [
    ("s3:GetObject", "object-readable"),
    ("s3:PutObject", "object-writable"),
    ("s3:RestoreObject", "object-restorable"),
    ("s3:DeleteObject", "object-deletable"),
    ("s3:ListBucket", "bucket-listable"),
];
const KMS_ACTIONS: [(&str, &str); 5] = [
    ("kms:Encrypt", "key-encrypt-allowed"),
    ("kms:Decrypt", "key-decrypt-allowed"),
    ("kms:ReEncrypt*", "key-reencrypt-allowed"),
    ("kms:GenerateDataKey*", "key-generate-data-key-allowed"),
    ("kms:DescribeKey", "key-describable"),
];

fn row(
    mode: &'static str,
    name: &str,
    change: Change,
    subject: &'static str,
    fails: &'static [&'static str],
    fix: Option<&'static str>,
) -> Row {
    Row {
        name: format!("{mode}: {name} {subject}"),
        mode,
        change,
        subject,
        fails,
        fix,
    }
}

/// One check, for as long as the program runs.
fn only(check: &'static str) -> &'static [&'static str] {
    Box::leak(Box::new([check]))
}

/// A document without an action, wherever the action stands.
fn without(document: &Value, action: &str) -> Value {
    fn strip(statement: &mut Value, action: &str) {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.retain(|other| other != action);
        }
    }
    let mut document = document.clone();
    match document["Statement"].as_array_mut() {
        Some(statements) => {
            for statement in statements.iter_mut() {
                strip(statement, action);
            }
            statements.retain(|statement| statement["Action"] != json!([]));
        }
        None => strip(&mut document, action),
    }
    document
}

fn rows() -> Vec<Row> {
    let mut rows = vec![
        row("assume_role", "as issued", |_, _, _| Box::pin(async {}), "", &[], None),
        row("direct", "as issued", |_, _, _| Box::pin(async {}), "", &[], None),
    ];
    rows.extend(trust_policy::rows());
    rows.extend(permissions::rows());
    rows.extend(direct::rows());
    rows.extend(["assume_role", "direct"].into_iter().flat_map(resources::rows));
    rows.extend(style::rows());
    rows
}

async fn play(world: &World, server: &Server, nth: usize, row: &Row) -> Result<(), String> {
    let slug = format!("row-{nth}");
    server.create_tenant(&slug).await;
    let mut applied = apply_templates(world, server, &slug, row.mode).await;
    (row.change)(world, &mut applied, row.subject).await;
    let verification = server.submit(&slug, &applied.submission()).await;
    let failed = checks(&verification, "failed");
    if failed != row.fails {
        return Err(format!(
            "failed: {}; wanted: {}\n{}",
            failed.join(", "),
            row.fails.join(", "),
            told(&verification)
        ));
    }
    let open = checks(&verification, "inconclusive");
    if !open.is_empty() {
        return Err(format!("{} stayed open", open.join(", ")));
    }
    for skipped in checks(&verification, "skipped") {
        let because = check(&verification, &skipped)["skipped_because"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let status = check(&verification, &because)["status"].clone();
        if status != "failed" && status != "skipped" {
            return Err(format!("{skipped} is skipped because of {because}, which {status}"));
        }
    }
    let Some(first) = row.fails.first() else {
        return Ok(());
    };
    let fix = &check(&verification, first)["fix"];
    if fix["document"].as_str() != row.fix {
        return Err(format!("the fix of {first} is {fix:#}"));
    }
    let left = verification["leftovers"].as_array().map_or(0, Vec::len);
    let there = if ["bucket-reachable", "bucket-region-matches"].contains(first) {
        // It is not there, or not where it can be listed from here.
        0
    } else {
        world.customer.contents(&applied.bucket).await.0.len()
    };
    if left != there {
        return Err(format!("{there} objects are left, the verification says {left}"));
    }
    apply_fixes(world, server, &slug, row, &applied, verification).await
}

/// What did not pass, a line each.
fn told(verification: &Value) -> String {
    let checks = verification["checks"].as_array().into_iter().flatten();
    let lines = checks
        .filter(|check| check["status"] != "passed")
        .map(|check| format!("      {} {} {} {}", check["name"], check["status"], check["summary"], check["aws"]));
    lines.collect::<Vec<_>>().join("\n")
}

/// Applies the fixes that have a statement until nothing fails. One that says what to take out has none, and a role that
/// is gone or a second statement are no matter of one statement.
async fn apply_fixes(world: &World, server: &Server, slug: &str, row: &Row, applied: &Applied, rejected: Value) -> Result<(), String> {
    let beyond = ["role deleted", "a second, open statement", "denied to the vendor", "key missing"]
        .iter()
        .any(|name| row.name.contains(name));
    let mut verification = rejected;
    for _ in 0..4 {
        let failed = checks(&verification, "failed");
        let Some(first) = failed.first() else {
            break;
        };
        let fix = &check(&verification, first)["fix"];
        if fix["statement"].is_null() || beyond {
            return Ok(());
        }
        applied.apply_fix(&world.customer, fix).await;
        verification = server.verify(slug).await;
    }
    if verification["verdict"] != "verified" {
        return Err(format!("the fixes do not help:\n{}", told(&verification)));
    }
    let left = world.customer.contents(&applied.bucket).await.0;
    if !left.is_empty() || verification["leftovers"] != json!([]) {
        return Err(format!("{left:?} is left after the fixes"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_of_the_matrix_fails_as_expected() {
    let world = World::new().await;
    // AWS speaks TLS alone, and policies may ask for it.
    let server = Server::start_at(&world, &tls_terminator(&world.endpoint).await).await;
    let rows = rows();
    let (world, server) = (&world, &server);
    let outcomes: Vec<(&Row, Result<(), String>)> = stream::iter(rows.iter().enumerate())
        .map(|(nth, row)| async move { (row, play(world, server, nth, row).await) })
        .buffered(4)
        .collect()
        .await;
    let wrong: Vec<String> = outcomes
        .iter()
        .filter_map(|(row, outcome)| outcome.as_ref().err().map(|fault| format!("{}\n    {fault}", row.name)))
        .collect();
    println!("ablation matrix: {} rows", outcomes.len());
    assert!(
        wrong.is_empty(),
        "{} of {} rows:\n{}",
        wrong.len(),
        outcomes.len(),
        wrong.join("\n")
    );
}

/// The row on insecure transport proves something only if the stand-in minds it.
#[tokio::test(flavor = "multi_thread")]
async fn what_denies_insecure_transport_denies_what_does_not_come_over_tls() {
    let world = World::new().await;
    let server = Server::start(&world).await;
    let rows = style::rows();
    let row = rows.iter().find(|row| row.name.starts_with("direct: insecure transport")).unwrap();
    server.create_tenant("plain").await;
    let mut applied = apply_templates(&world, &server, "plain", row.mode).await;
    (row.change)(&world, &mut applied, row.subject).await;
    let verification = server.submit("plain", &applied.submission()).await;
    assert_eq!(checks(&verification, "failed"), ["bucket-listable"], "{}", told(&verification));
}
