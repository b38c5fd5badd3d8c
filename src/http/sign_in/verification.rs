//! The page on which somebody confirms their address by the link of a letter. Opening it confirms nothing.

use actix_web::{http::StatusCode, web};

use super::{
    letters::{Ended, LetterQuery, ended, of_form, told},
    place::{Place, Reply, SignInForm},
};
use crate::{
    app::{Error, authorization_server::sign_in::verification, mail::Onward},
    links::path,
    web::{
        kit::response::{PagePolicy, page},
        sign_in::{pages::Told, self_service::VerifyPage},
    },
};

/// `GET …/sign-in/verify`
pub(super) async fn show(place: Place, query: web::Query<LetterQuery>) -> Reply {
    let Some(opened) = verification::open(&place.state, &place.issuer, &query.code).await? else {
        return ended(&place, Ended::Address, &Onward::default(), StatusCode::NOT_FOUND).await;
    };
    let appearance = place.appearance().await?;
    let view = VerifyPage {
        layout: place.layout(&appearance),
        action: &place.path(path::WORKSPACE_VERIFY),
        code: &query.code,
        address: opened.code.address_key.as_deref().unwrap_or_default(),
    };
    Ok(page(StatusCode::OK, PagePolicy::SameOriginForms, view.view()))
}

/// `POST …/sign-in/verify`
pub(super) async fn verify(place: Place, form: SignInForm) -> Reply {
    let (code, _) = of_form(&form.0);
    let opened = verification::open(&place.state, &place.issuer, code).await?;
    let done = match &opened {
        Some(opened) => {
            verification::verify(&place.state, &place.issuer, opened, code, &place.visitor()).await
        }
        None => Err(Error::Unauthenticated("the link has ended".into())),
    };
    let account = place.path(path::WORKSPACE_ACCOUNT);
    match done {
        Ok(()) => {
            let told_ = Told {
                title: "Your address is confirmed",
                happened: "Letters about your account can go there from now on.",
                remedy: "You can close this page.",
                reason: None,
                next: Some(("Go to your account", &account)),
            };
            told(&place, &Onward::default(), StatusCode::OK, &told_, &[]).await
        }
        Err(Error::Unauthenticated(_)) => {
            ended(&place, Ended::Address, &Onward::default(), StatusCode::UNAUTHORIZED).await
        }
        Err(Error::Conflict { .. }) => {
            let told_ = Told {
                title: "This address is not confirmed",
                happened: "It belongs to another account by now.",
                remedy: "Name another address at your account, or ask whoever manages the accounts of your organization.",
                reason: Some("address_of_another_account"),
                next: Some(("Go to your account", &account)),
            };
            told(&place, &Onward::default(), StatusCode::CONFLICT, &told_, &[]).await
        }
        Err(error) => Err(error.into()),
    }
}
