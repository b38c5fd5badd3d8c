//! A SAML connection as the API and the command line show it, and changes of its settings: validated, and applied to
//! the stored one.

use base::{
    id::{OrganizationId, SamlConnectionId},
    time::Timestamp,
};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use model::{
    environment::IdpInitiated,
    http_url::HttpUrl,
    idp_kind::IdpKind,
    saml_connection::{IdpBinding, MetadataRefresh, SamlConnection, last_expiry},
};
use saml::metadata::IdpMetadata;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    SamlConnectionView,
    certificates::{GivenCertificates, left_out, parse_certificates},
    metadata::{schedule, source},
};
use crate::app::{Error, Result, State, input, outgoing::Validators};

/// The SAML settings with which an organization's people sign in through its identity provider.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SamlConnection)]
pub struct SamlConnectionObject {
    id: SamlConnectionId,
    organization_id: OrganizationId,
    /// Whether logins of its organization use it by default.
    primary: bool,
    /// The identity provider's single sign-on URL; empty until it is set.
    #[schema(example = "https://idp.acme.com/sso")]
    idp_redirect_url: String,
    /// All signing certificates, as concatenated PEM blocks.
    idp_certificate: String,
    /// The same as a list.
    idp_certificates: Vec<String>,
    /// The latest expiry of the certificates; `null` without any.
    idp_certificate_expires_at: Option<Timestamp>,
    /// The identity provider's entity id; empty until it is set.
    #[schema(example = "https://idp.acme.com/metadata")]
    idp_entity_id: String,
    /// The URL from which its metadata is fetched regularly; empty for none.
    idp_metadata_url: String,
    /// When the metadata was last fetched and valid; `null` for never.
    metadata_fetched_at: Option<Timestamp>,
    /// Why the last refresh failed; empty if it succeeded.
    metadata_error: String,
    /// What should be looked at: certificates that were left out because they cannot be used, or that all have ended.
    warnings: Vec<String>,
    /// The service provider's entity id ("Audience URI"); it never changes.
    sp_entity_id: String,
    /// The service provider's Assertion Consumer Service URL; it never changes.
    sp_acs_url: String,
    idp_binding: IdpBinding,
    /// `null` for the environment's policy.
    idp_initiated: Option<IdpInitiated>,
    /// The attribute with the e-mail address; empty when it is the NameID.
    email_attribute: String,
    /// Whether signatures with SHA-1 are accepted.
    allow_sha1: bool,
    /// Whether assertions should be encrypted.
    assertion_encryption: bool,
    /// Whether unauthenticated encryption (AES-CBC) is accepted.
    allow_cbc_encryption: bool,
    /// Whether AuthnRequests are signed.
    sign_authn_requests: bool,
    /// Whether a fresh sign-in is required each time (ForceAuthn).
    force_authn: bool,
    /// Whether it is switched off: its logins are refused.
    disabled: bool,
    /// The identity provider's product; `null` if unknown.
    idp_kind: Option<IdpKind>,
    /// The certificate to encrypt assertions with; `null` without encryption.
    sp_encryption_certificate: Option<String>,
}

impl From<&SamlConnectionView> for SamlConnectionObject {
    fn from(described: &SamlConnectionView) -> Self {
        let connection = &described.connection;
        Self {
            id: connection.id,
            organization_id: connection.organization_id,
            primary: connection.primary,
            idp_redirect_url: connection
                .idp_redirect_url
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            idp_certificate: connection.idp_certificates.concat(),
            idp_certificates: connection.idp_certificates.clone(),
            idp_certificate_expires_at: connection.idp_certificate_expires_at,
            idp_metadata_url: connection
                .idp_metadata_url
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            metadata_fetched_at: connection.metadata.fetched_at,
            metadata_error: connection.metadata.error.clone().unwrap_or_default(),
            warnings: described.warnings.clone(),
            idp_entity_id: connection.idp_entity_id.clone().unwrap_or_default(),
            sp_entity_id: connection.sp_entity_id.clone(),
            sp_acs_url: connection.sp_acs_urls.first().cloned().unwrap_or_default(),
            idp_binding: connection.idp_binding,
            idp_initiated: connection.idp_initiated,
            email_attribute: connection.email_attribute.clone().unwrap_or_default(),
            allow_sha1: connection.allow_sha1,
            assertion_encryption: connection.assertion_encryption,
            allow_cbc_encryption: connection.allow_cbc_encryption,
            sign_authn_requests: connection.sign_authn_requests,
            force_authn: connection.force_authn,
            disabled: connection.disabled,
            idp_kind: connection.idp_kind,
            sp_encryption_certificate: described.encryption_certificate.clone(),
        }
    }
}

/// The settings of a SAML connection.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, Args)]
#[schema(as = SamlConnectionInput)]
#[serde(rename_all = "camelCase")]
pub struct SamlConnectionChange {
    /// Use it for logins that name only the organization, in place of the connection that is primary now.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub primary: Option<bool>,
    /// The identity provider's entity id.
    #[schema(example = "https://idp.acme.com/metadata")]
    #[arg(long, value_name = "ID")]
    pub idp_entity_id: Option<String>,
    /// The identity provider's single sign-on URL.
    #[schema(example = "https://idp.acme.com/sso")]
    #[arg(long, value_name = "URL")]
    pub idp_redirect_url: Option<String>,
    /// Its signing certificates: one or several PEM blocks.
    #[arg(skip)]
    pub idp_certificate: Option<String>,
    /// The same as a list. If both are sent, the one that differs from the stored value counts.
    #[arg(skip)]
    pub idp_certificates: Option<Vec<String>>,
    /// The binding of AuthnRequests: POST or REDIRECT.
    #[arg(long, value_name = "BINDING", ignore_case = true, value_parser = upper(["POST", "REDIRECT"]))]
    pub idp_binding: Option<String>,
    /// What to do with unsolicited (IdP-initiated) responses: ALLOW, RESTART or REFUSE; the environment's policy applies
    /// where it is empty or was never set.
    #[arg(long, value_name = "POLICY", ignore_case = true, value_parser = upper(["ALLOW", "RESTART", "REFUSE"]))]
    pub idp_initiated: Option<String>,
    /// The attribute with the e-mail address, when it is not the NameID.
    #[arg(long, value_name = "NAME")]
    pub email_attribute: Option<String>,
    /// Accept signatures with SHA-1.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_sha1: Option<bool>,
    /// Publish a certificate with which assertions can be encrypted.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub assertion_encryption: Option<bool>,
    /// Accept unauthenticated encryption (AES-CBC).
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_cbc_encryption: Option<bool>,
    /// Sign AuthnRequests.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub sign_authn_requests: Option<bool>,
    /// Require a fresh sign-in at the identity provider each time (ForceAuthn).
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub force_authn: Option<bool>,
    /// Switch it off: its logins are refused, its codes and tokens end, and everything else is kept.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disabled: Option<bool>,
    /// The identity provider's product: okta, entra, google, adfs, keycloak, onelogin, jumpcloud, ping or other; empty for
    /// unknown.
    #[arg(long, value_name = "KIND", value_parser = input::idp_kinds())]
    pub idp_kind: Option<String>,
    /// The identity provider's metadata as XML: sets entity id, URL, binding and certificates, except those sent as
    /// separate fields.
    #[arg(skip)]
    pub idp_metadata: Option<String>,
    /// The URL of the metadata: fetched now and then regularly, so that new certificates and URLs are adopted. Empty to
    /// stop.
    #[arg(skip)]
    pub idp_metadata_url: Option<String>,
}

/// One of these words in upper or lower case, as upper case.
fn upper<const N: usize>(words: [&'static str; N]) -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(words).map(|word| word.to_ascii_uppercase())
}

/// The metadata of a change.
#[derive(Clone)]
pub(super) struct ImportedMetadata {
    metadata: IdpMetadata,
    /// The URL and validators, if it was fetched.
    from: Option<(HttpUrl, Validators)>,
}

impl SamlConnectionChange {
    /// Fetches and parses the metadata of the change. Call it outside of transactions. The `stored` URL is not
    /// fetched again: a client that sends back a whole connection repeats it.
    pub(super) async fn metadata(
        &self,
        state: &State,
        stored: Option<&HttpUrl>,
    ) -> Result<Option<ImportedMetadata>> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let wanted = given(&self.idp_entity_id);
        match (given(&self.idp_metadata), self.new_metadata_url(state, stored)?) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(Error::invalid(source::URL_FIELD, "must not come together with idpMetadata"))
            }
            (Some(xml), None) => {
                let read = move || source::parse_document(&xml, wanted.as_deref());
                let metadata = tokio::task::spawn_blocking(read).await.map_err(Error::internal)??;
                Ok(Some(ImportedMetadata { metadata, from: None }))
            }
            (None, Some(url)) => {
                let (metadata, validators) = source::fetch_and_parse(state, &url, wanted.as_deref()).await?;
                Ok(Some(ImportedMetadata { metadata, from: Some((url, validators)) }))
            }
        }
    }

    /// The metadata URL, if it differs from the `stored` one.
    fn new_metadata_url(&self, state: &State, stored: Option<&HttpUrl>) -> Result<Option<HttpUrl>> {
        let Some(text) = self.idp_metadata_url.as_deref().map(str::trim).filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        if stored.is_some_and(|stored| stored.as_str() == text) {
            return Ok(None);
        }
        // The content of this URL is trusted from now on.
        input::endpoint_url(state.settings.allow_private_metadata, source::URL_FIELD, text, &None).map(Some)
    }

    /// Sets or clears the metadata URL and its refresh state.
    fn set_metadata_source(
        &self,
        state: &State,
        connection: &mut SamlConnection,
        imported: &Option<ImportedMetadata>,
    ) {
        let cleared = self.idp_metadata_url.as_ref().is_some_and(|url| url.trim().is_empty());
        match imported {
            Some(ImportedMetadata { metadata, from: Some((url, validators)) }) => {
                connection.idp_metadata_url = Some(url.clone());
                connection.metadata = schedule::refreshed_state(state, metadata, validators.clone());
            }
            // A document replaces the URL, unless the change confirms the URL too.
            Some(ImportedMetadata { from: None, .. }) if self.idp_metadata_url.is_none() => {
                clear_metadata(connection);
            }
            _ if cleared => clear_metadata(connection),
            _ => {}
        }
    }

    pub(super) fn apply(
        &self,
        state: &State,
        connection: &mut SamlConnection,
        imported: Option<ImportedMetadata>,
    ) -> Result<()> {
        let idp_settings = |one: &SamlConnection| {
            (
                one.idp_entity_id.clone(),
                one.idp_redirect_url.clone(),
                one.idp_certificates.clone(),
                one.idp_binding,
            )
        };
        self.set_metadata_source(state, connection, &imported);
        let before = idp_settings(connection);
        let fetched = imported.as_ref().is_some_and(|imported| imported.from.is_some());
        if let Some(ImportedMetadata { metadata, from }) = imported {
            connection.idp_entity_id = Some(metadata.entity_id.clone());
            let field = if from.is_some() { source::URL_FIELD } else { source::DOCUMENT_FIELD };
            connection.idp_redirect_url = Some(input::url(field, &metadata.sso_redirect_url)?);
            connection.idp_binding = source::binding_of(&metadata);
            connection.idp_certificates = parse_certificates(field, &metadata.certificates_pem)?.pems;
            connection.metadata.left_out = left_out(&metadata.left_out);
            connection.sign_authn_requests |= metadata.want_authn_requests_signed;
        }
        if let Some(id) = &self.idp_entity_id {
            // SAML 2.0 Core §8.3.6: at most 1024 characters.
            connection.idp_entity_id = input::optional_line("idpEntityId", id.trim(), 1024)?;
        }
        if let Some(url) = &self.idp_redirect_url {
            // Plain http is accepted: the server never calls it, and responses are trusted by their signature
            // alone. `ostiary doctor` warns about it.
            connection.idp_redirect_url = input::optional_url("idpRedirectUrl", url)?;
        }
        if let Some(given) = self.certificates(&connection.idp_certificates)? {
            // A client that sends back a whole connection repeats what the metadata listed.
            if given.pems != connection.idp_certificates || connection.idp_metadata_url.is_none() {
                connection.metadata.left_out = given.left_out;
            }
            connection.idp_certificates = given.pems;
        }
        if let Some(binding) = &self.idp_binding {
            connection.idp_binding = match binding.as_str() {
                "" => IdpBinding::default(),
                name => name.parse().map_err(|_| Error::invalid("idpBinding", "must be POST or REDIRECT"))?,
            };
        }
        if let Some(policy) = &self.idp_initiated {
            connection.idp_initiated = match policy.as_str() {
                "" => None,
                name => Some(name.parse().map_err(|_| {
                    Error::invalid(
                        "idpInitiated",
                        "must be ALLOW, RESTART, REFUSE, or null for the environment's",
                    )
                })?),
            };
        }
        if let Some(name) = &self.email_attribute {
            connection.email_attribute = input::optional_line("emailAttribute", name.trim(), 500)?;
        }
        let set = |field: &mut bool, given: Option<bool>| *field = given.unwrap_or(*field);
        set(&mut connection.primary, self.primary);
        set(&mut connection.allow_sha1, self.allow_sha1);
        set(&mut connection.assertion_encryption, self.assertion_encryption);
        set(&mut connection.allow_cbc_encryption, self.allow_cbc_encryption);
        set(&mut connection.sign_authn_requests, self.sign_authn_requests);
        set(&mut connection.force_authn, self.force_authn);
        set(&mut connection.disabled, self.disabled);
        if let Some(kind) = &self.idp_kind {
            connection.idp_kind = input::idp_kind(kind)?;
        }
        connection.idp_certificate_expires_at = last_expiry(&connection.idp_certificates);
        if !fetched && idp_settings(connection) != before {
            // After a manual change the next refresh must fetch and compare the whole document.
            connection.metadata.etag = None;
            connection.metadata.last_modified = None;
        }
        Ok(())
    }

    /// The new certificates, if given in either form. If both are given, the one that differs from `current` is
    /// used: a client that sends back a whole connection has changed that one.
    fn certificates(&self, current: &[String]) -> Result<Option<GivenCertificates>> {
        let one = self.idp_certificate.as_ref();
        let text =
            one.map(|text| parse_certificates("idpCertificate", std::slice::from_ref(text))).transpose()?;
        let several = self.idp_certificates.as_ref();
        let list = several.map(|list| parse_certificates("idpCertificates", list)).transpose()?;
        match (text, list) {
            (Some(text), Some(list)) if text.pems != list.pems => {
                match (text.pems == current, list.pems == current) {
                    (true, false) => Ok(Some(list)),
                    (false, true) => Ok(Some(text)),
                    _ => Err(Error::invalid(
                        "idpCertificates",
                        "says something else than idpCertificate; send one of them",
                    )),
                }
            }
            (text, list) => Ok(text.or(list)),
        }
    }
}

/// Clears the metadata URL and its refresh state.
fn clear_metadata(connection: &mut SamlConnection) {
    connection.idp_metadata_url = None;
    connection.metadata = MetadataRefresh::default();
}
