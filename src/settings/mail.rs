//! Settings of mail to the customers' contacts.

use std::net::IpAddr;
use std::path::Path;

use clap::Args;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::{Certificate, TlsParameters, TlsParametersBuilder};
use reqwest::Url;
use secrecy::SecretString;

use super::ConfigError;
use super::login_url::user_and_password;
use super::value::Format;
use crate::domain::contact::EmailAddress;
use crate::domain::mail::MailPolicy;
use crate::outbound_mail::{Relay, RelaySecurity};

const SMTP_URL: Format = Format(
    "an smtps:// or smtp:// URL, with a user name and a password if the relay requires them",
    "smtps://storage@smtp.vendor.example",
);
const MAIL_FROM: Format = Format("a sender", "Example Inc. <storage@vendor.example>");

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Mail")]
pub struct MailSettings {
    /// SMTP relay for mail to the customers' contacts: `smtps://` for TLS (port 465), or `smtp://` for STARTTLS (port 587), which is
    /// required unless the relay is on loopback. Mail is off if unset.
    #[arg(long, env = "LATCHKEY_SMTP_URL", hide_env_values = true, value_name = "URL", value_parser = SMTP_URL.parser(relay_url))]
    smtp_url: Option<RelayUrl>,

    /// Password for the relay, if it is not in the URL.
    #[arg(long, env = "LATCHKEY_SMTP_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    smtp_password: Option<SecretString>,

    /// PEM file with the certificate authorities of the relay, in addition to the system's.
    #[arg(long, env = "LATCHKEY_SMTP_CA", value_name = "FILE",
          value_parser = Format("a PEM file", "/etc/latchkey/relay-ca.pem").parser(authorities))]
    smtp_ca: Option<Authorities>,

    /// Sender of the mails: a name and an address, or only an address. Required with `LATCHKEY_SMTP_URL`.
    #[arg(long, env = "LATCHKEY_MAIL_FROM", value_name = "SENDER", value_parser = MAIL_FROM.parser(sender))]
    mail_from: Option<Mailbox>,
}

/// A relay's URL, taken apart.
#[derive(Clone)]
pub(crate) struct RelayUrl {
    host: String,
    port: u16,
    is_tls: bool,
    user: Option<String>,
    password: Option<SecretString>,
}

impl std::fmt::Debug for RelayUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelayUrl").field("host", &self.host).finish_non_exhaustive()
    }
}

/// The certificate authorities of a relay.
#[derive(Debug, Clone)]
pub(crate) struct Authorities(Certificate);

impl MailSettings {
    /// The relay and the sender. None if mail is off.
    ///
    /// # Errors
    /// If the settings are incomplete, or contradict each other.
    pub(crate) fn relay(&self) -> Result<Option<(Relay, Mailbox)>, ConfigError> {
        let Some(url) = &self.smtp_url else {
            return match &self.mail_from {
                Some(_) => Err(SMTP_URL.error("LATCHKEY_SMTP_URL", "not set, but LATCHKEY_MAIL_FROM is")),
                None => Ok(None),
            };
        };
        let Some(from) = &self.mail_from else {
            return Err(MAIL_FROM.error("LATCHKEY_MAIL_FROM", "not set, but LATCHKEY_SMTP_URL is"));
        };
        let login = match (&url.user, url.password.as_ref().or(self.smtp_password.as_ref())) {
            (None, None) => None,
            (Some(user), Some(password)) => Some((user.clone(), password.clone())),
            (Some(_), None) => {
                let problem = "has a user name but no password; add it to the URL, or set LATCHKEY_SMTP_PASSWORD";
                return Err(SMTP_URL.error("LATCHKEY_SMTP_URL", problem));
            }
            (None, Some(_)) => return Err(SMTP_URL.error("LATCHKEY_SMTP_URL", "has no user name, but LATCHKEY_SMTP_PASSWORD is set")),
        };
        let security = if url.is_tls {
            RelaySecurity::Tls(self.tls(&url.host)?)
        } else if is_loopback(&url.host) {
            RelaySecurity::Loopback
        } else {
            RelaySecurity::StartTls(self.tls(&url.host)?)
        };
        let relay = Relay {
            host: url.host.clone(),
            port: url.port,
            security,
            login,
        };
        Ok(Some((relay, from.clone())))
    }

    fn tls(&self, host: &str) -> Result<TlsParameters, ConfigError> {
        let mut parameters = TlsParametersBuilder::new(host.to_owned());
        if let Some(Authorities(certificates)) = &self.smtp_ca {
            parameters = parameters.add_root_certificate(certificates.clone());
        }
        parameters
            .build()
            .map_err(|fault| ConfigError::new("LATCHKEY_SMTP_URL", format!("TLS cannot be set up: {fault}")))
    }
}

/// What every process needs to know about mail, if it is on. Its links lead to the public listener.
///
/// # Errors
/// If the public URL is not configured.
pub(crate) fn policy(from: Mailbox, public_url: Option<&Url>) -> Result<MailPolicy, ConfigError> {
    match public_url {
        Some(url) => Ok(MailPolicy { from, links: url.clone() }),
        None => Err(ConfigError::new(
            "LATCHKEY_PUBLIC_URL",
            "not set, but LATCHKEY_SMTP_URL is: mails contain links to the public listener; expected an https URL without a path, for \
             example https://storage.vendor.example",
        )),
    }
}

fn relay_url(text: &str) -> Result<RelayUrl, &'static str> {
    // The parser's errors are not shown: they could contain the password.
    let url = Url::parse(text).map_err(|_| "not a URL")?;
    let is_tls = match url.scheme() {
        "smtps" => true,
        "smtp" => false,
        _ => return Err("does not start with smtps:// or smtp://"),
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("has no host")?;
    let (user, password) = user_and_password(&url)?;
    Ok(RelayUrl {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: url.port().unwrap_or(if is_tls { 465 } else { 587 }),
        is_tls,
        user,
        password,
    })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn sender(text: &str) -> Result<Mailbox, String> {
    let mailbox: Mailbox = text.parse().map_err(|_| format!("{text:?} is not a sender"))?;
    EmailAddress::parse(mailbox.email.as_ref()).map_err(|malformed| malformed.detail)?;
    Ok(mailbox)
}

fn authorities(text: &str) -> Result<Authorities, String> {
    let pem = std::fs::read(Path::new(text)).map_err(|fault| format!("{text} cannot be read: {fault}"))?;
    let certificates = Certificate::from_pem(&pem).map_err(|_| format!("{text} does not contain certificates in PEM format"))?;
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        return Err(format!("{text} does not contain certificates in PEM format"));
    }
    Ok(Authorities(certificates))
}
