//! Cookies that hold a secret.

use axum::http::{HeaderMap, header};
use chrono::TimeDelta;
use cookie::{Cookie, SameSite};

/// A cookie with different names for https and loopback. The https name has the prefix `__Host-`: no other host of the same
/// site can set or overwrite such a cookie, and browsers require it to be secure and to have the path `/`.
/// <https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes>
#[derive(Debug, Clone, Copy)]
pub(crate) struct Secret {
    pub secure_name: &'static str,
    pub loopback_name: &'static str,
}

impl Secret {
    fn name(self, secure: bool) -> &'static str {
        if secure { self.secure_name } else { self.loopback_name }
    }

    /// The value that the browser sent.
    pub(crate) fn read(self, headers: &HeaderMap, secure: bool) -> Option<String> {
        let name = self.name(secure);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| Cookie::split_parse(text.to_owned()))
            .filter_map(Result::ok)
            .find_map(|cookie| (cookie.name() == name).then(|| cookie.value().to_owned()))
    }

    /// The value of a `Set-Cookie` header. A lifetime of zero deletes the cookie.
    pub(crate) fn set(self, value: &str, lifetime: TimeDelta, secure: bool) -> String {
        Cookie::build((self.name(secure), value.to_owned()))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(secure)
            .max_age(cookie::time::Duration::seconds(lifetime.num_seconds()))
            .build()
            .to_string()
    }
}
