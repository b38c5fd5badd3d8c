//! The session of a browser at an issuer.

use base::id::UserId;
use model::{
    account::{AuthenticationMethod, UserSession},
    user::User,
};

use super::visitor::{Visitor, organization};
use crate::{
    app::{
        Result, State,
        accounts::{sessions, user_sessions},
        authorization_server::issuers::Issuer,
    },
    store::{Conn, table},
};

/// Whether a session was begun at this issuer, by whoever signed in. One of an operator's is nobody's who is at a browser.
pub(super) fn is_of(session: &UserSession, issuer: &Issuer) -> bool {
    session.environment_id == Some(issuer.tenant.environment_id)
        && session.context.organization_id == issuer.organization().map(|organization| organization.id)
        && session.method != AuthenticationMethod::Operator
}

/// The active session of one of the browser's cookies, with its user, who may sign in.
pub(in crate::app) async fn find(
    state: &State,
    issuer: &Issuer,
    visitor: &Visitor,
) -> Result<Option<(UserSession, User)>> {
    organization(issuer)?;
    let mut found = None;
    {
        let mut conn = state.db.read().await?;
        for cookie in &visitor.cookies {
            found = find_one(&mut conn, state, issuer, cookie).await?;
            if found.is_some() {
                break;
            }
        }
    }
    if let Some((session, _)) = &mut found {
        sessions::record_use(state, session, visitor.address()).await?;
    }
    Ok(found)
}

async fn find_one(
    conn: &mut Conn,
    state: &State,
    issuer: &Issuer,
    cookie: &str,
) -> Result<Option<(UserSession, User)>> {
    let found = sessions::find::<UserId>(conn, state, cookie, user_sessions::IDLE).await?;
    let Some(session) = found.filter(|session| is_of(session, issuer)) else { return Ok(None) };
    let user: Option<User> = table::find(conn, issuer.tenant.environment_id, session.subject).await?;
    Ok(user.filter(|user| user.may_sign_in()).map(|user| (session, user)))
}
