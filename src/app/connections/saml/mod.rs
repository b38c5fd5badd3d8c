//! SAML connections to customers' identity providers: created, found, listed, changed and removed.

pub mod certificate_expiry;
pub mod certificates;
pub mod metadata;
mod settings;
pub mod sp_keys;
pub mod sp_metadata;

use base::{
    id::{EnvironmentId, Id, IdKind as _, OrganizationId, SamlConnectionId, SamlConnectionKind},
    time::Timestamp,
};
use model::{
    entity_tag::EntityTags,
    http_url::HttpUrl,
    organization::Organization,
    saml_connection::{IdpBinding, MetadataRefresh, SamlConnection},
};

use crate::{
    app::{
        Error, Result, State, audit,
        connections::primary::unset_primary,
        console_connection, environments,
        organizations::templates::lock_unless_template,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
        resource::{Edit, check_version, hide, load, lock},
        retry::retry_deadlocks,
    },
    store::{
        self,
        authorization_grants::{self, GrantsOf},
        federated_identities,
    },
};

pub use crate::store::certificate_expiries::NamedConnection;
pub use settings::{SamlConnectionChange, SamlConnectionObject};

/// A connection with what else is shown to the identity provider's admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlConnectionView {
    /// The connection.
    pub connection: SamlConnection,
    /// Our encryption certificate, if the connection uses assertion encryption.
    pub encryption_certificate: Option<String>,
    /// What is to be said of its certificates.
    pub warnings: Vec<String>,
}

/// Creates a connection of an organization. Its SP entity id and ACS URL are derived from the current URL of the
/// environment and stored: they never change afterwards.
pub async fn create(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    change: &SamlConnectionChange,
) -> Result<SamlConnectionView> {
    let environment_id =
        principal.authorize(Action::SamlConnectionsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let metadata = change.metadata(state, None).await?;
    let now = state.now();
    let id: SamlConnectionId = Id::new(now, &*state.random);
    let mut tx = state.db.write().await?;
    lock_unless_template(&mut tx, environment_id, organization_id, "SAML connections").await?;
    let links = state.links_of(&environments::load(&mut tx, environment_id).await?);
    let mut connection = SamlConnection {
        id,
        environment_id,
        organization_id,
        version: 1,
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
        disabled: false,
        idp_kind: None,
        test: false,
        created_at: now,
        updated_at: now,
    };
    change.apply(state, &mut connection, metadata)?;
    connection.test = is_test_idp(state, &connection);
    if connection.primary {
        unset_primary(&mut tx, environment_id, organization_id).await?;
    }
    store::saml_connections::insert(&mut tx, &connection).await?;
    audit::created(&mut tx, state, principal, &connection).await?;
    tx.commit().await?;
    view(state, connection).await
}

/// The connection with this id.
pub async fn find(state: &State, principal: &Principal, id: SamlConnectionId) -> Result<SamlConnectionView> {
    let environment_id = principal.authorize(Action::SamlConnectionsView, On::AnyOrganization)?;
    let connection: SamlConnection = load(&mut state.db.read().await?, environment_id, id).await?;
    hide(id, principal.authorize(Action::SamlConnectionsView, On::Organization(connection.organization_id)))?;
    view(state, connection).await
}

/// The environment of a connection: for the operator, who gives only the connection's id.
pub async fn environment_of(state: &State, id: SamlConnectionId) -> Result<EnvironmentId> {
    let mut conn = state.db.read().await?;
    store::saml_connections::find_environment(&mut conn, id)
        .await?
        .ok_or_else(|| Error::not_found(SamlConnectionKind::NOUN, id))
}

/// One page of an organization's connections, in order of creation.
pub async fn list(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    query: &PageQuery,
) -> Result<Page<SamlConnectionView>> {
    let environment_id =
        principal.authorize(Action::SamlConnectionsView, On::Organization(organization_id))?;
    let list = List::of(environment_id, format_args!("saml_connections/{organization_id}"));
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    load::<Organization>(&mut conn, environment_id, organization_id).await?;
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
            warnings: certificates::warnings(&connection, state.now()),
            connection,
        })
        .collect();
    Ok(Page { items, next_token: page.next_token })
}

/// One page of an environment's connections in order of certificate expiry, the earliest first. Connections
/// without a certificate are left out.
pub async fn list_by_expiry(
    state: &State,
    principal: &Principal,
    query: &PageQuery,
) -> Result<Page<NamedConnection>> {
    let environment_id = principal.authorize(Action::SamlConnectionsView, On::Environment)?;
    let list = List::of(environment_id, "saml_connections_by_expiry");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found =
        store::certificate_expiries::list(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |named| named.connection.id))
}

/// Changes a connection. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn update(
    state: &State,
    principal: &Principal,
    id: SamlConnectionId,
    expected: Option<&EntityTags>,
    change: &SamlConnectionChange,
) -> Result<SamlConnectionView> {
    let environment_id = principal.authorize(Action::SamlConnectionsManage, On::AnyOrganization)?;
    let stored: SamlConnection = load(&mut state.db.read().await?, environment_id, id).await?;
    hide(id, principal.authorize(Action::SamlConnectionsManage, On::Organization(stored.organization_id)))?;
    console_connection::ensure_may_change(state, principal, stored.organization_id).await?;
    check_version(expected, stored.version)?;
    let metadata = change.metadata(state, stored.idp_metadata_url.as_ref()).await?;
    retry_deadlocks(async || {
        let mut edit = begin_edit(state, &stored, expected).await?;
        change.apply(state, &mut edit.row, metadata.clone())?;
        // A connection to the test identity provider stays one after the public URL has changed.
        let endpoint = |one: &SamlConnection| (one.idp_entity_id.clone(), one.idp_redirect_url.clone());
        edit.row.test = is_test_idp(state, &edit.row)
            || (edit.before.test && endpoint(&edit.before) == endpoint(&edit.row));
        write(&mut edit, state.now()).await?;
        edit.record_update(state, principal).await?;
        if edit.row.disabled && !edit.before.disabled {
            let of = GrantsOf::Connection(stored.organization_id, stored.id.into());
            authorization_grants::revoke_all(&mut edit.tx, of, state.now()).await?;
            store::account_deprovisioning::end_use_through_connection(
                &mut edit.tx,
                stored.id.into(),
                state.now(),
            )
            .await?;
        }
        view(state, edit.commit().await?).await
    })
    .await
}

/// Removes a connection. Its login flows are kept.
pub async fn remove(
    state: &State,
    principal: &Principal,
    id: SamlConnectionId,
    expected: Option<&EntityTags>,
) -> Result<()> {
    let environment_id = principal.authorize(Action::SamlConnectionsManage, On::AnyOrganization)?;
    let stored: SamlConnection = load(&mut state.db.read().await?, environment_id, id).await?;
    hide(id, principal.authorize(Action::SamlConnectionsManage, On::Organization(stored.organization_id)))?;
    console_connection::ensure_may_change(state, principal, stored.organization_id).await?;
    retry_deadlocks(async || {
        let mut edit = begin_edit(state, &stored, expected).await?;
        store::account_deprovisioning::end_use_through_connection(&mut edit.tx, id.into(), state.now())
            .await?;
        federated_identities::remove_of_connection(&mut edit.tx, id.into()).await?;
        edit.remove(state, principal).await
    })
    .await
}

/// Begins to change a connection. Its organization is locked first, so that concurrent changes of `primary` are
/// serialised.
async fn begin_edit(
    state: &State,
    stored: &SamlConnection,
    expected: Option<&EntityTags>,
) -> Result<Edit<SamlConnection>> {
    let mut tx = state.db.write().await?;
    lock::<Organization>(&mut tx, stored.environment_id, stored.organization_id).await?;
    Edit::begin(tx, stored.environment_id, stored.id, expected).await
}

/// Stores a changed connection. At most one connection of an organization is primary.
async fn write(edit: &mut Edit<SamlConnection>, now: Timestamp) -> Result<()> {
    if edit.row.primary && !edit.before.primary {
        let (environment_id, organization_id) = (edit.row.environment_id, edit.row.organization_id);
        unset_primary(&mut edit.tx, environment_id, organization_id).await?;
    }
    match store::saml_connections::update(&mut edit.tx, &edit.before, &mut edit.row, now).await? {
        true => Ok(()),
        false => Err(Error::Outdated { version: edit.before.version }),
    }
}

/// Whether the connection points to the bundled test identity provider, which authenticates anybody as anybody.
/// Its logins are refused unless the test identity provider is enabled.
pub(in crate::app) fn is_test_idp(state: &State, connection: &SamlConnection) -> bool {
    let entity_id = connection.idp_entity_id.as_deref();
    let sign_on = connection.idp_redirect_url.as_ref().map(HttpUrl::as_str);
    entity_id.into_iter().chain(sign_on).any(|address| state.links.is_test_idp(address))
}

async fn view(state: &State, connection: SamlConnection) -> Result<SamlConnectionView> {
    let encryption_certificate = match connection.assertion_encryption {
        true => Some(sp_keys::encryption_certificate(state, connection.environment_id).await?),
        false => None,
    };
    let warnings = certificates::warnings(&connection, state.now());
    Ok(SamlConnectionView { connection, encryption_certificate, warnings })
}
