//! Webhook secrets and signatures: Standard Webhooks 1.0, symmetric (`v1`).

use std::fmt;

use base::{id::WebhookId, random::Random, time::Timestamp};
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::webhook::Webhook;
use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};

use crate::{
    app::{Result, State},
    store::sealed_columns::WEBHOOK_SECRET,
};

const PREFIX: &str = "whsec_";

/// The length of a new secret in bytes; Standard Webhooks requires 24 to 64.
const SECRET_BYTES: usize = 32;

/// The signing secret of one endpoint. Its `Debug` output is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl WebhookSecret {
    /// A new random secret.
    pub fn new(random: &dyn Random) -> Self {
        let mut bytes = vec![0; SECRET_BYTES];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Parses the text form, with or without its prefix.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The text form.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }

    /// Seals the secret for the row of its webhook.
    pub fn seal(&self, state: &State, id: WebhookId) -> String {
        state.seal(&WEBHOOK_SECRET, &[&id], &self.0)
    }

    /// Opens what [`WebhookSecret::seal`] sealed.
    pub fn open(state: &State, id: WebhookId, sealed: &str) -> Result<Self> {
        state.open(&WEBHOOK_SECRET, &[&id], sealed).map(Self)
    }

    /// The value of `webhook-signature`: HMAC-SHA-256 of id, timestamp and body, joined by full stops.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let sign = || {
            let key = PKey::hmac(&self.0)?;
            let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
            signer.update(format!("{id}.{}.", at.seconds()).as_bytes())?;
            signer.update(body)?;
            signer.sign_to_vec()
        };
        let tag = sign().expect("HMAC-SHA-256 takes any key and any text");
        format!("v1,{}", BASE64.encode(tag))
    }
}

/// The signatures of a message: by the secret, and by the previous one during a rotation. Standard Webhooks
/// separates them by spaces, and a receiver accepts either.
pub(super) fn sign_message(
    state: &State,
    webhook: &Webhook,
    id: &str,
    at: Timestamp,
    body: &[u8],
) -> Result<String> {
    let open = |sealed: &str| WebhookSecret::open(state, webhook.id, sealed);
    let mut signatures = open(&webhook.sealed_secret)?.sign(id, at, body);
    if let Some((sealed, until)) = &webhook.previous_secret
        && at < *until
    {
        signatures = format!("{signatures} {}", open(sealed)?.sign(id, at, body));
    }
    Ok(signatures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::random::SeededRandom;

    #[test]
    fn signatures_are_those_of_the_published_example() {
        // The example of the specification's reference libraries.
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp::from_seconds(1_614_265_330),
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secrets_are_read_back_and_shown_only_when_asked() {
        let secret = WebhookSecret::new(&SeededRandom::new(1));
        assert_eq!(WebhookSecret::parse(&secret.reveal()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "…");
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!"] {
            assert_eq!(WebhookSecret::parse(bad), None, "{bad}");
        }
    }
}
