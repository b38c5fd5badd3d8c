//! `/console/{environment}/organizations/{organization}/domains/{domain}`: shows a domain, says what it does, and looks for its record.

use model::domain::DomainState;

use super::{
    page::{AUTO_JOIN, ROLE, ROUTING, respond, values},
    place::{find, load_organization},
};
use crate::{
    app::{self, Error, organizations::domains::DomainSwitches, permissions},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
        },
        kit::{
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `GET …/domains/{domain}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let organization = load_organization(&context).await?;
    let listed = find(&context, &organization).await?;
    respond(&context, &organization, &listed, &values(&listed), &FormErrors::none()).await
}

/// `POST …/domains/{domain}`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::DomainsManage)?;
    let organization = load_organization(&context).await?;
    let listed = find(&context, &organization).await?;
    let is_verified = listed.state == DomainState::Verified;
    let role = match form.text(ROLE) {
        "" => Ok(None),
        name => name.parse().map(Some).map_err(|_| Error::invalid(ROLE, "must be member or admin")),
    };
    let changed = match role {
        Err(error) => Err(error),
        Ok(auto_join_role) => {
            let wanted = DomainSwitches {
                routing_enabled: Some(form.flag(ROUTING)),
                auto_join_enabled: is_verified.then(|| form.flag(AUTO_JOIN)),
                auto_join_role: auto_join_role.filter(|_| is_verified),
            };
            let (principal, key) = (&context.principal, listed.domain.as_str());
            app::organizations::domains::change(&context.state, principal, organization.id, key, None, wanted)
                .await
        }
    };
    match changed {
        Ok(listed) => Ok(see_other(
            &context.href(console::DOMAIN, &[&organization.id, &listed.domain]),
            Flash(ResourceKind::Domain, Action::Saved),
        )),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            respond(&context, &organization, &listed, &FormValues::from(&*form), &errors).await
        }
    }
}

/// `POST …/domains/{domain}/check`
pub async fn check(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let organization = load_organization(&context).await?;
    let domain = context.segment("domain");
    let done = match app::organizations::domains::check(
        &context.state,
        &context.principal,
        organization.id,
        domain,
        None,
    )
    .await
    {
        Ok(listed) if listed.check_error.is_none() => Action::Verified,
        // The result is stored with the domain.
        Ok(_) | Err(Error::Conflict { .. }) => Action::Checked,
        Err(error) => return Err(error.into()),
    };
    Ok(see_other(
        &context.href(console::DOMAIN, &[&organization.id, &domain]),
        Flash(ResourceKind::Domain, done),
    ))
}

/// `POST …/domains/{domain}/verify`: a new record to publish.
pub async fn verify(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let organization = load_organization(&context).await?;
    let (principal, domain) = (&context.principal, context.segment("domain"));
    app::organizations::domains::start(&context.state, principal, organization.id, domain, None, false)
        .await?;
    Ok(see_other(
        &context.href(console::DOMAIN, &[&organization.id, &domain]),
        Flash(ResourceKind::DomainRecord, Action::Created),
    ))
}
