//! The end of a sign-in: session, grant, code and audit entry in one transaction.

use base::{
    id::{LoginFlowId, UserId},
    secret::{Digest, UserSessionToken},
};
use model::{
    account::{AuthenticationMethod, SessionContext, UserSession},
    audit::audit_fields,
    user::User,
};

use super::{
    admission::{FirstFactor, admit},
    answer::{self, ClientAnswer},
    log::Log,
    refusal::{Refusal, Refused},
    session::is_of,
    under_way::{MULTI_FACTOR, PASSWORD, Step, next},
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
        members::auto_join,
        principal::Principal,
    },
    store::{
        self, Transaction, account_grants,
        authorization_requests::{self, AuthorizationRequest, Proven},
        passwords::StoredPassword,
    },
};

/// A sign-in is over.
#[derive(Debug)]
pub struct Finished {
    /// The value of the session's cookie: a new one, whatever the browser had; `None` of somebody whom the client did not expect,
    /// who has no session by this.
    pub cookie: Option<UserSessionToken>,
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
    let user = match admit(&mut tx, (user.environment_id, user.id), FirstFactor::Own).await? {
        Ok(user) => user,
        Err(refusal) => {
            drop(tx);
            return log.refuse_as(refusal, Error::AccountNotActive, user.status.as_str()).await;
        }
    };
    let step = next(&mut tx, state, account, proven).await?;
    if step == Step::Finish {
        let (issuer, visitor) = place;
        let finished = finish(tx, log, issuer, &user, proven, visitor).await?;
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

/// Signs a locked user in, who may, and answers the request.
async fn finish(
    mut tx: Transaction,
    log: Log<'_>,
    issuer: &Issuer,
    user: &User,
    proven: &Proven,
    visitor: &Visitor,
) -> Result<Result<Finished, Refusal>> {
    let (state, under_way) = (log.state, log.under_way);
    // An app that was added since the password was verified counts too.
    let is_multi = proven.amr.iter().any(|method| method == MULTI_FACTOR);
    if !is_multi && totp::is_enrolled(&mut tx, user.id.into()).await? {
        return Ok(Err(Refusal::Gone));
    }
    let ending = Ending {
        name: under_way.name.digest_of_text(),
        request: &under_way.request,
        proven,
        method: method(proven),
    };
    if let Some(answer) = answer_another(state, issuer, &under_way.request, user) {
        if !authorization_requests::consume(&mut tx, ending.name, state.now()).await? {
            return Ok(Err(Refusal::Gone));
        }
        tx.commit().await?;
        log.refuse(Error::AnotherPerson, None).await?;
        return Ok(Ok(Finished { cookie: None, answer: Some(answer) }));
    }
    let flow = log.accepted(&mut tx, proven).await?;
    let Some(ended) = end(&mut tx, state, issuer, (user, flow), &ending, visitor).await? else {
        return Ok(Err(Refusal::Gone));
    };
    tx.commit().await?;
    auto_join::join(state, user).await;
    Ok(Ok(ended.finished))
}

/// What a client gets that expected somebody else than this user: the same as if nobody had signed in (OpenID Connect Core
/// §3.1.2.1).
pub(super) fn answer_another(
    state: &State,
    issuer: &Issuer,
    request: &AuthorizationRequest,
    user: &User,
) -> Option<ClientAnswer> {
    request.hinted_user_id.filter(|hinted| *hinted != user.id)?;
    let (mode, said) = (request.response_mode, request.state.as_deref());
    let error = oauth::Error::SignInRequired;
    let issuer = issuer.in_form(request.form).url(&state.links);
    Some(ClientAnswer::error(&request.redirect_uri, mode, said, issuer, &error))
}

/// How a sign-in ends.
pub(super) struct Ending<'a> {
    /// The digest of the name of the request.
    pub name: Digest,
    /// The request.
    pub request: &'a AuthorizationRequest,
    /// What was proven, and when.
    pub proven: &'a Proven,
    /// What by.
    pub method: AuthenticationMethod,
}

/// A sign-in that has ended.
pub(super) struct Ended {
    /// The session.
    pub session: UserSession,
    /// What the browser gets.
    pub finished: Finished,
}

/// Begins or renews the session of a locked user who may sign in, and gives the client its code, in the caller's transaction.
/// `flow` is the login in the log. `None` where the request was answered meanwhile, or its client may not be used any more.
pub(super) async fn end(
    tx: &mut Transaction,
    state: &State,
    issuer: &Issuer,
    (user, flow): (&User, Option<LoginFlowId>),
    ending: &Ending<'_>,
    visitor: &Visitor,
) -> Result<Option<Ended>> {
    let now = state.now();
    let (request, proven) = (ending.request, ending.proven);
    if let Some(client_id) = request.client_id {
        let client = issuer_clients::find(tx, issuer, client_id).await?;
        if client.is_none_or(|client| client.disabled) {
            return Ok(None);
        }
    }
    if !authorization_requests::consume(tx, ending.name, now).await? {
        return Ok(None);
    }
    let begun = match end_former(tx, state, issuer, visitor, user.id).await? {
        Some(own) => sessions::renew(tx, state, own, proven.authenticated_at, proven.amr.clone()).await?,
        None => {
            let start = SessionStart {
                subject: user.id,
                environment_id: Some(user.environment_id),
                method: ending.method,
                authenticated_at: proven.authenticated_at,
                expires_at: now + user_sessions::LIFETIME,
                context: SessionContext {
                    organization_id: Some(request.issuer),
                    amr: proven.amr.clone(),
                    tenant_admin: false,
                },
            };
            sessions::create(tx, state, start, &visitor.device).await?
        }
    };
    store::memberships::update_last_login(tx, user.organization_id, user.id, now).await?;
    let answer = match request.client_id {
        Some(client) => {
            let whose = (&begun.session, user);
            Some(answer::grant(tx, state, issuer, whose, (client, request), flow).await?)
        }
        None => None,
    };
    let entry = Entry::of(user, "signed_in").with_values(audit_fields! {
        "sessionId": begun.session.id,
        "amr": proven.amr,
        "applicationId": request.client_id,
    });
    let principal = Principal::service(user.environment_id).at(visitor.address());
    audit::record(tx, state, Some(user.environment_id), &principal, entry).await?;
    tracing::info!(user = %user.id, session = %begun.session.id, "signed in");
    Ok(Some(Ended { session: begun.session, finished: Finished { cookie: Some(begun.token), answer } }))
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
