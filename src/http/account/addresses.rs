//! The addresses.

use super::call::{AccountCall, Reply};
use crate::{
    app::{
        Result,
        accounts::self_service::{addresses, addresses::OwnAddresses, overview},
    },
    http::sign_in::place::SignInForm,
    links::path,
    web::{
        account::{
            addresses::{ADDRESS, AddressesPage, CODE},
            frame::{Done, Section},
        },
        kit::forms::{FormErrors, FormValues},
    },
};

/// `GET …/account/addresses`
pub(super) async fn show(call: AccountCall) -> Reply {
    render(&call, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/account/addresses`: adds one.
pub(super) async fn add(call: AccountCall, form: SignInForm) -> Reply {
    call.require_recent(Section::Addresses)?;
    let text = form.0.text(ADDRESS).trim();
    let done = addresses::add(call.state(), &call.signed_in, text).await;
    finish(&call, done, Done::CodeSent, &FormValues::new().with(ADDRESS, text)).await
}

/// `POST …/account/addresses/verify`
pub(super) async fn verify(call: AccountCall, form: SignInForm) -> Reply {
    let (text, code) = (form.0.text(ADDRESS), form.0.text(CODE));
    let done = addresses::verify(call.state(), &call.signed_in, text, code).await;
    finish(&call, done, Done::Verified, &FormValues::new()).await
}

/// `POST …/account/addresses/send`
pub(super) async fn send_again(call: AccountCall, form: SignInForm) -> Reply {
    let done = addresses::send_again(call.state(), &call.signed_in, form.0.text(ADDRESS)).await;
    finish(&call, done, Done::CodeSent, &FormValues::new()).await
}

/// `POST …/account/addresses/sign-in`
pub(super) async fn sign_in_with(call: AccountCall, form: SignInForm) -> Reply {
    call.require_recent(Section::Addresses)?;
    let done = addresses::sign_in_with(call.state(), &call.signed_in, form.0.text(ADDRESS)).await;
    finish(&call, done, Done::Identifier, &FormValues::new()).await
}

/// `POST …/account/addresses/remove`
pub(super) async fn remove(call: AccountCall, form: SignInForm) -> Reply {
    call.require_recent(Section::Addresses)?;
    let done = addresses::remove(call.state(), &call.signed_in, form.0.text(ADDRESS)).await;
    finish(&call, done, Done::AddressRemoved, &FormValues::new()).await
}

async fn finish(call: &AccountCall, done: Result<()>, said: Done, typed: &FormValues) -> Reply {
    match done {
        Ok(()) => Ok(call.done_at(path::WORKSPACE_ACCOUNT_ADDRESSES, said)),
        Err(error) => render(call, typed, &FormErrors::from_error(error)?).await,
    }
}

async fn render(call: &AccountCall, typed: &FormValues, errors: &FormErrors) -> Reply {
    let found = overview::load(call.state(), &call.signed_in).await?;
    let addresses = OwnAddresses {
        all: addresses::join(&found.addresses, &found.identifiers),
        has_one_identifier: found.identifiers.len() == 1,
        companies: found.companies,
        can_send: addresses::can_send(call.state()),
    };
    call.page(errors, |frame| AddressesPage { frame, addresses: &addresses, typed, errors }.view()).await
}
