//! ARNs. Each type holds valid ARNs only.

mod bucket;
mod key;
mod policy;
mod role;

pub use bucket::{BucketArn, BucketName};
pub use key::KeyArn;
pub use policy::PolicyArn;
pub use role::{RoleArn, RoleName};

use super::partition::Partition;
use super::text::Malformed;

/// The six parts of any ARN. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
struct Parts<'a> {
    partition: Partition,
    service: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

/// `form` is an example of the expected ARN. Every error ends with it.
fn split<'a>(text: &'a str, form: &str) -> Result<Parts<'a>, Malformed> {
    let mut parts = text.splitn(6, ':');
    let (Some("arn"), Some(partition), Some(service), Some(region), Some(account), Some(resource)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Malformed::new(
            "not_an_arn",
            format!("this is not an ARN; enter one such as {form}"),
        ));
    };
    let partition = partition.parse().map_err(|_| {
        Malformed::new(
            "unknown_partition",
            format!("the ARN has an unknown AWS partition; enter one such as {form}"),
        )
    })?;
    Ok(Parts {
        partition,
        service,
        region,
        account,
        resource,
    })
}
