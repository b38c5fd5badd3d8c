//! Setup links: a single-use link gives a customer's IT admin a session in which they configure their identity
//! provider.

use std::{net::IpAddr, time::Duration};

use super::{
    Error, Result, State,
    actor::{Actor, Credential, SetupGrant},
    audit::{self, Entry},
    environments, organizations,
    page::{List, Page, PageQuery, Wanted},
};
use crate::{
    model::{
        environment::Environment,
        id::{EnvironmentId, Id, OrganizationId, SetupLinkId},
        organization::Organization,
        secret::{SetupLinkToken, SetupSessionToken},
        setup_link::{SetupLink, SetupLinkStatus, SetupSession},
        time::Timestamp,
    },
    store,
};

/// The default lifetime of a link.
pub const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The maximum lifetime of a link.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// The resolution of a session's last use: each update is a write.
const VISIT_NOTED_EVERY: Duration = Duration::from_secs(60);

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
    /// How long it can be redeemed; [`LIFETIME`] if `None`.
    pub lifetime: Option<Duration>,
}

/// Creates a link. Its URL is returned only here.
pub async fn create(state: &State, actor: &Actor, wanted: &NewSetupLink) -> Result<(SetupLink, String)> {
    let environment_id = actor.managed_environment()?;
    let lifetime = wanted.lifetime.unwrap_or(LIFETIME);
    if lifetime.is_zero() || lifetime > LONGEST_LIFETIME {
        return Err(Error::invalid(
            "lifetimeSeconds",
            format!("must be a number from 1 to {}", LONGEST_LIFETIME.as_secs()),
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
        created_by: name_of(actor),
        created_at: now,
        expires_at: now + lifetime,
        redeemed_at: None,
        revoked_at: None,
    };
    let mut tx = state.db.write().await?;
    if !store::organizations::lock(&mut tx, environment_id, wanted.organization_id).await? {
        return Err(organizations::not_found(wanted.organization_id));
    }
    let links = state.links_of(&environments::load(&mut tx, environment_id).await?);
    store::setup_links::insert(&mut tx, &link, token.digest()).await?;
    audit::created(&mut tx, state, actor, &link).await?;
    tx.commit().await?;
    Ok((link, links.setup(&token).into()))
}

/// The creator of a link, for the list of links.
fn name_of(actor: &Actor) -> String {
    match actor.credential() {
        Credential::Administrator { id, .. } => id.to_string(),
        Credential::ApiKey { id, .. } => id.to_string(),
        Credential::SetupLink(grant) => grant.id.to_string(),
        Credential::Operator => "operator".to_owned(),
        Credential::Service => "service".to_owned(),
    }
}

/// The link with this id.
pub async fn find(state: &State, actor: &Actor, id: SetupLinkId) -> Result<SetupLink> {
    let environment_id = actor.viewed_environment()?;
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
    actor: &Actor,
    organization_id: Option<OrganizationId>,
    query: &PageQuery,
) -> Result<Page<SetupLink>> {
    let environment_id = actor.viewed_environment()?;
    let name = organization_id.map_or_else(|| "setup_links".to_owned(), |id| format!("setup_links/{id}"));
    let list = List::of(environment_id, name);
    let wanted = Wanted::read(state, &list, query)?;
    let mut conn = state.db.read().await?;
    if let Some(organization_id) = organization_id {
        organizations::load(&mut conn, environment_id, organization_id).await?;
    }
    let found =
        store::setup_links::list(&mut conn, environment_id, organization_id, wanted.from, wanted.limit())
            .await?;
    Ok(wanted.fill(state, &list, found, |link| link.id))
}

/// Revokes a link and all its sessions. It stays in the list.
pub async fn revoke(state: &State, actor: &Actor, id: SetupLinkId) -> Result<SetupLink> {
    let environment_id = actor.managed_environment()?;
    let mut tx = state.db.write().await?;
    let revoked = store::setup_links::update_revoked(&mut tx, environment_id, id, state.now()).await?;
    let link = store::setup_links::find(&mut tx, environment_id, id).await?.ok_or_else(|| not_found(id))?;
    if revoked {
        let entry = Entry::of(&link, "revoked");
        audit::record(&mut tx, state, Some(environment_id), &actor.author(), entry).await?;
    }
    tx.commit().await?;
    Ok(link)
}

/// Why a link cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Unknown or malformed.
    Unknown,
    /// Redeemed before, by another browser.
    Used {
        /// The time it was redeemed.
        at: Timestamp,
    },
    /// Expired.
    Expired {
        /// The time it expired.
        at: Timestamp,
    },
    /// Revoked.
    Revoked,
}

/// The state of a link for the browser that opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// It can be redeemed.
    Ready(SetupLink),
    /// This browser redeemed it before, and its session is valid.
    Again(SetupSession),
    /// It cannot be used. With the environment, if the link is known.
    Unusable(Unusable, Option<EnvironmentId>),
}

/// Checks a link without redeeming it, so that link previews have no effect. `session` is the browser's cookie.
pub async fn arrive(state: &State, token: &str, session: Option<&str>) -> Result<Arrival> {
    let Ok(token) = token.parse::<SetupLinkToken>() else {
        return Ok(Arrival::Unusable(Unusable::Unknown, None));
    };
    let mut conn = state.db.read().await?;
    let Some(link) = store::setup_links::find_by_token(&mut conn, token.digest()).await? else {
        return Ok(Arrival::Unusable(Unusable::Unknown, None));
    };
    if let Some(session) = find_session(state, &mut conn, session).await?
        && session.link.id == link.id
    {
        return Ok(Arrival::Again(session));
    }
    let environment_id = Some(link.environment_id);
    Ok(match link.status(state.now()) {
        SetupLinkStatus::Open => Arrival::Ready(link),
        SetupLinkStatus::Redeemed => Arrival::Unusable(
            Unusable::Used { at: link.redeemed_at.unwrap_or(link.created_at) },
            environment_id,
        ),
        SetupLinkStatus::Expired => {
            Arrival::Unusable(Unusable::Expired { at: link.expires_at }, environment_id)
        }
        SetupLinkStatus::Revoked => Arrival::Unusable(Unusable::Revoked, environment_id),
    })
}

/// A new session of a redeemed link.
#[derive(Debug)]
pub struct Redeemed {
    /// The environment of the link.
    pub environment_id: EnvironmentId,
    /// The session token for the cookie.
    pub token: SetupSessionToken,
    /// When the session expires.
    pub expires_at: Timestamp,
}

/// Redeems a link and creates a session; of concurrent requests one succeeds. `address` is the client's. The inner
/// error is the state of the link as [`arrive`] returns it.
pub async fn redeem(
    state: &State,
    token: &str,
    session: Option<&str>,
    address: Option<IpAddr>,
) -> Result<Result<Redeemed, Arrival>> {
    let link = match arrive(state, token, session).await? {
        Arrival::Ready(link) => link,
        other => return Ok(Err(other)),
    };
    let Ok(presented) = token.parse::<SetupLinkToken>() else {
        return Ok(Err(Arrival::Unusable(Unusable::Unknown, None)));
    };
    let now = state.now();
    let made = SetupSessionToken::new(&*state.random);
    let expires_at = link.session_expires_at(now);
    let mut tx = state.db.write().await?;
    if !store::setup_links::consume(&mut tx, presented.digest(), now).await? {
        drop(tx);
        return Ok(Err(match arrive(state, token, session).await? {
            Arrival::Ready(link) => {
                Arrival::Unusable(Unusable::Expired { at: link.expires_at }, Some(link.environment_id))
            }
            other => other,
        }));
    }
    store::setup_links::insert_session(&mut tx, made.digest(), link.id, now, expires_at).await?;
    let actor = actor_of(&link).at(address);
    let entry = Entry::of(&link, "redeemed");
    audit::record(&mut tx, state, Some(link.environment_id), &actor.author(), entry).await?;
    tx.commit().await?;
    Ok(Ok(Redeemed { environment_id: link.environment_id, token: made, expires_at }))
}

/// Authenticates a browser by its session cookie; `None` if the session is not valid.
pub async fn authenticate(state: &State, cookie: &str) -> Result<Option<SetupSession>> {
    let session = {
        let mut conn = state.db.read().await?;
        find_session(state, &mut conn, Some(cookie)).await?
    };
    let now = state.now();
    let noted = now - VISIT_NOTED_EVERY;
    if let Some(session) = &session
        && session.last_seen_at <= noted
        && let Ok(token) = cookie.parse::<SetupSessionToken>()
    {
        let mut tx = state.db.write().await?;
        store::setup_links::update_last_seen(&mut tx, token.digest(), now, noted).await?;
        tx.commit().await?;
    }
    Ok(session)
}

/// Ends a session. The link stays redeemed.
pub async fn leave(state: &State, cookie: &str) -> Result<()> {
    if let Ok(token) = cookie.parse::<SetupSessionToken>() {
        let mut tx = state.db.write().await?;
        store::setup_links::remove_session(&mut tx, token.digest()).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn find_session(
    state: &State,
    conn: &mut store::Conn,
    cookie: Option<&str>,
) -> Result<Option<SetupSession>> {
    match cookie.and_then(|cookie| cookie.parse::<SetupSessionToken>().ok()) {
        Some(token) => Ok(store::setup_links::find_session(conn, token.digest(), state.now()).await?),
        None => Ok(None),
    }
}

/// The organization and the environment of a link.
pub async fn place_of(state: &State, link: &SetupLink) -> Result<(Organization, Environment)> {
    let mut conn = state.db.read().await?;
    let organization = organizations::load(&mut conn, link.environment_id, link.organization_id).await?;
    Ok((organization, environments::load(&mut conn, link.environment_id).await?))
}

/// The actor of a link's session.
pub fn actor_of(link: &SetupLink) -> Actor {
    let grant = SetupGrant {
        id: link.id,
        organization_id: link.organization_id,
        saml: link.can_manage_saml,
        scim: link.can_manage_scim,
        domains: link.can_manage_domains,
    };
    Actor::setup_link(link.environment_id, grant)
}

fn not_found(id: SetupLinkId) -> Error {
    Error::not_found("setup link", id)
}
