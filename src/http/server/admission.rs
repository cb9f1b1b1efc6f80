//! Limits the number of connections of a listener and the rate of TLS handshakes, in total and for each client.

use std::net::IpAddr;

use ipnet::IpNet;
use metrics::{Counter, Gauge, counter, gauge};

use crate::http::middleware::client_address::network;
use crate::http::permits::{Full, Permit, Permits};
use crate::rate_limiter::Limiter;
use crate::telemetry::metric;

#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    pub total: usize,
    /// For each client address. IPv6 clients are identified by their /64 network.
    pub per_address: usize,
    /// Proxies connect on behalf of many clients, so only the total applies to them.
    pub proxies: Vec<IpNet>,
    /// Of a listener with TLS. If None, they are not limited.
    pub handshakes: Option<HandshakeRates>,
}

/// TLS handshakes per second. Each takes about a millisecond of a processor, which the listeners of a process share, and a client can
/// begin one without a request.
#[derive(Debug, Clone, Copy)]
pub struct HandshakeRates {
    pub total: u32,
    pub per_address: u32,
}

impl HandshakeRates {
    /// About half of a processor, and more than a browser or an office needs.
    pub const PUBLIC: Self = Self {
        total: 500,
        per_address: 20,
    };
    /// How many seconds' worth can be used at once.
    const BURST_SECONDS: u32 = 4;
}

impl ConnectionLimits {
    /// Limits only the total.
    pub fn total(total: usize) -> Self {
        Self {
            total,
            per_address: usize::MAX,
            proxies: Vec::new(),
            handshakes: None,
        }
    }
}

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Full(Full),
    /// There are too many TLS handshakes per second.
    Handshakes,
}

#[derive(Debug)]
struct Handshakes {
    total: Limiter<()>,
    addresses: Limiter<IpAddr>,
}

impl Handshakes {
    fn new(rates: HandshakeRates) -> Self {
        let limiter = |rate: u32| (rate, rate.saturating_mul(HandshakeRates::BURST_SECONDS));
        let (total, address) = (limiter(rates.total), limiter(rates.per_address));
        Self {
            total: Limiter::per_second(total.0, total.1),
            addresses: Limiter::per_second(address.0, address.1),
        }
    }

    /// The total is asked last, so that an address above its own rate takes nothing from the others.
    fn are_allowed(&self, address: Option<IpAddr>) -> bool {
        address.is_none_or(|address| self.addresses.check(&address).is_ok()) && self.total.check(&()).is_ok()
    }
}

/// Admits connections to a listener.
pub(super) struct Admission {
    per_address: usize,
    proxies: Vec<IpNet>,
    permits: Permits<IpAddr>,
    handshakes: Option<Handshakes>,
    open: Gauge,
    refused_total: Counter,
    refused_address: Counter,
    refused_handshakes: Counter,
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
            handshakes: limits.handshakes.map(Handshakes::new),
            open,
            refused_total: refused("total"),
            refused_address: refused("address"),
            refused_handshakes: refused("handshakes"),
        }
    }

    /// # Errors
    /// When a limit is reached.
    pub(super) fn admit(&self, peer: IpAddr) -> Result<Admitted, Refused> {
        let admitted = self.take(peer.to_canonical());
        if let Err(refused) = admitted {
            let counter = match refused {
                Refused::Full(Full::Total) => &self.refused_total,
                Refused::Full(Full::Holder) => &self.refused_address,
                Refused::Handshakes => &self.refused_handshakes,
            };
            counter.increment(1);
        }
        admitted.map(|permit| {
            self.open.increment(1.0);
            Admitted {
                _permit: permit,
                open: self.open.clone(),
            }
        })
    }

    fn take(&self, peer: IpAddr) -> Result<Permit<IpAddr>, Refused> {
        let is_proxy = self.proxies.iter().any(|proxies| proxies.contains(&peer));
        let client = (!is_proxy).then(|| network(peer));
        let permit = self
            .permits
            .take(client.map(|client| (client, self.per_address)))
            .map_err(Refused::Full)?;
        match &self.handshakes {
            Some(handshakes) if !handshakes.are_allowed(client) => Err(Refused::Handshakes),
            _ => Ok(permit),
        }
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
            handshakes: None,
        };
        Admission::new("public", limits)
    }

    fn admit(admission: &Admission, peer: &str) -> Result<Admitted, Refused> {
        admission.admit(peer.parse().unwrap())
    }

    #[test]
    fn ipv4_mapped_addresses_count_as_ipv4() {
        let admission = admission(4, 1);
        let _held = admit(&admission, "192.0.2.1");
        assert_eq!(admit(&admission, "::ffff:192.0.2.1").err(), Some(Refused::Full(Full::Holder)));
        assert!(admit(&admission, "192.0.2.2").is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_limit() {
        let admission = admission(4, 1);
        let _held = admit(&admission, "2001:db8:1:2::1");
        assert_eq!(admit(&admission, "2001:db8:1:2:ffff::2").err(), Some(Refused::Full(Full::Holder)));
        assert!(admit(&admission, "2001:db8:1:3::1").is_ok());
    }

    #[test]
    fn only_the_total_applies_to_proxies() {
        let admission = admission(3, 1);
        let held: Vec<_> = (0..3).map(|_| admit(&admission, "10.0.0.1")).collect();
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(admit(&admission, "10.0.0.1").err(), Some(Refused::Full(Full::Total)));
        assert_eq!(admit(&admission, "192.0.2.1").err(), Some(Refused::Full(Full::Total)));
        drop(held);
        assert!(admit(&admission, "192.0.2.1").is_ok());
    }

    #[test]
    fn handshakes_are_limited_for_each_address_and_in_total() {
        let limits = ConnectionLimits {
            proxies: vec!["10.0.0.0/8".parse().unwrap()],
            handshakes: Some(HandshakeRates { total: 5, per_address: 2 }),
            ..ConnectionLimits::total(1000)
        };
        let admission = Admission::new("public", limits);
        // They may use four seconds' worth at once, and closing the connection gives nothing back.
        let admitted = |peer: &str| (0..100).filter(|_| admit(&admission, peer).is_ok()).count();
        assert_eq!(admitted("192.0.2.1"), 8);
        assert_eq!(admit(&admission, "192.0.2.1").err(), Some(Refused::Handshakes));
        assert_eq!(admitted("2001:db8:1:2::1"), 8, "another address has its own");
        assert_eq!(admitted("10.0.0.1"), 4, "only the total applies to proxies");
        assert_eq!(admit(&admission, "192.0.2.2").err(), Some(Refused::Handshakes));
    }
}
