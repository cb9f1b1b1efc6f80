//! Settings of the OpenID provider that operators and services sign in with.

use std::time::Duration;

use clap::Args;
use reqwest::Url;
use reqwest::header::{self, HeaderName};

use super::ConfigError;
use super::value::{Format, boolean, duration, https_url, text};
use crate::domain::identity::ServiceTenants;
use crate::domain::token::Role;

const ISSUER: Format = Format("the https URL of an OpenID provider", "https://login.vendor.example");
const ALL_TENANTS: Format = Format("true or false", "false");
const AUDIENCE: Format = Format("audiences separated by commas", "latchkey");

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Signing in with OpenID")]
pub struct OidcSettings {
    /// OpenID provider whose JWTs are accepted in addition to API tokens, exactly as in their `iss` claim.
    #[arg(long = "oidc-issuer", env = "LATCHKEY_OIDC_ISSUER", value_name = "URL",
          id = "oidc_issuer", value_parser = ISSUER.parser(issuer))]
    issuer: Option<String>,

    /// Accepted values of the `aud` claim, separated by commas. Required with an issuer.
    #[arg(long = "oidc-audience", env = "LATCHKEY_OIDC_AUDIENCE", value_delimiter = ',', value_name = "AUDIENCES",
          id = "oidc_audience", value_parser = AUDIENCE.parser(text))]
    pub audience: Vec<String>,

    /// Claim that holds the roles. Use dots for a nested claim: `realm_access.roles`.
    #[arg(long = "oidc-roles-claim", env = "LATCHKEY_OIDC_ROLES_CLAIM", default_value = "roles", value_name = "CLAIM",
          id = "oidc_roles_claim", value_parser = Format("the name of a claim", "realm_access.roles").parser(claim))]
    pub roles_claim: String,

    /// Maps values of the roles claim to viewer, ops, service or admin, separated by commas. By default, the claim holds these
    /// names.
    #[arg(long = "oidc-roles", env = "LATCHKEY_OIDC_ROLES", value_delimiter = ',', value_name = "VALUE=ROLE",
          id = "oidc_roles", value_parser = Format("value=role pairs separated by commas", "storage-admins=admin,on-call=ops").parser(role))]
    pub roles: Vec<(String, Role)>,

    /// Claim that lists the tenants, by ID, that a JWT with the role service may read. A JWT with this role and without the claim is
    /// rejected. Use dots for a nested claim.
    #[arg(long = "oidc-tenants-claim", env = "LATCHKEY_OIDC_TENANTS_CLAIM", value_name = "CLAIM",
          id = "oidc_tenants_claim", value_parser = Format("the name of a claim", "latchkey_tenants").parser(claim))]
    tenants_claim: Option<String>,

    /// Whether every JWT with the role service may read all tenants. If this is false and `LATCHKEY_OIDC_TENANTS_CLAIM` is unset, JWTs with
    /// this role are rejected.
    #[arg(long = "oidc-service-all-tenants", env = "LATCHKEY_OIDC_SERVICE_ALL_TENANTS", default_value = "false", value_name = "true|false",
          action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", id = "oidc_service_all_tenants",
          value_parser = ALL_TENANTS.parser(boolean))]
    service_all_tenants: bool,

    /// How long a JWT can be valid (`exp` minus `iat`), and how long ago it may have been issued.
    #[arg(long = "oidc-max-age", env = "LATCHKEY_OIDC_MAX_AGE", default_value = "24h", value_name = "DURATION",
          id = "oidc_max_age", value_parser = Format("a duration from 1m to 366d", "24h").parser(max_age))]
    pub max_age: Duration,

    /// Whether to accept ID tokens in the header `Authorization`. The header that `LATCHKEY_OIDC_HEADER` names may always contain one.
    #[arg(long = "oidc-id-tokens", env = "LATCHKEY_OIDC_ID_TOKENS", default_value = "false", value_name = "true|false",
          action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", id = "oidc_id_tokens",
          value_parser = Format("true or false", "true").parser(boolean))]
    pub id_tokens: bool,

    /// URL of the provider's keys (JWKS), if it has no discovery document.
    #[arg(long = "oidc-jwks-url", env = "LATCHKEY_OIDC_JWKS_URL", value_name = "URL",
          id = "oidc_jwks_url", value_parser = Format("an https URL", "https://login.vendor.example/keys").parser(https_url))]
    pub jwks_url: Option<Url>,

    /// Header in which an identity-aware proxy passes the JWT.
    #[arg(long = "oidc-header", env = "LATCHKEY_OIDC_HEADER", value_name = "HEADER",
          id = "oidc_header", value_parser = Format("the name of a header", "cf-access-jwt-assertion").parser(header_name))]
    pub header: Option<HeaderName>,
}

impl OidcSettings {
    /// Which tenants a JWT of the role `service` may read.
    ///
    /// # Errors
    /// When both settings are set.
    pub fn service_tenants(&self) -> Result<ServiceTenants, ConfigError> {
        match (&self.tenants_claim, self.service_all_tenants) {
            (Some(_), true) => Err(ALL_TENANTS.error("LATCHKEY_OIDC_SERVICE_ALL_TENANTS", "true, but LATCHKEY_OIDC_TENANTS_CLAIM is set")),
            (Some(claim), false) => Ok(ServiceTenants::Claim(claim.clone())),
            (None, true) => Ok(ServiceTenants::All),
            (None, false) => Ok(ServiceTenants::None),
        }
    }

    /// The issuer, or none when no provider is configured.
    ///
    /// # Errors
    /// When only some of the settings are set.
    pub fn issuer(&self) -> Result<Option<&str>, ConfigError> {
        let needs_issuer = !self.audience.is_empty()
            || !self.roles.is_empty()
            || self.jwks_url.is_some()
            || self.header.is_some()
            || self.tenants_claim.is_some();
        match &self.issuer {
            None if needs_issuer => Err(ISSUER.error("LATCHKEY_OIDC_ISSUER", "not set, but other LATCHKEY_OIDC_* settings are")),
            // Without an audience, JWTs issued for any other service would be accepted.
            Some(_) if self.audience.is_empty() => {
                Err(AUDIENCE.error("LATCHKEY_OIDC_AUDIENCE", "not set, but required by LATCHKEY_OIDC_ISSUER"))
            }
            issuer => Ok(issuer.as_deref()),
        }
    }
}

/// Kept as text, because it is compared with the `iss` claim.
fn issuer(text: &str) -> Result<String, String> {
    let url = https_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query or a fragment".into());
    }
    Ok(text.to_owned())
}

fn claim(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.chars().any(char::is_whitespace) {
        return Err("must not be empty or contain spaces");
    }
    Ok(text.to_owned())
}

fn max_age(text: &str) -> Result<Duration, String> {
    const DAY: u64 = 86_400;
    let age = duration(text)?;
    if !(60..=366 * DAY).contains(&age.as_secs()) {
        return Err(format!("{text} is out of range"));
    }
    Ok(age)
}

/// Splits at the last `=`, because the provider's value may contain others.
fn role(pair: &str) -> Result<(String, Role), String> {
    let (value, role) = pair
        .rsplit_once('=')
        .map(|(value, role)| (value.trim(), role.trim()))
        .filter(|(value, _)| !value.is_empty())
        .ok_or_else(|| format!("{pair:?} must have the form value=role"))?;
    let role = role
        .parse()
        .map_err(|_| format!("{role:?} is not a role (viewer, ops, service or admin)"))?;
    Ok((value.to_owned(), role))
}

fn header_name(text: &str) -> Result<HeaderName, String> {
    match text.parse::<HeaderName>() {
        Ok(header::AUTHORIZATION | header::COOKIE) => Err(format!("{text} is reserved for other credentials")),
        Ok(name) => Ok(name),
        Err(_) => Err(format!("{text:?} is not a header name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_follows_the_last_equals_sign() {
        assert_eq!(role("cn=admins=admin"), Ok(("cn=admins".into(), Role::Admin)));
        assert_eq!(role("on-call = ops"), Ok(("on-call".into(), Role::Ops)));
    }
}
