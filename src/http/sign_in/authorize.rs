//! The authorization endpoint (RFC 6749 §3.1), by GET or by POST of the same parameters.

use actix_web::{HttpResponse, web};
use oauth::parameters::encode_pairs;

use super::place::{Place, PlaceError, Reply};
use crate::{
    app::authorization_server::sign_in::authorize::{self, Outcome},
    http::oauth::body::form,
    links::path,
    web::{
        login::idp_redirect::see_other,
        sign_in::{
            cookies::{self, Purpose},
            pages::{IDENTIFIER, REQUEST},
        },
    },
};

/// `GET …/oauth2/authorize`
pub(super) async fn get(place: Place) -> Reply {
    let query = place.request.query_string().to_owned();
    begin(&place, &query).await
}

/// `POST …/oauth2/authorize` (OpenID Connect Core §3.1.2.1)
pub(super) async fn post(place: Place, body: web::Bytes) -> Reply {
    match form(&place.request, &body) {
        Ok(form) => begin(&place, form).await,
        Err(error) => Ok(place.developer_error(&error)),
    }
}

async fn begin(place: &Place, query: &str) -> Result<HttpResponse, PlaceError> {
    let outcome =
        authorize::authorize(&place.state, (&place.issuer, place.form), query, &place.visitor()).await?;
    Ok(match outcome {
        Outcome::Client(answer) => place.to_client(&answer),
        Outcome::Page(error) => place.developer_error(&error),
        Outcome::Company { browser, login } => {
            let mut response = place.to_identity_provider(login);
            let links = &place.state.links;
            cookies::set(links, &mut response, place.organization, Purpose::Browser, browser.reveal());
            response
        }
        Outcome::SignIn { name, browser, login_hint } => {
            let name = name.reveal();
            let hint = login_hint.unwrap_or_default();
            let pairs = [(REQUEST, name.as_str()), (IDENTIFIER, hint.as_str())];
            let pairs = if hint.is_empty() { &pairs[..1] } else { &pairs[..] };
            let location = format!("{}?{}", place.path(path::WORKSPACE_SIGN_IN), encode_pairs(pairs));
            let mut response = see_other(&location);
            let links = &place.state.links;
            cookies::set(links, &mut response, place.organization, Purpose::Browser, browser.reveal());
            response
        }
    })
}
