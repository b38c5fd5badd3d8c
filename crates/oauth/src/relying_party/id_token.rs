//! The validation of an ID token (OpenID Connect Core 1.0 §3.1.3.7, RFC 8725). Each rule is a [`Finding`] of its own, so that
//! support sees which one a login failed.

use std::time::Duration;

use base::{
    bounded_json::{self, Limits},
    time::Timestamp,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{SignatureAlgorithm, jwks::ProviderKeys};

/// The maximum size of an ID token, in bytes. Groups may be many.
const MAX_BYTES: usize = 64 * 1024;

/// The maximum length of `sub`, in bytes (OpenID Connect Core 1.0 §2).
const MAX_SUBJECT_BYTES: usize = 255;

/// Bounds of header and claims.
const LIMITS: Limits = Limits { depth: 16, values: 5000, names: 5000, name_bytes: 1000, refuse_nul: true };

/// The maximum length of a value from a token in a finding, in characters.
const MAX_SHOWN: usize = 200;

/// A rule of an ID token, in the order in which they are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It is a signed JWT that can be read, and no token of another kind (RFC 7515 §3.1, RFC 8725 §3.11).
    Form,
    /// Its algorithm is accepted (RFC 8725 §3.1).
    Algorithm,
    /// The provider publishes a key for it.
    Key,
    /// Its signature is right.
    Signature,
    /// `iss` is the issuer.
    Issuer,
    /// `aud` names us.
    Audience,
    /// `azp`, where it is needed, is us.
    AuthorizedParty,
    /// `exp` is to come.
    Expiry,
    /// `iat` and `nbf` are past.
    IssuedAt,
    /// `nonce` is that of the request.
    Nonce,
    /// `at_hash`, where it is sent, is that of the access token.
    AccessTokenHash,
    /// `sub` names somebody.
    Subject,
}

/// The outcome of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What was expected.
    pub expected: Option<String>,
    /// What was found.
    pub found: Option<String>,
}

/// What a token must say.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// Our client id.
    pub client_id: &'a str,
    /// Whether a nonce is that of the request.
    pub is_nonce: &'a dyn Fn(&str) -> bool,
    /// The access token that came along.
    pub access_token: &'a str,
    /// The time.
    pub now: Timestamp,
    /// How far the provider's clock may be off.
    pub clock_skew: Duration,
}

/// The claims of a valid ID token.
#[derive(Debug, Clone, PartialEq)]
pub struct IdTokenClaims {
    /// `sub`.
    pub subject: String,
    /// `auth_time`.
    pub authenticated_at: Option<Timestamp>,
    /// All claims.
    pub claims: Map<String, Value>,
}

/// The verdict on a token.
#[derive(Debug)]
pub struct Verdict {
    /// The rules that it kept, in order.
    pub passed: Vec<Finding>,
    /// The claims, or the first rule that it broke.
    pub outcome: Result<IdTokenClaims, Finding>,
    /// What it claims, if its signature is right.
    pub signed_claims: Option<Map<String, Value>>,
}

/// A token while it is validated.
struct Validation<'a> {
    expected: &'a Expected<'a>,
    passed: Vec<Finding>,
    signed_claims: Option<Map<String, Value>>,
}

/// Validates a token.
pub fn validate(token: &str, keys: &ProviderKeys, expected: &Expected<'_>) -> Verdict {
    let mut validation = Validation { expected, passed: Vec::new(), signed_claims: None };
    let outcome = validation.run(token, keys);
    Verdict { passed: validation.passed, outcome, signed_claims: validation.signed_claims }
}

/// The key id that a token names, unverified: to tell whether newer keys may help.
pub fn unverified_key_id(token: &str) -> Option<String> {
    let header = token.split('.').next().filter(|_| token.len() <= MAX_BYTES).and_then(object)?;
    header.get("kid")?.as_str().map(str::to_owned)
}

fn object(part: &str) -> Option<Map<String, Value>> {
    match bounded_json::parse(&URL_SAFE_NO_PAD.decode(part).ok()?, &LIMITS) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "(missing)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(MAX_SHOWN).collect()
}

/// A NumericDate (RFC 7519 §2).
fn date(value: &Value) -> Option<Timestamp> {
    const FAR: f64 = 4_102_444_800.0 * 2.0;
    let seconds = value.as_f64().filter(|seconds| (0.0..FAR).contains(seconds))?;
    #[expect(clippy::cast_possible_truncation, reason = "it is within the range")]
    Some(Timestamp::from_seconds(seconds.floor() as i64))
}

impl Validation<'_> {
    fn fail(rule: Rule, expected: &str, found: String) -> Finding {
        Finding { rule, expected: Some(expected.to_owned()), found: Some(found) }
    }

    fn require(&mut self, rule: Rule, passed: bool, expected: &str, found: String) -> Result<(), Finding> {
        let finding = Self::fail(rule, expected, found);
        if passed {
            self.passed.push(finding);
            return Ok(());
        }
        Err(finding)
    }

    fn run(&mut self, token: &str, keys: &ProviderKeys) -> Result<IdTokenClaims, Finding> {
        let claims = self.verify(token, keys)?;
        self.signed_claims = Some(claims.clone());
        let claim = |name: &str| claims.get(name).cloned().unwrap_or_default();
        let expected = *self.expected;
        let issuer = claim("iss");
        let is_issuer = issuer.as_str() == Some(expected.issuer);
        self.require(Rule::Issuer, is_issuer, expected.issuer, shown(&issuer))?;
        self.check_audience(&claim("aud"), &claim("azp"))?;
        self.check_times(&claim("exp"), &claim("iat"), &claim("nbf"))?;
        let nonce = claim("nonce");
        let is_nonce = nonce.as_str().is_some_and(expected.is_nonce);
        let found = if nonce.is_null() {
            "(missing)"
        } else if is_nonce {
            "the same"
        } else {
            "another one"
        };
        self.require(Rule::Nonce, is_nonce, "the nonce of the request", found.to_owned())?;
        let subject = claim("sub");
        let named = subject.as_str().filter(|text| (1..=MAX_SUBJECT_BYTES).contains(&text.len()));
        let named = named.filter(|text| !text.chars().any(char::is_control));
        self.require(
            Rule::Subject,
            named.is_some(),
            "a text of 1 to 255 bytes",
            if named.is_some() { "a text".to_owned() } else { "none".to_owned() },
        )?;
        Ok(IdTokenClaims {
            subject: named.unwrap_or_default().to_owned(),
            authenticated_at: date(&claim("auth_time")),
            claims,
        })
    }

    /// Form, algorithm, key, signature and `at_hash`; returns the claims.
    fn verify(&mut self, token: &str, keys: &ProviderKeys) -> Result<Map<String, Value>, Finding> {
        let malformed = |found: &str| Self::fail(Rule::Form, "a signed JSON Web Token", found.to_owned());
        if token.len() > MAX_BYTES {
            return Err(malformed("more than 64 kB"));
        }
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let [first, second, third] = parts.as_slice() else {
            return Err(malformed("not three parts (an encrypted token has five)"));
        };
        let header = object(first).ok_or_else(|| malformed("an unreadable header"))?;
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let kind = text("typ").unwrap_or("JWT");
        if !kind.eq_ignore_ascii_case("JWT") || header.contains_key("crit") {
            return Err(malformed("a token of another kind (typ or crit)"));
        }
        let name = text("alg").unwrap_or_default();
        let algorithm: Option<SignatureAlgorithm> = name.parse().ok();
        self.require(
            Rule::Algorithm,
            algorithm.is_some(),
            "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA",
            name.chars().take(40).collect(),
        )?;
        let algorithm = algorithm.ok_or_else(|| malformed("no algorithm"))?;
        let id = text("kid");
        let mut candidates = keys.candidates(id, algorithm).peekable();
        let is_known = candidates.peek().is_some();
        let found = id.map_or("no kid".to_owned(), |id| format!("kid {}", shown(&id.into())));
        self.require(
            Rule::Key,
            is_known,
            &format!("a key for {} among: {}", algorithm.as_str(), keys.ids()),
            found,
        )?;
        let signature = URL_SAFE_NO_PAD.decode(third).map_err(|_| malformed("an unreadable signature"))?;
        let message = &token[..first.len() + 1 + second.len()];
        let is_right = candidates.any(|key| algorithm.verifies(key, message.as_bytes(), &signature));
        self.require(
            Rule::Signature,
            is_right,
            "a signature by that key",
            if is_right { "right" } else { "wrong" }.to_owned(),
        )?;
        let claims = object(second).ok_or_else(|| malformed("unreadable claims"))?;
        if let Some(hash) = claims.get("at_hash") {
            let own = algorithm.half_hash(self.expected.access_token).unwrap_or_default();
            let is_same = hash.as_str().and_then(|hash| URL_SAFE_NO_PAD.decode(hash).ok()) == Some(own);
            self.require(
                Rule::AccessTokenHash,
                is_same,
                "the hash of the access token",
                if is_same { "the same" } else { "another one" }.to_owned(),
            )?;
        }
        Ok(claims)
    }

    /// §3.1.3.7, rules 3 to 5: with several audiences `azp` says for whom the token is.
    fn check_audience(&mut self, audience: &Value, party: &Value) -> Result<(), Finding> {
        let own = self.expected.client_id;
        let named: Vec<&str> = match audience {
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        self.require(Rule::Audience, named.contains(&own), own, shown(audience))?;
        let is_needed = named.len() > 1 || !party.is_null();
        match is_needed {
            true => self.require(Rule::AuthorizedParty, party.as_str() == Some(own), own, shown(party)),
            false => Ok(()),
        }
    }

    fn check_times(&mut self, expiry: &Value, issued: &Value, valid_from: &Value) -> Result<(), Finding> {
        let Expected { now, clock_skew, .. } = *self.expected;
        let at = |value: &Value| date(value).map_or_else(|| shown(value), |at| at.to_string());
        let is_good = date(expiry).is_some_and(|end| end + clock_skew > now);
        self.require(Rule::Expiry, is_good, &format!("after {now}"), at(expiry))?;
        let is_past = |value: &Value| date(value).is_some_and(|start| start <= now + clock_skew);
        let is_good = is_past(issued) && (valid_from.is_null() || is_past(valid_from));
        self.require(Rule::IssuedAt, is_good, &format!("at {now} at the latest"), at(issued))
    }
}

#[cfg(test)]
mod tests {
    use openssl::{
        ec::{EcGroup, EcKey},
        hash::MessageDigest,
        nid::Nid,
        pkey::{PKey, Private},
        rsa::{Padding, Rsa},
        sign::{RsaPssSaltlen, Signer},
    };
    use serde_json::json;
    use strum::VariantArray;

    use super::*;
    use crate::{algorithm::IdTokenAlg, signing_key::SigningKey};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const ISSUER: &str = "https://idp.example";

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "aud": "client", "sub": "248289761001", "exp": NOW.seconds() + 300,
            "iat": NOW.seconds() - 1, "nonce": "n", "email": "dana@acme.example", "auth_time": NOW.seconds() - 60,
        })
    }

    fn keys(keys: &[&SigningKey]) -> ProviderKeys {
        let set = json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() });
        ProviderKeys::parse(set.to_string().as_bytes()).unwrap()
    }

    fn checked(token: &str, keys: &ProviderKeys) -> Verdict {
        let expected = Expected {
            issuer: ISSUER,
            client_id: "client",
            is_nonce: &|nonce| nonce == "n",
            access_token: "access",
            now: NOW,
            clock_skew: Duration::from_secs(60),
        };
        validate(token, keys, &expected)
    }

    fn broken(token: &str, keys: &ProviderKeys) -> Option<Rule> {
        checked(token, keys).outcome.err().map(|finding| finding.rule)
    }

    #[test]
    fn a_good_token_names_somebody() {
        for &algorithm in IdTokenAlg::VARIANTS {
            let key = SigningKey::generate(algorithm).unwrap();
            let verdict = checked(&key.sign_jwt(&claims()).unwrap(), &keys(&[&key]));
            let found = verdict.outcome.unwrap();
            assert_eq!(
                (found.subject.as_str(), &found.claims["email"]),
                ("248289761001", &json!("dana@acme.example"))
            );
            assert_eq!(found.authenticated_at, Some(Timestamp::from_seconds(NOW.seconds() - 60)));
            assert_eq!(verdict.passed.len(), 9);
        }
    }

    #[test]
    fn every_rule_refuses_what_breaks_it() {
        let key = SigningKey::generate(IdTokenAlg::ES256).unwrap();
        let now = NOW.seconds();
        for (name, value, rule) in [
            ("iss", json!("https://idp.example/"), Rule::Issuer),
            ("iss", Value::Null, Rule::Issuer),
            ("aud", json!("another"), Rule::Audience),
            ("aud", json!([]), Rule::Audience),
            ("aud", Value::Null, Rule::Audience),
            ("aud", json!(["client", "another"]), Rule::AuthorizedParty),
            ("azp", json!("another"), Rule::AuthorizedParty),
            ("exp", json!(now - 60), Rule::Expiry),
            ("exp", json!("tomorrow"), Rule::Expiry),
            ("exp", json!(1e300), Rule::Expiry),
            ("exp", Value::Null, Rule::Expiry),
            ("iat", json!(now + 61), Rule::IssuedAt),
            ("iat", Value::Null, Rule::IssuedAt),
            ("nbf", json!(now + 61), Rule::IssuedAt),
            ("nonce", json!("N"), Rule::Nonce),
            ("nonce", Value::Null, Rule::Nonce),
            ("sub", json!(""), Rule::Subject),
            ("sub", json!(7), Rule::Subject),
            ("sub", json!("x".repeat(256)), Rule::Subject),
            ("sub", Value::Null, Rule::Subject),
            ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ"), Rule::AccessTokenHash),
        ] {
            let mut claims = claims();
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value,
            }
            let token = key.sign_jwt(&claims).unwrap();
            assert_eq!(broken(&token, &keys(&[&key])), Some(rule), "{claims}");
        }
    }

    #[test]
    fn within_the_skew_and_for_several_audiences_it_is_good() {
        let key = SigningKey::generate(IdTokenAlg::EdDSA).unwrap();
        let mut claims = claims();
        claims["exp"] = json!(NOW.seconds() - 59);
        claims["iat"] = json!(NOW.seconds() + 60);
        claims["aud"] = json!(["another", "client"]);
        claims["azp"] = json!("client");
        let hash = SignatureAlgorithm::EdDSA.half_hash("access").unwrap();
        claims["at_hash"] = json!(URL_SAFE_NO_PAD.encode(hash));
        assert_eq!(broken(&key.sign_jwt(&claims).unwrap(), &keys(&[&key])), None);
    }

    #[test]
    fn no_trick_with_the_algorithm_helps() {
        let key = SigningKey::generate(IdTokenAlg::RS256).unwrap();
        let known = keys(&[&key]);
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let forged = |header: Value, signature: &[u8]| {
            format!("{}.{}.{}", part(header), part(claims()), URL_SAFE_NO_PAD.encode(signature))
        };
        for name in ["none", "None", "HS256", "HS512", "RS1", ""] {
            let header = json!({ "alg": name, "kid": key.kid() });
            assert_eq!(broken(&forged(header, b""), &known), Some(Rule::Algorithm), "{name}");
        }
        // The public key as a shared secret.
        let header = part(json!({ "alg": "HS256", "kid": key.kid() }));
        let message = format!("{header}.{}", part(claims()));
        let public = serde_json::to_vec(key.jwk()).unwrap();
        let secret = PKey::hmac(&public).unwrap();
        let mac =
            Signer::new(MessageDigest::sha256(), &secret).unwrap().sign_oneshot_to_vec(message.as_bytes());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.unwrap()));
        assert_eq!(broken(&token, &known), Some(Rule::Algorithm));
        for name in ["ES256", "EdDSA"] {
            let header = json!({ "alg": name, "kid": key.kid() });
            assert_eq!(broken(&forged(header, b"x"), &known), Some(Rule::Key), "{name}");
        }
        for extra in [json!({ "typ": "at+jwt" }), json!({ "crit": ["b64"], "b64": false })] {
            let mut header = json!({ "alg": "RS256", "kid": key.kid() });
            header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            assert_eq!(broken(&forged(header, b"x"), &known), Some(Rule::Form));
        }
        // A key of the token's own.
        let other = SigningKey::generate(IdTokenAlg::RS256).unwrap();
        let token = other.sign_jwt(&claims()).unwrap();
        assert_eq!(broken(&token, &known), Some(Rule::Key));
        let (_, rest) = token.split_once('.').unwrap();
        let header = part(json!({ "alg": "RS256", "jwk": other.jwk(), "kid": key.kid() }));
        assert_eq!(broken(&format!("{header}.{rest}"), &known), Some(Rule::Signature));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let key = SigningKey::generate(IdTokenAlg::RS256).unwrap();
        let known = keys(&[&key]);
        let good = key.sign_jwt(&claims()).unwrap();
        for text in ["", "a", "a.b", "a.b.c", "a.b.c.d.e", &format!("{good}.x"), &"x".repeat(70_000)] {
            assert_eq!(broken(text, &known), Some(Rule::Form), "{text:.40}");
        }
        let (message, _) = good.rsplit_once('.').unwrap();
        assert_eq!(broken(&format!("{message}."), &known), Some(Rule::Signature));
        assert!(checked(&format!("{message}."), &known).signed_claims.is_none());
    }

    /// A token and the set with its key, made by hand for the algorithms with which we do not sign.
    fn by_hand(algorithm: SignatureAlgorithm, key: &PKey<Private>, jwk: Value) -> (String, ProviderKeys) {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(json!({ "alg": algorithm.as_str() })), part(claims()));
        let digest = match &algorithm.as_str()[2..] {
            "256" => MessageDigest::sha256(),
            "384" => MessageDigest::sha384(),
            _ => MessageDigest::sha512(),
        };
        let mut signer = Signer::new(digest, key).unwrap();
        if algorithm.as_str().starts_with("PS") {
            signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
        }
        let mut signature = signer.sign_oneshot_to_vec(message.as_bytes()).unwrap();
        if algorithm.as_str().starts_with("ES") {
            let size = if algorithm == SignatureAlgorithm::ES384 { 48 } else { 66 };
            let read = openssl::ecdsa::EcdsaSig::from_der(&signature).unwrap();
            signature = [read.r(), read.s()].iter().flat_map(|n| n.to_vec_padded(size).unwrap()).collect();
        }
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        (token, ProviderKeys::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap())
    }

    #[test]
    fn the_other_algorithms_are_verified_too() {
        use SignatureAlgorithm::{ES384, ES512, PS256, PS384, PS512, RS384, RS512};
        let encode = |number: &openssl::bn::BigNumRef| URL_SAFE_NO_PAD.encode(number.to_vec());
        let rsa = Rsa::generate(2048).unwrap();
        let jwk = json!({ "kty": "RSA", "n": encode(rsa.n()), "e": encode(rsa.e()) });
        let key = PKey::from_rsa(rsa).unwrap();
        for algorithm in [RS384, RS512, PS256, PS384, PS512] {
            let (token, set) = by_hand(algorithm, &key, jwk.clone());
            assert_eq!(broken(&token, &set), None, "{algorithm:?}");
        }
        for (algorithm, curve, nid) in [(ES384, "P-384", Nid::SECP384R1), (ES512, "P-521", Nid::SECP521R1)] {
            let group = EcGroup::from_curve_name(nid).unwrap();
            let key = EcKey::generate(&group).unwrap();
            let (mut x, mut y) = (openssl::bn::BigNum::new().unwrap(), openssl::bn::BigNum::new().unwrap());
            let mut context = openssl::bn::BigNumContext::new().unwrap();
            key.public_key().affine_coordinates(&group, &mut x, &mut y, &mut context).unwrap();
            let jwk = json!({ "kty": "EC", "crv": curve, "x": encode(&x), "y": encode(&y) });
            let (token, set) = by_hand(algorithm, &PKey::from_ec_key(key).unwrap(), jwk);
            assert_eq!(broken(&token, &set), None, "{algorithm:?}");
        }
    }
}
