//! The end of a sign-in: session, grant, code and audit entry in one transaction.

use base::{id::UserId, secret::UserSessionToken};
use model::{
    account::{AuthenticationMethod, SessionContext, UserSession},
    audit::audit_fields,
    user::User,
};

use super::{
    answer::{self, ClientAnswer},
    log::Log,
    refusal::{Refusal, Refused},
    session::is_of,
    under_way::{MULTI_FACTOR, PASSWORD, Step, UnderWay, next},
    visitor::Visitor,
};
use crate::{
    app::{
        Result, State,
        accounts::{
            sessions::{self, SessionStart},
            totp,
            user_credentials::Account,
            user_sessions,
        },
        audit::{self, Entry},
        authorization_server::{issuer_clients, issuers::Issuer},
        login::Error,
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

/// The password of a locked user, if it is the one that was verified at this time: it was not changed since.
pub(super) async fn verified_password(
    tx: &mut Transaction,
    user: &User,
    proven: &Proven,
) -> Result<Option<StoredPassword>> {
    let stored = store::passwords::find(tx, user.id.into()).await?;
    Ok(stored.filter(|stored| stored.changed_at <= proven.authenticated_at))
}

/// Stores what was proven for a locked user, and goes on with what is asked for next: another step, or the end of the sign-in.
/// `before` is what had been proven when this step began.
pub(super) async fn go_on(
    mut tx: Transaction,
    log: Log<'_>,
    place: (&Issuer, &Visitor),
    (account, user): (&Account, &User),
    (before, proven): (Option<&Proven>, &Proven),
) -> Result<Result<Progress, Refused>> {
    let (state, under_way) = (log.state, log.under_way);
    if !user.status.is_active() {
        drop(tx);
        return log.refuse_as(Refusal::NotActive, Error::AccountNotActive, user.status.as_str()).await;
    }
    let step = next(&mut tx, state, account, proven).await?;
    if step == Step::Finish {
        let (issuer, visitor) = place;
        let finished = finish(tx, (state, &log), issuer, under_way, user, proven, visitor).await?;
        return Ok(finished.map(Progress::Finished).map_err(Refused::from));
    }
    let now = state.now();
    if !authorization_requests::update_proven(&mut tx, &under_way.name, before, proven, now).await? {
        return Ok(Err(Refusal::Gone.into()));
    }
    log.proven(&mut tx, proven).await?;
    tx.commit().await?;
    Ok(Ok(Progress::Next(step)))
}

/// Signs a locked user in, and answers the request.
pub(super) async fn finish(
    mut tx: Transaction,
    (state, log): (&State, &Log<'_>),
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
                method: method(proven),
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
    let flow = log.accepted(&mut tx, proven).await?;
    let answer = match request.client_id {
        Some(client) => {
            Some(answer::grant(&mut tx, state, issuer, &begun.session, (client, request), flow).await?)
        }
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

/// What a session begins with.
fn method(proven: &Proven) -> AuthenticationMethod {
    match proven.amr.iter().any(|method| method == PASSWORD) {
        true => AuthenticationMethod::Password,
        false => AuthenticationMethod::Passkey,
    }
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
