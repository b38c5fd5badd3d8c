//! The service provider's SAML key pairs of an environment: they sign AuthnRequests and decrypt assertions.
//!
//! The first pair is created when it is needed. A rotation first publishes the new certificate beside the old one,
//! so that identity providers can register it before it signs. The old pair decrypts until it retires, because
//! identity providers encrypt to the certificate that they have registered.

use std::{sync::Arc, time::Duration};

use base::{
    id::{EnvironmentId, SigningKeyId},
    random::Random,
    time::Timestamp,
};
use saml::{
    certificate::Certificate,
    key_pair::{KeyKind, KeyPair},
};

use crate::{
    app::{
        Error, Result, State,
        keys::{
            KeyStage, Rotation,
            cache::{KeyCache, KeySet},
            rotation::{self, GeneratedKey, PrivateKey},
        },
        principal::Principal,
    },
    store::{
        self,
        signing_keys::{KeyOwner, KeySeries, Purpose, StoredKey},
    },
};

impl PrivateKey for KeyPair {
    const ALGORITHMS: &'static [&'static str] = &["RSA"];
    /// Customers' admins register a new certificate by hand.
    const PUBLISH_AHEAD: Duration = Duration::from_secs(14 * 24 * 3600);
    /// The old key still decrypts.
    const OVERLAP: Duration = Duration::from_secs(90 * 24 * 3600);

    fn generate(
        purpose: Purpose,
        _: &'static str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<GeneratedKey> {
        let name = match purpose {
            Purpose::TestIdp => "Ostiary test identity provider",
            _ => "Ostiary service provider",
        };
        let pair = Self::generate(KeyKind::Rsa(2048), name, now, random).map_err(Error::internal)?;
        Ok(GeneratedKey {
            id: SigningKeyId::new(now, random).to_string(),
            private_key: pair.private_key_pem().map_err(Error::internal)?.into_bytes(),
            certificate: Some(pair.certificate_pem().map_err(Error::internal)?),
        })
    }

    fn parse(stored: &StoredKey, private_key: &[u8]) -> Result<Self> {
        let pem = std::str::from_utf8(private_key).map_err(Error::internal)?;
        let missing = || store::Error::inconsistent("signing_keys", "certificate", &stored.id);
        let certificate = stored.certificate.as_deref().ok_or_else(missing)?;
        Self::from_pem(pem, certificate).map_err(Error::internal)
    }

    fn cache(state: &State) -> &KeyCache<Self> {
        &state.saml_keys
    }
}

/// A key pair, as shown to the operator.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpKeySummary {
    /// Its id.
    pub id: String,
    /// Its stage. Key pairs of all stages decrypt and are published.
    pub stage: KeyStage,
    /// From when it signs.
    pub active_from: Timestamp,
    /// When it stops decrypting.
    pub retired_at: Option<Timestamp>,
    /// The SHA-256 fingerprint of its certificate.
    pub certificate_sha256: String,
    /// Its certificate, as PEM.
    pub certificate: String,
}

async fn key_set(state: &State, environment: EnvironmentId) -> Result<Arc<KeySet<KeyPair>>> {
    let owner = KeyOwner::Environment(environment);
    rotation::key_set(state, KeySeries { owner, purpose: Purpose::SamlSp }).await
}

/// The key pairs of an environment in use, at least one: the first one signs, all of them decrypt and are
/// published.
pub async fn key_pairs(state: &State, environment: EnvironmentId) -> Result<Vec<Arc<KeyPair>>> {
    let set = key_set(state, environment).await?;
    Ok(set.by_use(state.now()).into_iter().map(|pair| Arc::clone(&pair.key)).collect())
}

/// The certificate for identity providers to encrypt to, as PEM: the newest. Its key decrypts as soon as it is
/// published.
pub async fn encryption_certificate(state: &State, environment: EnvironmentId) -> Result<String> {
    let set = key_set(state, environment).await?;
    let newest = set.unretired(state.now()).last().ok_or_else(|| Error::internal("there is no key pair"))?;
    newest.key.certificate_pem().map_err(Error::internal)
}

/// The key pairs of an environment in use, the signing one first, for the operator.
pub async fn list(state: &State, environment: EnvironmentId) -> Result<Vec<SpKeySummary>> {
    let now = state.now();
    let set = key_set(state, environment).await?;
    set.by_use(now)
        .into_iter()
        .map(|pair| {
            let certificate = pair.key.certificate_pem().map_err(Error::internal)?;
            let read = Certificate::parse_pem_bundle(&certificate).map_err(Error::internal)?;
            Ok(SpKeySummary {
                id: pair.id.clone(),
                stage: set.stage(pair, now),
                active_from: pair.active_from,
                retired_at: pair.retired_at,
                certificate_sha256: read.first().map(Certificate::fingerprint_sha256).unwrap_or_default(),
                certificate,
            })
        })
        .collect()
}

/// Creates the next key pair of the caller's environment. Returns all pairs afterwards.
///
/// If the old one is compromised, other processes learn of it within a minute.
pub async fn rotate(state: &State, principal: &Principal, rotation: Rotation) -> Result<Vec<SpKeySummary>> {
    let environment = principal.environment()?;
    let series = KeySeries { owner: KeyOwner::Environment(environment), purpose: Purpose::SamlSp };
    rotation::rotate::<KeyPair>(state, principal, series, rotation).await?;
    list(state, environment).await
}

/// The key pair of the bundled test identity provider, created when it is first needed.
pub async fn test_idp_key_pair(state: &State) -> Result<Arc<KeyPair>> {
    let series = KeySeries { owner: KeyOwner::Installation, purpose: Purpose::TestIdp };
    let set = rotation::key_set::<KeyPair>(state, series).await?;
    let first = set.by_use(state.now()).into_iter().next();
    first.map(|pair| Arc::clone(&pair.key)).ok_or_else(|| Error::internal("there is no key pair"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            Settings,
            environments::{self, EnvironmentChange},
        },
        links::Links,
        store::Db,
    };
    use base::{random::SystemRandom, time::ManualClock};
    use model::master_key::MasterKey;

    #[tokio::test]
    async fn a_rotation_publishes_first_then_signs_and_the_old_pair_decrypts_on() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let state = State::new(
            db,
            Arc::clone(&clock) as _,
            Arc::new(SystemRandom),
            MasterKey::new(vec![[7; 32]]).unwrap(),
            Links::new(&"https://sso.example".parse().unwrap()).unwrap(),
            Settings::default(),
        );
        let environment = async |slug: &str| {
            let change = EnvironmentChange { slug: Some(slug.into()), ..EnvironmentChange::default() };
            environments::create(&state, &Principal::OPERATOR, &change).await.unwrap().id
        };
        let (environment, other) = (environment("prod").await, environment("other").await);
        let pems = async || -> Vec<String> {
            let pairs = key_pairs(&state, environment).await.unwrap();
            pairs.iter().map(|pair| pair.certificate_pem().unwrap()).collect()
        };
        let old = pems().await.remove(0);
        let used = async || key_pairs(&state, environment).await.unwrap().remove(0);
        let parsed = used().await;
        assert!(Arc::ptr_eq(&parsed, &used().await), "a key is decrypted and parsed once for many logins");

        let after = rotate(&state, &Principal::operator(environment), Rotation::Overlapping).await.unwrap();
        let stages = |keys: &[SpKeySummary]| keys.iter().map(|key| key.stage).collect::<Vec<_>>();
        assert_eq!(stages(&after), [KeyStage::Active, KeyStage::Next]);
        let new = after[1].certificate.clone();
        assert_eq!(pems().await, [old.clone(), new.clone()], "the old one signs, both are published");
        assert!(!Arc::ptr_eq(&parsed, &used().await), "a rotation forgets what was parsed");
        assert_eq!(encryption_certificate(&state, environment).await.unwrap(), new);

        clock.advance(KeyPair::PUBLISH_AHEAD);
        assert_eq!(pems().await, [new.clone(), old.clone()], "the new one signs, both decrypt");
        assert_eq!(stages(&list(&state, environment).await.unwrap()), [KeyStage::Active, KeyStage::Retiring]);
        clock.advance(KeyPair::OVERLAP);
        assert_eq!(pems().await, std::slice::from_ref(&new));

        let others = list(&state, other).await.unwrap();
        let after = rotate(&state, &Principal::operator(environment), Rotation::Compromised).await.unwrap();
        assert_eq!(stages(&after), [KeyStage::Active]);
        assert_ne!(after[0].certificate, new, "the known one is gone at once");
        assert_eq!(list(&state, other).await.unwrap(), others, "another environment's are its own");
    }
}
