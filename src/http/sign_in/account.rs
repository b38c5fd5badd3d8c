//! Where a sign-in for no application ends: who is signed in.

use actix_web::http::StatusCode;

use super::{
    letters::told,
    place::{Place, Reply},
};
use crate::{
    app::authorization_server::sign_in::bare,
    links::path,
    web::{login::idp_redirect::see_other, sign_in::pages::Told},
};

/// `GET …/account`
pub(super) async fn show(place: Place) -> Reply {
    let Some(name) = bare::signed_in(&place.state, &place.issuer, &place.visitor()).await? else {
        return Ok(see_other(&place.path(path::WORKSPACE_SIGN_IN)));
    };
    let happened = format!("You are signed in as {name}.");
    let logout = place.path(path::WORKSPACE_LOGOUT);
    let told_ = Told {
        title: "Your account",
        happened: &happened,
        remedy: "Applications of your organization let you in without asking again.",
        reason: None,
        next: Some(("Sign out", &logout)),
    };
    told(&place, StatusCode::OK, &told_, &[]).await
}
