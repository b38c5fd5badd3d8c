//! Sessions of setup links: a single-use link gives a customer's IT admin a session in which they configure their
//! identity provider.

use std::{net::IpAddr, time::Duration};

use base::{
    id::{EnvironmentId, SetupLinkId, UserId},
    secret::{SetupLinkToken, SetupSessionToken},
    time::Timestamp,
};
use model::{
    account::{AuthenticationMethod, Session, SessionContext},
    environment::Environment,
    organization::Organization,
    setup_link::{SetupLink, SetupLinkStatus},
};

use crate::{
    app::{
        Error, Result, State,
        accounts::{
            Device,
            sessions::{self, SessionStart},
        },
        audit::{self, Entry},
        delegates, environments,
        organizations::templates::refuse,
        permissions::Scope,
        principal::Principal,
        resource,
    },
    store,
};

/// A session ends with its time and with its link, however long nobody uses it.
const IDLE_TIMEOUT: Duration = Duration::MAX;

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
    HasSession,
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
    if let Some(session) = session
        && let Some((_, of_session)) = find_session(state, &mut conn, session).await?
        && of_session.id == link.id
    {
        return Ok(LinkState::HasSession);
    }
    let environment_id = Some(link.environment_id);
    Ok(match link.status(state.now()) {
        SetupLinkStatus::Open if !is_still_permitted(&mut conn, &link).await? => {
            LinkState::Unusable(SetupLinkError::Revoked, environment_id)
        }
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
    /// The link.
    pub link: SetupLink,
    /// The session.
    pub session: Session<SetupLinkId>,
    /// The session token for the cookie.
    pub token: SetupSessionToken,
}

/// Redeems a link and creates a session; of concurrent requests one succeeds. The inner error is the state of the link as [`check`] returns it.
pub async fn redeem(
    state: &State,
    token: &str,
    session: Option<&str>,
    device: &Device,
) -> Result<Result<NewSession, LinkState>> {
    let link = match check(state, token, session).await? {
        LinkState::Ready(link) => link,
        other => return Ok(Err(other)),
    };
    let Ok(presented) = token.parse::<SetupLinkToken>() else {
        return Ok(Err(LinkState::Unusable(SetupLinkError::Unknown, None)));
    };
    let now = state.now();
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
    let start = SessionStart {
        subject: link.id,
        environment_id: Some(link.environment_id),
        method: AuthenticationMethod::SetupLink,
        authenticated_at: now,
        expires_at: link.session_expires_at(now),
        context: SessionContext::default(),
    };
    let sessions::NewSession { session, token } = sessions::create(&mut tx, state, start, device).await?;
    let principal = actor_of(&link).at(device.address);
    let entry = Entry::of(&link, "redeemed");
    audit::record(&mut tx, state, Some(link.environment_id), &principal, entry).await?;
    tx.commit().await?;
    Ok(Ok(NewSession { link, session, token }))
}

/// Authenticates a browser by its session cookie. Returns its link; `None` if the session is not valid. `address` is the
/// client's.
pub async fn authenticate(state: &State, cookie: &str, address: Option<IpAddr>) -> Result<Option<SetupLink>> {
    let found = find_session(state, &mut state.db.read().await?, cookie).await?;
    let Some((mut session, link)) = found else { return Ok(None) };
    sessions::record_use(state, &mut session, address).await?;
    Ok(Some(link))
}

/// Ends a session. The link stays redeemed.
pub async fn end_session(state: &State, cookie: &str) -> Result<()> {
    sessions::revoke_by_token::<SetupLinkId>(state, cookie).await
}

/// The session of a cookie, and its link: there is none without a link that is not revoked.
async fn find_session(
    state: &State,
    conn: &mut store::Conn,
    cookie: &str,
) -> Result<Option<(Session<SetupLinkId>, SetupLink)>> {
    let found = sessions::find::<SetupLinkId>(conn, state, cookie, IDLE_TIMEOUT).await?;
    let Some(session) = found else { return Ok(None) };
    let Some(environment_id) = session.environment_id else { return Ok(None) };
    let link = store::setup_links::find(conn, environment_id, session.subject).await?;
    let Some(link) = link.filter(|link| link.revoked_at.is_none()) else { return Ok(None) };
    Ok(is_still_permitted(conn, &link).await?.then_some((session, link)))
}

/// Whether whoever made a link for themselves may still do what it is for: an organization's own administrator loses it with the role,
/// and with the account.
async fn is_still_permitted(conn: &mut store::Conn, link: &SetupLink) -> Result<bool> {
    let Some(user_id) = link.created_by.parse::<UserId>().ok().filter(|_| link.is_own()) else {
        return Ok(true);
    };
    let scopes = delegates::scopes_now(conn, link.environment_id, link.organization_id, user_id).await?;
    let needed = [
        (link.can_manage_saml, Scope::Saml),
        (link.can_manage_scim, Scope::Scim),
        (link.can_manage_domains, Scope::Domains),
    ];
    Ok(needed.into_iter().all(|(given, scope)| !given || scopes.contains(scope)))
}

/// The organization and the environment of a link. [`Error::Forbidden`]: the organization is switched off.
pub async fn load_context(state: &State, link: &SetupLink) -> Result<(Organization, Environment)> {
    let mut conn = state.db.read().await?;
    let organization: Organization =
        resource::load(&mut conn, link.environment_id, link.organization_id).await?;
    if organization.is_disabled() {
        return Err(Error::Forbidden("this organization is switched off".into()));
    }
    refuse(&organization, "setup links")?;
    Ok((organization, environments::load(&mut conn, link.environment_id).await?))
}

/// The principal of a link's session.
pub fn actor_of(link: &SetupLink) -> Principal {
    let scopes = [
        (link.can_manage_saml, Scope::Saml),
        (link.can_manage_scim, Scope::Scim),
        (link.can_manage_domains, Scope::Domains),
    ];
    let scopes = scopes.into_iter().filter_map(|(given, scope)| given.then_some(scope)).collect();
    Principal::setup_link(link.id, link.environment_id, link.organization_id, scopes)
}
