//! A text that resembles an ARN: parts are missing, too many or in the wrong place.

use crate::domain::account::AccountId;
use crate::domain::partition::Partition;
use crate::domain::region::Region;

/// What can be read from it.
pub(super) struct ArnLike<'a> {
    pub partition: Option<Partition>,
    pub region: Option<Region>,
    pub account: Option<AccountId>,
    /// What follows the service, the region and the account.
    pub resource: &'a str,
}

impl<'a> ArnLike<'a> {
    /// Reads a text in which one of these services is a part.
    pub(super) fn read(text: &'a str, services: &[&str]) -> Option<Self> {
        let mut parts = text.split(':').scan(0, |at, part| {
            let start = *at;
            *at += part.len() + 1;
            Some((start, part))
        });
        let mut partition = None;
        let service = parts.by_ref().find(|(_, part)| {
            partition = partition.or_else(|| part.to_ascii_lowercase().parse().ok());
            services.iter().any(|service| part.eq_ignore_ascii_case(service))
        });
        let (start, name) = service?;
        let mut resource = start + name.len() + 1;
        let (mut region, mut account) = (None, None);
        for (start, part) in parts {
            let digits: String = part.chars().filter(|c| *c != '-').collect();
            if part.is_empty() {
            } else if let Ok(id) = AccountId::parse(&digits) {
                account = Some(id);
            } else if let Ok(code) = Region::parse(&part.to_ascii_lowercase())
                && region.is_none()
                && start + part.len() < text.len()
            {
                region = Some(code);
            } else {
                resource = start;
                break;
            }
            resource = start + part.len() + 1;
        }
        Some(Self {
            partition,
            region,
            account,
            resource: text.get(resource..).unwrap_or_default(),
        })
    }
}
