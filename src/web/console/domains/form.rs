//! `…/domains`: adds domains to an organization.

use actix_web::HttpResponse;
use maud::html;
use model::organization::Organization;

use super::place::{load_organization, shell};
use crate::{
    app::{self, organizations::domains::sharing, permissions},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
        },
        kit::{
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
        },
    },
};

/// `GET …/domains`: the form to add one.
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::DomainsManage)?;
    let organization = load_organization(&context).await?;
    Ok(new_page(&context, &organization, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/domains`
pub async fn add(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::DomainsManage)?;
    let organization = load_organization(&context).await?;
    let added = match form.change() {
        Ok(wanted) => {
            app::organizations::domains::add(&context.state, &context.principal, organization.id, &wanted)
                .await
        }
        Err(error) => Err(error),
    };
    match added {
        Ok(listed) => Ok(see_other(
            &context.href(console::DOMAIN, &[&organization.id, &listed.domain]),
            Flash(ResourceKind::Domain, Action::Added),
        )),
        Err(error) => {
            Ok(new_page(&context, &organization, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

fn new_page(
    context: &EnvironmentContext,
    organization: &Organization,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let action = context.href(console::DOMAINS, &[&organization.id]);
    let back = context.href(console::ORGANIZATION, &[&organization.id]);
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(&action, "Add domain", context.csrf()).cancel(&back);
    let fields = html! {
        (view.text("domain", "Domain").code().hint("acme.com: whose addresses may sign in. It counts for nothing until it is approved or DNS proves it."))
        @if context.may(permissions::Action::DomainsApprove) { (view.checkbox("allowFreeMail", "Allow a free-mail provider")
            .hint("gmail.com and the like belong to everybody: whoever has an address there could sign in to this organization.")) }
    };
    shell(context, organization, "Add a domain").respond_with(
        errors.status(),
        html! {
            h1 { "Add a domain" }
            section.card { (view.render(&form, fields)) }
        },
    )
}

/// The checkbox that shares a domain with another organization, below the error that names that organization.
pub(in crate::web::console) fn share_field<'a>(view: &FormView<'a>) -> forms::Control<'a> {
    view.checkbox(sharing::FIELD, "Share the domain with the other organization")
        .hint("People with addresses of it can then sign in to both, by the identity provider of either.")
}
