//! A submission: the customer's input. All invalid fields are reported together, and nothing is corrected except surrounding
//! white space.
//!
//! ```
//! use latchkey::domain::arn::RoleArn;
//! use latchkey::domain::storage_config::Mode;
//! use latchkey::domain::submission::Submission;
//! use latchkey::domain::vendor::Vendor;
//!
//! let vendor = Vendor {
//!     storage_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/storage").unwrap()),
//!     ..Vendor::unnamed()
//! };
//! let mut submission = Submission {
//!     mode: Some("assume_role".into()),
//!     bucket_arn: Some("arn:aws:s3:::my-bucket".into()),
//!     bucket_region: Some("eu-central-1".into()),
//!     key_arn: Some("arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab".into()),
//!     role_arn: Some("arn:aws:iam::222222222222:role/documents".into()),
//!     ..Submission::default()
//! };
//! let storage = submission.validate(&vendor, &[Mode::AssumeRole], None).unwrap();
//! assert_eq!(storage.bucket_account.as_str(), "222222222222");
//!
//! submission.bucket_arn = Some("my-bucket".into());
//! submission.bucket_region = Some("eu-west-1".into());
//! let errors = submission.validate(&vendor, &[Mode::AssumeRole], None).unwrap_err();
//! let codes: Vec<&str> = errors.iter().map(|error| error.code.as_str()).collect();
//! assert_eq!(codes, ["not_an_arn", "key_in_other_region"]);
//! assert_eq!(errors[0].suggestion.as_deref(), Some("arn:aws:s3:::my-bucket"));
//! ```

use std::collections::BTreeMap;

use super::access_level::AccessLevel;
use super::account::AccountId;
use super::arn::{BucketArn, KeyArn, RoleArn, RoleName};
use super::external_id::ExternalId;
use super::key_prefix::StoragePrefix;
use super::partition::Partition;
use super::region::Region;
use super::storage_config::{Access, Mode, Storage};
use super::suggestions::{self, ArnField, FormContext};
use super::text::{FieldError, Malformed};
use super::vendor::Vendor;

/// The fields as they were submitted.
#[derive(Debug, Clone, Default)]
pub struct Submission {
    pub mode: Option<String>,
    pub bucket_arn: Option<String>,
    pub bucket_region: Option<String>,
    pub key_arn: Option<String>,
    pub key_region: Option<String>,
    pub role_arn: Option<String>,
    pub external_id: Option<String>,
    pub bucket_account_id: Option<String>,
    pub prefix: Option<String>,
    pub access: Option<String>,
    pub sample_object: Option<String>,
    /// Errors from parsing the request: unknown fields, and fields that are not strings.
    pub unreadable: Vec<FieldError>,
}

impl Submission {
    /// The values of a valid submission that were not submitted, each with the field that it follows from.
    pub fn derived(&self, storage: &Storage) -> BTreeMap<&'static str, &'static str> {
        let source = match storage.access {
            Access::AssumeRole { .. } => "role_arn",
            Access::Direct => "key_arn",
        };
        let account = present(self.bucket_account_id.as_deref()).is_none();
        account.then_some(("bucket_account_id", source)).into_iter().collect()
    }

    /// The names of the submitted fields.
    pub(crate) fn submitted(&self) -> Vec<&'static str> {
        let fields = [
            ("mode", &self.mode),
            ("bucket_arn", &self.bucket_arn),
            ("bucket_region", &self.bucket_region),
            ("key_arn", &self.key_arn),
            ("key_region", &self.key_region),
            ("role_arn", &self.role_arn),
            ("bucket_account_id", &self.bucket_account_id),
            ("external_id", &self.external_id),
            ("prefix", &self.prefix),
            ("access", &self.access),
            ("sample_object", &self.sample_object),
        ];
        let submitted = fields.into_iter().filter(|(_, text)| present(text.as_deref()).is_some());
        submitted.map(|(name, _)| name).collect()
    }

    /// Validates the submission of a tenant that may use `modes` and was issued `external_ids` (None if the tenant is not known).
    ///
    /// # Errors
    /// Every invalid field, each with its fix, and a suggestion if the mistake was recognized.
    pub fn validate(&self, vendor: &Vendor, modes: &[Mode], external_ids: Option<&[ExternalId]>) -> Result<Storage, Vec<FieldError>> {
        let mut faults = Faults(self.unreadable.clone());

        let known = Known::of(self, vendor);
        let around = known.around(vendor);
        let mode = faults.field("mode", self.mode.as_deref(), |text| parse_mode(text, vendor, modes));
        let bucket = faults.field("bucket_arn", self.bucket_arn.as_deref(), |text| {
            BucketArn::parse(text).map_err(|malformed| {
                let explained = suggestions::explain(ArnField::Bucket, text, malformed, around);
                match suggestions::prefix_in(text).filter(|_| present(self.prefix.as_deref()).is_none()) {
                    Some(prefix) => explained.also(&format!("the prefix {prefix} has a field of its own")),
                    None => explained,
                }
            })
        });
        let region = faults.field("bucket_region", self.bucket_region.as_deref(), |text| vendor.regions.parse(text));
        let key = faults.field("key_arn", self.key_arn.as_deref(), |text| {
            KeyArn::parse(text).map_err(|malformed| suggestions::explain(ArnField::Key, text, malformed, around))
        });
        let key_region = faults.optional("key_region", self.key_region.as_deref(), |text| vendor.regions.parse(text));
        let account = faults.optional("bucket_account_id", self.bucket_account_id.as_deref(), |text| {
            AccountId::parse(text).map_err(|malformed| without_vendors_account(malformed, vendor))
        });
        let role = faults.optional("role_arn", self.role_arn.as_deref(), |text| {
            RoleArn::parse(text).map_err(|malformed| suggestions::explain(ArnField::Role, text, malformed, around))
        });
        faults.external_id(self.external_id.as_deref(), external_ids);

        let prefix = faults.optional("prefix", self.prefix.as_deref(), |text| {
            StoragePrefix::parse(text).map_err(|malformed| suggestions::explain_prefix(text, malformed))
        });
        let level = faults.optional("access", self.access.as_deref(), |text| parse_level(text, vendor));
        let level = level.unwrap_or_else(|| vendor.level());
        let sample_object = faults.optional("sample_object", self.sample_object.as_deref(), |key| {
            parse_sample(key, prefix.as_ref(), level)
        });

        let partition = vendor.partition();
        faults.same_partition("bucket_arn", "bucket", bucket.as_ref().map(BucketArn::partition), partition);
        faults.same_partition("key_arn", "key", key.as_ref().map(KeyArn::partition), partition);
        faults.same_partition("role_arn", "role", role.as_ref().map(RoleArn::partition), partition);
        faults.same_partition("bucket_region", "region", region.as_ref().map(Region::partition), partition);
        if let Some(key) = &key {
            faults.key_region(key, region.as_ref(), key_region.as_ref());
        }
        faults.own_account("bucket_account_id", "the account", account.as_ref(), vendor);
        faults.own_account("key_arn", "the key's account", key.as_ref().map(KeyArn::account), vendor);
        faults.role(mode, role.as_ref(), present(self.role_arn.as_deref()).is_some(), vendor);
        faults.suggest_missing(self, key.as_ref(), around);

        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        let (Some(mode), Some(bucket), Some(region), Some(key)) = (mode, bucket, region, key) else {
            unreachable!("a missing required field is an error");
        };
        let bucket_account = account
            .or_else(|| role.as_ref().map(|role| role.account().clone()))
            .unwrap_or_else(|| key.account().clone());
        let access = match (mode, role) {
            (Mode::AssumeRole, Some(role)) => Access::AssumeRole { role },
            _ => Access::Direct,
        };
        Ok(Storage {
            access,
            bucket,
            region,
            key,
            bucket_account,
            prefix,
            level,
            sample_object,
        })
    }
}

/// What the fields say of the customer's account and region, for suggestions in other fields.
struct Known {
    account: Option<AccountId>,
    region: Option<Region>,
}

impl Known {
    fn of(submission: &Submission, vendor: &Vendor) -> Self {
        let typed = present(submission.bucket_account_id.as_deref()).and_then(|text| AccountId::parse(text).ok());
        let role = present(submission.role_arn.as_deref()).and_then(|text| RoleArn::parse(text).ok());
        let key = present(submission.key_arn.as_deref()).and_then(|text| KeyArn::parse(text).ok());
        let accounts = [
            typed,
            role.map(|role| role.account().clone()),
            key.as_ref().map(|key| key.account().clone()),
        ];
        let regions = [&submission.bucket_region, &submission.key_region];
        Self {
            account: accounts.into_iter().flatten().find(|account| !vendor.refuses_account(account)),
            region: regions
                .into_iter()
                .find_map(|text| vendor.regions.parse(present(text.as_deref())?).ok())
                .or_else(|| key.map(|key| key.region().clone())),
        }
    }

    fn around<'a>(&'a self, vendor: &'a Vendor) -> FormContext<'a> {
        FormContext {
            vendor,
            account: self.account.as_ref(),
            region: self.region.as_ref(),
        }
    }
}

/// The vendor's account is never the customer's.
pub(crate) fn without_vendors_account(malformed: Malformed, vendor: &Vendor) -> Malformed {
    let offered = malformed.suggestion.as_deref().and_then(|text| AccountId::parse(text).ok());
    if offered.is_some_and(|account| vendor.refuses_account(&account)) {
        malformed.without_suggestion()
    } else {
        malformed
    }
}

/// The error of a key that can never be a customer's key for this vendor.
pub(crate) fn key_errors(field: &str, key: &KeyArn, vendor: &Vendor) -> Vec<FieldError> {
    let mut faults = Faults(Vec::new());
    faults.same_partition(field, "key", Some(key.partition()), vendor.partition());
    faults.own_account(field, "the key's account", Some(key.account()), vendor);
    faults.0
}

/// The error of something in another partition than the vendor's roles. Identities do not cross partitions.
pub(crate) fn partition_error(field: &str, what: &str, theirs: Partition, vendor: &Vendor) -> Option<FieldError> {
    let mut faults = Faults(Vec::new());
    faults.same_partition(field, what, Some(theirs), vendor.partition());
    faults.0.pop()
}

/// The error of an account that can never be a customer's.
pub(crate) fn account_errors(field: &str, account: &AccountId, vendor: &Vendor) -> Vec<FieldError> {
    let mut faults = Faults(Vec::new());
    faults.own_account(field, "the account", Some(account), vendor);
    faults.0
}

/// The error of a role's name that lacks the prefix that the vendor requires.
pub(crate) fn role_name_error(field: &str, name: &RoleName, vendor: &Vendor) -> Option<FieldError> {
    let prefix = vendor.client_role_prefix.as_ref()?;
    (!name.as_str().starts_with(prefix.as_str())).then(|| {
        let detail = format!("the role name must start with {prefix}; create a role with that prefix");
        FieldError::new(field, "role_name_prefix", detail)
    })
}

fn present(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn parse_mode(text: &str, vendor: &Vendor, modes: &[Mode]) -> Result<Mode, Malformed> {
    let offered: Vec<Mode> = vendor.modes().into_iter().filter(|mode| modes.contains(mode)).collect();
    let names = offered.iter().map(Mode::to_string).collect::<Vec<_>>().join(" or ");
    let mode: Mode = text.parse().map_err(|_| {
        let unknown = Malformed::new("unknown_mode", format!("unknown mode; use {names}"));
        let letters = |text: &str| {
            text.chars()
                .filter(char::is_ascii_alphabetic)
                .collect::<String>()
                .to_ascii_lowercase()
        };
        let meant = offered.iter().map(Mode::to_string).find(|mode| letters(mode) == letters(text));
        match meant {
            Some(meant) => unknown.suggest(meant),
            None => unknown,
        }
    })?;
    if !offered.contains(&mode) {
        return Err(Malformed::new(
            "mode_not_offered",
            format!("this mode is not available to you; use {names}"),
        ));
    }
    Ok(mode)
}

pub(crate) fn parse_level(text: &str, vendor: &Vendor) -> Result<AccessLevel, Malformed> {
    let level = AccessLevel::parse(text)?;
    if !vendor.levels.contains(&level) {
        let offered = vendor.levels.iter().map(AccessLevel::to_string).collect::<Vec<_>>().join(" or ");
        return Err(Malformed::new(
            "access_not_offered",
            format!("this access is not available; use {offered}, or omit this field"),
        ));
    }
    Ok(level)
}

/// S3 allows keys of up to 1,024 bytes. <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>
fn parse_sample(key: &str, prefix: Option<&StoragePrefix>, level: AccessLevel) -> Result<String, Malformed> {
    if level != AccessLevel::Read {
        return Err(Malformed::new(
            "sample_object_not_needed",
            "only storage with read access needs a sample object; omit this field",
        ));
    }
    if key.len() > 1024 || key.chars().any(char::is_control) {
        return Err(Malformed::new(
            "malformed_sample_object",
            "an object key has at most 1,024 bytes and no control characters",
        ));
    }
    if let Some(prefix) = prefix.filter(|prefix| !prefix.contains(key)) {
        return Err(Malformed::new(
            "sample_object_outside_prefix",
            format!("the object's key must start with the prefix {prefix}; enter the key of such an object"),
        ));
    }
    Ok(key.to_owned())
}

fn parse_external_id(text: &str, issued: Option<&[ExternalId]>) -> Result<(), Malformed> {
    let Some(issued) = issued else {
        return ExternalId::parse(text).map(drop);
    };
    if issued.iter().any(|id| id.as_str() == text) {
        return Ok(());
    }
    Err(Malformed::new(
        "not_the_issued_external_id",
        "the external ID is issued to you and cannot be chosen; omit this field, and use the issued one in your policies",
    ))
}

struct Faults(Vec<FieldError>);

impl Faults {
    fn add(&mut self, field: &str, code: &str, detail: impl Into<String>) {
        self.0.push(FieldError::new(field, code, detail));
    }

    fn field<T>(&mut self, field: &str, text: Option<&str>, parse: impl FnOnce(&str) -> Result<T, Malformed>) -> Option<T> {
        if present(text).is_none() {
            if self.0.iter().all(|fault| fault.field != field) {
                self.add(field, "required", format!("{field} is missing"));
            }
            return None;
        }
        self.optional(field, text, parse)
    }

    fn optional<T>(&mut self, field: &str, text: Option<&str>, parse: impl FnOnce(&str) -> Result<T, Malformed>) -> Option<T> {
        match parse(present(text)?) {
            Ok(value) => Some(value),
            Err(malformed) => {
                self.0.push(FieldError::of(field, malformed));
                None
            }
        }
    }

    /// An empty one is a mistake of the program that sends it, which may write its policies with the same value.
    fn external_id(&mut self, text: Option<&str>, issued: Option<&[ExternalId]>) {
        if text.is_some_and(|text| present(Some(text)).is_none()) {
            self.add(
                "external_id",
                "blank_external_id",
                "the external ID is empty; omit this field, or send the one that was issued",
            );
        }
        self.optional("external_id", text, |text| parse_external_id(text, issued));
    }

    /// For what is missing, offers what was pasted into another field.
    fn suggest_missing(&mut self, submission: &Submission, key: Option<&KeyArn>, around: FormContext) {
        let texts = [&submission.bucket_arn, &submission.key_arn, &submission.role_arn];
        let texts: Vec<&str> = texts.into_iter().filter_map(|text| present(text.as_deref())).collect();
        for fault in &mut self.0 {
            let field = match (fault.field.as_str(), fault.code.as_str()) {
                ("bucket_arn", "required") => ArnField::Bucket,
                ("key_arn", "required") => ArnField::Key,
                ("role_arn", "role_arn_required") => ArnField::Role,
                ("bucket_region", "required") => {
                    if let Some(key) = key {
                        fault.suggest(key.region().as_str());
                    }
                    continue;
                }
                _ => continue,
            };
            if let Some(arn) = suggestions::pasted_elsewhere(field, &texts, around) {
                fault.suggest(&arn);
            }
        }
    }

    fn same_partition(&mut self, field: &str, what: &str, theirs: Option<Partition>, ours: Partition) {
        if let Some(theirs) = theirs.filter(|theirs| *theirs != ours) {
            self.add(
                field,
                "other_partition",
                format!("this {what} is in the AWS partition {theirs}; it must be in {ours}, because identities do not cross partitions"),
            );
        }
    }

    fn key_region(&mut self, key: &KeyArn, bucket_region: Option<&Region>, typed: Option<&Region>) {
        if let Some(typed) = typed.filter(|typed| *typed != key.region()) {
            self.add(
                "key_region",
                "key_region_mismatch",
                format!(
                    "the key ARN is in {}, not in {typed}; enter that region, or omit this field",
                    key.region()
                ),
            );
        }
        if let Some(bucket_region) = bucket_region.filter(|region| *region != key.region()) {
            self.add(
                "key_arn",
                "key_in_other_region",
                format!(
                    "the key is in {}, but the bucket is in {bucket_region}; S3 requires a key in the bucket's region",
                    key.region()
                ),
            );
        }
    }

    fn own_account(&mut self, field: &str, what: &str, account: Option<&AccountId>, vendor: &Vendor) {
        if let Some(account) = account.filter(|account| vendor.refuses_account(account)) {
            self.add(
                field,
                "vendor_account",
                format!("{what} {account} belongs to the vendor; enter a value from your own AWS account"),
            );
        }
    }

    fn role(&mut self, mode: Option<Mode>, role: Option<&RoleArn>, typed: bool, vendor: &Vendor) {
        match mode {
            Some(Mode::AssumeRole) if !typed => self.add(
                "role_arn",
                "role_arn_required",
                "enter the ARN of the role that you created in your account; the mode assume_role requires it",
            ),
            Some(Mode::Direct) if typed => self.add(
                "role_arn",
                "role_arn_not_allowed",
                "the mode direct does not use a role in your account; omit role_arn, or use the mode assume_role",
            ),
            _ => {}
        }
        let Some(role) = role else { return };
        if vendor.is_own_role(role) {
            self.add(
                "role_arn",
                "vendor_role",
                "this is the vendor's own role, which your policies name; enter the ARN of the role that you created in your account",
            );
            return;
        }
        self.own_account("role_arn", "the role's account", Some(role.account()), vendor);
        self.0.extend(role_name_error("role_arn", role.name(), vendor));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;
    use crate::domain::region::Regions;

    const ISSUED: &str = "lk-0123456789abcdef0123456789abcdef01234567";

    fn vendor() -> Vendor {
        Vendor {
            name: "Example Vendor".into(),
            cloudformation_url: None,
            storage_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/storage").unwrap()),
            direct_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/direct").unwrap()),
            client_role_prefix: Some(RoleName::parse("vendor-").unwrap()),
            advisory_checks: BTreeSet::new(),
            posture: false,
            extra: crate::domain::extra_action::ExtraActions::default(),
            allow_own_account: false,
            approval: crate::domain::approval::ApprovalPolicy::default(),
            network: None,
            regions: Regions::default(),
            levels: vec![AccessLevel::ReadWrite],
        }
    }

    fn good() -> Submission {
        let text = |text: &str| Some(text.to_owned());
        Submission {
            mode: text("assume_role"),
            bucket_arn: text("arn:aws:s3:::acme-documents"),
            bucket_region: text("eu-central-1"),
            key_arn: text("arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
            role_arn: text("arn:aws:iam::333333333333:role/vendor-documents"),
            ..Submission::default()
        }
    }

    fn validate(submission: &Submission) -> Result<Storage, Vec<(String, String)>> {
        let issued = [ExternalId::parse(ISSUED).unwrap()];
        submission
            .validate(&vendor(), &[Mode::Direct, Mode::AssumeRole], Some(&issued))
            .map_err(|faults| faults.into_iter().map(|fault| (fault.field, fault.code)).collect())
    }

    #[test]
    fn a_valid_submission_is_accepted_and_white_space_is_trimmed() {
        let mut submission = good();
        submission.bucket_arn = Some("  arn:aws:s3:::acme-documents\n".into());
        submission.external_id = Some(ISSUED.into());
        let storage = validate(&submission).unwrap();
        assert_eq!(storage.bucket.name().as_str(), "acme-documents");
        assert_eq!(storage.bucket_account.as_str(), "333333333333", "the role's account");
    }

    #[test]
    fn the_vendors_own_account_is_refused_in_every_field() {
        let own = Submission {
            key_arn: Some("arn:aws:kms:eu-central-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab".into()),
            role_arn: Some("arn:aws:iam::111111111111:role/vendor-documents".into()),
            bucket_account_id: Some("111111111111".into()),
            ..good()
        };
        let refused = |field: &str| (field.to_owned(), "vendor_account".to_owned());
        assert_eq!(
            validate(&own).unwrap_err(),
            [refused("bucket_account_id"), refused("key_arn"), refused("role_arn")]
        );
        let for_tests = Vendor {
            allow_own_account: true,
            ..vendor()
        };
        let storage = own.validate(&for_tests, &[Mode::AssumeRole], None).unwrap();
        assert_eq!(storage.bucket_account.as_str(), "111111111111");
    }

    #[test]
    fn in_direct_the_owner_is_the_keys_account_unless_named() {
        let mut submission = good();
        submission.mode = Some("direct".into());
        submission.role_arn = None;
        assert_eq!(validate(&submission).unwrap().bucket_account.as_str(), "222222222222");
        submission.bucket_account_id = Some("444444444444".into());
        assert_eq!(validate(&submission).unwrap().bucket_account.as_str(), "444444444444");
    }

    #[rstest]
    #[case::mode_unknown(|s: &mut Submission| s.mode = Some("both".into()), "mode", "unknown_mode")]
    #[case::role_missing(|s: &mut Submission| s.role_arn = None, "role_arn", "role_arn_required")]
    #[case::role_in_direct(|s: &mut Submission| s.mode = Some("direct".into()), "role_arn", "role_arn_not_allowed")]
    #[case::prefix(|s: &mut Submission| s.role_arn = Some("arn:aws:iam::333333333333:role/documents".into()), "role_arn", "role_name_prefix")]
    #[case::region(|s: &mut Submission| s.bucket_region = Some("eu-west-1".into()), "key_arn", "key_in_other_region")]
    #[case::key_region(|s: &mut Submission| s.key_region = Some("eu-west-1".into()), "key_region", "key_region_mismatch")]
    #[case::partition(|s: &mut Submission| s.bucket_arn = Some("arn:aws-cn:s3:::acme-documents".into()), "bucket_arn", "other_partition")]
    #[case::external_id(|s: &mut Submission| s.external_id = Some("my-own-choice".into()), "external_id", "not_the_issued_external_id")]
    #[case::account(|s: &mut Submission| s.bucket_account_id = Some("12".into()), "bucket_account_id", "malformed_account_id")]
    #[case::alias(|s: &mut Submission| s.key_arn = Some("arn:aws:kms:eu-central-1:222222222222:alias/docs".into()), "key_arn", "alias_arn")]
    fn an_error_names_its_field(#[case] spoil: fn(&mut Submission), #[case] field: &str, #[case] code: &str) {
        let mut submission = good();
        spoil(&mut submission);
        assert_eq!(validate(&submission).unwrap_err(), [(field.to_owned(), code.to_owned())]);
    }

    #[test]
    fn all_errors_are_reported_together() {
        let faults = validate(&Submission::default()).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["mode", "bucket_arn", "bucket_region", "key_arn"]);
    }

    #[test]
    fn a_mode_that_is_not_available_to_the_tenant_is_rejected() {
        let issued = [ExternalId::parse(ISSUED).unwrap()];
        let faults = good().validate(&vendor(), &[Mode::Direct], Some(&issued)).unwrap_err();
        assert_eq!(faults[0].code, "mode_not_offered");
    }
}
