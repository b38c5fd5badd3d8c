//! The end of a sign-in: session, grant, code and audit entry in one transaction.

use base::{id::UserId, secret::UserSessionToken};
use model::{
    account::{AuthenticationMethod, CredentialState, SessionContext, UserSession},
    audit::audit_fields,
    user::User,
};

use super::{
    answer::{self, ClientAnswer},
    session::is_of,
    under_way::{MULTI_FACTOR, Step, UnderWay},
    visitor::Visitor,
};
use crate::{
    app::{
        Result, State,
        accounts::{
            sessions::{self, SessionStart},
            totp, user_sessions,
        },
        audit::{self, Entry},
        authorization_server::{issuer_clients, issuers::Issuer},
        principal::Principal,
    },
    store::{
        self, Transaction, account_grants,
        authorization_requests::{self, Proven},
        passwords::StoredPassword,
    },
};

/// Somebody is signed in.
#[derive(Debug)]
pub struct Finished {
    /// The value of the session's cookie: a new one, whatever the browser had.
    pub cookie: UserSessionToken,
    /// What goes to the client; `None` where somebody signed in for themselves.
    pub answer: Option<ClientAnswer>,
}

/// How a step ended.
#[derive(Debug)]
pub enum Progress {
    /// Another one follows.
    Next(Step),
    /// It was the last one.
    Finished(Finished),
}

/// Why somebody is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// What they gave is not right. Which part of it is not told.
    Wrong,
    /// The code is wrong, used or expired.
    WrongCode,
    /// They are who they say, and their account may not be used.
    NotActive,
    /// They are who they say, and their password is good for nothing but to be reset.
    MustBeReset,
    /// The request was answered, has expired, or is of another browser; or its client may not be used any more.
    Gone,
}

/// Whether a password can be used as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PasswordUse {
    /// It can.
    Good,
    /// It must be changed first.
    Change,
    /// It can not.
    Reset,
}

impl PasswordUse {
    pub(super) fn of(state: &State, password: &StoredPassword) -> Self {
        match password.state {
            CredentialState::MustBeReset => Self::Reset,
            CredentialState::MustBeChanged => Self::Change,
            CredentialState::Valid if password.expires_at.is_some_and(|at| at <= state.now()) => Self::Change,
            CredentialState::Valid => Self::Good,
        }
    }
}

/// The password of a locked user, if it is the one that was verified at this time: it was not changed since.
pub(super) async fn verified_password(
    tx: &mut Transaction,
    user: &User,
    proven: &Proven,
) -> Result<Option<StoredPassword>> {
    let stored = store::passwords::find(tx, user.id.into()).await?;
    Ok(stored.filter(|stored| stored.changed_at <= proven.authenticated_at))
}

/// Signs a locked user in, and answers the request.
pub(super) async fn finish(
    mut tx: Transaction,
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    user: &User,
    proven: &Proven,
    visitor: &Visitor,
) -> Result<Result<Finished, Refusal>> {
    let now = state.now();
    if !user.status.is_active() {
        return Ok(Err(Refusal::NotActive));
    }
    // An app that was added since the password was verified counts too.
    let is_multi = proven.amr.iter().any(|method| method == MULTI_FACTOR);
    if !is_multi && totp::is_enrolled(&mut tx, user.id.into()).await? {
        return Ok(Err(Refusal::Gone));
    }
    let request = &under_way.request;
    if let Some(client_id) = request.client_id {
        let client = issuer_clients::find(&mut tx, issuer, client_id).await?;
        if client.is_none_or(|client| client.disabled) {
            return Ok(Err(Refusal::Gone));
        }
    }
    if !authorization_requests::consume(&mut tx, &under_way.name, now).await? {
        return Ok(Err(Refusal::Gone));
    }
    let begun = match end_former(&mut tx, state, issuer, visitor, user.id).await? {
        Some(own) => {
            sessions::renew(&mut tx, state, own, proven.authenticated_at, proven.amr.clone()).await?
        }
        None => {
            let start = SessionStart {
                subject: user.id,
                environment_id: Some(user.environment_id),
                method: AuthenticationMethod::Password,
                authenticated_at: proven.authenticated_at,
                expires_at: now + user_sessions::LIFETIME,
                context: SessionContext {
                    organization_id: Some(request.issuer),
                    amr: proven.amr.clone(),
                    tenant_admin: false,
                },
            };
            sessions::create(&mut tx, state, start, &visitor.device).await?
        }
    };
    let answer = match request.client_id {
        Some(client) => Some(answer::grant(&mut tx, state, issuer, &begun.session, (client, request)).await?),
        None => None,
    };
    let entry = Entry::of(user, "signed_in").with_values(audit_fields! {
        "sessionId": begun.session.id,
        "amr": proven.amr,
        "applicationId": request.client_id,
    });
    let principal = Principal::service(user.environment_id).at(visitor.address());
    audit::record(&mut tx, state, Some(user.environment_id), &principal, entry).await?;
    tx.commit().await?;
    tracing::info!(user = %user.id, session = %begun.session.id, "signed in");
    Ok(Ok(Finished { cookie: begun.token, answer }))
}

/// The session that the browser has here, if it is this user's: they authenticate again, and their applications keep what they
/// have. Of somebody else, everything ends.
async fn end_former(
    tx: &mut Transaction,
    state: &State,
    issuer: &Issuer,
    visitor: &Visitor,
    user_id: UserId,
) -> Result<Option<UserSession>> {
    let now = state.now();
    let mut own = None;
    for cookie in &visitor.cookies {
        let found = sessions::find::<UserId>(tx, state, cookie, user_sessions::IDLE).await?;
        let Some(session) = found.filter(|session| is_of(session, issuer)) else { continue };
        if session.subject == user_id && own.is_none() {
            own = Some(session);
        } else {
            account_grants::end_session(tx, session.id, now).await?;
        }
    }
    Ok(own)
}
