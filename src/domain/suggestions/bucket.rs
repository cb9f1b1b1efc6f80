//! What is entered instead of a bucket's ARN: its name, an S3 URI, an address, or another ARN.

use super::arn_like::ArnLike;
use super::url::{Url, s3_uri};
use super::{FormContext, Recognized, key};
use crate::domain::arn::BucketName;
use crate::domain::partition::Partition;

const ACCESS_POINT: &str = "the ARN of an access point, which has another name than its bucket";

pub(super) fn recognize(word: &str, around: FormContext) -> Option<Recognized> {
    let found = |kind, partition: Option<Partition>, name: Option<&str>| {
        let partition = partition.unwrap_or_else(|| around.partition());
        let name = name.filter(|name| !name.is_empty());
        let arn = name.map(|name| format!("arn:{partition}:s3:::{}", lowercase(name)));
        let old = name
            .and_then(|name| BucketName::parse(name).err())
            .filter(|wrong| wrong.code == "old_bucket_name");
        Some(Recognized {
            wrong: old,
            ..Recognized::new(kind, arn)
        })
    };
    if let Some(rest) = s3_uri(word) {
        if rest.starts_with("arn:") {
            return recognize(rest, around);
        }
        return found("an S3 URI", None, Some(first_segment(rest)));
    }
    if let Some(url) = Url::read(word) {
        return match of_url(&url) {
            Address::Bucket(name) => found("a web address", None, Some(name)),
            Address::AccessPoint => found("the address of an access point, which has another name than its bucket", None, None),
            Address::Other => found("a web address", None, None),
        };
    }
    if let Some(like) = ArnLike::read(word, &["s3"]) {
        let resource = like.resource.trim_start_matches('/');
        if resource.starts_with("accesspoint/") || resource.starts_with("accesspoint:") {
            return found(ACCESS_POINT, None, None);
        }
        let name = first_segment(resource.rsplit(':').next().unwrap_or_default());
        return found("not a bucket's ARN", like.partition, Some(name));
    }
    if word.contains(':') {
        return None;
    }
    let url = Url::without_scheme(word);
    if url.is_of_aws() {
        return match of_url(&url) {
            Address::Bucket(name) => found("a host name", None, Some(name)),
            Address::AccessPoint => found(
                "the host name of an access point, which has another name than its bucket",
                None,
                None,
            ),
            Address::Other => found("a host name", None, None),
        };
    }
    if key::is_id(word) {
        return found("a key ID", None, None);
    }
    let path = word.strip_prefix('/').unwrap_or(word);
    let (name, prefix) = path.split_once('/').unwrap_or((path, ""));
    let kind = if prefix.is_empty() {
        "a bucket name"
    } else {
        "a bucket name with a prefix"
    };
    match BucketName::parse(name) {
        Err(wrong) if wrong.code == "malformed_bucket_name" => None,
        _ => found(kind, None, Some(name)),
    }
}

/// Capital letters are mostly a typing error. If such a bucket exists, it is an old one, and cannot be submitted.
fn lowercase(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if BucketName::parse(&lower).is_ok() {
        lower
    } else {
        name.to_owned()
    }
}

fn first_segment(path: &str) -> &str {
    path.split(['/', '?', '#']).next().unwrap_or_default()
}

enum Address<'a> {
    Bucket(&'a str),
    AccessPoint,
    Other,
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html>, and the console's own addresses.
fn of_url<'a>(url: &Url<'a>) -> Address<'a> {
    if url.is_console() {
        let paths = ["s3/buckets/", "s3/bucket/", "s3/object/", "s3/upload/", "#/buckets/", "#/bucket/"];
        let name = paths.iter().find_map(|path| url.after(path)).or_else(|| url.parameter("bucket"));
        return name.map_or(Address::Other, Address::Bucket);
    }
    if !url.is_of_aws() {
        return Address::Other;
    }
    let host = url.host;
    if [
        ".s3-accesspoint",
        ".s3-object-lambda",
        ".accesspoint.s3-global",
        ".s3-outposts",
        ".s3express",
        ".s3-control",
    ]
    .iter()
    .any(|part| host.contains(part))
    {
        return Address::AccessPoint;
    }
    // A bucket's name can contain ".s3." itself.
    let at = [".s3.", ".s3-"].iter().filter_map(|part| host.rfind(part)).max();
    if let Some(at) = at {
        return Address::Bucket(&host[..at]);
    }
    let name = first_segment(url.rest);
    if (host.starts_with("s3.") || host.starts_with("s3-")) && !name.is_empty() {
        return Address::Bucket(name);
    }
    Address::Other
}
