//! `/console/sign-in/saml` and `/console/sign-in/oidc`: sign-in through an identity provider, start and callback.

use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};

use super::{
    cookie,
    sign_in::{again, enter, query, see_other},
    visitor::{Visitor, device, local_path},
};
use crate::{
    app::{
        Error, Result, State,
        administrators::sso::{self, Away, Back, Purpose},
    },
    links::with_next,
    model::email::Email,
    pages::{
        error::{Answer, Failure},
        to_idp,
    },
};

/// The query parameter of a sign-in that only confirms the identity of a signed-in administrator.
const CONFIRM: &str = "confirm";

/// `GET /console/sign-in/saml`
pub async fn begin_saml(state: web::Data<State>, request: HttpRequest) -> Answer {
    let next = query(&request, "next").unwrap_or_default();
    let (local, browser) = (local_path(&next), to_idp::browser(&state.links, &request));
    let account = confirmed_account(&request).await;
    match sso::begin_saml(&state, local, browser, purpose(&request, account.as_ref())).await {
        Ok((begun, waiting)) => {
            let mut response = to_idp::send_to_idp(&state, begun);
            cookie::set_waiting(&state.links, &mut response, &waiting);
            Ok(response)
        }
        Err(error) => again(&state, error, "", local).await,
    }
}

/// `GET /console/sign-in/oidc`
pub async fn begin_oidc(state: web::Data<State>, request: HttpRequest) -> Answer {
    let next = query(&request, "next").unwrap_or_default();
    let local = local_path(&next);
    let account = confirmed_account(&request).await;
    match sso::begin_oidc(&state, local, purpose(&request, account.as_ref())).await {
        Ok(begun) => Ok(away(&state, begun)),
        Err(error @ Error::NotFound { .. }) => Err(Failure(error)),
        Err(error) => again(&state, error, "", local).await,
    }
}

/// The e-mail address of the signed-in administrator, if any.
async fn confirmed_account(request: &HttpRequest) -> Option<Email> {
    Visitor::extract(request).await.ok().map(|visitor| visitor.administrator.email.clone())
}

/// Whether this is a sign-in, or a new authentication that confirms an existing session.
fn purpose<'a>(request: &HttpRequest, account: Option<&'a Email>) -> Purpose<'a> {
    match query(request, CONFIRM) {
        Some(_) => Purpose::Confirm { account },
        None => Purpose::SignIn,
    }
}

/// The path of a confirming sign-in that redirects to `next`.
pub(super) fn confirmation(path: &str, next: &str) -> String {
    format!("{}&{CONFIRM}=1", with_next(path, next))
}

fn away(state: &State, begun: Away) -> HttpResponse {
    let mut response = see_other(&begun.location);
    cookie::set_waiting(&state.links, &mut response, &begun.cookie);
    response
}

/// `GET /console/sign-in/saml/{flow}`
pub async fn finish_saml(state: web::Data<State>, request: HttpRequest, flow: web::Path<String>) -> Answer {
    let waiting = cookie::read_waiting(&state.links, &request);
    let browser = to_idp::browser(&state.links, &request);
    let back = sso::finish_saml(&state, &flow, &waiting, browser.as_ref(), &device(&request)).await;
    finish(&state, &request, back).await
}

/// `GET /console/sign-in/oidc/callback`
pub async fn finish_oidc(state: web::Data<State>, request: HttpRequest) -> Answer {
    let waiting = cookie::read_waiting(&state.links, &request);
    let parameter = |name| query(&request, name).unwrap_or_default();
    let (code, came) = (parameter("code"), parameter("state"));
    let back = if code.is_empty() {
        Err(Error::Unauthenticated("The provider did not sign you in.".into()))
    } else {
        sso::finish_oidc(&state, &code, &came, &waiting, &device(&request)).await
    };
    finish(&state, &request, back).await
}

async fn finish(state: &State, request: &HttpRequest, back: Result<Back>) -> Answer {
    let mut response = match back {
        Ok(back) => enter(state, request, &back.begun, &back.next).await?,
        Err(error) => again(state, error, "", "").await?,
    };
    cookie::clear_waiting(&state.links, &mut response);
    Ok(response)
}
