//! Why a JWT is not believed. Nothing of it is repeated: neither to who sent it nor to the log.

use std::time::Duration;

use strum::IntoStaticStr;

/// A rule that the JWT breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum JwtRule {
    #[error("it is not three parts of base64url, the first two of them JSON objects")]
    Malformed,
    #[error("its algorithm is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA")]
    Algorithm,
    #[error("its header typ is neither JWT nor at+jwt")]
    Type,
    #[error("its header crit demands what is not known here")]
    Critical,
    #[error("its header kid is missing, and the identity provider has several keys")]
    UnnamedKey,
    #[error("the identity provider has no key of its header kid")]
    UnknownKey,
    #[error("the key of its header kid is for another algorithm")]
    KeyOfAnotherAlgorithm,
    #[error("its signature is not that of the key")]
    Signature,
    #[error("its claim iss names another issuer")]
    Issuer,
    #[error("its claim aud does not name this service")]
    Audience,
    #[error("its claim exp is missing, or no number of seconds")]
    NoExpiry,
    #[error("it has expired: its claim exp is past")]
    Expired,
    #[error("it is not valid yet: its claim nbf is to come, or no number of seconds")]
    NotYetValid,
    #[error("it was issued in the future: its claim iat is to come, or no number of seconds")]
    IssuedLater,
    #[error("its claim sub is not 1 to 255 characters on one line")]
    Subject,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJwt {
    #[error("The JWT is refused: {0}.")]
    Broken(#[from] JwtRule),
    #[error("The identity provider vouches for you, but its claim {claim} gives you no role here.")]
    NoRole { claim: String },
    #[error("The identity provider does not answer, so that nobody can tell whose JWT this is.")]
    Unavailable {
        /// Asking again helps after this at the earliest.
        wait: Duration,
    },
}

impl InvalidJwt {
    /// For logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Broken(rule) => rule.into(),
            Self::NoRole { .. } => "no_role",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}
