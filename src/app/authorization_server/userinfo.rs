//! The UserInfo endpoint (OpenID Connect Core §5.3).

use base::secret::AccessToken;
use oauth::{Error, authorization_header, id_token::UserClaims};

use crate::{
    app::{Result, State, login::eligibility},
    store::{access_tokens, authorization_grants::Login},
    telemetry,
};

/// The login of the bearer token in a request's header or form, if its user may still sign in.
pub async fn userinfo(
    state: &State,
    authorization: Option<&str>,
    form_token: Option<&str>,
) -> Result<Result<Login, Error>> {
    let token = authorization_header::bearer_token(authorization, form_token)
        .and_then(|text| text.parse::<AccessToken>().map_err(|_| Error::InvalidToken));
    let token = match token {
        Ok(token) => token,
        Err(error) => return Ok(Err(error)),
    };
    let mut conn = state.db.read().await?;
    let Some((login, found)) = access_tokens::find_login(&mut conn, token.digest(), state.now()).await?
    else {
        return Ok(Err(Error::InvalidToken));
    };
    telemetry::request_is_of_login(login.flow_id);
    let admitted = eligibility::check_read(&mut conn, (&login).into(), found, &mut Vec::new()).await?;
    Ok(admitted.map(|_| login).map_err(|_| Error::InvalidToken))
}

/// The claims of the person of a login, for ID tokens and userinfo.
pub fn user_claims(login: &Login) -> UserClaims<'_> {
    UserClaims::new(
        login.subject.as_deref().unwrap_or_else(|| login.email.as_str()),
        login.email.as_str(),
        login.organization_id,
        login.organization_external_id.as_deref(),
        &login.attributes,
    )
}
