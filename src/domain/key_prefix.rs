//! Prefixes of object keys.

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
    /// `malformed_prefix`, `prefix_of_nothing`, `prefix_starts_with_slash`, `prefix_too_long`, `prefix_without_slash`
    pub fn parse(text: &str) -> Result<Self, Malformed> {
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
        for (bad, code) in [
            ("", "malformed_prefix"),
            ("*/", "malformed_prefix"),
            ("a//b/", "malformed_prefix"),
            ("/", "prefix_of_nothing"),
            ("/documents/", "prefix_starts_with_slash"),
            ("documents", "prefix_without_slash"),
            (&format!("{}/", "p".repeat(200)), "prefix_too_long"),
        ] {
            assert_eq!(StoragePrefix::parse(bad).unwrap_err().code, code, "{bad:?}");
        }
    }
}
