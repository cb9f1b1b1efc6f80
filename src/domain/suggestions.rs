//! "Did you mean": recognizes common mistakes in ARN fields. Suggestions are shown to the user and never applied
//! automatically.

use serde_json::Value;

use super::account::AccountId;
use super::arn::{BucketArn, BucketName, KeyArn, RoleArn, RoleName};
use super::partition::Partition;
use super::region::Region;

/// The fields in which common mistakes are recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArnField {
    Bucket,
    Key,
    Role,
}

/// The context of the field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FormContext<'a> {
    pub partition: Partition,
    /// The customer's account, if another field contains it. The console URL of a key or role does not.
    pub account: Option<&'a AccountId>,
    /// The bucket's region, if another field contains it.
    pub region: Option<&'a Region>,
    /// The vendor's roles, which are never the customer's.
    pub vendor_roles: &'a [RoleArn],
}

/// A recognized mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suggestion {
    /// What the text is, as the end of a sentence that starts with "This is".
    pub kind: &'static str,
    /// The ARN to suggest, if it follows from the text.
    pub arn: Option<String>,
}

/// Recognizes a common mistake in a text that is not the ARN that the field requires.
pub(crate) fn suggest(field: ArnField, text: &str, around: FormContext) -> Option<Suggestion> {
    let text = text.trim();
    if text.is_empty() || is_arn(field, text) {
        return None;
    }
    let found = |kind, arn: Option<String>| {
        Some(Suggestion {
            kind,
            arn: arn.filter(|arn| is_arn(field, arn)),
        })
    };
    if text.starts_with(['{', '[']) {
        return found("a policy document, not an ARN", in_policy(field, text, around));
    }
    let unwrapped: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bare = unwrapped.trim_matches(['"', '\'', '`', ',', ';', '<', '>', '“', '”', '„', '‘', '’', '«', '»']);
    if bare != text && is_arn(field, bare) {
        let kind = if unwrapped.len() < text.len() {
            "an ARN with line breaks or spaces in it"
        } else {
            "an ARN with other characters around it"
        };
        return found(kind, Some(bare.to_owned()));
    }
    if unwrapped.len() < text.len() && !bare.contains(':') {
        // Words, not a name.
        return None;
    }
    match field {
        ArnField::Bucket => {
            let (kind, name) = bucket_name(bare)?;
            found(kind, name.and_then(|name| bucket_arn(&name.to_lowercase(), around)))
        }
        ArnField::Key => {
            if let Some(inner) = bare.rfind("arn:").filter(|at| *at > 0).map(|at| &bare[at..]) {
                return is_arn(field, inner).then(|| Suggestion {
                    kind: "an ARN with another one in it",
                    arn: Some(inner.to_owned()),
                });
            }
            if KeyArn::parse(bare).is_err_and(|malformed| malformed.code == "key_id_without_arn") {
                let arn = around
                    .region
                    .zip(around.account)
                    .map(|(region, account)| format!("arn:{}:kms:{region}:{account}:key/{bare}", around.partition));
                return found("a key ID, not an ARN", arn);
            }
            let url = Url::read(bare)?;
            found("a web address, not an ARN", key_of_url(&url, around))
        }
        ArnField::Role => {
            let (kind, role) = role(bare)?;
            let arn = role.and_then(|(account, role)| {
                let account = account.or_else(|| around.account.map(AccountId::as_str))?;
                Some(format!("arn:{}:iam::{account}:role/{role}", around.partition))
            });
            found(kind, arn)
        }
    }
}

/// What a text is instead of a bucket's ARN, and the bucket's name in it.
fn bucket_name(text: &str) -> Option<(&'static str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix("s3://") {
        return Some(("an S3 URI, not an ARN", Some(first_segment(rest))));
    }
    if let Some(url) = Url::read(text) {
        return Some(("a web address, not an ARN", bucket_of_url(&url)));
    }
    if let Some(rest) = text.strip_prefix("arn:") {
        let mut parts = rest.splitn(5, ':');
        let resource = parts.nth(1).filter(|service| *service == "s3").and_then(|_| parts.nth(2))?;
        if resource.starts_with("accesspoint:") || resource.starts_with("accesspoint/") {
            // The bucket has another name.
            return Some(("the ARN of an access point", None));
        }
        let name = first_segment(resource.rsplit(':').next().unwrap_or_default());
        let kind = if is_old(name) {
            "a bucket name with capital letters"
        } else {
            "not a bucket ARN"
        };
        return Some((kind, Some(name)));
    }
    let url = Url::without_scheme(text);
    if url.host.ends_with(".amazonaws.com") {
        return Some(("a host name, not an ARN", bucket_of_url(&url)));
    }
    let text = text.strip_prefix('/').unwrap_or(text);
    let (name, prefix) = text.split_once('/').unwrap_or((text, ""));
    if is_old(name) && BucketName::parse(&name.to_lowercase()).is_ok() {
        return Some(("a bucket name with capital letters", Some(name)));
    }
    BucketName::parse(name).ok()?;
    let kind = if prefix.is_empty() {
        "a bucket name, not an ARN"
    } else {
        "a bucket name with a prefix, which cannot be submitted"
    };
    Some((kind, Some(name)))
}

/// Mostly a typing error. If such a bucket exists, it is an old one, and cannot be submitted.
fn is_old(name: &str) -> bool {
    name.bytes().any(|b| b.is_ascii_uppercase())
}

/// The account of a role, if it is there, and its name with its path.
type FoundRole<'a> = (Option<&'a str>, &'a str);

/// What a text is instead of a role's ARN, and the role in it.
fn role(text: &str) -> Option<(&'static str, Option<FoundRole<'_>>)> {
    if let Some(rest) = text.strip_prefix("arn:") {
        if let Some((_, role)) = rest.split_once(":iam::role/").or_else(|| rest.split_once(":iam:::role/")) {
            return Some(("a role's ARN without an account ID", Some((None, role))));
        }
        let mut parts = rest.splitn(5, ':');
        let (account, resource) = (parts.nth(3)?, parts.next()?);
        if let Some(session) = resource.strip_prefix("assumed-role/") {
            let name = session.split('/').next()?;
            if name.starts_with("AWSReservedSSO_") {
                return Some(("a session of IAM Identity Center", None));
            }
            return Some(("the ARN of a role session", Some((Some(account), name))));
        }
        let profile = resource.strip_prefix("instance-profile/")?;
        return Some((
            "the ARN of an instance profile, whose role usually has the same name",
            Some((Some(account), profile)),
        ));
    }
    if let Some(url) = Url::read(text) {
        let name = url.after("roles/details/").or_else(|| url.after("roles/"));
        return Some(("a web address, not an ARN", name.map(|name| (None, name))));
    }
    RoleName::parse(text).ok()?;
    Some(("a role's name, not an ARN", Some((None, text))))
}

fn is_arn(field: ArnField, text: &str) -> bool {
    match field {
        ArnField::Bucket => BucketArn::parse(text).is_ok(),
        ArnField::Key => KeyArn::parse(text).is_ok(),
        ArnField::Role => RoleArn::parse(text).is_ok(),
    }
}

fn bucket_arn(name: &str, around: FormContext) -> Option<String> {
    let name = BucketName::parse(name).ok()?;
    Some(BucketArn::of(around.partition, name).to_string())
}

fn first_segment(path: &str) -> &str {
    path.split(['/', '?', '#']).next().unwrap_or_default()
}

/// The first text in a policy from which the ARN follows.
fn in_policy(field: ArnField, text: &str, around: FormContext) -> Option<String> {
    let policy: Value = serde_json::from_str(text).ok()?;
    let mut texts = Vec::new();
    gather(&policy, &mut texts);
    texts.into_iter().find_map(|text| {
        let arn = match field {
            ArnField::Bucket => first_segment(text).to_owned(),
            ArnField::Key | ArnField::Role => text.to_owned(),
        };
        let theirs = around.vendor_roles.iter().any(|role| role.as_str() == arn);
        (is_arn(field, &arn) && !theirs).then_some(arn)
    })
}

fn gather<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(members) => members.values().for_each(|member| gather(member, texts)),
        _ => {}
    }
}

/// A URL, split as far as needed here.
struct Url<'a> {
    host: &'a str,
    /// Path, query and fragment.
    rest: &'a str,
}

impl<'a> Url<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        Some(Self::without_scheme(rest))
    }

    fn without_scheme(text: &'a str) -> Self {
        let (host, rest) = text.split_once('/').unwrap_or((text, ""));
        Self { host, rest }
    }

    fn is_console(&self) -> bool {
        self.host.contains("console.")
    }

    /// The path segment after this text, in the path or the fragment, because consoles keep paths in both.
    fn after(&self, text: &str) -> Option<&'a str> {
        let at = self.rest.find(text)? + text.len();
        Some(first_segment(&self.rest[at..])).filter(|segment| !segment.is_empty())
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.rest
            .split(['?', '&', '#'])
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>, and the console's own addresses.
fn bucket_of_url<'a>(url: &Url<'a>) -> Option<&'a str> {
    if url.is_console() {
        return url.after("s3/buckets/").or_else(|| url.after("s3/object/"));
    }
    if let Some((name, _)) = url.host.split_once(".s3.").or_else(|| url.host.split_once(".s3-")) {
        return Some(name);
    }
    (url.host.starts_with("s3.") || url.host.starts_with("s3-"))
        .then(|| first_segment(url.rest))
        .filter(|name| !name.is_empty())
}

fn key_of_url(url: &Url, around: FormContext) -> Option<String> {
    let id = url.after("kms/keys/")?;
    let region = url.parameter("region").or_else(|| url.host.split('.').next())?;
    let account = around.account?;
    Some(format!("arn:{}:kms:{region}:{account}:key/{id}", around.partition))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn arn_of(field: ArnField, text: &str) -> Option<String> {
        let account = AccountId::parse("222222222222").unwrap();
        let region = Region::parse("eu-central-1").unwrap();
        let vendor_roles = [RoleArn::parse("arn:aws:iam::111111111111:role/storage").unwrap()];
        let around = FormContext {
            partition: Partition::Aws,
            account: Some(&account),
            region: Some(&region),
            vendor_roles: &vendor_roles,
        };
        suggest(field, text, around).and_then(|meant| meant.arn)
    }

    #[rstest]
    #[case("acme-documents")]
    #[case("s3://acme-documents")]
    #[case("s3://acme-documents/some/path?x=1")]
    #[case("https://s3.console.aws.amazon.com/s3/buckets/acme-documents?region=eu-central-1&tab=permissions")]
    #[case("https://eu-central-1.console.aws.amazon.com/s3/buckets/acme-documents")]
    #[case("https://eu-central-1.console.aws.amazon.com/s3/object/acme-documents?prefix=a")]
    #[case("https://acme-documents.s3.eu-central-1.amazonaws.com/file")]
    #[case("https://s3.eu-central-1.amazonaws.com/acme-documents/file")]
    #[case("arn:aws:s3:::acme-documents/*")]
    #[case("acme-documents/landing/")]
    #[case("/acme-documents")]
    #[case("acme-documents.s3.amazonaws.com")]
    #[case("s3.eu-central-1.amazonaws.com/acme-documents/file")]
    #[case("acme-documents.s3.eu-central-1.amazonaws.com/file")]
    #[case("arn:aws:s3:::Acme-Documents")]
    #[case("Acme-Documents")]
    #[case("“arn:aws:s3:::acme-documents”")]
    #[case("arn:aws:s3:eu-central-1:222222222222:acme-documents")]
    #[case("arn:aws:s3\n:::acme-\n  documents")]
    #[case("\"arn:aws:s3:::acme-documents\",")]
    #[case(r#"{"Statement": [{"Principal": {"AWS": "*"}, "Resource": ["arn:aws:s3:::acme-documents/*"]}]}"#)]
    fn a_bucket_is_recognized(#[case] text: &str) {
        assert_eq!(arn_of(ArnField::Bucket, text).as_deref(), Some("arn:aws:s3:::acme-documents"));
    }

    #[rstest]
    #[case("arn:aws:kms:eu-central-1:222222222222:key/\n1234abcd-12ab-34cd-56ef-1234567890ab")]
    #[case("https://eu-central-1.console.aws.amazon.com/kms/home?region=eu-central-1#/kms/keys/1234abcd-12ab-34cd-56ef-1234567890ab")]
    #[case("https://eu-central-1.console.aws.amazon.com/kms/home#/kms/keys/1234abcd-12ab-34cd-56ef-1234567890ab/keyPolicy")]
    #[case("1234abcd-12ab-34cd-56ef-1234567890ab")]
    #[case("arn:aws:kms:ap-southeast-2:222222222222:alias/arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab")]
    #[case(r#"{"Resource": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"}"#)]
    fn a_key_is_recognized(#[case] text: &str) {
        assert_eq!(arn_of(ArnField::Key, text).as_deref(), Some(KEY));
    }

    #[rstest]
    #[case("arn:aws:sts::222222222222:assumed-role/documents/somebody")]
    #[case("https://us-east-1.console.aws.amazon.com/iam/home?region=eu-central-1#/roles/details/documents?section=permissions")]
    #[case(r#"{"Principal": {"AWS": ["arn:aws:iam::111111111111:role/storage", "arn:aws:iam::222222222222:role/documents"]}}"#)]
    #[case(" arn:aws:iam::222222222222: role/documents")]
    #[case("documents")]
    #[case("arn:aws:iam::222222222222:instance-profile/documents")]
    #[case("arn:aws:iam::role/documents")]
    fn a_role_is_recognized(#[case] text: &str) {
        assert_eq!(
            arn_of(ArnField::Role, text).as_deref(),
            Some("arn:aws:iam::222222222222:role/documents")
        );
    }

    #[rstest]
    #[case(ArnField::Bucket, "Not a bucket at all")]
    #[case(ArnField::Key, "1234")]
    #[case(ArnField::Role, "the role for documents")]
    #[case(ArnField::Role, "arn:aws:iam::222222222222:policy/documents")]
    #[case(ArnField::Bucket, KEY)]
    #[case(ArnField::Bucket, "")]
    fn unknown_mistakes_are_not_commented_on(#[case] field: ArnField, #[case] text: &str) {
        assert_eq!(arn_of(field, text), None);
    }

    #[rstest]
    #[case(ArnField::Bucket, "{not json")]
    #[case(ArnField::Role, r#"{"Principal": {"AWS": "arn:aws:iam::111111111111:role/storage"}}"#)]
    #[case(ArnField::Bucket, "https://example.com/")]
    #[case(ArnField::Bucket, "s3://my_bucket_blah/hi.txt")]
    #[case(ArnField::Bucket, "arn:aws:s3:ap-southeast-2:222222222222:accesspoint:case-7490961421")]
    #[case(ArnField::Bucket, "arn:aws:s3:ap-southeast-2:222222222222:accesspoint/case-7490961421")]
    #[case(ArnField::Key, "1234abcd-12ab-34cd-56ef-1234567890ab")]
    #[case(
        ArnField::Role,
        "arn:aws:sts::222222222222:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/user@example.com"
    )]
    fn a_mistake_without_an_arn_is_still_recognized(#[case] field: ArnField, #[case] text: &str) {
        let around = FormContext {
            partition: Partition::Aws,
            account: None,
            region: None,
            vendor_roles: &[RoleArn::parse("arn:aws:iam::111111111111:role/storage").unwrap()],
        };
        let recognized = suggest(field, text, around).expect("the mistake is recognized");
        assert_eq!(recognized.arn, None);
    }

    #[test]
    fn a_valid_arn_is_not_a_mistake() {
        let around = FormContext {
            partition: Partition::Aws,
            account: None,
            region: None,
            vendor_roles: &[],
        };
        assert_eq!(suggest(ArnField::Key, KEY, around), None);
    }

    proptest::proptest! {
        #[test]
        fn suggestions_are_always_valid_arns(text in "\\PC{0,80}", which in 0..3_usize) {
            let field = [ArnField::Bucket, ArnField::Key, ArnField::Role][which];
            if let Some(arn) = arn_of(field, &text) {
                proptest::prop_assert!(is_arn(field, &arn));
            }
        }
    }
}
