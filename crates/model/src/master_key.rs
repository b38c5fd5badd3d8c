//! Encryption of secrets at rest: AES-256-GCM under a master key, with the storage location as associated
//! data.

use std::fmt;

use base::random::Random;
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use openssl::{
    hash::MessageDigest,
    pkey::PKey,
    sign::Signer,
    symm::{Cipher, decrypt_aead, encrypt_aead},
};

const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;

/// The keys that encrypt secrets in the database. The first key seals and every key opens, so that a new key
/// can be put first (rotation).
#[derive(Clone)]
pub struct MasterKey {
    keys: Vec<[u8; KEY_LENGTH]>,
}

/// Why a sealed value could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed under a master key that is not configured.
    #[error("sealed under another master key")]
    UnknownKey,
    /// It was changed, or was sealed for another context.
    #[error("the sealed value was changed or moved")]
    Broken,
}

impl MasterKey {
    /// Creates it from 32-byte keys; the first one seals. A key that is named again counts once. `None` when there is no key.
    pub fn new(named: Vec<[u8; KEY_LENGTH]>) -> Option<Self> {
        let mut keys = Vec::with_capacity(named.len());
        for key in named {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// A random key.
    pub fn generate(random: &dyn Random) -> [u8; KEY_LENGTH] {
        let mut key = [0; KEY_LENGTH];
        random.fill(&mut key);
        key
    }

    /// A key's name, which does not reveal the key: eight hexadecimal digits of its digest.
    fn name(key: &[u8; KEY_LENGTH]) -> String {
        let mut text = b"ostiary key name ".to_vec();
        text.extend(key);
        openssl::sha::sha256(&text)[..4].iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The names of the keys, the one that seals first.
    pub fn names(&self) -> Vec<String> {
        self.keys.iter().map(Self::name).collect()
    }

    /// Seals `plain` for `context` (`table/column/row`) as
    /// `key name.base64(nonce, ciphertext, tag)`.
    pub fn seal(&self, context: &str, plain: &[u8], random: &dyn Random) -> String {
        let mut nonce = [0; NONCE_LENGTH];
        random.fill(&mut nonce);
        let mut tag = [0; TAG_LENGTH];
        let key = &self.keys[0];
        let sealed =
            encrypt_aead(Cipher::aes_256_gcm(), key, Some(&nonce), context.as_bytes(), plain, &mut tag)
                .expect("AES-256-GCM takes any input when key and nonce have its lengths");
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        bytes.extend(tag);
        format!("{}.{}", Self::name(key), BASE64.encode(bytes))
    }

    /// Opens what [`MasterKey::seal`] sealed for the same context.
    pub fn open(&self, context: &str, sealed: &str) -> Result<Vec<u8>, SealError> {
        let (name, text) = sealed.split_once('.').ok_or(SealError::Broken)?;
        let key = self.keys.iter().find(|key| Self::name(key) == name).ok_or(SealError::UnknownKey)?;
        let bytes = BASE64.decode(text).map_err(|_| SealError::Broken)?;
        if bytes.len() < NONCE_LENGTH + TAG_LENGTH {
            return Err(SealError::Broken);
        }
        let (nonce, rest) = bytes.split_at(NONCE_LENGTH);
        let (ciphertext, tag) = rest.split_at(rest.len() - TAG_LENGTH);
        decrypt_aead(Cipher::aes_256_gcm(), key, Some(nonce), context.as_bytes(), ciphertext, tag)
            .map_err(|_| SealError::Broken)
    }

    /// An HMAC tag of `text` for `purpose`, for values that are authenticated but not secret.
    pub fn compute_tag(&self, purpose: &str, text: &str) -> [u8; 32] {
        Self::mac(&self.keys[0], purpose, text)
    }

    /// Whether `tag` is valid under any of the keys. Compares in constant time.
    pub fn verify_tag(&self, purpose: &str, text: &str, tag: &[u8]) -> bool {
        tag.len() == 32
            && self.keys.iter().any(|key| openssl::memcmp::eq(&Self::mac(key, purpose, text), tag))
    }

    fn mac(key: &[u8; KEY_LENGTH], purpose: &str, text: &str) -> [u8; 32] {
        let derived = hmac(key, purpose.as_bytes());
        hmac(&derived, text.as_bytes())
    }
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8; KEY_LENGTH], text: &[u8]) -> [u8; 32] {
    let sign = || {
        let key = PKey::hmac(key)?;
        let mut mac = [0; 32];
        Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot(&mut mac, text)?;
        Ok::<_, openssl::error::ErrorStack>(mac)
    };
    sign().expect("HMAC-SHA-256 takes any key and any text")
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::random::SeededRandom;

    #[test]
    fn what_is_sealed_opens_at_its_own_place_only() {
        let random = SeededRandom::new(1);
        let master = MasterKey::new(vec![[7; 32]]).unwrap();
        let sealed = master.seal("t/c/1", b"secret", &random);
        assert!(!sealed.contains("secret"));
        assert_eq!(master.open("t/c/1", &sealed).unwrap(), b"secret");
        assert_eq!(master.open("t/c/2", &sealed), Err(SealError::Broken));
        assert_eq!(master.open("t/c/1", &sealed[..sealed.len() - 4]), Err(SealError::Broken));
        assert_eq!(master.open("t/c/1", "x"), Err(SealError::Broken));
        assert_eq!(MasterKey::new(vec![[8; 32]]).unwrap().open("t/c/1", &sealed), Err(SealError::UnknownKey));
        let rotated = MasterKey::new(vec![[8; 32], [7; 32]]).unwrap();
        assert_eq!(rotated.open("t/c/1", &sealed).unwrap(), b"secret");
    }

    #[test]
    fn a_tag_is_good_for_its_purpose_and_text_only() {
        let master = MasterKey::new(vec![[7; 32]]).unwrap();
        let tag = master.compute_tag("a", "x");
        assert!(master.verify_tag("a", "x", &tag));
        assert!(
            !master.verify_tag("b", "x", &tag)
                && !master.verify_tag("a", "y", &tag)
                && !master.verify_tag("a", "x", &tag[1..])
        );
    }

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        // Test case 2 of RFC 4231 §4.3, its key padded with zeros to our length (HMAC pads the same way).
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let hex: String =
            hmac(&key, b"what do ya want for nothing?").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
