//! Public keys as JSON (RFC 7517, RFC 7518 §6, RFC 8037), and their thumbprints (RFC 7638).

pub use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{
    EncodingKey,
    errors::Result,
    jwk::{PublicKeyUse, ThumbprintHash},
};

use crate::algorithm::IdTokenAlg;

/// The public part of `key`, with its thumbprint as key id, which is the same on every replica and never reused.
pub(super) fn of(algorithm: IdTokenAlg, key: &EncodingKey) -> Result<Jwk> {
    let mut jwk = Jwk::from_encoding_key(key, algorithm.into())?;
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256)?);
    Ok(jwk)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use openssl::pkey::{Id, PKey};

    use super::*;
    use crate::provider;

    #[test]
    fn the_published_rsa_thumbprint_holds() {
        // RFC 7638 §3.1.
        provider::install();
        let key: Jwk = serde_json::from_value(serde_json::json!({
            "e": "AQAB",
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        }))
        .unwrap();
        let thumbprint = key.thumbprint(ThumbprintHash::SHA256).unwrap();
        assert_eq!(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_published_ed25519_key_and_thumbprint_hold() {
        // RFC 8037, appendices A.1, A.2 and A.3.
        provider::install();
        let secret = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = PKey::private_key_from_raw_bytes(&secret, Id::ED25519).unwrap();
        let jwk =
            of(IdTokenAlg::EdDSA, &EncodingKey::from_ed_der(&key.private_key_to_pkcs8().unwrap())).unwrap();
        insta::assert_json_snapshot!(jwk, @r#"
        {
          "use": "sig",
          "alg": "EdDSA",
          "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
          "kty": "OKP",
          "crv": "Ed25519",
          "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        }
        "#);
    }
}
