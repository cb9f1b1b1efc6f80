//! A DNS resolver that returns only addresses that may be connected to.
//!
//! The client connects to exactly these addresses, so a name that resolves differently a moment later (DNS rebinding) has
//! no effect.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::domain::webhook::target::AllowedNetworks;

#[derive(Debug)]
pub(crate) struct GuardedResolver {
    pub allowed: Arc<AllowedNetworks>,
    /// Reach only networks that the settings allow explicitly.
    pub named_only: bool,
}

/// The name has addresses, but none that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves only to blocked addresses")]
pub(crate) struct BlockedAddress;

pub(crate) fn is_allowed(allowed: &AllowedNetworks, address: IpAddr, named_only: bool) -> bool {
    if named_only {
        allowed.names(address)
    } else {
        allowed.permits(address)
    }
}

impl GuardedResolver {
    fn filter(&self, resolved: impl Iterator<Item = SocketAddr>) -> Result<Addrs, BlockedAddress> {
        let allowed: Vec<SocketAddr> = resolved
            .filter(|address| is_allowed(&self.allowed, address.ip(), self.named_only))
            .collect();
        if allowed.is_empty() {
            return Err(BlockedAddress);
        }
        Ok(Box::new(allowed.into_iter()))
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Self {
            allowed: self.allowed.clone(),
            named_only: self.named_only,
        };
        Box::pin(async move {
            // The client sets the port from the URL later.
            let resolved = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(guard.filter(resolved)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(found: &[&str], allowed: &str, named_only: bool) -> Option<Vec<String>> {
        let resolver = GuardedResolver {
            allowed: Arc::new(AllowedNetworks(
                allowed.split_whitespace().map(|net| net.parse().unwrap()).collect(),
            )),
            named_only,
        };
        let found: Vec<SocketAddr> = found.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
        let good = resolver.filter(found.into_iter()).ok()?;
        Some(good.map(|address| address.ip().to_string()).collect())
    }

    #[test]
    fn only_allowed_addresses_of_a_name_are_used() {
        assert_eq!(filter(&["10.0.0.1", "8.8.8.8", "::1"], "", false), Some(vec!["8.8.8.8".into()]));
        assert_eq!(filter(&["127.0.0.1", "::1"], "", false), None);
        assert_eq!(filter(&["127.0.0.1", "::1"], "127.0.0.0/8", false), Some(vec!["127.0.0.1".into()]));
        assert_eq!(filter(&["8.8.8.8"], "127.0.0.0/8", true), None);
        assert_eq!(
            filter(&["8.8.8.8", "127.0.0.1"], "127.0.0.0/8", true),
            Some(vec!["127.0.0.1".into()])
        );
        assert_eq!(filter(&[], "", false), None);
    }
}
