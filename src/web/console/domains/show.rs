//! `/console/{environment}/organizations/{organization}/domains`: adds a domain to an organization, and
//! shows, verifies, approves and removes one.

use actix_web::{HttpResponse, http::header};
use maud::{Markup, html};

use crate::{
    app::{
        self, Error,
        organizations::shared_domains::{self, SharedDomain},
    },
    links::console,
    model::{
        domain::DomainState, domain_verification::DomainVerification, id::OrganizationId,
        organization::Organization, time::Timestamp,
    },
    web::{
        console::{
            audit_events::list::Href,
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                labels,
                session::ConsoleForm,
                shell::Section,
            },
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, facts, link_button, notice, time},
            confirm::{self, DeleteConfirmation},
            error::{PageError, PageResult},
            forms::{self, FormErrors, FormValues, FormView, button_form},
        },
    },
};

async fn load_organization(context: &EnvironmentContext) -> Result<Organization, PageError> {
    let id: OrganizationId = context.id("organization")?;
    Ok(app::organizations::find(&context.state, &context.actor, id).await?)
}

async fn find(
    context: &EnvironmentContext,
    organization: &Organization,
) -> Result<DomainVerification, PageError> {
    let name = context.segment("domain");
    let listed = app::organizations::domains::list(&context.state, &context.actor, organization.id).await?;
    let found = listed.into_iter().find(|listed| listed.domain.as_str() == name);
    found.ok_or_else(|| PageError(Error::not_found("domain", name)))
}

/// `GET …/domains`: the form to add one.
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let organization = load_organization(&context).await?;
    Ok(new_page(&context, &organization, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/domains`
pub async fn add(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let organization = load_organization(&context).await?;
    let added = app::organizations::domains::add(
        &context.state,
        &context.actor,
        organization.id,
        form.text("domain"),
        form.flag("allowFreeMail"),
    );
    match added.await {
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
        (view.text("domain", "Domain").code().hint("acme.com: whose addresses may sign in. It counts for nothing until you approve it or DNS proves it."))
        (view.checkbox("allowFreeMail", "Allow a free-mail provider")
            .hint("gmail.com and the like belong to everybody: whoever has an address there could sign in to this organization."))
    };
    context
        .shell(Section::Organizations, "Add a domain")
        .crumb(labels::organization(organization), &back)
        .respond_with(
            errors.status(),
            html! {
                h1 { "Add a domain" }
                section.card { (view.render(&form, fields)) }
            },
        )
}

/// The checkbox that shares a domain with another organization, below the error that names that organization.
pub(in crate::web::console) fn share_field<'a>(view: &FormView<'a>) -> forms::Control<'a> {
    view.checkbox(shared_domains::FIELD, "Share the domain with the other organization")
        .hint("People with addresses of it can then sign in to both, by the identity provider of either.")
}

/// `GET …/domains/{domain}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let organization = load_organization(&context).await?;
    let listed = find(&context, &organization).await?;
    let domains = std::slice::from_ref(&listed.domain);
    let others =
        shared_domains::list_others(&context.state, &context.actor, organization.id, domains).await?;
    let content = view(
        &listed,
        &others,
        context.may_manage(),
        &|pattern, segments| context.href(pattern, segments),
        &context.csrf(),
        context.now(),
    );
    Ok(context
        .shell(Section::Organizations, listed.domain.as_str())
        .crumb(labels::organization(&organization), context.href(console::ORGANIZATION, &[&organization.id]))
        .respond(content))
}

/// The domain.
pub(in crate::web::console) fn view(
    listed: &DomainVerification,
    others: &[SharedDomain],
    may_manage: bool,
    href: Href<'_>,
    csrf: &Markup,
    now: Timestamp,
) -> Markup {
    let at = |pattern: &str| href(pattern, &[&listed.organization_id, &listed.domain]);
    let verified_elsewhere = others.iter().any(|other| other.verified);
    // While it counts for another organization, a proof does not make it count for this one.
    let only_elsewhere = !listed.state.is_accepted() && !others.is_empty();
    html! {
        div.head-row {
            h1 { (listed.domain) }
            @if may_manage {
                div.actions {
                    @if !listed.state.is_accepted() && !verified_elsewhere {
                        (button_form(&at(console::APPROVE_DOMAIN), "Approve", ButtonStyle::Primary, csrf.clone()))
                    }
                    (link_button(ButtonStyle::Danger, "Remove", &at(console::DELETE_DOMAIN)))
                }
            }
        }
        section.card {
            (facts(&[
                ("State", labels::domain_state(listed.state)),
                ("Added", time(listed.created_at, now)),
                ("Proved", listed.verified_at.map_or_else(|| html! { span.soft { "not by DNS" } }, |at| time(at, now))),
            ]))
            @if !others.is_empty() { (elsewhere(listed, others, href)) }
            @if !listed.state.is_accepted() {
                p {
                    "People with addresses of this domain cannot sign in to this organization yet."
                    @if !only_elsewhere { " Approve it if you know that it is the customer’s, or let DNS prove it." }
                }
            }
        }
        @if let (true, Some(value)) = (listed.state != DomainState::Verified && !only_elsewhere, listed.record_value()) {
            section.card {
                div.head-row {
                    h2 { "Proof by DNS" }
                    @if may_manage { (button_form(&at(console::CHECK_DOMAIN), "Check now", ButtonStyle::Plain, csrf.clone())) }
                }
                p { "Whoever runs the customer’s DNS publishes this record:" }
                (facts(&[
                    ("Type", html! { "TXT" }),
                    ("Name", copyable(&listed.record_name(), "record name")),
                    ("Value", copyable(&value, "record value")),
                ]))
                @if let Some(checked) = listed.checked_at {
                    @if shared_domains::is_taken(listed) {
                        (notice(Icon::Attention, "Proved, but it counted for another organization", html! {
                            p { "It counts for none now: check again, or approve it." }
                            p.small { "Asked " (time(checked, now)) "." }
                        }))
                    } @else if let Some(error) = &listed.check_error {
                        (notice(Icon::Bad, "The last check found no proof", html! {
                            p { (error) }
                            p.small { "Asked " (time(checked, now)) ". New records may take an hour to be seen everywhere." }
                        }))
                    } @else { p.soft { "Last asked " (time(checked, now)) "." } }
                }
            }
        }
    }
}

/// A notice that the domain counts for other organizations.
fn elsewhere(listed: &DomainVerification, others: &[SharedDomain], href: Href<'_>) -> Markup {
    let title = match listed.state.is_accepted() {
        true => "Shared with another organization",
        false if shared_domains::is_taken(listed) => "Proved, but it counts for another organization",
        false => "It counts for another organization",
    };
    notice(
        Icon::Attention,
        title,
        html! {
            ul {
                @for other in others {
                    li {
                        a href=(href(console::ORGANIZATION, &[&other.organization_id])) {
                            @if other.display_name.trim().is_empty() { (other.organization_id) }
                            @else { (other.display_name) }
                        }
                        @if other.verified { ", proved by DNS" }
                    }
                }
            }
            @if listed.state.is_accepted() {
                p { "People with addresses of this domain can sign in to each of them, by the identity provider of each." }
            } @else if others.iter().any(|other| other.verified) {
                p { "It can count here only once it is taken out there." }
            } @else {
                p { "Approve it to let it count for both, or remove it there." }
            }
        },
    )
}

/// `GET …/domains/{domain}/approve`: a reload of the confirmation page redirects to the domain.
pub async fn approve_redirect(context: EnvironmentContext) -> PageResult {
    let organization = load_organization(&context).await?;
    let listed = find(&context, &organization).await?;
    let domain = context.href(console::DOMAIN, &[&organization.id, &listed.domain]);
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, domain)).finish())
}

/// `POST …/domains/{domain}/approve`
pub async fn approve(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let organization = load_organization(&context).await?;
    let domain = context.segment("domain");
    let share = form.flag(shared_domains::FIELD);
    match app::organizations::domains::approve(&context.state, &context.actor, organization.id, domain, share)
        .await
    {
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
    listed: &DomainVerification,
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
            @if let Some(question) = errors.of(shared_domains::FIELD) {
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

/// `POST …/domains/{domain}/check`
pub async fn check(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let organization = load_organization(&context).await?;
    let domain = context.segment("domain");
    let done =
        match app::organizations::domains::check(&context.state, &context.actor, organization.id, domain)
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

/// `GET …/domains/{domain}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let organization = load_organization(&context).await?;
    let listed = find(&context, &organization).await?;
    Ok(confirm_page(&context, &organization, &listed, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/domains/{domain}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let organization = load_organization(&context).await?;
    let listed = find(&context, &organization).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), listed.domain.as_str()) {
        Ok(()) => {
            app::organizations::domains::remove(
                &context.state,
                &context.actor,
                organization.id,
                listed.domain.as_str(),
            )
            .await
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
    listed: &DomainVerification,
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
    context
        .shell(Section::Organizations, "Remove domain")
        .crumb(labels::organization(organization), context.href(console::ORGANIZATION, &[&organization.id]))
        .crumb(listed.domain.as_str(), &back)
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf()))
}
