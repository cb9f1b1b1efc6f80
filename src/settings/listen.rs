//! Settings of the two listeners.

use std::net::SocketAddr;

use clap::Args;

use super::ConfigError;
use super::value::Format;

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
}

impl ListenSettings {
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.public == self.private && self.public.port() != 0 {
            return Err(PRIVATE_LISTEN.error("LATCHKEY_PRIVATE_LISTEN", "must differ from LATCHKEY_PUBLIC_LISTEN"));
        }
        Ok(())
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is not an IP address and a port"))
}
