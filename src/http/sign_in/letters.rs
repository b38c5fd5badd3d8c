//! What the pages of letters' links have in common: what a link says, where somebody goes on to, and links that are not good.

use actix_web::{HttpResponse, http::StatusCode};
use oauth::parameters::encode_pairs;
use serde::Deserialize;

use super::{
    pages::{Done, ways_in},
    place::{Place, Reply},
};
use crate::{
    app::{
        authorization_server::sign_in::letter_links::{self, Next},
        mail::Onward,
    },
    links::path,
    web::{
        kit::{
            posted::PostedForm,
            response::{PagePolicy, page},
        },
        login::idp_redirect::see_other,
        sign_in::pages::{CODE, REQUEST, Told},
    },
};

/// The parameter with an application.
const CLIENT: &str = "client_id";

/// What the link of a letter says.
#[derive(Deserialize)]
pub(super) struct LetterQuery {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    request: String,
    #[serde(default)]
    client_id: String,
}

impl LetterQuery {
    /// Where it leads on.
    pub(super) fn onward(&self) -> Onward {
        Onward::parse(&self.request, &self.client_id)
    }
}

/// The code of a form, and where it leads on.
pub(super) fn of_form(form: &PostedForm) -> (&str, Onward) {
    (form.text(CODE), Onward::parse(form.text(REQUEST), form.text(CLIENT)))
}

/// Goes on, after what a link is for was done.
pub(super) async fn go_on(place: &Place, onward: &Onward, done: Done) -> Reply {
    let bare = format!("{}?done={}", place.path(path::WORKSPACE_SIGN_IN), done.as_str());
    Ok(match letter_links::next(&place.state, &place.issuer, onward, &place.visitor()).await? {
        Next::SignIn(under_way) => {
            let name = under_way.name.reveal();
            let pairs = [(REQUEST, name.as_str()), ("done", done.as_str())];
            see_other(&format!("{}?{}", place.path(path::WORKSPACE_SIGN_IN), encode_pairs(&pairs)))
        }
        Next::Bare => see_other(&bare),
        Next::Application(name, url) => {
            let label = if name.is_empty() { "Go to the app".to_owned() } else { format!("Go to {name}") };
            let told = Told {
                title: "Your account is ready",
                happened: done.sentence(),
                remedy: "Go to the app and sign in there with your address and this password.",
                reason: None,
                next: Some((&label, &url)),
            };
            let appearance = place.appearance_for(onward).await?;
            let view = told.view_with(&place.layout(&appearance), &[("Sign in to your account", &bare)]);
            page(StatusCode::OK, PagePolicy::SameOriginForms, view)
        }
    })
}

/// What a link is for that is not good any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// To set a password.
    Password,
    /// To confirm an address.
    Address,
}

/// Says that a link is not good any more, and where there is another one.
pub(super) async fn ended(place: &Place, what: Ended, onward: &Onward, status: StatusCode) -> Reply {
    let appearance = place.appearance_for(onward).await?;
    let offered = ways_in(place, &onward.parameters(), "").await?;
    let account = place.path(path::WORKSPACE_ACCOUNT);
    let (remedy, next) = match (what, offered.forgotten.as_deref()) {
        (Ended::Address, _) => (
            "Sign in to your account: it says which of your addresses are confirmed, and sends you another letter.",
            Some(("Go to your account", account.as_str())),
        ),
        (Ended::Password, Some(href)) => (
            "If you still need one, ask for another letter. If you have set a password with this one, sign in with that.",
            Some(("Send me another letter", href)),
        ),
        (Ended::Password, None) => (
            "If you have set a password with it, sign in with that. Otherwise ask whoever sent it to you for another one.",
            None,
        ),
    };
    let told = Told {
        title: "This link is not good any more",
        happened: "It was used, has expired, or a newer letter was sent.",
        remedy,
        reason: Some("link_ended"),
        next,
    };
    let sign_in = place.path(path::WORKSPACE_SIGN_IN);
    let view = told.view_with(&place.layout(&appearance), &[("Sign in", &sign_in)]);
    Ok(page(status, PagePolicy::SameOriginForms, view))
}

/// An answer without anything to fill in.
pub(super) async fn told(
    place: &Place,
    onward: &Onward,
    status: StatusCode,
    told: &Told<'_>,
    others: &[(&str, &str)],
) -> Result<HttpResponse, super::place::PlaceError> {
    let appearance = place.appearance_for(onward).await?;
    Ok(page(status, PagePolicy::SameOriginForms, told.view_with(&place.layout(&appearance), others)))
}
