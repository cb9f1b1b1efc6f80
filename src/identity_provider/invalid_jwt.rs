//! Why a JWT is rejected. Contains nothing of the JWT, because the text is returned to the sender and logged.

use std::time::Duration;

use strum::IntoStaticStr;

/// A rule that the JWT breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum JwtRule {
    #[error("it must consist of three base64url parts, the first two of which are JSON objects")]
    Malformed,
    #[error("its algorithm must be RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA")]
    Algorithm,
    #[error("the header typ must be JWT or at+jwt")]
    Type,
    #[error("the header crit lists an unsupported extension")]
    Critical,
    #[error("the header kid is missing, but the identity provider has several keys")]
    UnnamedKey,
    #[error("the identity provider has no key with this kid")]
    UnknownKey,
    #[error("the key with this kid is for another algorithm")]
    KeyOfAnotherAlgorithm,
    #[error("the signature is invalid")]
    Signature,
    #[error("the claim iss names another issuer")]
    Issuer,
    #[error("the claim aud does not name this service")]
    Audience,
    #[error("the claim exp is missing or not a number of seconds")]
    NoExpiry,
    #[error("it has expired (claim exp)")]
    Expired,
    #[error("the claim nbf is in the future or not a number of seconds")]
    NotYetValid,
    #[error("the claim iat is in the future or not a number of seconds")]
    IssuedLater,
    #[error("it was issued too long ago (claim iat and LATCHKEY_OIDC_MAX_AGE)")]
    TooOld,
    #[error("it is valid for too long (claims iat and exp, and LATCHKEY_OIDC_MAX_AGE)")]
    TooLong,
    #[error("it is an ID token, which tells a client who signed in; send an access token for this API")]
    IdToken,
    #[error("the claim sub must be a single line of 1 to 255 characters")]
    Subject,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJwt {
    #[error("Invalid JWT: {0}.")]
    Broken(#[from] JwtRule),
    #[error("The JWT is valid, but its claim {claim} grants you no role in Latchkey.")]
    NoRole { claim: String },
    #[error(
        "The JWT is valid, but JWTs with the role service are not accepted: neither LATCHKEY_OIDC_TENANTS_CLAIM nor LATCHKEY_OIDC_SERVICE_ALL_TENANTS is set."
    )]
    ServiceNotAccepted,
    #[error("The JWT is valid and has the role service, but its claim {claim} is not a list of the IDs of the tenants that it may read.")]
    NoTenants { claim: String },
    #[error("The identity provider does not respond, so the JWT cannot be verified.")]
    Unavailable {
        /// The delay after which a retry may help.
        wait: Duration,
    },
}

impl InvalidJwt {
    /// For logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Broken(rule) => rule.into(),
            Self::NoRole { .. } => "no_role",
            Self::ServiceNotAccepted => "service_not_accepted",
            Self::NoTenants { .. } => "no_tenants",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}
