//! Settings of the two listeners.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::ConfigError;
use super::value::{Format, number};

const CERTIFICATE: Format = Format("a PEM file", "/etc/latchkey/tls.crt");
const KEY: Format = Format("a PEM file", "/etc/latchkey/tls.key");
const PRIVATE_LISTEN: Format = Format("an address and a port", "10.0.0.5:8081");

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Listeners")]
pub struct ListenSettings {
    /// Address of the public listener, for customers.
    #[arg(long = "public-listen", env = "LATCHKEY_PUBLIC_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS",
          id = "public_listen", value_parser = Format("an address and a port", "0.0.0.0:8080").parser(address))]
    pub public: SocketAddr,

    /// Address of the private listener, for operators and internal services. Never expose it to the internet.
    #[arg(long = "private-listen", env = "LATCHKEY_PRIVATE_LISTEN", default_value = "127.0.0.1:8081", value_name = "ADDRESS",
          id = "private_listen", value_parser = PRIVATE_LISTEN.parser(address))]
    pub private: SocketAddr,

    /// Maximum number of connections of the public listener. Excess connections are closed immediately.
    #[arg(long, env = "LATCHKEY_PUBLIC_CONNECTIONS", default_value = "2000", value_name = "NUMBER",
          value_parser = Format("a number from 1 to 1000000", "2000").parser(count))]
    pub public_connections: usize,

    /// Maximum number of connections of one client to the public listener. An IPv6 client counts by its /64 network. Trusted
    /// proxies are not limited.
    #[arg(long, env = "LATCHKEY_PUBLIC_CONNECTIONS_PER_ADDRESS", default_value = "64", value_name = "NUMBER",
          value_parser = Format("a number from 1 to 1000000", "64").parser(count))]
    pub public_connections_per_address: usize,

    /// Maximum number of connections of the private listener. Excess connections are closed immediately.
    #[arg(long, env = "LATCHKEY_PRIVATE_CONNECTIONS", default_value = "10000", value_name = "NUMBER",
          value_parser = Format("a number from 1 to 1000000", "10000").parser(count))]
    pub private_connections: usize,

    /// PEM file with the certificate chain of the public listener. Without it, the listener speaks plain HTTP, for a proxy that
    /// terminates TLS. The file is read again when it changes.
    #[arg(long, env = "LATCHKEY_PUBLIC_TLS_CERT", value_name = "FILE", value_parser = CERTIFICATE.parser(path))]
    public_tls_cert: Option<PathBuf>,

    /// PEM file with the private key of the public listener's certificate.
    #[arg(long, env = "LATCHKEY_PUBLIC_TLS_KEY", value_name = "FILE", value_parser = KEY.parser(path))]
    public_tls_key: Option<PathBuf>,

    /// PEM file with the certificate chain of the private listener. Without it, the listener speaks plain HTTP. The file is read
    /// again when it changes.
    #[arg(long, env = "LATCHKEY_PRIVATE_TLS_CERT", value_name = "FILE", value_parser = CERTIFICATE.parser(path))]
    private_tls_cert: Option<PathBuf>,

    /// PEM file with the private key of the private listener's certificate.
    #[arg(long, env = "LATCHKEY_PRIVATE_TLS_KEY", value_name = "FILE", value_parser = KEY.parser(path))]
    private_tls_key: Option<PathBuf>,

    /// PEM file with the certificate authorities whose client certificates the private listener requires.
    #[arg(long, env = "LATCHKEY_PRIVATE_TLS_CLIENT_CA", value_name = "FILE",
          value_parser = Format("a PEM file", "/etc/latchkey/clients-ca.pem").parser(path))]
    private_tls_client_ca: Option<PathBuf>,
}

/// The files of a listener's TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Clients must have a certificate of one of these authorities.
    pub client_ca: Option<PathBuf>,
}

impl ListenSettings {
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.public == self.private && self.public.port() != 0 {
            return Err(PRIVATE_LISTEN.error("LATCHKEY_PRIVATE_LISTEN", "must differ from LATCHKEY_PUBLIC_LISTEN"));
        }
        Ok(())
    }

    /// None without TLS.
    pub fn public_tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        let names = ["LATCHKEY_PUBLIC_TLS_CERT", "LATCHKEY_PUBLIC_TLS_KEY"];
        tls_files(names, self.public_tls_cert.as_ref(), self.public_tls_key.as_ref())
    }

    /// None without TLS.
    pub fn private_tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        let names = ["LATCHKEY_PRIVATE_TLS_CERT", "LATCHKEY_PRIVATE_TLS_KEY"];
        let files = tls_files(names, self.private_tls_cert.as_ref(), self.private_tls_key.as_ref())?;
        match (files, &self.private_tls_client_ca) {
            (None, Some(_)) => Err(CERTIFICATE.error(names[0], "not set, but LATCHKEY_PRIVATE_TLS_CLIENT_CA is")),
            (files, client_ca) => Ok(files.map(|files| TlsFiles {
                client_ca: client_ca.clone(),
                ..files
            })),
        }
    }
}

fn tls_files(names: [&str; 2], certificate: Option<&PathBuf>, key: Option<&PathBuf>) -> Result<Option<TlsFiles>, ConfigError> {
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            client_ca: None,
        })),
        (None, Some(_)) => Err(CERTIFICATE.error(names[0], format_args!("not set, but {} is", names[1]))),
        (Some(_), None) => Err(KEY.error(names[1], format_args!("not set, but {} is", names[0]))),
    }
}

fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() { Err("empty") } else { Ok(text.into()) }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is not an IP address and a port"))
}

fn count(text: &str) -> Result<usize, String> {
    let number = number(1..=1_000_000)(text)?;
    usize::try_from(number).map_err(|fault| fault.to_string())
}
