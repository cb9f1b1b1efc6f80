//! What is entered instead of a key's ARN: its ID, an address, or a damaged ARN.

use super::arn_like::ArnLike;
use super::url::Url;
use super::{FormContext, Recognized};
use crate::domain::account::AccountId;
use crate::domain::arn::KeyArn;
use crate::domain::partition::Partition;
use crate::domain::region::Region;

pub(super) fn recognize(word: &str, around: FormContext) -> Option<Recognized> {
    let found = |kind, like: &Parts, id: Option<&str>| {
        let region = like.region.as_ref().or(around.region);
        let account = like.account.as_ref().or(around.account);
        let arn = id.zip(region).zip(account).map(|((id, region), account)| {
            let partition = like.partition.unwrap_or_else(|| around.partition());
            format!("arn:{partition}:kms:{region}:{account}:key/{}", id.to_ascii_lowercase())
        });
        Some(Recognized::new(kind, arn))
    };
    if let Some(url) = Url::read(word) {
        let region = url.parameter("region").or_else(|| url.region());
        let parts = Parts {
            partition: None,
            region: region.and_then(|code| Region::parse(code).ok()),
            account: url.account(),
        };
        return found("a web address", &parts, url.after("kms/keys/").filter(|id| is_id(id)));
    }
    if let Some(like) = ArnLike::read(word, &["kms"]) {
        let resource = like.resource.trim_end_matches('/');
        let lower = resource.to_ascii_lowercase();
        let id = ["key/", "key:", "keys/"]
            .iter()
            .find_map(|kind| lower.strip_prefix(kind))
            .unwrap_or(&lower);
        let parts = Parts {
            partition: like.partition,
            region: like.region,
            account: like.account,
        };
        return is_id(id).then(|| found("not a key's ARN", &parts, Some(id))).flatten();
    }
    let lower = word.to_ascii_lowercase();
    let id = lower.strip_prefix("key/").unwrap_or(&lower);
    if is_id(id) {
        return found("a key ID", &Parts::default(), Some(id));
    }
    None
}

/// What a text says of the key besides its ID.
#[derive(Default)]
struct Parts {
    partition: Option<Partition>,
    region: Option<Region>,
    account: Option<AccountId>,
}

/// Whether this is a key ID, in upper or lower case.
pub(super) fn is_id(text: &str) -> bool {
    KeyArn::parse(&text.to_ascii_lowercase()).is_err_and(|malformed| malformed.code == "key_id_without_arn")
}
