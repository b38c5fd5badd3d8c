//! Parses an identity provider's metadata (SAML Metadata §2.3, §2.4.3).

use std::time::Duration;

use base::time::Timestamp;
use uppsala::{Document, NodeId};
use url::Url;

use crate::{
    binding::Binding,
    certificate::CertificateError,
    document::{self, DocumentLimits},
    error::Error,
    identifiers::{binding, namespace},
    metadata::{
        certificates::signing_certificates,
        elements::{attribute, child_elements, is},
    },
};

/// The maximum size of a document. The aggregates of large federations exceed it and are not supported.
pub const MAX_METADATA_BYTES: usize = 2 * 1024 * 1024;
/// The maximum number of tags in one document. A federation's aggregate of the maximum size has half as many.
const MAX_TAGS: usize = 60_000;
/// The maximum number of quotation marks between one `<` and the next, two for each attribute.
const MAX_QUOTES: usize = 128;
/// The maximum nesting depth of elements.
const MAX_DEPTH: u32 = 32;
/// The limits on markup, which keep the parser's time linear. A federation's aggregate of the maximum size
/// takes two million steps.
const LIMITS: DocumentLimits = DocumentLimits {
    nodes: 2 * MAX_TAGS,
    depth: MAX_DEPTH as usize,
    attributes: MAX_QUOTES / 2,
    namespaces: 128,
    steps: 4_000_000,
    comments: true,
};
/// The schema's maximum length of an entity ID (SAML Metadata §2.2.1).
const MAX_ENTITY_ID_LENGTH: usize = 1024;
/// The maximum number of candidates that an error lists.
const MAX_LISTED_CANDIDATES: usize = 20;

/// The parts of an identity provider's metadata that a connection needs (SAML 2.0 Metadata §2.3.2, §2.4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdpMetadata {
    /// `entityID` (§2.3.2).
    pub entity_id: String,
    /// The single sign-on URL: the `Location` of a `SingleSignOnService` (§2.4.3).
    pub sso_redirect_url: String,
    /// The binding of that URL: HTTP-POST when it is offered, else HTTP-Redirect (SAML 2.0 Bindings §3.4, §3.5).
    pub idp_binding: Binding,
    /// Every certificate it may sign with, as PEM, each once, in document order: `KeyDescriptor` for signing or for
    /// any use (§2.4.1.1).
    pub certificates_pem: Vec<String>,
    /// The signing certificates that cannot be used and were left out, by their position among the signing ones.
    pub left_out: Vec<CertificateError>,
    /// `WantAuthnRequestsSigned` (§2.4.3).
    pub want_authn_requests_signed: bool,
    /// The earliest `validUntil` that applies to the entity (§2.3.2, §4.3).
    pub valid_until: Option<Timestamp>,
    /// The shortest `cacheDuration` that applies to the entity (§2.3.2, §4.3).
    pub cache_duration: Option<Duration>,
}

/// Why a document cannot be used as metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It is longer than [`MAX_METADATA_BYTES`].
    #[error("the metadata is larger than {} MiB", MAX_METADATA_BYTES / 1024 / 1024)]
    TooLarge,
    /// It is not UTF-8 (XML 1.0 §4.3.3).
    #[error("the metadata is not UTF-8 text")]
    NotUtf8,
    /// It exceeds the limits on markup.
    #[error("the metadata has too many elements, or too many attributes on one of them")]
    TooComplex,
    /// It has a document type declaration (XML 1.0 §2.8), which metadata needs for nothing.
    #[error("the metadata has a document type declaration (<!DOCTYPE …>), which is never read")]
    DocumentType,
    /// It does not parse (XML 1.0 §2.1, Namespaces in XML 1.0).
    #[error("the metadata is not well-formed XML: {0}")]
    NotXml(String),
    /// The root element is not SAML 2.0 metadata (SAML 2.0 Metadata §2.3).
    #[error("the metadata's root is <{0}>, not a SAML 2.0 EntityDescriptor or EntitiesDescriptor")]
    NotMetadata(String),
    /// No entity in it is a SAML 2.0 identity provider (§2.4.3). It may be a service provider's metadata.
    #[error("the metadata describes no SAML 2.0 identity provider (no IDPSSODescriptor)")]
    NoIdentityProvider,
    /// The requested entity is not among the identity providers (§2.3.2).
    #[error("the metadata has no identity provider {requested:?}; it has {}", format_candidates(candidates))]
    UnknownEntity {
        /// The requested entity ID.
        requested: String,
        /// The entity IDs of the identity providers in it.
        candidates: Vec<String>,
    },
    /// There are several identity providers (§2.3.1), and none was requested by its entity ID.
    #[error("the metadata has several identity providers; name one of {}", format_candidates(candidates))]
    SeveralIdentityProviders {
        /// The entity IDs of the identity providers in it.
        candidates: Vec<String>,
    },
    /// The entity ID is missing, empty or too long (§2.2.1).
    #[error("the identity provider's entityID is missing or longer than {MAX_ENTITY_ID_LENGTH} characters")]
    BadEntityId,
    /// There is no key to verify signatures with (§2.4.1.1).
    #[error("the identity provider's metadata has no signing certificate")]
    NoSigningCertificate,
    /// None of its signing certificates can be used (§2.4.1.1): what is wrong with the first.
    #[error("the identity provider's metadata has no signing certificate that can be used: {0}")]
    BadCertificate(CertificateError),
    /// It offers neither HTTP-POST nor HTTP-Redirect (§2.4.3; SAML 2.0 Bindings §3.4, §3.5).
    #[error("the identity provider offers no SingleSignOnService over HTTP-POST or HTTP-Redirect")]
    NoSingleSignOnService,
    /// Its single sign-on URL is not an http(s) URL (§2.2.2).
    #[error("the identity provider's SingleSignOnService is not an http(s) URL: {0:?}")]
    BadLocation(String),
}

impl MetadataError {
    /// The error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "metadata_too_large",
            Self::NotUtf8 => "metadata_not_utf8",
            Self::TooComplex => "metadata_too_complex",
            Self::DocumentType => "metadata_document_type",
            Self::NotXml(_) => "metadata_not_xml",
            Self::NotMetadata(_) => "metadata_wrong_document",
            Self::NoIdentityProvider => "metadata_no_identity_provider",
            Self::UnknownEntity { .. } => "metadata_unknown_entity",
            Self::SeveralIdentityProviders { .. } => "metadata_several_identity_providers",
            Self::BadEntityId => "metadata_entity_id",
            Self::NoSigningCertificate => "metadata_no_signing_certificate",
            Self::BadCertificate(_) => "metadata_certificate",
            Self::NoSingleSignOnService => "metadata_no_single_sign_on_service",
            Self::BadLocation(_) => "metadata_location",
        }
    }
}

fn format_candidates(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { format!("{names:?}") }
}

/// Parses metadata: an `EntityDescriptor` (SAML 2.0 Metadata §2.3.2), or nested `EntitiesDescriptor`s (§2.3.1). It
/// returns the identity provider with the entity ID `requested`; without one there must be exactly one.
///
/// A signature of the metadata (§3) is not verified: its origin must be trusted.
pub fn parse_idp_metadata(xml: &[u8], requested: Option<&str>) -> Result<IdpMetadata, MetadataError> {
    if xml.len() > MAX_METADATA_BYTES {
        return Err(MetadataError::TooLarge);
    }
    let text = std::str::from_utf8(xml).map_err(|_| MetadataError::NotUtf8)?;
    // A byte order mark: AD FS writes one.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("<!DOCTYPE") {
        return Err(MetadataError::DocumentType);
    }
    if is_too_complex(text) {
        return Err(MetadataError::TooComplex);
    }
    document::scan(text, &LIMITS).map_err(|failure| match failure.error {
        Error::TooManyNodes | Error::TooManyAttributes => MetadataError::TooComplex,
        Error::NestingTooDeep => MetadataError::NotXml("elements nest too deep".to_owned()),
        Error::DoctypePresent => MetadataError::DocumentType,
        Error::EncodingNotUtf8 => MetadataError::NotUtf8,
        _ => MetadataError::NotXml(failure.found.unwrap_or_default().chars().take(200).collect()),
    })?;
    let document = uppsala::Parser::new()
        .with_forbid_dtd(true)
        .with_max_depth(MAX_DEPTH)
        .parse(text)
        .map_err(|error| MetadataError::NotXml(error.to_string().chars().take(200).collect()))?;
    let entity = choose_entity(&document, requested)?;
    parse_entity(&document, entity)
}

/// Whether parsing could take more than linear time: the parser compares an element's attributes with
/// each other and looks prefixes up in all declarations in scope. Checked without parsing: attribute values
/// hold no `<` (XML 1.0 §3.1), so a start tag lies between two of them.
fn is_too_complex(text: &str) -> bool {
    let too_many_quotes =
        |piece: &str| piece.bytes().filter(|byte| matches!(byte, b'"' | b'\'')).count() > MAX_QUOTES;
    text.split('<').count() > MAX_TAGS || text.split('<').any(too_many_quotes)
}

/// The roles of an entity that are SAML 2.0 identity providers (§2.4.1 `protocolSupportEnumeration`).
fn idp_roles(document: &Document<'_>, entity: NodeId) -> Vec<NodeId> {
    child_elements(document, entity, namespace::METADATA, "IDPSSODescriptor")
        .filter(|&role| {
            attribute(document, role, "protocolSupportEnumeration")
                .is_some_and(|list| list.split_ascii_whitespace().any(|uri| uri == namespace::PROTOCOL))
        })
        .collect()
}

fn choose_entity(document: &Document<'_>, requested: Option<&str>) -> Result<NodeId, MetadataError> {
    let root = document.document_element().ok_or_else(|| MetadataError::NotXml("no root".to_owned()))?;
    let mut entities = Vec::new();
    let mut groups = vec![root];
    while let Some(node) = groups.pop() {
        if is(document, node, namespace::METADATA, "EntityDescriptor") {
            entities.push(node);
        } else if is(document, node, namespace::METADATA, "EntitiesDescriptor") {
            groups.extend(document.children(node).into_iter().rev());
        } else if node == root {
            let name =
                document.element(root).map(|element| element.name.local_name.chars().take(80).collect());
            return Err(MetadataError::NotMetadata(name.unwrap_or_default()));
        }
    }
    entities.retain(|&entity| !idp_roles(document, entity).is_empty());
    let id = |entity: NodeId| attribute(document, entity, "entityID").unwrap_or_default();
    let named = |entities: &[NodeId]| {
        entities
            .iter()
            .take(MAX_LISTED_CANDIDATES)
            .map(|&e| id(e).chars().take(MAX_ENTITY_ID_LENGTH).collect())
            .collect()
    };
    if entities.is_empty() {
        return Err(MetadataError::NoIdentityProvider);
    }
    if let Some(requested) = requested {
        let candidates = named(&entities);
        entities.retain(|&entity| id(entity) == requested);
        if entities.is_empty() {
            return Err(MetadataError::UnknownEntity { requested: requested.to_owned(), candidates });
        }
    }
    match entities[..] {
        [entity] => Ok(entity),
        _ => Err(MetadataError::SeveralIdentityProviders { candidates: named(&entities) }),
    }
}

fn parse_entity(document: &Document<'_>, entity: NodeId) -> Result<IdpMetadata, MetadataError> {
    let entity_id = attribute(document, entity, "entityID").unwrap_or_default();
    if entity_id.is_empty() || entity_id.chars().count() > MAX_ENTITY_ID_LENGTH {
        return Err(MetadataError::BadEntityId);
    }
    let roles = idp_roles(document, entity);
    let (sso_redirect_url, idp_binding) = single_sign_on_service(document, &roles)?;
    let (certificates_pem, left_out) = signing_certificates(document, &roles);
    match left_out.first() {
        _ if !certificates_pem.is_empty() => {}
        Some(first) => return Err(MetadataError::BadCertificate(first.clone())),
        None => return Err(MetadataError::NoSigningCertificate),
    }
    let flag =
        |role: &NodeId| matches!(attribute(document, *role, "WantAuthnRequestsSigned"), Some("true" | "1"));
    let until = |node: NodeId| attribute(document, node, "validUntil").and_then(Timestamp::parse_rfc3339);
    let cached = |node: NodeId| attribute(document, node, "cacheDuration").and_then(parse_duration);
    Ok(IdpMetadata {
        entity_id: entity_id.to_owned(),
        sso_redirect_url,
        idp_binding,
        certificates_pem,
        left_out,
        want_authn_requests_signed: roles.iter().any(flag),
        // The earliest of the entity's own and those of the elements around it (§2.3.1, §4.3).
        valid_until: std::iter::once(entity)
            .chain(document.ancestors(entity))
            .chain(roles.iter().copied())
            .filter_map(until)
            .min(),
        cache_duration: std::iter::once(entity)
            .chain(document.ancestors(entity))
            .chain(roles.iter().copied())
            .filter_map(cached)
            .min(),
    })
}

/// Parses an `xs:duration` (XML Schema Part 2 §3.2.6) to the second. A month counts 30 days, a year 365.
fn parse_duration(text: &str) -> Option<Duration> {
    const DAY: u64 = 24 * 3600;
    let rest = text.strip_prefix('P')?;
    let (date, time) = rest.split_once('T').unwrap_or((rest, ""));
    let mut seconds: u64 = 0;
    let mut seen = false;
    for (part, units) in [
        (date, &[('Y', 365 * DAY), ('M', 30 * DAY), ('D', DAY)][..]),
        (time, &[('H', 3600), ('M', 60), ('S', 1)]),
    ] {
        let mut part = part;
        let mut units = units.iter();
        while !part.is_empty() {
            let at = part.find(|c: char| c.is_ascii_alphabetic())?;
            let letter = part[at..].chars().next()?;
            let (_, unit) = units.find(|(unit, _)| *unit == letter)?;
            let whole = part[..at].split_once('.').map_or(&part[..at], |(whole, _)| whole);
            let count: u64 = whole.parse().ok()?;
            seconds = seconds.checked_add(count.checked_mul(*unit)?)?;
            seen = true;
            part = &part[at + 1..];
        }
    }
    seen.then(|| Duration::from_secs(seconds))
}

fn single_sign_on_service(
    document: &Document<'_>,
    roles: &[NodeId],
) -> Result<(String, Binding), MetadataError> {
    let mut bad = None;
    for (uri, binding) in [(binding::POST, Binding::Post), (binding::REDIRECT, Binding::Redirect)] {
        for &role in roles {
            for service in child_elements(document, role, namespace::METADATA, "SingleSignOnService") {
                if attribute(document, service, "Binding") != Some(uri) {
                    continue;
                }
                let location = attribute(document, service, "Location").unwrap_or_default();
                if is_http_url(location) {
                    return Ok((location.to_owned(), binding));
                }
                bad.get_or_insert_with(|| location.chars().take(200).collect());
            }
        }
    }
    Err(bad.map_or(MetadataError::NoSingleSignOnService, MetadataError::BadLocation))
}

fn is_http_url(location: &str) -> bool {
    location.len() <= 2000
        && !location.chars().any(|c| c.is_control() || c.is_whitespace())
        && Url::parse(location).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        })
}

#[cfg(test)]
mod tests;
