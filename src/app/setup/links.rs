//! Setup links, which a vendor creates for a customer's IT admin: created, listed and revoked.

use std::time::Duration;

use base::{
    id::{EnvironmentId, Id, OrganizationId, SetupLinkId},
    secret::SetupLinkToken,
    time::Timestamp,
};
use model::{
    audit::AuditActor,
    organization::Organization,
    setup_link::{SetupLink, SetupLinkStatus},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        console_connection, environments,
        organizations::templates::lock_unless_template,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
        resource,
    },
    store,
};

/// The default lifetime of a link.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The maximum lifetime of a link.
pub const MAX_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// A setup link, without its URL, which is returned only when it is created.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SetupLink)]
pub struct SetupLinkObject {
    id: SetupLinkId,
    organization_id: OrganizationId,
    /// Whether SAML connections may be set up with it.
    can_manage_saml: bool,
    /// Whether SCIM directories may be set up with it.
    can_manage_scim: bool,
    /// Whether domains may be added and verified with it.
    can_manage_domains: bool,
    /// `open`, `redeemed`, `expired` or `revoked`.
    #[schema(value_type = String, example = "open")]
    status: SetupLinkStatus,
    /// The id of the API key or administrator, or `operator` for the command line.
    created_by: String,
    created_at: Timestamp,
    /// Until when it can be redeemed.
    expires_at: Timestamp,
    /// When it was redeemed; `null` if it was not.
    redeemed_at: Option<Timestamp>,
    /// When it was revoked; `null` if it was not.
    revoked_at: Option<Timestamp>,
}

impl SetupLinkObject {
    /// The link with its status at `now`.
    pub fn at(now: Timestamp, link: &SetupLink) -> Self {
        Self {
            id: link.id,
            organization_id: link.organization_id,
            can_manage_saml: link.can_manage_saml,
            can_manage_scim: link.can_manage_scim,
            can_manage_domains: link.can_manage_domains,
            status: link.status(now),
            created_by: link.created_by.clone(),
            created_at: link.created_at,
            expires_at: link.expires_at,
            redeemed_at: link.redeemed_at,
            revoked_at: link.revoked_at,
        }
    }
}

/// A link to create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSetupLink {
    /// The organization it is for.
    pub organization_id: OrganizationId,
    /// Whether it may manage SAML connections.
    pub can_manage_saml: bool,
    /// Whether it may manage SCIM directories.
    pub can_manage_scim: bool,
    /// Whether it may request and verify domains.
    pub can_manage_domains: bool,
    /// How long it can be redeemed; [`DEFAULT_LIFETIME`] if `None`.
    pub lifetime: Option<Duration>,
}

/// Creates a link. Its URL is returned only here.
pub async fn create(
    state: &State,
    principal: &Principal,
    wanted: &NewSetupLink,
) -> Result<(SetupLink, String)> {
    let environment_id = principal.authorize(Action::SetupLinksManage, On::Environment)?;
    insert(state, principal, environment_id, wanted).await
}

/// How long a link is good that somebody makes for themselves, and follows at once.
const OWN_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A link with which an organization's own administrator goes on to the setup pages: for what they may manage. There is one of each,
/// which is renewed: its earlier address opens nothing any more.
pub async fn create_own(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
) -> Result<(SetupLink, String)> {
    principal.require_recent_authentication(state.now())?;
    let on = On::Organization(organization_id);
    let may = |action| principal.authorize(action, on).is_ok();
    let wanted = NewSetupLink {
        organization_id,
        can_manage_saml: may(Action::SamlConnectionsManage),
        can_manage_scim: may(Action::ScimDirectoriesManage),
        can_manage_domains: may(Action::DomainsManage),
        lifetime: Some(OWN_LIFETIME),
    };
    if !wanted.can_manage_saml && !wanted.can_manage_scim && !wanted.can_manage_domains {
        return Err(Error::Forbidden("none of your roles permits any of this".into()));
    }
    renew_or_insert(state, principal, &wanted).await
}

async fn renew_or_insert(
    state: &State,
    principal: &Principal,
    wanted: &NewSetupLink,
) -> Result<(SetupLink, String)> {
    let (environment_id, organization_id) = (principal.environment()?, wanted.organization_id);
    console_connection::ensure_is_not_of(state, principal, organization_id).await?;
    let own = creator(principal);
    let mut tx = state.db.write().await?;
    lock_unless_template(&mut tx, environment_id, organization_id, "setup links").await?;
    let found = store::setup_links::find_own(&mut tx, environment_id, organization_id, &own).await?;
    let Some(found) = found else {
        drop(tx);
        return insert(state, principal, environment_id, wanted).await;
    };
    let token = SetupLinkToken::new(&*state.random);
    let link = SetupLink {
        can_manage_saml: wanted.can_manage_saml,
        can_manage_scim: wanted.can_manage_scim,
        can_manage_domains: wanted.can_manage_domains,
        expires_at: state.now() + OWN_LIFETIME,
        redeemed_at: None,
        ..found
    };
    let links = state.links_of(&environments::load(&mut tx, environment_id).await?);
    store::setup_links::renew(&mut tx, &link, token.digest()).await?;
    audit::record(&mut tx, state, Some(environment_id), principal, Entry::of(&link, "renewed")).await?;
    tx.commit().await?;
    Ok((link, links.setup(&token).into()))
}

async fn insert(
    state: &State,
    principal: &Principal,
    environment_id: EnvironmentId,
    wanted: &NewSetupLink,
) -> Result<(SetupLink, String)> {
    console_connection::ensure_is_not_of(state, principal, wanted.organization_id).await?;
    let lifetime = wanted.lifetime.unwrap_or(DEFAULT_LIFETIME);
    if lifetime.is_zero() || lifetime > MAX_LIFETIME {
        return Err(Error::invalid(
            "lifetimeSeconds",
            format!("must be a number from 1 to {}", MAX_LIFETIME.as_secs()),
        ));
    }
    let now = state.now();
    let token = SetupLinkToken::new(&*state.random);
    let link = SetupLink {
        id: Id::new(now, &*state.random),
        environment_id,
        organization_id: wanted.organization_id,
        can_manage_saml: wanted.can_manage_saml,
        can_manage_scim: wanted.can_manage_scim,
        can_manage_domains: wanted.can_manage_domains,
        created_by: creator(principal),
        created_at: now,
        expires_at: now + lifetime,
        redeemed_at: None,
        revoked_at: None,
    };
    let mut tx = state.db.write().await?;
    lock_unless_template(&mut tx, environment_id, wanted.organization_id, "setup links").await?;
    let links = state.links_of(&environments::load(&mut tx, environment_id).await?);
    store::setup_links::insert(&mut tx, &link, token.digest()).await?;
    audit::created(&mut tx, state, principal, &link).await?;
    tx.commit().await?;
    Ok((link, links.setup(&token).into()))
}

/// The creator of a link, for the list of links.
fn creator(principal: &Principal) -> String {
    let AuditActor { kind, id } = audit::actor_of(principal.subject);
    if id.is_empty() { kind } else { id }
}

/// The link with this id.
pub async fn find(state: &State, principal: &Principal, id: SetupLinkId) -> Result<SetupLink> {
    let environment_id = principal.authorize(Action::SetupLinksView, On::Environment)?;
    let mut conn = state.db.read().await?;
    store::setup_links::find(&mut conn, environment_id, id).await?.ok_or_else(|| not_found(id))
}

/// The environment of a link: for the operator, who gives only the link's id.
pub async fn environment_of(state: &State, id: SetupLinkId) -> Result<EnvironmentId> {
    let mut conn = state.db.read().await?;
    store::setup_links::find_environment(&mut conn, id).await?.ok_or_else(|| not_found(id))
}

/// One page of the links of the environment or of one organization, in order of creation.
pub async fn list(
    state: &State,
    principal: &Principal,
    organization_id: Option<OrganizationId>,
    query: &PageQuery,
) -> Result<Page<SetupLink>> {
    let environment_id = principal.authorize(Action::SetupLinksView, On::Environment)?;
    let name = organization_id.map_or_else(|| "setup_links".to_owned(), |id| format!("setup_links/{id}"));
    let list = List::of(environment_id, name);
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    if let Some(organization_id) = organization_id {
        resource::load::<Organization>(&mut conn, environment_id, organization_id).await?;
    }
    let found =
        store::setup_links::list(&mut conn, environment_id, organization_id, wanted.from, wanted.limit())
            .await?;
    Ok(wanted.page_of(state, &list, found, |link| link.id))
}

/// Revokes a link and all its sessions. It stays in the list.
pub async fn revoke(state: &State, principal: &Principal, id: SetupLinkId) -> Result<SetupLink> {
    let environment_id = principal.authorize(Action::SetupLinksManage, On::Environment)?;
    let mut tx = state.db.write().await?;
    let revoked = store::setup_links::update_revoked(&mut tx, environment_id, id, state.now()).await?;
    let link = store::setup_links::find(&mut tx, environment_id, id).await?.ok_or_else(|| not_found(id))?;
    if revoked {
        store::sessions::revoke_all(&mut tx, link.id, None, state.now()).await?;
        let entry = Entry::of(&link, "revoked");
        audit::record(&mut tx, state, Some(environment_id), principal, entry).await?;
    }
    tx.commit().await?;
    Ok(link)
}

fn not_found(id: SetupLinkId) -> Error {
    Error::not_found("setup link", id)
}
