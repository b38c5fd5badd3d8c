//! OIDC connections to customers' OpenID providers: created, found, listed, changed and removed.

mod discovery;
mod settings;

use base::id::{EnvironmentId, Id, IdKind as _, OidcConnectionId, OidcConnectionKind, OrganizationId};
use model::{
    entity_tag::EntityTags,
    oidc_connection::{ClaimMapping, DEFAULT_SCOPES, OidcConnection, TokenAuthMethod},
    organization::Organization,
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
        resource::{Edit, check_version, hide, load, lock, update_locked},
        retry::retry_deadlocks,
    },
    store::{
        self,
        authorization_grants::{self, GrantsOf},
        federated_identities, table,
    },
};

pub use settings::{OidcConnectionChange, OidcConnectionObject};

/// Creates a connection of an organization. Its redirect URI is derived from the current URL of the environment and stored: it
/// never changes afterwards.
pub async fn create(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    change: &OidcConnectionChange,
) -> Result<OidcConnection> {
    let environment_id =
        principal.authorize(Action::OidcConnectionsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let found = change.discover(state, None).await?;
    let now = state.now();
    let id: OidcConnectionId = Id::new(now, &*state.random);
    let mut tx = state.db.write().await?;
    lock_unless_template(&mut tx, environment_id, organization_id, "OIDC connections").await?;
    let links = state.links_of(&environments::load(&mut tx, environment_id).await?);
    let mut connection = OidcConnection {
        id,
        environment_id,
        organization_id,
        version: 1,
        display_name: String::new(),
        primary: false,
        issuer: None,
        authorization_endpoint: None,
        token_endpoint: None,
        userinfo_endpoint: None,
        jwks_uri: None,
        token_auth_method: TokenAuthMethod::default(),
        response_iss: false,
        client_id: None,
        client_secret: None,
        scopes: DEFAULT_SCOPES.map(str::to_owned).to_vec(),
        claims: ClaimMapping::default(),
        redirect_uri: links.oidc_callback(id),
        disabled: false,
        idp_kind: None,
        test: false,
        created_at: now,
        updated_at: now,
    };
    change.apply(state, &mut connection, found)?;
    if connection.primary {
        unset_primary(&mut tx, environment_id, organization_id).await?;
    }
    table::insert(&mut tx, &connection).await?;
    audit::created(&mut tx, state, principal, &connection).await?;
    tx.commit().await?;
    Ok(connection)
}

/// The connection with this id.
pub async fn find(state: &State, principal: &Principal, id: OidcConnectionId) -> Result<OidcConnection> {
    let environment_id = principal.authorize(Action::OidcConnectionsView, On::AnyOrganization)?;
    let connection: OidcConnection = load(&mut state.db.read().await?, environment_id, id).await?;
    hide(id, principal.authorize(Action::OidcConnectionsView, On::Organization(connection.organization_id)))?;
    Ok(connection)
}

/// The environment of a connection: for the operator, who gives only the connection's id.
pub async fn environment_of(state: &State, id: OidcConnectionId) -> Result<EnvironmentId> {
    let mut conn = state.db.read().await?;
    store::oidc_connections::find_environment(&mut conn, id)
        .await?
        .ok_or_else(|| Error::not_found(OidcConnectionKind::NOUN, id))
}

/// One page of an organization's connections, in order of creation.
pub async fn list(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    query: &PageQuery,
) -> Result<Page<OidcConnection>> {
    let environment_id =
        principal.authorize(Action::OidcConnectionsView, On::Organization(organization_id))?;
    let list = List::of(environment_id, format_args!("oidc_connections/{organization_id}"));
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    load::<Organization>(&mut conn, environment_id, organization_id).await?;
    let (from, limit) = (wanted.from, wanted.limit());
    let found =
        store::oidc_connections::list(&mut conn, environment_id, organization_id, from, limit).await?;
    Ok(wanted.page_of(state, &list, found, |connection| connection.id))
}

/// Changes a connection. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn update(
    state: &State,
    principal: &Principal,
    id: OidcConnectionId,
    expected: Option<&EntityTags>,
    change: &OidcConnectionChange,
) -> Result<OidcConnection> {
    let stored = may_change(state, principal, id).await?;
    check_version(expected, stored.version)?;
    let found = change.discover(state, Some(&stored)).await?;
    retry_deadlocks(async || {
        let mut edit = begin_edit(state, &stored, expected).await?;
        change.apply(state, &mut edit.row, found.clone())?;
        if edit.row.primary && !edit.before.primary {
            unset_primary(&mut edit.tx, stored.environment_id, stored.organization_id).await?;
        }
        if edit.is_changed() {
            update_locked(&mut edit.tx, &mut edit.row, state).await?;
        }
        edit.record_update(state, principal).await?;
        if edit.row.disabled && !edit.before.disabled {
            let of = GrantsOf::Connection(stored.organization_id, id.into());
            authorization_grants::revoke_all(&mut edit.tx, of, state.now()).await?;
            end_use(&mut edit, state).await?;
        }
        edit.commit().await
    })
    .await
}

/// Removes a connection. Its login flows are kept.
pub async fn remove(
    state: &State,
    principal: &Principal,
    id: OidcConnectionId,
    expected: Option<&EntityTags>,
) -> Result<()> {
    let stored = may_change(state, principal, id).await?;
    retry_deadlocks(async || {
        let mut edit = begin_edit(state, &stored, expected).await?;
        end_use(&mut edit, state).await?;
        federated_identities::remove_of_connection(&mut edit.tx, id.into()).await?;
        edit.remove(state, principal).await
    })
    .await
}

/// The connection, if the caller may change it.
async fn may_change(state: &State, principal: &Principal, id: OidcConnectionId) -> Result<OidcConnection> {
    let environment_id = principal.authorize(Action::OidcConnectionsManage, On::AnyOrganization)?;
    let stored: OidcConnection = load(&mut state.db.read().await?, environment_id, id).await?;
    hide(id, principal.authorize(Action::OidcConnectionsManage, On::Organization(stored.organization_id)))?;
    console_connection::ensure_may_change(state, principal, stored.organization_id).await?;
    Ok(stored)
}

/// Begins to change a connection. Its organization is locked first, so that concurrent changes of `primary` are serialised.
async fn begin_edit(
    state: &State,
    stored: &OidcConnection,
    expected: Option<&EntityTags>,
) -> Result<Edit<OidcConnection>> {
    let mut tx = state.db.write().await?;
    lock::<Organization>(&mut tx, stored.environment_id, stored.organization_id).await?;
    Edit::begin(tx, stored.environment_id, stored.id, expected).await
}

/// Ends the sessions that were begun through the connection.
async fn end_use(edit: &mut Edit<OidcConnection>, state: &State) -> Result<()> {
    let id = edit.row.id.into();
    Ok(store::account_deprovisioning::end_use_through_connection(&mut edit.tx, id, state.now()).await?)
}
