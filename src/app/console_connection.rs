//! The SAML connection through which administrators sign in to the console (`console.saml_connection`). Whoever changes it,
//! or the domains and directories of its organization, decides who can sign in as an administrator, so it takes an owner of every
//! environment.

use base::id::OrganizationId;

use super::{
    Error, Result, State,
    permissions::Action,
    principal::{Principal, Subject},
};
use crate::store::login_connections::{self, LoginConnection};

/// The connection as it is stored; `None` if the setting names none, or one that does not exist.
/// [`Error::FailedPrecondition`] if administrators may not sign in through it.
pub(super) async fn find(state: &State) -> Result<Option<LoginConnection>> {
    let found = load(state).await?;
    match found {
        Some(own) if own.connection.test => Err(Error::FailedPrecondition(
            "console.saml_connection is a connection to the test identity provider, where anybody can be anybody; \
             name another one"
                .into(),
        )),
        found => Ok(found),
    }
}

/// Requires that the caller may change this organization, its domains, SAML connections or directories, as far as the console's own
/// connection is concerned. The caller is authorised for them already.
pub(super) async fn ensure_may_change(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
) -> Result<()> {
    if principal.subject == Subject::Service
        || principal.authorize_everywhere(Action::GlobalAdministratorsManage).is_ok()
        || !is_of(state, principal, organization_id).await?
    {
        return Ok(());
    }
    Err(Error::Forbidden(
        "administrators sign in to the console through this organization’s SAML connection: it takes an owner of \
         every environment to change it"
            .into(),
    ))
}

/// Requires that the organization is not that of the console's own connection: what a setup link for it gives access to
/// could not be changed with it.
pub(super) async fn ensure_is_not_of(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
) -> Result<()> {
    match is_of(state, principal, organization_id).await? {
        false => Ok(()),
        true => Err(Error::FailedPrecondition(
            "administrators sign in to the console through this organization’s SAML connection; it can have no setup \
             links"
                .into(),
        )),
    }
}

async fn is_of(state: &State, principal: &Principal, organization_id: OrganizationId) -> Result<bool> {
    let own = load(state).await?;
    Ok(own.is_some_and(|own| {
        own.organization.id == organization_id && principal.environment().ok() == Some(own.environment.id)
    }))
}

async fn load(state: &State) -> Result<Option<LoginConnection>> {
    match state.settings.console.saml_connection {
        Some(id) => Ok(login_connections::find_for_login(&mut state.db.read().await?, id).await?),
        None => Ok(None),
    }
}
