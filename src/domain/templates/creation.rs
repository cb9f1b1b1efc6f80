//! What the customer's organization requires of the resources that the documents create: a permissions boundary, a path, tags. It changes
//! nothing about what the statements grant.

use crate::domain::arn::PolicyArn;
use crate::domain::text::{Malformed, checked_text};

/// All of it. By default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Creation {
    /// The managed policy that limits what the role can be granted.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
    pub permissions_boundary: Option<PolicyArn>,
    pub role_path: RolePath,
    /// Of the role, the key and the bucket.
    pub tags: Tags,
}

/// A policy that can be a permissions boundary: a managed one of IAM, of the customer's or of AWS's own.
///
/// # Errors
/// `not_a_managed_policy`, and those of [`PolicyArn`].
pub fn parse_boundary(text: &str) -> Result<PolicyArn, Malformed> {
    let policy = PolicyArn::parse(text)?;
    if policy.as_str().split(':').nth(2) == Some("iam") {
        return Ok(policy);
    }
    Err(Malformed::new(
        "not_a_managed_policy",
        "only a managed policy of IAM can be a permissions boundary, such as arn:aws:iam::222222222222:policy/boundary",
    ))
}

/// `/`, or printable ASCII characters between two slashes: at most 512.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
///
/// ```
/// use latchkey::domain::templates::creation::RolePath;
///
/// assert_eq!(RolePath::default().as_str(), "/");
/// assert_eq!(RolePath::parse("/vendors/").unwrap().as_str(), "/vendors/");
/// assert_eq!(RolePath::parse("vendors").unwrap_err().code, "malformed_role_path");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RolePath(String);

impl Default for RolePath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl RolePath {
    /// # Errors
    /// `malformed_role_path`, or `reserved_role_path` for the paths in which only AWS creates roles.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        // An asterisk would be a wildcard in a policy that names the role.
        let allowed = |b: u8| (0x21..0x7f).contains(&b) && b != b'*';
        let is_enclosed = text.starts_with('/') && text.ends_with('/');
        if !is_enclosed || text == "//" || text.len() > 512 || !text.bytes().all(allowed) {
            return Err(Malformed::new(
                "malformed_role_path",
                "a role path starts and ends with /, such as /vendors/, and has at most 512 characters without spaces and asterisks",
            ));
        }
        if ["/aws-service-role/", "/aws-reserved/"]
            .iter()
            .any(|reserved| text.starts_with(reserved))
        {
            return Err(Malformed::new(
                "reserved_role_path",
                "only AWS creates roles in this path; enter another one, such as /vendors/",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(RolePath);

/// Tags, as `key=value` with commas between them. IAM, S3 and KMS accept at most 50 with keys of 1 to 128 and values of up to 256 letters,
/// digits, spaces and characters of `_.:/=+-@`. In IAM, keys that differ only by case are the same.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging.html>,
/// <https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html>
///
/// ```
/// use latchkey::domain::templates::creation::Tags;
///
/// let tags = Tags::parse("Team=Records, Cost center=4711").unwrap();
/// assert_eq!(tags.to_string(), "Team=Records,Cost center=4711");
/// assert_eq!(Tags::parse("aws:team=x").unwrap_err().code, "reserved_tag_key");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    const MOST: usize = 50;

    /// # Errors
    /// `malformed_tags`, `reserved_tag_key`, `duplicate_tag_key`, `too_many_tags`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut tags: Vec<(String, String)> = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let Some((key, value)) = entry.split_once('=') else {
                return Err(Malformed::new(
                    "malformed_tags",
                    format!(
                        "{entry} is not a tag; separate its key and value with =, and tags with commas, such as Team=Records,Stage=prod"
                    ),
                ));
            };
            let (key, value) = (key.trim_end(), value.trim_start());
            let has_length = |text: &str, least, most| (least..=most).contains(&text.chars().count());
            if !has_length(key, 1, 128) || !has_length(value, 0, 256) || !key.chars().chain(value.chars()).all(is_allowed) {
                return Err(Malformed::new(
                    "malformed_tags",
                    format!(
                        "AWS does not accept the tag {entry}: a key has 1 to 128 characters, a value at most 256, and both consist of letters, digits, \
                         spaces and _.:/=+-@"
                    ),
                ));
            }
            if key.to_lowercase().starts_with("aws:") {
                return Err(Malformed::new(
                    "reserved_tag_key",
                    format!("the tag key {key} starts with aws:, which is reserved for AWS"),
                ));
            }
            if tags.iter().any(|(other, _)| other.to_lowercase() == key.to_lowercase()) {
                return Err(Malformed::new(
                    "duplicate_tag_key",
                    format!("there are two tags with the key {key}; upper and lower case do not count"),
                ));
            }
            tags.push((key.to_owned(), value.to_owned()));
        }
        if tags.len() > Self::MOST {
            return Err(Malformed::new(
                "too_many_tags",
                format!("these are {} tags; AWS accepts {}", tags.len(), Self::MOST),
            ));
        }
        Ok(Self(tags))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

impl std::fmt::Display for Tags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (key, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{key}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "malformed_role_path")]
    #[case("//", "malformed_role_path")]
    #[case("/a b/", "malformed_role_path")]
    #[case("/a*/", "malformed_role_path")]
    #[case("/vendors", "malformed_role_path")]
    #[case("/ü/", "malformed_role_path")]
    #[case("/aws-reserved/sso/", "reserved_role_path")]
    fn a_wrong_path_says_what_is_wrong(#[case] text: &str, #[case] code: &str) {
        assert_eq!(RolePath::parse(text).unwrap_err().code, code);
        assert!(RolePath::parse(&format!("/{}/", "a".repeat(510))).is_ok());
        assert!(RolePath::parse(&format!("/{}/", "a".repeat(511))).is_err());
    }

    #[rstest]
    #[case("Team", "malformed_tags")]
    #[case("=x", "malformed_tags")]
    #[case("a=b;c", "malformed_tags")]
    #[case("a=\"b\"", "malformed_tags")]
    #[case("a=b\tc", "malformed_tags")]
    #[case("AWS:x=y", "reserved_tag_key")]
    #[case("team=a,Team=b", "duplicate_tag_key")]
    fn a_wrong_tag_says_what_is_wrong(#[case] text: &str, #[case] code: &str) {
        assert_eq!(Tags::parse(text).unwrap_err().code, code);
    }

    #[test]
    fn the_limits_of_tags_are_awss() {
        let many = |count: usize| (0..count).map(|at| format!("k{at}=v")).collect::<Vec<_>>().join(",");
        assert!(Tags::parse(&many(50)).is_ok());
        assert_eq!(Tags::parse(&many(51)).unwrap_err().code, "too_many_tags");
        let longest = format!("{}={}", "k".repeat(128), "ü".repeat(256));
        assert_eq!(Tags::parse(&longest).unwrap().to_string(), longest);
        assert!(Tags::parse(&format!("{}=", "k".repeat(129))).is_err());
        assert!(Tags::parse(&format!("k={}", "v".repeat(257))).is_err());
        assert_eq!(Tags::parse(" , a = b=c ,").unwrap().iter().collect::<Vec<_>>(), [("a", "b=c")]);
    }

    #[rstest]
    #[case("arn:aws:iam::222222222222:policy/boundary", None)]
    #[case("arn:aws:iam::aws:policy/PowerUserAccess", None)]
    #[case(
        "arn:aws:organizations::222222222222:policy/o-1/service_control_policy/p-1",
        Some("not_a_managed_policy")
    )]
    #[case("arn:aws:iam::222222222222:role/boundary", Some("not_a_policy"))]
    #[case("boundary", Some("not_an_arn"))]
    fn a_boundary_is_a_managed_policy(#[case] text: &str, #[case] code: Option<&str>) {
        assert_eq!(parse_boundary(text).err().map(|fault| fault.code), code);
    }
}
