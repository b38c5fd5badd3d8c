//! Decryption of an assertion (SAML 2.0 Core §6, XML Encryption 1.1).
//!
//! Errors that depend only on the plain parts of the document, its form and its algorithms, are specific.
//! Errors that depend on a secret are one and the same, after the same work: when no key unwraps the content
//! key, a random one takes its place and decryption fails with that.

use base::random::{Random, SystemRandom};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::{
    encrypt::Decrypter,
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{Id, PKey, Private},
    rsa::Padding,
    symm::{Cipher, Crypter, Mode, decrypt_aead},
};

use crate::{
    dom::{Element, is_space, ns},
    error::Error,
    failed_check::FailedCheck,
};

/// The length of an AES-GCM nonce in bytes (XML Encryption 1.1 §5.2.4).
const GCM_NONCE_LENGTH: usize = 12;
/// The length of its tag.
const GCM_TAG_LENGTH: usize = 16;
/// The length of an AES block, and of the initialization vector of CBC (§5.2.3).
const AES_BLOCK_LENGTH: usize = 16;

/// A decrypted `EncryptedAssertion`.
pub(super) struct Decrypted {
    /// The plaintext, not verified yet.
    pub plaintext: Vec<u8>,
    /// Whether the cipher authenticates the ciphertext: AES-GCM does, AES-CBC does not.
    pub authenticated: bool,
    /// The algorithms, for the timeline.
    pub algorithms: String,
}

/// Decrypts with the connection's keys. `allow_cbc` says whether AES-CBC is accepted besides AES-GCM.
pub(super) fn decrypt(
    encrypted: Element<'_>,
    keys: &[PKey<Private>],
    allow_cbc: bool,
) -> Result<Decrypted, FailedCheck> {
    let form = EncryptedParts::read(encrypted)?;
    let content = ContentCipher::find(form.content_algorithm, allow_cbc)?;
    let transport = KeyUnwrapper::find(&form)?;
    if keys.is_empty() {
        return Err(Error::DecryptionKeyMissing.into());
    }

    let mut key = vec![0; content.cipher.key_len()];
    SystemRandom.fill(&mut key);
    // Every key is tried, even after one fitted.
    for own in keys {
        if let Ok(unwrapped) = transport.unwrap_key(&form.wrapped_key, own)
            && unwrapped.len() == key.len()
        {
            key = unwrapped;
        }
    }
    let plaintext = content.decrypt(&key, &form.octets).ok_or(Error::DecryptionFailed)?;
    Ok(Decrypted {
        plaintext,
        authenticated: content.authenticated,
        algorithms: format!(
            "{}, {}",
            algorithm_name(form.content_algorithm),
            algorithm_name(form.transport_algorithm)
        ),
    })
}

/// An algorithm's name without the namespace before it.
fn algorithm_name(uri: &str) -> &str {
    uri.rsplit('#').next().unwrap_or(uri)
}

/// The parts of an `EncryptedAssertion`: one `EncryptedData`, one `EncryptedKey` in its `KeyInfo` or
/// beside it (SAML 2.0 Core §6.1, errata E43).
struct EncryptedParts<'d> {
    content_algorithm: &'d str,
    octets: Vec<u8>,
    transport_algorithm: &'d str,
    oaep_digest: Option<&'d str>,
    mask: Option<&'d str>,
    label: Option<Vec<u8>>,
    wrapped_key: Vec<u8>,
}

impl<'d> EncryptedParts<'d> {
    fn read(encrypted: Element<'d>) -> Result<Self, FailedCheck> {
        let mut data = None;
        let mut keys = Vec::new();
        for child in encrypted.elements() {
            if is(child, "EncryptedData") && data.is_none() {
                data = Some(child);
            } else if is(child, "EncryptedKey") {
                keys.push(child);
            } else {
                return Err(malformed(encrypted));
            }
        }
        let data = data.ok_or_else(|| malformed(encrypted))?;
        if data.attribute("Type").is_some_and(|kind| kind != "http://www.w3.org/2001/04/xmlenc#Element") {
            return Err(FailedCheck::found(Error::EncryptionMalformed, "the Type is not Element"));
        }
        let mut retrieved = None;
        for child in data.children(ns::SIGNATURE, "KeyInfo").flat_map(Element::elements) {
            if is(child, "EncryptedKey") {
                keys.push(child);
            } else if child.is(ns::SIGNATURE, "RetrievalMethod") {
                retrieved = Some(child.attribute("URI").unwrap_or_default());
            }
        }
        let [key] = *keys else {
            return Err(FailedCheck::found(Error::EncryptionMalformed, format!("{} keys", keys.len()))
                .expected("one"));
        };
        if let Some(uri) = retrieved
            && uri.strip_prefix('#').is_none_or(|id| key.attribute("Id") != Some(id))
        {
            return Err(FailedCheck::found(
                Error::EncryptionMalformed,
                format!("a RetrievalMethod to {uri:?}"),
            ));
        }
        let content_method = method(data)?;
        let transport = method(key)?;
        let label = match transport.child(ns::ENCRYPTION, "OAEPparams") {
            Some(parameters) => Some(base64(parameters)?),
            None => None,
        };
        Ok(Self {
            content_algorithm: content_method.attribute("Algorithm").unwrap_or_default(),
            octets: cipher_value(data)?,
            transport_algorithm: transport.attribute("Algorithm").unwrap_or_default(),
            oaep_digest: algorithm_of(transport, ns::SIGNATURE, "DigestMethod"),
            mask: algorithm_of(transport, ns::ENCRYPTION_11, "MGF"),
            label,
            wrapped_key: cipher_value(key)?,
        })
    }
}

fn is(element: Element<'_>, name: &str) -> bool {
    element.is(ns::ENCRYPTION, name)
}

fn malformed(element: Element<'_>) -> FailedCheck {
    let children: Vec<_> = element.elements().take(6).map(Element::name).collect();
    FailedCheck::found(Error::EncryptionMalformed, format!("{} with {}", element.name(), children.join(", ")))
}

fn method(element: Element<'_>) -> Result<Element<'_>, FailedCheck> {
    element.child(ns::ENCRYPTION, "EncryptionMethod").ok_or_else(|| malformed(element))
}

fn algorithm_of<'d>(method: Element<'d>, namespace: &'static str, name: &'static str) -> Option<&'d str> {
    method.child(namespace, name).map(|child| child.attribute("Algorithm").unwrap_or_default())
}

/// The one `CipherValue`. A `CipherReference` is refused: it would require a fetch.
fn cipher_value(element: Element<'_>) -> Result<Vec<u8>, FailedCheck> {
    let mut data = element.children(ns::ENCRYPTION, "CipherData");
    let (Some(only), None) = (data.next(), data.next()) else { return Err(malformed(element)) };
    let parts: Vec<_> = only.elements().collect();
    match *parts {
        [value] if is(value, "CipherValue") => base64(value),
        _ => Err(malformed(only)),
    }
}

fn base64(element: Element<'_>) -> Result<Vec<u8>, FailedCheck> {
    let failure =
        || FailedCheck::found(Error::EncryptionMalformed, format!("{} is not base64", element.name()));
    let text = element.text().ok_or_else(failure)?;
    let compact: Vec<u8> = text.bytes().filter(|&byte| !is_space(byte as char)).collect();
    STANDARD.decode(compact).map_err(|_| failure())
}

/// The algorithm that encrypts the assertion.
struct ContentCipher {
    cipher: Cipher,
    authenticated: bool,
}

impl ContentCipher {
    /// AES-GCM; AES-CBC where the connection allows it (XML Encryption 1.1 §5.2).
    fn find(uri: &str, allow_cbc: bool) -> Result<Self, FailedCheck> {
        let (cipher, authenticated) = match uri {
            "http://www.w3.org/2009/xmlenc11#aes128-gcm" => (Cipher::aes_128_gcm(), true),
            "http://www.w3.org/2009/xmlenc11#aes192-gcm" => (Cipher::aes_192_gcm(), true),
            "http://www.w3.org/2009/xmlenc11#aes256-gcm" => (Cipher::aes_256_gcm(), true),
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => (Cipher::aes_128_cbc(), false),
            "http://www.w3.org/2001/04/xmlenc#aes192-cbc" => (Cipher::aes_192_cbc(), false),
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => (Cipher::aes_256_cbc(), false),
            _ => return Err(algorithm_refused(uri)),
        };
        if !authenticated && !allow_cbc {
            return Err(algorithm_refused(uri));
        }
        Ok(Self { cipher, authenticated })
    }

    fn decrypt(&self, key: &[u8], octets: &[u8]) -> Option<Vec<u8>> {
        if self.authenticated {
            let (nonce, rest) = octets.split_at_checked(GCM_NONCE_LENGTH)?;
            let (sealed, tag) = rest.split_at_checked(rest.len().checked_sub(GCM_TAG_LENGTH)?)?;
            return decrypt_aead(self.cipher, key, Some(nonce), &[], sealed, tag).ok();
        }
        let (iv, sealed) = octets.split_at_checked(AES_BLOCK_LENGTH)?;
        if sealed.is_empty() || sealed.len() % AES_BLOCK_LENGTH != 0 {
            return None;
        }
        let mut crypter = Crypter::new(self.cipher, Mode::Decrypt, key, Some(iv)).ok()?;
        crypter.pad(false);
        let mut plaintext = vec![0; sealed.len() + AES_BLOCK_LENGTH];
        let mut length = crypter.update(sealed, &mut plaintext).ok()?;
        length += crypter.finalize(&mut plaintext[length..]).ok()?;
        // The last byte is the length of the padding, whose other bytes are arbitrary (§5.2.3).
        let padding = usize::from(*plaintext.get(length.checked_sub(1)?)?);
        if !(1..=AES_BLOCK_LENGTH).contains(&padding) {
            return None;
        }
        plaintext.truncate(length.checked_sub(padding)?);
        Some(plaintext)
    }
}

/// The algorithm that encrypts the content key: RSA-OAEP only (§5.5.2).
struct KeyUnwrapper {
    digest: MessageDigest,
    mask: MessageDigest,
    label: Option<Vec<u8>>,
}

impl KeyUnwrapper {
    fn find(form: &EncryptedParts<'_>) -> Result<Self, FailedCheck> {
        let digest = match form.oaep_digest {
            None | Some("http://www.w3.org/2000/09/xmldsig#sha1") => MessageDigest::sha1(),
            Some("http://www.w3.org/2001/04/xmlenc#sha256") => MessageDigest::sha256(),
            Some("http://www.w3.org/2001/04/xmldsig-more#sha384") => MessageDigest::sha384(),
            Some("http://www.w3.org/2001/04/xmlenc#sha512") => MessageDigest::sha512(),
            Some(uri) => return Err(algorithm_refused(uri)),
        };
        let mask = match (form.transport_algorithm, form.mask) {
            ("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", _) => MessageDigest::sha1(),
            ("http://www.w3.org/2009/xmlenc11#rsa-oaep", mask) => match mask {
                None | Some("http://www.w3.org/2009/xmlenc11#mgf1sha1") => MessageDigest::sha1(),
                Some("http://www.w3.org/2009/xmlenc11#mgf1sha256") => MessageDigest::sha256(),
                Some("http://www.w3.org/2009/xmlenc11#mgf1sha384") => MessageDigest::sha384(),
                Some("http://www.w3.org/2009/xmlenc11#mgf1sha512") => MessageDigest::sha512(),
                Some(uri) => return Err(algorithm_refused(uri)),
            },
            (uri, _) => return Err(algorithm_refused(uri)),
        };
        Ok(Self { digest, mask, label: form.label.clone().filter(|label| !label.is_empty()) })
    }

    fn unwrap_key(&self, wrapped: &[u8], own: &PKey<Private>) -> Result<Vec<u8>, ErrorStack> {
        if own.id() != Id::RSA {
            return Ok(Vec::new());
        }
        let mut decrypter = Decrypter::new(own)?;
        decrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
        decrypter.set_rsa_oaep_md(self.digest)?;
        decrypter.set_rsa_mgf1_md(self.mask)?;
        if let Some(label) = &self.label {
            decrypter.set_rsa_oaep_label(label)?;
        }
        let mut key = vec![0; decrypter.decrypt_len(wrapped)?];
        let length = decrypter.decrypt(wrapped, &mut key)?;
        key.truncate(length);
        Ok(key)
    }
}

fn algorithm_refused(uri: &str) -> FailedCheck {
    FailedCheck::found(Error::EncryptionAlgorithmRefused, uri).expected("AES-GCM with RSA-OAEP")
}
