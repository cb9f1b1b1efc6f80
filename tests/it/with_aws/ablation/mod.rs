//! The ablation matrix: from a tenant whose documents were applied as issued, one thing is changed. Exactly the expected
//! checks fail, the fix names the document that was changed, and what is skipped is skipped because of them.

mod direct;
mod equivalent;
mod extra;
mod isolation;
mod network;
mod permissions;
mod resources;
mod trust_policy;

use serde_json::{Value, json};

use crate::support::aws::{Applied, Scope, WHOLE, World, apply_scope, has_sid};
use crate::support::aws_proxy::tls_terminator;
use crate::support::server::{TestServer, check, checks};

const TENANT: &str = "acme";

/// What leads from a failed verification to `verified`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repair {
    /// Applying the statements of the fixes.
    Fixes,
    /// More than a statement: the first fix has none, or it is not enough.
    ByHand,
}

/// An action, and the check that fails without it.
struct Permission {
    action: &'static str,
    check: &'static str,
}

const GET_OBJECT: Permission = permission("s3:GetObject", "object-readable");
const PUT_OBJECT: Permission = permission("s3:PutObject", "object-writable");
const RESTORE_OBJECT: Permission = permission("s3:RestoreObject", "object-restorable");
const DELETE_OBJECT: Permission = permission("s3:DeleteObject", "object-deletable");
const LIST_PARTS: Permission = permission("s3:ListMultipartUploadParts", "multipart-upload-abortable");
const ABORT_UPLOAD: Permission = permission("s3:AbortMultipartUpload", "multipart-upload-abortable");
const LIST_BUCKET: Permission = permission("s3:ListBucket", "bucket-listable");
const ENCRYPT: Permission = permission("kms:Encrypt", "key-encrypt-allowed");
const DECRYPT: Permission = permission("kms:Decrypt", "key-decrypt-allowed");
const REENCRYPT: Permission = permission("kms:ReEncrypt*", "key-reencrypt-allowed");
const GENERATE_DATA_KEY: Permission = permission("kms:GenerateDataKey*", "key-generate-data-key-allowed");
const DESCRIBE_KEY: Permission = permission("kms:DescribeKey", "key-describable");

const fn permission(action: &'static str, check: &'static str) -> Permission {
    Permission { action, check }
}

/// A tenant whose documents were applied as issued.
struct Setup {
    world: World,
    server: TestServer,
    applied: Applied,
}

impl Setup {
    /// AWS accepts TLS only, and policies may require it.
    async fn new(mode: &'static str) -> Self {
        Self::of(mode, WHOLE).await
    }

    /// With an object that can be read, if reading is all that is granted.
    async fn of(mode: &'static str, scope: Scope) -> Self {
        let world = World::new().await;
        let endpoint = tls_terminator(&world.endpoint).await;
        let setup = Self::through(world, &endpoint, mode, scope).await;
        if scope.access == "read" {
            setup.put_document().await;
        }
        setup
    }

    /// An object of the customer's.
    async fn put_document(&self) {
        let key = format!("{}document", self.applied.scope.prefix.unwrap_or_default());
        let putting = self.world.customer.s3.put_object().bucket(&self.applied.bucket).key(key);
        putting.body(b"a document".to_vec().into()).send().await.expect("an object is put");
    }

    async fn through(world: World, endpoint: &str, mode: &'static str, scope: Scope) -> Self {
        let server = TestServer::builder().aws(&world).aws_endpoint(endpoint).start().await;
        server.create_tenant(TENANT).await;
        let applied = apply_scope(&world, &server, TENANT, mode, scope).await;
        Self { world, server, applied }
    }

    /// Changes a document and applies it again.
    async fn change(&self, document: &str, change: impl FnOnce(&mut Value)) {
        let mut body = self.applied.document(document);
        change(&mut body);
        self.applied.apply(&self.world.customer, document, &body).await;
    }

    /// Replaces a text in a document and applies it again.
    async fn replace(&self, document: &str, old: &str, new: &str) {
        let text = self.applied.document(document).to_string().replace(old, new);
        let body = serde_json::from_str(&text).expect("the document is still JSON");
        self.applied.apply(&self.world.customer, document, &body).await;
    }

    /// Removes an action from documents.
    async fn remove(&self, action: &str, documents: &[&str]) {
        for document in documents {
            self.change(document, |body| remove_action(body, action)).await;
        }
    }

    /// The principal that reads and writes the documents.
    fn principal(&self) -> &str {
        self.applied.role.as_ref().unwrap_or(&self.world.direct_role)
    }

    fn bucket_arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.applied.bucket)
    }

    async fn is_verified(&self) {
        let verification = self.server.submit(TENANT, &self.applied.submission()).await;
        assert_eq!(verification["verdict"], "verified", "{}", not_passed(&verification));
    }

    async fn probe_objects(&self) -> Vec<String> {
        let (mut objects, _) = self.world.customer.contents(&self.applied.bucket).await;
        objects.retain(|key| key.contains("latchkey-probe/"));
        objects
    }

    /// Exactly these checks fail, and the first one's fix names this document.
    async fn fails(&self, expected: &[&str], document: &str, repair: Repair) -> Value {
        let verification = self.server.submit(TENANT, &self.applied.submission()).await;
        assert_eq!(checks(&verification, "failed"), expected, "{}", not_passed(&verification));
        assert_eq!(checks(&verification, "inconclusive"), [""; 0]);
        for skipped in checks(&verification, "skipped") {
            let reason = check(&verification, &skipped)["skipped_because"].as_str().expect("a reason");
            let status = &check(&verification, reason)["status"];
            assert!(
                status == "failed" || status == "skipped",
                "{skipped} was skipped because of {reason}: {status}"
            );
        }
        assert_eq!(check(&verification, expected[0])["fix"]["document"], document);
        // A bucket that cannot be reached, or is in another region, cannot be listed.
        if !["bucket-reachable", "bucket-region-matches"].contains(&expected[0]) {
            let objects = self.probe_objects().await;
            let leftovers = verification["leftovers"].as_array().expect("leftovers are a list");
            assert_eq!(leftovers.len(), objects.len(), "{objects:?}");
        }
        if repair == Repair::Fixes {
            self.apply_fixes(verification.clone()).await;
        }
        verification
    }

    async fn apply_fixes(&self, mut verification: Value) {
        const MOST: usize = 4;
        for _ in 0..MOST {
            let failed = checks(&verification, "failed");
            let Some(first) = failed.first() else { break };
            let fix = &check(&verification, first)["fix"];
            assert!(!fix["statement"].is_null(), "{first} has no statement to apply: {fix:#}");
            self.applied.apply_fix(&self.world.customer, fix).await;
            verification = self.server.verify(TENANT).await;
        }
        assert_eq!(verification["verdict"], "verified", "{}", not_passed(&verification));
        assert_eq!(verification["leftovers"], json!([]));
        assert_eq!(self.probe_objects().await, [""; 0]);
    }
}

fn statements(document: &mut Value) -> &mut Vec<Value> {
    document["Statement"].as_array_mut().expect("a policy has statements")
}

/// Removes an action, and statements that have no other.
fn remove_action(document: &mut Value, action: &str) {
    let remove = |statement: &mut Value| {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.retain(|other| other != action);
        }
    };
    if document["Statement"].is_array() {
        statements(document).iter_mut().for_each(remove);
        statements(document).retain(|statement| statement["Action"] != json!([]));
    } else {
        remove(document);
    }
}

/// What did not pass, one check per line.
fn not_passed(verification: &Value) -> String {
    let checks = verification["checks"].as_array().expect("checks are a list").iter();
    let lines = checks
        .filter(|check| check["status"] != "passed")
        .map(|check| format!("{} {} {} {}", check["name"], check["status"], check["summary"], check["aws"]));
    lines.collect::<Vec<_>>().join("\n")
}

/// `tests/data/ablation.json` is the part of this matrix that ./dev/conform runs against real AWS.
#[test]
fn the_matrix_for_real_aws_has_every_permission() {
    let matrix: Value = serde_json::from_str(include_str!("../../../data/ablation.json")).expect("the matrix is JSON");
    let rows = matrix["rows"].as_array().expect("rows are a list");
    for (permissions, resource) in [
        (
            [GET_OBJECT, PUT_OBJECT, RESTORE_OBJECT, DELETE_OBJECT, LIST_BUCKET],
            "bucket-policy",
        ),
        ([ENCRYPT, DECRYPT, REENCRYPT, GENERATE_DATA_KEY, DESCRIBE_KEY], "key-policy"),
    ] {
        for permission in permissions {
            let fails = |row: &Value, mode: &str, documents: Value, document: &str| {
                row["mode"] == mode
                    && row["change"] == json!([{"in": documents, "without": permission.action}])
                    && row["fails"] == json!([permission.check])
                    && row["document"] == document
            };
            let granted_by_nobody = json!(["role-permissions", resource]);
            let assumed = rows
                .iter()
                .filter(|row| fails(row, "assume_role", granted_by_nobody.clone(), "role-permissions"));
            let direct = rows.iter().filter(|row| fails(row, "direct", json!(resource), resource));
            assert_eq!((assumed.count(), direct.count()), (1, 1), "{}", permission.action);
        }
    }
}
