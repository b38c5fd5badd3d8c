//! Signing out (OpenID Connect RP-Initiated Logout 1.0), by GET or by POST of the same parameters.

use actix_web::{HttpRequest, HttpResponse, dev::Payload, http::StatusCode, web};
use oauth::parameters::encode_pairs;

use super::place::{Place, PlaceError, Reply};
use crate::{
    app::authorization_server::{
        issuers::IssuerForm,
        sign_in::end_session::{self, Outcome, PARAMETERS},
    },
    http::oauth::body::form,
    links::{expand, path},
    web::{
        kit::{
            posted::PostedForm,
            response::{PagePolicy, page},
        },
        login::idp_redirect::see_other,
        sign_in::{
            cookies::{self, Purpose},
            pages::{self, CONFIRM, Told},
        },
    },
};

/// `GET …/oidc/logout`
pub(super) async fn get(place: Place) -> Reply {
    let query = place.request.query_string().to_owned();
    end(&place, &query, false).await
}

/// `POST …/oidc/logout`: the request of an application, which is made a GET for the browser to send its cookies; or the answer
/// of a person who was asked, from our own page.
pub(super) async fn post(place: Place, request: HttpRequest, body: web::Bytes) -> Reply {
    let form = match form(&request, &body) {
        Ok(form) => form.to_owned(),
        Err(error) => return Ok(place.developer_error(&error)),
    };
    if !form.split('&').any(|pair| pair == format!("{CONFIRM}=yes")) {
        return Ok(see_other(&format!("{}?{form}", logout_path(&place))));
    }
    let mut payload = Payload::from(body);
    let posted = PostedForm::read(&request, &mut payload, &place.state.links.origin()).await;
    let posted = posted.map_err(PlaceError::Form)?;
    let pairs = PARAMETERS.into_iter().map(|name| (name, posted.text(name)));
    let pairs: Vec<(&str, &str)> = pairs.filter(|(_, value)| !value.is_empty()).collect();
    end(&place, &encode_pairs(&pairs), true).await
}

/// The path of the endpoint, by the name by which it was called.
fn logout_path(place: &Place) -> String {
    let [default, tenant, ..] = path::TENANT_LOGOUTS;
    match place.form {
        IssuerForm::Organization => place.path(path::WORKSPACE_LOGOUT),
        IssuerForm::DefaultTenant => default.to_owned(),
        IssuerForm::Tenant => expand(tenant, &[&place.issuer.tenant.name]),
    }
}

async fn end(place: &Place, query: &str, confirmed: bool) -> Result<HttpResponse, PlaceError> {
    let visitor = place.visitor();
    let outcome =
        end_session::end_session(&place.state, (&place.issuer, place.form), query, &visitor, confirmed)
            .await?;
    let appearance = place.appearance().await?;
    let layout = place.layout(&appearance);
    let mut response = match outcome {
        Outcome::Page(error) => return Ok(place.developer_error(&error)),
        Outcome::Confirm { parameters } => {
            let view = pages::sign_out(&layout, &logout_path(place), &parameters);
            return Ok(page(StatusCode::OK, PagePolicy::AnyFormTarget, view));
        }
        Outcome::SignedOut { location: Some(location) } => see_other(&location),
        Outcome::SignedOut { location: None } => {
            let next = appearance.branding.return_url.as_ref().map(|url| url.as_str());
            let told = Told {
                title: "You are signed out",
                happened: "Nobody is signed in here any more in this browser.",
                remedy: "Applications that keep a sign-in of their own may still know you: sign out of them too.",
                reason: None,
                next: next.map(|url| ("Back to the app", url)),
            };
            let sign_in = format!("{}?again=yes", place.path(path::WORKSPACE_SIGN_IN));
            let view = told.view_with(&layout, &[("Sign in again", &sign_in)]);
            page(StatusCode::OK, PagePolicy::SameOriginForms, view)
        }
    };
    cookies::clear(&place.state.links, &mut response, place.organization, Purpose::Session);
    Ok(response)
}
