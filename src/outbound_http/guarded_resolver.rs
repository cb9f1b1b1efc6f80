//! Resolves names, and hands out those of their addresses alone that may be reached. Whoever connects uses these, so that a name
//! which leads elsewhere a moment later changes nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::domain::webhook::target::AllowedNetworks;

#[derive(Debug)]
pub struct GuardedResolver {
    pub allowed: Arc<AllowedNetworks>,
    /// Only what a setting names may be reached.
    pub named_only: bool,
}

/// A name has addresses, and none of them may be reached.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to addresses that may not be reached")]
pub struct BlockedAddress;

pub fn may_be_reached(allowed: &AllowedNetworks, address: IpAddr, named_only: bool) -> bool {
    if named_only {
        allowed.names(address)
    } else {
        allowed.permits(address)
    }
}

impl GuardedResolver {
    fn judge(&self, found: impl Iterator<Item = SocketAddr>) -> Result<Addrs, BlockedAddress> {
        let good: Vec<SocketAddr> = found
            .filter(|found| may_be_reached(&self.allowed, found.ip(), self.named_only))
            .collect();
        if good.is_empty() {
            return Err(BlockedAddress);
        }
        Ok(Box::new(good.into_iter()))
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let judge = Self {
            allowed: self.allowed.clone(),
            named_only: self.named_only,
        };
        Box::pin(async move {
            // The port is the URL's, and put in later.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(judge.judge(found)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(found: &[&str], allowed: &str, named_only: bool) -> Option<Vec<String>> {
        let judge = GuardedResolver {
            allowed: Arc::new(AllowedNetworks(
                allowed.split_whitespace().map(|net| net.parse().unwrap()).collect(),
            )),
            named_only,
        };
        let found: Vec<SocketAddr> = found.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
        let good = judge.judge(found.into_iter()).ok()?;
        Some(good.map(|address| address.ip().to_string()).collect())
    }

    #[test]
    fn of_a_names_addresses_the_judged_ones_alone_are_used() {
        assert_eq!(judge(&["10.0.0.1", "8.8.8.8", "::1"], "", false), Some(vec!["8.8.8.8".into()]));
        assert_eq!(judge(&["127.0.0.1", "::1"], "", false), None);
        assert_eq!(judge(&["127.0.0.1", "::1"], "127.0.0.0/8", false), Some(vec!["127.0.0.1".into()]));
        assert_eq!(judge(&["8.8.8.8"], "127.0.0.0/8", true), None);
        assert_eq!(
            judge(&["8.8.8.8", "127.0.0.1"], "127.0.0.0/8", true),
            Some(vec!["127.0.0.1".into()])
        );
        assert_eq!(judge(&[], "", false), None);
    }
}
