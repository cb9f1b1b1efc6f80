//! "Did you mean": recognizes common mistakes in ARN fields. Suggestions are shown to the user and never applied
//! automatically.

use serde_json::Value;

use super::account::AccountId;
use super::arn::{BucketArn, BucketName, KeyArn, RoleArn};
use super::partition::Partition;

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
    let bare = unwrapped.trim_matches(['"', '\'', '`', ',', ';', '<', '>']);
    if bare != text && is_arn(field, bare) {
        let kind = if unwrapped.len() < text.len() {
            "an ARN with line breaks or spaces in it"
        } else {
            "an ARN with other characters around it"
        };
        return found(kind, Some(bare.to_owned()));
    }
    match field {
        ArnField::Bucket => {
            if let Some(rest) = bare.strip_prefix("s3://") {
                return found("an S3 URI, not an ARN", bucket_arn(first_segment(rest), around));
            }
            if let Some(url) = Url::read(bare) {
                return found(
                    "a web address, not an ARN",
                    bucket_of_url(&url).and_then(|name| bucket_arn(name, around)),
                );
            }
            if let Some(rest) = bare.strip_prefix("arn:") {
                let mut parts = rest.splitn(5, ':');
                let name = parts.nth(1).filter(|service| *service == "s3").and_then(|_| parts.nth(2))?;
                let name = first_segment(name.rsplit(':').next().unwrap_or_default());
                return found("not a bucket ARN", bucket_arn(name, around));
            }
            let name = BucketName::parse(bare).ok()?;
            found("a bucket name, not an ARN", bucket_arn(name.as_str(), around))
        }
        ArnField::Key => {
            let url = Url::read(bare)?;
            found("a web address, not an ARN", key_of_url(&url, around))
        }
        ArnField::Role => {
            if let Some(session) = bare.strip_prefix("arn:").filter(|rest| rest.contains(":assumed-role/")) {
                let mut parts = session.splitn(5, ':');
                let (partition, account) = (parts.next()?, parts.nth(2)?);
                let name = parts.next()?.split('/').nth(1)?;
                return found(
                    "the ARN of a role session",
                    Some(format!("arn:{partition}:iam::{account}:role/{name}")),
                );
            }
            let url = Url::read(bare)?;
            let name = url.after("roles/details/").or_else(|| url.after("roles/"));
            let arn = name
                .zip(around.account)
                .map(|(name, account)| format!("arn:{}:iam::{account}:role/{name}", around.partition));
            found("a web address, not an ARN", arn)
        }
    }
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
        let (host, rest) = rest.split_once('/').unwrap_or((rest, ""));
        Some(Self { host, rest })
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
        let vendor_roles = [RoleArn::parse("arn:aws:iam::111111111111:role/storage").unwrap()];
        let around = FormContext {
            partition: Partition::Aws,
            account: Some(&account),
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
    #[case(r#"{"Resource": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"}"#)]
    fn a_key_is_recognized(#[case] text: &str) {
        assert_eq!(arn_of(ArnField::Key, text).as_deref(), Some(KEY));
    }

    #[rstest]
    #[case("arn:aws:sts::222222222222:assumed-role/documents/somebody")]
    #[case("https://us-east-1.console.aws.amazon.com/iam/home?region=eu-central-1#/roles/details/documents?section=permissions")]
    #[case(r#"{"Principal": {"AWS": ["arn:aws:iam::111111111111:role/storage", "arn:aws:iam::222222222222:role/documents"]}}"#)]
    #[case(" arn:aws:iam::222222222222: role/documents")]
    fn a_role_is_recognized(#[case] text: &str) {
        assert_eq!(
            arn_of(ArnField::Role, text).as_deref(),
            Some("arn:aws:iam::222222222222:role/documents")
        );
    }

    #[rstest]
    #[case(ArnField::Bucket, "Not a bucket at all")]
    #[case(ArnField::Key, "1234")]
    #[case(ArnField::Role, "documents")]
    #[case(ArnField::Bucket, KEY)]
    #[case(ArnField::Bucket, "")]
    fn unknown_mistakes_are_not_commented_on(#[case] field: ArnField, #[case] text: &str) {
        assert_eq!(arn_of(field, text), None);
    }

    #[rstest]
    #[case(ArnField::Bucket, "{not json")]
    #[case(ArnField::Role, r#"{"Principal": {"AWS": "arn:aws:iam::111111111111:role/storage"}}"#)]
    #[case(ArnField::Bucket, "https://example.com/")]
    fn a_mistake_without_an_arn_is_still_recognized(#[case] field: ArnField, #[case] text: &str) {
        let around = FormContext {
            partition: Partition::Aws,
            account: None,
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
