//! Encrypts an assertion for a service provider (SAML Core §6, XML Encryption 1.1).

use base::random::Random;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use openssl::{encrypt::Encrypter, hash::MessageDigest, rsa::Padding, symm, x509::X509};
use saml::{
    identifiers::namespace,
    sign::{SigningError, parse},
    xml_writer::{XmlWriter, escape_attribute},
};
use uppsala::{Document, NodeId};

/// How the assertion itself is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the algorithms'")]
pub enum ContentAlgorithm {
    Aes128Gcm,
    Aes192Gcm,
    Aes256Gcm,
    Aes128Cbc,
    Aes256Cbc,
}

impl ContentAlgorithm {
    /// Its identifier (XML Encryption 1.1 §5.2).
    pub fn uri(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            Self::Aes192Gcm => "http://www.w3.org/2009/xmlenc11#aes192-gcm",
            Self::Aes256Gcm => "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            Self::Aes128Cbc => "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            Self::Aes256Cbc => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        }
    }

    fn cipher(self) -> symm::Cipher {
        match self {
            Self::Aes128Gcm => symm::Cipher::aes_128_gcm(),
            Self::Aes192Gcm => symm::Cipher::aes_192_gcm(),
            Self::Aes256Gcm => symm::Cipher::aes_256_gcm(),
            Self::Aes128Cbc => symm::Cipher::aes_128_cbc(),
            Self::Aes256Cbc => symm::Cipher::aes_256_cbc(),
        }
    }

    /// Whether decryption notices a change of the ciphertext by itself.
    pub fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm)
    }
}

/// How the content key is encrypted for its recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTransport {
    /// RSA-OAEP with SHA-1 and MGF1-SHA-1, what most identity providers send (§5.5.2).
    RsaOaepMgf1p,
    /// RSA-OAEP of version 1.1 with SHA-256 and MGF1-SHA-256.
    RsaOaepSha256,
    /// RSA PKCS #1 v1.5, for tests of its refusal.
    Rsa15,
}

/// Where the encrypted key is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptedKeyLocation {
    /// Inside of `EncryptedData`'s `KeyInfo`.
    Inline,
    /// Beside `EncryptedData`, found through a `RetrievalMethod` (SAML Core §6.2, errata E43).
    Sibling,
}

/// The recipient and the algorithms of an encryption.
#[derive(Clone)]
pub struct Encryption {
    /// The recipient's certificate.
    pub certificate: X509,
    /// How the assertion is encrypted.
    pub content: ContentAlgorithm,
    /// How the content key is encrypted.
    pub key_transport: KeyTransport,
    /// Where the encrypted key is placed.
    pub key_location: EncryptedKeyLocation,
}

impl Encryption {
    /// AES-256-GCM and RSA-OAEP, with the key inline.
    pub fn new(certificate: X509) -> Self {
        Self {
            certificate,
            content: ContentAlgorithm::Aes256Gcm,
            key_transport: KeyTransport::RsaOaepMgf1p,
            key_location: EncryptedKeyLocation::Inline,
        }
    }
}

impl std::fmt::Debug for Encryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Encryption({:?}, {:?}, {:?})", self.content, self.key_transport, self.key_location)
    }
}

/// Replaces the document's one `saml:Assertion` by an `EncryptedAssertion` around it.
pub fn encrypt_assertion(
    xml: &str,
    encryption: &Encryption,
    random: &dyn Random,
) -> Result<String, SigningError> {
    let document = parse(xml)?;
    let assertions = document.get_elements_by_tag_name_ns(namespace::ASSERTION, "Assertion");
    let [assertion] = assertions[..] else {
        return Err(SigningError::NoSuchElement("saml:Assertion".to_owned()));
    };
    let plaintext = with_inherited_namespaces(&document, assertion)?;
    let range = document.node_range(assertion).ok_or(SigningError::EmptyElement)?;
    let encrypted = encrypted_assertion(plaintext.as_bytes(), encryption, random)?;
    Ok([&xml[..range.start], &encrypted, &xml[range.end..]].concat())
}

/// The `saml:EncryptedAssertion` with this plaintext, which need not be an assertion.
pub fn encrypted_assertion(
    plaintext: &[u8],
    encryption: &Encryption,
    random: &dyn Random,
) -> Result<String, SigningError> {
    let cipher = encryption.content.cipher();
    let mut key = vec![0; cipher.key_len()];
    random.fill(&mut key);
    // GCM: 96 bits (XML Encryption 1.1 §5.2.4); CBC: one block (§5.2.1).
    let mut octets = vec![0; cipher.iv_len().unwrap_or(16)];
    random.fill(&mut octets);
    if encryption.content.is_authenticated() {
        let mut tag = [0; 16];
        let sealed = symm::encrypt_aead(cipher, &key, Some(&octets), &[], plaintext, &mut tag)?;
        octets.extend(sealed);
        octets.extend(tag);
    } else {
        let sealed = symm::encrypt(cipher, &key, Some(&octets), plaintext)?;
        octets.extend(sealed);
    }
    let encrypted_key = encrypt_key(&key, encryption)?;

    let mut xml = XmlWriter::new();
    xml.element("saml:EncryptedAssertion").attribute("xmlns:saml", namespace::ASSERTION).children(|xml| {
        let data = xml
            .element("xenc:EncryptedData")
            .attribute("xmlns:xenc", namespace::ENCRYPTION)
            .attribute("Type", "http://www.w3.org/2001/04/xmlenc#Element");
        data.children(|xml| {
            xml.element("xenc:EncryptionMethod").attribute("Algorithm", encryption.content.uri()).empty();
            xml.element("ds:KeyInfo").attribute("xmlns:ds", namespace::SIGNATURE).children(|xml| {
                match encryption.key_location {
                    EncryptedKeyLocation::Inline => {
                        write_encrypted_key(xml, None, &encrypted_key, encryption)
                    }
                    EncryptedKeyLocation::Sibling => xml
                        .element("ds:RetrievalMethod")
                        .attribute("Type", "http://www.w3.org/2001/04/xmlenc#EncryptedKey")
                        .attribute("URI", "#_content_key")
                        .empty(),
                }
            });
            xml.element("xenc:CipherData").children(|xml| {
                xml.element("xenc:CipherValue").text(&BASE64.encode(&octets));
            });
        });
        if encryption.key_location == EncryptedKeyLocation::Sibling {
            write_encrypted_key(xml, Some("_content_key"), &encrypted_key, encryption);
        }
    });
    Ok(xml.finish())
}

fn encrypt_key(key: &[u8], encryption: &Encryption) -> Result<Vec<u8>, SigningError> {
    let reader = encryption.certificate.public_key()?;
    let mut encrypter = Encrypter::new(&reader)?;
    match encryption.key_transport {
        KeyTransport::RsaOaepMgf1p => encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?,
        KeyTransport::RsaOaepSha256 => {
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
            encrypter.set_rsa_oaep_md(MessageDigest::sha256())?;
            encrypter.set_rsa_mgf1_md(MessageDigest::sha256())?;
        }
        KeyTransport::Rsa15 => encrypter.set_rsa_padding(Padding::PKCS1)?,
    }
    let mut sealed = vec![0; encrypter.encrypt_len(key)?];
    let length = encrypter.encrypt(key, &mut sealed)?;
    sealed.truncate(length);
    Ok(sealed)
}

fn write_encrypted_key(xml: &mut XmlWriter, id: Option<&str>, sealed: &[u8], encryption: &Encryption) {
    let key = xml
        .element("xenc:EncryptedKey")
        .attribute("xmlns:xenc", namespace::ENCRYPTION)
        .attribute_if("Id", id);
    key.children(|xml| {
        let algorithm = match encryption.key_transport {
            KeyTransport::RsaOaepMgf1p => "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
            KeyTransport::RsaOaepSha256 => "http://www.w3.org/2009/xmlenc11#rsa-oaep",
            KeyTransport::Rsa15 => "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
        };
        xml.element("xenc:EncryptionMethod").attribute("Algorithm", algorithm).children(|xml| {
            let digest = match encryption.key_transport {
                KeyTransport::RsaOaepMgf1p => "http://www.w3.org/2000/09/xmldsig#sha1",
                KeyTransport::RsaOaepSha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
                KeyTransport::Rsa15 => return,
            };
            xml.element("ds:DigestMethod")
                .attribute("xmlns:ds", namespace::SIGNATURE)
                .attribute("Algorithm", digest)
                .empty();
            if encryption.key_transport == KeyTransport::RsaOaepSha256 {
                xml.element("xenc11:MGF")
                    .attribute("xmlns:xenc11", namespace::ENCRYPTION_11)
                    .attribute("Algorithm", "http://www.w3.org/2009/xmlenc11#mgf1sha256")
                    .empty();
            }
        });
        xml.element("xenc:CipherData").children(|xml| {
            xml.element("xenc:CipherValue").text(&BASE64.encode(sealed));
        });
    });
}

/// The element's own text with the namespaces it inherits declared on it, so that it can be parsed
/// by itself. Its exclusive canonical form, and so its signature, stays the same.
fn with_inherited_namespaces(document: &Document<'_>, element: NodeId) -> Result<String, SigningError> {
    let source = document.node_source(element).ok_or(SigningError::EmptyElement)?;
    let name = document.element(element).ok_or(SigningError::EmptyElement)?.name.prefixed_name();
    let mut declared: Vec<String> = Vec::new();
    let mut declarations = String::new();
    for node in std::iter::once(element).chain(document.ancestors(element)) {
        let Some(ancestor) = document.element(node) else { continue };
        for (prefix, uri) in &ancestor.namespace_declarations {
            if declared.iter().any(|known| known == prefix) {
                continue;
            }
            declared.push(prefix.to_string());
            if node != element {
                declarations.push_str(" xmlns");
                if !prefix.is_empty() {
                    declarations.push(':');
                    declarations.push_str(prefix);
                }
                declarations.push_str("=\"");
                escape_attribute(uri, &mut declarations);
                declarations.push('"');
            }
        }
    }
    let after_name = 1 + name.len();
    Ok([&source[..after_name], &declarations, &source[after_name..]].concat())
}
