//! SAML documents for tests, signed with generated keys: a signer that computes any signature in a document,
//! and fixture files that describe documents.
//!
//! A fixture is a few directives, a line `---` and a document in which `{now+300}`, `{acs}`, `{sp}`,
//! `{idp}`, `{request}` and `{certificate}` are placeholders:
//!
//! | directive | |
//! |---|---|
//! | `base NAME` | the document of the accepted fixture of that name |
//! | `edit A => B` | replaces A, wherever it stands (it must); `\n` is a line break |
//! | `remove NAME` | takes out the first element of this qualified name |
//! | `fill ID [KEY]` | computes the signature that refers to the element with this ID |
//! | `encrypt CIPHER TRANSPORT [sibling]` | encrypts the assertion, in the form of the part after `--- encrypted` |
//! | `wrap N` | breaks signature values into lines of N characters from here on |
//! | `trust KEY…` | the keys whose certificates the connection has (`idp`) |
//! | `encrypt-name-id CIPHER TRANSPORT` | encrypts the NameID |
//! | `allow sha1`, `allow cbc`, `allow no-name-id` | switches of the connection |
//! | `without decryption-keys` | the connection has none |
//! | `unsolicited` | no request is answered |
//! | `name-id`, `attribute NAME = V \| V` | what must come out |

use std::{collections::HashMap, fs, path::PathBuf, sync::Arc, sync::OnceLock, time::Duration};

use base::{random::SeededRandom, time::Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::NodeSet;
use openssl::{
    hash::{MessageDigest, hash},
    pkey::PKey,
    sign::Signer,
};
use ostiary::test_idp::encrypt::{
    ContentAlgorithm, EncryptedKeyLocation, Encryption, KeyTransport, encrypt_assertion, encrypted_assertion,
};
use saml::{
    Certificate, CrossCheck, Trust, Verdict,
    key_pair::{KeyKind, KeyPair},
    sign::SignatureAlgorithm,
    verify::verify_xml,
};
use uppsala::{Document, NodeId};

pub const NOW: Timestamp = Timestamp::from_seconds(1_795_300_897);
pub const IDP: &str = "https://idp.example/metadata";
pub const SP: &str = "https://ostiary.example/v1/saml/saml_conn_1";
pub const ACS: &str = "https://ostiary.example/v1/saml/saml_conn_1/acs";
pub const REQUEST: &str = "_request";
const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A key pair by name, made once a run.
pub fn key(name: &str) -> &'static KeyPair {
    static KEYS: OnceLock<HashMap<&'static str, OnceLock<KeyPair>>> = OnceLock::new();
    const KINDS: [(&str, KeyKind); 7] = [
        ("idp", KeyKind::Rsa(2048)),
        ("other", KeyKind::Rsa(2048)),
        ("sp", KeyKind::Rsa(2048)),
        ("sp-old", KeyKind::Rsa(2048)),
        ("p256", KeyKind::P256),
        ("p384", KeyKind::P384),
        ("p521", KeyKind::P521),
    ];
    let keys = KEYS.get_or_init(|| KINDS.iter().map(|&(name, _)| (name, OnceLock::new())).collect());
    let kind = KINDS.iter().find(|(known, _)| *known == name).expect("a known key").1;
    keys[name].get_or_init(|| KeyPair::generate(kind, name, NOW, &SeededRandom::new(1)).unwrap())
}

pub fn certificate(name: &str) -> Arc<Certificate> {
    let pem = String::from_utf8(key(name).certificate.to_pem().unwrap()).unwrap();
    Arc::new(Certificate::parse_pem_bundle(&pem).unwrap().remove(0))
}

/// What the connection accepts.
#[derive(Clone)]
pub struct Connection {
    pub idp_entity_id: String,
    pub sp_entity_id: String,
    pub acs_urls: Vec<String>,
    pub certificates: Vec<Arc<Certificate>>,
    pub allow_sha1: bool,
    pub allow_cbc: bool,
    pub decryption_keys: Vec<PKey<openssl::pkey::Private>>,
    pub name_id_optional: bool,
    pub cross_check: CrossCheck,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            idp_entity_id: IDP.to_owned(),
            sp_entity_id: SP.to_owned(),
            acs_urls: vec!["https://old.example/acs".to_owned(), ACS.to_owned()],
            certificates: vec![certificate("idp")],
            allow_sha1: false,
            allow_cbc: false,
            decryption_keys: vec![key("sp-old").key.clone(), key("sp").key.clone()],
            name_id_optional: false,
            cross_check: CrossCheck::Enforce,
        }
    }
}

impl Connection {
    pub fn trust(&self) -> Trust<'_> {
        Trust {
            idp_entity_id: &self.idp_entity_id,
            certificates: &self.certificates,
            sp_entity_id: &self.sp_entity_id,
            acs_urls: &self.acs_urls,
            allow_sha1: self.allow_sha1,
            allow_cbc_encryption: self.allow_cbc,
            decryption_keys: &self.decryption_keys,
            name_id_optional: self.name_id_optional,
            clock_skew: Duration::from_secs(60),
            cross_check: self.cross_check,
        }
    }

    pub fn verify(&self, xml: impl Into<Vec<u8>>) -> Verdict {
        verify_xml(xml.into(), &self.trust(), NOW)
    }
}

/// A fixture with its directives applied.
pub struct BuiltFixture {
    pub connection: Connection,
    pub xml: String,
    pub name_id: Option<String>,
    pub attributes: Vec<(String, Vec<String>)>,
    pub unsolicited: bool,
}

fn directory(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/saml").join(kind)
}

/// The names of the fixtures of a kind, sorted.
pub fn names(kind: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory(kind))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".saml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn read(kind: &str, name: &str) -> (String, String) {
    let text = fs::read_to_string(directory(kind).join(format!("{name}.saml"))).unwrap();
    let (directives, document) = text.split_once("\n---\n").unwrap_or((&text, ""));
    (directives.to_owned(), document.to_owned())
}

/// The unsigned document of an accepted fixture, with its placeholders filled in.
pub fn document(name: &str) -> String {
    let (directives, document) = read("accepted", name);
    let base = directives.lines().find_map(|line| line.strip_prefix("base "));
    let document = base.map_or(document, |base| read("accepted", base).1);
    placeholders(document.split("\n--- encrypted\n").next().unwrap().trim_end())
}

pub fn make(kind: &str, name: &str) -> BuiltFixture {
    let (directives, body) = read(kind, name);
    let (document, envelope) = body.split_once("\n--- encrypted\n").unwrap_or((&body, ""));
    let mut made = BuiltFixture {
        connection: Connection::default(),
        xml: placeholders(document.trim_end()),
        name_id: None,
        attributes: Vec::new(),
        unsolicited: false,
    };
    let mut wrap = 0;
    for line in directives.lines().filter(|line| !line.starts_with('#')) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<_> = rest.split_whitespace().collect();
        match (verb, words.as_slice()) {
            ("base", [base]) => made.xml = self::document(base),
            ("edit", _) => {
                let rest = rest.replace("\\n", "\n");
                let (from, to) = rest.split_once(" =>").unwrap_or_else(|| panic!("{name}: {line}"));
                made.xml =
                    edit(&made.xml, &placeholders(from), &placeholders(to.strip_prefix(' ').unwrap_or(to)));
            }
            ("fill", [id]) => made.xml = fill_wrapped(&made.xml, id, key("idp"), wrap),
            ("fill", [id, signer]) => made.xml = fill_wrapped(&made.xml, id, key(signer), wrap),
            ("encrypt", algorithms) => made.xml = encrypt(&made.xml, algorithms, envelope.trim_end()),
            ("remove", [element]) => made.xml = made.xml.replacen(&self::element(&made.xml, element), "", 1),
            ("wrap", [width]) => wrap = width.parse().unwrap(),
            ("trust", keys) => {
                made.connection.certificates = keys.iter().map(|name| certificate(name)).collect()
            }
            ("allow", ["sha1"]) => made.connection.allow_sha1 = true,
            ("allow", ["no-name-id"]) => made.connection.name_id_optional = true,
            ("encrypt-name-id", algorithms) => made.xml = encrypt_name_id(&made.xml, algorithms),
            ("allow", ["cbc"]) => made.connection.allow_cbc = true,
            ("without", ["decryption-keys"]) => made.connection.decryption_keys.clear(),
            ("unsolicited", []) => made.unsolicited = true,
            ("name-id", _) => made.name_id = Some(rest.to_owned()),
            ("attribute", _) => {
                let (attribute, values) = rest.split_once(" =").unwrap();
                let values = values.strip_prefix(' ').unwrap_or_default();
                made.attributes
                    .push((attribute.to_owned(), values.split(" | ").map(str::to_owned).collect()));
            }
            _ => panic!("{name}: what is {line:?}?"),
        }
    }
    made
}

/// Replaces every `from`, of which there must be one at least.
pub fn edit(xml: &str, from: &str, to: &str) -> String {
    assert!(xml.contains(from), "there is no {from:?} in\n{xml}");
    xml.replace(from, to)
}

fn placeholders(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("a placeholder ends");
        out.push_str(before);
        match name.split_once(':').unwrap_or((name, "0")) {
            ("acs", _) => out.push_str(ACS),
            ("sp", _) => out.push_str(SP),
            ("idp", _) => out.push_str(IDP),
            ("request", _) => out.push_str(REQUEST),
            ("certificate", width) => {
                out.push_str(&wrapped(&BASE64.encode(certificate("idp").der()), width.parse().unwrap()));
            }
            ("wrapped-key" | "ciphertext", _) => out.push_str(&format!("{{{name}}}")),
            ("brace", _) => out.push('{'),
            (moment, _) => {
                let offset = moment.strip_prefix("now").unwrap_or_else(|| panic!("what is {{{name}}}?"));
                let seconds: i64 = if offset.is_empty() { 0 } else { offset.parse().unwrap() };
                out.push_str(&at(seconds));
            }
        }
        rest = after;
    }
    out + rest
}

/// So many seconds from now, as SAML writes it.
pub fn at(seconds: i64) -> String {
    Timestamp::from_seconds(NOW.seconds() + seconds).to_string()
}

fn wrapped(base64: &str, width: usize) -> String {
    if width == 0 {
        return base64.to_owned();
    }
    base64
        .as_bytes()
        .chunks(width)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Computes the signature that refers to `id`, as its own text says.
pub fn fill(xml: &str, id: &str, signer: &KeyPair) -> String {
    fill_wrapped(xml, id, signer, 0)
}

fn fill_wrapped(xml: &str, id: &str, signer: &KeyPair, wrap: usize) -> String {
    let uri = format!("#{id}");
    fill_by(xml, &uri, |element| element.get_attribute("ID") == Some(id), signer, wrap)
}

/// Computes the signature whose reference is `uri`, over the first element for which `target` holds.
pub fn fill_by(
    xml: &str,
    uri: &str,
    target: impl Fn(&uppsala::Element<'_>) -> bool,
    signer: &KeyPair,
    wrap: usize,
) -> String {
    let digested = {
        let document = uppsala::parse(xml).unwrap();
        let signature = Signature::find(&document, uri);
        let target = document
            .descendants(document.root())
            .into_iter()
            .find(|&node| document.element(node).is_some_and(&target))
            .expect("the element to sign");
        let octets = signature.transformed(target);
        let digest = hash(digest_of(signature.algorithm("DigestMethod")), &octets).unwrap();
        signature.replaced("DigestValue", &BASE64.encode(digest))
    };
    let document = uppsala::parse(&digested).unwrap();
    let signature = Signature::find(&document, uri);
    let signed_info = signature.one("SignedInfo");
    let method = signature.one("CanonicalizationMethod");
    let nodes = NodeSet::tree_without_comments(signed_info, &document);
    let octets = canonicalize_doc(
        &document,
        mode_of(signature.uri_of(method)),
        Some(&nodes),
        &signature.prefixes(method),
    )
    .unwrap();
    let value = sign(signature.algorithm("SignatureMethod"), &octets, signer);
    signature.replaced("SignatureValue", &wrapped(&BASE64.encode(value), wrap))
}

struct Signature<'d> {
    document: &'d Document<'d>,
    node: NodeId,
}

impl<'d> Signature<'d> {
    fn find(document: &'d Document<'d>, uri: &str) -> Self {
        let node = document
            .get_elements_by_tag_name_ns(DS, "Signature")
            .into_iter()
            .find(|&node| {
                let references = Self { document, node }.all("Reference");
                references
                    .iter()
                    .any(|&reference| document.get_attribute(reference, "URI").unwrap_or_default() == uri)
            })
            .unwrap_or_else(|| panic!("no signature refers to {uri}"));
        Self { document, node }
    }

    fn all(&self, name: &str) -> Vec<NodeId> {
        let is = |&node: &NodeId| {
            self.document.element(node).is_some_and(|element| element.matches_name_ns(DS, name))
        };
        self.document.descendants(self.node).into_iter().filter(is).collect()
    }

    fn one(&self, name: &str) -> NodeId {
        self.all(name)[0]
    }

    fn uri_of(&self, node: NodeId) -> &'d str {
        self.document.get_attribute(node, "Algorithm").unwrap_or_default()
    }

    fn algorithm(&self, name: &str) -> &'d str {
        self.uri_of(self.one(name))
    }

    fn prefixes(&self, method: NodeId) -> Vec<&'d str> {
        let list = self.document.first_child_element_by_name_ns(method, EXCLUSIVE, "InclusiveNamespaces");
        list.and_then(|list| self.document.get_attribute(list, "PrefixList"))
            .map(|list| list.split_whitespace().collect())
            .unwrap_or_default()
    }

    /// The target through the transforms; those that are no canonicalization and not the enveloped
    /// signature do nothing.
    fn transformed(&self, target: NodeId) -> Vec<u8> {
        let mut nodes = NodeSet::tree_without_comments(target, self.document);
        let (mut mode, mut prefixes) = (C14nMode::Inclusive, Vec::new());
        for transform in self.all("Transform") {
            match self.uri_of(transform) {
                uri if uri.ends_with("#enveloped-signature") => {
                    nodes.remove_id(self.node);
                    for node in self.document.descendants(self.node) {
                        nodes.remove_id(node);
                    }
                }
                uri if C14nMode::from_uri(uri).is_some() => {
                    mode = mode_of(uri);
                    prefixes = self.prefixes(transform);
                }
                _ => {}
            }
        }
        canonicalize_doc(self.document, mode, Some(&nodes), &prefixes).unwrap()
    }

    fn replaced(&self, name: &str, text: &str) -> String {
        let node = self.one(name);
        let range = self.document.node_range(node).unwrap();
        let qualified = self.document.element(node).unwrap().name.prefixed_name();
        let source = self.document.input_text();
        format!("{}<{qualified}>{text}</{qualified}>{}", &source[..range.start], &source[range.end..])
    }
}

fn mode_of(uri: &str) -> C14nMode {
    C14nMode::from_uri(uri).unwrap_or(C14nMode::Exclusive)
}

fn digest_of(uri: &str) -> MessageDigest {
    match uri.rsplit('#').next().unwrap() {
        "sha1" => MessageDigest::sha1(),
        "sha384" => MessageDigest::sha384(),
        "sha512" => MessageDigest::sha512(),
        "md5" => MessageDigest::md5(),
        _ => MessageDigest::sha256(),
    }
}

fn sign(uri: &str, octets: &[u8], signer: &KeyPair) -> Vec<u8> {
    if uri.contains("hmac") {
        // Key confusion: the public key as the HMAC secret.
        let secret = PKey::hmac(&signer.key.public_key_to_pem().unwrap()).unwrap();
        return Signer::new(MessageDigest::sha256(), &secret).unwrap().sign_oneshot_to_vec(octets).unwrap();
    }
    let algorithm = uri.parse().unwrap_or_else(|_| SignatureAlgorithm::for_key(&signer.key));
    algorithm.sign_octets(octets, &signer.key).unwrap_or_default()
}

/// The document with its NameID in an EncryptedID.
fn encrypt_name_id(xml: &str, algorithms: &[&str]) -> String {
    let name_id = element(xml, "saml:NameID");
    let namespace = r#"<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion""#;
    let plaintext = name_id.replacen("<saml:NameID", namespace, 1);
    let random = SeededRandom::new(1);
    let encrypted = encrypted_assertion(plaintext.as_bytes(), &encryption(algorithms), &random).unwrap();
    xml.replacen(&name_id, &encrypted.replace("EncryptedAssertion", "EncryptedID"), 1)
}

fn encryption(algorithms: &[&str]) -> Encryption {
    let mut encryption = Encryption::new(key("sp").certificate.clone());
    for algorithm in algorithms {
        match *algorithm {
            "aes128-gcm" => encryption.content = ContentAlgorithm::Aes128Gcm,
            "aes192-gcm" => encryption.content = ContentAlgorithm::Aes192Gcm,
            "aes256-gcm" => encryption.content = ContentAlgorithm::Aes256Gcm,
            "aes128-cbc" => encryption.content = ContentAlgorithm::Aes128Cbc,
            "aes256-cbc" => encryption.content = ContentAlgorithm::Aes256Cbc,
            "oaep" => encryption.key_transport = KeyTransport::RsaOaepMgf1p,
            "oaep-sha256" => encryption.key_transport = KeyTransport::RsaOaepSha256,
            "rsa15" => encryption.key_transport = KeyTransport::Rsa15,
            "sibling" => encryption.key_location = EncryptedKeyLocation::Sibling,
            "for-other" => encryption.certificate = key("other").certificate.clone(),
            other => panic!("what is {other}?"),
        }
    }
    encryption
}

/// Encrypts the assertion of a document; into `envelope`, when there is one.
pub fn encrypt(xml: &str, algorithms: &[&str], envelope: &str) -> String {
    let encrypted = encrypt_assertion(xml, &encryption(algorithms), &SeededRandom::new(7)).unwrap();
    if envelope.is_empty() {
        return encrypted;
    }
    let document = uppsala::parse(&encrypted).unwrap();
    let element = document
        .get_elements_by_tag_name_ns("urn:oasis:names:tc:SAML:2.0:assertion", "EncryptedAssertion")[0];
    let values: Vec<_> = document
        .get_elements_by_tag_name_ns("http://www.w3.org/2001/04/xmlenc#", "CipherValue")
        .into_iter()
        .map(|value| document.text_content_deep(value))
        .collect();
    let envelope =
        placeholders(envelope).replace("{wrapped-key}", &values[0]).replace("{ciphertext}", &values[1]);
    let range = document.node_range(element).unwrap();
    format!("{}{envelope}{}", &encrypted[..range.start], &encrypted[range.end..])
}

/// An `EncryptedAssertion` that holds these bytes, whatever they are.
pub fn sealed(plaintext: &[u8], algorithms: &[&str]) -> String {
    encrypted_assertion(plaintext, &encryption(algorithms), &SeededRandom::new(7)).unwrap()
}

/// The text of the one element of this qualified name.
pub fn element(xml: &str, name: &str) -> String {
    let start = xml.find(&format!("<{name}")).unwrap_or_else(|| panic!("there is no {name}"));
    let close = format!("</{name}>");
    let end = xml[start..].find(&close).unwrap() + close.len();
    xml[start..start + end].to_owned()
}
