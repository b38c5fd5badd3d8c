//! The pages of a sign-in: who somebody is, their password, the second factor, another password.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Deserialize;

use super::{
    company,
    place::{Place, PlaceError, Reply, SignInForm},
};
use crate::{
    app::{
        Error,
        authorization_server::sign_in::{
            Finished, Progress, Refusal, Visitor,
            discovery::{self, Offer, Route},
            password, password_change, second_factor,
            under_way::{self, Step, UnderWay},
        },
    },
    links::path,
    web::{
        kit::{
            forms::{FormErrors, FormValues},
            response::{PagePolicy, page},
        },
        login::idp_redirect::see_other,
        sign_in::{
            cookies::{self, Purpose},
            pages::{CODE, IDENTIFIER, PASSWORD, REQUEST, SignInPage, Told},
        },
    },
};

/// What a link to the sign-in page says.
#[derive(Deserialize)]
pub(super) struct SignInQuery {
    #[serde(default)]
    request: String,
    #[serde(default)]
    identifier: String,
    /// Whether somebody wants to begin anew.
    #[serde(default)]
    again: String,
}

/// Which page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Identifier,
    Password,
    Code,
    ChangePassword,
}

/// `GET …/sign-in`
pub(super) async fn show(place: Place, query: web::Query<SignInQuery>) -> Reply {
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, &query.request, &visitor).await?
    else {
        return gone(&place).await;
    };
    let shown = match under_way.step {
        _ if !query.again.is_empty() => Shown::Identifier,
        Step::Password => Shown::Identifier,
        Step::SecondFactor => Shown::Code,
        Step::ChangePassword => Shown::ChangePassword,
    };
    let values = FormValues::new().with(IDENTIFIER, &query.identifier);
    render(&place, &under_way, shown, &values, &FormErrors::none(), StatusCode::OK).await
}

/// `POST …/sign-in`: who somebody is, or that with their password.
pub(super) async fn with_password(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let identifier = form.text(IDENTIFIER).trim();
    let values = FormValues::new().with(IDENTIFIER, identifier);
    let shown = if form.has(PASSWORD) { Shown::Password } else { Shown::Identifier };
    if identifier.is_empty() {
        let errors = FormErrors::one(IDENTIFIER, "Enter your e-mail address.");
        return render(&place, &under_way, shown, &values, &errors, StatusCode::BAD_REQUEST).await;
    }
    if shown == Shown::Identifier {
        match discovery::route(&place.state, &place.issuer, Some(identifier)).await? {
            Route::Own => {}
            Route::Company(target) => return company::go(&place, &under_way, &target, &visitor).await,
            Route::Choose(choices) => return company::choose(&place, &under_way, identifier, &choices).await,
        }
        // The same page for everybody: whether there is such an account is not looked at.
        return render(&place, &under_way, Shown::Password, &values, &FormErrors::none(), StatusCode::OK)
            .await;
    }
    let typed = form.text(PASSWORD);
    if typed.is_empty() {
        let errors = FormErrors::one(PASSWORD, "Enter your password.");
        return render(&place, &under_way, shown, &values, &errors, StatusCode::BAD_REQUEST).await;
    }
    let progress =
        password::with_password(&place.state, &place.issuer, &under_way, identifier, typed, &visitor).await?;
    go_on(&place, &visitor, &under_way, shown, &values, progress).await
}

/// `POST …/sign-in/code`
pub(super) async fn with_code(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let code = form.text(CODE).trim();
    let progress = second_factor::with_code(&place.state, &place.issuer, &under_way, code, &visitor).await?;
    go_on(&place, &visitor, &under_way, Shown::Code, &FormValues::new(), progress).await
}

/// `POST …/sign-in/password`
pub(super) async fn change_password(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let new = form.text(PASSWORD);
    let shown = Shown::ChangePassword;
    match password_change::change(&place.state, &place.issuer, &under_way, new, &visitor).await {
        Ok(progress) => go_on(&place, &visitor, &under_way, shown, &FormValues::new(), progress).await,
        Err(Error::Invalid { reason, .. }) => {
            let errors = FormErrors::one(PASSWORD, &reason);
            render(&place, &under_way, shown, &FormValues::new(), &errors, StatusCode::BAD_REQUEST).await
        }
        Err(error) => Err(error.into()),
    }
}

/// What follows a step.
async fn go_on(
    place: &Place,
    visitor: &Visitor,
    under_way: &UnderWay,
    shown: Shown,
    values: &FormValues,
    progress: Result<Progress, Refusal>,
) -> Reply {
    let refusal = match progress {
        Ok(Progress::Next(_)) => return Ok(see_other(&here(place, under_way))),
        Ok(Progress::Finished(finished)) => return Ok(signed_in(place, visitor, &finished)),
        Err(refusal) => refusal,
    };
    let again = |field, text| FormErrors::one(field, text);
    match refusal {
        Refusal::Wrong => {
            let errors = again("", "This address and this password do not belong together.");
            render(place, under_way, shown, values, &errors, StatusCode::UNAUTHORIZED).await
        }
        Refusal::WrongCode => {
            let errors = again(CODE, "This code is wrong, was used, or has expired.");
            render(place, under_way, shown, values, &errors, StatusCode::UNAUTHORIZED).await
        }
        Refusal::NotActive => not_active(place).await,
        Refusal::MustBeReset => {
            told(
                place,
                StatusCode::FORBIDDEN,
                &Told {
                    title: "Your password must be reset first",
                    happened: "Somebody who manages the accounts of your organization asked for it. Your present password is good for nothing else.",
                    remedy: "Ask them for a link with which you set another one.",
                    reason: Some("password_must_be_reset"),
                    next: None,
                },
            )
            .await
        }
        Refusal::Gone => gone(place).await,
    }
}

/// Somebody is signed in: the cookie of their session, and the answer to the application.
pub(super) fn signed_in(place: &Place, visitor: &Visitor, finished: &Finished) -> HttpResponse {
    let mut response = place.to_client(&finished.answer);
    let links = &place.state.links;
    let cookie = finished.cookie.reveal();
    cookies::set(links, &mut response, place.organization, Purpose::Session, &cookie);
    tracing::debug!(had_session = !visitor.cookies.is_empty(), "the session's cookie was set");
    response
}

/// Somebody is who they say, and may not sign in.
pub(super) async fn not_active(place: &Place) -> Reply {
    told(
        place,
        StatusCode::FORBIDDEN,
        &Told {
            title: "You cannot sign in with this account",
            happened: "Your account is not activated yet, or it is switched off.",
            remedy: "Use the link of the letter that you got. If you have none, ask whoever manages the accounts of your organization.",
            reason: Some("account_not_active"),
            next: None,
        },
    )
    .await
}

/// The address of a sign-in under way.
fn here(place: &Place, under_way: &UnderWay) -> String {
    format!("{}?{REQUEST}={}", place.path(path::WORKSPACE_SIGN_IN), under_way.name.reveal())
}

/// There is no such sign-in under way.
pub(super) async fn gone(place: &Place) -> Reply {
    told(
        place,
        StatusCode::BAD_REQUEST,
        &Told {
            title: "Begin in the app",
            happened: "This sign-in was finished, took too long, or was begun in another browser.",
            remedy: "Go to the app that you want to use and sign in from there.",
            reason: Some("sign_in_gone"),
            next: None,
        },
    )
    .await
}

async fn told(place: &Place, status: StatusCode, told: &Told<'_>) -> Reply {
    let appearance = place.appearance().await?;
    Ok(page(status, PagePolicy::SameOriginForms, told.view(&place.layout(&appearance))))
}

async fn render(
    place: &Place,
    under_way: &UnderWay,
    shown: Shown,
    values: &FormValues,
    errors: &FormErrors,
    status: StatusCode,
) -> Result<HttpResponse, PlaceError> {
    let mut appearance = place.appearance().await?;
    if !under_way.application.is_empty() {
        appearance.application.clone_from(&under_way.application);
    }
    let action = place.path(match shown {
        Shown::Identifier | Shown::Password => path::WORKSPACE_SIGN_IN,
        Shown::Code => path::WORKSPACE_SIGN_IN_CODE,
        Shown::ChangePassword => path::WORKSPACE_SIGN_IN_PASSWORD,
    });
    let (request, restart) = (under_way.name.reveal(), format!("{}&again=yes", here(place, under_way)));
    let offer = match shown {
        Shown::Identifier => discovery::offer(&place.state, &place.issuer).await?,
        Shown::Password | Shown::Code | Shown::ChangePassword => Offer::OWN,
    };
    let company = place.path(path::WORKSPACE_COMPANY);
    let view = SignInPage {
        layout: place.layout(&appearance),
        action: &action,
        company: offer.company.is_some().then_some(&*company),
        restart: &restart,
        request: &request,
        values,
        errors,
    };
    let markup = match shown {
        Shown::Identifier if !offer.own => view.company_only(),
        Shown::Identifier => view.identifier(),
        Shown::Password => view.password(),
        Shown::Code => view.code(),
        Shown::ChangePassword => view.change_password(),
    };
    // The chain of redirects after the form ends at the application.
    Ok(page(status, PagePolicy::AnyFormTarget, markup))
}
