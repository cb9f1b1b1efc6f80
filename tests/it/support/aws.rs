//! The AWS side of a test: an account of a vendor and one of a customer, in the stand-in.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_iam as iam;
use aws_sdk_kms as kms;
use aws_sdk_s3 as s3;
use aws_sdk_s3::error::ProvideErrorMetadata;
use serde_json::{Value, json};

use super::clock::clock;
use super::server::TestServer;
use super::services;

pub const REGION: &str = "eu-central-1";

/// One of the stand-ins: always the same for the same account.
fn endpoint(seed: u64) -> String {
    let mut all = services::aws_endpoints();
    let index = usize::try_from(seed).unwrap_or_default() % all.len();
    all.swap_remove(index)
}

/// Credentials in an account.
#[derive(Debug, Clone)]
pub struct Keys {
    pub id: String,
    pub secret: String,
    /// Of a session.
    pub token: Option<String>,
}

pub async fn sdk_config(endpoint: &str, keys: &Keys) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(aws_config::Region::new(REGION))
        .endpoint_url(endpoint)
        // The stand-in has no TLS. A client with TLS reads the system's certificates, which takes long in a debug build.
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(iam::config::Credentials::new(
            &keys.id,
            &keys.secret,
            keys.token.clone(),
            None,
            "test",
        ))
        .load()
        .await
}

/// How a process reaches AWS, and as which vendor.
#[derive(Debug, Clone)]
pub struct AwsAccess {
    pub endpoint: String,
    pub keys: Keys,
    pub storage_role: String,
    pub direct_role: String,
}

impl AwsAccess {
    /// For tests that call no AWS: nothing listens at this endpoint.
    pub fn none() -> Self {
        Self {
            endpoint: "http://127.0.0.1:9".into(),
            keys: Keys {
                id: "AKIANOBODY".into(),
                secret: "none".into(),
                token: None,
            },
            storage_role: "arn:aws:iam::111111111111:role/storage".into(),
            direct_role: "arn:aws:iam::111111111111:role/direct".into(),
        }
    }
}

/// Whether this is an issued statement, whose Sid ends with eight digits of its tenant.
pub fn has_sid(statement: &Value, sid: &str) -> bool {
    let own = statement["Sid"].as_str().and_then(|own| own.strip_prefix(sid));
    own.is_some_and(|end| end.len() == 8)
}

/// A unique text of digits and letters.
pub fn unique() -> String {
    let bytes: [u8; 5] = clock().random();
    hex::encode(bytes)
}

fn account(seed: u64) -> String {
    format!("{:012}", 100_000_000_000 + seed % 900_000_000_000)
}

fn random_number() -> u64 {
    u64::from_be_bytes(clock().random())
}

/// The accounts of a vendor and of a customer, on the same stand-in.
pub struct World {
    pub endpoint: String,
    pub vendor: Account,
    pub customer: Account,
    /// The credentials of Latchkey.
    pub latchkey: Keys,
    pub storage_role: String,
    pub direct_role: String,
}

pub struct Account {
    pub id: String,
    pub iam: iam::Client,
    pub s3: s3::Client,
    pub kms: kms::Client,
}

impl Account {
    pub async fn new(endpoint: &str) -> Self {
        Self::with_id(endpoint, &account(random_number())).await
    }

    /// The same account again.
    pub async fn with_id(endpoint: &str, id: &str) -> Self {
        let id = id.to_owned();
        let keys = Keys {
            id: id.clone(),
            secret: "test".into(),
            token: None,
        };
        let config = sdk_config(endpoint, &keys).await;
        Self {
            id,
            iam: iam::Client::new(&config),
            s3: s3::Client::from_conf(s3::config::Builder::from(&config).force_path_style(true).build()),
            kms: kms::Client::new(&config),
        }
    }

    pub async fn put_role(&self, name: &str, trust: &Value, permissions: &Value) -> String {
        self.put_role_at("/", name, trust, permissions).await
    }

    pub async fn put_role_at(&self, path: &str, name: &str, trust: &Value, permissions: &Value) -> String {
        let created = self
            .iam
            .create_role()
            .path(path)
            .role_name(name)
            .assume_role_policy_document(trust.to_string())
            .send()
            .await
            .expect("a role is created");
        self.put_permissions(name, permissions).await;
        created.role.expect("the answer has the role").arn
    }

    pub async fn put_permissions(&self, role: &str, permissions: &Value) {
        self.iam
            .put_role_policy()
            .role_name(role)
            .policy_name("latchkey")
            .policy_document(permissions.to_string())
            .send()
            .await
            .expect("a role's policy is put");
    }

    pub async fn put_trust(&self, role: &str, trust: &Value) {
        self.iam
            .update_assume_role_policy()
            .role_name(role)
            .policy_document(trust.to_string())
            .send()
            .await
            .expect("a trust policy is put");
    }

    pub async fn create_key(&self) -> String {
        let created = self.kms.create_key().send().await.expect("a key is created");
        created.key_metadata.and_then(|key| key.arn).expect("the answer has the key")
    }

    /// Adds a statement to a key's policy, replacing one with the same Sid.
    pub async fn add_to_key(&self, key: &str, statement: &Value) {
        let current = self
            .kms
            .get_key_policy()
            .key_id(key)
            .policy_name("default")
            .send()
            .await
            .expect("the key's policy is read");
        let mut policy: Value = serde_json::from_str(&current.policy.expect("the answer has the policy")).expect("the policy is JSON");
        let statements = policy["Statement"].as_array_mut().expect("the policy has statements");
        statements.retain(|other| other["Sid"] != statement["Sid"]);
        statements.push(statement.clone());
        self.kms
            .put_key_policy()
            .key_id(key)
            .policy(policy.to_string())
            .send()
            .await
            .expect("the key's policy is put");
    }

    /// Takes an issued statement out of a key's policy.
    pub async fn remove_from_key(&self, key: &str, sid: &str) {
        let current = self.kms.get_key_policy().key_id(key).policy_name("default").send().await;
        let text = current
            .expect("the key's policy is read")
            .policy
            .expect("the answer has the policy");
        let mut policy: Value = serde_json::from_str(&text).expect("the policy is JSON");
        let statements = policy["Statement"].as_array_mut().expect("the policy has statements");
        statements.retain(|statement| !has_sid(statement, sid));
        let put = self.kms.put_key_policy().key_id(key).policy(policy.to_string());
        put.send().await.expect("the key's policy is put");
    }

    /// Leaves the key to its own account, without the statement that delegates to IAM.
    pub async fn lock_key(&self, key: &str) {
        let keeper = format!("arn:aws:iam::{}:root", self.id);
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Keeper", "Effect": "Allow", "Principal": {"AWS": keeper},
            "Action": ["kms:Get*", "kms:Put*", "kms:List*"], "Resource": "*"}]});
        let put = self.kms.put_key_policy().key_id(key).policy(policy.to_string());
        put.bypass_policy_lockout_safety_check(true)
            .send()
            .await
            .expect("the key's policy is put");
    }

    pub async fn create_bucket(&self) -> String {
        self.create_bucket_in(REGION).await
    }

    pub async fn create_bucket_in(&self, region: &str) -> String {
        let name = format!("customer-{}", unique());
        let location = s3::types::CreateBucketConfiguration::builder()
            .location_constraint(region.into())
            .build();
        let there = self
            .s3
            .config()
            .to_builder()
            .region(s3::config::Region::new(region.to_owned()))
            .build();
        s3::Client::from_conf(there)
            .create_bucket()
            .bucket(&name)
            .create_bucket_configuration(location)
            .send()
            .await
            .expect("a bucket is created");
        name
    }

    /// Creates a bucket with this name, as anybody may while the name is free.
    pub async fn take_bucket(&self, name: &str) {
        let location = s3::types::CreateBucketConfiguration::builder()
            .location_constraint(REGION.into())
            .build();
        let creating = self.s3.create_bucket().bucket(name).create_bucket_configuration(location);
        creating.send().await.expect("a bucket is created");
        let unblocking = self.s3.delete_public_access_block().bucket(name);
        unblocking.send().await.expect("public policies are allowed");
    }

    /// Creates a bucket with this name, which everybody can use.
    pub async fn take_bucket_for_everybody(&self, name: &str) {
        self.take_bucket(name).await;
        let open = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "s3:*",
            "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")],
        }]});
        self.put_bucket_policy(name, &open).await;
    }

    pub async fn put_inline_policy(&self, role: &str, name: &str, policy: &Value) {
        let putting = self.iam.put_role_policy().role_name(role).policy_name(name);
        putting
            .policy_document(policy.to_string())
            .send()
            .await
            .expect("a policy is attached");
    }

    pub async fn put_bucket_policy(&self, bucket: &str, policy: &Value) {
        self.s3
            .put_bucket_policy()
            .bucket(bucket)
            .policy(policy.to_string())
            .send()
            .await
            .expect("a bucket policy is put");
    }

    /// Enables versioning, so that every object ever written leaves a trace.
    pub async fn keep_versions(&self, bucket: &str) {
        self.put_versioning(bucket, s3::types::BucketVersioningStatus::Enabled).await;
    }

    /// Attempts it, and returns AWS's error code.
    pub async fn try_suspend_versions(&self, bucket: &str) -> Result<(), String> {
        let suspended = s3::types::BucketVersioningStatus::Suspended;
        let configuration = s3::types::VersioningConfiguration::builder().status(suspended).build();
        let put = self
            .s3
            .put_bucket_versioning()
            .bucket(bucket)
            .versioning_configuration(configuration);
        let error = put.send().await.map(drop);
        error.map_err(|error| error.into_service_error().code().unwrap_or_default().to_owned())
    }

    /// Replicates what is written to the bucket with this key.
    pub async fn replicate(&self, bucket: &str, key: &str) {
        let copies = self.create_bucket().await;
        self.keep_versions(&copies).await;
        let selected = s3::types::SseKmsEncryptedObjects::builder()
            .status(s3::types::SseKmsEncryptedObjectsStatus::Enabled)
            .build()
            .expect("it has a status");
        let rule = s3::types::ReplicationRule::builder()
            .id("all")
            .priority(1)
            .status(s3::types::ReplicationRuleStatus::Enabled)
            .filter(s3::types::ReplicationRuleFilter::builder().prefix("").build())
            .delete_marker_replication(
                s3::types::DeleteMarkerReplication::builder()
                    .status(s3::types::DeleteMarkerReplicationStatus::Disabled)
                    .build(),
            )
            .source_selection_criteria(
                s3::types::SourceSelectionCriteria::builder()
                    .sse_kms_encrypted_objects(selected)
                    .build(),
            )
            .destination(
                s3::types::Destination::builder()
                    .bucket(format!("arn:aws:s3:::{copies}"))
                    .encryption_configuration(s3::types::EncryptionConfiguration::builder().replica_kms_key_id(key).build())
                    .build()
                    .expect("it has a bucket"),
            );
        let configuration = s3::types::ReplicationConfiguration::builder()
            .role(format!("arn:aws:iam::{}:role/replication", self.id))
            .rules(rule.build().expect("it is complete"))
            .build();
        let put = self.s3.put_bucket_replication().bucket(bucket);
        put.replication_configuration(configuration.expect("it is complete"))
            .send()
            .await
            .expect("replication is set up");
    }

    /// Enables Object Lock, and retains every new object for a day.
    pub async fn retain_objects(&self, bucket: &str) {
        self.keep_versions(bucket).await;
        let retention = s3::types::DefaultRetention::builder()
            .mode(s3::types::ObjectLockRetentionMode::Governance)
            .days(1)
            .build();
        let configuration = s3::types::ObjectLockConfiguration::builder()
            .object_lock_enabled(s3::types::ObjectLockEnabled::Enabled)
            .rule(s3::types::ObjectLockRule::builder().default_retention(retention).build())
            .build();
        let put = self.s3.put_object_lock_configuration().bucket(bucket);
        put.object_lock_configuration(configuration)
            .send()
            .await
            .expect("objects are retained");
    }

    /// Only the root user, which this account's client is, can enable MFA delete.
    pub async fn require_mfa_to_delete(&self, bucket: &str) {
        let configuration = s3::types::VersioningConfiguration::builder()
            .status(s3::types::BucketVersioningStatus::Enabled)
            .mfa_delete(s3::types::MfaDelete::Enabled)
            .build();
        let put = self.s3.put_bucket_versioning().bucket(bucket).mfa("20899872 301749");
        put.versioning_configuration(configuration)
            .send()
            .await
            .expect("MFA delete is enabled");
    }

    async fn put_versioning(&self, bucket: &str, status: s3::types::BucketVersioningStatus) {
        let configuration = s3::types::VersioningConfiguration::builder().status(status).build();
        self.s3
            .put_bucket_versioning()
            .bucket(bucket)
            .versioning_configuration(configuration)
            .send()
            .await
            .expect("versioning is set");
    }

    pub async fn suspend_versions(&self, bucket: &str) {
        self.put_versioning(bucket, s3::types::BucketVersioningStatus::Suspended).await;
    }

    /// Keys of all objects, and how many versions and markers there ever were.
    pub async fn contents(&self, bucket: &str) -> (Vec<String>, usize) {
        let objects = self.s3.list_objects_v2().bucket(bucket).send().await.expect("the bucket is listed");
        let versions = self
            .s3
            .list_object_versions()
            .bucket(bucket)
            .send()
            .await
            .expect("versions are listed");
        let keys = objects
            .contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned))
            .collect();
        (keys, versions.versions().len() + versions.delete_markers().len())
    }
}

impl World {
    pub fn access(&self) -> AwsAccess {
        AwsAccess {
            endpoint: self.endpoint.clone(),
            keys: self.latchkey.clone(),
            storage_role: self.storage_role.clone(),
            direct_role: self.direct_role.clone(),
        }
    }

    pub async fn new() -> Self {
        let seed = random_number();
        let endpoint = endpoint(seed);
        let vendor = Account::new(&endpoint).await;
        let customer = Account::new(&endpoint).await;
        vendor
            .iam
            .create_user()
            .user_name("latchkey")
            .send()
            .await
            .expect("a user is created");
        let made = vendor
            .iam
            .create_access_key()
            .user_name("latchkey")
            .send()
            .await
            .expect("an access key is created");
        let made = made.access_key.expect("the answer has the key");
        let user = format!("arn:aws:iam::{}:user/latchkey", vendor.id);
        let trust = |actions: &[&str]| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": user}, "Action": actions}]});
        let allow =
            |actions: &[&str]| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
        vendor
            .iam
            .put_user_policy()
            .user_name("latchkey")
            .policy_name("roles")
            .policy_document(allow(&["sts:AssumeRole", "sts:TagSession", "iam:SimulatePrincipalPolicy"]).to_string())
            .send()
            .await
            .expect("a user's policy is put");
        let storage_role = vendor
            .put_role("storage", &trust(&["sts:AssumeRole"]), &allow(&["sts:AssumeRole"]))
            .await;
        let direct_role = vendor
            .put_role(
                "direct",
                &trust(&["sts:AssumeRole", "sts:TagSession"]),
                &allow(&["s3:*", "kms:*", "sts:AssumeRole"]),
            )
            .await;
        Self {
            endpoint,
            vendor,
            customer,
            latchkey: Keys {
                id: made.access_key_id,
                secret: made.secret_access_key,
                token: None,
            },
            storage_role,
            direct_role,
        }
    }
}

/// What is granted.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    pub prefix: Option<&'static str>,
    pub access: &'static str,
}

/// Read and write, in the whole bucket.
pub const WHOLE: Scope = Scope {
    prefix: None,
    access: "read_write",
};

impl World {
    /// The customer joins the vendor's organization. Only then does AWS say which policy denies a role.
    pub async fn join_in_one_organization(&self) {
        let target = json!({"Target": {"Id": self.customer.id, "Type": "ACCOUNT"}});
        let invited = self.ask_organizations(&self.vendor, "InviteAccountToOrganization", &target).await;
        let handshake = json!({"HandshakeId": invited["Handshake"]["Id"]});
        self.ask_organizations(&self.customer, "AcceptHandshake", &handshake).await;
    }

    async fn ask_organizations(&self, account: &Account, operation: &str, body: &Value) -> Value {
        // The stand-in does not check the signatures of root users.
        let credential = format!("{}/20260101/us-east-1/organizations/aws4_request", account.id);
        let answer = reqwest::Client::new()
            .post(&self.endpoint)
            .header("x-amz-target", format!("AWSOrganizationsV20161128.{operation}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=none"),
            )
            .body(body.to_string())
            .send()
            .await
            .expect("the stand-in answers");
        let answer = answer.error_for_status().expect("the operation succeeds");
        serde_json::from_str(&answer.text().await.expect("the answer is text")).expect("the answer is JSON")
    }
}

pub const PREFIX: Scope = Scope {
    prefix: Some("teams/documents/"),
    ..WHOLE
};

pub const READ: Scope = Scope { access: "read", ..WHOLE };

pub const READ_PREFIX: Scope = Scope { access: "read", ..PREFIX };

/// A customer's bucket, key and role, with the issued documents applied verbatim.
pub struct Applied {
    pub mode: &'static str,
    pub bucket: String,
    pub key: String,
    pub role: Option<String>,
    pub role_name: String,
    /// The bucket's account, if the submission names it.
    pub account: Option<String>,
    pub scope: Scope,
    /// The documents as issued, by name.
    pub documents: serde_json::Map<String, Value>,
}

impl Applied {
    pub fn submission(&self) -> Value {
        json!({
            "mode": self.mode,
            "bucket_arn": format!("arn:aws:s3:::{}", self.bucket),
            "bucket_region": REGION,
            "key_arn": self.key,
            "role_arn": self.role,
            "bucket_account_id": self.account,
            "prefix": self.scope.prefix,
            "access": self.scope.access,
        })
    }

    /// A copy of an issued document.
    pub fn document(&self, name: &str) -> Value {
        self.documents[name].clone()
    }

    /// Applies one document to what it belongs to.
    pub async fn apply(&self, customer: &Account, name: &str, body: &Value) {
        match name {
            "trust-policy" => customer.put_trust(&self.role_name, body).await,
            "role-permissions" => customer.put_permissions(&self.role_name, body).await,
            "key-policy" => match body.as_array() {
                Some(statements) => {
                    for statement in statements {
                        customer.add_to_key(&self.key, statement).await;
                    }
                }
                None => customer.add_to_key(&self.key, body).await,
            },
            "bucket-policy" => customer.put_bucket_policy(&self.bucket, body).await,
            "bucket-encryption" => put_encryption(customer, &self.bucket, body).await,
            other => panic!("there is no document named {other}"),
        }
    }

    /// Applies a fix as its sentence says: adds the statement to the current document, replacing one with the same
    /// Sid.
    pub async fn apply_fix(&self, customer: &Account, fix: &Value) {
        let name = fix["document"].as_str().expect("a fix names its document");
        let statement = &fix["statement"];
        match name {
            "bucket-versioning" => customer.suspend_versions(&self.bucket).await,
            "key-policy" | "bucket-encryption" => self.apply(customer, name, statement).await,
            _ => {
                let mut policy = self.current(customer, name).await;
                let statements = policy["Statement"].as_array_mut().expect("a policy has statements");
                let wanted = statement.as_array().cloned().unwrap_or_else(|| vec![statement.clone()]);
                for statement in wanted {
                    statements.retain(|other| other["Sid"] != statement["Sid"]);
                    statements.push(statement);
                }
                self.apply(customer, name, &policy).await;
            }
        }
    }

    /// Reads a document back from AWS.
    async fn current(&self, customer: &Account, name: &str) -> Value {
        let decoded = |text: String| percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
        let text = match name {
            "trust-policy" => {
                let role = customer
                    .iam
                    .get_role()
                    .role_name(&self.role_name)
                    .send()
                    .await
                    .expect("the role is there")
                    .role;
                role.and_then(|role| role.assume_role_policy_document).map(decoded)
            }
            "role-permissions" => {
                let policy = customer
                    .iam
                    .get_role_policy()
                    .role_name(&self.role_name)
                    .policy_name("latchkey")
                    .send()
                    .await;
                policy.ok().map(|policy| decoded(policy.policy_document))
            }
            _ => customer
                .s3
                .get_bucket_policy()
                .bucket(&self.bucket)
                .send()
                .await
                .ok()
                .and_then(|policy| policy.policy),
        };
        text.map_or_else(
            || json!({"Version": "2012-10-17", "Statement": []}),
            |text| serde_json::from_str(&text).expect("a policy is JSON"),
        )
    }
}

async fn put_encryption(customer: &Account, bucket: &str, body: &Value) {
    let rule = &body["Rules"][0];
    let by_default = &rule["ApplyServerSideEncryptionByDefault"];
    let default = s3::types::ServerSideEncryptionByDefault::builder()
        .sse_algorithm(by_default["SSEAlgorithm"].as_str().expect("an algorithm is given").into())
        .set_kms_master_key_id(by_default["KMSMasterKeyID"].as_str().map(str::to_owned))
        .build()
        .expect("the default is whole");
    let rule = s3::types::ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .set_bucket_key_enabled(rule["BucketKeyEnabled"].as_bool())
        .build();
    let configuration = s3::types::ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()
        .expect("the configuration is whole");
    customer
        .s3
        .put_bucket_encryption()
        .bucket(bucket)
        .server_side_encryption_configuration(configuration)
        .send()
        .await
        .expect("default encryption is set");
}

/// Creates bucket and key, gets the documents for them, and applies each as it was issued, in the order given.
pub async fn apply_templates(world: &World, server: &TestServer, slug: &str, mode: &'static str) -> Applied {
    apply_scope(world, server, slug, mode, WHOLE).await
}

/// The same for a key that the customer already has.
pub async fn apply_templates_for(world: &World, server: &TestServer, slug: &str, mode: &'static str, key: String) -> Applied {
    let bucket = world.customer.create_bucket().await;
    apply_to(world, server, slug, mode, WHOLE, bucket, key).await
}

/// The same for what is granted.
pub async fn apply_scope(world: &World, server: &TestServer, slug: &str, mode: &'static str, scope: Scope) -> Applied {
    let customer = &world.customer;
    let (bucket, key) = (customer.create_bucket().await, customer.create_key().await);
    apply_to(world, server, slug, mode, scope, bucket, key).await
}

/// The same for an existing bucket and key. Its bucket policy is extended.
pub async fn apply_to(
    world: &World,
    server: &TestServer,
    slug: &str,
    mode: &'static str,
    scope: Scope,
    bucket: String,
    key: String,
) -> Applied {
    let customer = &world.customer;
    let role_name = format!("latchkey-{}", unique());
    let query = format!(
        "mode={mode}&bucket={bucket}&key_arn={key}&role_name={role_name}&account_id={}&access={}&prefix={}",
        customer.id,
        scope.access,
        scope.prefix.unwrap_or_default()
    );
    let issued = server.get(&format!("/v1/tenants/{slug}/templates?{query}")).await.expect(200);
    let mut applied = Applied {
        mode,
        bucket,
        key,
        role: None,
        role_name,
        account: None,
        scope,
        documents: serde_json::Map::new(),
    };
    let documents = issued["documents"].as_array().expect("documents are a list");
    for document in documents {
        let name = document["document"].as_str().expect("a document has a name");
        applied.documents.insert(name.to_owned(), document["body"].clone());
        if name == "trust-policy" {
            let nothing = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:GetBucketAcl", "Resource": "*"}]});
            applied.role = Some(customer.put_role(&applied.role_name, &document["body"], &nothing).await);
        } else if name == "bucket-policy" {
            let mut policy = applied.current(customer, name).await;
            let statements = policy["Statement"].as_array_mut().expect("a policy has statements");
            let ours = document["body"]["Statement"].as_array().expect("a policy has statements");
            statements.extend(ours.iter().cloned());
            applied.apply(customer, name, &policy).await;
        } else {
            applied.apply(customer, name, &document["body"]).await;
        }
    }
    applied
}
