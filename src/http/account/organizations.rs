//! The organizations that the user belongs to, and those to which they are invited.

use actix_web::{HttpResponse, web};
use base::id::OrganizationId;
use serde::Deserialize;

use super::call::{AccountCall, AccountError, Reply};
use crate::{
    app::{Error, accounts::self_service::organizations, invitations},
    http::sign_in::place::SignInForm,
    links::path,
    web::{
        account::{
            frame::{Done, Section},
            organizations as pages,
            organizations::{ADDRESS, OrganizationsPage},
        },
        kit::forms::{FormErrors, FormValues},
    },
};

/// `GET …/account/organizations`
pub(super) async fn show(call: AccountCall) -> Reply {
    render(&call, &FormErrors::none()).await
}

async fn render(call: &AccountCall, errors: &FormErrors) -> Reply {
    let own = organizations::list(call.state(), &call.signed_in).await?;
    let pending = invitations::pending_of(call.state(), &call.signed_in).await?;
    call.page(errors, |frame| {
        OrganizationsPage { frame, organizations: &own, invitations: &pending, errors }.view()
    })
    .await
}

/// The organization of a path.
#[derive(Deserialize)]
pub(super) struct OrganizationPath {
    own: String,
}

impl OrganizationPath {
    fn id(&self) -> Result<OrganizationId, AccountError> {
        self.own.parse().map_err(|_| AccountError::Gone)
    }
}

/// The invitation of a path.
#[derive(Deserialize)]
pub(super) struct InvitationPath {
    invitation: String,
}

/// What went wrong, where the page says it; everything else is an error.
fn said(error: Error) -> Result<FormErrors, AccountError> {
    match error {
        Error::Rule(rule) => Ok(FormErrors::one("", &rule.text)),
        Error::NotFound { .. } => Err(AccountError::Gone),
        error => Ok(FormErrors::from_error(error)?),
    }
}

/// `POST …/account/invitations/{invitation}`: accepts it.
pub(super) async fn join(call: AccountCall, path: web::Path<InvitationPath>, _form: SignInForm) -> Reply {
    let id = path.invitation.parse().map_err(|_| AccountError::Gone)?;
    match invitations::accept_own(call.state(), &call.signed_in, id).await {
        Ok(_) => Ok(done(&call, Done::Joined)),
        Err(error) => render(&call, &said(error)?).await,
    }
}

/// `GET …/account/organizations/{organization}/leave`
pub(super) async fn confirm_leaving(call: AccountCall, path: web::Path<OrganizationPath>) -> Reply {
    render_leaving(&call, path.id()?, &FormErrors::none()).await
}

/// `POST …/account/organizations/{organization}/leave`
pub(super) async fn leave(call: AccountCall, path: web::Path<OrganizationPath>, _form: SignInForm) -> Reply {
    let id = path.id()?;
    match organizations::leave(call.state(), &call.signed_in, id).await {
        Ok(()) => Ok(done(&call, Done::Left)),
        Err(error) => render_leaving(&call, id, &said(error)?).await,
    }
}

async fn render_leaving(call: &AccountCall, id: OrganizationId, errors: &FormErrors) -> Reply {
    let own = organizations::find(call.state(), &call.signed_in, id).await?;
    call.page(errors, |frame| pages::leave(frame, &own, errors)).await
}

/// `GET …/account/organizations/{organization}/transfer`
pub(super) async fn confirm_transfer(call: AccountCall, path: web::Path<OrganizationPath>) -> Reply {
    render_transfer(&call, path.id()?, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/account/organizations/{organization}/transfer`
pub(super) async fn transfer(
    call: AccountCall,
    path: web::Path<OrganizationPath>,
    form: SignInForm,
) -> Reply {
    let id = path.id()?;
    call.require_recent(Section::Organizations)?;
    let address = form.0.text(ADDRESS).trim();
    match organizations::transfer(call.state(), &call.signed_in, id, address).await {
        Ok(()) => Ok(done(&call, Done::Transferred)),
        Err(error) => {
            let shown: String = address.chars().take(300).collect();
            let values = FormValues::new().with(ADDRESS, shown);
            render_transfer(&call, id, &values, &said(error)?).await
        }
    }
}

async fn render_transfer(
    call: &AccountCall,
    id: OrganizationId,
    values: &FormValues,
    errors: &FormErrors,
) -> Reply {
    let own = organizations::find(call.state(), &call.signed_in, id).await?;
    call.page(errors, |frame| pages::transfer(frame, &own, values, errors)).await
}

fn done(call: &AccountCall, done: Done) -> HttpResponse {
    call.done_at(path::WORKSPACE_ACCOUNT_ORGANIZATIONS, done)
}
