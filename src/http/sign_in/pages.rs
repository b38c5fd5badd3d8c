//! The pages of a sign-in: who somebody is, their password, the second factor, another password.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Deserialize;

use super::{
    company,
    place::{Place, PlaceError, Reply, SignInForm},
    replies::{not_active, signed_in, told_quoted},
};
use crate::{
    app::{
        Error,
        authorization_server::sign_in::{
            Progress, Refusal, Refused, Visitor,
            appearance::Appearance,
            discovery::{self, Offer, Route},
            enrolment, passkey, password, password_change, second_factor,
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
            enrolment::SECRET,
            pages::{CODE, IDENTIFIER, PASSWORD, REQUEST, SignInPage, Told},
            passkey::PasskeyForm,
        },
    },
};

pub(super) use super::replies::gone;

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
pub(super) enum Shown {
    Identifier,
    Password,
    Code,
    ChangePassword,
    Authenticator,
    OfferPasskey,
    Finish,
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
        Step::EnrolTotp => Shown::Authenticator,
        Step::OfferPasskey => Shown::OfferPasskey,
        Step::Finish => Shown::Finish,
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
pub(super) async fn go_on(
    place: &Place,
    visitor: &Visitor,
    under_way: &UnderWay,
    shown: Shown,
    values: &FormValues,
    progress: Result<Progress, Refused>,
) -> Reply {
    let Refused { why, reference } = match progress {
        Ok(Progress::Next(_)) => return Ok(see_other(&here(place, under_way))),
        Ok(Progress::Finished(finished)) => return Ok(signed_in(place, visitor, &finished)),
        Err(refused) => refused,
    };
    let quoted = reference.as_deref();
    let again = |field, text| FormErrors::one(field, text);
    match why {
        Refusal::Wrong => {
            let errors = again("", "This address and this password do not belong together.");
            render_quoted(place, under_way, shown, (values, &errors), StatusCode::UNAUTHORIZED, quoted).await
        }
        Refusal::WrongPasskey => {
            let errors = again("", "This passkey is not accepted here. Take another one, or sign in another way.");
            render_quoted(place, under_way, shown, (values, &errors), StatusCode::UNAUTHORIZED, quoted).await
        }
        Refusal::WrongCode => {
            let errors = again(CODE, "This code is wrong, was used, or has expired.");
            render_quoted(place, under_way, shown, (values, &errors), StatusCode::UNAUTHORIZED, quoted).await
        }
        Refusal::NotActive => not_active(place, quoted).await,
        Refusal::MustBeReset => {
            told_quoted(
                place,
                quoted,
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

/// The address of a sign-in under way.
fn here(place: &Place, under_way: &UnderWay) -> String {
    format!("{}?{REQUEST}={}", place.path(path::WORKSPACE_SIGN_IN), under_way.name.reveal())
}

/// The recovery codes of a new authenticator app.
pub(super) async fn recovery_codes(place: &Place, under_way: &UnderWay, codes: &[String]) -> Reply {
    let appearance = appearance(place, under_way).await?;
    let (action, request) = (place.path(path::WORKSPACE_SIGN_IN_CONTINUE), under_way.name.reveal());
    let (values, errors) = (FormValues::new(), FormErrors::none());
    let view = SignInPage {
        layout: place.layout(&appearance),
        action: &action,
        company: None,
        restart: "",
        request: &request,
        values: &values,
        errors: &errors,
        passkey: None,
        reference: None,
    };
    Ok(page(StatusCode::OK, PagePolicy::AnyFormTarget, view.recovery_codes(codes)))
}

/// What the pages of a sign-in show: the application for which it is.
async fn appearance(place: &Place, under_way: &UnderWay) -> Result<Appearance, PlaceError> {
    let mut appearance = place.appearance().await?;
    if !under_way.application.is_empty() {
        appearance.application.clone_from(&under_way.application);
    }
    Ok(appearance)
}

pub(super) async fn render(
    place: &Place,
    under_way: &UnderWay,
    shown: Shown,
    values: &FormValues,
    errors: &FormErrors,
    status: StatusCode,
) -> Result<HttpResponse, PlaceError> {
    render_quoted(place, under_way, shown, (values, errors), status, None).await
}

async fn render_quoted(
    place: &Place,
    under_way: &UnderWay,
    shown: Shown,
    (values, errors): (&FormValues, &FormErrors),
    status: StatusCode,
    quoted: Option<&str>,
) -> Result<HttpResponse, PlaceError> {
    let appearance = appearance(place, under_way).await?;
    let action = place.path(match shown {
        Shown::Identifier | Shown::Password => path::WORKSPACE_SIGN_IN,
        Shown::Code => path::WORKSPACE_SIGN_IN_CODE,
        Shown::ChangePassword => path::WORKSPACE_SIGN_IN_PASSWORD,
        Shown::Authenticator => path::WORKSPACE_SIGN_IN_AUTHENTICATOR,
        Shown::OfferPasskey | Shown::Finish => path::WORKSPACE_SIGN_IN_CONTINUE,
    });
    let (request, restart) = (under_way.name.reveal(), format!("{}&again=yes", here(place, under_way)));
    let (state, issuer) = (&place.state, &place.issuer);
    let application = appearance.application.as_str();
    let challenge = match shown {
        Shown::Identifier | Shown::Password => passkey::challenge(state, issuer, under_way).await?,
        Shown::OfferPasskey => enrolment::new_passkey(state, issuer, under_way, application).await?,
        _ => None,
    };
    let asked = place.path(match shown {
        Shown::OfferPasskey => path::WORKSPACE_SIGN_IN_NEW_PASSKEY,
        _ => path::WORKSPACE_SIGN_IN_PASSKEY,
    });
    let form =
        challenge.as_ref().map(|challenge| PasskeyForm { action: &asked, request: &request, challenge });
    let offer = match shown {
        Shown::Identifier => discovery::offer(state, issuer).await?,
        _ => Offer::OWN,
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
        passkey: form,
        reference: quoted,
    };
    let markup = match shown {
        Shown::Authenticator => {
            let given = values.is_given(SECRET).then(|| values.text(SECRET));
            match enrolment::new_app(state, issuer, under_way, given, application).await? {
                Some(app) => view.authenticator(&app),
                None => return gone(place).await,
            }
        }
        Shown::OfferPasskey => match &form {
            Some(form) => view.offer_passkey(form),
            None => return gone(place).await,
        },
        Shown::Finish => view.go_on(),
        Shown::Identifier if !offer.own => view.company_only(),
        Shown::Identifier => view.identifier(),
        Shown::Password => view.password(),
        Shown::Code => view.code(),
        Shown::ChangePassword => view.change_password(),
    };
    // The chain of redirects after the form ends at the application.
    Ok(page(status, PagePolicy::AnyFormTarget, markup))
}
