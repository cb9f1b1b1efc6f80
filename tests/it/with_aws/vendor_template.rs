//! The vendor's own documents, applied unchanged to a fresh account: onboarding works with them in both modes, nothing in them is
//! superfluous, and they give no access to the vendor's own account.

use aws_sdk_sts as sts;
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder as AssumeRole;
use latchkey::domain::token::Role;
use rstest::rstest;
use serde_json::{Value, json};

use super::credentials::put;
use crate::support::aws::{Account, Keys, World, apply_templates, sdk_config, unique};
use crate::support::cli::{latchkey, text};
use crate::support::server::{TestServer, checks};
use crate::support::services;
use crate::support::shell::{Shell, succeeded};

pub const STORAGE: &str = "latchkey-storage";
pub const DIRECT: &str = "latchkey-direct";
pub const PROCESS: &str = "latchkey";

/// A vendor whose process has a role without permissions, and whose other two roles do not exist yet.
pub struct Fresh {
    pub world: World,
    /// The account of the process.
    pub home: Account,
    /// Who gives the process its session.
    host: Keys,
}

impl Fresh {
    pub async fn in_one_account() -> Self {
        let mut fresh = Self::in_two_accounts().await;
        fresh.home = Account::with_id(&fresh.world.endpoint, &fresh.world.vendor.id).await;
        fresh.host = process_role(&fresh.home).await;
        fresh.restart(|assuming| assuming).await;
        fresh
    }

    /// The process is in another account than the roles. AWS lets a role of the same account in if the trust policy names it,
    /// whatever its own permissions are.
    pub async fn in_two_accounts() -> Self {
        let mut world = World::new().await;
        let home = Account::new(&world.endpoint).await;
        world.vendor = Account::new(&world.endpoint).await;
        world.storage_role = format!("arn:aws:iam::{}:role/{STORAGE}", world.vendor.id);
        world.direct_role = format!("arn:aws:iam::{}:role/{DIRECT}", world.vendor.id);
        let host = process_role(&home).await;
        let mut fresh = Self { world, home, host };
        fresh.restart(|assuming| assuming).await;
        fresh
    }

    /// Gives the process a new session.
    pub async fn restart(&mut self, how: impl FnOnce(AssumeRole) -> AssumeRole) {
        let client = sts::Client::new(&sdk_config(&self.world.endpoint, &self.host).await);
        let role = format!("arn:aws:iam::{}:role/{PROCESS}", self.home.id);
        let assumed = how(client.assume_role().role_arn(role).role_session_name("test")).send().await;
        let assumed = assumed.expect("the host may assume it").credentials;
        self.world.latchkey = session_keys(assumed.expect("the answer has credentials"));
    }

    fn issued(&self, format: &str) -> String {
        let process = format!("arn:aws:iam::{}:role/{PROCESS}", self.home.id);
        let ran = latchkey(
            &["vendor", "template", "--process-role", &process, "--format", format],
            &[
                ("LATCHKEY_STORAGE_ROLE_ARN", &self.world.storage_role),
                ("LATCHKEY_DIRECT_ROLE_ARN", &self.world.direct_role),
            ],
        );
        text(&succeeded(ran).stdout)
    }

    fn documents(&self) -> Vec<Value> {
        let issued: Value = serde_json::from_str(&self.issued("json")).unwrap();
        issued["documents"].as_array().unwrap().clone()
    }

    pub async fn apply(&self, document: &Value) {
        let body = &document["body"];
        let vendor = &self.world.vendor;
        match document["document"].as_str().unwrap() {
            "storage-role-trust" => trust(vendor, STORAGE, body).await,
            "direct-role-trust" => trust(vendor, DIRECT, body).await,
            "storage-role-permissions" => vendor.put_permissions(STORAGE, body).await,
            "direct-role-permissions" => vendor.put_permissions(DIRECT, body).await,
            "process-permissions" => self.home.put_permissions(PROCESS, body).await,
            other => panic!("there is no document named {other}"),
        }
    }

    pub async fn apply_all(&self) -> Vec<Value> {
        let documents = self.documents();
        for document in &documents {
            self.apply(document).await;
        }
        documents
    }

    /// From the invitation to an object that is put with credentials. The error names what failed.
    async fn onboard(&self, mode: &'static str) -> Result<(), String> {
        let server = TestServer::builder().aws(&self.world).start().await;
        server.create_tenant("acme").await;
        let applied = apply_templates(&self.world, &server, "acme", mode).await;
        let verification = server.submit("acme", &applied.submission()).await;
        if verification["verdict"] != "verified" {
            let (failed, unknown) = (checks(&verification, "failed"), checks(&verification, "inconclusive"));
            return Err(format!("{}: {failed:?} {unknown:?}", verification["verdict"]));
        }
        let token = server.token_of(Role::Service).await;
        let url = format!("{}/internal/v1/tenants/acme/credentials", server.private);
        let given = server.send(server.bare(reqwest::Method::GET, &url).bearer_auth(token)).await;
        let given = given.expect(200);
        let of = |name: &str| given[name].as_str().unwrap().to_owned();
        let keys = Keys {
            id: of("AccessKeyId"),
            secret: of("SecretAccessKey"),
            token: Some(of("Token")),
        };
        put(&s3(&self.world.endpoint, &keys).await, &applied.bucket, "a/1").await
    }

    /// A session that the process makes on a role of the vendor.
    async fn session(&self, role: &str) -> Keys {
        assume(&self.world.endpoint, &self.world.latchkey, role)
            .await
            .expect("the process may assume it")
    }
}

/// Creates the role, or replaces its trust policy.
pub async fn trust(account: &Account, role: &str, policy: &Value) {
    let creating = account.iam.create_role().role_name(role);
    if creating.assume_role_policy_document(policy.to_string()).send().await.is_err() {
        account.put_trust(role, policy).await;
    }
}

/// Creates the role of the process, without permissions, and who may assume it in whatever way.
async fn process_role(home: &Account) -> Keys {
    home.iam.create_user().user_name("host").send().await.expect("a user is created");
    let made = home.iam.create_access_key().user_name("host").send().await;
    let made = made.expect("an access key is created").access_key.expect("the answer has the key");
    let actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
    let allow = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    let putting = home.iam.put_user_policy().user_name("host").policy_name("roles");
    putting
        .policy_document(allow.to_string())
        .send()
        .await
        .expect("a user's policy is put");
    let host = format!("arn:aws:iam::{}:user/host", home.id);
    let allow_host = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Principal": {"AWS": host}}]});
    trust(home, PROCESS, &allow_host).await;
    Keys {
        id: made.access_key_id,
        secret: made.secret_access_key,
        token: None,
    }
}

async fn assume(endpoint: &str, keys: &Keys, role: &str) -> Result<Keys, String> {
    let client = sts::Client::new(&sdk_config(endpoint, keys).await);
    let assumed = client.assume_role().role_arn(role).role_session_name("test").send().await;
    let given = assumed
        .map_err(|error| sts::error::ProvideErrorMetadata::code(&error).unwrap_or_default().to_owned())?
        .credentials
        .expect("the answer has credentials");
    Ok(session_keys(given))
}

fn session_keys(given: sts::types::Credentials) -> Keys {
    Keys {
        id: given.access_key_id,
        secret: given.secret_access_key,
        token: Some(given.session_token),
    }
}

async fn s3(endpoint: &str, keys: &Keys) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&sdk_config(endpoint, keys).await);
    aws_sdk_s3::Client::from_conf(config.force_path_style(true).build())
}

#[rstest]
#[case::json("json")]
#[case::cloudformation("cloudformation")]
#[case::cli("cli")]
#[tokio::test(flavor = "multi_thread")]
async fn the_issued_documents_are_enough_for_both_modes(#[case] format: &str) {
    let fresh = Fresh::in_one_account().await;
    for role in [&fresh.world.storage_role, &fresh.world.direct_role] {
        let absent = assume(&fresh.world.endpoint, &fresh.world.latchkey, role).await;
        assert!(absent.is_err(), "there is no {role} yet");
    }
    match format {
        "json" => drop(fresh.apply_all().await),
        "cli" => {
            let script = fresh.issued("cli");
            // Twice: the second run updates what the first one created.
            for _ in 0..2 {
                succeeded(as_vendor(&fresh, "sh", &["-c", &script, "script", "--yes"]).await);
            }
            let unconfirmed = as_vendor(&fresh, "sh", &["-c", &script, "script"]).await;
            assert_eq!(unconfirmed.status.code(), Some(1), "it asks first");
        }
        _ => {
            let template = fresh.issued("cloudformation");
            let name = format!("latchkey-{}", unique());
            let create = [
                "cloudformation",
                "create-stack",
                "--stack-name",
                &name,
                "--template-body",
                &template,
            ];
            let how = ["--capabilities", "CAPABILITY_NAMED_IAM"];
            succeeded(as_vendor(&fresh, "aws", &[&create[..], &how[..]].concat()).await);
            let wait = ["cloudformation", "wait", "stack-create-complete", "--stack-name", &name];
            succeeded(as_vendor(&fresh, "aws", &wait).await);
        }
    }
    assert_eq!(fresh.onboard("assume_role").await, Ok(()));
    assert_eq!(fresh.onboard("direct").await, Ok(()));
}

/// Runs a program with credentials of the vendor's account.
async fn as_vendor(fresh: &Fresh, program: &str, arguments: &[&str]) -> std::process::Output {
    let shell = Shell {
        tools: services::tools(),
        world: &fresh.world,
    };
    let mut command = shell.command(program);
    command
        .env("AWS_ACCESS_KEY_ID", &fresh.world.vendor.id)
        .args(arguments)
        .stdin(std::process::Stdio::null());
    command.output().await.expect("the program runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_statement_onboarding_fails() {
    let fresh = Fresh::in_two_accounts().await;
    let documents = fresh.apply_all().await;
    assert_eq!(fresh.onboard("assume_role").await, Ok(()));
    assert_eq!(fresh.onboard("direct").await, Ok(()));
    let mut removed = 0;
    for document in &documents {
        let name = document["document"].as_str().unwrap();
        for (at, statement) in document["body"]["Statement"].as_array().unwrap().iter().enumerate() {
            let sid = statement["Sid"].as_str().unwrap();
            // What limits the roles, and what only `check-config --aws` or an advisory check needs.
            let is_for_other_role = name.starts_with("direct") && sid == "LatchkeyCustomerRoles";
            if statement["Effect"] == "Deny" || sid == "LatchkeySimulation" || is_for_other_role {
                continue;
            }
            let mode = if name.starts_with("storage") || sid == "LatchkeyStorageRole" {
                "assume_role"
            } else {
                "direct"
            };
            let mut without = document.clone();
            without["body"]["Statement"][at] = harmless(name, &fresh.world.customer.id);
            fresh.apply(&without).await;
            let broken = fresh.onboard(mode).await;
            assert!(broken.is_err(), "{mode} works without the statement {sid} of {name}");
            fresh.apply(document).await;
            removed += 1;
        }
    }
    assert_eq!(removed, 10);
    assert_eq!(fresh.onboard("assume_role").await, Ok(()), "all is in place again");
    assert_eq!(fresh.onboard("direct").await, Ok(()), "all is in place again");
}

/// A statement that gives nothing to Latchkey, because a policy cannot be empty.
pub fn harmless(document: &str, other_account: &str) -> Value {
    if document.ends_with("-trust") {
        let principal = format!("arn:aws:iam::{other_account}:root");
        return json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"});
    }
    json!({"Effect": "Deny", "Action": "s3:GetBucketAcl", "Resource": "*"})
}

/// The roles and buckets of the vendor that let the vendor's roles in, and are denied anyway.
#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_own_account_is_out_of_reach() {
    let fresh = Fresh::in_one_account().await;
    let documents = fresh.apply_all().await;
    let (vendor, endpoint) = (&fresh.world.vendor, &fresh.world.endpoint);
    let let_in = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": fresh.world.storage_role}}]});
    trust(vendor, "internal", &let_in).await;
    let internal = format!("arn:aws:iam::{}:role/internal", vendor.id);
    let bucket = vendor.create_bucket().await;
    let document = |name: &str| documents.iter().find(|document| document["document"] == name).unwrap().clone();

    let storage = fresh.session(&fresh.world.storage_role).await;
    assert_eq!(assume(endpoint, &storage, &internal).await.err().as_deref(), Some("AccessDenied"));
    let mut without_deny = document("storage-role-permissions");
    without_deny["body"]["Statement"].as_array_mut().unwrap().pop().unwrap();
    fresh.apply(&without_deny).await;
    assert!(assume(endpoint, &storage, &internal).await.is_ok(), "the Deny is what kept it out");

    let direct = s3(endpoint, &fresh.session(&fresh.world.direct_role).await).await;
    assert_eq!(put(&direct, &bucket, "a/1").await.unwrap_err(), "AccessDenied");
    let mut without_condition = document("direct-role-permissions");
    for statement in without_condition["body"]["Statement"].as_array_mut().unwrap() {
        let removed = statement.as_object_mut().unwrap().remove("Condition");
        let has_condition = statement["Action"] != "sts:AssumeRole";
        assert_eq!(removed.is_some(), has_condition);
    }
    fresh.apply(&without_condition).await;
    put(&direct, &bucket, "a/1").await.expect("the condition is what kept it out");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_process_can_use_the_roles_and_only_with_the_tenants_tag() {
    let fresh = Fresh::in_one_account().await;
    fresh.apply_all().await;
    let endpoint = &fresh.world.endpoint;
    // Another workload of the vendor, which may assume every role as far as its own permissions go.
    let other_home = Account::new(endpoint).await;
    let other_host = process_role(&other_home).await;
    let other_role = format!("arn:aws:iam::{}:role/{PROCESS}", other_home.id);
    let other = assume(endpoint, &other_host, &other_role).await.expect("the host may assume it");
    let everything = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]});
    other_home.put_permissions(PROCESS, &everything).await;
    for role in [&fresh.world.storage_role, &fresh.world.direct_role] {
        assert!(assume(endpoint, &fresh.world.latchkey, role).await.is_ok());
        assert_eq!(
            assume(endpoint, &other, role).await.err().as_deref(),
            Some("AccessDenied"),
            "{role}"
        );
    }

    let client = sts::Client::new(&sdk_config(endpoint, &fresh.world.latchkey).await);
    let tagged = async |tags: &[(&str, &str)]| {
        let mut assuming = client.assume_role().role_arn(&fresh.world.direct_role).role_session_name("test");
        for (key, value) in tags {
            assuming = assuming.tags(sts::types::Tag::builder().key(*key).value(*value).build().unwrap());
        }
        assuming.send().await.is_ok()
    };
    let tag = ("latchkey-external-id", "lk-0123456789abcdef0123456789abcdef01234567");
    assert!(tagged(&[tag]).await);
    assert!(!tagged(&[("latchkey-external-id", "something-else")]).await, "not an issued ID");
    assert!(!tagged(&[tag, ("team", "x")]).await, "another tag with it");
    assert!(!tagged(&[("team", "x")]).await, "another tag");
}
