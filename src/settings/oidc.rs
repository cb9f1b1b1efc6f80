//! Signing in by the vendor's identity provider.

use clap::Args;
use reqwest::Url;
use reqwest::header::{self, HeaderName};

use super::{ConfigError, Form};
use crate::domain::token::Role;
use crate::identity_provider::{self, RefreshTiming, RoleClaim, is_safe};

/// The vendor's OpenID provider.
#[derive(Debug, Clone, Args)]
pub struct OidcArgs {
    /// The OpenID provider whose JWTs are accepted beside API tokens, as it stands in their claim `iss`.
    #[arg(long, env = "LATCHKEY_OIDC_ISSUER", value_name = "URL")]
    pub oidc_issuer: Option<String>,

    /// What the claim `aud` of its JWTs has to name: one or several, separated by commas.
    #[arg(long, env = "LATCHKEY_OIDC_AUDIENCE", value_delimiter = ',', value_name = "AUDIENCES")]
    pub oidc_audience: Vec<String>,

    /// The claim that has the roles: its name, or a path of names with dots between them.
    #[arg(long, env = "LATCHKEY_OIDC_ROLES_CLAIM", default_value = "roles", value_name = "CLAIM")]
    pub oidc_roles_claim: String,

    /// What the claim's values make of people here, separated by commas. Without it, values are viewer, ops, service or admin.
    #[arg(long, env = "LATCHKEY_OIDC_ROLES", value_delimiter = ',', value_name = "VALUE=ROLE")]
    pub oidc_roles: Vec<String>,

    /// Where the provider's keys are, if it has no discovery document.
    #[arg(long, env = "LATCHKEY_OIDC_JWKS_URL", value_name = "URL")]
    pub oidc_jwks_url: Option<String>,

    /// The header in which an identity-aware proxy hands the JWT on.
    #[arg(long, env = "LATCHKEY_OIDC_HEADER", value_name = "HEADER")]
    pub oidc_header: Option<String>,
}

impl OidcArgs {
    /// None when no provider is set.
    pub fn provider(&self) -> Result<Option<identity_provider::IdentityProviderSettings>, ConfigError> {
        let issuer = Form(
            "LATCHKEY_OIDC_ISSUER",
            "the https URL of an OpenID provider",
            "https://login.vendor.example",
        );
        let audience = Form("LATCHKEY_OIDC_AUDIENCE", "names separated by commas", "latchkey");
        let claim = Form(
            "LATCHKEY_OIDC_ROLES_CLAIM",
            "a claim's name, or a path with dots",
            "realm_access.roles",
        );
        let header = Form("LATCHKEY_OIDC_HEADER", "a header's name", "cf-access-jwt-assertion");
        let jwks = Form("LATCHKEY_OIDC_JWKS_URL", "an https URL", "https://login.vendor.example/keys");

        let filled = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let list = |texts: &[String]| {
            texts
                .iter()
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
                .collect()
        };
        let audiences: Vec<String> = list(&self.oidc_audience);
        let mapping: Vec<String> = list(&self.oidc_roles);
        let Some(url) = filled(&self.oidc_issuer) else {
            // Who sets one of these means that people can sign in.
            let is_set = !audiences.is_empty()
                || !mapping.is_empty()
                || filled(&self.oidc_jwks_url).is_some()
                || filled(&self.oidc_header).is_some();
            return if is_set {
                Err(issuer.wrong("it is not set, but others of LATCHKEY_OIDC_… are"))
            } else {
                Ok(None)
            };
        };
        bare(&issuer, &url)?;
        if audiences.is_empty() {
            return Err(audience.wrong("it is not set, and without it the JWTs of every other service would be good here"));
        }
        let path = self.oidc_roles_claim.trim();
        if path.is_empty() || path.chars().any(char::is_whitespace) {
            return Err(claim.wrong("it is empty, or has spaces in it"));
        }
        let header = header.optional::<HeaderName>(self.oidc_header.as_deref())?.map(|name| match name {
            header::AUTHORIZATION | header::COOKIE => Err(header.wrong(format!("{name} is used for other things"))),
            name => Ok(name),
        });
        Ok(Some(identity_provider::IdentityProviderSettings {
            issuer: url,
            audiences,
            roles: RoleClaim {
                path: path.to_owned(),
                mapping: (!mapping.is_empty())
                    .then(|| mapping.iter().map(|pair| role(pair)).collect())
                    .transpose()?,
            },
            jwks_url: filled(&self.oidc_jwks_url).map(|url| safe(&jwks, &url)).transpose()?,
            header: header.transpose()?,
            timing: RefreshTiming::default(),
        }))
    }
}

/// The last sign parts them: a name of the provider's may have others in it.
fn role(pair: &str) -> Result<(String, Role), ConfigError> {
    let form = Form(
        "LATCHKEY_OIDC_ROLES",
        "pairs of a value and one of viewer, ops, service and admin",
        "storage-admins=admin,on-call=ops",
    );
    let (theirs, ours) = pair.rsplit_once('=').ok_or_else(|| form.wrong(format!("{pair:?} has no sign =")))?;
    let role = ours
        .trim()
        .parse()
        .map_err(|_| form.wrong(format!("{:?} is no role", ours.trim())))?;
    match theirs.trim() {
        "" => Err(form.wrong(format!("{pair:?} has no value"))),
        theirs => Ok((theirs.to_owned(), role)),
    }
}

fn safe(form: &Form, text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|fault| form.wrong(fault))?;
    if !is_safe(&url) {
        return Err(form.wrong("it is no https URL, nor one on loopback"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(form.wrong("it has a user name or a password in it"));
    }
    Ok(url)
}

/// An issuer is compared as text, and its discovery document has its place under it.
fn bare(form: &Form, text: &str) -> Result<(), ConfigError> {
    let url = safe(form, text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(form.wrong("it has a query or a fragment"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn args() -> OidcArgs {
        OidcArgs {
            oidc_issuer: Some(" https://login.vendor.example ".into()),
            oidc_audience: vec!["latchkey".into(), String::new(), " dashboard".into()],
            oidc_roles_claim: "roles".into(),
            oidc_roles: Vec::new(),
            oidc_jwks_url: None,
            oidc_header: None,
        }
    }

    #[test]
    fn what_is_set_is_read() {
        let args = OidcArgs {
            oidc_roles: vec!["cn=admins=admin".into(), " on-call = ops".into()],
            oidc_header: Some("Cf-Access-Jwt-Assertion".into()),
            ..args()
        };
        let provider = args.provider().unwrap().unwrap();
        assert_eq!(provider.issuer, "https://login.vendor.example");
        assert_eq!(provider.audiences, ["latchkey", "dashboard"]);
        assert_eq!(
            provider.roles.mapping.unwrap(),
            [("cn=admins".to_owned(), Role::Admin), ("on-call".to_owned(), Role::Ops)]
        );
        assert_eq!(provider.header.unwrap(), "cf-access-jwt-assertion");
    }

    #[test]
    fn without_an_issuer_there_is_none() {
        let none = OidcArgs {
            oidc_issuer: Some(" ".into()),
            oidc_audience: vec![String::new()],
            ..args()
        };
        assert!(none.provider().unwrap().is_none());
        let half = OidcArgs {
            oidc_issuer: None,
            ..args()
        };
        let line = half.provider().unwrap_err().to_string();
        assert!(line.starts_with("LATCHKEY_OIDC_ISSUER: it is not set, but"), "{line}");
    }

    #[rstest]
    #[case(OidcArgs { oidc_issuer: Some("http://login.vendor.example".into()), ..args() }, "LATCHKEY_OIDC_ISSUER: it is no https URL")]
    #[case(OidcArgs { oidc_issuer: Some("https://login.vendor.example?x=1".into()), ..args() }, "LATCHKEY_OIDC_ISSUER: it has a query")]
    #[case(OidcArgs { oidc_issuer: Some("https://u:hunter2@login.vendor.example".into()), ..args() }, "LATCHKEY_OIDC_ISSUER: it has a user name")]
    #[case(OidcArgs { oidc_issuer: Some("login".into()), ..args() }, "LATCHKEY_OIDC_ISSUER: ")]
    #[case(OidcArgs { oidc_audience: Vec::new(), ..args() }, "LATCHKEY_OIDC_AUDIENCE: it is not set")]
    #[case(OidcArgs { oidc_roles_claim: "a b".into(), ..args() }, "LATCHKEY_OIDC_ROLES_CLAIM: ")]
    #[case(OidcArgs { oidc_roles: vec!["admins".into()], ..args() }, "LATCHKEY_OIDC_ROLES: \"admins\" has no sign =")]
    #[case(OidcArgs { oidc_roles: vec!["admins=emperor".into()], ..args() }, "LATCHKEY_OIDC_ROLES: \"emperor\" is no role")]
    #[case(OidcArgs { oidc_roles: vec!["=admin".into()], ..args() }, "LATCHKEY_OIDC_ROLES: \"=admin\" has no value")]
    #[case(OidcArgs { oidc_jwks_url: Some("http://login.vendor.example/keys".into()), ..args() }, "LATCHKEY_OIDC_JWKS_URL: it is no https URL")]
    #[case(OidcArgs { oidc_header: Some("a b".into()), ..args() }, "LATCHKEY_OIDC_HEADER: ")]
    #[case(OidcArgs { oidc_header: Some("Cookie".into()), ..args() }, "LATCHKEY_OIDC_HEADER: cookie is used")]
    fn a_wrong_one_is_one_line_with_an_example(#[case] args: OidcArgs, #[case] starts: &str) {
        let line = args.provider().unwrap_err().to_string();
        assert!(
            line.starts_with(starts) && line.contains(", such as ") && !line.contains("hunter2"),
            "{line}"
        );
    }
}
