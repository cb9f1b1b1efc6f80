//! Actions that the vendor asks customers for, beyond those that Latchkey needs itself.
//!
//! Most are proven like Latchkey's own: by a call that changes nothing of the customer's. The others are only granted, and the finding
//! says that they are not tested.

use std::fmt;

use strum::{EnumIter, IntoEnumIterator, IntoStaticStr};

use super::access_level::AccessLevel;
use super::templates::statements::{self, Permission};

/// One action that the vendor may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraAction {
    Provable(ExtraCall),
    /// Every call that would prove it changes the customer's bucket, or depends on what is in it.
    Unprovable(Unprovable),
}

/// A call that proves that an action is allowed, and changes nothing of the customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExtraCall {
    Object(ObjectExtra),
    Bucket(BucketExtra),
    Key(KeyExtra),
}

/// A call on the probe object, or on the sample object where the vendor only reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr)]
pub enum ObjectExtra {
    #[strum(serialize = "s3:GetObjectTagging")]
    GetTagging,
    #[strum(serialize = "s3:PutObjectTagging")]
    PutTagging,
    #[strum(serialize = "s3:DeleteObjectTagging")]
    DeleteTagging,
    #[strum(serialize = "s3:GetObjectAttributes")]
    GetAttributes,
    #[strum(serialize = "s3:GetObjectAcl")]
    GetAcl,
}

/// A call on the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr)]
pub enum BucketExtra {
    #[strum(serialize = "s3:ListBucketVersions")]
    ListVersions,
    #[strum(serialize = "s3:ListBucketMultipartUploads")]
    ListMultipartUploads,
    #[strum(serialize = "s3:GetBucketLocation")]
    GetLocation,
    #[strum(serialize = "s3:GetBucketVersioning")]
    GetVersioning,
    #[strum(serialize = "s3:GetEncryptionConfiguration")]
    GetEncryption,
    #[strum(serialize = "s3:GetBucketTagging")]
    GetTagging,
    #[strum(serialize = "s3:GetLifecycleConfiguration")]
    GetLifecycle,
    #[strum(serialize = "s3:GetBucketNotification")]
    GetNotification,
    #[strum(serialize = "s3:GetBucketCORS")]
    GetCors,
    #[strum(serialize = "s3:GetReplicationConfiguration")]
    GetReplication,
    #[strum(serialize = "s3:GetBucketObjectLockConfiguration")]
    GetObjectLock,
    #[strum(serialize = "s3:GetBucketAcl")]
    GetAcl,
    #[strum(serialize = "s3:GetBucketRequestPayment")]
    GetRequestPayment,
}

/// A call on the key, of those that KMS allows across accounts.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr)]
pub enum KeyExtra {
    #[strum(serialize = "kms:GetKeyRotationStatus")]
    GetRotationStatus,
    #[strum(serialize = "kms:ListGrants")]
    ListGrants,
}

/// An action that no call proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unprovable {
    name: &'static str,
    permission: Permission,
    level: AccessLevel,
}

/// The resource of each is that of the Service Authorization Reference.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>
const UNPROVABLE: [Unprovable; 17] = [
    of_objects("s3:GetObjectVersion", AccessLevel::Read),
    of_objects("s3:GetObjectVersionAttributes", AccessLevel::Read),
    of_objects("s3:GetObjectVersionTagging", AccessLevel::Read),
    of_objects("s3:GetObjectRetention", AccessLevel::Read),
    of_objects("s3:GetObjectLegalHold", AccessLevel::Read),
    of_objects("s3:DeleteObjectVersion", AccessLevel::ReadWrite),
    of_objects("s3:PutObjectVersionTagging", AccessLevel::ReadWrite),
    of_objects("s3:DeleteObjectVersionTagging", AccessLevel::ReadWrite),
    of_objects("s3:PutObjectRetention", AccessLevel::ReadWrite),
    of_objects("s3:PutObjectLegalHold", AccessLevel::ReadWrite),
    of_bucket("s3:GetInventoryConfiguration", AccessLevel::Read),
    of_bucket("s3:GetMetricsConfiguration", AccessLevel::Read),
    of_bucket("s3:GetAnalyticsConfiguration", AccessLevel::Read),
    of_bucket("s3:GetIntelligentTieringConfiguration", AccessLevel::Read),
    of_bucket("s3:PutBucketNotification", AccessLevel::ReadWrite),
    of_bucket("s3:PutBucketTagging", AccessLevel::ReadWrite),
    of_bucket("s3:PutBucketCORS", AccessLevel::ReadWrite),
];

const fn of_objects(name: &'static str, level: AccessLevel) -> Unprovable {
    Unprovable {
        name,
        permission: Permission::Objects,
        level,
    }
}

const fn of_bucket(name: &'static str, level: AccessLevel) -> Unprovable {
    Unprovable {
        name,
        permission: Permission::Bucket,
        level,
    }
}

/// Actions with which the vendor could change who has access, or destroy or export more than its own documents.
const POWERFUL: [&str; 23] = [
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutAccessPointPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutAnalyticsConfiguration",
    "s3:PutEncryptionConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutObjectAcl",
    "s3:PutObjectVersionAcl",
    "s3:PutReplicationConfiguration",
    "s3:ReplicateObject",
    "kms:CreateGrant",
    "kms:DisableKey",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
];

impl ExtraCall {
    fn all() -> impl Iterator<Item = Self> {
        let of_object = ObjectExtra::iter().map(Self::Object);
        let of_bucket = BucketExtra::iter().map(Self::Bucket);
        of_object.chain(of_bucket).chain(KeyExtra::iter().map(Self::Key))
    }

    /// The IAM action.
    pub fn action(self) -> &'static str {
        match self {
            Self::Object(call) => call.into(),
            Self::Bucket(call) => call.into(),
            Self::Key(call) => call.into(),
        }
    }

    /// The statement that allows it.
    pub fn permission(self) -> Permission {
        match self {
            Self::Object(_) => Permission::Objects,
            // The only one that a condition can limit to a prefix.
            Self::Bucket(BucketExtra::ListVersions) => Permission::List,
            Self::Bucket(_) => Permission::Bucket,
            Self::Key(_) => Permission::Key,
        }
    }

    fn level(self) -> AccessLevel {
        match self {
            Self::Object(ObjectExtra::PutTagging | ObjectExtra::DeleteTagging) => AccessLevel::ReadWrite,
            _ => AccessLevel::Read,
        }
    }
}

impl ExtraAction {
    /// Every action that the vendor may ask for.
    pub fn all() -> impl Iterator<Item = Self> {
        let provable = ExtraCall::all().map(Self::Provable);
        provable.chain(UNPROVABLE.into_iter().map(Self::Unprovable))
    }

    /// # Errors
    /// When Latchkey cannot ask for this action, with the reason.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is = |name: &str| name.eq_ignore_ascii_case(text);
        if let Some(action) = Self::all().find(|action| is(action.name())) {
            return Ok(action);
        }
        if text.contains(['*', '?']) {
            return Err(format!("{text:?} has a wildcard; name each action"));
        }
        let own = [AccessLevel::ReadWrite, AccessLevel::Read];
        let mut own = own
            .into_iter()
            .flat_map(|level| [statements::object_actions(level), statements::key_actions(level)].concat())
            .chain(statements::LIST_ACTIONS);
        let covers = |own: &str| {
            let start = own
                .strip_suffix('*')
                .and_then(|start| text.get(..start.len()).map(|text| (start, text)));
            is(own) || start.is_some_and(|(start, text)| start.eq_ignore_ascii_case(text))
        };
        if own.any(covers) {
            return Err(format!("{text} is part of the documents anyway"));
        }
        if statements::posture_actions(true).iter().any(|of_posture| is(of_posture)) {
            return Err(format!("set LATCHKEY_POSTURE=true for {text}"));
        }
        if POWERFUL.iter().any(|powerful| is(powerful)) {
            return Err(format!(
                "with {text}, you could change who has access to a customer's bucket, key or documents, or destroy or export them; Latchkey does not ask \
                 for it"
            ));
        }
        let distance = |name: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &text.to_lowercase());
        let nearest = Self::all().map(Self::name).min_by_key(|name| distance(name));
        Err(match nearest.filter(|name| distance(name) <= 3) {
            Some(nearest) => format!("{text:?} is not an action that Latchkey can ask for; did you mean {nearest}?"),
            None => format!("{text:?} is not an action that Latchkey can ask for"),
        })
    }

    /// The IAM action, such as `s3:GetObjectTagging`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provable(call) => call.action(),
            Self::Unprovable(action) => action.name,
        }
    }

    /// The statement that allows it.
    pub fn permission(self) -> Permission {
        match self {
            Self::Provable(call) => call.permission(),
            Self::Unprovable(action) => action.permission,
        }
    }

    fn is_of(self, level: AccessLevel) -> bool {
        let least = match self {
            Self::Provable(call) => call.level(),
            Self::Unprovable(action) => action.level,
        };
        level.includes(least)
    }
}

impl fmt::Display for ExtraAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a vendor asks for, each action once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtraActions(Vec<ExtraAction>);

impl ExtraActions {
    /// More would not fit into a session policy. <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
    pub const MOST: usize = 12;

    pub fn new(actions: &[ExtraAction]) -> Self {
        // In the same order whatever the setting's order is, so that the documents stay the same.
        Self(ExtraAction::all().filter(|action| actions.contains(action)).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the actions in a statement, for a customer who grants this access.
    pub fn of_statement(&self, permission: Permission, level: AccessLevel) -> impl Iterator<Item = &'static str> {
        let of_level = self.0.iter().filter(move |action| action.is_of(level));
        of_level
            .filter(move |action| action.permission() == permission)
            .map(|action| action.name())
    }

    /// The calls that prove them.
    pub fn calls(&self, level: AccessLevel) -> impl Iterator<Item = ExtraCall> {
        self.0
            .iter()
            .filter(move |action| action.is_of(level))
            .filter_map(|action| match action {
                ExtraAction::Provable(call) => Some(*call),
                ExtraAction::Unprovable(_) => None,
            })
    }

    /// The names of those that are not tested.
    pub fn untested(&self, level: AccessLevel) -> Vec<&'static str> {
        let of_level = self.0.iter().filter(|action| action.is_of(level));
        of_level
            .filter(|action| matches!(action, ExtraAction::Unprovable(_)))
            .map(|action| action.name())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_action_is_named_once_and_parses() {
        let mut names: Vec<&str> = ExtraAction::all().map(ExtraAction::name).collect();
        for action in ExtraAction::all() {
            assert_eq!(ExtraAction::parse(action.name()), Ok(action));
            assert_eq!(ExtraAction::parse(&action.name().to_uppercase()), Ok(action));
        }
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_documentation_names_each_action_and_whether_it_is_proven() {
        let page = include_str!("../../docs/operators/aws-setup.md");
        let (proven, rest) = page.split_once("| On | Actions that are not tested |").unwrap();
        for action in ExtraAction::all() {
            let is_proven = matches!(action, ExtraAction::Provable(_));
            let name = format!("`{action}`");
            assert_eq!(proven.contains(&name), is_proven, "{action}");
            assert!(is_proven || rest.contains(&name), "{action}");
        }
    }

    #[rstest]
    #[case("s3:*", "wildcard")]
    #[case("s3:GetObject", "part of the documents anyway")]
    #[case("kms:decrypt", "part of the documents anyway")]
    #[case("kms:GenerateDataKeyPair", "part of the documents anyway")]
    #[case("s3:GetBucketLogging", "LATCHKEY_POSTURE")]
    #[case("s3:PutBucketPolicy", "change who has access")]
    #[case("kms:CreateGrant", "change who has access")]
    #[case("s3:GetObjectTaging", "did you mean s3:GetObjectTagging?")]
    #[case("ec2:RunInstances", "not an action that Latchkey can ask for")]
    #[case("", "not an action that Latchkey can ask for")]
    fn an_action_that_cannot_be_asked_for_is_told_why(#[case] text: &str, #[case] reason: &str) {
        let told = ExtraAction::parse(text).unwrap_err();
        assert!(told.contains(reason), "{told}");
    }

    #[test]
    fn who_only_reads_is_asked_for_no_action_that_writes() {
        let all = ExtraActions::new(&ExtraAction::all().collect::<Vec<_>>());
        for permission in [Permission::Objects, Permission::List, Permission::Bucket, Permission::Key] {
            for name in all.of_statement(permission, AccessLevel::Read) {
                assert!(name.contains(":Get") || name.contains(":List"), "{name}");
            }
        }
        assert!(all.calls(AccessLevel::ReadWrite).count() > all.calls(AccessLevel::Read).count());
    }
}
