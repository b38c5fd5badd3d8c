//! A new password by a letter: asked for, and set.

use actix_web::{http::StatusCode, web};
use serde::Deserialize;

use super::{
    letters::{Ended, LetterQuery, ended, go_on, of_form, told},
    pages::{Done, sign_in_again},
    place::{Place, Reply, SignInForm},
};
use crate::{
    app::{
        Error,
        authorization_server::sign_in::{forgotten, letter_links::Opened},
        mail::Onward,
    },
    links::path,
    web::{
        kit::{
            forms::{FormErrors, FormValues},
            password_hint::password_hint,
            response::{PagePolicy, page},
        },
        sign_in::{
            pages::{IDENTIFIER, PASSWORD, REQUEST, Told},
            self_service::{ForgottenPage, NewPasswordFor, NewPasswordPage},
        },
    },
};

/// What a link to the page says.
#[derive(Deserialize)]
pub(super) struct ForgottenQuery {
    #[serde(default)]
    request: String,
    #[serde(default)]
    identifier: String,
}

/// `GET …/sign-in/forgot`
pub(super) async fn show(place: Place, query: web::Query<ForgottenQuery>) -> Reply {
    if forgotten::self_service(&place.state, &place.issuer).await?.resets.is_empty() {
        return nobody_may(&place).await;
    }
    let values = FormValues::new().with(IDENTIFIER, &query.identifier);
    render(&place, &query.request, &values, &FormErrors::none(), StatusCode::OK).await
}

/// `POST …/sign-in/forgot`: the same answer for everybody.
pub(super) async fn send(place: Place, form: SignInForm) -> Reply {
    let (typed, request) = (form.0.text(IDENTIFIER).trim(), form.0.text(REQUEST));
    let visitor = place.visitor();
    let onward = forgotten::onward(&place.state, &place.issuer, request, &visitor).await?;
    match forgotten::send_letter(&place.state, &place.issuer, typed, &onward, &visitor).await {
        Ok(()) => {}
        Err(Error::Invalid { .. }) => {
            let values = FormValues::new().with(IDENTIFIER, typed.chars().take(320).collect::<String>());
            let errors = FormErrors::one(IDENTIFIER, "Enter the e-mail address of your account.");
            return render(&place, request, &values, &errors, StatusCode::BAD_REQUEST).await;
        }
        Err(Error::FailedPrecondition(_)) => return nobody_may(&place).await,
        Err(error) => return Err(error.into()),
    }
    let happened = format!("If there is an account with {typed}, a letter is on its way.");
    let told_ = Told {
        title: "Look into your mailbox",
        happened: &happened,
        remedy: "Open the link in it to set a new password. If nothing comes within a few minutes, look among the unwanted mail, and \
                 whether you use another address for your account.",
        reason: None,
        next: None,
    };
    let back = sign_in_again(&place, onward.request());
    told(&place, StatusCode::OK, &told_, &[("Back to sign-in", &back)]).await
}

async fn render(
    place: &Place,
    request: &str,
    values: &FormValues,
    errors: &FormErrors,
    status: StatusCode,
) -> Reply {
    let appearance = place.appearance().await?;
    let onward = Onward::parse(request, "");
    let view = ForgottenPage {
        layout: place.layout(&appearance),
        action: &place.path(path::WORKSPACE_FORGOTTEN),
        back: &sign_in_again(place, onward.request()),
        onward: &onward.parameters(),
        values,
        errors,
    };
    Ok(page(status, PagePolicy::SameOriginForms, view.view()))
}

/// People do not set new passwords by themselves here.
async fn nobody_may(place: &Place) -> Reply {
    let told_ = Told {
        title: "Ask for a new password",
        happened: "You cannot set a new password by yourself here.",
        remedy: "Ask whoever manages the accounts of your organization: they send you a link, or set one for you.",
        reason: Some("self_reset_not_allowed"),
        next: None,
    };
    let sign_in = place.path(path::WORKSPACE_SIGN_IN);
    told(place, StatusCode::NOT_FOUND, &told_, &[("Back to sign-in", &sign_in)]).await
}

/// `GET …/sign-in/reset`: uses nothing up.
pub(super) async fn show_reset(place: Place, query: web::Query<LetterQuery>) -> Reply {
    let onward = query.onward();
    match forgotten::open(&place.state, &place.issuer, &query.code).await? {
        Some(opened) => {
            render_reset(&place, &opened, &query.code, &onward, &FormErrors::none(), StatusCode::OK).await
        }
        None => ended(&place, Ended::Password, &onward, StatusCode::NOT_FOUND).await,
    }
}

/// `POST …/sign-in/reset`
pub(super) async fn reset(place: Place, form: SignInForm) -> Reply {
    let (code, onward) = of_form(&form.0);
    let password = form.0.text(PASSWORD);
    let Some(opened) = forgotten::open(&place.state, &place.issuer, code).await? else {
        return ended(&place, Ended::Password, &onward, StatusCode::UNAUTHORIZED).await;
    };
    let visitor = place.visitor();
    match forgotten::complete(&place.state, &place.issuer, &opened, code, password, &visitor).await {
        Ok(()) => go_on(&place, &onward, Done::PasswordSet).await,
        Err(Error::Unauthenticated(_)) => {
            ended(&place, Ended::Password, &onward, StatusCode::UNAUTHORIZED).await
        }
        Err(Error::Invalid { reason, .. }) => {
            let errors = FormErrors::one(PASSWORD, &reason);
            render_reset(&place, &opened, code, &onward, &errors, StatusCode::BAD_REQUEST).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn render_reset(
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
        action: &place.path(path::WORKSPACE_RESET),
        purpose: NewPasswordFor::Reset,
        code,
        onward: &onward.parameters(),
        rules: &password_hint(opened.pool.password_policy()),
        errors,
    };
    Ok(page(status, PagePolicy::SameOriginForms, view.view()))
}
