//! The userinfo endpoint (OpenID Connect Core §5.3), by GET and POST.

use actix_web::{HttpResponse, http::header, web};
use oauth::parameters::Parameters;

use super::place::{Place, Reply};
use crate::{
    app::authorization_server::sign_in::userinfo::{self, UserInfo},
    http::oauth::{allow_any_origin, authorization, body::form, challenge, issuers::allow_own_origins},
};

/// `GET` and `POST …/userinfo`
pub(super) async fn userinfo(place: Place, body: web::Bytes) -> Reply {
    let request = &place.request;
    let issuer = place.issuer.in_form(place.form);
    let form = if body.is_empty() { Ok("") } else { form(request, &body) };
    let parameters = form.and_then(Parameters::parse);
    let credentials = parameters
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|parameters| Ok((authorization(request)?, token(parameters)?)));
    let outcome = match credentials {
        Ok((authorization, token)) => userinfo::userinfo(&place.state, &issuer, authorization, token).await?,
        Err(error) => Err(error),
    };
    Ok(match outcome {
        Ok(UserInfo { claims, client_id }) => {
            let mut response =
                HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(claims);
            allow_own_origins(&place.state, &issuer, request, client_id, &mut response).await?;
            response
        }
        Err(error) => refusal(&error),
    })
}

/// A refusal, which tells nothing of anybody: whichever script asks reads why.
fn refusal(error: &oauth::Error) -> HttpResponse {
    let mut response = challenge(error);
    allow_any_origin(&mut response);
    let headers = response.headers_mut();
    headers.insert(header::VARY, header::HeaderValue::from_static("origin"));
    let exposed = header::HeaderValue::from_static("www-authenticate");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    response
}

fn token(parameters: &Parameters) -> Result<Option<&str>, oauth::Error> {
    parameters.get_within("access_token", oauth::access_token::MAX_TOKEN_BYTES)
}
