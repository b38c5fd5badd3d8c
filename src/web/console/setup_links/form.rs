//! `…/setup-links/new`: creates a setup link and shows it once.

use std::time::Duration;

use actix_web::HttpResponse;
use base::id::OrganizationId;
use maud::html;
use model::organization::Organization;

use super::list::{load_organization, permissions};
use crate::{
    app::{self, Error, permissions, setup::links::NewSetupLink},
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, form::ConsoleForm, labels, shell::Section},
        kit::{
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
            posted::PostedForm,
            secret::SecretPanel,
        },
    },
};

const LIFETIMES: [(&str, &str); 4] =
    [("86400", "1 day"), ("259200", "3 days"), ("604800", "7 days"), ("2592000", "30 days")];

/// `GET …/setup-links/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::SetupLinksManage)?;
    let organization = load_organization(&context).await?;
    let typed = FormValues::new()
        .with_flag("canManageSaml", true)
        .with_flag("canManageDomains", true)
        .with("lifetimeSeconds", "604800");
    Ok(new_page(&context, &organization, &typed, &FormErrors::none()))
}

/// `POST …/setup-links/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::SetupLinksManage)?;
    let organization = load_organization(&context).await?;
    let made = match parse_form(organization.id, &form) {
        Ok(new_link) => app::setup::links::create(&context.state, &context.principal, &new_link).await,
        Err(wrong) => Err(wrong),
    };
    match made {
        Ok((link, address)) => {
            let back = context.href(console::ORGANIZATION, &[&organization.id]);
            let about = format!(
                "Send it to the customer’s IT admin. The first browser in which its button is pressed can set up {} of {}; after that it opens nothing for anybody else.",
                permissions(&link),
                labels::organization(&organization)
            );
            let panel = SecretPanel { name: "setup link", value: &address, about: &about, next_url: &back };
            Ok(context
                .shell(Section::Organizations, "Setup link")
                .crumb(labels::organization(&organization), &back)
                .respond(html! {
                    h1 { "Setup link" }
                    section.card.stack { (panel.view()) }
                }))
        }
        Err(error) => {
            Ok(new_page(&context, &organization, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

fn parse_form(organization_id: OrganizationId, form: &PostedForm) -> Result<NewSetupLink, Error> {
    let seconds: u64 = form
        .text("lifetimeSeconds")
        .parse()
        .map_err(|_| Error::invalid("lifetimeSeconds", "choose one of these"))?;
    let [saml, scim, domains] =
        ["canManageSaml", "canManageScim", "canManageDomains"].map(|name| form.flag(name));
    if !(saml || scim || domains) {
        return Err(Error::invalid("canManageSaml", "tick what the link permits: at least one of the three"));
    }
    Ok(NewSetupLink {
        organization_id,
        can_manage_saml: saml,
        can_manage_scim: scim,
        can_manage_domains: domains,
        lifetime: Some(Duration::from_secs(seconds)),
    })
}

fn new_page(
    context: &EnvironmentContext,
    organization: &Organization,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let action = context.href(console::NEW_SETUP_LINK, &[&organization.id]);
    let back = context.href(console::ORGANIZATION, &[&organization.id]);
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(&action, "Create setup link", context.csrf()).cancel(&back);
    let fields = html! {
        fieldset.field {
            legend { "What it permits" }
            div.options {
                (view.checkbox("canManageSaml", "SAML").hint("Single sign-on: make, change and test connections."))
                (view.checkbox("canManageScim", "SCIM").hint("Directories: push people and groups."))
                (view.checkbox("canManageDomains", "Domains").hint("Ask for domains and prove them by DNS. They count once that is done, or once you approve them."))
            }
        }
        (view.select("lifetimeSeconds", "How long it can be opened", &LIFETIMES))
    };
    context.shell(Section::Organizations, "New setup link")
        .crumb(labels::organization(organization), &back)
        .respond_with(errors.status(), html! {
            h1 { "New setup link" }
            p { "Whoever has it connects " (labels::organization(organization)) "’s identity provider, and nothing else." }
            section.card { (view.render(&form, fields)) }
        })
}
