//! KMS key ARNs.

use super::{Partition, split};
use crate::domain::account::AccountId;
use crate::domain::region::Region;
use crate::domain::text::{Malformed, checked_text};

const FORM: &str = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// `arn:<partition>:kms:<region>:<account>:key/<id>`. Aliases are rejected, because an alias can be pointed at another key
/// later.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN>
///
/// ```
/// use latchkey::domain::arn::KeyArn;
///
/// let key = KeyArn::parse("arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab").unwrap();
/// assert_eq!(key.region().as_str(), "eu-central-1");
/// assert_eq!(key.account().as_str(), "123456789012");
///
/// assert_eq!(KeyArn::parse("alias/documents").unwrap_err().code, "alias_arn");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyArn {
    text: String,
    partition: Partition,
    region: Region,
    account: AccountId,
}

impl KeyArn {
    /// # Errors
    /// One code per common mistake; the tests list them.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if is_key_id(text) {
            return Err(Malformed::new(
                "key_id_without_arn",
                format!("this is a key ID; enter the key ARN, such as {FORM}"),
            ));
        }
        if let Some(name) = text.strip_prefix("alias/") {
            return Err(alias(name));
        }
        let parts = split(text, FORM)?;
        if parts.service != "kms" {
            return Err(Malformed::new(
                "not_a_key_arn",
                format!("this is an ARN of the service {}, not kms; enter one such as {FORM}", parts.service),
            ));
        }
        let resource = parts.resource;
        if let Some(name) = resource.strip_prefix("key/").unwrap_or(resource).strip_prefix("alias/") {
            return Err(alias(name));
        }
        let id = parts.resource.strip_prefix("key/").unwrap_or_default();
        if !is_key_id(id) {
            return Err(Malformed::new(
                "not_a_key_arn",
                format!("a key ARN ends in key/ and the key ID, as in {FORM}"),
            ));
        }
        let region = Region::parse(parts.region).map_err(|_| {
            Malformed::new(
                "malformed_region_in_key_arn",
                format!("the region in this ARN is invalid; enter an ARN such as {FORM}"),
            )
        })?;
        let account = AccountId::parse(parts.account).map_err(|_| {
            Malformed::new(
                "malformed_account_in_key_arn",
                format!("the account ID in this ARN does not have 12 digits; enter an ARN such as {FORM}"),
            )
        })?;
        Ok(Self {
            text: text.to_owned(),
            partition: parts.partition,
            region,
            account,
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn partition(&self) -> Partition {
        self.partition
    }

    pub fn region(&self) -> &Region {
        &self.region
    }

    pub fn account(&self) -> &AccountId {
        &self.account
    }
}
checked_text!(KeyArn);

fn alias(name: &str) -> Malformed {
    if name.starts_with("aws/") {
        return Malformed::new(
            "aws_managed_key",
            format!(
                "this is the alias of an AWS managed key, which can never be shared with another account; create a key of your own, and enter its ARN, such as {FORM}"
            ),
        );
    }
    Malformed::new(
        "alias_arn",
        format!("this is an alias, which can be pointed at another key later; enter the ARN of the key itself, such as {FORM}"),
    )
}

/// A UUID, or the ID of a multi-Region key: `mrk-` and 32 hexadecimal digits.
fn is_key_id(text: &str) -> bool {
    let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if let Some(id) = text.strip_prefix("mrk-") {
        return id.len() == 32 && id.bytes().all(lower_hex);
    }
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => lower_hex(byte),
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use strum::IntoEnumIterator;

    use super::*;

    #[rstest]
    #[case("arn:aws:kms:eu-central-1:123456789012:alias/docs", "alias_arn")]
    #[case("alias/docs", "alias_arn")]
    #[case("arn:aws:kms:eu-central-1:123456789012:key/alias/docs", "alias_arn")]
    #[case("arn:aws:kms:us-east-1:123456789012:key/alias/aws/sqs", "aws_managed_key")]
    #[case("alias/aws/s3", "aws_managed_key")]
    #[case("1234abcd-12ab-34cd-56ef-1234567890ab", "key_id_without_arn")]
    #[case("mrk-1234abcd12ab34cd56ef1234567890ab", "key_id_without_arn")]
    #[case("arn:aws:kms:eu-central-1:123456789012:key/", "not_a_key_arn")]
    #[case("arn:aws:kms:eu-central-1:123456789012:key/*", "not_a_key_arn")]
    #[case("arn:aws:kms:eu-central-1:123456789012:key/1234ABCD-12ab-34cd-56ef-1234567890ab", "not_a_key_arn")]
    #[case("arn:aws:s3:::my-bucket", "not_a_key_arn")]
    #[case(
        "arn:aws:kms::123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "malformed_region_in_key_arn"
    )]
    #[case(
        "arn:aws:kms:eu-central-1:12345:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "malformed_account_in_key_arn"
    )]
    #[case("", "not_an_arn")]
    fn a_wrong_key_arn_says_what_is_wrong(#[case] text: &str, #[case] code: &str) {
        assert_eq!(KeyArn::parse(text).unwrap_err().code, code);
    }

    proptest! {
        #[test]
        fn a_valid_arn_is_parsed_and_prints_as_it_was(
            id in "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})",
            account in "[0-9]{12}",
            nth in 0usize..8,
        ) {
            let partition = Partition::iter().nth(nth).unwrap();
            let text = format!("arn:{partition}:kms:eu-central-1:{account}:key/{id}");
            let arn = KeyArn::parse(&text).unwrap();
            prop_assert_eq!(arn.to_string(), text);
            prop_assert_eq!(arn.account().as_str(), account);
        }

        #[test]
        fn garbage_never_panics(text in any::<String>(), tail in any::<String>()) {
            let _ = (KeyArn::parse(&text), KeyArn::parse(&format!("arn:aws:kms:eu-central-1:123456789012:{tail}")));
        }
    }
}
