//! A new password by a letter, as it is asked for.

use actix_web::{http::StatusCode, web};
use serde::Deserialize;

use super::{
    letters::told,
    pages::sign_in_again,
    place::{Place, Reply, SignInForm},
};
use crate::{
    app::{Error, authorization_server::sign_in::forgotten, mail::Onward},
    links::path,
    web::{
        kit::{
            forms::{FormErrors, FormValues},
            response::{PagePolicy, page},
        },
        sign_in::{
            pages::{IDENTIFIER, REQUEST, Told},
            self_service::ForgottenPage,
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
    let onward = forgotten::onward(&place.state, &place.issuer, &query.request, &place.visitor()).await?;
    let values = FormValues::new().with(IDENTIFIER, &query.identifier);
    render(&place, &onward, &values, &FormErrors::none(), StatusCode::OK).await
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
            return render(&place, &onward, &values, &errors, StatusCode::BAD_REQUEST).await;
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
    told(&place, &onward, StatusCode::OK, &told_, &[("Back to sign-in", &back)]).await
}

async fn render(
    place: &Place,
    onward: &Onward,
    values: &FormValues,
    errors: &FormErrors,
    status: StatusCode,
) -> Reply {
    let appearance = place.appearance_for(onward).await?;
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
    told(place, &Onward::default(), StatusCode::NOT_FOUND, &told_, &[("Back to sign-in", &sign_in)]).await
}
