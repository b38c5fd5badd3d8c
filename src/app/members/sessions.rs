//! Sessions that users of the root's pools begin by their password, over the API: with the mechanisms of the sign-in pages, their
//! limits, their second factor and their log.
//!
//! What somebody signs in for is a request of its own, which nobody else knows; another way to prove who one is ends in `begun` too.

use base::id::{EnvironmentId, UserId, UserSessionId};
use model::{
    account::UserSession, audit::audit_fields, environment::Environment, event::EventKind,
    organization::root_id, user::User,
};
use serde_json::json;

use super::{
    caller::{Caller, SessionUser},
    list::{self, Member},
    switch,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{sessions, user_sessions},
        audit::{self, Entry},
        authorization_server::{
            access_tokens,
            issuers::{self, Issuer},
            sign_in::{
                Progress, Refusal, Refused, Visitor, bare, enrolment, password, second_factor,
                under_way::{self, Step, UnderWay},
            },
        },
        events::{self, NewEvent},
        principal::Principal,
        resource,
    },
    store::{self, Transaction, account_grants, memberships, table},
};

/// What somebody signs in with.
#[derive(Clone)]
pub struct Credentials {
    /// The tenant, by its slug or id; `None`: the only one, or the default one.
    pub tenant: Option<String>,
    /// The address or another identifier.
    pub identifier: String,
    /// The password.
    pub password: String,
    /// A code of the authenticator app, or a recovery code.
    pub otp: Option<String>,
}

/// A session that has begun.
#[derive(Debug)]
pub struct Begun {
    /// The session.
    pub session: UserSession,
    /// The token, in the personal context of the user.
    pub access_token: String,
}

fn wrong() -> Error {
    Error::Unauthenticated("the identifier or the password is wrong".into())
}

fn refused(refused: Refused) -> Error {
    match refused.why {
        Refusal::Wrong | Refusal::WrongPasskey | Refusal::Gone => wrong(),
        Refusal::WrongCode => Error::Unauthenticated("the code is wrong, or was used".into()),
        Refusal::NotActive => Error::forbidden("account_inactive", "the account may not be used"),
        Refusal::MustBeReset => Error::forbidden(
            "password_reset_required",
            "the password must be reset, on the sign-in page, before it is good for anything",
        ),
    }
}

/// Begins a session by a password. What is wrong is not told, and takes as long whether there is such an account or not; after a right
/// password a second factor is asked for, if there is one. [`Error::Limited`] after too many wrong ones.
pub async fn begin(state: &State, credentials: &Credentials, visitor: Visitor) -> Result<Begun> {
    let issuer = {
        let mut conn = state.db.read().await?;
        let tenant = match credentials.tenant.as_deref() {
            Some(reference) => issuers::find_tenant(&mut conn, reference).await?,
            None => issuers::default_tenant(state, &mut conn).await?,
        };
        let environment_id = tenant.environment_id;
        let environment: Environment = resource::load(&mut conn, environment_id, environment_id).await?;
        if !environment.password_sessions {
            return Err(Error::forbidden(
                "password_sessions_disabled",
                "the tenant begins no sessions by password over the API",
            ));
        }
        issuers::of_organization(&mut conn, environment_id, root_id(environment_id)).await?
    };
    let bare::Outcome::SignIn { name, browser } = bare::begin(state, &issuer, &visitor, true).await? else {
        return Err(Error::internal("a sign-in anew found a session"));
    };
    let visitor = Visitor { browser: Some(browser), cookies: Vec::new(), ..visitor };
    let name = name.reveal();
    let step = find(state, &issuer, &name, &visitor).await?;
    let (identifier, password) = (&credentials.identifier, &credentials.password);
    let mut progress = password::with_password(state, &issuer, &step, identifier, password, &visitor)
        .await?
        .map_err(refused)?;
    // Each step is one that a sign-in page would show; no more of them than there are.
    for _ in 0..4 {
        let next = match progress {
            Progress::Finished(finished) => {
                let cookie = finished.cookie.ok_or_else(wrong)?;
                let mut conn = state.db.read().await?;
                let found =
                    sessions::find::<UserId>(&mut conn, state, &cookie.reveal(), user_sessions::IDLE).await?;
                drop(conn);
                return begun(state, &issuer, found.ok_or_else(wrong)?).await;
            }
            Progress::Next(next) => next,
        };
        let step = find(state, &issuer, &name, &visitor).await?;
        progress = match (next, credentials.otp.as_deref()) {
            (Step::SecondFactor, Some(otp)) => {
                second_factor::with_code(state, &issuer, &step, otp, &visitor).await?.map_err(refused)?
            }
            (Step::SecondFactor, None) => {
                return Err(Error::forbidden("mfa_required", "send a code of the authenticator app as otp"));
            }
            (Step::OfferPasskey | Step::Finish, _) => {
                enrolment::go_on_without(state, &issuer, &step, &visitor).await?.map_err(refused)?
            }
            (Step::ChangePassword, _) => {
                return Err(Error::forbidden(
                    "password_change_required",
                    "the password must be changed first, on the sign-in page",
                ));
            }
            (Step::EnrolTotp, _) => {
                return Err(Error::forbidden(
                    "mfa_enrolment_required",
                    "a second factor must be set up first, on the sign-in page",
                ));
            }
            (Step::Password, _) => return Err(wrong()),
        };
    }
    Err(Error::internal("a sign-in did not end"))
}

async fn find(state: &State, issuer: &Issuer, name: &str, visitor: &Visitor) -> Result<UnderWay> {
    under_way::find(state, issuer, name, visitor).await?.ok_or_else(wrong)
}

/// The token of a session that has just begun.
async fn begun(state: &State, issuer: &Issuer, session: UserSession) -> Result<Begun> {
    let user = SessionUser {
        id: session.subject,
        session_id: session.id,
        amr: session.context.amr.clone(),
        authenticated_at: session.authenticated_at,
        organization_id: None,
        tenant_admin: false,
    };
    let signed = access_tokens::sign(state, switch::new_token(issuer, &user, None)).await?;
    let environment_id = issuer.tenant.environment_id;
    let mut tx = state.db.write().await?;
    // Whoever switches them off comes before this and is seen, or after it and ends the token.
    let found: Option<User> = table::find_for_update(&mut tx, environment_id, user.id).await?;
    if !found.is_some_and(|user| user.may_sign_in()) {
        return Err(wrong());
    }
    let access_token = signed.insert(&mut tx).await?;
    record(&mut tx, state, environment_id, (user.id, user.session_id), EventKind::SessionCreated).await?;
    tx.commit().await?;
    tracing::info!(user = %user.id, session = %session.id, "a session began over the API");
    Ok(Begun { session, access_token })
}

async fn record(
    tx: &mut Transaction,
    state: &State,
    environment_id: EnvironmentId,
    (user_id, session_id): (UserId, UserSessionId),
    kind: EventKind,
) -> Result<()> {
    let event = NewEvent {
        environment: &environment_id,
        organization: &root_id(environment_id),
        directory: None,
        kind,
        resource: user_id.to_string(),
        data: json!({ "sessionId": session_id }),
    };
    events::record(tx, state.now(), event).await?;
    Ok(())
}

/// The session of the caller.
pub async fn current(state: &State, caller: &Caller) -> Result<UserSession> {
    let user = caller.require_user()?;
    let mut conn = state.db.read().await?;
    let found = store::sessions::find_of(&mut conn, user.id, user.session_id).await?;
    found.ok_or_else(|| Error::not_found("session", ""))
}

/// Ends a session of the caller with everything that was given in it; `None`: that of the call. Another user's is as unknown as one
/// that there is not.
pub async fn end(state: &State, caller: &Caller, id: Option<UserSessionId>) -> Result<()> {
    let user = caller.require_user()?;
    let environment_id = caller.environment_id()?;
    let id = id.unwrap_or(user.session_id);
    let not_found = || Error::not_found("session", "");
    let mut tx = state.db.write().await?;
    let session = store::sessions::find_of(&mut tx, user.id, id).await?.ok_or_else(not_found)?;
    if !account_grants::end_session(&mut tx, session.id, state.now()).await? {
        return Err(not_found());
    }
    let account: User = resource::load(&mut tx, environment_id, user.id).await?;
    let entry = Entry::of(&account, "session_ended").with_values(audit_fields! { "sessionId": id });
    let principal: &Principal = &caller.principal;
    audit::record(&mut tx, state, Some(environment_id), principal, entry).await?;
    record(&mut tx, state, environment_id, (user.id, id), EventKind::SessionRevoked).await?;
    Ok(tx.commit().await?)
}

/// The caller, as a member of the root.
pub async fn me(state: &State, caller: &Caller) -> Result<Member> {
    let user = caller.require_user()?;
    let environment_id = caller.environment_id()?;
    let mut conn = state.db.read().await?;
    let found = memberships::find(&mut conn, environment_id, root_id(environment_id), user.id).await?;
    list::one(&mut conn, found.ok_or_else(|| Error::not_found("user", ""))?).await
}
