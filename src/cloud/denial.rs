//! The prose of a refusal into who refused, and why. AWS adds to its messages now and then (a policy's ARN, a link to
//! the console), so all is looked for inside the text, and nothing of the text is kept.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use crate::domain::api_result::{AccessDenied, DenialReason, DeniedBy, PolicyKind};
use crate::domain::arn::KeyArn;

/// How AWS calls the kinds of policies.
const KINDS: [(&str, PolicyKind); 7] = [
    ("identity-based policy", PolicyKind::Identity),
    ("resource-based policy", PolicyKind::Resource),
    ("permissions boundary", PolicyKind::PermissionsBoundary),
    ("session policy", PolicyKind::Session),
    ("service control policy", PolicyKind::ServiceControl),
    ("resource control policy", PolicyKind::ResourceControl),
    ("vpc endpoint policy", PolicyKind::VpcEndpoint),
];

/// KMS, of a key in another account: there is no such key, its policy allows nothing, or it denies. All three are
/// about the key's side.
const KEY_KEEPS_OUT: &str = "no resource-based policies allow access";

const TAG_SESSION: &str = "sts:TagSession";

/// Reads the message of an access denial that came from `asked`.
pub fn read(asked: DeniedBy, message: &str) -> AccessDenied {
    let lower = message.to_ascii_lowercase();
    let by = match asked {
        DeniedBy::S3 if tells_of_kms(&lower) => DeniedBy::Kms,
        asked => asked,
    };
    AccessDenied {
        by,
        reason: reason(asked, message, &lower),
        key: words(message).find_map(|word| KeyArn::parse(word).ok()).map(|key| key.to_string()),
        action: words(message)
            .find(|word| is_kms_action(word) || *word == TAG_SESSION)
            .map(str::to_owned),
    }
}

/// S3 asks KMS on the caller's behalf and passes its refusal on. When in doubt it was KMS: to take a stranger whom S3
/// let in for one whom S3 refused would be worse than the reverse.
fn tells_of_kms(lower: &str) -> bool {
    [
        "kms:",
        "kms key",
        "customer master key",
        "the ciphertext refers to",
        "does not exist in this region",
        KEY_KEEPS_OUT,
    ]
    .iter()
    .any(|mark| lower.contains(mark))
}

fn reason(asked: DeniedBy, message: &str, lower: &str) -> DenialReason {
    // Session tags that travel along the chain of roles are the vendor's own to switch off.
    if asked == DeniedBy::Sts && refused_action(message) == Some(TAG_SESSION) {
        return DenialReason::NotAllowedBy(PolicyKind::Identity);
    }
    let denied_by = behind(lower, "explicit deny in ").find_map(|rest| {
        let rest = rest.strip_prefix("an ").or_else(|| rest.strip_prefix("a ")).unwrap_or(rest);
        kind_at(rest)
    });
    if let Some(kind) = denied_by {
        return DenialReason::DeniedBy(kind);
    }
    if let Some(kind) = behind(lower, "because no ").find_map(kind_at) {
        return DenialReason::NotAllowedBy(kind);
    }
    if lower.contains(KEY_KEEPS_OUT) {
        return DenialReason::NotAllowedBy(PolicyKind::Resource);
    }
    DenialReason::Unsaid
}

/// What follows each place where `mark` is.
fn behind<'a>(text: &'a str, mark: &'static str) -> impl Iterator<Item = &'a str> {
    text.match_indices(mark).map(|(at, mark)| &text[at + mark.len()..])
}

fn kind_at(rest: &str) -> Option<PolicyKind> {
    KINDS.iter().find(|(name, _)| rest.starts_with(name)).map(|(_, kind)| *kind)
}

fn words(message: &str) -> impl Iterator<Item = &str> {
    message
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| matches!(c, '"' | '\'' | '(' | ')' | ',' | '.' | ';')))
}

/// "is not authorized to perform: X", or "allows the X action".
fn refused_action(message: &str) -> Option<&str> {
    let next = words(message).skip(1);
    words(message).zip(next).find_map(|(word, next)| match (word, next) {
        ("perform:", action) => Some(action),
        (action, "action") if action.contains(':') => Some(action),
        _ => None,
    })
}

fn is_kms_action(word: &str) -> bool {
    word.strip_prefix("kms:")
        .is_some_and(|name| !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const USER: &str = "User: arn:aws:sts::123456789012:assumed-role/docs/latchkey-1 is not authorized to perform: ";

    #[rstest]
    #[case(
        "because no identity-based policy allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::Identity)
    )]
    #[case(
        "because no resource-based policy allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::Resource)
    )]
    #[case("because no session policy allows the X action", DenialReason::NotAllowedBy(PolicyKind::Session))]
    #[case(
        "because no service control policy allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::ServiceControl)
    )]
    #[case(
        "because no resource control policy allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::ResourceControl)
    )]
    #[case(
        "because no VPC endpoint policy allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::VpcEndpoint)
    )]
    #[case(
        "because no permissions boundary allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::PermissionsBoundary)
    )]
    #[case("with an explicit deny in an identity-based policy", DenialReason::DeniedBy(PolicyKind::Identity))]
    #[case("with an explicit deny in a resource-based policy", DenialReason::DeniedBy(PolicyKind::Resource))]
    #[case("with an explicit deny in a session policy", DenialReason::DeniedBy(PolicyKind::Session))]
    #[case(
        "with an explicit deny in a service control policy",
        DenialReason::DeniedBy(PolicyKind::ServiceControl)
    )]
    #[case(
        "with an explicit deny in a resource control policy",
        DenialReason::DeniedBy(PolicyKind::ResourceControl)
    )]
    #[case("with an explicit deny in a VPC endpoint policy", DenialReason::DeniedBy(PolicyKind::VpcEndpoint))]
    #[case(
        "with an explicit deny in a permissions boundary",
        DenialReason::DeniedBy(PolicyKind::PermissionsBoundary)
    )]
    #[case("with an explicit deny", DenialReason::Unsaid)]
    #[case(
        "because public policies are blocked by the BlockPublicPolicy block public access setting.",
        DenialReason::Unsaid
    )]
    #[case("", DenialReason::Unsaid)]
    fn the_reason_is_read_wherever_it_stands(#[case] clause: &str, #[case] expected: DenialReason) {
        for middle in [r#" on resource: "arn:aws:s3:::docs/latchkey-probe/1""#, ""] {
            for tail in [
                "",
                ".",
                ": arn:aws:iam::123456789012:policy/docs-deny",
                " (Console: https://console.aws.amazon.com/iam)",
            ] {
                let message = format!("{USER}s3:PutObject{middle} {clause}{tail}");
                let refusal = read(DeniedBy::S3, &message);
                assert_eq!((refusal.reason, refusal.by), (expected, DeniedBy::S3), "{message}");
                assert_eq!((refusal.key, refusal.action), (None, None));
            }
        }
    }

    #[rstest]
    #[case::named(
        "kms:GenerateDataKey on resource: {KEY} because no identity-based policy allows the kms:GenerateDataKey action",
        DenialReason::NotAllowedBy(PolicyKind::Identity),
        true,
        Some("kms:GenerateDataKey")
    )]
    #[case::quoted(
        "kms:Decrypt on resource: \"{KEY}\" with an explicit deny in a resource-based policy",
        DenialReason::DeniedBy(PolicyKind::Resource),
        true,
        Some("kms:Decrypt")
    )]
    #[case::key_not_named(
        "kms:GenerateDataKey on this resource because the resource does not exist in this Region, no resource-based policies allow \
         access, or a resource-based policy explicitly denies access",
        DenialReason::NotAllowedBy(PolicyKind::Resource),
        false,
        Some("kms:GenerateDataKey")
    )]
    fn s3_passes_a_refusal_of_kms_on(#[case] text: &str, #[case] reason: DenialReason, #[case] named: bool, #[case] action: Option<&str>) {
        let message = format!("{USER}{}", text.replace("{KEY}", KEY));
        let expected = AccessDenied {
            by: DeniedBy::Kms,
            reason,
            key: named.then(|| KEY.to_owned()),
            action: action.map(str::to_owned),
        };
        assert_eq!(read(DeniedBy::S3, &message), expected);
    }

    #[rstest]
    #[case(
        "Access Denied because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based \
         policy explicitly denies access"
    )]
    #[case(
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
    )]
    #[case("The ciphertext refers to a KMS key that does not exist.")]
    fn kms_is_known_by_its_words_too(#[case] message: &str) {
        let refusal = read(DeniedBy::S3, message);
        assert_eq!((refusal.by, refusal.key, refusal.action), (DeniedBy::Kms, None, None));
    }

    #[rstest]
    #[case("Access Denied")]
    #[case("")]
    #[case(
        "User: arn:aws:sts::123456789012:assumed-role/kms-role/s is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::kms-docs/x\""
    )]
    fn s3_speaks_for_itself(#[case] message: &str) {
        assert_eq!(read(DeniedBy::S3, message).by, DeniedBy::S3);
    }

    #[rstest]
    #[case("sts:AssumeRole on resource: arn:aws:iam::210987654321:role/docs", DenialReason::Unsaid)]
    #[case(
        "sts:AssumeRole on resource: arn:aws:iam::210987654321:role/docs because no identity-based policy allows the sts:AssumeRole action",
        DenialReason::NotAllowedBy(PolicyKind::Identity)
    )]
    #[case(
        "sts:AssumeRole on resource: arn:aws:iam::210987654321:role/docs because no resource-based policy allows the sts:AssumeRole action",
        DenialReason::NotAllowedBy(PolicyKind::Resource)
    )]
    #[case(
        "sts:TagSession on resource: arn:aws:iam::210987654321:role/docs",
        DenialReason::NotAllowedBy(PolicyKind::Identity)
    )]
    #[case(
        "sts:TagSession because no resource-based policy allows the sts:TagSession action",
        DenialReason::NotAllowedBy(PolicyKind::Identity)
    )]
    fn sts_tells_what_is_the_vendors_fault(#[case] text: &str, #[case] reason: DenialReason) {
        let refusal = read(DeniedBy::Sts, &format!("{USER}{text}"));
        assert_eq!((refusal.by, refusal.reason), (DeniedBy::Sts, reason));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(
            garbage: String,
            mark in prop::sample::select(vec!["explicit deny in a", "because no ", "perform: ", "kms:", "arn:aws:kms:"]),
        ) {
            for asked in [DeniedBy::Sts, DeniedBy::S3, DeniedBy::Kms] {
                let _ = (read(asked, &garbage), read(asked, &format!("{garbage}{mark}{garbage}")), read(asked, &format!("{garbage}{mark}")));
            }
        }

        /// Whatever AWS writes, what is kept is a key's ARN and an action's name.
        #[test]
        fn no_prose_is_kept(garbage: String) {
            let refusal = read(DeniedBy::S3, &format!("{garbage} kms:{garbage} {garbage}"));
            prop_assert!(refusal.key.is_none_or(|key| KeyArn::parse(&key).is_ok()));
            prop_assert!(refusal.action.is_none_or(|action| is_kms_action(&action)));
        }
    }
}
