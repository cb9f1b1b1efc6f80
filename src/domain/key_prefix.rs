//! Prefixes of object keys.

use super::arn::BucketName;
use super::text::{Malformed, checked_text};

/// A prefix of object keys: 1 to 256 visible ASCII characters, none of which has a special meaning in policies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// # Errors
    /// `malformed_prefix`. A session policy has at most 2,048 characters, and contains the prefix twice.
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let allowed = |c: char| (' '..='~').contains(&c) && !matches!(c, '*' | '?' | '$' | '"' | '\\');
        if !(1..=256).contains(&text.len()) || !text.chars().all(allowed) {
            return Err(Malformed::new(
                "malformed_prefix",
                "a prefix consists of 1 to 256 ASCII characters without * ? $ \" and \\, such as invoices/2026/",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(KeyPrefix);

/// The prefix of all keys of a storage config, such as `documents/`. It ends with a slash, so that two prefixes of one bucket overlap only
/// if one is a folder of the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoragePrefix(KeyPrefix);

impl StoragePrefix {
    /// What comes after it in the session policy of a verification must have room, too.
    const LONGEST: usize = 200;

    /// # Errors
    /// `malformed_prefix`, `prefix_of_nothing`, `prefix_starts_with_slash`, `prefix_too_long`, `prefix_without_slash`. The prefix that was probably meant is
    /// suggested.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::check(text).map_err(|malformed| match Self::meant_by(text) {
            Some(meant) => malformed.suggest(meant.as_str()),
            None => malformed,
        })
    }

    fn check(text: &str) -> Result<Self, Malformed> {
        if text.trim_matches('/').is_empty() && !text.is_empty() {
            return Err(Malformed::new("prefix_of_nothing", "omit the prefix to use the whole bucket"));
        }
        let prefix = KeyPrefix::parse(text)?;
        if text.len() > Self::LONGEST {
            return Err(Malformed::new(
                "prefix_too_long",
                format!("a prefix has at most {} characters", Self::LONGEST),
            ));
        }
        if text.starts_with('/') {
            return Err(Malformed::new("prefix_starts_with_slash", "object keys do not start with a slash"));
        }
        if !text.ends_with('/') {
            return Err(Malformed::new(
                "prefix_without_slash",
                "a prefix ends with a slash, or it would also apply to other folders that begin like this",
            ));
        }
        if text.contains("//") {
            return Err(Malformed::new(
                "malformed_prefix",
                "a prefix contains no empty folder names; remove the second slash",
            ));
        }
        Ok(Self(prefix))
    }

    /// The folder that a prefix without a slash, a pattern, an S3 URI or the ARN of objects stands for.
    fn meant_by(text: &str) -> Option<Self> {
        let path = Self::path_in_bucket(text).unwrap_or(text);
        let folders: Vec<&str> = path.trim_end_matches('*').split('/').filter(|folder| !folder.is_empty()).collect();
        Self::check(&format!("{}/", folders.join("/"))).ok()
    }

    /// What follows the bucket's name in an S3 URI or an ARN.
    fn path_in_bucket(text: &str) -> Option<&str> {
        let uri = text
            .split_once("://")
            .filter(|(scheme, _)| matches!(scheme.to_ascii_lowercase().as_str(), "s3" | "s3a" | "s3n"));
        let (_, location) = uri.or_else(|| text.split_once(":::"))?;
        let (_, path) = location.split_once('/')?;
        Some(path)
    }

    /// The prefix in an S3 URI, in an ARN of objects or after a bucket's name, up to the last slash: what follows may be the name of an object.
    pub(crate) fn of_location(text: &str) -> Option<Self> {
        let after_name = || {
            let (name, path) = text.split_once('/')?;
            let is_host = name.contains("amazonaws") || name.contains("aws.amazon");
            (BucketName::parse(name).is_ok() && !is_host).then_some(path)
        };
        let path = Self::path_in_bucket(text).or_else(after_name)?;
        let end = path.rfind('/')? + 1;
        Self::check(&path[..end]).ok()
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether all keys with that prefix, or this object, are below this one.
    pub fn contains(&self, key: &str) -> bool {
        key.starts_with(self.as_str())
    }
}
checked_text!(StoragePrefix);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_with_a_meaning_in_policies_are_rejected() {
        for bad in ["", "a*", "a?", "${aws:userid}", "a\"b", "a\\b", "é", "a\n", &"p".repeat(257)] {
            assert_eq!(KeyPrefix::parse(bad).unwrap_err().code, "malformed_prefix", "{bad:?}");
        }
    }

    #[test]
    fn the_prefix_of_a_storage_config_is_a_folder() {
        for good in ["a/", "documents/", "teams/a b/documents/"] {
            assert_eq!(StoragePrefix::parse(good).unwrap().as_str(), good);
        }
        for (bad, code, meant) in [
            ("", "malformed_prefix", None),
            ("*/", "malformed_prefix", None),
            ("documents/*", "malformed_prefix", Some("documents/")),
            ("s3://acme/documents/", "malformed_prefix", Some("documents/")),
            ("/", "prefix_of_nothing", None),
            ("/documents/", "prefix_starts_with_slash", Some("documents/")),
            ("documents", "prefix_without_slash", Some("documents/")),
            ("a//b/", "malformed_prefix", Some("a/b/")),
            (&format!("{}/", "p".repeat(200)), "prefix_too_long", None),
        ] {
            let malformed = StoragePrefix::parse(bad).unwrap_err();
            assert_eq!((malformed.code, malformed.suggestion.as_deref()), (code, meant), "{bad:?}");
        }
    }

    #[test]
    fn a_location_can_contain_a_prefix() {
        let of = |text| StoragePrefix::of_location(text).map(|prefix| prefix.to_string());
        assert_eq!(of("s3://acme/documents/2026/").as_deref(), Some("documents/2026/"));
        assert_eq!(of("arn:aws:s3:::acme/documents/*").as_deref(), Some("documents/"));
        assert_eq!(of("acme/documents/").as_deref(), Some("documents/"));
        assert_eq!(of("s3://acme/documents/file.pdf").as_deref(), Some("documents/"));
        for none in [
            "https://s3.console.aws.amazon.com/s3/buckets/acme?region=eu-central-1",
            "s3.eu-central-1.amazonaws.com/acme/documents/",
            "acme",
            "s3://acme",
            "s3://acme/",
            "arn:aws:s3:::acme/*",
            "s3://acme/file.pdf",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
