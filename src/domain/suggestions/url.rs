//! A URL, split as far as needed here.

use strum::IntoEnumIterator;

use crate::domain::account::AccountId;
use crate::domain::partition::Partition;

/// The bucket and the key in an S3 URI, also as Hadoop writes it.
pub(super) fn s3_uri(text: &str) -> Option<&str> {
    let (scheme, location) = text.split_once("://")?;
    matches!(scheme.to_ascii_lowercase().as_str(), "s3" | "s3a" | "s3n").then_some(location)
}

pub(super) struct Url<'a> {
    /// Without a port.
    pub host: &'a str,
    /// Path, query and fragment.
    pub rest: &'a str,
}

impl<'a> Url<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        is_web.then(|| Self::without_scheme(rest))
    }

    pub(super) fn without_scheme(text: &'a str) -> Self {
        let at = text.find(['/', '?', '#']).unwrap_or(text.len());
        let (host, rest) = text.split_at(at);
        let host = host.rsplit('@').next().unwrap_or_default();
        Self {
            host: host.split(':').next().unwrap_or_default(),
            rest: rest.strip_prefix('/').unwrap_or(rest),
        }
    }

    pub(super) fn is_console(&self) -> bool {
        self.host.contains("console.")
    }

    /// Whether the host is one of AWS's endpoints, in any partition.
    pub(super) fn is_of_aws(&self) -> bool {
        let host = self.host.to_ascii_lowercase();
        Partition::iter().any(|partition| host.strip_suffix(partition.dns_suffix()).is_some_and(|rest| rest.ends_with('.')))
    }

    /// The path segment after this text, in the path or the fragment, because consoles keep paths in both.
    pub(super) fn after(&self, text: &str) -> Option<&'a str> {
        let at = self.rest.find(text)? + text.len();
        let segment = self.rest[at..].split(['/', '?', '#', '&']).next().unwrap_or_default();
        Some(segment).filter(|segment| !segment.is_empty())
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.rest
            .split(['?', '&', '#'])
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .filter(|value| !value.is_empty())
    }

    /// The region in a console's host: `eu-central-1.console.aws.amazon.com`, also after an account's session.
    pub(super) fn region(&self) -> Option<&'a str> {
        let before = self.host.split_once(".console.").or_else(|| self.host.split_once(".signin."))?.0;
        before.rsplit('.').next()
    }

    /// The account in a console's host, which several sessions in one browser have:
    /// `123456789012-abcdefgh.eu-central-1.console.aws.amazon.com`.
    pub(super) fn account(&self) -> Option<AccountId> {
        if !self.is_console() {
            return None;
        }
        AccountId::parse(self.host.split(['-', '.']).next().unwrap_or_default()).ok()
    }
}
