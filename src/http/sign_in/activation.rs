//! The page on which a new user sets their password. Opening it uses nothing up.

use actix_web::{http::StatusCode, web};

use super::{
    letters::{Ended, LetterQuery, ended, go_on, of_form},
    pages::Done,
    place::{Place, Reply, SignInForm},
};
use crate::{
    app::{
        Error,
        authorization_server::sign_in::{activation, letter_links::Opened},
        mail::Onward,
    },
    links::path,
    web::{
        kit::{
            forms::FormErrors,
            password_hint::password_hint,
            response::{PagePolicy, page},
        },
        sign_in::{
            pages::PASSWORD,
            self_service::{NewPasswordFor, NewPasswordPage},
        },
    },
};

/// `GET …/sign-in/activate`
pub(super) async fn show(place: Place, query: web::Query<LetterQuery>) -> Reply {
    let onward = query.onward();
    match activation::open(&place.state, &place.issuer, &query.code).await? {
        Some(opened) => {
            render(&place, &opened, &query.code, &onward, &FormErrors::none(), StatusCode::OK).await
        }
        None => ended(&place, Ended::Password, &onward, StatusCode::NOT_FOUND).await,
    }
}

/// `POST …/sign-in/activate`
pub(super) async fn activate(place: Place, form: SignInForm) -> Reply {
    let (code, onward) = of_form(&form.0);
    let password = form.0.text(PASSWORD);
    let Some(opened) = activation::open(&place.state, &place.issuer, code).await? else {
        return ended(&place, Ended::Password, &onward, StatusCode::UNAUTHORIZED).await;
    };
    let visitor = place.visitor();
    match activation::activate(&place.state, &place.issuer, &opened, code, password, &visitor).await {
        Ok(()) => go_on(&place, &onward, Done::Activated).await,
        Err(Error::Unauthenticated(_)) => {
            ended(&place, Ended::Password, &onward, StatusCode::UNAUTHORIZED).await
        }
        Err(Error::Invalid { reason, .. } | Error::FailedPrecondition(reason)) => {
            let errors = FormErrors::one(PASSWORD, &reason);
            render(&place, &opened, code, &onward, &errors, StatusCode::BAD_REQUEST).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn render(
    place: &Place,
    opened: &Opened,
    code: &str,
    onward: &Onward,
    errors: &FormErrors,
    status: StatusCode,
) -> Reply {
    let appearance = place.appearance().await?;
    let view = NewPasswordPage {
        layout: place.layout(&appearance),
        action: &place.path(path::WORKSPACE_ACTIVATE),
        purpose: NewPasswordFor::Activation,
        code,
        onward: &onward.parameters(),
        rules: &password_hint(opened.pool.password_policy()),
        errors,
    };
    Ok(page(status, PagePolicy::SameOriginForms, view.view()))
}
