//! How customers meet the vendor: the form's address and looks.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use clap::Args;
use ipnet::IpNet;
use reqwest::Url;

use super::{ConfigError, Form};
use crate::domain::colour::BrandColor;

/// The largest logo.
const MAX_LOGO: u64 = 512 * 1024;

/// The customer's form.
#[derive(Debug, Clone, Args)]
pub struct FrontArgs {
    /// The URL under which customers reach the public listener.
    #[arg(long, env = "LATCHKEY_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Proxies whose X-Forwarded-For is believed, as addresses or networks, separated by commas.
    #[arg(long, env = "LATCHKEY_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORKS")]
    pub trusted_proxies: Vec<String>,

    /// Whom customers ask: an e-mail address, a URL, or words.
    #[arg(long, env = "LATCHKEY_VENDOR_CONTACT", value_name = "CONTACT")]
    pub vendor_contact: Option<String>,

    /// The vendor's logo: an SVG, PNG, JPEG or WebP file.
    #[arg(long, env = "LATCHKEY_VENDOR_LOGO", value_name = "FILE")]
    pub vendor_logo: Option<String>,

    /// The vendor's colour.
    #[arg(long, env = "LATCHKEY_VENDOR_COLOUR", value_name = "COLOUR")]
    pub vendor_colour: Option<String>,
}

/// How customers meet the vendor.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// None while nobody said under which URL customers reach the public listener, and it is not on loopback.
    pub public_url: Option<Url>,
    pub trusted_proxies: Vec<IpNet>,
    pub contact: Option<String>,
    pub logo: Option<Logo>,
    pub colour: Option<BrandColor>,
}

/// The vendor's logo, served as it is.
#[derive(Debug, Clone)]
pub struct Logo {
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

impl FrontArgs {
    pub fn front(&self, public: SocketAddr) -> Result<WebSettings, ConfigError> {
        let proxies = Form(
            "LATCHKEY_TRUSTED_PROXIES",
            "addresses or networks separated by commas",
            "10.0.0.0/8,2001:db8::1",
        );
        let colour = Form("LATCHKEY_VENDOR_COLOUR", "a colour of six hexadecimal digits", "#0b5fff");
        let trusted_proxies = self.trusted_proxies.iter().filter(|text| !text.trim().is_empty()).map(|text| {
            let text = text.trim();
            text.parse::<IpAddr>()
                .map(IpNet::from)
                .or_else(|_| proxies.parse(text))
                .map(|net| net.trunc())
        });
        Ok(WebSettings {
            public_url: self.url(public)?,
            trusted_proxies: trusted_proxies.collect::<Result<_, _>>()?,
            contact: self
                .vendor_contact
                .as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            logo: self.logo()?,
            colour: colour.optional(self.vendor_colour.as_deref())?,
        })
    }

    fn url(&self, public: SocketAddr) -> Result<Option<Url>, ConfigError> {
        let form = Form(
            "LATCHKEY_PUBLIC_URL",
            "an http or https URL without a path",
            "https://storage.vendor.example",
        );
        let Some(text) = self.public_url.as_deref().map(str::trim).filter(|url| !url.is_empty()) else {
            let here = (public.ip().is_loopback() && public.port() != 0).then(|| format!("http://{public}"));
            return here.map(|url| Url::parse(&url).map_err(|fault| form.wrong(fault))).transpose();
        };
        let url = Url::parse(text).map_err(|fault| form.wrong(fault))?;
        if !matches!(url.scheme(), "http" | "https") || url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(form.wrong("it has another scheme, a path or a query"));
        }
        // Browsers send a secure cookie over https alone, and over http everybody on the way reads the link.
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(form.wrong("links must not travel over http, but for loopback"));
        }
        Ok(Some(url))
    }

    fn logo(&self) -> Result<Option<Logo>, ConfigError> {
        let form = Form("LATCHKEY_VENDOR_LOGO", "an SVG, PNG, JPEG or WebP file", "/etc/latchkey/logo.svg");
        let Some(path) = self.vendor_logo.as_deref().map(str::trim).filter(|path| !path.is_empty()) else {
            return Ok(None);
        };
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
        let media_type = match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("jpg" | "jpeg") => "image/jpeg",
            Some("webp") => "image/webp",
            _ => return Err(form.wrong("its name ends otherwise")),
        };
        let size = std::fs::metadata(path).map_err(|fault| form.wrong(fault))?.len();
        if size > MAX_LOGO {
            return Err(form.wrong("it is larger than 512 KiB"));
        }
        let bytes = std::fs::read(path).map_err(|fault| form.wrong(fault))?;
        Ok(Some(Logo { media_type, bytes }))
    }
}

impl WebSettings {
    /// Nothing but where it is: for tests, and for a vendor that has set nothing.
    pub fn plain(public_url: Option<Url>) -> Self {
        Self {
            public_url,
            trusted_proxies: Vec::new(),
            contact: None,
            logo: None,
            colour: None,
        }
    }

    /// Whether browsers reach the form by https. Only loopback may do without.
    pub fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_none_or(|url| url.scheme() == "https")
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn args() -> FrontArgs {
        FrontArgs {
            public_url: None,
            trusted_proxies: Vec::new(),
            vendor_contact: None,
            vendor_logo: None,
            vendor_colour: None,
        }
    }

    fn listening(address: &str, args: &FrontArgs) -> Result<WebSettings, String> {
        args.front(address.parse().unwrap()).map_err(|wrong| wrong.to_string())
    }

    #[rstest]
    #[case("ftp://x", "it has another scheme")]
    #[case("https://x/y", "it has another scheme, a path")]
    #[case("http://storage.vendor.example", "links must not travel over http")]
    fn a_public_url_is_safe_and_bare(#[case] url: &str, #[case] fault: &str) {
        let args = FrontArgs {
            public_url: Some(url.into()),
            ..args()
        };
        let line = listening("0.0.0.0:8080", &args).unwrap_err();
        assert!(line.starts_with(&format!("LATCHKEY_PUBLIC_URL: {fault}")), "{line}");
    }

    #[test]
    fn without_a_url_loopback_is_one() {
        let front = listening("127.0.0.1:8080", &args()).unwrap();
        assert_eq!(front.public_url.as_ref().map(Url::as_str), Some("http://127.0.0.1:8080/"));
        assert!(!front.is_secure());
        let front = listening("0.0.0.0:8080", &args()).unwrap();
        assert!(front.public_url.is_none() && front.is_secure());
    }

    #[test]
    fn proxies_are_addresses_or_networks() {
        let with = |text: &str| FrontArgs {
            trusted_proxies: vec![text.into()],
            ..args()
        };
        let front = listening("127.0.0.1:1", &with(" 10.1.2.3/8 ")).unwrap();
        assert_eq!(front.trusted_proxies, ["10.0.0.0/8".parse::<IpNet>().unwrap()]);
        let line = listening("127.0.0.1:1", &with("proxy")).unwrap_err();
        assert!(
            line.starts_with("LATCHKEY_TRUSTED_PROXIES: ") && line.contains(", such as "),
            "{line}"
        );
    }

    #[test]
    fn a_logo_is_an_image_that_is_there() {
        let with = |path: &str| FrontArgs {
            vendor_logo: Some(path.into()),
            ..args()
        };
        for path in ["/etc/passwd", "/nowhere/logo.svg"] {
            let line = listening("127.0.0.1:1", &with(path)).unwrap_err();
            assert!(line.starts_with("LATCHKEY_VENDOR_LOGO: "), "{line}");
        }
    }
}
