//! Bucket names and bucket ARNs.

use super::{Partition, split};
use crate::domain::text::{Malformed, checked_text};

const FORM: &str = "arn:aws:s3:::my-bucket";

/// A general purpose bucket's name.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BucketName(String);

impl BucketName {
    /// # Errors
    /// `malformed_bucket_name`, `old_bucket_name`, `reserved_bucket_name`, or `not_a_general_purpose_bucket`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let of_old_buckets = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-' || b == b'_';
        if text.bytes().all(of_old_buckets) && text.bytes().any(|b| b.is_ascii_uppercase() || b == b'_') {
            return Err(Malformed::new(
                "old_bucket_name",
                "only buckets in us-east-1 that were created before March 2018 can have capital letters or underscores in their names; \
                 such a bucket cannot be used, because its name is not valid in host names, so create a new one",
            ));
        }
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !(3..=63).contains(&text.len())
            || !text.bytes().all(allowed)
            || !edge(text.bytes().next())
            || !edge(text.bytes().last())
            || text.contains("..")
            || text.parse::<std::net::Ipv4Addr>().is_ok()
        {
            return Err(Malformed::new(
                "malformed_bucket_name",
                "a bucket name has 3 to 63 lowercase letters, digits, dots and hyphens, starts and ends with a letter or digit, and \
                 is not an IP address, such as my-bucket",
            ));
        }
        for (suffix, kind) in [
            ("--x-s3", "a directory bucket"),
            ("--table-s3", "a table bucket"),
            ("-s3alias", "an access point alias"),
            ("--ol-s3", "an Object Lambda alias"),
            (".mrap", "a multi-region access point"),
            ("--op-s3", "an Outposts alias"),
        ] {
            if text.ends_with(suffix) {
                return Err(Malformed::new(
                    "not_a_general_purpose_bucket",
                    format!("a name that ends in {suffix} belongs to {kind}; use a general purpose bucket"),
                ));
            }
        }
        for prefix in ["xn--", "sthree-", "amzn-s3-demo-"] {
            if text.starts_with(prefix) {
                return Err(Malformed::new(
                    "reserved_bucket_name",
                    format!("AWS reserves bucket names that start with {prefix}; use another bucket"),
                ));
            }
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(BucketName);

/// `arn:<partition>:s3:::<name>`, without a region, account or object path.
///
/// ```
/// use latchkey::domain::arn::BucketArn;
///
/// let bucket = BucketArn::parse("arn:aws:s3:::my-bucket").unwrap();
/// assert_eq!(bucket.name().as_str(), "my-bucket");
///
/// let mistake = BucketArn::parse("arn:aws:s3:::my-bucket/*").unwrap_err();
/// assert_eq!(mistake.code, "object_path_in_bucket_arn");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BucketArn {
    text: String,
    partition: Partition,
    name: BucketName,
}

impl BucketArn {
    /// # Errors
    /// One code per common mistake; the tests list them.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let parts = split(text, FORM)?;
        if matches!(parts.service, "s3express" | "s3-outposts" | "s3-object-lambda" | "s3tables") {
            return Err(Malformed::new(
                "not_a_general_purpose_bucket",
                format!(
                    "an ARN of the service {} does not name a general purpose bucket; enter one such as {FORM}",
                    parts.service
                ),
            ));
        }
        if parts.service != "s3" {
            return Err(Malformed::new(
                "not_a_bucket_arn",
                format!("this is an ARN of the service {}, not s3; enter one such as {FORM}", parts.service),
            ));
        }
        if ["accesspoint/", "accesspoint:"].iter().any(|kind| parts.resource.starts_with(kind)) {
            return Err(Malformed::new(
                "access_point_arn",
                format!("this is the ARN of an access point; enter the ARN of the bucket, such as {FORM}"),
            ));
        }
        if parts.resource.contains('/') {
            return Err(Malformed::new(
                "object_path_in_bucket_arn",
                format!("a bucket ARN ends with the bucket name; remove everything from the first slash, as in {FORM}"),
            ));
        }
        if !parts.region.is_empty() {
            return Err(Malformed::new(
                "region_in_bucket_arn",
                format!("an S3 bucket ARN has no region; remove {}, as in {FORM}", parts.region),
            ));
        }
        if !parts.account.is_empty() {
            return Err(Malformed::new(
                "account_in_bucket_arn",
                format!("an S3 bucket ARN has no account ID; remove {}, as in {FORM}", parts.account),
            ));
        }
        let name = BucketName::parse(parts.resource)?;
        Ok(Self::of(parts.partition, name))
    }

    pub fn of(partition: Partition, name: BucketName) -> Self {
        Self {
            text: format!("arn:{partition}:s3:::{name}"),
            partition,
            name,
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn partition(&self) -> Partition {
        self.partition
    }

    pub fn name(&self) -> &BucketName {
        &self.name
    }
}
checked_text!(BucketArn);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use strum::IntoEnumIterator;

    use super::*;

    #[rstest]
    #[case("my-bucket", "not_an_arn")]
    #[case("", "not_an_arn")]
    #[case("arn:aws:s3:::", "malformed_bucket_name")]
    #[case("arn:aws:s3:::My-Bucket", "old_bucket_name")]
    #[case("arn:aws:s3:::my_bucket", "old_bucket_name")]
    #[case("arn:aws:s3:::a..b", "malformed_bucket_name")]
    #[case("arn:aws:s3:::192.168.0.1", "malformed_bucket_name")]
    #[case("arn:aws:s3:::-ab", "malformed_bucket_name")]
    #[case("arn:aws:s3:eu-central-1::my-bucket", "region_in_bucket_arn")]
    #[case("arn:aws:s3::123456789012:my-bucket", "account_in_bucket_arn")]
    #[case("arn:aws:s3:::my-bucket/*", "object_path_in_bucket_arn")]
    #[case("arn:aws:s3:::my-bucket/docs", "object_path_in_bucket_arn")]
    #[case("arn:aws:s3:eu-central-1:123456789012:accesspoint/x", "access_point_arn")]
    #[case("arn:aws:s3:eu-central-1:123456789012:accesspoint:x", "access_point_arn")]
    #[case(
        "arn:aws:s3express:eu-central-1:123456789012:bucket/x--euc1-az1--x-s3",
        "not_a_general_purpose_bucket"
    )]
    #[case("arn:aws:s3:::logs--euc1-az1--x-s3", "not_a_general_purpose_bucket")]
    #[case("arn:aws:s3:::xn--bucket", "reserved_bucket_name")]
    #[case("arn:aws:kms:::my-bucket", "not_a_bucket_arn")]
    #[case("arn:azure:s3:::my-bucket", "unknown_partition")]
    fn a_wrong_bucket_arn_says_what_is_wrong(#[case] text: &str, #[case] code: &str) {
        assert_eq!(BucketArn::parse(text).unwrap_err().code, code);
    }

    #[test]
    fn a_bucket_can_be_named_like_an_access_point() {
        assert!(BucketArn::parse("arn:aws:s3:::accesspoint-logs").is_ok());
    }

    proptest! {
        #[test]
        fn a_parsed_arn_prints_as_it_was(name in "[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])", nth in 0usize..8) {
            let partition = Partition::iter().nth(nth).unwrap();
            let text = format!("arn:{partition}:s3:::{name}");
            if let Ok(arn) = BucketArn::parse(&text) {
                prop_assert_eq!(arn.to_string(), text);
                prop_assert_eq!(arn.partition(), partition);
                prop_assert_eq!(arn.name().as_str(), name);
            }
        }

        #[test]
        fn garbage_never_panics(text in any::<String>(), tail in any::<String>()) {
            let _ = (BucketArn::parse(&text), BucketArn::parse(&format!("arn:aws:s3:::{tail}")));
        }
    }
}
