//! The proxy through which the vendor calls from outside of its own network.

use std::fmt;

use secrecy::SecretString;
use url::Url;

/// An HTTP proxy that opens tunnels (CONNECT).
#[derive(Clone)]
pub struct OutsideProxy {
    /// Without the user name and the password.
    pub url: Url,
    pub login: Option<(String, SecretString)>,
}

impl fmt::Debug for OutsideProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutsideProxy")
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}
