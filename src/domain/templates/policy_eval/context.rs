//! What is known of a call's condition keys before it is made.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>,
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>

use chrono::{DateTime, TimeDelta, Utc};

use ipnet::IpNet;

use crate::domain::arn::RoleArn;
use crate::domain::vendor_network::CallOrigin;

/// A caller and its calls.
#[derive(Debug, Clone)]
pub(crate) struct PolicyCaller<'a> {
    pub role: &'a RoleArn,
    /// Possible values of the caller's session tag. If empty, the session has no such tag.
    pub tags: Vec<&'a str>,
    pub tag: &'a str,
    pub actions: Vec<String>,
    /// The resources of the calls: a bucket's ARN, a pattern of objects, or `*` for the key itself.
    pub resources: Vec<String>,
    /// The account of the bucket or the key, if it is known.
    pub resource_account: Option<&'a str>,
    /// The region of the bucket or the key, if it is known.
    pub region: Option<&'a str>,
    pub origin: CallOrigin<'a>,
    /// The calls are made from now on.
    pub now: DateTime<Utc>,
    /// Whether `${` begins a policy variable. Before the version `2012-10-17` of the policy language it was text.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
    pub has_variables: bool,
}

/// What a condition key has for a value in the calls of a caller.
pub(super) enum KeyValue<'a> {
    /// It depends.
    Unknown,
    /// One of these. None of them if the key is absent.
    Known(Vec<&'a str>),
    /// This, or absent: it is not known which.
    Perhaps(&'a str),
    /// Absent in direct calls. Those that S3 makes on the caller's behalf have it.
    OfS3Only,
    /// One of these addresses.
    Addresses(IpNet),
    /// A time, at the earliest this one.
    NotBefore(DateTime<Utc>),
}

/// The longest session of a role. <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage-assume.html>
const LONGEST_SESSION: TimeDelta = TimeDelta::hours(12);

/// The keys that are absent in every call of Latchkey: it sends no such headers, and its sessions have no such property.
const ABSENT: [&str; 12] = [
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceowner",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:username",
    "aws:tagkeys",
    "aws:multifactorauthage",
    "kms:requestalias",
    "s3:requestobjecttagkeys",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
];

/// The beginnings of more such keys.
const ABSENT_KINDS: [&str; 3] = ["aws:requesttag/", "s3:requestobjecttag/", "s3:x-amz-"];

/// The header with a key of its own that every request has.
const SENT: &str = "s3:x-amz-content-sha256";

/// Keys of requests through a VPC endpoint. Over the internet they are absent.
const OF_ENDPOINT: [&str; 6] = [
    "aws:sourcevpce",
    "aws:sourcevpc",
    "aws:vpcsourceip",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
];

/// The value of a key that describes where a call comes from. None for other keys. Calls of S3 have none of an endpoint, and the address of
/// a service.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-aws.html#conditions-aws-ip-address>
fn of_network<'a>(key: &str, origin: CallOrigin<'a>) -> Option<KeyValue<'a>> {
    let of_endpoint = OF_ENDPOINT.contains(&key);
    Some(match (key, origin) {
        ("aws:sourceip" | "aws:viaawsservice", CallOrigin::Anywhere) | ("aws:sourceip", CallOrigin::S3) => KeyValue::Unknown,
        ("aws:viaawsservice", CallOrigin::S3) => KeyValue::Known(vec!["true"]),
        ("aws:viaawsservice", _) => KeyValue::Known(vec!["false"]),
        ("aws:sourceip", CallOrigin::Addresses(network)) => KeyValue::Addresses(network),
        ("aws:sourceip", CallOrigin::Endpoint(_) | CallOrigin::Organization(_)) => KeyValue::Known(Vec::new()),
        ("aws:sourcevpce", CallOrigin::Endpoint(endpoint)) => KeyValue::Known(vec![endpoint.as_str()]),
        ("aws:vpceorgid", CallOrigin::Organization(organization)) => KeyValue::Known(vec![organization.as_str()]),
        (_, CallOrigin::Addresses(_) | CallOrigin::S3) if of_endpoint => KeyValue::Known(Vec::new()),
        _ if of_endpoint => KeyValue::Unknown,
        _ => return None,
    })
}

/// The names of keys are case-insensitive.
pub(super) fn value_of<'a>(key: &str, caller: &'a PolicyCaller) -> KeyValue<'a> {
    let key = key.to_ascii_lowercase();
    if key == format!("aws:principaltag/{}", caller.tag) {
        return KeyValue::Known(caller.tags.clone());
    }
    let is_absent = ABSENT.contains(&key.as_str()) || ABSENT_KINDS.iter().any(|kind| key.starts_with(kind));
    if is_absent && key != SENT {
        return KeyValue::Known(Vec::new());
    }
    if let Some(value) = of_network(&key, caller.origin) {
        return value;
    }
    let known = |value: Option<&'a str>| value.map_or(KeyValue::Unknown, |value| KeyValue::Known(vec![value]));
    known(Some(match key.as_str() {
        "aws:securetransport" => "true",
        "aws:principalisawsservice" => "false",
        "aws:principaltype" => "AssumedRole",
        "aws:principalarn" => caller.role.as_str(),
        "aws:principalaccount" | "kms:calleraccount" => caller.role.account().as_str(),
        "s3:signatureversion" => "AWS4-HMAC-SHA256",
        "s3:authtype" => "REST-HEADER",
        "aws:resourceaccount" | "s3:resourceaccount" => return known(caller.resource_account),
        "aws:requestedregion" => return known(caller.region),
        // Sessions that were made with MFA have it as true. Those of a role by a role are not made so.
        "aws:multifactorauthpresent" => return KeyValue::Perhaps("false"),
        "aws:currenttime" | "aws:epochtime" => return KeyValue::NotBefore(caller.now),
        "aws:tokenissuetime" => return KeyValue::NotBefore(caller.now - LONGEST_SESSION),
        // S3 accepts nothing older: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/network-isolation.html>.
        "s3:tlsversion" => return KeyValue::Known(vec!["1.2", "1.3"]),
        "kms:viaservice" => return KeyValue::OfS3Only,
        _ => return KeyValue::Unknown,
    }))
}
