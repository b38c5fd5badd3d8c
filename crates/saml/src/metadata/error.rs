//! Why a document cannot be used as metadata.

use crate::certificate::CertificateError;

/// The maximum size of a document. The aggregates of large federations exceed it and are not supported.
pub const MAX_METADATA_BYTES: usize = 2 * 1024 * 1024;
/// The schema's maximum length of an entity ID (SAML Metadata §2.2.1).
pub(super) const MAX_ENTITY_ID_LENGTH: usize = 1024;

/// Why a document cannot be used as metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It is longer than [`MAX_METADATA_BYTES`].
    #[error("the metadata is larger than {} MiB", MAX_METADATA_BYTES / 1024 / 1024)]
    TooLarge,
    /// It is not UTF-8 (XML 1.0 §4.3.3).
    #[error("the metadata is not UTF-8 text")]
    NotUtf8,
    /// It is not text in the encoding that it or its server names, or that encoding is none that is read (XML 1.0 §4.3.3).
    #[error("the metadata cannot be read in the character encoding that it is said to have, {0:?}")]
    BadEncoding(String),
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
            Self::BadEncoding(_) => "metadata_encoding",
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
