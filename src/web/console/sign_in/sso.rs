//! `/console/sign-in/saml` and `/console/sign-in/oidc`: sign-in through an identity provider, start and callback.

use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use model::email::Email;

use super::form::{respond_with_error, start_session};
use crate::{
    app::{
        Error, Result, State,
        administrators::sso::{self, SsoCallback, SsoPurpose, SsoRedirect},
    },
    links::with_next,
    web::{
        console::kit::{
            cookies,
            redirect::{query, safe_next},
            session::CurrentAdministrator,
        },
        kit::{
            error::{PageError, PageResult},
            request::device,
            response::see_other,
        },
        login::{browser_cookie, idp_redirect},
    },
};

/// The query parameter of a sign-in that only confirms the identity of a signed-in administrator.
const CONFIRM: &str = "confirm";

/// `GET /console/sign-in/saml`
pub async fn begin_saml(state: web::Data<State>, request: HttpRequest) -> PageResult {
    let next = query(&request, "next").unwrap_or_default();
    let (local, browser) = (safe_next(&next), browser_cookie::browser(&state.links, &request));
    let account = signed_in_email(&request).await;
    match sso::begin_saml(&state, local, browser, purpose(&request, account.as_ref())).await {
        Ok((begun, sso_cookie)) => {
            let mut response = idp_redirect::send_to_idp(&state, begun);
            cookies::set_sso(&state.links, &mut response, &sso_cookie);
            Ok(response)
        }
        Err(error) => respond_with_error(&state, error, "", local).await,
    }
}

/// `GET /console/sign-in/oidc`
pub async fn begin_oidc(state: web::Data<State>, request: HttpRequest) -> PageResult {
    let next = query(&request, "next").unwrap_or_default();
    let local = safe_next(&next);
    let account = signed_in_email(&request).await;
    match sso::begin_oidc(&state, local, purpose(&request, account.as_ref())).await {
        Ok(begun) => Ok(redirect_to_provider(&state, begun)),
        Err(error @ Error::NotFound { .. }) => Err(PageError(error)),
        Err(error) => respond_with_error(&state, error, "", local).await,
    }
}

/// The e-mail address of the signed-in administrator, if any.
async fn signed_in_email(request: &HttpRequest) -> Option<Email> {
    CurrentAdministrator::extract(request).await.ok().map(|admin| admin.administrator.email.clone())
}

/// Whether this is a sign-in, or a new authentication that confirms an existing session.
fn purpose<'a>(request: &HttpRequest, account: Option<&'a Email>) -> SsoPurpose<'a> {
    match query(request, CONFIRM) {
        Some(_) => SsoPurpose::Confirm { account },
        None => SsoPurpose::SignIn,
    }
}

/// The path of a confirming sign-in that redirects to `next`.
pub(in crate::web::console) fn confirmation_path(path: &str, next: &str) -> String {
    format!("{}&{CONFIRM}=1", with_next(path, next))
}

fn redirect_to_provider(state: &State, begun: SsoRedirect) -> HttpResponse {
    let mut response = see_other(&begun.location);
    cookies::set_sso(&state.links, &mut response, &begun.cookie);
    response
}

/// `GET /console/sign-in/saml/{flow}`
pub async fn finish_saml(
    state: web::Data<State>,
    request: HttpRequest,
    flow: web::Path<String>,
) -> PageResult {
    let sso_cookie = cookies::read_sso(&state.links, &request);
    let browser = browser_cookie::browser(&state.links, &request);
    let callback = sso::finish_saml(&state, &flow, &sso_cookie, browser.as_ref(), &device(&request)).await;
    finish(&state, &request, callback).await
}

/// `GET /console/sign-in/oidc/callback`
pub async fn finish_oidc(state: web::Data<State>, request: HttpRequest) -> PageResult {
    let sso_cookie = cookies::read_sso(&state.links, &request);
    let parameter = |name| query(&request, name).unwrap_or_default();
    let (code, returned_state) = (parameter("code"), parameter("state"));
    let callback = if code.is_empty() {
        Err(Error::Unauthenticated("The provider did not sign you in.".into()))
    } else {
        sso::finish_oidc(&state, &code, &returned_state, &sso_cookie, &device(&request)).await
    };
    finish(&state, &request, callback).await
}

async fn finish(state: &State, request: &HttpRequest, callback: Result<SsoCallback>) -> PageResult {
    let mut response = match callback {
        Ok(callback) => start_session(state, request, &callback.session, &callback.next).await?,
        Err(error) => respond_with_error(state, error, "", "").await?,
    };
    cookies::clear_sso(&state.links, &mut response);
    Ok(response)
}
