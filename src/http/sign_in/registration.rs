//! The page on which people make themselves an account.

use actix_web::{http::StatusCode, web};
use serde::Deserialize;

use super::{
    letters::told,
    pages::sign_in_again,
    place::{Place, PlaceError, Reply, SignInForm},
};
use crate::{
    app::{
        Error,
        authorization_server::sign_in::{
            forgotten,
            registration::{self, Offer, Typed},
        },
        mail::Onward,
    },
    links::path,
    web::{
        kit::{
            forms::{FormErrors, FormValues},
            posted::PostedForm,
            response::{PagePolicy, page},
        },
        sign_in::{
            pages::{IDENTIFIER, REQUEST, Told},
            self_service::{RegisterField, RegisterPage},
        },
    },
};

/// What a link to the page says.
#[derive(Deserialize)]
pub(super) struct RegisterQuery {
    #[serde(default)]
    request: String,
}

/// `GET …/sign-in/register`
pub(super) async fn show(place: Place, query: web::Query<RegisterQuery>) -> Reply {
    match registration::offer(&place.state, &place.issuer).await? {
        Some(offer) => {
            let (values, errors) = (FormValues::new(), FormErrors::none());
            let onward =
                forgotten::onward(&place.state, &place.issuer, &query.request, &place.visitor()).await?;
            render(&place, &offer, &onward, &values, &errors, StatusCode::OK).await
        }
        None => nobody_may(&place).await,
    }
}

/// `POST …/sign-in/register`: the same answer for everybody.
pub(super) async fn register(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let Some(offer) = registration::offer(&place.state, &place.issuer).await? else {
        return nobody_may(&place).await;
    };
    let (address, request) = (form.text(IDENTIFIER).trim(), form.text(REQUEST));
    let typed = Typed { address, profile: profile(&offer, &form) };
    let visitor = place.visitor();
    let onward = forgotten::onward(&place.state, &place.issuer, request, &visitor).await?;
    let back = sign_in_again(&place, onward.request());
    let missing = missing(&offer, &typed);
    let done = match missing.is_empty() {
        true => {
            let pool = offer.pool.id;
            registration::register(&place.state, &place.issuer, pool, &typed, &onward, &visitor)
                .await
                .map_err(named_as_in_the_form)
        }
        false => {
            let again = values(&offer, &typed);
            return render(&place, &offer, &onward, &again, &missing, StatusCode::BAD_REQUEST).await;
        }
    };
    match done {
        Ok(()) => {}
        Err(error @ (Error::Invalid { .. } | Error::InvalidFields(_))) => {
            let errors = FormErrors::from_error(error).map_err(|error| PlaceError::App(error.0))?;
            let again = values(&offer, &typed);
            return render(&place, &offer, &onward, &again, &errors, StatusCode::BAD_REQUEST).await;
        }
        // Somebody switched it off meanwhile.
        Err(Error::FailedPrecondition(_)) => return nobody_may(&place).await,
        Err(error) => return Err(error.into()),
    }
    let happened = format!("A letter is on its way to {address}.");
    let told_ = Told {
        title: "Look into your mailbox",
        happened: &happened,
        remedy: "Open the link in it to set your password: then the account is yours. If nothing comes within a few minutes, look among the unwanted mail.",
        reason: None,
        next: None,
    };
    told(&place, &onward, StatusCode::OK, &told_, &[("Back to sign-in", &back)]).await
}

/// The field of a member of the profile.
fn field(name: &str) -> String {
    format!("payload/{name}")
}

/// The members that were given.
fn profile(offer: &Offer, form: &PostedForm) -> Vec<(String, String)> {
    let given = offer.fields.iter().map(|member| (member, form.text(&field(&member.name)).trim()));
    given
        .filter(|(_, text)| !text.is_empty())
        .map(|(member, text)| (member.name.clone(), text.to_owned()))
        .collect()
}

fn missing(offer: &Offer, typed: &Typed<'_>) -> FormErrors {
    let mut errors = FormErrors::none();
    if typed.address.is_empty() {
        errors = errors.and(IDENTIFIER, "Enter your e-mail address.");
    }
    let is_given = |name: &str| typed.profile.iter().any(|(given, _)| given == name);
    for member in offer.fields.iter().filter(|member| member.required && !is_given(&member.name)) {
        errors = errors.and(&field(&member.name), "Is required.");
    }
    errors
}

/// What was typed; no more of it than fits.
fn values(offer: &Offer, typed: &Typed<'_>) -> FormValues {
    let shown = |text: &str| text.chars().take(500).collect::<String>();
    let values = FormValues::new().with(IDENTIFIER, shown(typed.address));
    offer.fields.iter().fold(values, |values, member| {
        let given = typed.profile.iter().find(|(name, _)| *name == member.name);
        values.with(&field(&member.name), given.map(|(_, text)| shown(text)).unwrap_or_default())
    })
}

/// The errors at the fields of the form.
fn named_as_in_the_form(error: Error) -> Error {
    let own = |name: &str| match name {
        "identifier" => IDENTIFIER.to_owned(),
        name => name.to_owned(),
    };
    match error {
        Error::Invalid { field, reason } => Error::Invalid { field: own(&field).into(), reason },
        error => error,
    }
}

async fn render(
    place: &Place,
    offer: &Offer,
    onward: &Onward,
    values: &FormValues,
    errors: &FormErrors,
    status: StatusCode,
) -> Reply {
    let appearance = place.appearance_for(onward).await?;
    let member = |member: &registration::ProfileField| RegisterField {
        name: field(&member.name),
        label: member.label.clone(),
        required: member.required,
    };
    let fields: Vec<RegisterField> = offer.fields.iter().map(member).collect();
    let view = RegisterPage {
        layout: place.layout(&appearance),
        action: &place.path(path::WORKSPACE_REGISTER),
        back: &sign_in_again(place, onward.request()),
        onward: &onward.parameters(),
        fields: &fields,
        values,
        errors,
    };
    Ok(page(status, PagePolicy::SameOriginForms, view.view()))
}

/// People do not make themselves accounts here.
async fn nobody_may(place: &Place) -> Reply {
    let told_ = Told {
        title: "Nobody registers here",
        happened: "Accounts are made by whoever manages them for your organization.",
        remedy: "Ask them for an account. If you have one, sign in with it.",
        reason: Some("registration_not_allowed"),
        next: None,
    };
    let sign_in = place.path(path::WORKSPACE_SIGN_IN);
    told(place, &Onward::default(), StatusCode::NOT_FOUND, &told_, &[("Sign in", &sign_in)]).await
}
