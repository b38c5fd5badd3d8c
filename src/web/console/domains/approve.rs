//! `…/domains/{domain}/approve`: accepts a domain without DNS.

use actix_web::{HttpResponse, http::header};
use maud::{Markup, html};
use model::organization_domain::OrganizationDomain;

use super::{
    form::share_field,
    place::{find, load_organization},
};
use crate::{
    app::{self, organizations::domains::sharing, permissions},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels,
            shell::Section,
        },
        kit::{
            components::{Icon, notice},
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
        },
    },
};

/// `GET …/domains/{domain}/approve`: a reload of the confirmation page redirects to the domain.
pub async fn approve_redirect(context: EnvironmentContext) -> PageResult {
    let organization = load_organization(&context).await?;
    let listed = find(&context, &organization).await?;
    let domain = context.href(console::DOMAIN, &[&organization.id, &listed.domain]);
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, domain)).finish())
}

/// `POST …/domains/{domain}/approve`
pub async fn approve(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::DomainsApprove)?;
    let organization = load_organization(&context).await?;
    let domain = context.segment("domain");
    let share = form.flag(sharing::FIELD);
    let approved = app::organizations::domains::approve(
        &context.state,
        &context.principal,
        organization.id,
        domain,
        None,
        share,
    );
    match approved.await {
        Ok(listed) => Ok(see_other(
            &context.href(console::DOMAIN, &[&organization.id, &listed.domain]),
            Flash(ResourceKind::Domain, Action::Approved),
        )),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            let listed = find(&context, &organization).await?;
            let typed = FormValues::from(&*form);
            let at = |pattern: &str| context.href(pattern, &[&organization.id, &listed.domain]);
            let (action, back) = (at(console::APPROVE_DOMAIN), at(console::DOMAIN));
            Ok(context
                .shell(Section::Organizations, "Approve domain")
                .crumb(
                    labels::organization(&organization),
                    context.href(console::ORGANIZATION, &[&organization.id]),
                )
                .crumb(listed.domain.as_str(), &back)
                .respond_with(
                    errors.status(),
                    approve_view(&listed, (&action, &back), context.csrf(), &typed, &errors),
                ))
        }
    }
}

/// Asks whether to share the domain with another organization, or says why it cannot be approved. `action` and
/// `back` are the form's paths.
pub(in crate::web::console) fn approve_view(
    listed: &OrganizationDomain,
    (action, back): (&str, &str),
    csrf: Markup,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    // The error is shown as a question, not as a field error.
    let none = FormErrors::none();
    let view = FormView::new(typed, &none);
    let form = forms::Form::new(action, "Approve for both", csrf).cancel(back);
    html! {
        h1 { "Approve " (listed.domain) }
        section.card {
            @if let Some(question) = errors.of(sharing::FIELD) {
                (notice(Icon::Attention, "It counts for another organization", html! { p { (question) } }))
                (view.render(&form, html! { (share_field(&view)) }))
            } @else {
                (notice(Icon::Bad, "It cannot be approved", html! {
                    @for (_, reason) in errors.all() { p { (reason) } }
                }))
                p { a href=(back) { "Back to the domain" } }
            }
        }
    }
}
