//! Every issued file leads to `verified` when its tool applies it unchanged, with no other steps.

use std::process::Output;

use latchkey::domain::vendor_network::{VendorNetwork, VpcEndpoints};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::aws::{Account, Applied, WHOLE, World, apply_templates_for, unique};
use crate::support::aws_proxy::with_headers;
use crate::support::server::{TestServer, check};
use crate::support::services::tools;
use crate::support::shell::{Shell, succeeded};

/// What the customer already has, and enters.
struct AppliedResources {
    bucket: String,
    key: Option<String>,
    query: String,
}

async fn things(customer: &Account, mode: &str, new: bool) -> AppliedResources {
    let role_name = format!("latchkey-{}", unique());
    let (bucket, key) = if new {
        (format!("customer-{}", unique()), None)
    } else {
        (customer.create_bucket().await, Some(customer.create_key().await))
    };
    let key_query = key.as_ref().map_or_else(String::new, |key| format!("&key_arn={key}"));
    // What is created is what the customer's organization requires.
    let required = if new {
        let boundary = boundary(customer).await;
        format!("&tags=Team=Records,Cost%20center=4711&role_path=/vendors/&permissions_boundary={boundary}")
    } else {
        String::new()
    };
    AppliedResources {
        query: format!(
            "mode={mode}&bucket={bucket}{key_query}&role_name={role_name}&account_id={}&posture={new}{required}",
            customer.id
        ),
        bucket,
        key,
    }
}

/// A permissions boundary that allows what the role's permissions do.
async fn boundary(customer: &Account) -> String {
    let allows = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}]});
    let creating = customer
        .iam
        .create_policy()
        .policy_name("boundary")
        .policy_document(allows.to_string());
    let created = creating.send().await.expect("a policy is created").policy;
    created.and_then(|policy| policy.arn).expect("the answer has the policy")
}

/// The created resources have the tags, and the role also its path and its boundary.
async fn assert_as_required(customer: &Account, submission: &Value) {
    let expected = [
        ("Cost center".to_owned(), "4711".to_owned()),
        ("Team".to_owned(), "Records".to_owned()),
    ];
    let bucket = submission["bucket_arn"]
        .as_str()
        .expect("a bucket")
        .trim_start_matches("arn:aws:s3:::");
    let tagging = customer
        .s3
        .get_bucket_tagging()
        .bucket(bucket)
        .send()
        .await
        .expect("the bucket has tags");
    let mut tags: Vec<_> = tagging.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect();
    tags.sort();
    assert_eq!(tags, expected);
    let key = customer
        .kms
        .list_resource_tags()
        .key_id(submission["key_arn"].as_str().expect("a key"));
    let mut tags: Vec<_> = key.send().await.expect("the key has tags").tags.unwrap_or_default();
    tags.sort_by(|one, other| one.tag_key.cmp(&other.tag_key));
    assert_eq!(
        tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect::<Vec<_>>(),
        expected
    );
    if let Some(arn) = submission["role_arn"].as_str() {
        let (_, name) = arn.split_once(":role/vendors/").expect("the role has the path");
        let role = customer.iam.get_role().role_name(name).send().await.expect("the role is read").role;
        let role = role.expect("the answer has the role");
        let mut tags: Vec<_> = role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        tags.sort();
        assert_eq!(tags, expected);
        let attached = role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
        assert!(attached.is_some_and(|arn| arn.ends_with(":policy/boundary")));
    }
}

async fn file(server: &TestServer, things: &AppliedResources, format: &str) -> String {
    let answer = server
        .get(&format!("/v1/tenants/acme/templates?format={format}&{}", things.query))
        .await;
    let disposition = answer.headers["content-disposition"].to_str().expect("it is text").to_owned();
    assert!(disposition.starts_with("attachment; filename=\"latchkey-acme."), "{disposition}");
    match answer.expect(200) {
        Value::String(text) => text,
        other => panic!("a file is text: {other:#}"),
    }
}

async fn assert_verified(server: &TestServer, submission: &Value) {
    let verification = server.submit("acme", submission).await;
    assert_eq!(verification["verdict"], "verified", "{verification:#}");
}

#[rstest]
#[case("assume_role", true)]
#[case("assume_role", false)]
#[case("direct", true)]
#[tokio::test]
async fn the_cloudformation_template_leads_to_verified(#[case] mode: &str, #[case] new: bool) {
    let tools = tools();
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let things = things(&world.customer, mode, new).await;
    let template = file(&server, &things, "cloudformation").await;
    let shell = Shell { tools, world: &world };
    let bucket_is = if new { "new" } else { "existing-without-policy" };
    if let Some(key) = &things.key {
        // What the template does with an existing bucket.
        let rule = json!({"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}]});
        let rule = rule.to_string();
        let put = [
            "s3api",
            "put-bucket-encryption",
            "--bucket",
            &things.bucket,
            "--server-side-encryption-configuration",
            &rule,
        ];
        shell.aws(&put).await;
    }
    let stack = create_stack(&shell, "latchkey", &template, bucket_is).await;
    assert_eq!(stack["StackStatus"], "CREATE_COMPLETE", "{stack:#}");
    let (submission, outputs) = put_out(&stack, mode, &world.customer.id);
    assert_eq!(outputs, if mode == "direct" { 3 } else { 4 });
    let policy = bucket_policy(&world.customer, &things.bucket).await;
    assert_eq!(
        policy["Statement"].as_array().map(Vec::len),
        Some(if new { 3 } else { 2 }),
        "{policy:#}"
    );
    if new && mode == "assume_role" {
        // MiniStack's CloudFormation knows neither tags of buckets nor boundaries. A unit test reads the template.
        let role = submission["role_arn"].as_str().expect("there is a role");
        assert!(role.contains(":role/vendors/"), "{role}");
    }
    assert_verified(&server, &submission).await;
}

/// A role, a bucket and a key of three accounts, or in `direct` a bucket and a key of two.
struct Layout {
    bucket_owner: Account,
    key_owner: Account,
    bucket: String,
    key: String,
    role_name: String,
    query: String,
}

impl Layout {
    async fn new(world: &World, mode: &str) -> Self {
        let (bucket_owner, key_owner) = (Account::new(&world.endpoint).await, Account::new(&world.endpoint).await);
        let (bucket, key) = (bucket_owner.create_bucket().await, key_owner.create_key().await);
        let role_name = format!("latchkey-{}", unique());
        let role = if mode == "assume_role" {
            format!("&role_name={role_name}&account_id={}", world.customer.id)
        } else {
            String::new()
        };
        Self {
            query: format!(
                "mode={mode}&bucket={bucket}&key_arn={key}&bucket_account_id={}{role}",
                bucket_owner.id
            ),
            bucket_owner,
            key_owner,
            bucket,
            key,
            role_name,
        }
    }
}

/// Every document is applied as issued, in the account that it names.
#[rstest]
#[tokio::test]
async fn the_documents_lead_to_verified_in_several_accounts(#[values("assume_role", "direct")] mode: &'static str) {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let layout = Layout::new(&world, mode).await;
    let issued = server
        .get(&format!("/v1/tenants/acme/templates?{}", layout.query))
        .await
        .expect(200);
    let mut applied = Applied {
        mode,
        bucket: layout.bucket,
        key: layout.key,
        role: None,
        role_name: layout.role_name,
        account: Some(layout.bucket_owner.id.clone()),
        scope: WHOLE,
        documents: serde_json::Map::new(),
    };
    for document in issued["documents"].as_array().expect("documents are a list") {
        let owners = [&world.customer, &layout.bucket_owner, &layout.key_owner];
        let owner = owners.into_iter().find(|owner| document["account"] == owner.id.as_str());
        let owner = owner.unwrap_or_else(|| panic!("{document:#} is of no account"));
        let place = document["apply_to"].as_str().expect("it has a place");
        assert!(place.starts_with(&format!("Account {}: ", owner.id)), "{place}");
        if document["document"] == "trust-policy" {
            let nothing = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:GetBucketAcl", "Resource": "*"}]});
            applied.role = Some(owner.put_role(&applied.role_name, &document["body"], &nothing).await);
        } else {
            applied
                .apply(owner, document["document"].as_str().expect("it has a name"), &document["body"])
                .await;
        }
    }
    assert_verified(&server, &applied.submission()).await;
}

/// A file sets up one account. CloudFormation and Terraform do not change an existing key, which can be in another one.
#[rstest]
#[case("assume_role", &["cloudformation", "terraform", "cli"])]
#[case("direct", &["cli"])]
#[tokio::test]
async fn files_of_several_accounts_are_refused(#[case] mode: &str, #[case] refused: &[&str]) {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).without_worker().start().await;
    server.create_tenant("acme").await;
    let layout = Layout::new(&world, mode).await;
    for format in ["json", "cloudformation", "terraform", "cli"] {
        let path = format!("/v1/tenants/acme/templates?format={format}&{}", layout.query);
        let answer = server.get(&path).await;
        if refused.contains(&format) {
            assert_eq!(answer.errors(), [("format".to_owned(), "several_accounts".to_owned())], "{format}");
            let detail = answer.body["errors"][0]["detail"].as_str().expect("a detail");
            assert!(
                detail.contains("format json") && detail.contains(&layout.bucket_owner.id),
                "{detail}"
            );
        } else {
            assert_eq!(answer.status, 200, "{format}: {:#}", answer.body);
        }
    }
}

/// The key's statement is one of the documents: it is added in the key's account.
#[tokio::test]
async fn the_cloudformation_template_works_with_a_key_of_another_account() {
    let tools = tools();
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let security = Account::new(&world.endpoint).await;
    let (bucket, key) = (format!("customer-{}", unique()), security.create_key().await);
    let query = format!(
        "mode=assume_role&bucket={bucket}&key_arn={key}&role_name=latchkey-{}&account_id={}",
        unique(),
        world.customer.id
    );
    let things = AppliedResources {
        bucket,
        key: Some(key),
        query,
    };
    let template = file(&server, &things, "cloudformation").await;
    let shell = Shell { tools, world: &world };
    let stack = create_stack(&shell, "latchkey", &template, "new").await;
    assert_eq!(stack["StackStatus"], "CREATE_COMPLETE", "{stack:#}");
    let issued = server
        .get(&format!("/v1/tenants/acme/templates?{}", things.query))
        .await
        .expect(200);
    let documents = issued["documents"].as_array().expect("documents are a list");
    let of_key = documents.iter().find(|document| document["account"] == security.id.as_str());
    let statement = &of_key.expect("the key's document names its account")["body"];
    security.add_to_key(things.key.as_ref().unwrap(), statement).await;
    let (submission, _) = put_out(&stack, "assume_role", &world.customer.id);
    assert_verified(&server, &submission).await;
}

/// Whatever was entered in the script itself.
#[tokio::test]
async fn the_script_refuses_a_key_of_another_account() {
    let tools = tools();
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).without_worker().start().await;
    server.create_tenant("acme").await;
    let things = things(&world.customer, "direct", false).await;
    let script = file(&server, &things, "cli").await;
    let foreign = Account::new(&world.endpoint).await.create_key().await;
    let script = script.replace(things.key.as_ref().unwrap(), &foreign);
    let ran = Shell { tools, world: &world }.script(&script, &["--yes"]).await;
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success() && told.contains("The key is in another account"), "{told}");
}

/// The stack, once it is complete or has failed.
async fn create_stack(shell: &Shell<'_>, name: &str, template: &str, bucket_is: &str) -> Value {
    let parameter = format!("ParameterKey=BucketIs,ParameterValue={bucket_is}");
    let create = ["cloudformation", "create-stack", "--stack-name", name, "--template-body", template];
    let how = ["--capabilities", "CAPABILITY_NAMED_IAM", "--parameters", &parameter];
    shell.aws(&[&create[..], &how[..]].concat()).await;
    loop {
        let mut described = shell.aws(&["cloudformation", "describe-stacks", "--stack-name", name]).await;
        let stack = described["Stacks"][0].take();
        if !stack["StackStatus"]
            .as_str()
            .expect("a stack has a status")
            .ends_with("_IN_PROGRESS")
        {
            return stack;
        }
    }
}

/// The outputs of a stack as the form accepts them, and their number.
fn put_out(stack: &Value, mode: &str, account: &str) -> (Value, usize) {
    let outputs = stack["Outputs"].as_array().expect("outputs are a list");
    let output = |name: &str| {
        let found = outputs.iter().find(|output| output["OutputKey"] == name);
        found.map(|output| output["OutputValue"].clone())
    };
    let submission = json!({
        "mode": mode,
        "bucket_arn": output("BucketArn"),
        "bucket_region": output("BucketRegion"),
        "key_arn": output("KeyArn"),
        "role_arn": output("RoleArn"),
        "bucket_account_id": account,
    });
    (submission, outputs.len())
}

#[tokio::test]
async fn the_cloudformation_template_overwrites_no_policy() {
    let tools = tools();
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).without_worker().start().await;
    server.create_tenant("acme").await;
    let things = things(&world.customer, "assume_role", false).await;
    let template = file(&server, &things, "cloudformation").await;
    let shell = Shell { tools, world: &world };
    let policy = json!({"Version": "2012-10-17", "Statement": [theirs(&world.customer, &things.bucket)]});
    world.customer.put_bucket_policy(&things.bucket, &policy).await;

    let refused = create_stack(&shell, "one", &template, "existing-without-policy").await;
    assert_eq!(refused["StackStatus"], "ROLLBACK_COMPLETE", "{refused:#}");
    assert_eq!(bucket_policy(&world.customer, &things.bucket).await, policy);

    let made = create_stack(&shell, "two", &template, "existing-with-policy").await;
    assert_eq!(made["StackStatus"], "CREATE_COMPLETE", "{made:#}");
    assert_eq!(bucket_policy(&world.customer, &things.bucket).await, policy);
}

/// The last output of the script.
fn told(ran: &Output, mode: &str, account: &str) -> Value {
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let told = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    json!({
        "mode": mode,
        "bucket_arn": told("Bucket ARN: "),
        "bucket_region": told("Bucket region: "),
        "key_arn": told("Key ARN: "),
        "role_arn": told("Role ARN: "),
        "bucket_account_id": account,
    })
}

#[rstest]
#[case("assume_role", true, 2)]
#[case("assume_role", false, 1)]
#[case("direct", true, 1)]
#[case("direct", false, 2)]
#[tokio::test]
async fn the_script_leads_to_verified_and_is_idempotent(#[case] mode: &'static str, #[case] new: bool, #[case] runs: usize) {
    let tools = tools();
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let things = things(&world.customer, mode, new).await;
    let script = file(&server, &things, "cli").await;
    let shell = Shell { tools, world: &world };
    let theirs = theirs(&world.customer, &things.bucket);
    // Another tenant of the same customer, with the same key.
    let neighbour = match &things.key {
        Some(key) => {
            server.create_tenant("neighbour").await;
            let applied = apply_templates_for(&world, &server, "neighbour", mode, key.clone()).await;
            assert_eq!(server.submit("neighbour", &applied.submission()).await["verdict"], "verified");
            let policy = json!({"Version": "2012-10-17", "Id": "theirs", "Statement": theirs});
            world.customer.put_bucket_policy(&things.bucket, &policy).await;
            Some(applied)
        }
        None => None,
    };

    let ran = succeeded(shell.script(&script, &["--yes"]).await);
    let submission = told(&ran, mode, &world.customer.id);
    if new {
        assert_as_required(&world.customer, &submission).await;
        let encryption = world.customer.s3.get_bucket_encryption().bucket(&things.bucket).send().await;
        let rules = encryption.expect("the encryption is read").server_side_encryption_configuration;
        assert!(format!("{rules:?}").contains("SseC"), "{rules:?}");
    }
    assert_verified(&server, &submission).await;

    // Each command of the AWS CLI takes about a second, so only half of the cases repeat the script.
    for _ in 1..runs {
        let again = succeeded(shell.script(&script, &["--yes"]).await);
        assert_eq!(told(&again, mode, &world.customer.id), submission);
        let text = String::from_utf8_lossy(&again.stdout).into_owned();
        assert!(
            text.matches("already up to date").count() >= 2 && !text.contains("created"),
            "{text}"
        );
    }
    if !new {
        let after = bucket_policy(&world.customer, &things.bucket).await;
        assert_eq!(after["Statement"][0], theirs, "{after:#}");
        assert_eq!(
            (&after["Id"], after["Statement"].as_array().map(Vec::len)),
            // In `direct`, there is a statement for the bucket's settings, too.
            (&json!("theirs"), Some(if mode == "direct" { 4 } else { 3 }))
        );
    }
    if let Some(neighbour) = neighbour {
        let again = server.verify("neighbour").await;
        assert_eq!(again["verdict"], "verified", "{again:#}");
        let statements = key_policy(&world.customer, &neighbour.key).await["Statement"].take();
        assert_eq!(statements.as_array().map(Vec::len), Some(3), "{statements:#}");
    }
}

/// The statements that deny calls from outside of the vendor's network are in the files as well. Here it is the loopback network.
#[rstest]
#[tokio::test]
async fn files_restrict_access_to_the_vendors_network(
    #[values("assume_role", "direct")] mode: &'static str,
    #[values("cli", "cloudformation")] format: &str,
) {
    let tools = tools();
    let world = World::new().await;
    let outside = with_headers(&world.endpoint, &[("x-standin-source-ip", "52.57.99.1")]).await;
    let network = VendorNetwork {
        source_ips: vec!["127.0.0.0/8".parse().unwrap()],
        endpoints: VpcEndpoints::These(Vec::new()),
        is_probed: true,
    };
    let server = TestServer::builder().aws(&world).network(network).outside(&outside).start().await;
    server.create_tenant("acme").await;
    let things = things(&world.customer, mode, true).await;
    let text = file(&server, &things, format).await;
    let shell = Shell { tools, world: &world };
    let submission = if format == "cli" {
        told(&succeeded(shell.script(&text, &["--yes"]).await), mode, &world.customer.id)
    } else {
        put_out(&create_stack(&shell, "one", &text, "new").await, mode, &world.customer.id).0
    };
    let verification = server.submit("acme", &submission).await;
    assert_eq!(verification["verdict"], "verified", "{verification:#}");
    assert_eq!(check(&verification, "network-restricted")["status"], "passed");
}

/// A statement that has nothing to do with the vendor.
fn theirs(customer: &Account, bucket: &str) -> Value {
    json!({
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", customer.id)},
        "Action": "s3:GetBucketTagging",
        "Resource": format!("arn:aws:s3:::{bucket}"),
    })
}

async fn bucket_policy(customer: &Account, bucket: &str) -> Value {
    let policy = customer
        .s3
        .get_bucket_policy()
        .bucket(bucket)
        .send()
        .await
        .expect("the policy is read");
    serde_json::from_str(&policy.policy.expect("the answer has the policy")).expect("a policy is JSON")
}

async fn key_policy(customer: &Account, key: &str) -> Value {
    let policy = customer.kms.get_key_policy().key_id(key).policy_name("default").send().await;
    let policy = policy.expect("the key's policy is read").policy;
    serde_json::from_str(&policy.expect("the answer has the policy")).expect("a policy is JSON")
}

#[tokio::test]
async fn the_script_asks_first_and_never_overwrites_a_policy() {
    let tools = tools();
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).without_worker().start().await;
    server.create_tenant("acme").await;
    let things = things(&world.customer, "direct", false).await;
    let script = file(&server, &things, "cli").await;
    let shell = Shell { tools, world: &world };

    let asked = shell.script(&script, &[]).await;
    assert!(!asked.status.success(), "nobody agreed");
    assert!(String::from_utf8_lossy(&asked.stderr).contains("Nothing was changed"), "{asked:?}");

    // A shell in which neither jq nor python3 is found.
    let hidden = format!("command() {{ case $2 in jq | python3) return 1 ;; esac; }}\n{script}");
    let ran = shell.script(&hidden, &["--yes"]).await;
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        !ran.status.success() && said.contains("requires jq or python3") && said.contains("\"LatchkeyKey"),
        "{said}"
    );
    let key = things.key.expect("there is a key");
    let policy = key_policy(&world.customer, &key).await.to_string();
    assert!(!policy.contains("Latchkey"), "{policy}");
    assert!(world.customer.s3.get_bucket_policy().bucket(&things.bucket).send().await.is_err());
}

#[tokio::test]
async fn a_merged_policy_leads_to_verified() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let mut applied = crate::support::aws::apply_templates(&world, &server, "acme", "direct").await;
    let theirs = theirs(&world.customer, &applied.bucket);
    applied.account = Some(world.customer.id.clone());
    let present = json!({"Version": "2012-10-17", "Statement": [theirs, applied.document("bucket-policy")["Statement"][1]]});
    world.customer.put_bucket_policy(&applied.bucket, &present).await;

    let body = json!({"document": "bucket-policy", "current": present.to_string(), "mode": "direct", "bucket": applied.bucket});
    let answer = server.post("/v1/tenants/acme/templates/merge", &body).await.expect(200);
    assert_eq!(answer["merged"]["Statement"][0], theirs);
    assert_eq!((&answer["limit"], &answer["findings"]), (&json!(20480), &json!([])));
    world.customer.put_bucket_policy(&applied.bucket, &answer["merged"]).await;
    assert_verified(&server, &applied.submission()).await;
}

/// Merging for one tenant leaves the statement of another one that uses the same key.
#[rstest]
#[tokio::test]
async fn tenants_that_share_a_key_stay_verified(#[values("assume_role", "direct")] mode: &'static str) {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    server.create_tenant("initech").await;
    let first = crate::support::aws::apply_templates(&world, &server, "acme", mode).await;
    assert_verified(&server, &first.submission()).await;
    let present = key_policy(&world.customer, &first.key).await;

    let second = apply_templates_for(&world, &server, "initech", mode, first.key.clone()).await;
    let body = json!({"document": "key-policy", "current": present, "mode": mode, "key_arn": second.key, "role_name": second.role_name,
                      "account_id": world.customer.id});
    let answer = server.post("/v1/tenants/initech/templates/merge", &body).await.expect(200);
    assert_eq!(answer["findings"], json!([]), "{answer:#}");
    let put = world
        .customer
        .kms
        .put_key_policy()
        .key_id(&second.key)
        .policy(answer["merged"].to_string());
    put.send().await.expect("the key's policy is put");
    for verification in [server.submit("initech", &second.submission()).await, server.verify("acme").await] {
        assert_eq!(verification["verdict"], "verified", "{verification:#}");
    }
}
