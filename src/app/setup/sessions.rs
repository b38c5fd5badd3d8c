//! Sessions of setup links: a single-use link gives a customer's IT admin a session in which they configure their
//! identity provider.

use std::{net::IpAddr, time::Duration};

use base::{
    id::EnvironmentId,
    secret::{SetupLinkToken, SetupSessionToken},
    time::Timestamp,
};
use model::{
    environment::Environment,
    organization::Organization,
    setup_link::{SetupLink, SetupLinkStatus, SetupSession},
};

use crate::{
    app::{
        Error, Result, State,
        actor::Actor,
        audit::{self, Entry},
        environments,
        permissions::Scope,
        resource,
    },
    store,
};

/// The resolution of a session's last use: each update is a write.
const LAST_SEEN_RESOLUTION: Duration = Duration::from_secs(60);

/// Why a link cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupLinkError {
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
pub enum LinkState {
    /// It can be redeemed.
    Ready(SetupLink),
    /// This browser redeemed it before, and its session is valid.
    HasSession(SetupSession),
    /// It cannot be used. With the environment, if the link is known.
    Unusable(SetupLinkError, Option<EnvironmentId>),
}

/// Checks a link without redeeming it, so that link previews have no effect. `session` is the browser's cookie.
pub async fn check(state: &State, token: &str, session: Option<&str>) -> Result<LinkState> {
    let Ok(token) = token.parse::<SetupLinkToken>() else {
        return Ok(LinkState::Unusable(SetupLinkError::Unknown, None));
    };
    let mut conn = state.db.read().await?;
    let Some(link) = store::setup_links::find_by_token(&mut conn, token.digest()).await? else {
        return Ok(LinkState::Unusable(SetupLinkError::Unknown, None));
    };
    if let Some(session) = find_session(state, &mut conn, session).await?
        && session.link.id == link.id
    {
        return Ok(LinkState::HasSession(session));
    }
    let environment_id = Some(link.environment_id);
    Ok(match link.status(state.now()) {
        SetupLinkStatus::Open => LinkState::Ready(link),
        SetupLinkStatus::Redeemed => LinkState::Unusable(
            SetupLinkError::Used { at: link.redeemed_at.unwrap_or(link.created_at) },
            environment_id,
        ),
        SetupLinkStatus::Expired => {
            LinkState::Unusable(SetupLinkError::Expired { at: link.expires_at }, environment_id)
        }
        SetupLinkStatus::Revoked => LinkState::Unusable(SetupLinkError::Revoked, environment_id),
    })
}

/// A new session of a redeemed link.
#[derive(Debug)]
pub struct NewSession {
    /// The environment of the link.
    pub environment_id: EnvironmentId,
    /// The session token for the cookie.
    pub token: SetupSessionToken,
    /// When the session expires.
    pub expires_at: Timestamp,
}

/// Redeems a link and creates a session; of concurrent requests one succeeds. `address` is the client's. The inner
/// error is the state of the link as [`check`] returns it.
pub async fn redeem(
    state: &State,
    token: &str,
    session: Option<&str>,
    address: Option<IpAddr>,
) -> Result<Result<NewSession, LinkState>> {
    let link = match check(state, token, session).await? {
        LinkState::Ready(link) => link,
        other => return Ok(Err(other)),
    };
    let Ok(presented) = token.parse::<SetupLinkToken>() else {
        return Ok(Err(LinkState::Unusable(SetupLinkError::Unknown, None)));
    };
    let now = state.now();
    let made = SetupSessionToken::new(&*state.random);
    let expires_at = link.session_expires_at(now);
    let mut tx = state.db.write().await?;
    if !store::setup_links::consume(&mut tx, presented.digest(), now).await? {
        drop(tx);
        return Ok(Err(match check(state, token, session).await? {
            LinkState::Ready(link) => LinkState::Unusable(
                SetupLinkError::Expired { at: link.expires_at },
                Some(link.environment_id),
            ),
            other => other,
        }));
    }
    store::setup_links::insert_session(&mut tx, made.digest(), link.id, now, expires_at).await?;
    let actor = actor_of(&link).at(address);
    let entry = Entry::of(&link, "redeemed");
    audit::record(&mut tx, state, Some(link.environment_id), &actor.principal(), entry).await?;
    tx.commit().await?;
    Ok(Ok(NewSession { environment_id: link.environment_id, token: made, expires_at }))
}

/// Authenticates a browser by its session cookie; `None` if the session is not valid.
pub async fn authenticate(state: &State, cookie: &str) -> Result<Option<SetupSession>> {
    let session = {
        let mut conn = state.db.read().await?;
        find_session(state, &mut conn, Some(cookie)).await?
    };
    let now = state.now();
    let seen_before = now - LAST_SEEN_RESOLUTION;
    if let Some(session) = &session
        && session.last_seen_at <= seen_before
        && let Ok(token) = cookie.parse::<SetupSessionToken>()
    {
        let mut tx = state.db.write().await?;
        store::setup_links::update_last_seen(&mut tx, token.digest(), now, seen_before).await?;
        tx.commit().await?;
    }
    Ok(session)
}

/// Ends a session. The link stays redeemed.
pub async fn end_session(state: &State, cookie: &str) -> Result<()> {
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

/// The organization and the environment of a link. [`Error::Forbidden`]: the organization is switched off.
pub async fn load_context(state: &State, link: &SetupLink) -> Result<(Organization, Environment)> {
    let mut conn = state.db.read().await?;
    let organization: Organization =
        resource::load(&mut conn, link.environment_id, link.organization_id).await?;
    if organization.disabled {
        return Err(Error::Forbidden("this organization is switched off".into()));
    }
    Ok((organization, environments::load(&mut conn, link.environment_id).await?))
}

/// The actor of a link's session.
pub fn actor_of(link: &SetupLink) -> Actor {
    let scopes = [
        (link.can_manage_saml, Scope::Saml),
        (link.can_manage_scim, Scope::Scim),
        (link.can_manage_domains, Scope::Domains),
    ];
    let scopes = scopes.into_iter().filter_map(|(given, scope)| given.then_some(scope)).collect();
    Actor::setup_link(link.id, link.environment_id, link.organization_id, scopes)
}
