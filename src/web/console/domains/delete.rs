//! `…/domains/{domain}/delete`.

use actix_web::HttpResponse;
use model::{organization::Organization, organization_domain::OrganizationDomain};

use super::place::{find, load_organization, shell};
use crate::{
    app::{self, permissions},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels,
        },
        kit::{
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `GET …/domains/{domain}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::DomainsManage)?;
    let organization = load_organization(&context).await?;
    let listed = find(&context, &organization).await?;
    Ok(confirm_page(&context, &organization, &listed, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/domains/{domain}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::DomainsManage)?;
    let organization = load_organization(&context).await?;
    let listed = find(&context, &organization).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), listed.domain.as_str()) {
        Ok(()) => {
            let (state, principal, key) = (&context.state, &context.principal, listed.domain.as_str());
            match context.delegate() {
                // It is theirs to give up.
                Some(_) => {
                    app::organizations::domains::release(state, principal, organization.id, key, None).await
                }
                None => {
                    app::organizations::domains::remove(state, principal, organization.id, key, None).await
                }
            }
        }
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(
            &context.href(console::ORGANIZATION, &[&organization.id]),
            Flash(ResourceKind::Domain, Action::Deleted),
        )),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            Ok(confirm_page(&context, &organization, &listed, &FormValues::from(&*form), &errors))
        }
    }
}

fn confirm_page(
    context: &EnvironmentContext,
    organization: &Organization,
    listed: &OrganizationDomain,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let back = context.href(console::DOMAIN, &[&organization.id, &listed.domain]);
    let effects = [match listed.state.is_accepted() {
        true => format!(
            "People with addresses of {} can no longer sign in to {}, and identity providers can no longer push them.",
            listed.domain,
            labels::organization(organization)
        ),
        false => "It counts for nothing yet, so nobody is locked out.".to_owned(),
    }];
    let deletion = DeleteConfirmation {
        kind: "domain",
        name: listed.domain.as_str(),
        effects: &effects,
        action: &context.href(console::DELETE_DOMAIN, &[&organization.id, &listed.domain]),
        cancel: &back,
    };
    shell(context, organization, "Remove domain")
        .crumb(listed.domain.as_str(), &back)
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf()))
}
