//! The client's address: the peer's, or the one that trusted proxies report.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// The client's address. `X-Forwarded-For` from an untrusted peer is ignored.
pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer(extensions);
    // Each proxy appends its peer's address, so the list is read from the end for as long as the reporting proxy is trusted.
    let named: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for name in named.into_iter().rev() {
        if !is_trusted(&client) {
            break;
        }
        let Some(address) = parse(name.trim()) else { break };
        client = address.to_canonical();
    }
    client
}

/// Whether a trusted proxy received the request over https. A proxy replaces the header, or its own is the last value.
pub(crate) fn is_forwarded_https(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let last = headers.get_all("x-forwarded-proto").iter().next_back();
    let scheme = last.and_then(|value| value.to_str().ok()?.rsplit(',').next());
    let peer = peer(extensions);
    scheme.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https")) && trusted.iter().any(|network| network.contains(&peer))
}

fn peer(extensions: &Extensions) -> IpAddr {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(Ipv6Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip().to_canonical())
}

/// Some proxies add the port, and write IPv6 addresses in brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']');
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    bare().unwrap_or(text).parse().ok().or_else(with_port)
}

/// Clients of one network are counted together, because a client with an IPv6 address usually has a whole /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            [a, b, c, d, 0, 0, 0, 0].into()
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn request(peer: &str, name: &'static str, values: &[&str]) -> (Extensions, HeaderMap) {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1234)));
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        (extensions, headers)
    }

    #[rstest]
    #[case("10.0.0.1", &[], "10.0.0.1")]
    #[case("10.0.0.1", &["203.0.113.9"], "203.0.113.9")]
    #[case("10.0.0.1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9")]
    #[case("10.0.0.1", &["203.0.113.9, 10.0.0.2"], "203.0.113.9")]
    #[case("10.0.0.1", &["203.0.113.9", "10.0.0.2"], "203.0.113.9")]
    #[case("10.0.0.1", &["203.0.113.9, nonsense"], "10.0.0.1")]
    #[case("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9")]
    #[case("10.0.0.1", &["203.0.113.9:4711, 10.0.0.2:80"], "203.0.113.9")]
    #[case("10.0.0.1", &["203.0.113.9:99999"], "10.0.0.1")]
    #[case("10.0.0.1", &["2001:db8::1"], "2001:db8::1")]
    #[case("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1")]
    #[case("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1")]
    #[case("10.0.0.1", &["[::ffff:203.0.113.9]:4711"], "203.0.113.9")]
    #[case("198.51.100.7", &["203.0.113.9"], "198.51.100.7")]
    #[case("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9")]
    fn only_trusted_proxies_are_believed(#[case] peer: &str, #[case] forwarded: &[&str], #[case] client: &str) {
        let (extensions, headers) = request(peer, "x-forwarded-for", forwarded);
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(of(&extensions, &headers, &trusted), client.parse::<IpAddr>().unwrap());
    }

    #[rstest]
    #[case("10.0.0.1", &["https"], true)]
    #[case("10.0.0.1", &["http, HTTPS"], true)]
    #[case("10.0.0.1", &["https", "http"], false)]
    #[case("10.0.0.1", &["https, http"], false)]
    #[case("10.0.0.1", &[], false)]
    #[case("198.51.100.7", &["https"], false)]
    fn https_is_what_a_trusted_proxy_says_last(#[case] peer: &str, #[case] forwarded: &[&str], #[case] https: bool) {
        let (extensions, headers) = request(peer, "x-forwarded-proto", forwarded);
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(is_forwarded_https(&extensions, &headers, &trusted), https);
    }

    #[test]
    fn addresses_of_one_network_share() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
