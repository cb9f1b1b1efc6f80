//! Limits the number of connections of a listener, in total and for each client.

use std::net::IpAddr;

use ipnet::IpNet;
use metrics::{Counter, Gauge, counter, gauge};

use crate::http::middleware::client_address::network;
use crate::http::permits::{Full, Permit, Permits};
use crate::telemetry::metric;

#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    pub total: usize,
    /// For each client address. IPv6 clients are identified by their /64 network.
    pub per_address: usize,
    /// Proxies connect on behalf of many clients, so only the total applies to them.
    pub proxies: Vec<IpNet>,
}

impl ConnectionLimits {
    /// Limits only the total.
    pub fn total(total: usize) -> Self {
        Self {
            total,
            per_address: usize::MAX,
            proxies: Vec::new(),
        }
    }
}

/// Admits connections to a listener.
pub(super) struct Admission {
    per_address: usize,
    proxies: Vec<IpNet>,
    permits: Permits<IpAddr>,
    open: Gauge,
    refused_total: Counter,
    refused_address: Counter,
}

impl Admission {
    pub(super) fn new(listener: &'static str, limits: ConnectionLimits) -> Self {
        let open = gauge!(metric::HTTP_CONNECTIONS.name, "listener" => listener);
        open.set(0.0);
        let refused = |limit: &'static str| {
            let counter = counter!(metric::HTTP_CONNECTIONS_REFUSED.name, "listener" => listener, "limit" => limit);
            counter.absolute(0);
            counter
        };
        Self {
            per_address: limits.per_address,
            proxies: limits.proxies,
            permits: Permits::new(limits.total),
            open,
            refused_total: refused("total"),
            refused_address: refused("address"),
        }
    }

    /// # Errors
    /// When a limit is reached.
    pub(super) fn admit(&self, peer: IpAddr) -> Result<Admitted, Full> {
        let peer = peer.to_canonical();
        let is_proxy = self.proxies.iter().any(|proxies| proxies.contains(&peer));
        let permit = self.permits.take((!is_proxy).then(|| (network(peer), self.per_address)));
        if let Err(full) = permit {
            let refused = match full {
                Full::Total => &self.refused_total,
                Full::Holder => &self.refused_address,
            };
            refused.increment(1);
        }
        permit.map(|permit| {
            self.open.increment(1.0);
            Admitted {
                _permit: permit,
                open: self.open.clone(),
            }
        })
    }
}

/// An admitted connection. Dropping it makes room for another one.
pub(super) struct Admitted {
    _permit: Permit<IpAddr>,
    open: Gauge,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.open.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(total: usize, per_address: usize) -> Admission {
        let limits = ConnectionLimits {
            total,
            per_address,
            proxies: vec!["10.0.0.0/8".parse().unwrap()],
        };
        Admission::new("public", limits)
    }

    fn admit(admission: &Admission, peer: &str) -> Result<Admitted, Full> {
        admission.admit(peer.parse().unwrap())
    }

    #[test]
    fn ipv4_mapped_addresses_count_as_ipv4() {
        let admission = admission(4, 1);
        let _held = admit(&admission, "192.0.2.1");
        assert_eq!(admit(&admission, "::ffff:192.0.2.1").err(), Some(Full::Holder));
        assert!(admit(&admission, "192.0.2.2").is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_limit() {
        let admission = admission(4, 1);
        let _held = admit(&admission, "2001:db8:1:2::1");
        assert_eq!(admit(&admission, "2001:db8:1:2:ffff::2").err(), Some(Full::Holder));
        assert!(admit(&admission, "2001:db8:1:3::1").is_ok());
    }

    #[test]
    fn only_the_total_applies_to_proxies() {
        let admission = admission(3, 1);
        let held: Vec<_> = (0..3).map(|_| admit(&admission, "10.0.0.1")).collect();
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(admit(&admission, "10.0.0.1").err(), Some(Full::Total));
        assert_eq!(admit(&admission, "192.0.2.1").err(), Some(Full::Total));
        drop(held);
        assert!(admit(&admission, "192.0.2.1").is_ok());
    }
}
