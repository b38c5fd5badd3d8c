//! What is kept about the user: downloaded, and erased with the account.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};

use super::call::{AccountCall, Reply};
use crate::{
    app::{
        Error, Result,
        accounts::self_service::{data, erasure, overview},
    },
    http::sign_in::place::SignInForm,
    web::{
        account::{data as pages, frame::Section},
        kit::{
            confirm::{self, FIELD},
            forms::{FormErrors, FormValues},
            response::{PagePolicy, page},
        },
        sign_in::cookies::{self, Purpose},
    },
};

/// `GET …/account/data`
pub(super) async fn show(call: AccountCall) -> Reply {
    call.page(&FormErrors::none(), pages::data).await
}

/// `GET …/account/data/account.json`
pub(super) async fn download(call: AccountCall) -> Reply {
    call.require_recent(Section::Data)?;
    let all = data::download(call.state(), &call.signed_in).await?;
    let body = serde_json::to_string_pretty(&all).map_err(Error::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"account.json\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(body))
}

/// `GET …/account/erase`
pub(super) async fn confirm_erasure(call: AccountCall) -> Reply {
    call.require_recent(Section::Erase)?;
    render(&call, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/account/erase`
pub(super) async fn erase(call: AccountCall, form: SignInForm) -> Reply {
    call.require_recent(Section::Erase)?;
    let typed = form.0.text(FIELD);
    if let Err(error) = erase_named(&call, typed).await {
        let typed = FormValues::new().with(FIELD, typed);
        return render(&call, &typed, &FormErrors::from_error(error)?).await;
    }
    let appearance = call.appearance().await?;
    let next = appearance.branding.return_url.as_ref().map(|url| ("Back to the app", url.as_str()));
    let view = pages::erased(next).view(&call.place.layout(&appearance));
    let mut response = page(StatusCode::OK, PagePolicy::SameOriginForms, view);
    cookies::clear(&call.state().links, &mut response, call.place.organization, Purpose::Session);
    Ok(response)
}

async fn erase_named(call: &AccountCall, typed: &str) -> Result<()> {
    confirm::check(typed, &name(call).await?)?;
    erasure::erase(call.state(), &call.signed_in).await
}

/// What is typed to confirm it: what the user signs in with.
async fn name(call: &AccountCall) -> Result<String> {
    Ok(overview::load(call.state(), &call.signed_in).await?.name(call.signed_in.user()))
}

async fn render(call: &AccountCall, typed: &FormValues, errors: &FormErrors) -> Reply {
    let name = name(call).await?;
    call.page(errors, |frame| pages::erase(frame, &name, typed, errors)).await
}
