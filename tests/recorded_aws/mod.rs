//! AWS with recorded responses: for each call, the status, headers and body that AWS documents. It simulates one tenant that has
//! applied its documents unchanged, and denies unauthorized callers. Scripts replace single responses. It has no network and evaluates
//! no policies: it is for responses that the stand-in cannot give.

#![allow(dead_code, reason = "tests and benchmark each use their part of it")]
#![allow(unreachable_pub, reason = "a module of test and benchmark binaries")]

pub mod served;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use latchkey::domain::account::AccountId;
use latchkey::domain::arn::{BucketArn, KeyArn, RoleArn};
use latchkey::domain::external_id::ExternalId;
use latchkey::domain::region::Region;
use latchkey::domain::storage_config::{Access, Mode, Storage};
use latchkey::verifier::{PutLease, VerificationSubject};
use serde_json::{Value, json};

pub const REGION: &str = "eu-central-1";
pub const VENDOR_ROLE: &str = "arn:aws:iam::111111111111:role/vendor";
pub const OTHER_ROLE: &str = "arn:aws:iam::111111111111:role/direct";
pub const CLIENT_ROLE: &str = "arn:aws:iam::222222222222:role/documents";
pub const BUCKET: &str = "acme-documents";
pub const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";
pub const EXTERNAL_ID: &str = "lk-0123456789abcdef0123456789abcdef01234567";

/// The simulated tenant.
pub fn subject(mode: Mode) -> VerificationSubject {
    VerificationSubject {
        verification: uuid::Uuid::nil().into(),
        tenant: uuid::Uuid::nil().into(),
        storage: Storage {
            access: match mode {
                Mode::Direct => Access::Direct,
                Mode::AssumeRole => Access::AssumeRole {
                    role: RoleArn::parse(CLIENT_ROLE).expect("it is well formed"),
                },
            },
            bucket: BucketArn::parse(&format!("arn:aws:s3:::{BUCKET}")).expect("it is well formed"),
            region: Region::parse(REGION).expect("it is well formed"),
            key: KeyArn::parse(KEY).expect("it is well formed"),
            bucket_account: AccountId::parse("222222222222").expect("it is well formed"),
            prefix: None,
            level: latchkey::domain::access_level::AccessLevel::ReadWrite,
            sample_object: None,
        },
        vendor_role: RoleArn::parse(VENDOR_ROLE).expect("it is well formed"),
        other_role: (mode == Mode::AssumeRole).then(|| RoleArn::parse(OTHER_ROLE).expect("it is well formed")),
        external_id: ExternalId::parse(EXTERNAL_ID).expect("it is well formed"),
        accepted_ids: vec![ExternalId::parse(EXTERNAL_ID).expect("it is well formed")],
        retired_id: None,
        probe_key: "latchkey-probe/this".into(),
        put_until: chrono::DateTime::UNIX_EPOCH,
        leftovers: Vec::new(),
        known_versions: None,
    }
}

/// A lease that does not end.
pub struct Endless;

#[async_trait::async_trait]
impl PutLease for Endless {
    async fn remaining(&self) -> Option<Duration> {
        Some(Duration::from_hours(1))
    }
}

/// Whose session makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The process, or the vendor's role that assumes others.
    Vendor,
    /// What production uses.
    Tenant,
    /// The vendor's role without the tenant's tag.
    Unauthorized,
}

/// A call, as read from its request.
#[derive(Debug)]
pub struct Call {
    /// For example `s3:PutObject`.
    pub operation: String,
    pub who: Who,
    /// The headers of the PUT request encryption.
    pub with_header: bool,
    /// Made by the vendor's customer-facing role in `assume_role`.
    pub by_other_role: bool,
    /// It agrees to pay for the request.
    pub pays: bool,
    body: Vec<u8>,
    path: String,
}

impl Call {
    /// It assumes this role.
    pub fn assumes(&self, role: &str) -> bool {
        let encoded = role.replace(':', "%3A").replace('/', "%2F");
        String::from_utf8_lossy(&self.body).contains(&format!("RoleArn={encoded}"))
    }

    /// It assumes a role with session tags.
    pub fn is_tagged(&self) -> bool {
        String::from_utf8_lossy(&self.body).contains("Tags.member.1.")
    }
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    bytes: Option<Vec<u8>>,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("x-amz-request-id", "RECORDED".into()), ("x-amz-bucket-region", REGION.into())],
            body: body.into(),
            bytes: None,
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    pub fn with_body(mut self, body: &str) -> Self {
        self.bytes = None;
        body.clone_into(&mut self.body);
        self
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.unwrap_or_else(|| self.body.into_bytes())
    }
}

/// Replaces the response of a correct configuration.
pub type Script = Box<dyn Fn(&Call) -> Option<Reply> + Send + Sync>;

pub struct RecordedAws {
    script: Script,
    objects: Mutex<HashMap<String, Vec<u8>>>,
}

impl RecordedAws {
    pub fn right() -> Self {
        Self::but(|_| None)
    }

    pub fn but(script: impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self {
            script: Box::new(script),
            objects: Mutex::default(),
        }
    }

    /// Keys of the objects in the bucket.
    pub fn objects(&self) -> Vec<String> {
        self.objects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }

    /// Reads a request of the AWS SDKs.
    pub fn read(method: &str, path_and_query: &str, header: impl Fn(&str) -> Option<String>, body: Vec<u8>) -> Call {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let text = String::from_utf8_lossy(&body).into_owned();
        let credential = header("authorization").unwrap_or_default();
        let by_other_role = credential.contains("Credential=ASIAOTHERROLE/");
        let who = if credential.contains("Credential=ASIATENANT/") {
            Who::Tenant
        } else if by_other_role || credential.contains("Credential=ASIASTRANGER/") || credential.contains("Credential=ASIALIMITED/") {
            Who::Unauthorized
        } else {
            Who::Vendor
        };
        let operation = if let Some(target) = header("x-amz-target") {
            format!("kms:{}", target.rsplit('.').next().unwrap_or_default())
        } else if let Some(action) = text.strip_prefix("Action=").filter(|_| method == "POST") {
            let action = action.split('&').next().unwrap_or_default();
            let service = if action == "SimulatePrincipalPolicy" { "iam" } else { "sts" };
            format!("{service}:{action}")
        } else {
            let asks = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
            let of_bucket = path.trim_matches('/').split('/').count() == 1;
            let name = match (method, of_bucket) {
                ("HEAD", true) => "HeadBucket",
                ("GET", true) if asks("publicAccessBlock") => "GetBucketPublicAccessBlock",
                ("GET", true) if asks("ownershipControls") => "GetBucketOwnershipControls",
                ("GET", true) if asks("logging") => "GetBucketLogging",
                ("GET", true) => "ListObjectsV2",
                ("GET", false) if asks("uploadId") => "ListParts",
                ("GET", false) => "GetObject",
                ("PUT", false) => "PutObject",
                ("POST", false) if asks("uploads") => "CreateMultipartUpload",
                ("POST", false) => "RestoreObject",
                ("DELETE", false) if asks("uploadId") => "AbortMultipartUpload",
                ("DELETE", false) => "DeleteObject",
                _ => "Unknown",
            };
            format!("s3:{name}")
        };
        Call {
            operation,
            who,
            with_header: header("x-amz-server-side-encryption").is_some(),
            by_other_role,
            pays: header("x-amz-request-payer").is_some(),
            body,
            path: path.to_owned(),
        }
    }

    pub fn answer(&self, call: &Call) -> Reply {
        if let Some(reply) = (self.script)(call) {
            if reply.status == 200 && call.operation == "s3:PutObject" {
                self.s3(call);
            }
            return reply;
        }
        match call.operation.split_once(':') {
            Some(("sts", "GetCallerIdentity")) => Reply::new(
                200,
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:role/process</Arn>\
                 </GetCallerIdentityResult></GetCallerIdentityResponse>",
            ),
            Some(("sts", _)) => assume(call),
            Some(("iam", _)) => simulated("allowed"),
            _ if call.who != Who::Tenant && call.operation.starts_with("kms:") => refused_by_kms(&call.operation, UNREACHABLE),
            _ if call.who != Who::Tenant => refused_by_s3("Access Denied"),
            Some(("kms", operation)) => kms(operation, call),
            _ => self.s3(call),
        }
    }

    fn s3(&self, call: &Call) -> Reply {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        match call.operation.as_str() {
            "s3:HeadBucket" => Reply::new(200, ""),
            "s3:ListObjectsV2" => Reply::new(
                200,
                format!("<ListBucketResult><Name>{BUCKET}</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"),
            ),
            "s3:PutObject" => {
                objects.insert(call.path.clone(), call.body.clone());
                stored_with(KEY)
            }
            "s3:GetObject" => match objects.get(&call.path) {
                Some(body) => Reply {
                    bytes: Some(body.clone()),
                    ..Reply::new(200, "")
                },
                None => s3_error(404, "NoSuchKey", "The specified key does not exist."),
            },
            "s3:RestoreObject" => s3_error(
                403,
                "InvalidObjectState",
                "Restore is not allowed for the object's current storage class.",
            ),
            "s3:CreateMultipartUpload" => Reply::new(
                200,
                format!(
                    "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>this</Key><UploadId>upload</UploadId>\
                     </InitiateMultipartUploadResult>"
                ),
            ),
            "s3:ListParts" => Reply::new(
                200,
                format!("<ListPartsResult><Bucket>{BUCKET}</Bucket><Key>this</Key><UploadId>upload</UploadId></ListPartsResult>"),
            ),
            "s3:AbortMultipartUpload" => Reply::new(204, ""),
            "s3:DeleteObject" => {
                objects.remove(&call.path);
                Reply::new(204, "")
            }
            "s3:GetBucketPublicAccessBlock" => Reply::new(
                200,
                "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
                 <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>\
                 </PublicAccessBlockConfiguration>",
            ),
            "s3:GetBucketOwnershipControls" => Reply::new(
                200,
                "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
            ),
            "s3:GetBucketLogging" => Reply::new(
                200,
                "<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix/></LoggingEnabled></BucketLoggingStatus>",
            ),
            other => panic!("nothing was recorded for {other}"),
        }
    }
}

/// KMS's message for a denial across accounts.
pub const UNREACHABLE: &str = "because the resource does not exist in this Region, no resource-based policies allow access, or a \
                               resource-based policy explicitly denies access";

/// IAM's decision about `sts:AssumeRole`.
pub fn simulated(decision: &str) -> Reply {
    Reply::new(
        200,
        format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult>\
             <EvaluationResults><member><EvalActionName>sts:AssumeRole</EvalActionName><EvalDecision>{decision}</EvalDecision></member>\
             </EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        ),
    )
}

pub fn stored_with(key: &str) -> Reply {
    Reply::new(200, "")
        .with("x-amz-server-side-encryption", "aws:kms")
        .with("x-amz-server-side-encryption-aws-kms-key-id", key)
}

pub fn s3_error(status: u16, code: &str, message: &str) -> Reply {
    Reply::new(
        status,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <RequestId>RECORDED</RequestId><HostId>host</HostId></Error>"
        ),
    )
}

pub fn refused_by_s3(message: &str) -> Reply {
    s3_error(403, "AccessDenied", message)
}

pub fn kms_error(code: &str, message: &str) -> Reply {
    let status = match code {
        "DryRunOperationException" => 412,
        "KMSInternalException" | "DependencyTimeoutException" | "KeyUnavailableException" => 500,
        _ => 400,
    };
    Reply::new(status, json!({"__type": code, "message": message}).to_string())
}

pub fn refused_by_kms(operation: &str, reason: &str) -> Reply {
    kms_error(
        "AccessDeniedException",
        &format!(
            "User: arn:aws:sts::222222222222:assumed-role/documents/latchkey is not authorized to perform: {operation} on resource: {KEY} {reason}"
        ),
    )
}

pub fn refused_by_sts(message: &str) -> Reply {
    sts_error(403, "AccessDenied", message)
}

pub fn sts_error(status: u16, code: &str, message: &str) -> Reply {
    Reply::new(
        status,
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>RECORDED</RequestId></ErrorResponse>"
        ),
    )
}

fn assume(call: &Call) -> Reply {
    let body = String::from_utf8_lossy(&call.body);
    let role_is = |arn: &str| call.assumes(arn);
    let tagged = call.is_tagged();
    let named = body.contains(EXTERNAL_ID);
    // The session of the run itself has a session policy too, which only limits how long it may write.
    let limited = body.contains("Policy=") && !body.contains("CurrentTime");
    if call.by_other_role {
        return refused_by_sts(&format!(
            "User: {OTHER_ROLE} is not authorized to perform: sts:AssumeRole on resource: {CLIENT_ROLE}"
        ));
    }
    let id = match (role_is(VENDOR_ROLE) || role_is(OTHER_ROLE), tagged, named) {
        _ if limited => "ASIALIMITED",
        (true, true, true) | (false, _, true) => "ASIATENANT",
        (true, _, _) if role_is(OTHER_ROLE) => "ASIAOTHERROLE",
        (true, _, _) => "ASIASTRANGER",
        (false, _, false) => {
            return refused_by_sts(&format!(
                "User: {VENDOR_ROLE} is not authorized to perform: sts:AssumeRole on resource: {CLIENT_ROLE}"
            ));
        }
    };
    Reply::new(
        200,
        format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
             <AccessKeyId>{id}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
             <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}

fn kms(operation: &str, call: &Call) -> Reply {
    let asked: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let reply = |body: Value| Reply::new(200, body.to_string());
    match operation {
        "DescribeKey" => reply(described("Enabled")),
        _ if asked["DryRun"] == true => kms_error(
            "DryRunOperationException",
            "The request would have succeeded, but the DryRun option is set.",
        ),
        "Encrypt" => reply(json!({"CiphertextBlob": asked["Plaintext"], "KeyId": KEY})),
        "Decrypt" => reply(json!({"Plaintext": asked["CiphertextBlob"], "KeyId": KEY})),
        other => panic!("nothing was recorded for kms:{other} without DryRun"),
    }
}

pub fn described(state: &str) -> Value {
    json!({"KeyMetadata": {"KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "Arn": KEY, "KeyManager": "CUSTOMER", "KeyState": state,
           "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Enabled": state == "Enabled"}})
}
