//! The userinfo endpoint (OpenID Connect Core §5.3), by GET and POST.

use actix_web::{HttpResponse, web};
use oauth::parameters::Parameters;

use super::place::{Place, Reply};
use crate::{
    app::authorization_server::sign_in::userinfo,
    http::oauth::{allow_any_origin, authorization, body::form, challenge},
};

/// `GET` and `POST …/userinfo`
pub(super) async fn userinfo(place: Place, body: web::Bytes) -> Reply {
    let request = &place.request;
    let form = if body.is_empty() { Ok("") } else { form(request, &body) };
    let parameters = form.and_then(Parameters::parse);
    let credentials = parameters
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|parameters| Ok((authorization(request)?, token(parameters)?)));
    let outcome = match credentials {
        Ok((authorization, token)) => {
            userinfo::userinfo(&place.state, &place.issuer, authorization, token).await?
        }
        Err(error) => Err(error),
    };
    let mut response = match outcome {
        Ok(claims) => HttpResponse::Ok().json(claims),
        Err(error) => challenge(&error),
    };
    allow_any_origin(&mut response);
    Ok(response)
}

fn token(parameters: &Parameters) -> Result<Option<&str>, oauth::Error> {
    parameters.get_within("access_token", oauth::access_token::MAX_TOKEN_BYTES)
}
