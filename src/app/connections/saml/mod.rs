//! SAML connections to customers' identity providers: created, found, listed, changed and removed.

pub mod certificate_expiry;
pub mod certificates;
pub mod metadata;
pub mod sp_keys;
pub mod sp_metadata;

use crate::{
    app::{
        Error, Result, State,
        actor::{Actor, OrganizationPart},
        audit, environments, input, organizations,
        outgoing::Validators,
        pagination::{List, Page, PageQuery, PageRequest},
    },
    model::{
        environment::IdpInitiated,
        http_url::HttpUrl,
        id::{EnvironmentId, Id, OrganizationId, SamlConnectionId},
        saml_connection::{IdpBinding, MetadataRefresh, SamlConnection, last_expiry},
    },
    saml::{binding::Binding, certificate::Certificate, metadata::IdpMetadata},
    store,
};

pub use crate::store::saml_connections::NamedConnection;

/// The maximum number of signing certificates of a connection.
pub(in crate::app) const MAX_CERTIFICATES: usize = 32;

/// A change of a connection, unvalidated. `None` leaves a field unchanged, an empty text clears it.
#[derive(Debug, Clone, Default)]
pub struct SamlConnectionChange {
    /// Whether logins that name only the organization use it. Setting it unsets the others.
    pub primary: Option<bool>,
    /// The identity provider's entity id.
    pub idp_entity_id: Option<String>,
    /// Its single sign-on URL.
    pub idp_redirect_url: Option<String>,
    /// Its signing certificates as one PEM text.
    pub idp_certificate: Option<String>,
    /// The same as a list. If both are given, the one that differs from the stored value is used.
    pub idp_certificates: Option<Vec<String>>,
    /// The binding of AuthnRequests: `POST` or `REDIRECT`.
    pub idp_binding: Option<String>,
    /// The policy for unsolicited responses: `ALLOW`, `RESTART`, `REFUSE`, or empty for the environment's.
    pub idp_initiated: Option<String>,
    /// The attribute with the e-mail address.
    pub email_attribute: Option<String>,
    /// Whether SHA-1 signatures are accepted.
    pub allow_sha1: Option<bool>,
    /// Whether our encryption certificate is published.
    pub assertion_encryption: Option<bool>,
    /// Whether AES-CBC is accepted.
    pub allow_cbc_encryption: Option<bool>,
    /// Whether our AuthnRequests are signed.
    pub sign_authn_requests: Option<bool>,
    /// Whether AuthnRequests set `ForceAuthn`.
    pub force_authn: Option<bool>,
    /// The product of the identity provider; empty for unknown.
    pub idp_kind: Option<String>,
    /// The identity provider's metadata as XML. Settings given explicitly take precedence.
    pub idp_metadata: Option<String>,
    /// The URL to fetch the metadata from, now and periodically. Empty stops that.
    pub idp_metadata_url: Option<String>,
}

/// A connection with what else is shown to the identity provider's admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlConnectionView {
    /// The connection.
    pub connection: SamlConnection,
    /// Our encryption certificate, if the connection uses assertion encryption.
    pub encryption_certificate: Option<String>,
}

impl SamlConnectionChange {
    /// Fetches and parses the metadata of the change. Call it outside of transactions. The `stored` URL is not
    /// fetched again: a client that sends back a whole connection repeats it.
    async fn metadata(&self, state: &State, stored: Option<&HttpUrl>) -> Result<Option<ImportedMetadata>> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let wanted = given(&self.idp_entity_id);
        match (given(&self.idp_metadata), self.new_metadata_url(state, stored)?) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(Error::invalid(metadata::source::URL_FIELD, "must not come together with idpMetadata"))
            }
            (Some(xml), None) => {
                let read = move || metadata::source::parse_document(xml.as_bytes(), wanted.as_deref());
                let metadata = tokio::task::spawn_blocking(read).await.map_err(Error::internal)??;
                Ok(Some(ImportedMetadata { metadata, from: None }))
            }
            (None, Some(url)) => {
                let (metadata, validators) =
                    metadata::source::fetch_and_parse(state, &url, wanted.as_deref()).await?;
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
        input::endpoint_url(state.settings.allow_private_metadata, metadata::source::URL_FIELD, text, &None)
            .map(Some)
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
                connection.metadata = metadata::refresh::refreshed_state(state, metadata, validators.clone());
            }
            // A document replaces the URL, unless the change confirms the URL too.
            Some(ImportedMetadata { from: None, .. }) if self.idp_metadata_url.is_none() => {
                clear_metadata(connection)
            }
            _ if cleared => clear_metadata(connection),
            _ => {}
        }
    }

    fn apply(
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
            let field =
                if from.is_some() { metadata::source::URL_FIELD } else { metadata::source::DOCUMENT_FIELD };
            connection.idp_redirect_url = Some(input::url(field, &metadata.sso_redirect_url)?);
            connection.idp_binding = binding_of(&metadata);
            connection.idp_certificates = parse_certificates(field, &metadata.certificates_pem)?;
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
        if let Some(certificates) = self.certificates(&connection.idp_certificates)? {
            connection.idp_certificates = certificates;
        }
        if let Some(binding) = &self.idp_binding {
            connection.idp_binding = match binding.as_str() {
                "" => IdpBinding::default(),
                name => IdpBinding::parse(name)
                    .ok_or_else(|| Error::invalid("idpBinding", "must be POST or REDIRECT"))?,
            };
        }
        if let Some(policy) = &self.idp_initiated {
            connection.idp_initiated = match policy.as_str() {
                "" => None,
                name => Some(IdpInitiated::parse(name).ok_or_else(|| {
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
    fn certificates(&self, current: &[String]) -> Result<Option<Vec<String>>> {
        let one = self.idp_certificate.as_ref();
        let text =
            one.map(|text| parse_certificates("idpCertificate", std::slice::from_ref(text))).transpose()?;
        let several = self.idp_certificates.as_ref();
        let list = several.map(|list| parse_certificates("idpCertificates", list)).transpose()?;
        match (text, list) {
            (Some(text), Some(list)) if text != list => match (text == current, list == current) {
                (true, false) => Ok(Some(list)),
                (false, true) => Ok(Some(text)),
                _ => Err(Error::invalid(
                    "idpCertificates",
                    "says something else than idpCertificate; send one of them",
                )),
            },
            (text, list) => Ok(text.or(list)),
        }
    }
}

/// The metadata of a change.
struct ImportedMetadata {
    metadata: IdpMetadata,
    /// The URL and validators, if it was fetched.
    from: Option<(HttpUrl, Validators)>,
}

/// Clears the metadata URL and its refresh state.
fn clear_metadata(connection: &mut SamlConnection) {
    connection.idp_metadata_url = None;
    connection.metadata = MetadataRefresh::default();
}

/// The binding of AuthnRequests according to the metadata.
pub(in crate::app) fn binding_of(metadata: &IdpMetadata) -> IdpBinding {
    match metadata.idp_binding {
        Binding::Post => IdpBinding::Post,
        Binding::Redirect => IdpBinding::Redirect,
    }
}

/// Parses PEM texts; returns each certificate once, as PEM of its own.
pub(in crate::app) fn parse_certificates(field: &'static str, texts: &[String]) -> Result<Vec<String>> {
    let mut certificates = Vec::new();
    for text in texts.iter().filter(|text| !text.trim().is_empty()) {
        let bundle =
            Certificate::parse_pem_bundle(text).map_err(|error| Error::invalid(field, error.to_string()))?;
        for pem in bundle.iter().map(Certificate::to_pem) {
            if !certificates.contains(&pem) {
                certificates.push(pem);
            }
        }
        if certificates.len() > MAX_CERTIFICATES {
            return Err(Error::invalid(field, format!("must be at most {MAX_CERTIFICATES} certificates")));
        }
    }
    Ok(certificates)
}

/// Creates a connection of an organization. Its SP entity id and ACS URL are derived from the current URL of the
/// environment and stored: they never change afterwards (ruling 8).
pub async fn create(
    state: &State,
    actor: &Actor,
    organization_id: OrganizationId,
    change: &SamlConnectionChange,
) -> Result<SamlConnectionView> {
    let environment_id = actor.authorize_manage_part(OrganizationPart::Saml, organization_id)?;
    let metadata = change.metadata(state, None).await?;
    let now = state.now();
    let id: SamlConnectionId = Id::new(now, &*state.random);
    let mut tx = state.db.write().await?;
    if !store::organizations::lock(&mut tx, environment_id, organization_id).await? {
        return Err(organizations::not_found(organization_id));
    }
    let links = state.links_of(&environments::load(&mut tx, environment_id).await?);
    let mut connection = SamlConnection {
        id,
        environment_id,
        organization_id,
        primary: false,
        idp_entity_id: None,
        idp_redirect_url: None,
        idp_certificates: Vec::new(),
        idp_certificate_expires_at: None,
        idp_metadata_url: None,
        metadata: MetadataRefresh::default(),
        idp_binding: IdpBinding::default(),
        sp_entity_id: links.sp_entity_id(id),
        sp_acs_urls: vec![links.saml_acs(id).into()],
        idp_initiated: None,
        email_attribute: None,
        allow_sha1: false,
        assertion_encryption: false,
        allow_cbc_encryption: false,
        sign_authn_requests: false,
        force_authn: false,
        idp_kind: None,
        test: false,
        created_at: now,
        updated_at: now,
    };
    change.apply(state, &mut connection, metadata)?;
    connection.test = is_test_idp(state, &connection);
    if connection.primary {
        store::saml_connections::unset_primary(&mut tx, environment_id, organization_id).await?;
    }
    store::saml_connections::insert(&mut tx, &connection).await?;
    audit::created(&mut tx, state, actor, &connection).await?;
    tx.commit().await?;
    view(state, connection).await
}

/// The connection with this id.
pub async fn find(state: &State, actor: &Actor, id: SamlConnectionId) -> Result<SamlConnectionView> {
    let connection = load(&mut state.db.read().await?, actor.environment(), id).await?;
    actor.authorize_view_part(OrganizationPart::Saml, connection.organization_id)?;
    view(state, connection).await
}

/// The environment of a connection: for the operator, who gives only the connection's id.
pub async fn environment_of(state: &State, id: SamlConnectionId) -> Result<EnvironmentId> {
    let mut conn = state.db.read().await?;
    store::saml_connections::find_environment(&mut conn, id).await?.ok_or_else(|| not_found(id))
}

/// One page of an organization's connections, in order of creation.
pub async fn list(
    state: &State,
    actor: &Actor,
    organization_id: OrganizationId,
    query: &PageQuery,
) -> Result<Page<SamlConnectionView>> {
    let environment_id = actor.authorize_view_part(OrganizationPart::Saml, organization_id)?;
    let list = List::of(environment_id, format_args!("saml_connections/{organization_id}"));
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    organizations::load(&mut conn, environment_id, organization_id).await?;
    let found = store::saml_connections::list(
        &mut conn,
        environment_id,
        organization_id,
        wanted.from,
        wanted.limit(),
    )
    .await?;
    drop(conn);
    let page = wanted.page_of(state, &list, found, |connection| connection.id);
    let certificate = match page.items.iter().any(|connection| connection.assertion_encryption) {
        true => Some(sp_keys::encryption_certificate(state, environment_id).await?),
        false => None,
    };
    let items = page
        .items
        .into_iter()
        .map(|connection| SamlConnectionView {
            encryption_certificate: certificate.clone().filter(|_| connection.assertion_encryption),
            connection,
        })
        .collect();
    Ok(Page { items, next_token: page.next_token })
}

/// One page of an environment's connections in order of certificate expiry, the earliest first. Connections
/// without a certificate are left out.
pub async fn list_by_expiry(
    state: &State,
    actor: &Actor,
    query: &PageQuery,
) -> Result<Page<NamedConnection>> {
    let environment_id = actor.authorize_view()?;
    let list = List::of(environment_id, "saml_connections_by_expiry");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found =
        store::saml_connections::list_by_expiry(&mut conn, environment_id, wanted.from, wanted.limit())
            .await?;
    Ok(wanted.page_of(state, &list, found, |named| named.connection.id))
}

/// Changes a connection.
pub async fn update(
    state: &State,
    actor: &Actor,
    id: SamlConnectionId,
    change: &SamlConnectionChange,
) -> Result<SamlConnectionView> {
    let stored = load(&mut state.db.read().await?, actor.environment(), id).await?;
    let organization_id = stored.organization_id;
    let environment_id = actor.authorize_manage_part(OrganizationPart::Saml, organization_id)?;
    let metadata = change.metadata(state, stored.idp_metadata_url.as_ref()).await?;
    let mut tx = state.db.write().await?;
    // Lock the organization, so that concurrent changes of `primary` are serialised.
    store::organizations::lock(&mut tx, environment_id, organization_id).await?;
    let before = load(&mut tx, environment_id, id).await?;
    let mut connection = before.clone();
    change.apply(state, &mut connection, metadata)?;
    // A connection to the test identity provider stays one after the public URL has changed.
    let endpoint = |one: &SamlConnection| (one.idp_entity_id.clone(), one.idp_redirect_url.clone());
    connection.test =
        is_test_idp(state, &connection) || (before.test && endpoint(&before) == endpoint(&connection));
    connection.updated_at = state.now();
    if connection.primary {
        store::saml_connections::unset_primary(&mut tx, environment_id, organization_id).await?;
    }
    if !store::saml_connections::update(&mut tx, &connection).await? {
        return Err(not_found(id));
    }
    audit::updated(&mut tx, state, actor, &before, &connection).await?;
    tx.commit().await?;
    view(state, connection).await
}

/// Removes a connection. Its login flows are kept.
pub async fn remove(state: &State, actor: &Actor, id: SamlConnectionId) -> Result<()> {
    let mut tx = state.db.write().await?;
    let connection = load(&mut tx, actor.environment(), id).await?;
    let environment_id = actor.authorize_manage_part(OrganizationPart::Saml, connection.organization_id)?;
    if !store::saml_connections::remove(&mut tx, environment_id, id).await? {
        return Err(not_found(id));
    }
    audit::deleted(&mut tx, state, actor, &connection).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether the connection points to the bundled test identity provider, which authenticates anybody as anybody.
/// Its logins are refused unless the test identity provider is enabled (ruling 24).
pub(in crate::app) fn is_test_idp(state: &State, connection: &SamlConnection) -> bool {
    let entity_id = connection.idp_entity_id.as_deref();
    let sign_on = connection.idp_redirect_url.as_ref().map(HttpUrl::as_str);
    entity_id.into_iter().chain(sign_on).any(|address| state.links.is_test_idp(address))
}

pub(in crate::app) async fn load(
    conn: &mut store::Conn,
    environment_id: EnvironmentId,
    id: SamlConnectionId,
) -> Result<SamlConnection> {
    store::saml_connections::find(conn, environment_id, id).await?.ok_or_else(|| not_found(id))
}

fn not_found(id: SamlConnectionId) -> Error {
    Error::not_found("SAML connection", id)
}

async fn view(state: &State, connection: SamlConnection) -> Result<SamlConnectionView> {
    let encryption_certificate = match connection.assertion_encryption {
        true => Some(sp_keys::encryption_certificate(state, connection.environment_id).await?),
        false => None,
    };
    Ok(SamlConnectionView { connection, encryption_certificate })
}
