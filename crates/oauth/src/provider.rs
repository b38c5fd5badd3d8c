//! OpenSSL as the cryptography of `jsonwebtoken`, for the algorithms of [`IdTokenAlg`] and no others: there is one
//! library of cryptography to patch, and no shared secret ever signs or verifies a token.
//!
//! `jsonwebtoken` gives the bytes of the key with each call. Parsing them costs as much as a signature, so parsed keys
//! are cached by the digest of the bytes.

use std::{
    num::NonZeroUsize,
    sync::{LazyLock, Mutex, PoisonError},
};

use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    jwk::{EllipticCurve, ThumbprintHash},
};
use lru::LruCache;
use openssl::{
    bn::{BigNum, BigNumContext},
    ec::{EcGroup, EcKey, EcPoint},
    ecdsa::EcdsaSig,
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{HasPublic, Id, PKey, Private, Public},
    rsa::Rsa,
    sha::Sha256,
    sign,
};
use signature::{Signer, Verifier};

use crate::algorithm::IdTokenAlg;

type Result<T, E = Error> = std::result::Result<T, E>;

/// How many private and how many public keys stay parsed.
const MAX_KEYS: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

static PRIVATE_KEYS: KeyCache<Private> = LazyLock::new(|| Mutex::new(LruCache::new(MAX_KEYS)));
static PUBLIC_KEYS: KeyCache<Public> = LazyLock::new(|| Mutex::new(LruCache::new(MAX_KEYS)));

/// Parsed keys by the digest of algorithm and bytes.
type KeyCache<T> = LazyLock<Mutex<LruCache<[u8; 32], PKey<T>>>>;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: rsa_components,
        rsa_pub_components_from_public_key: rsa_public_components,
        ec_pub_components_from_private_key: ec_components,
        ed_pub_components_from_private_key: ed_component,
        compute_digest: digest,
    },
};

/// Makes OpenSSL the cryptography of `jsonwebtoken` in this process. What signs or verifies calls it, so that it cannot
/// be forgotten; later calls do nothing.
pub(crate) fn install() {
    // An error says that it is installed already.
    let _ = PROVIDER.install_default();
}

/// Drops the parsed key.
pub(crate) fn forget(algorithm: IdTokenAlg, key: &EncodingKey) {
    let id = cache_id(algorithm, [key.as_bytes(), &[]]);
    PRIVATE_KEYS.lock().unwrap_or_else(PoisonError::into_inner).pop(&id);
}

/// Whether a key is of the type, curve and size that its algorithm requires.
fn fits<T: HasPublic>(algorithm: IdTokenAlg, key: &PKey<T>) -> bool {
    match algorithm {
        IdTokenAlg::RS256 => key.id() == Id::RSA && key.bits() >= 2048,
        IdTokenAlg::ES256 => {
            key.ec_key().is_ok_and(|key| key.group().curve_name() == Some(Nid::X9_62_PRIME256V1))
        }
        IdTokenAlg::EdDSA => key.id() == Id::ED25519,
    }
}

fn supported(algorithm: Algorithm) -> Result<IdTokenAlg> {
    match algorithm {
        Algorithm::RS256 => Ok(IdTokenAlg::RS256),
        Algorithm::ES256 => Ok(IdTokenAlg::ES256),
        Algorithm::EdDSA => Ok(IdTokenAlg::EdDSA),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

fn unusable() -> Error {
    ErrorKind::InvalidKeyFormat.into()
}

fn cache_id(algorithm: IdTokenAlg, parts: [&[u8]; 2]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(algorithm.as_str().as_bytes());
    for part in parts {
        digest.update(&part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finish()
}

/// The key from the cache, or parsed.
fn cached<T: HasPublic>(
    cache: &KeyCache<T>,
    algorithm: IdTokenAlg,
    parts: [&[u8]; 2],
    parse: impl FnOnce() -> Result<PKey<T>, ErrorStack>,
) -> Result<PKey<T>> {
    let id = cache_id(algorithm, parts);
    if let Some(key) = cache.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return Ok(key.clone());
    }
    let key = parse().map_err(|_| unusable())?;
    if !fits(algorithm, &key) {
        return Err(unusable());
    }
    cache.lock().unwrap_or_else(PoisonError::into_inner).put(id, key.clone());
    Ok(key)
}

/// A key that signs or verifies.
struct Key<T> {
    algorithm: IdTokenAlg,
    registered: Algorithm,
    key: PKey<T>,
}

fn signer(registered: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let algorithm = supported(*registered)?;
    let der = key.as_bytes();
    let key = cached(&PRIVATE_KEYS, algorithm, [der, &[]], || PKey::private_key_from_pkcs8(der))?;
    Ok(Box::new(Key { algorithm, registered: *registered, key }))
}

fn verifier(registered: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let algorithm = supported(*registered)?;
    let parts: [&[u8]; 2] = match (algorithm, key.kind()) {
        (IdTokenAlg::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => [n, e],
        (IdTokenAlg::ES256 | IdTokenAlg::EdDSA, DecodingKeyKind::SecretOrDer(bytes)) => [bytes, &[]],
        _ => return Err(unusable()),
    };
    let key = cached(&PUBLIC_KEYS, algorithm, parts, || parse_public(algorithm, parts))?;
    Ok(Box::new(Key { algorithm, registered: *registered, key }))
}

/// Parses modulus and exponent, or a point (SEC 1 §2.3.4), or the bytes of RFC 8032 §5.1.5.
fn parse_public(algorithm: IdTokenAlg, [first, second]: [&[u8]; 2]) -> Result<PKey<Public>, ErrorStack> {
    match algorithm {
        IdTokenAlg::RS256 => PKey::from_rsa(Rsa::from_public_components(
            BigNum::from_slice(first)?,
            BigNum::from_slice(second)?,
        )?),
        IdTokenAlg::ES256 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            let point = EcPoint::from_bytes(&group, first, &mut *BigNumContext::new()?)?;
            PKey::from_ec_key(EcKey::from_public_key(&group, &point)?)
        }
        IdTokenAlg::EdDSA => PKey::public_key_from_raw_bytes(first, Id::ED25519),
    }
}

impl Key<Private> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut signer = match self.algorithm {
            IdTokenAlg::EdDSA => sign::Signer::new_without_digest(&self.key)?,
            _ => sign::Signer::new(MessageDigest::sha256(), &self.key)?,
        };
        let signature = signer.sign_oneshot_to_vec(message)?;
        if self.algorithm != IdTokenAlg::ES256 {
            return Ok(signature);
        }
        // OpenSSL returns DER; RFC 7518 §3.4 requires r || s.
        let signature = EcdsaSig::from_der(&signature)?;
        let mut raw = signature.r().to_vec_padded(32)?;
        raw.extend_from_slice(&signature.s().to_vec_padded(32)?);
        Ok(raw)
    }
}

impl Key<Public> {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
        match self.algorithm {
            IdTokenAlg::EdDSA => {
                sign::Verifier::new_without_digest(&self.key)?.verify_oneshot(signature, message)
            }
            IdTokenAlg::RS256 => {
                sign::Verifier::new(MessageDigest::sha256(), &self.key)?.verify_oneshot(signature, message)
            }
            IdTokenAlg::ES256 => {
                let Some((r, s)) = signature.split_at_checked(32).filter(|(_, s)| s.len() == 32) else {
                    return Ok(false);
                };
                let (r, s) = (BigNum::from_slice(r)?, BigNum::from_slice(s)?);
                let der = EcdsaSig::from_private_components(r, s)?.to_der()?;
                sign::Verifier::new(MessageDigest::sha256(), &self.key)?.verify_oneshot(&der, message)
            }
        }
    }
}

impl Signer<Vec<u8>> for Key<Private> {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        self.sign(message).map_err(signature::Error::from_source)
    }
}

impl JwtSigner for Key<Private> {
    fn algorithm(&self) -> Algorithm {
        self.registered
    }
}

impl Verifier<Vec<u8>> for Key<Public> {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        match self.verify(message, signature) {
            Ok(true) => Ok(()),
            Ok(false) => Err(signature::Error::new()),
            Err(error) => Err(signature::Error::from_source(error)),
        }
    }
}

impl JwtVerifier for Key<Public> {
    fn algorithm(&self) -> Algorithm {
        self.registered
    }
}

/// What OpenSSL computes; whatever it refuses is an unusable key.
fn openssl<T>(compute: impl FnOnce() -> Result<T, ErrorStack>) -> Result<T> {
    compute().map_err(|_| unusable())
}

fn rsa_components(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    openssl(|| {
        let key = PKey::private_key_from_pkcs8(der)?.rsa()?;
        Ok((key.n().to_vec(), key.e().to_vec()))
    })
}

fn rsa_public_components(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    openssl(|| {
        let key = Rsa::public_key_from_der_pkcs1(der).or_else(|_| Rsa::public_key_from_der(der))?;
        Ok((key.n().to_vec(), key.e().to_vec()))
    })
}

fn ec_components(der: &[u8], algorithm: Algorithm) -> Result<(EllipticCurve, Vec<u8>, Vec<u8>)> {
    let algorithm = supported(algorithm)?;
    let key = openssl(|| PKey::private_key_from_pkcs8(der))?;
    if algorithm != IdTokenAlg::ES256 || !fits(algorithm, &key) {
        return Err(unusable());
    }
    openssl(|| {
        let key = key.ec_key()?;
        let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
        key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut *BigNumContext::new()?)?;
        Ok((EllipticCurve::P256, x.to_vec_padded(32)?, y.to_vec_padded(32)?))
    })
}

fn ed_component(der: &[u8], curve: &EllipticCurve) -> Result<Vec<u8>> {
    match curve {
        EllipticCurve::Ed25519 => openssl(|| PKey::private_key_from_pkcs8(der)?.raw_public_key()),
        _ => Err(unusable()),
    }
}

fn digest(data: &[u8], hash: ThumbprintHash) -> Result<Vec<u8>> {
    match hash {
        ThumbprintHash::SHA256 => Ok(openssl::sha::sha256(data).to_vec()),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

/// Whether a private key fits its algorithm; an error if it cannot be parsed.
pub(crate) fn is_fitting(algorithm: IdTokenAlg, der: &[u8]) -> Result<bool, ErrorStack> {
    Ok(fits(algorithm, &PKey::private_key_from_pkcs8(der)?))
}
