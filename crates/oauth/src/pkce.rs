//! Proof Key for Code Exchange (RFC 7636), with the method `S256` only.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::Error;

/// A code challenge of the method S256: base64url of a SHA-256 digest, 43 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Parses a challenge (RFC 7636 §4.2).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let malformed = || Error::Malformed {
            name: "code_challenge",
            reason: "must be the base64url-encoded SHA-256 digest of the verifier, 43 characters".to_owned(),
        };
        let canonical =
            text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|digest| digest.len() == 32);
        if canonical { Ok(Self(text.to_owned())) } else { Err(malformed()) }
    }

    /// The challenge of a verifier.
    pub fn of(verifier: &CodeVerifier) -> Self {
        Self(URL_SAFE_NO_PAD.encode(openssl::sha::sha256(verifier.0.as_bytes())))
    }

    /// The text, as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `verifier` matches this challenge (RFC 7636 §4.6). Compares in constant time.
    pub fn is_met_by(&self, verifier: &CodeVerifier) -> bool {
        let given = Self::of(verifier);
        given.0.len() == self.0.len() && openssl::memcmp::eq(given.0.as_bytes(), self.0.as_bytes())
    }
}

impl fmt::Debug for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A code verifier: 43 to 128 unreserved characters (RFC 7636 §4.1). Its `Debug` output is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeVerifier(String);

impl CodeVerifier {
    /// Parses a verifier.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::Malformed {
                name: "code_verifier",
                reason: "must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~".to_owned(),
            })
        }
    }
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Checks the authorization request's challenge against the token request's verifier. A challenge requires
/// its verifier; a verifier without a challenge indicates a PKCE downgrade attack (RFC 9700 §4.8.2).
pub fn check(challenge: Option<&CodeChallenge>, verifier: Option<&CodeVerifier>) -> Result<(), Error> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => Ok(()),
        (Some(_), _) => Err(Error::VerifierMismatch),
        (None, Some(_)) => Err(Error::UnexpectedVerifier),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_published_example_holds() {
        let verifier = CodeVerifier::parse(VERIFIER).unwrap();
        assert_eq!(CodeChallenge::of(&verifier).as_str(), CHALLENGE);
        assert!(CodeChallenge::parse(CHALLENGE).unwrap().is_met_by(&verifier));
        assert_eq!(format!("{verifier:?}"), "…");
    }

    #[test]
    fn each_side_alone_is_refused() {
        let verifier = CodeVerifier::parse(VERIFIER).unwrap();
        let other = CodeVerifier::parse(&VERIFIER.replace('d', "e")).unwrap();
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        assert_eq!(check(None, None), Ok(()));
        assert_eq!(check(Some(&challenge), Some(&verifier)), Ok(()));
        assert_eq!(check(Some(&challenge), Some(&other)), Err(Error::VerifierMismatch));
        assert_eq!(check(Some(&challenge), None), Err(Error::VerifierMismatch));
        assert_eq!(check(None, Some(&verifier)), Err(Error::UnexpectedVerifier));
    }

    #[test]
    fn a_plain_challenge_does_not_pass_for_a_digest() {
        for text in ["", "abc", &CHALLENGE[..42], &format!("{CHALLENGE}="), &"+".repeat(43), &"a".repeat(44)]
        {
            assert!(CodeChallenge::parse(text).is_err(), "{text}");
        }
        for text in ["", &VERIFIER[..42], &"a".repeat(129), &" ".repeat(43), &"é".repeat(43)] {
            assert!(CodeVerifier::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn only_the_same_verifier_meets_the_challenge(a in "[A-Za-z0-9._~-]{43,128}", b in "[A-Za-z0-9._~-]{43,128}") {
            let (a, b) = (CodeVerifier::parse(&a).unwrap(), CodeVerifier::parse(&b).unwrap());
            let challenge = CodeChallenge::parse(CodeChallenge::of(&a).as_str()).unwrap();
            prop_assert!(challenge.is_met_by(&a));
            prop_assert_eq!(challenge.is_met_by(&b), a == b);
        }
    }
}
