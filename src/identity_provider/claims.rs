//! Validation of a JWT's claims: whether it is valid for this service and time, the user's role, and the tenants of a service.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::IdentityProviderSettings;
use super::invalid_jwt::{InvalidJwt, JwtRule};
use crate::domain::audit::Actor;
use crate::domain::identity::{Identity, ServiceTenants};
use crate::domain::ids::TenantId;
use crate::domain::text::is_line;
use crate::domain::token::Role;

/// The tolerated clock difference to the provider.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// Where the roles are in the claims, and how they map to Latchkey's.
#[derive(Debug, Clone)]
pub struct RoleClaim {
    /// The claim's name, or a path of names separated by dots.
    pub path: String,
    /// The provider's values and the role for each. If None, the values are Latchkey's role names.
    pub mapping: Option<Vec<(String, Role)>>,
}

/// The tenants that a JWT of the role `service` may read. None means all.
fn service_tenants(setting: &ServiceTenants, claims: &Map<String, Value>) -> Result<Option<Vec<TenantId>>, InvalidJwt> {
    let claim = match setting {
        ServiceTenants::None => return Err(InvalidJwt::ServiceNotAccepted),
        ServiceTenants::All => return Ok(None),
        ServiceTenants::Claim(claim) => claim,
    };
    // A slug can belong to another tenant one day, an ID cannot.
    let ids = |items: &Vec<Value>| items.iter().map(|item| TenantId::parse(item.as_str()?).ok()).collect();
    let tenants = find(claims, claim).and_then(Value::as_array).and_then(ids);
    tenants.map(Some).ok_or_else(|| InvalidJwt::NoTenants { claim: claim.clone() })
}

/// Whether the JWT tells a client who signed in, instead of giving access to an API. OpenID Connect defines `nonce`, `at_hash` and `c_hash`
/// only for ID tokens. Keycloak and Amazon Cognito name the kind in a claim of their own.
pub(crate) fn is_id_token(claims: &Map<String, Value>) -> bool {
    let is = |claim: &str, kind: &str| claims.get(claim).and_then(Value::as_str) == Some(kind);
    ["nonce", "at_hash", "c_hash"].iter().any(|claim| claims.contains_key(*claim)) || is("typ", "ID") || is("token_use", "id")
}

/// The user that the claims identify, and when they expire.
pub(crate) fn validate(
    settings: &IdentityProviderSettings,
    claims: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<(Identity, DateTime<Utc>), InvalidJwt> {
    let until = validate_registered_claims(settings, claims, now)?;
    let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| is_line(subject, 255));
    let subject = subject.ok_or(JwtRule::Subject)?.to_owned();
    let name = ["name", "preferred_username", "email"]
        .iter()
        .find_map(|claim| claims.get(*claim)?.as_str().map(str::trim).filter(|name| is_line(name, 200)));
    let role = settings.roles.role(claims).ok_or_else(|| InvalidJwt::NoRole {
        claim: settings.roles.path.clone(),
    })?;
    let identity = Identity {
        actor: Actor::User {
            subject,
            name: name.map(str::to_owned),
        },
        role,
        tenants: match role {
            Role::Service => service_tenants(&settings.service_tenants, claims)?,
            Role::Viewer | Role::Ops | Role::Admin => None,
        },
    };
    Ok((identity, until))
}

/// Validates issuer, audience and times. Returns the expiry.
fn validate_registered_claims(
    settings: &IdentityProviderSettings,
    claims: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, JwtRule> {
    if claims.get("iss").and_then(Value::as_str) != Some(settings.issuer.as_str()) {
        return Err(JwtRule::Issuer);
    }
    let is_ours = |audience: &Value| {
        audience
            .as_str()
            .is_some_and(|name| settings.audiences.iter().any(|ours| ours == name))
    };
    let is_for_us = match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.iter().any(is_ours),
        Some(audience) => is_ours(audience),
        None => false,
    };
    if !is_for_us {
        return Err(JwtRule::Audience);
    }
    let expiry = claims.get("exp").and_then(time).ok_or(JwtRule::NoExpiry)?;
    let until = expiry + LEEWAY;
    if until <= now {
        return Err(JwtRule::Expired);
    }
    let has_come = |claim: &str| {
        claims
            .get(claim)
            .is_none_or(|value| time(value).is_some_and(|at| at - LEEWAY <= now))
    };
    if !has_come("nbf") {
        return Err(JwtRule::NotYetValid);
    }
    if !has_come("iat") {
        return Err(JwtRule::IssuedLater);
    }
    // Without iat, the rest of its lifetime counts.
    let issued_at = claims.get("iat").and_then(time).unwrap_or(now);
    if issued_at + settings.max_age + LEEWAY <= now {
        return Err(JwtRule::TooOld);
    }
    if expiry - issued_at > settings.max_age {
        return Err(JwtRule::TooLong);
    }
    Ok(until)
}

/// Seconds since the epoch, possibly with a fraction. Times beyond the calendar's range are clamped.
fn time(value: &Value) -> Option<DateTime<Utc>> {
    const LATEST: u64 = 253_402_300_799;
    let seconds = match value.as_u64() {
        Some(seconds) => seconds,
        None => std::time::Duration::try_from_secs_f64(value.as_f64()?).ok()?.as_secs(),
    };
    DateTime::from_timestamp(i64::try_from(seconds.min(LATEST)).ok()?, 0)
}

impl RoleClaim {
    /// The most privileged role in the claim.
    fn role(&self, claims: &Map<String, Value>) -> Option<Role> {
        let values = match find(claims, &self.path)? {
            // The text may be one name with spaces, or several names separated by spaces.
            Value::String(text) => [text.as_str()].into_iter().chain(text.split_whitespace()).collect(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
            _ => return None,
        };
        let roles: Vec<Role> = values.into_iter().flat_map(|value| self.roles_of(value)).collect();
        [Role::Admin, Role::Ops, Role::Service, Role::Viewer]
            .into_iter()
            .find(|role| roles.contains(role))
    }

    fn roles_of(&self, value: &str) -> Vec<Role> {
        match &self.mapping {
            None => value.parse().into_iter().collect(),
            Some(mapping) => mapping
                .iter()
                .filter(|(theirs, _)| theirs == value)
                .map(|(_, ours)| *ours)
                .collect(),
        }
    }
}

/// The claim with this name, or at this path of names separated by dots. A claim's own name may contain dots, for example if it is a URL.
fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(claim) = claims.get(path) {
        return Some(claim);
    }
    let mut names = path.split('.');
    let first = claims.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn settings(path: &str, mapping: Option<&[(&str, Role)]>) -> IdentityProviderSettings {
        IdentityProviderSettings {
            issuer: "https://id.example".into(),
            audiences: vec!["latchkey".into(), "latchkey-dashboard".into()],
            roles: RoleClaim {
                path: path.into(),
                mapping: mapping.map(|pairs| pairs.iter().map(|(theirs, ours)| ((*theirs).to_owned(), *ours)).collect()),
            },
            service_tenants: ServiceTenants::All,
            max_age: TimeDelta::days(1),
            id_tokens: false,
            jwks_url: None,
            header: None,
            timing: crate::identity_provider::RefreshTiming::default(),
        }
    }

    fn judged(settings: &IdentityProviderSettings, more: &Value) -> Result<Identity, InvalidJwt> {
        let mut claims = json!({"iss": "https://id.example", "aud": "latchkey", "sub": "42", "exp": NOW + 300, "roles": "ops"});
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        validate(settings, claims.as_object().unwrap(), DateTime::from_timestamp(NOW, 0).unwrap()).map(|(identity, _)| identity)
    }

    #[rstest]
    #[case(json!({}), None)]
    #[case(json!({"aud": ["other", "latchkey-dashboard"]}), None)]
    #[case(json!({"exp": NOW - 59}), None)]
    #[case(json!({"nbf": NOW + 60, "iat": NOW + 60}), None)]
    #[case(json!({"exp": 1_800_000_000.5, "iat": 1_799_999_999.25}), None)]
    #[case(json!({"exp": 1e300}), Some(JwtRule::NoExpiry))]
    #[case(json!({"exp": u64::MAX}), Some(JwtRule::TooLong))]
    #[case(json!({"exp": NOW + 86_400}), None)]
    #[case(json!({"exp": NOW + 86_401}), Some(JwtRule::TooLong))]
    #[case(json!({"iat": NOW - 600, "exp": NOW + 85_800}), None)]
    #[case(json!({"iat": NOW - 600, "exp": NOW + 85_801}), Some(JwtRule::TooLong))]
    #[case(json!({"iat": NOW - 86_400, "exp": NOW}), None)]
    #[case(json!({"iat": NOW - 86_460, "exp": NOW + 1}), Some(JwtRule::TooOld))]
    #[case(json!({"iss": "https://id.example/"}), Some(JwtRule::Issuer))]
    #[case(json!({"iss": null}), Some(JwtRule::Issuer))]
    #[case(json!({"iss": ["https://id.example"]}), Some(JwtRule::Issuer))]
    #[case(json!({"aud": "other"}), Some(JwtRule::Audience))]
    #[case(json!({"aud": []}), Some(JwtRule::Audience))]
    #[case(json!({"aud": {"latchkey": true}}), Some(JwtRule::Audience))]
    #[case(json!({"exp": NOW - 60}), Some(JwtRule::Expired))]
    #[case(json!({"exp": null}), Some(JwtRule::NoExpiry))]
    #[case(json!({"exp": "1900000000"}), Some(JwtRule::NoExpiry))]
    #[case(json!({"exp": -1}), Some(JwtRule::NoExpiry))]
    #[case(json!({"nbf": NOW + 61}), Some(JwtRule::NotYetValid))]
    #[case(json!({"nbf": "soon"}), Some(JwtRule::NotYetValid))]
    #[case(json!({"iat": NOW + 61}), Some(JwtRule::IssuedLater))]
    #[case(json!({"sub": ""}), Some(JwtRule::Subject))]
    #[case(json!({"sub": "a\nb"}), Some(JwtRule::Subject))]
    #[case(json!({"sub": 42}), Some(JwtRule::Subject))]
    fn claims_are_validated(#[case] more: Value, #[case] expected: Option<JwtRule>) {
        assert_eq!(judged(&settings("roles", None), &more).err(), expected.map(InvalidJwt::Broken));
    }

    #[rstest]
    #[case("roles", json!({"roles": "viewer"}), Some(Role::Viewer))]
    #[case("roles", json!({"roles": "viewer admin"}), Some(Role::Admin))]
    #[case("roles", json!({"roles": ["viewer", "service", 7]}), Some(Role::Service))]
    #[case("roles", json!({"roles": ["ops", "service"]}), Some(Role::Ops))]
    #[case("roles", json!({"roles": ["emperor", "Admin"]}), None)]
    #[case("roles", json!({"roles": {"admin": true}}), None)]
    #[case("roles", json!({"roles": null}), None)]
    #[case("realm_access.roles", json!({"realm_access": {"roles": ["ops"]}}), Some(Role::Ops))]
    #[case("realm_access.roles", json!({"realm_access": "ops"}), None)]
    #[case("https://id.example/roles", json!({"https://id.example/roles": ["admin"]}), Some(Role::Admin))]
    fn the_most_privileged_role_counts(#[case] path: &str, #[case] more: Value, #[case] expected: Option<Role>) {
        let judged = judged(&settings(path, None), &more);
        match expected {
            Some(role) => assert_eq!(judged.unwrap().role, role),
            None => assert_eq!(judged, Err(InvalidJwt::NoRole { claim: path.into() })),
        }
    }

    const ONE: &str = "01910f5e-8f6a-7cc3-8f5e-2f8a1c9f0b11";

    #[rstest]
    #[case(ServiceTenants::All, json!({}), Ok(None))]
    #[case(ServiceTenants::None, json!({"tenants": [ONE]}), Err(InvalidJwt::ServiceNotAccepted))]
    #[case(ServiceTenants::Claim("tenants".into()), json!({"tenants": [ONE]}), Ok(Some(vec![TenantId::parse(ONE).unwrap()])))]
    #[case(ServiceTenants::Claim("tenants".into()), json!({"tenants": []}), Ok(Some(vec![])))]
    #[case(ServiceTenants::Claim("a.b".into()), json!({"a": {"b": [ONE]}}), Ok(Some(vec![TenantId::parse(ONE).unwrap()])))]
    #[case(ServiceTenants::Claim("tenants".into()), json!({}), Err(InvalidJwt::NoTenants { claim: "tenants".into() }))]
    #[case(ServiceTenants::Claim("tenants".into()), json!({"tenants": ONE}), Err(InvalidJwt::NoTenants { claim: "tenants".into() }))]
    #[case(ServiceTenants::Claim("tenants".into()), json!({"tenants": [ONE, "acme"]}), Err(InvalidJwt::NoTenants { claim: "tenants".into() }))]
    fn a_service_reads_the_tenants_in_the_claim(
        #[case] service_tenants: ServiceTenants,
        #[case] more: Value,
        #[case] expected: Result<Option<Vec<TenantId>>, InvalidJwt>,
    ) {
        let settings = IdentityProviderSettings {
            service_tenants,
            ..settings("role", None)
        };
        let with = |role: &str| {
            let mut claims = more.clone();
            claims["role"] = json!(role);
            judged(&settings, &claims).map(|identity| identity.tenants)
        };
        assert_eq!(with("service"), expected);
        // People read the dashboard, which is for all tenants.
        assert_eq!((with("viewer"), with("ops")), (Ok(None), Ok(None)));
    }

    #[rstest]
    #[case(json!({}), false)]
    #[case(json!({"typ": "Bearer", "token_use": "access", "scope": "openid", "auth_time": 1}), false)]
    #[case(json!({"nonce": "n"}), true)]
    #[case(json!({"at_hash": "h"}), true)]
    #[case(json!({"c_hash": "h"}), true)]
    #[case(json!({"typ": "ID"}), true)]
    #[case(json!({"token_use": "id"}), true)]
    fn id_tokens_are_recognized(#[case] claims: Value, #[case] expected: bool) {
        assert_eq!(is_id_token(claims.as_object().unwrap()), expected);
    }

    #[rstest]
    #[case(json!("Storage Admins"), Some(Role::Admin))]
    #[case(json!("on-call storage-readers"), Some(Role::Ops))]
    #[case(json!(["storage-readers"]), Some(Role::Viewer))]
    #[case(json!(["admin", "ops"]), None)]
    fn with_a_mapping_only_its_values_are_roles(#[case] groups: Value, #[case] expected: Option<Role>) {
        let mapping: &[(&str, Role)] = &[
            ("Storage Admins", Role::Admin),
            ("on-call", Role::Ops),
            ("storage-readers", Role::Viewer),
        ];
        let judged = judged(&settings("groups", Some(mapping)), &json!({"groups": groups}));
        assert_eq!(judged.ok().map(|identity| identity.role), expected);
    }

    #[test]
    fn a_user_has_the_subject_and_the_available_name() {
        let judged = |more| judged(&settings("roles", None), &more).unwrap().actor;
        let named = |name: Option<&str>| Actor::User {
            subject: "42".into(),
            name: name.map(str::to_owned),
        };
        assert_eq!(judged(json!({})), named(None));
        assert_eq!(
            judged(json!({"name": " ", "email": "ada@vendor.example"})),
            named(Some("ada@vendor.example"))
        );
        assert_eq!(judged(json!({"name": "Ada", "email": "ada@vendor.example"})), named(Some("Ada")));
        assert_eq!(judged(json!({"name": "Ada"})).opaque(), "user:42");
    }
}
