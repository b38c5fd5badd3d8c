//! Signing in through the identity provider of somebody's company: the way there, the way back, and back to the application
//! without having signed in.

use actix_web::{http::StatusCode, web};
use model::branding::plain_name;
use serde::Deserialize;

use super::{
    place::{Place, Reply, SignInForm},
    replies::{gone, not_active, signed_in},
};
use crate::{
    app::authorization_server::sign_in::{
        AnyLoginConnection, Refusal, Visitor, company, discovery,
        under_way::{self, UnderWay},
    },
    links::path,
    web::{
        kit::{
            forms::{FormErrors, FormValues},
            response::{PagePolicy, page},
        },
        sign_in::{
            ORGANIZATION,
            pages::{IDENTIFIER, REQUEST, SignInPage, WaysIn},
        },
    },
};

/// Which login, and the proof of the browser that posted its answer.
#[derive(Deserialize)]
pub(super) struct LoginQuery {
    #[serde(default)]
    login: String,
    #[serde(default)]
    proof: String,
}

/// `POST …/sign-in/company`: to the organization's identity provider, or to that of the organization that somebody chose.
pub(super) async fn begin(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let target = match form.has(ORGANIZATION) {
        true => {
            let (typed, choice) = (form.text(IDENTIFIER), form.text(ORGANIZATION));
            discovery::chosen(&place.state, &place.issuer, typed, choice).await?
        }
        false => discovery::offer(&place.state, &place.issuer).await?.company,
    };
    match target {
        Some(target) => go(&place, &under_way, &target, &visitor).await,
        None => gone(&place).await,
    }
}

/// Sends the browser to the identity provider of a connection.
pub(super) async fn go(
    place: &Place,
    under_way: &UnderWay,
    target: &AnyLoginConnection,
    visitor: &Visitor,
) -> Reply {
    let (name, request) = (&under_way.name, &under_way.request);
    match company::begin(&place.state, name, request, target, visitor).await? {
        Some(login) => Ok(place.to_identity_provider(login)),
        None => gone(place).await,
    }
}

/// The page that asks which of several organizations somebody wants to sign in for.
pub(super) async fn choose(
    place: &Place,
    under_way: &UnderWay,
    typed: &str,
    choices: &[AnyLoginConnection],
) -> Reply {
    let mut appearance = place.appearance().await?;
    if !under_way.application.is_empty() {
        appearance.application.clone_from(&under_way.application);
    }
    let named: Vec<(String, String)> = choices
        .iter()
        .map(|choice| {
            let id = choice.organization().id.to_string();
            let name = plain_name(choice.organization().shown_name());
            (if name.is_empty() { id.clone() } else { name }, id)
        })
        .collect();
    let named: Vec<(&str, &str)> = named.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
    let (sign_in, action) = (place.path(path::WORKSPACE_SIGN_IN), place.path(path::WORKSPACE_COMPANY));
    let request = under_way.name.reveal();
    let view = SignInPage {
        layout: place.layout_before_company(&appearance),
        action: &sign_in,
        company: Some(&action),
        restart: &format!("{sign_in}?{REQUEST}={request}&again=yes"),
        request: &request,
        values: &FormValues::new().with(IDENTIFIER, typed),
        errors: &FormErrors::none(),
        bare: under_way.request.client_id.is_none(),
        done: None,
        ways_in: &WaysIn::default(),
        passkey: None,
        reference: None,
    };
    Ok(page(StatusCode::OK, PagePolicy::AnyFormTarget, view.choose(&named)))
}

/// `GET …/sign-in/company/finish`: the identity provider has answered.
pub(super) async fn finish(place: Place, query: web::Query<LoginQuery>) -> Reply {
    let visitor = place.visitor();
    let finished = company::finish(&place.state, &place.issuer, &query.login, &query.proof, &visitor).await?;
    match finished {
        Ok(finished) => Ok(signed_in(&place, &visitor, &finished)),
        Err(Refusal::NotActive) => not_active(&place, None).await,
        Err(_) => gone(&place).await,
    }
}

/// `GET …/sign-in/company/decline`: back to the application, which gets an error.
pub(super) async fn decline(place: Place, query: web::Query<LoginQuery>) -> Reply {
    let visitor = place.visitor();
    match company::decline(&place.state, &place.issuer, &query.login, &visitor).await? {
        Some(answer) => Ok(place.to_client(&answer)),
        None => gone(&place).await,
    }
}
