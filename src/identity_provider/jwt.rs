//! Parsing of JWTs (<https://www.rfc-editor.org/rfc/rfc7519>), with the precautions of
//! <https://www.rfc-editor.org/rfc/rfc8725>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Map, Value};

use super::invalid_jwt::JwtRule;

/// Longer texts are not parsed.
const MAX: usize = 16 * 1024;

pub(crate) const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// Asymmetric algorithms only: a key that verifies signatures must not be able to create them.
pub(crate) const ACCEPTED: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The algorithm with this name, if it is accepted.
pub(crate) fn accepted(name: &str) -> Option<Algorithm> {
    // The newer name: <https://www.rfc-editor.org/rfc/rfc9864>
    let name = if name == "Ed25519" { "EdDSA" } else { name };
    name.parse().ok().filter(|algorithm| ACCEPTED.contains(algorithm))
}

/// A parsed header, and the unverified rest.
pub(crate) struct Jwt<'a> {
    pub algorithm: Algorithm,
    /// The ID of the key that signed it.
    pub key: Option<String>,
    /// Its header says that it is an access token: <https://www.rfc-editor.org/rfc/rfc9068>
    pub is_access_token: bool,
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Jwt<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, JwtRule> {
        if text.len() > MAX {
            return Err(JwtRule::Malformed);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(JwtRule::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(JwtRule::Malformed)?;
        if payload.contains('.') {
            return Err(JwtRule::Malformed);
        }
        let header = object(header)?;
        let algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .and_then(accepted)
            .ok_or(JwtRule::Algorithm)?;
        if header.contains_key("crit") {
            return Err(JwtRule::Critical);
        }
        // A JWT of another type, such as a logout token, does not identify the caller.
        let kind = match header.get("typ") {
            None => None,
            Some(kind) => Some(kind.as_str().ok_or(JwtRule::Type)?.to_ascii_lowercase()),
        };
        let kind = kind.as_deref().map(|kind| kind.strip_prefix("application/").unwrap_or(kind));
        if !matches!(kind, None | Some("jwt" | "at+jwt")) {
            return Err(JwtRule::Type);
        }
        let key = match header.get("kid") {
            None => None,
            Some(Value::String(key)) => Some(key.clone()),
            Some(_) => return Err(JwtRule::UnknownKey),
        };
        Ok(Self {
            algorithm,
            key,
            is_access_token: kind == Some("at+jwt"),
            message,
            payload,
            signature,
        })
    }

    pub(crate) fn is_signed_by(&self, key: &DecodingKey) -> bool {
        crypto::verify(self.signature, self.message.as_bytes(), key, self.algorithm).unwrap_or(false)
    }

    /// The claims. Verify the signature first.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, JwtRule> {
        object(self.payload)
    }
}

fn object(part: &str) -> Result<Map<String, Value>, JwtRule> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtRule::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| JwtRule::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn read(header: &Value) -> Option<JwtRule> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        Jwt::read(&format!("{}.{}.AAAA", part(header), part(&json!({})))).err()
    }

    #[rstest]
    #[case(json!({"alg": "RS256", "typ": "JWT", "kid": "one"}), None)]
    #[case(json!({"alg": "Ed25519", "typ": "application/AT+jwt"}), None)]
    #[case(json!({"alg": "none"}), Some(JwtRule::Algorithm))]
    #[case(json!({"alg": "None"}), Some(JwtRule::Algorithm))]
    #[case(json!({"alg": "HS256"}), Some(JwtRule::Algorithm))]
    #[case(json!({"alg": "rs256"}), Some(JwtRule::Algorithm))]
    #[case(json!({"alg": ["RS256"]}), Some(JwtRule::Algorithm))]
    #[case(json!({}), Some(JwtRule::Algorithm))]
    #[case(json!({"alg": "RS256", "crit": ["b64"], "b64": false}), Some(JwtRule::Critical))]
    #[case(json!({"alg": "RS256", "typ": "logout+jwt"}), Some(JwtRule::Type))]
    #[case(json!({"alg": "RS256", "typ": 1}), Some(JwtRule::Type))]
    #[case(json!({"alg": "RS256", "kid": {}}), Some(JwtRule::UnknownKey))]
    #[case(json!(["RS256"]), Some(JwtRule::Malformed))]
    fn headers_are_validated(#[case] header: Value, #[case] expected: Option<JwtRule>) {
        assert_eq!(read(&header), expected);
    }

    proptest! {
        #[test]
        fn garbage_is_malformed(text in "[ -~]{0,80}") {
            if let Err(rule) = Jwt::read(&text) {
                prop_assert_eq!(rule, JwtRule::Malformed);
            }
        }
    }

    #[test]
    fn a_jwe_and_a_huge_text_are_malformed() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg": "RS256"}"#);
        for text in [
            format!("{header}.a.b.c.d"),
            format!("{header}.{}.b", "a".repeat(MAX)),
            format!("{header}.a"),
        ] {
            assert_eq!(Jwt::read(&text).err(), Some(JwtRule::Malformed));
        }
    }
}
