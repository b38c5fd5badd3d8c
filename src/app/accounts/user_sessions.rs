//! Sessions of users, and the access tokens that are given in them.

use std::time::Duration;

use base::id::{EnvironmentId, IdKind as _, OrganizationId, UserId, UserKind};
use model::{
    account::{AuthenticationMethod, SessionContext, UserSession},
    audit::audit_fields,
    user::User,
};
use oauth::{algorithm::IdTokenAlg, token::ACCESS_TOKEN_LIFETIME};

use super::{
    device::Device,
    sessions::{self, NewSession, SessionStart},
};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        authorization_server::{
            access_tokens::{self, NewAccessToken, TokenOrganization, TokenSession, TokenSubject},
            issuers::{self, Issuer},
        },
        permissions::Action,
        principal::{On, Principal, Subject},
        resource, roles,
    },
    store::{self, Transaction, table},
};

/// How long a session of a user lasts, whatever happens in it.
pub const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long a session of a user lasts without use.
pub const IDLE: Duration = Duration::from_secs(12 * 3600);

/// How the operator's word is named among authentication methods. It is no method of RFC 8176: it proves nothing.
pub const OPERATOR: &str = "operator";

/// The scopes of a token that no client asked for: who the user is.
const SCOPE: &str = "openid profile email";

/// The maximum number of sessions that are listed.
const MAX_LISTED: i64 = 100;

/// How long ago the user of an operator's session can have authenticated, at most: longer ago no session would last.
const MAX_AUTHENTICATION_AGE: Duration = LIFETIME;

/// A session that the operator asks for.
#[derive(Debug, Clone, Copy)]
pub struct OperatorSession {
    /// Whose it is.
    pub user_id: UserId,
    /// How long ago they are said to have authenticated.
    pub authenticated_ago: Duration,
    /// Whether it has the standing of a tenant administrator, without a membership.
    pub tenant_admin: bool,
}

/// Begins a session by the operator's word, and returns an access token of the organization whose pool the user is in. It is
/// good for neither enforcement nor break-glass access, and the audit log says whose word it was.
pub async fn create_by_operator(
    state: &State,
    principal: &Principal,
    wanted: OperatorSession,
) -> Result<(NewSession<UserId>, String)> {
    if principal.subject != Subject::Operator {
        return Err(Error::Forbidden("only the operator begins sessions of others".into()));
    }
    let environment_id = principal.authorize(Action::UsersManage, On::Environment)?;
    if wanted.authenticated_ago > MAX_AUTHENTICATION_AGE {
        return Err(Error::invalid("authTimeOffset", "must be at most 30 days ago"));
    }
    let user: User = resource::load(&mut state.db.read().await?, environment_id, wanted.user_id).await?;
    let issuer = issuer_of(state, environment_id, user.organization_id).await?;
    // Before the transaction: signing may store the environment's first keys.
    let now = state.now();
    let mut tx = state.db.write().await?;
    let user = lock_active(&mut tx, environment_id, user.id).await?;
    let start = SessionStart {
        subject: user.id,
        environment_id: Some(environment_id),
        method: AuthenticationMethod::Operator,
        authenticated_at: now - wanted.authenticated_ago,
        expires_at: now + LIFETIME,
        context: SessionContext {
            organization_id: Some(user.organization_id),
            amr: vec![OPERATOR.to_owned()],
            tenant_admin: wanted.tenant_admin,
        },
    };
    let begun = sessions::create(&mut tx, state, start, &Device::default()).await?;
    let session = &begun.session;
    let entry = Entry::of(&user, "session_created").with_values(audit_fields! {
        "sessionId": session.id,
        "amr": session.context.amr,
        "authenticatedAt": session.authenticated_at,
        "tenantAdmin": session.context.tenant_admin,
    });
    audit::record(&mut tx, state, Some(environment_id), principal, entry).await?;
    tx.commit().await?;
    tracing::warn!(user = %user.id, session = %session.id, tenant_admin = wanted.tenant_admin, "the operator began a session");
    let token = access_tokens::sign(state, new_token(&issuer, &begun)).await?;
    let mut tx = state.db.write().await?;
    if !token.hold(&mut tx).await? {
        return Err(switched_off());
    }
    lock_active(&mut tx, environment_id, user.id).await?;
    let token = token.insert(&mut tx).await?;
    tx.commit().await?;
    Ok((begun, token))
}

/// The issuer at which the users of an organization's pools sign in.
async fn issuer_of(
    state: &State,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Issuer> {
    let mut conn = state.db.read().await?;
    let tenant = issuers::find_tenant(&mut conn, &environment_id.to_string()).await?;
    let reference = match organization_id == model::organization::root_id(environment_id) {
        true => issuers::ROOT.to_owned(),
        false => organization_id.to_string(),
    };
    issuers::find_workspace(&mut conn, tenant, &reference).await.map_err(|error| match error {
        Error::NotFound { .. } => switched_off(),
        error => error,
    })
}

fn switched_off() -> Error {
    Error::FailedPrecondition("the organization of the user is switched off, or a template".into())
}

/// The user, who is locked and may sign in.
async fn lock_active(tx: &mut Transaction, environment_id: EnvironmentId, id: UserId) -> Result<User> {
    let found: Option<User> = table::find_for_update(tx, environment_id, id).await?;
    let user = found.ok_or_else(|| Error::not_found(UserKind::NOUN, id))?;
    match user.may_sign_in() {
        true => Ok(user),
        false => Err(Error::FailedPrecondition(
            format!("the user is {}, so they cannot sign in", user.status.as_str()).into(),
        )),
    }
}

fn new_token<'a>(issuer: &'a Issuer, begun: &NewSession<UserId>) -> NewAccessToken<'a> {
    let session = &begun.session;
    NewAccessToken {
        issuer,
        client_id: None,
        subject: TokenSubject::User(session.subject),
        organization: issuer.organization().map(TokenOrganization::of),
        role: None,
        user_organization: None,
        grant_id: None,
        session: Some(TokenSession {
            id: session.id,
            amr: session.context.amr.clone(),
            authenticated_at: session.authenticated_at,
        }),
        scope: SCOPE.to_owned(),
        algorithm: IdTokenAlg::ES256,
        lifetime: ACCESS_TOKEN_LIFETIME,
    }
}

/// The sessions of a user that are active, the newest first, up to 100.
pub async fn list(state: &State, principal: &Principal, user: &User) -> Result<Vec<UserSession>> {
    let environment_id = principal.authorize(Action::UsersView, On::Organization(user.organization_id))?;
    let mut conn = state.db.read().await?;
    let user: User = resource::load(&mut conn, environment_id, user.id).await?;
    Ok(store::sessions::list(&mut conn, user.id, state.now(), IDLE, MAX_LISTED).await?)
}

/// Signs a user out everywhere: every session and every access token ends.
pub async fn end(state: &State, principal: &Principal, id: UserId) -> Result<()> {
    let environment_id = principal.authorize(Action::UsersManage, On::AnyOrganization)?;
    let mut tx = state.db.write().await?;
    let found: Option<User> = table::find_for_update(&mut tx, environment_id, id).await?;
    let user = found.ok_or_else(|| Error::not_found(UserKind::NOUN, id))?;
    resource::hide(id, principal.authorize(Action::UsersManage, On::Organization(user.organization_id)))?;
    roles::require_over(&mut tx, principal, &user).await?;
    end_all(&mut tx, state, user.id).await?;
    audit::record(&mut tx, state, Some(environment_id), principal, Entry::of(&user, "sessions_ended"))
        .await?;
    Ok(tx.commit().await?)
}

/// Ends every session of a user, and every access token.
pub async fn end_all(tx: &mut Transaction, state: &State, user_id: UserId) -> Result<()> {
    Ok(store::users::end_use(tx, user_id, state.now()).await?)
}
