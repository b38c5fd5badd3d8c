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
        encoding,
        error::{MAX_ENTITY_ID_LENGTH, MAX_METADATA_BYTES, MetadataError},
    },
};

/// The maximum number of tags in one document. A federation's aggregate of the maximum size has half as many.
const MAX_TAGS: usize = 60_000;
/// The maximum number of quotation marks in one tag, two for each attribute.
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

/// Parses metadata: an `EntityDescriptor` (SAML 2.0 Metadata §2.3.2), or nested `EntitiesDescriptor`s (§2.3.1). It
/// returns the identity provider with the entity ID `requested`; without one there must be exactly one.
///
/// A signature of the metadata (§3) is not verified: its origin must be trusted.
///
/// The bytes are decoded as [`decode`](super::decode) says.
pub fn parse_idp_metadata(xml: &[u8], requested: Option<&str>) -> Result<IdpMetadata, MetadataError> {
    parse_idp_metadata_text(&encoding::decode(xml, None)?, requested)
}

/// Parses metadata that is text already: pasted, or decoded by the caller. What its XML declaration names does not matter
/// then.
pub fn parse_idp_metadata_text(text: &str, requested: Option<&str>) -> Result<IdpMetadata, MetadataError> {
    if text.len() > MAX_METADATA_BYTES {
        return Err(MetadataError::TooLarge);
    }
    let text = encoding::content(text);
    if text.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("<!DOCTYPE html")) {
        return Err(MetadataError::NotMetadata("html".to_owned()));
    }
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
        _ => MetadataError::NotXml(shown(&failure.found.unwrap_or_default())),
    })?;
    let document = uppsala::Parser::new()
        .with_forbid_dtd(true)
        .with_max_depth(MAX_DEPTH)
        .parse(text)
        .map_err(|error| MetadataError::NotXml(shown(&error.to_string())))?;
    let entity = choose_entity(&document, requested)?;
    parse_entity(&document, entity)
}

/// What a parser says, which may quote the document, in the length and characters that can be stored and shown.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// Whether parsing could take more than linear time: the parser compares an element's attributes with
/// each other and looks prefixes up in all declarations in scope. Checked without parsing: attribute values
/// hold no `<` (XML 1.0 §3.1), so a start tag lies between two of them.
fn is_too_complex(text: &str) -> bool {
    text.split('<').count() > MAX_TAGS || text.split('<').any(|piece| quotes_in_tag(piece) > MAX_QUOTES)
}

/// How many quotation marks stand in the tag at the start of `piece`, which follows a `<`. The text behind the tag, and
/// comments, may have any number of them.
fn quotes_in_tag(piece: &str) -> usize {
    if piece.starts_with(['!', '?']) {
        return 0;
    }
    let (mut count, mut open) = (0, None);
    for byte in piece.bytes() {
        match (byte, open) {
            (b'>', None) => break,
            (b'"' | b'\'', None) => (count, open) = (count + 1, Some(byte)),
            (byte, Some(quote)) if byte == quote => (count, open) = (count + 1, None),
            _ => {}
        }
    }
    count
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
