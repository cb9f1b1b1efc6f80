//! What is entered instead of a prefix, and the prefix in what is entered for a bucket.

use super::url::{self, Url};
use crate::domain::arn::BucketName;
use crate::domain::key_prefix::StoragePrefix;
use crate::domain::text::Malformed;

/// The error of a prefix, with the folder that was probably meant: by a name without a slash, a pattern, an S3 URI or the ARN of objects.
pub(crate) fn explain_prefix(text: &str, malformed: Malformed) -> Malformed {
    let path = path_in_bucket(text).unwrap_or(text);
    let folders: Vec<&str> = path.trim_end_matches('*').split('/').filter(|folder| !folder.is_empty()).collect();
    match StoragePrefix::parse(&format!("{}/", folders.join("/"))) {
        Ok(meant) => malformed.suggest(meant.as_str()),
        Err(_) => malformed,
    }
}

/// The prefix in an S3 URI, in an ARN of objects or after a bucket's name, up to the last slash: what follows may be the name of an object.
pub(crate) fn prefix_in(location: &str) -> Option<StoragePrefix> {
    let after_name = || {
        let (name, path) = location.split_once('/')?;
        let is_bucket = BucketName::parse(name).is_ok() && !Url::without_scheme(location).is_of_aws();
        is_bucket.then_some(path)
    };
    let path = path_in_bucket(location).or_else(after_name)?;
    let end = path.rfind('/')? + 1;
    StoragePrefix::parse(&path[..end]).ok()
}

/// What follows the bucket's name in an S3 URI or an ARN.
fn path_in_bucket(text: &str) -> Option<&str> {
    let location = url::s3_uri(text).or_else(|| text.split_once(":::").map(|(_, location)| location))?;
    location.split_once('/').map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_that_was_meant_is_offered() {
        for (bad, meant) in [
            ("documents", Some("documents/")),
            ("/documents/", Some("documents/")),
            ("documents/*", Some("documents/")),
            ("a//b/", Some("a/b/")),
            ("s3://acme/documents/", Some("documents/")),
            ("arn:aws:s3:::acme/documents/*", Some("documents/")),
            ("", None),
            ("/", None),
            ("*/", None),
        ] {
            let malformed = explain_prefix(bad, StoragePrefix::parse(bad).unwrap_err());
            assert_eq!(malformed.suggestion.as_deref(), meant, "{bad:?}");
        }
    }

    #[test]
    fn a_location_can_contain_a_prefix() {
        for (location, prefix) in [
            ("s3://acme/documents/2026/", Some("documents/2026/")),
            ("s3://acme/documents/file.pdf", Some("documents/")),
            ("arn:aws:s3:::acme/documents/*", Some("documents/")),
            ("acme/documents/", Some("documents/")),
            ("acme", None),
            ("s3://acme", None),
            ("s3://acme/", None),
            ("s3://acme/file.pdf", None),
            ("arn:aws:s3:::acme/*", None),
            ("https://s3.console.aws.amazon.com/s3/buckets/acme?region=eu-central-1", None),
            ("s3.eu-central-1.amazonaws.com/acme/documents/", None),
        ] {
            let found = prefix_in(location).map(|prefix| prefix.to_string());
            assert_eq!(found.as_deref(), prefix, "{location}");
        }
    }
}
