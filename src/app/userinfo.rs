//! Who an access token speaks for (OpenID Connect Core §5.3).

use super::{Result, State};
use crate::{
    model::secret::AccessToken,
    oauth::{Error, bearer},
    store::access_tokens::{self, Login},
};

/// The login behind the bearer token of a request's header or form.
pub async fn userinfo(
    state: &State,
    authorization: Option<&str>,
    form_token: Option<&str>,
) -> Result<Result<Login, Error>> {
    let token = bearer::token(authorization, form_token)
        .and_then(|text| text.parse::<AccessToken>().map_err(|_| Error::InvalidToken));
    let token = match token {
        Ok(token) => token,
        Err(error) => return Ok(Err(error)),
    };
    let mut conn = state.db.read().await?;
    Ok(access_tokens::find_login(&mut conn, token.digest(), state.now()).await?.ok_or(Error::InvalidToken))
}
