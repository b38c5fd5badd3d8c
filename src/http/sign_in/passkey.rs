//! Signing in by passkey, on the pages of a sign-in under way.

use super::{
    pages::{Shown, go_on, gone},
    place::{Place, Reply, SignInForm},
};
use crate::{
    app::authorization_server::sign_in::{passkey, under_way},
    web::{
        kit::forms::FormValues,
        sign_in::{
            pages::REQUEST,
            passkey::{ANSWER, CHALLENGE},
        },
    },
};

/// `POST …/sign-in/passkey`
pub(super) async fn with_passkey(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let answer = (form.text(CHALLENGE), form.text(ANSWER));
    let progress = passkey::with_passkey(&place.state, &place.issuer, &under_way, answer, &visitor).await?;
    go_on(&place, &visitor, &under_way, Shown::Identifier, &FormValues::new(), progress).await
}
