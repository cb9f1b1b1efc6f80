//! URLs of servers with a login, such as `smtps://user:password@host`. The errors never quote the URL.

use percent_encoding::percent_decode_str;
use reqwest::Url;
use secrecy::SecretString;

/// The user name and the password in the URL of a server.
///
/// # Errors
/// When the URL names more than a server and a login.
pub(super) fn user_and_password(url: &Url) -> Result<(Option<String>, Option<SecretString>), &'static str> {
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a path, a query or a fragment; write % as %25, / as %2F, ? as %3F and # as %23 in a password");
    }
    let decoded = |part: &str| percent_decode_str(part).decode_utf8().map(std::borrow::Cow::into_owned);
    let user = decoded(url.username()).map_err(|_| "has a user name that is not UTF-8")?;
    let password = url
        .password()
        .map(decoded)
        .transpose()
        .map_err(|_| "has a password that is not UTF-8")?;
    Ok((Some(user).filter(|user| !user.is_empty()), password.map(SecretString::from)))
}
