//! The URLs that webhooks may use: https to public addresses only, unless a setting allows others. Latchkey runs inside the
//! vendor's network, so a webhook URL must not reach internal services (SSRF).

use std::fmt;
use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use url::{Host, Url};

use crate::domain::text::Malformed;

/// Networks that are not part of the public internet, or lead into another network.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>, <https://www.iana.org/assignments/iana-ipv6-special-registry>
const REFUSED: [&str; 27] = [
    "0.0.0.0/8",        // this host
    "10.0.0.0/8",       // private
    "100.64.0.0/10",    // behind a provider's address translation
    "127.0.0.0/8",      // loopback
    "168.63.129.16/32", // a cloud's own service, which looks public: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    "169.254.0.0/16",   // link-local; 169.254.169.254 hands out credentials
    "172.16.0.0/12",    // private
    "192.0.0.0/24",     // protocol assignments
    "192.0.2.0/24",     // documentation
    "192.31.196.0/24",  // AS112
    "192.52.193.0/24",  // AMT
    "192.88.99.0/24",   // 6to4 relays
    "192.168.0.0/16",   // private
    "192.175.48.0/24",  // AS112
    "198.18.0.0/15",    // benchmarks
    "198.51.100.0/24",  // documentation
    "203.0.113.0/24",   // documentation
    "224.0.0.0/4",      // multicast
    "240.0.0.0/4",      // reserved, and broadcast
    // In IPv6, only 2000::/3 is allocated for public use. Outside of it are loopback, unspecified, mapped and compatible
    // IPv4 addresses, NAT64 (64:ff9b::/96), discard, unique-local, link-local and multicast.
    "::/3",
    "4000::/2",
    "8000::/1",
    "2001::/23",         // protocol assignments, Teredo among them
    "2001:db8::/32",     // documentation
    "2002::/16",         // 6to4
    "2620:4f:8000::/48", // AS112
    "3fff::/20",         // documentation
];

static NETWORKS: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| REFUSED.iter().map(|net| net.parse().expect("every entry is a network")).collect());

/// Whether every address of the network is on the public internet.
pub fn is_public(network: &IpNet) -> bool {
    !NETWORKS.iter().any(|net| net.contains(network) || network.contains(net))
}

/// The networks that a setting allows in addition to the public internet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedNetworks(pub Vec<IpNet>);

impl AllowedNetworks {
    /// Whether the setting contains the address.
    pub fn names(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// Whether a webhook may use this address.
    pub fn permits(&self, address: IpAddr) -> bool {
        self.names(address) || !NETWORKS.iter().any(|net| net.contains(&address))
    }
}

/// The URL of a webhook. Its path and query may contain a secret of the receiver, so only its origin is displayed.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

impl WebhookUrl {
    const LONGEST: usize = 2048;

    /// Validates a URL as far as possible without resolving its host name.
    ///
    /// # Errors
    /// `malformed_url`, `url_too_long`, `not_https`, `credentials_in_url` or `refused_target`.
    pub fn parse(text: &str, allowed: &AllowedNetworks) -> Result<Self, Malformed> {
        let url = Self::read(text)?;
        if let Some(address) = url.address()
            && !allowed.permits(address)
        {
            let detail = format!("{address} is not a public address; use another, or add its network to LATCHKEY_WEBHOOK_ALLOW");
            return Err(Malformed::new("refused_target", detail));
        }
        if !url.is_https() && !url.address().map_or(!allowed.0.is_empty(), |address| allowed.names(address)) {
            let detail =
                "use https, as in https://hooks.vendor.example/latchkey; http is allowed only for the networks in LATCHKEY_WEBHOOK_ALLOW";
            return Err(Malformed::new("not_https", detail));
        }
        Ok(url)
    }

    /// Parses a URL without checking its address.
    ///
    /// # Errors
    /// `malformed_url`, `url_too_long`, `not_https` or `credentials_in_url`.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        let malformed = |fault: &dyn fmt::Display| {
            let detail = format!("this is not a URL such as https://hooks.vendor.example/latchkey: {fault}");
            Malformed::new("malformed_url", detail)
        };
        let url = Url::parse(text).map_err(|fault| malformed(&fault))?;
        if url.as_str().len() > Self::LONGEST {
            return Err(Malformed::new(
                "url_too_long",
                format!("the URL must not exceed {} characters", Self::LONGEST),
            ));
        }
        if !matches!(url.scheme(), "https" | "http") {
            let detail = format!("use https, as in https://hooks.vendor.example/latchkey, not {}", url.scheme());
            return Err(Malformed::new("not_https", detail));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let detail = "remove the user name and password from the URL; receivers verify the signature of messages instead";
            return Err(Malformed::new("credentials_in_url", detail));
        }
        if url.fragment().is_some() {
            return Err(malformed(
                &"the URL has a fragment, which is never sent; remove the # and everything after it",
            ));
        }
        Ok(Self(url))
    }

    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address, if the host is an IP address.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The complete URL.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port, which may be logged.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn allowed(networks: &str) -> AllowedNetworks {
        AllowedNetworks(networks.split_whitespace().map(|net| net.parse().unwrap()).collect())
    }

    fn judged(text: &str, networks: &str) -> &'static str {
        WebhookUrl::parse(text, &allowed(networks)).map_or_else(|malformed| malformed.code, |_| "good")
    }

    #[rstest]
    #[case("https://hooks.vendor.example/latchkey?code=1", "good")]
    #[case("https://hooks.vendor.example:8443/", "good")]
    #[case("https://8.8.8.8/", "good")]
    #[case("https://[2606:4700::1111]/", "good")]
    #[case("  https://hooks.vendor.example ", "good")]
    // Host names are checked when they are resolved.
    #[case("https://localhost/", "good")]
    #[case("https://metadata.google.internal/", "good")]
    #[case("http://hooks.vendor.example/", "not_https")]
    #[case("http://8.8.8.8/", "not_https")]
    #[case("ftp://hooks.vendor.example/", "not_https")]
    #[case("file:///etc/passwd", "not_https")]
    #[case("javascript:alert(1)", "not_https")]
    #[case("hooks.vendor.example", "malformed_url")]
    #[case("", "malformed_url")]
    #[case("https://", "malformed_url")]
    #[case("https://a b/", "malformed_url")]
    #[case("https://hooks.vendor.example/#part", "malformed_url")]
    #[case("https://hooks.vendor.example:99999/", "malformed_url")]
    #[case("https://user:pass@hooks.vendor.example/", "credentials_in_url")]
    #[case("https://user@hooks.vendor.example/", "credentials_in_url")]
    #[case("https://127.0.0.1/", "refused_target")]
    #[case("https://127.1/", "refused_target")]
    #[case("https://2130706433/", "refused_target")]
    #[case("https://0x7f.0.0.1/", "refused_target")]
    #[case("https://0177.0.0.1/", "refused_target")]
    #[case("https://0/", "refused_target")]
    #[case("https://127.0.0.1./", "refused_target")]
    #[case("https://１２７.0.0.1/", "refused_target")]
    #[case("https://169.254.169.254/latest/meta-data/", "refused_target")]
    #[case("https://[::1]/", "refused_target")]
    #[case("https://[::]/", "refused_target")]
    #[case("https://[::ffff:127.0.0.1]/", "refused_target")]
    #[case("https://[::ffff:8.8.8.8]/", "refused_target")]
    #[case("https://[::127.0.0.1]/", "refused_target")]
    #[case("https://[fd00:ec2::254]/", "refused_target")]
    #[case("https://[fe80::1]/", "refused_target")]
    #[case("https://[64:ff9b::a9fe:a9fe]/", "refused_target")]
    #[case("https://[64:ff9b:1::1]/", "refused_target")]
    #[case("https://[2002:7f00:1::]/", "refused_target")]
    #[case("https://[2001:0:53aa:64c:0:fbff:80ff:fffe]/", "refused_target")]
    #[case("https://[ff02::1]/", "refused_target")]
    fn urls_are_validated(#[case] text: &str, #[case] code: &str) {
        assert_eq!(judged(text, ""), code);
    }

    #[rstest]
    #[case("http://127.0.0.1:9/", "127.0.0.0/8", "good")]
    #[case("https://127.0.0.1/", "127.0.0.0/8", "good")]
    #[case("http://10.20.3.4/", "10.20.0.0/16", "good")]
    #[case("https://10.21.0.1/", "10.20.0.0/16", "refused_target")]
    #[case("http://[fd00::1]/", "fd00::/8", "good")]
    #[case("https://[::ffff:10.20.0.1]/", "10.20.0.0/16", "refused_target")]
    // The address is checked when the name is resolved.
    #[case("http://hooks.internal/", "10.20.0.0/16", "good")]
    #[case("http://8.8.8.8/", "10.20.0.0/16", "not_https")]
    fn a_setting_allows_networks(#[case] text: &str, #[case] networks: &str, #[case] code: &str) {
        assert_eq!(judged(text, networks), code);
    }

    #[rstest]
    #[case("0.0.0.0", false)]
    #[case("1.1.1.1", true)]
    #[case("9.255.255.255", true)]
    #[case("10.0.0.0", false)]
    #[case("10.255.255.255", false)]
    #[case("11.0.0.0", true)]
    #[case("100.63.255.255", true)]
    #[case("100.64.0.1", false)]
    #[case("100.100.100.200", false)]
    #[case("100.127.255.255", false)]
    #[case("100.128.0.0", true)]
    #[case("126.255.255.255", true)]
    #[case("127.255.255.254", false)]
    #[case("128.0.0.0", true)]
    #[case("168.63.129.16", false)]
    #[case("168.63.129.17", true)]
    #[case("169.253.255.255", true)]
    #[case("169.254.0.1", false)]
    #[case("172.15.255.255", true)]
    #[case("172.16.0.0", false)]
    #[case("172.31.255.255", false)]
    #[case("172.32.0.0", true)]
    #[case("192.0.0.192", false)]
    #[case("192.0.2.1", false)]
    #[case("192.88.99.1", false)]
    #[case("192.168.1.1", false)]
    #[case("192.169.0.0", true)]
    #[case("198.17.255.255", true)]
    #[case("198.19.255.255", false)]
    #[case("198.51.100.7", false)]
    #[case("203.0.113.7", false)]
    #[case("223.255.255.255", true)]
    #[case("224.0.0.1", false)]
    #[case("239.255.255.255", false)]
    #[case("240.0.0.1", false)]
    #[case("255.255.255.255", false)]
    #[case("::", false)]
    #[case("::1", false)]
    #[case("::2", false)]
    #[case("100::1", false)]
    #[case("1fff:ffff::", false)]
    #[case("2000::1", true)]
    #[case("2001:1ff:ffff::", false)]
    #[case("2001:200::1", true)]
    #[case("2001:db8::1", false)]
    #[case("2001:4860:4860::8888", true)]
    #[case("2a00:1450::1", true)]
    #[case("3fff:fff::1", false)]
    #[case("3fff:1000::1", true)]
    #[case("4000::1", false)]
    #[case("5f00::1", false)]
    #[case("8000::1", false)]
    #[case("fc00::1", false)]
    #[case("fdff:ffff::1", false)]
    #[case("fe80::1", false)]
    #[case("fec0::1", false)]
    #[case("ff0e::1", false)]
    fn only_public_addresses_are_permitted(#[case] address: &str, #[case] public: bool) {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(AllowedNetworks::default().permits(address), public);
        assert!(allowed("0.0.0.0/0 ::/0").permits(address));
    }

    proptest! {
        /// Every address that the standard library considers special is rejected.
        #[test]
        fn special_addresses_are_rejected(bits in any::<u128>(), low in any::<u32>()) {
            let v4 = std::net::Ipv4Addr::from(low);
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast() || v4.is_documentation()
                || v4.is_unspecified() || v4.is_multicast();
            prop_assert!(!(special && AllowedNetworks::default().permits(v4.into())));
            let v6 = std::net::Ipv6Addr::from(bits);
            let special = v6.is_loopback() || v6.is_multicast() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.to_ipv4().is_some();
            prop_assert!(!(special && AllowedNetworks::default().permits(v6.into())));
            for embedded in [v4.to_ipv6_mapped(), v4.to_ipv6_compatible()] {
                prop_assert!(!AllowedNetworks::default().permits(embedded.into()));
            }
            let nat64 = std::net::Ipv6Addr::from((0x0064_ff9b_u128 << 96) | u128::from(low));
            let six_to_four = std::net::Ipv6Addr::from((0x2002_u128 << 112) | (u128::from(low) << 80));
            let teredo = std::net::Ipv6Addr::from((0x2001_0000_u128 << 96) | (bits >> 32));
            for way in [nat64, six_to_four, teredo] {
                prop_assert!(!AllowedNetworks::default().permits(way.into()), "{}", way);
            }
        }

        /// All notations of an address have the same result.
        #[test]
        fn all_notations_of_an_address_have_the_same_result(low in any::<u32>()) {
            let address = std::net::Ipv4Addr::from(low);
            let [a, b, c, d] = address.octets();
            let public = AllowedNetworks::default().permits(address.into());
            for text in [
                format!("https://{address}/"), format!("https://{low}/"), format!("https://{low:#x}/"), format!("https://0{low:o}/"),
                format!("https://{a:#x}.{b}.{c}.{d}/"), format!("https://{a}.{b}.{}/", u32::from(c) << 8 | u32::from(d)),
            ] {
                prop_assert_eq!(judged(&text, "") == "good", public, "{}", text);
            }
        }

        #[test]
        fn garbage_never_panics(text in any::<String>()) {
            let _ = WebhookUrl::parse(&text, &AllowedNetworks::default());
        }
    }

    #[test]
    fn only_the_origin_is_shown() {
        let url = WebhookUrl::parse(
            "https://hooks.vendor.example:8443/T0/secret?code=hidden",
            &AllowedNetworks::default(),
        )
        .unwrap();
        assert_eq!(format!("{url:?}"), "https://hooks.vendor.example:8443");
        assert_eq!(url.as_str(), "https://hooks.vendor.example:8443/T0/secret?code=hidden");
    }
}
