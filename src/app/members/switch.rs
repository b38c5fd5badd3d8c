//! A user acts in one of their organizations, or for themselves: a session is in one context at a time, and its token says which.

use model::{
    audit::audit_fields,
    membership::{Membership, Tier},
    organization::{Organization, root_id},
};

use super::caller::{Caller, SessionUser};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        authorization_server::{
            access_tokens::{self, NewAccessToken, TokenOrganization, TokenSession, TokenSubject},
            issuers::{self, Issuer},
        },
        organizations::reference,
    },
    store::{Transaction, memberships, signed_access_tokens, table, tenants},
};
use oauth::{algorithm::IdTokenAlg, token::ACCESS_TOKEN_LIFETIME};

/// The scopes of the token of a session: who the user is.
pub(super) const SCOPE: &str = "openid profile email";

/// The context in which a user acts from now on.
#[derive(Debug)]
pub struct Switched {
    /// The organization; `None`: their personal context.
    pub organization: Option<Organization>,
    /// What they are there.
    pub role: Option<Tier>,
    /// The token.
    pub access_token: String,
}

fn not_a_member() -> Error {
    Error::forbidden("not_a_member", "you are no member of such an organization")
}

/// Gives a user a token that is good in one of their organizations; `None`: in their personal context. What was given in the session
/// for another organization ends. An organization that exists and one that does not are answered alike.
pub async fn switch(state: &State, caller: &Caller, organization: Option<&str>) -> Result<Switched> {
    let user = caller.require_user()?;
    let environment_id = caller.environment_id()?;
    let root = root_id(environment_id);
    let issuer = {
        let mut conn = state.db.read().await?;
        issuers::of_organization(&mut conn, environment_id, root).await?
    };
    let target = match organization {
        None => None,
        Some(text) => Some(find_target(state, caller, user, text).await?),
    };
    let signed = access_tokens::sign(state, new_token(&issuer, user, target.as_ref())).await?;
    let now = state.now();
    let mut tx = state.db.write().await?;
    if let Some((organization, _, role)) = &target {
        // Whoever suspends or removes them comes before this and is seen, or after it and ends the token.
        let found = memberships::find_for_update(&mut tx, environment_id, organization.id, user.id).await?;
        let membership = found.ok_or_else(not_a_member)?;
        require_active(&membership)?;
        if membership.tier != *role {
            return Err(Error::Unavailable { retry_after: std::time::Duration::from_secs(1) });
        }
        memberships::update_last_login(&mut tx, organization.id, user.id, now).await?;
    }
    signed_access_tokens::revoke_switched(&mut tx, user.session_id, root, now).await?;
    let access_token = signed.insert(&mut tx).await?;
    record(&mut tx, state, caller, user, target.as_ref().map(|(organization, ..)| organization)).await?;
    tx.commit().await?;
    let (organization, role) = match target {
        Some((organization, _, role)) => (Some(organization), Some(role)),
        None => (None, None),
    };
    Ok(Switched { organization, role, access_token })
}

/// The organization, as tokens name it, and the role there.
type Target = (Organization, TokenOrganization, Tier);

async fn find_target(state: &State, caller: &Caller, user: &SessionUser, text: &str) -> Result<Target> {
    let environment_id = caller.environment_id()?;
    let id = reference::resolve_existing(state, environment_id, text).await?.ok_or_else(not_a_member)?;
    let mut conn = state.db.read().await?;
    let found = memberships::find(&mut conn, environment_id, id, user.id).await?;
    let membership = found.ok_or_else(not_a_member)?;
    let organization: Option<Organization> = table::find(&mut conn, environment_id, id).await?;
    let organization = organization.filter(|it| !it.template).ok_or_else(not_a_member)?;
    require_active(&membership)?;
    let issuing = tenants::find_organization(&mut conn, environment_id, id).await?;
    let issuing = issuing
        .ok_or_else(|| Error::forbidden("organization_disabled", "the organization is switched off"))?;
    Ok((organization, TokenOrganization::of(&issuing), membership.tier))
}

fn require_active(membership: &Membership) -> Result<()> {
    match membership.is_active() {
        true => Ok(()),
        false => Err(Error::forbidden(
            "membership_suspended",
            "your membership of the organization is suspended: ask who administers it",
        )),
    }
}

/// The token of a session in a context.
pub(super) fn new_token<'a>(
    issuer: &'a Issuer,
    user: &SessionUser,
    target: Option<&Target>,
) -> NewAccessToken<'a> {
    NewAccessToken {
        issuer,
        client_id: None,
        subject: TokenSubject::User(user.id),
        organization: target.map(|(_, organization, _)| organization.clone()),
        role: target.map(|(.., role)| *role),
        user_organization: None,
        grant_id: None,
        session: Some(TokenSession {
            id: user.session_id,
            amr: user.amr.clone(),
            authenticated_at: user.authenticated_at,
        }),
        scope: SCOPE.to_owned(),
        algorithm: IdTokenAlg::ES256,
        lifetime: ACCESS_TOKEN_LIFETIME,
    }
}

async fn record(
    tx: &mut Transaction,
    state: &State,
    caller: &Caller,
    user: &SessionUser,
    organization: Option<&Organization>,
) -> Result<()> {
    let Some(organization) = organization else { return Ok(()) };
    let entry =
        Entry::of(organization, "switched").with_values(audit_fields! { "sessionId": user.session_id });
    audit::record(tx, state, Some(organization.environment_id), &caller.principal, entry).await
}
