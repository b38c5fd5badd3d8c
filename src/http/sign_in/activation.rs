//! The page on which a new user sets their first password. Opening it uses nothing up.

use actix_web::{http::StatusCode, web};
use serde::Deserialize;

use super::place::{Place, Reply, SignInForm};
use crate::{
    app::{Error, authorization_server::sign_in::activation},
    links::path,
    web::{
        kit::{
            forms::FormErrors,
            response::{PagePolicy, page},
        },
        sign_in::pages::{ActivationPage, CODE, PASSWORD, Told},
    },
};

/// What the link says.
#[derive(Deserialize)]
pub(super) struct ActivationQuery {
    #[serde(default)]
    code: String,
}

/// `GET …/sign-in/activate`
pub(super) async fn show(place: Place, query: web::Query<ActivationQuery>) -> Reply {
    match activation::find(&place.state, &place.issuer, &query.code).await? {
        Some(_) => render(&place, &query.code, &FormErrors::none(), StatusCode::OK).await,
        None => ended(&place, StatusCode::NOT_FOUND).await,
    }
}

/// `POST …/sign-in/activate`
pub(super) async fn activate(place: Place, form: SignInForm) -> Reply {
    let (code, password) = (form.0.text(CODE), form.0.text(PASSWORD));
    let done = activation::activate(&place.state, &place.issuer, code, password, &place.visitor()).await;
    match done {
        Ok(()) => {}
        Err(Error::Unauthenticated(_)) => return ended(&place, StatusCode::UNAUTHORIZED).await,
        Err(Error::Invalid { reason, .. } | Error::FailedPrecondition(reason)) => {
            let errors = FormErrors::one(PASSWORD, &reason);
            return render(&place, code, &errors, StatusCode::BAD_REQUEST).await;
        }
        Err(error) => return Err(error.into()),
    }
    let appearance = place.appearance().await?;
    let next = appearance.branding.return_url.as_ref().map(|url| url.as_str());
    let told = Told {
        title: "Your password is set",
        happened: "Your account is ready.",
        remedy: "Go to the app that you want to use, and sign in there with your address and this password.",
        reason: None,
        next: next.map(|url| ("Go to the app", url)),
    };
    Ok(page(StatusCode::OK, PagePolicy::SameOriginForms, told.view(&place.layout(&appearance))))
}

async fn render(place: &Place, code: &str, errors: &FormErrors, status: StatusCode) -> Reply {
    let appearance = place.appearance().await?;
    let action = place.path(path::WORKSPACE_ACTIVATE);
    let view = ActivationPage { layout: place.layout(&appearance), action: &action, code, errors };
    Ok(page(status, PagePolicy::SameOriginForms, view.view()))
}

async fn ended(place: &Place, status: StatusCode) -> Reply {
    let appearance = place.appearance().await?;
    let told = Told {
        title: "This link is not good any more",
        happened: "It was used, has expired, or a newer one was sent. If you have set a password with it, sign in with that.",
        remedy: "Ask whoever sent it to you for another one.",
        reason: Some("link_ended"),
        next: None,
    };
    Ok(page(status, PagePolicy::SameOriginForms, told.view(&place.layout(&appearance))))
}
