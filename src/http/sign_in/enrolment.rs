//! What somebody sets up while they sign in: an authenticator app, a passkey.

use actix_web::http::StatusCode;

use super::{
    pages::{Shown, go_on, gone, recovery_codes, render},
    place::{Place, Reply, SignInForm},
};
use crate::{
    app::{
        Error,
        authorization_server::sign_in::{
            enrolment::{self, Enrolled},
            under_way,
        },
    },
    web::{
        kit::forms::{FormErrors, FormValues},
        sign_in::{
            enrolment::SECRET,
            pages::{CODE, REQUEST},
            passkey::{ANSWER, CHALLENGE},
        },
    },
};

/// `POST …/sign-in/authenticator`
pub(super) async fn enrol_app(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let typed = (form.text(SECRET), form.text(CODE).trim());
    match enrolment::enrol_app(&place.state, &place.issuer, &under_way, typed, &visitor).await? {
        Enrolled::Done(codes) => recovery_codes(&place, &under_way, &codes).await,
        Enrolled::Refused(refused) => {
            let values = FormValues::new().with(SECRET, form.text(SECRET));
            go_on(&place, &visitor, &under_way, Shown::Authenticator, &values, Err(refused)).await
        }
    }
}

/// `POST …/sign-in/passkey/new`
pub(super) async fn add_passkey(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let answer = (form.text(CHALLENGE), form.text(ANSWER));
    let values = FormValues::new();
    match enrolment::add_passkey(&place.state, &place.issuer, &under_way, answer, &visitor).await {
        Ok(progress) => go_on(&place, &visitor, &under_way, Shown::OfferPasskey, &values, progress).await,
        Err(Error::Invalid { .. } | Error::FailedPrecondition(_) | Error::Conflict { .. }) => {
            let errors = FormErrors::one("", "No passkey was made. Try again, or go on without one.");
            render(&place, &under_way, Shown::OfferPasskey, &values, &errors, StatusCode::BAD_REQUEST).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST …/sign-in/continue`
pub(super) async fn go_on_without(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let progress = enrolment::go_on_without(&place.state, &place.issuer, &under_way, &visitor).await?;
    go_on(&place, &visitor, &under_way, Shown::Finish, &FormValues::new(), progress).await
}
