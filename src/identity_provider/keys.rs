//! The provider's public keys, parsed from its key set: <https://www.rfc-editor.org/rfc/rfc7517>.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::invalid_jwt::JwtRule;
use super::jwt;

/// The keys that can verify signatures of accepted algorithms.
#[derive(Debug, Clone)]
pub struct VerificationKeys {
    keys: Vec<VerificationKey>,
    /// The original bytes, to detect changes.
    source: Vec<u8>,
}

impl PartialEq for VerificationKeys {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

#[derive(Debug, Clone)]
struct VerificationKey {
    name: Option<String>,
    algorithms: Vec<Algorithm>,
    verifying: DecodingKey,
}

/// The result of looking up a key by ID and algorithm.
pub enum KeyLookup<'a> {
    Key(&'a DecodingKey),
    Broken(JwtRule),
    Unknown,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// The members that identify a key and its use. Others, such as certificates, are ignored.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl VerificationKeys {
    /// None if this is not a key set. Keys that cannot be used here are omitted.
    pub fn read(source: Vec<u8>) -> Option<Self> {
        let set: KeySet = serde_json::from_slice(&source).ok()?;
        let keys = set
            .keys
            .into_iter()
            .filter_map(|key| VerificationKey::read(serde_json::from_value(key).ok()?));
        Some(Self {
            keys: keys.collect(),
            source,
        })
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The algorithms of the keys, by name.
    pub fn algorithms(&self) -> Vec<String> {
        let has = |algorithm: &&Algorithm| self.keys.iter().any(|key| key.algorithms.contains(algorithm));
        jwt::ACCEPTED.iter().filter(has).map(|algorithm| format!("{algorithm:?}")).collect()
    }

    /// The key with this ID. A JWT may omit the ID if there is only one possible key.
    pub fn find(&self, name: Option<&str>, algorithm: Algorithm) -> KeyLookup<'_> {
        let named = self.keys.iter().filter(|key| name.is_none() || key.name.as_deref() == name);
        let mut fitting = named.clone().filter(|key| key.algorithms.contains(&algorithm));
        match (fitting.next(), fitting.next(), named.count()) {
            (Some(_), Some(_), _) if name.is_none() => KeyLookup::Broken(JwtRule::UnnamedKey),
            (Some(key), _, _) => KeyLookup::Key(&key.verifying),
            (None, _, 0) => KeyLookup::Unknown,
            (None, ..) if name.is_none() => KeyLookup::Unknown,
            (None, ..) => KeyLookup::Broken(JwtRule::KeyOfAnotherAlgorithm),
        }
    }
}

impl VerificationKey {
    /// None if the key cannot be used here: it is symmetric, for encryption, or of an unsupported type.
    fn read(jwk: Jwk) -> Option<Self> {
        let verifies = jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
            && jwk
                .key_ops
                .as_ref()
                .is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
        if !verifies {
            return None;
        }
        let (algorithms, key): (&[Algorithm], _) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => (&jwt::RSA, DecodingKey::from_rsa_components(jwk.n.as_deref()?, jwk.e.as_deref()?)),
            ("EC", Some("P-256")) => (
                &[Algorithm::ES256],
                DecodingKey::from_ec_components(jwk.x.as_deref()?, jwk.y.as_deref()?),
            ),
            ("EC", Some("P-384")) => (
                &[Algorithm::ES384],
                DecodingKey::from_ec_components(jwk.x.as_deref()?, jwk.y.as_deref()?),
            ),
            ("OKP", Some("Ed25519")) => (&[Algorithm::EdDSA], DecodingKey::from_ed_components(jwk.x.as_deref()?)),
            _ => return None,
        };
        let mut algorithms = algorithms.to_vec();
        if let Some(alone) = jwk.alg {
            let alone = jwt::accepted(&alone)?;
            algorithms.retain(|algorithm| *algorithm == alone);
        }
        (!algorithms.is_empty()).then_some(())?;
        Some(Self {
            name: jwk.kid,
            algorithms,
            verifying: key.ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const N: &str = "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw";

    fn found(set: &Value, name: Option<&str>, algorithm: Algorithm) -> Result<bool, JwtRule> {
        match VerificationKeys::read(set.to_string().into_bytes()).unwrap().find(name, algorithm) {
            KeyLookup::Key(_) => Ok(true),
            KeyLookup::Unknown => Ok(false),
            KeyLookup::Broken(rule) => Err(rule),
        }
    }

    fn rsa(more: &Value) -> Value {
        let mut key = json!({"kty": "RSA", "kid": "one", "n": N, "e": "AQAB"});
        for (name, value) in more.as_object().unwrap() {
            key[name] = value.clone();
        }
        json!({"keys": [key]})
    }

    #[rstest]
    #[case(json!({}), Algorithm::RS256, Ok(true))]
    #[case(json!({}), Algorithm::PS512, Ok(true))]
    #[case(json!({"alg": "RS256"}), Algorithm::RS256, Ok(true))]
    #[case(json!({"use": "sig", "key_ops": ["verify"]}), Algorithm::RS256, Ok(true))]
    #[case(json!({"alg": "RS512"}), Algorithm::RS256, Err(JwtRule::KeyOfAnotherAlgorithm))]
    #[case(json!({}), Algorithm::ES256, Err(JwtRule::KeyOfAnotherAlgorithm))]
    #[case(json!({"use": "enc"}), Algorithm::RS256, Ok(false))]
    #[case(json!({"key_ops": ["encrypt"]}), Algorithm::RS256, Ok(false))]
    #[case(json!({"alg": "RSA-OAEP"}), Algorithm::RS256, Ok(false))]
    #[case(json!({"alg": "HS256"}), Algorithm::RS256, Ok(false))]
    #[case(json!({"kid": "two"}), Algorithm::RS256, Ok(false))]
    #[case(json!({"kty": "oct", "k": "c2VjcmV0"}), Algorithm::RS256, Ok(false))]
    #[case(json!({"n": null}), Algorithm::RS256, Ok(false))]
    #[case(json!({"n": "*"}), Algorithm::RS256, Ok(false))]
    fn a_key_is_only_used_for_its_declared_purpose(
        #[case] more: Value,
        #[case] algorithm: Algorithm,
        #[case] expected: Result<bool, JwtRule>,
    ) {
        assert_eq!(found(&rsa(&more), Some("one"), algorithm), expected);
    }

    #[test]
    fn unreadable_keys_are_skipped() {
        let mut set = rsa(&json!({}));
        let keys = set["keys"].as_array_mut().unwrap();
        keys.insert(0, json!({"kty": "EC", "crv": "P-521", "kid": "other", "x": "AA", "y": "AA"}));
        keys.insert(0, json!("nonsense"));
        assert_eq!(found(&set, Some("one"), Algorithm::RS256), Ok(true));
        assert!(VerificationKeys::read(b"{\"keys\": {}}".to_vec()).is_none() && VerificationKeys::read(b"<html>".to_vec()).is_none());
    }

    #[test]
    fn the_key_id_may_be_omitted_if_there_is_only_one_possible_key() {
        let mut set = rsa(&json!({}));
        assert_eq!(found(&set, None, Algorithm::RS256), Ok(true));
        assert_eq!(found(&set, None, Algorithm::ES256), Ok(false));
        let mut other = set["keys"][0].clone();
        other["kid"] = json!("two");
        set["keys"].as_array_mut().unwrap().push(other);
        assert_eq!(found(&set, None, Algorithm::RS256), Err(JwtRule::UnnamedKey));
        assert_eq!(found(&set, Some("two"), Algorithm::RS256), Ok(true));
    }
}
