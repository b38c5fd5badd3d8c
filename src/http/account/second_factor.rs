//! The authenticator app and the recovery codes.

use model::account::CredentialSummary;

use super::call::{AccountCall, Reply};
use crate::{
    app::{
        Error,
        accounts::self_service::{
            overview,
            second_factor::{self, Enrolment},
        },
    },
    http::sign_in::place::SignInForm,
    links::path,
    web::{
        account::{
            frame::{Done, Section},
            second_factor::{AppPage, CODE, SEALED, SecondFactorPage, recovery_codes},
        },
        kit::forms::FormErrors,
    },
};

/// `GET …/account/second-factor`
pub(super) async fn show(call: AccountCall) -> Reply {
    render(&call, &FormErrors::none()).await
}

/// `POST …/account/second-factor`: removes the app.
pub(super) async fn remove(call: AccountCall, _form: SignInForm) -> Reply {
    call.require_recent(Section::SecondFactor)?;
    match second_factor::remove(call.state(), &call.signed_in).await {
        Ok(()) => Ok(call.done_at(path::WORKSPACE_ACCOUNT_SECOND_FACTOR, Done::AppRemoved)),
        Err(error) => render(&call, &FormErrors::from_error(error)?).await,
    }
}

/// `POST …/account/second-factor/codes`
pub(super) async fn new_recovery_codes(call: AccountCall, _form: SignInForm) -> Reply {
    call.require_recent(Section::SecondFactor)?;
    match second_factor::new_recovery_codes(call.state(), &call.signed_in).await {
        Ok(codes) => {
            let title = "New recovery codes";
            call.page(&FormErrors::none(), |frame| recovery_codes(frame, &codes, title)).await
        }
        Err(error) => render(&call, &FormErrors::from_error(error)?).await,
    }
}

/// `GET …/account/second-factor/app`
pub(super) async fn begin(call: AccountCall) -> Reply {
    call.require_recent(Section::App)?;
    match second_factor::begin(call.state(), &call.signed_in) {
        Ok(enrolment) => app(&call, &enrolment, &FormErrors::none()).await,
        Err(error) => render(&call, &FormErrors::from_error(error)?).await,
    }
}

/// `POST …/account/second-factor/app`
pub(super) async fn complete(call: AccountCall, form: SignInForm) -> Reply {
    call.require_recent(Section::App)?;
    let (state, signed_in) = (call.state(), &call.signed_in);
    let enrolment = match second_factor::resume(state, signed_in, form.0.text(SEALED)) {
        Ok(enrolment) => enrolment,
        Err(error) => return render(&call, &FormErrors::from_error(error)?).await,
    };
    match second_factor::complete(state, signed_in, &enrolment, form.0.text(CODE)).await {
        Ok(codes) => {
            let title = "Your authenticator app is set up";
            call.page(&FormErrors::none(), |frame| recovery_codes(frame, &codes, title)).await
        }
        Err(error @ Error::Invalid { .. }) => app(&call, &enrolment, &FormErrors::from_error(error)?).await,
        Err(error) => render(&call, &FormErrors::from_error(error)?).await,
    }
}

async fn app(call: &AccountCall, enrolment: &Enrolment, errors: &FormErrors) -> Reply {
    let appearance = call.appearance().await?;
    let found = overview::load(call.state(), &call.signed_in).await?;
    let uri = enrolment.uri(&appearance.application, &found.name(call.signed_in.user()));
    let secret = enrolment.secret();
    call.page(errors, |frame| {
        AppPage { frame, secret: &secret, uri: &uri, sealed: &enrolment.sealed, errors }.view()
    })
    .await
}

async fn render(call: &AccountCall, errors: &FormErrors) -> Reply {
    let found = overview::load(call.state(), &call.signed_in).await?;
    let app = found.credentials.iter().find_map(|one| match one {
        CredentialSummary::Totp { created_at } => Some(*created_at),
        _ => None,
    });
    let codes_left = found.credentials.iter().find_map(|one| match one {
        CredentialSummary::RecoveryCodes { left, .. } => Some(*left),
        _ => None,
    });
    let offered = second_factor::is_offered(&call.signed_in);
    call.page(errors, |frame| {
        SecondFactorPage { frame, offered, app, codes_left: codes_left.unwrap_or_default(), errors }.view()
    })
    .await
}
