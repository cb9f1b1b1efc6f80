//! Settings of the web pages: where customers reach them, and the vendor's branding.

use std::net::SocketAddr;
use std::path::Path;

use clap::Args;
use ipnet::IpNet;
use reqwest::Url;

use super::value::{Format, is_https_or_loopback, network, text};

const MAX_LOGO_BYTES: u64 = 512 * 1024;

/// Every process needs it: the worker writes links into mails.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Web pages")]
pub struct PublicUrlSettings {
    /// URL at which customers reach the public listener. Needed for links in invites and mails, unless the listener is on loopback.
    #[arg(long, env = "LATCHKEY_PUBLIC_URL", value_name = "URL",
          value_parser = Format("an https URL without a path", "https://storage.vendor.example").parser(public_url))]
    pub public_url: Option<Url>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Web pages")]
pub struct WebSettings {
    /// From [`PublicUrlSettings`].
    #[arg(skip)]
    pub public_url: Option<Url>,

    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` headers are trusted: addresses or networks, separated by commas.
    #[arg(long, env = "LATCHKEY_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORKS",
          value_parser = Format("addresses or networks separated by commas", "10.0.0.0/8,2001:db8::1").parser(network))]
    pub trusted_proxies: Vec<IpNet>,

    /// Contact shown to customers: an email address, a URL, or plain text.
    #[arg(long = "vendor-contact", env = "LATCHKEY_VENDOR_CONTACT", value_name = "CONTACT",
          id = "vendor_contact", value_parser = Format("a contact", "support@vendor.example").parser(text))]
    pub contact: Option<String>,

    /// Your logo: an SVG, PNG, JPEG or WebP file of at most 512 KiB.
    #[arg(long = "vendor-logo", env = "LATCHKEY_VENDOR_LOGO", value_name = "FILE",
          id = "vendor_logo", value_parser = Format("an SVG, PNG, JPEG or WebP file", "/etc/latchkey/logo.svg").parser(logo))]
    pub logo: Option<Logo>,

    /// Your brand color. It is darkened or lightened where text would be hard to read. A neutral blue if unset.
    #[arg(long = "vendor-color", env = "LATCHKEY_VENDOR_COLOR", value_name = "COLOR",
          id = "vendor_color", value_parser = Format("a color of six hexadecimal digits", "#0b5fff").parser(color))]
    pub color: Option<RgbColor>,
}

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RgbColor(pub [u8; 3]);

/// The vendor's logo, served unchanged.
#[derive(Debug, Clone)]
pub struct Logo {
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

impl WebSettings {
    /// Only a public URL, and no branding.
    pub fn unbranded(public_url: Option<Url>) -> Self {
        Self {
            public_url,
            trusted_proxies: Vec::new(),
            contact: None,
            logo: None,
            color: None,
        }
    }

    /// Without a public URL, customers on this machine use the listener's own address.
    #[must_use]
    pub fn with_default_url(mut self, public_listener: SocketAddr) -> Self {
        if self.public_url.is_none() && public_listener.ip().is_loopback() && public_listener.port() != 0 {
            self.public_url = Url::parse(&format!("http://{public_listener}")).ok();
        }
        self
    }

    /// Whether browsers use https. Other schemes only work on loopback.
    pub fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_none_or(|url| url.scheme() == "https")
    }
}

/// Browsers send secure cookies only over https, and over http anyone on the network could read an invite link.
fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|fault| fault.to_string())?;
    if !is_https_or_loopback(&url) {
        return Err("must be an https URL (http is allowed only for loopback)".into());
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a path, a query or a fragment".into());
    }
    Ok(url)
}

fn color(text: &str) -> Result<RgbColor, String> {
    let mut bytes = [0; 3];
    let digits = text.strip_prefix('#').unwrap_or_default();
    hex::decode_to_slice(digits, &mut bytes)
        .map(|()| RgbColor(bytes))
        .map_err(|_| format!("{text:?} is not a color"))
}

fn logo(text: &str) -> Result<Logo, String> {
    let path = Path::new(text);
    let extension = path.extension().and_then(|extension| extension.to_str());
    let media_type = match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        _ => return Err(format!("{text} is not an image file")),
    };
    let unreadable = |fault| format!("{text} cannot be read: {fault}");
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_LOGO_BYTES {
        return Err(format!("{text} is larger than 512 KiB"));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    Ok(Logo { media_type, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_defaults_to_a_listener_on_loopback() {
        let web = WebSettings::unbranded(None).with_default_url("127.0.0.1:8080".parse().unwrap());
        assert_eq!(web.public_url.as_ref().map(Url::as_str), Some("http://127.0.0.1:8080/"));
        assert!(!web.is_secure());
        let web = WebSettings::unbranded(None).with_default_url("0.0.0.0:8080".parse().unwrap());
        assert!(web.public_url.is_none() && web.is_secure());
    }
}
