//! The userinfo endpoint of an organization's issuer (OpenID Connect Core §5.3).

use base::id::ApplicationId;
use model::user::User;
use oauth::{Error, authorization_header};
use serde_json::{Map, Value, json};

use super::{claims::person, visitor::organization};
use crate::{
    app::{
        Error as ServiceError, Result, State,
        authorization_server::{
            access_tokens::{self, TokenSubject},
            issuers::Issuer,
        },
    },
    store::table,
};

/// What a client is told of a user.
#[derive(Debug)]
pub struct UserInfo {
    /// The claims.
    pub claims: Map<String, Value>,
    /// The client; `None` for an operator.
    pub client_id: Option<ApplicationId>,
}

/// The claims of the user of the bearer token in a request's header or form.
pub async fn userinfo(
    state: &State,
    issuer: &Issuer,
    authorization: Option<&str>,
    form_token: Option<&str>,
) -> Result<Result<UserInfo, Error>> {
    if !issuer.is_tenant() {
        organization(issuer)?;
    }
    let token = match authorization_header::bearer_token(authorization, form_token) {
        Ok(token) => token,
        Err(error) => return Ok(Err(error)),
    };
    let known = match access_tokens::authenticate(state, token, Some(&issuer.tenant)).await {
        Ok(known) => known,
        Err(ServiceError::Unauthenticated(_)) => return Ok(Err(Error::InvalidToken)),
        Err(error) => return Err(error),
    };
    let is_here =
        known.tenant.environment_id == issuer.tenant.environment_id && known.issuer == issuer.stored();
    let TokenSubject::User(id) = known.subject else { return Ok(Err(Error::InvalidToken)) };
    if !is_here {
        return Ok(Err(Error::InvalidToken));
    }
    if !known.scopes().any(|scope| scope == "openid") {
        return Ok(Err(Error::InsufficientScope("openid")));
    }
    let mut conn = state.db.read().await?;
    let user: Option<User> = table::find(&mut conn, issuer.tenant.environment_id, id).await?;
    let Some(user) = user else { return Ok(Err(Error::InvalidToken)) };
    let mut claims = person(&mut conn, &user, &known.claims.scope).await?;
    claims.insert("sub".to_owned(), json!(user.id));
    Ok(Ok(UserInfo { claims, client_id: known.client_id }))
}
