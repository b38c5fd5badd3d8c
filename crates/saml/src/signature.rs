//! The signature profile of SAML (SAML 2.0 Core §5.4), strictly: one reference, to the parent element, with
//! the two transforms that SAML allows. The result is the canonical bytes that were signed; nothing else of
//! the element is read afterwards.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::nodeset::{NodeIdSet, NodeSet, NodeSetType};
use openssl::{
    bn::BigNum,
    ecdsa::EcdsaSig,
    error::ErrorStack,
    hash::{MessageDigest, hash},
    rsa::Padding,
    sign::{RsaPssSaltlen, Verifier},
};
use strum::VariantArray;
use uppsala::NodeId;

use crate::{
    certificate::{Certificate, PublicKeyKind},
    dom::{Element, is_space, ns},
    error::Error,
    failed_check::FailedCheck,
    identifiers::ENVELOPED_SIGNATURE,
    signature_algorithm::SignatureAlgorithm,
    trust::Trust,
};

/// The maximum number of prefixes in an InclusiveNamespaces list: canonicalization checks each for every
/// element.
const MAX_PREFIXES: usize = 16;

/// The maximum number of nodes in a `SignedInfo`, which has ten elements and white space between them. It is
/// canonicalized before its signature is verified.
const MAX_SIGNED_INFO_NODES: usize = 64;

/// An element whose signature verified.
pub(super) struct SignedElement {
    /// The canonical form of the signed element, without the signature.
    pub canonical: String,
    /// The canonical form of the signature's `SignedInfo`.
    pub signed_info: String,
    /// The digest in it.
    pub digest: MessageDigest,
    /// The certificate whose key made the signature.
    pub certificate: Arc<Certificate>,
    /// The signature algorithm.
    pub algorithm: SignatureAlgorithm,
    /// Whether SHA-1 was used, in the signature or in the digest.
    pub sha1: bool,
}

impl SignedElement {
    /// The text in the check of the signature: the algorithm and the certificate's fingerprint.
    pub fn verified_with(&self) -> String {
        let algorithm = self.algorithm.uri().rsplit('#').next().unwrap_or_default();
        format!("{algorithm}, certificate with SHA-256 {}", self.certificate.fingerprint_sha256())
    }
}

/// Verifies `signature`, a child of `parent`.
pub(super) fn verify(
    parent: Element<'_>,
    signature: Element<'_>,
    trust: &Trust<'_>,
) -> Result<SignedElement, FailedCheck> {
    let form = SignatureParts::read(parent, signature)?;
    let algorithm = allowed_algorithm(form.algorithm, trust)?;
    let digest = allowed_digest(form.digest_algorithm, algorithm, trust)?;

    // The signature value first: it covers only SignedInfo, which is small. The element is digested only
    // after it verified.
    let signed_info = canonicalize(form.signed_info, None, &form.method_prefixes)?;
    let certificate = find_signing_certificate(signed_info.as_bytes(), &form.value, algorithm, trust)?;

    let canonical = canonicalize(parent, Some(signature), &form.transform_prefixes)?;
    let found = hash(digest.digest(), canonical.as_bytes()).map_err(|_| Error::DigestMismatch)?;
    if *found != *form.digest {
        return Err(Error::DigestMismatch.into());
    }
    let sha1 = algorithm.is_sha1() || digest.is_sha1();
    Ok(SignedElement { canonical, signed_info, digest: digest.digest(), certificate, algorithm, sha1 })
}

/// The parts of a signature: each once, in this order, and no others (XML Signature
/// §4.1, §4.4).
struct SignatureParts<'d> {
    signed_info: Element<'d>,
    method_prefixes: Vec<&'d str>,
    algorithm: &'d str,
    transform_prefixes: Vec<&'d str>,
    digest_algorithm: &'d str,
    digest: Vec<u8>,
    value: Vec<u8>,
}

impl<'d> SignatureParts<'d> {
    fn read(parent: Element<'d>, signature: Element<'d>) -> Result<Self, FailedCheck> {
        let parts: Vec<_> = signature.elements().collect();
        let (signed_info, value) = match *parts {
            [info, value] if is(info, "SignedInfo") && is(value, "SignatureValue") => (info, value),
            [info, value, key]
                if is(info, "SignedInfo") && is(value, "SignatureValue") && is(key, "KeyInfo") =>
            {
                (info, value)
            }
            _ => return Err(malformed(signature)),
        };
        let nodes = signed_info.document().descendants(signed_info.node()).len();
        if nodes > MAX_SIGNED_INFO_NODES {
            return Err(FailedCheck::found(
                Error::SignatureMalformed,
                format!("SignedInfo with {nodes} nodes"),
            )
            .expected(format!("at most {MAX_SIGNED_INFO_NODES}")));
        }
        let parts: Vec<_> = signed_info.elements().collect();
        let [canonicalization, method, reference] = *parts else {
            let references = signed_info.children(ns::SIGNATURE, "Reference").count();
            return Err(if references == 1 {
                malformed(signed_info)
            } else {
                FailedCheck::found(Error::ReferenceRefused, format!("{references} references"))
                    .expected("one")
            });
        };
        if !is(canonicalization, "CanonicalizationMethod")
            || !is(method, "SignatureMethod")
            || !is(reference, "Reference")
        {
            return Err(malformed(signed_info));
        }
        for plain in [signature, signed_info, reference] {
            if plain.has_text() {
                return Err(malformed(plain));
            }
        }
        let canonicalization_method = canonicalization.attribute("Algorithm").unwrap_or_default();
        if canonicalization_method != ns::EXCLUSIVE_C14N {
            return Err(FailedCheck::found(Error::CanonicalizationRefused, canonicalization_method)
                .expected(ns::EXCLUSIVE_C14N));
        }
        let method_prefixes = inclusive_prefixes(canonicalization)
            .ok_or_else(|| FailedCheck::found(Error::CanonicalizationRefused, "its parameters"))?;
        // Parameters such as HMACOutputLength are refused.
        let algorithm = algorithm_without_parameters(method)?;

        let expected = format!("#{}", parent.attribute("ID").unwrap_or_default());
        if reference.attribute("URI") != Some(&*expected) {
            let found =
                reference.attribute("URI").map_or_else(|| "no URI".to_owned(), |uri| format!("{uri:?}"));
            return Err(FailedCheck::found(Error::ReferenceRefused, found).expected(format!("{expected:?}")));
        }
        let parts: Vec<_> = reference.elements().collect();
        let [transforms, digest_method, digest_value] = *parts else {
            let unsigned = reference.child(ns::SIGNATURE, "Transforms").is_none();
            return Err(if unsigned { transform_refused(None) } else { malformed(reference) });
        };
        if !is(transforms, "Transforms")
            || !is(digest_method, "DigestMethod")
            || !is(digest_value, "DigestValue")
        {
            return Err(malformed(reference));
        }
        Ok(Self {
            signed_info,
            method_prefixes,
            algorithm,
            transform_prefixes: transform_prefixes(transforms)?,
            digest_algorithm: algorithm_without_parameters(digest_method)?,
            digest: base64_text(digest_value)?,
            value: base64_text(value)?,
        })
    }
}

fn is(element: Element<'_>, name: &str) -> bool {
    element.is(ns::SIGNATURE, name)
}

/// Whether the element is empty but for white space.
fn is_empty(element: Element<'_>) -> bool {
    element.text().is_some_and(|text| text.is_empty())
}

fn malformed(element: Element<'_>) -> FailedCheck {
    let children: Vec<_> = element.elements().take(6).map(Element::name).collect();
    FailedCheck::found(Error::SignatureMalformed, format!("{} with {}", element.name(), children.join(", ")))
}

/// The algorithm of a method that has no parameters.
fn algorithm_without_parameters(method: Element<'_>) -> Result<&str, FailedCheck> {
    match method.text() {
        Some(text) if text.is_empty() => Ok(method.attribute("Algorithm").unwrap_or_default()),
        _ => Err(FailedCheck::found(Error::SignatureMalformed, format!("{} with parameters", method.name()))),
    }
}

/// Base64 in an element of text only.
fn base64_text(element: Element<'_>) -> Result<Vec<u8>, FailedCheck> {
    let failure =
        || FailedCheck::found(Error::SignatureMalformed, format!("{} is not base64", element.name()));
    let text = element.text().ok_or_else(failure)?;
    let compact: Vec<u8> = text.bytes().filter(|&byte| !is_space(byte as char)).collect();
    STANDARD.decode(compact).map_err(|_| failure())
}

/// The two transforms, in this order (SAML 2.0 Core §5.4.4).
fn transform_prefixes(transforms: Element<'_>) -> Result<Vec<&str>, FailedCheck> {
    let parts: Vec<_> = transforms.elements().collect();
    let algorithm = |transform: Element<'_>| {
        is(transform, "Transform").then(|| transform.attribute("Algorithm")).flatten().map(str::to_owned)
    };
    match *parts {
        [enveloped, exclusive]
            if algorithm(enveloped).as_deref() == Some(ENVELOPED_SIGNATURE)
                && algorithm(exclusive).as_deref() == Some(ns::EXCLUSIVE_C14N)
                && is_empty(enveloped)
                && !transforms.has_text() =>
        {
            inclusive_prefixes(exclusive).ok_or_else(|| transform_refused(Some(transforms)))
        }
        _ => Err(transform_refused(Some(transforms))),
    }
}

fn transform_refused(transforms: Option<Element<'_>>) -> FailedCheck {
    let found: Vec<_> = transforms
        .into_iter()
        .flat_map(Element::elements)
        .take(6)
        .map(|transform| transform.attribute("Algorithm").unwrap_or("none"))
        .collect();
    FailedCheck::found(Error::TransformRefused, found.join(", "))
        .expected(format!("{ENVELOPED_SIGNATURE}, {}", ns::EXCLUSIVE_C14N))
}

/// The prefixes of an InclusiveNamespaces child, which is the only parameter of exclusive
/// canonicalization (Exclusive XML Canonicalization §4).
fn inclusive_prefixes(method: Element<'_>) -> Option<Vec<&str>> {
    let mut children = method.elements();
    let Some(list) = children.next() else { return (!method.has_text()).then(Vec::new) };
    if children.next().is_some() || method.has_text() || !list.is(ns::EXCLUSIVE_C14N, "InclusiveNamespaces") {
        return None;
    }
    // Its schema gives it no content (§4).
    if !is_empty(list) {
        return None;
    }
    let prefixes: Vec<_> =
        list.attribute("PrefixList")?.split(is_space).filter(|prefix| !prefix.is_empty()).collect();
    (prefixes.len() <= MAX_PREFIXES).then_some(prefixes)
}

fn allowed_algorithm(uri: &str, trust: &Trust<'_>) -> Result<SignatureAlgorithm, FailedCheck> {
    let Ok(algorithm) = uri.parse::<SignatureAlgorithm>() else {
        return Err(FailedCheck::found(Error::SignatureAlgorithmRefused, uri)
            .expected("RSA or ECDSA with SHA-256, SHA-384 or SHA-512"));
    };
    if algorithm.is_sha1() && !trust.allow_sha1 {
        return Err(FailedCheck::found(Error::Sha1Refused, uri));
    }
    Ok(algorithm)
}

/// The digest algorithm, represented by the RSA algorithm with the same hash. It must be at least as strong
/// as the signature's; SHA-1, where it is allowed, is accepted with every signature.
fn allowed_digest(
    uri: &str,
    algorithm: SignatureAlgorithm,
    trust: &Trust<'_>,
) -> Result<SignatureAlgorithm, FailedCheck> {
    let digest = SignatureAlgorithm::VARIANTS.iter().copied().find(|digest| digest.digest_uri() == uri);
    match digest {
        Some(digest) if digest.is_sha1() && trust.allow_sha1 => Ok(digest),
        Some(digest) if digest.is_sha1() => Err(FailedCheck::found(Error::Sha1Refused, uri)),
        Some(digest) if digest.digest().size() >= algorithm.digest().size() => Ok(digest),
        _ => Err(FailedCheck::found(Error::DigestAlgorithmRefused, uri).expected(algorithm.digest_uri())),
    }
}

/// The connection's certificate whose key made the signature. `KeyInfo` is not read.
fn find_signing_certificate(
    octets: &[u8],
    value: &[u8],
    algorithm: SignatureAlgorithm,
    trust: &Trust<'_>,
) -> Result<Arc<Certificate>, FailedCheck> {
    let mut fitting = 0;
    for certificate in trust.certificates {
        if !algorithm.fits(certificate.key().id()) {
            continue;
        }
        fitting += 1;
        if is_made_by(certificate, octets, value, algorithm).unwrap_or(false) {
            return Ok(Arc::clone(certificate));
        }
    }
    Err(if fitting == 0 {
        FailedCheck::found(Error::SignatureKeyUnsuitable, algorithm.uri())
    } else {
        // No details of the connection's certificates: the sender of a forgery may read this.
        FailedCheck::from(Error::SignatureMismatch)
            .expected(format!("made with the key of one of {fitting} certificates"))
    })
}

fn is_made_by(
    certificate: &Certificate,
    octets: &[u8],
    value: &[u8],
    algorithm: SignatureAlgorithm,
) -> Result<bool, ErrorStack> {
    let mut verifier = Verifier::new(algorithm.digest(), certificate.key())?;
    if algorithm.is_pss() {
        verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
        verifier.set_rsa_mgf1_md(algorithm.digest())?;
        verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
    }
    match certificate.kind() {
        PublicKeyKind::Rsa { .. } => verifier.verify_oneshot(value, octets),
        // r and s side by side, each as wide as the curve (XML Signature 1.1 §6.4.3)
        PublicKeyKind::Ec { coordinate_bytes } if value.len() == 2 * coordinate_bytes => {
            let (r, s) = value.split_at(coordinate_bytes);
            let parts = EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
            verifier.verify_oneshot(&parts.to_der()?, octets)
        }
        PublicKeyKind::Ec { .. } => Ok(false),
    }
}

/// Exclusive canonicalization of an element, without the signature in it.
fn canonicalize(
    element: Element<'_>,
    without: Option<Element<'_>>,
    prefixes: &[&str],
) -> Result<String, FailedCheck> {
    let document = element.document();
    // The smaller set: for a whole response or assertion the excluded nodes, for SignedInfo the included
    // ones.
    let nodes = match without {
        Some(signature) => subtree_without(element, signature),
        None => NodeSet::tree_without_comments(element.node(), document),
    };
    let failed = || FailedCheck::found(Error::SignatureMalformed, "it cannot be canonicalized");
    let bytes =
        canonicalize_doc(document, C14nMode::Exclusive, Some(&nodes), prefixes).map_err(|_| failed())?;
    String::from_utf8(bytes).map_err(|_| failed())
}

/// The subtree of `element` without that of `signature`, as the complement of the other nodes: the ancestors,
/// their other children, and the signature. There are no comments: the document limits refuse them.
fn subtree_without(element: Element<'_>, signature: Element<'_>) -> NodeSet {
    let document = element.document();
    let mut hidden = NodeIdSet::default();
    let mut hide = |node: NodeId| {
        hidden.insert(node.index());
        hidden.extend(document.descendants(node).iter().map(NodeId::index));
    };
    hide(signature.node());
    let mut inner = element.node();
    let mut ancestors = Vec::new();
    while let Some(outer) = document.parent(inner) {
        document.children_iter(outer).filter(|&child| child != inner).for_each(&mut hide);
        ancestors.push(outer.index());
        inner = outer;
    }
    hidden.extend(ancestors);
    NodeSet::from_ids(hidden, NodeSetType::Invert)
}

#[cfg(test)]
mod tests {
    use base::{random::SeededRandom, time::Timestamp};
    use openssl::sign::Signer;

    use super::*;
    use crate::key_pair::{KeyKind, KeyPair};

    #[test]
    fn each_padding_of_rsa_is_verified_as_that_one_only() {
        let now = Timestamp::from_seconds(1_790_000_000);
        let pair = KeyPair::generate(KeyKind::Rsa(2048), "idp", now, &SeededRandom::new(1)).unwrap();
        let certificate = Certificate::parse_pem_bundle(&pair.certificate_pem().unwrap()).unwrap().remove(0);
        let rsa = SignatureAlgorithm::VARIANTS
            .iter()
            .copied()
            .filter(|algorithm| algorithm.fits(certificate.key().id()));
        let rsa: Vec<_> = rsa.collect();
        for made in &rsa {
            let value = made.sign_octets(b"octets", &pair.key).unwrap();
            for algorithm in &rsa {
                let verifies = |octets: &[u8], value: &[u8]| {
                    is_made_by(&certificate, octets, value, *algorithm).unwrap_or(false)
                };
                assert_eq!(verifies(b"octets", &value), made == algorithm, "{made:?} as {algorithm:?}");
                assert!(!verifies(b"others", &value) && !verifies(b"octets", &value[1..]), "{algorithm:?}");
            }
        }
        // The salt is as long as the digest (RFC 9231 §2.3.10), and the mask is made with it.
        for (salt, mask) in
            [(0, MessageDigest::sha256()), (20, MessageDigest::sha256()), (32, MessageDigest::sha1())]
        {
            let mut signer = Signer::new(MessageDigest::sha256(), &pair.key).unwrap();
            signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            signer.set_rsa_mgf1_md(mask).unwrap();
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt)).unwrap();
            let value = signer.sign_oneshot_to_vec(b"octets").unwrap();
            let algorithm = SignatureAlgorithm::RsaPssSha256;
            assert!(!is_made_by(&certificate, b"octets", &value, algorithm).unwrap_or(false), "{salt}");
        }
    }
}
