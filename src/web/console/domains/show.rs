//! `/console/{environment}/organizations/{organization}/domains`: adds a domain to an organization, and
//! shows, verifies, approves and removes one.

use base::{id::OrganizationId, time::Timestamp};
use maud::{Markup, html};
use model::{domain::DomainState, organization::Organization, organization_domain::OrganizationDomain};

use crate::{
    app::{
        self, Error,
        organizations::domains::sharing::{self, SharedDomain},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels::{self, Href},
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, facts, link_button, notice, time},
            error::{PageError, PageResult},
            forms::button_form,
        },
    },
};

pub(super) async fn load_organization(context: &EnvironmentContext) -> Result<Organization, PageError> {
    let id: OrganizationId = context.id("organization")?;
    Ok(app::resource::find(&context.state, &context.principal, id).await?)
}

pub(super) async fn find(
    context: &EnvironmentContext,
    organization: &Organization,
) -> Result<OrganizationDomain, PageError> {
    let key = context.segment("domain");
    Ok(app::organizations::domains::find(&context.state, &context.principal, organization.id, key).await?)
}

/// `GET …/domains/{domain}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let organization = load_organization(&context).await?;
    let listed = find(&context, &organization).await?;
    let domains = std::slice::from_ref(&listed.domain);
    let others = sharing::list_others(&context.state, &context.principal, organization.id, domains).await?;
    let content = view(
        &listed,
        &others,
        listed.counts_until(context.state.settings.lost_record_grace),
        context.may(permissions::Action::DomainsManage),
        &|pattern, segments| context.href(pattern, segments),
        &context.csrf(),
        context.now(),
    );
    Ok(context
        .shell(Section::Organizations, listed.domain.as_str())
        .crumb(labels::organization(&organization), context.href(console::ORGANIZATION, &[&organization.id]))
        .respond(content))
}

/// The domain. `counts_until` is for one that DNS proved and whose record is gone.
pub(in crate::web::console) fn view(
    listed: &OrganizationDomain,
    others: &[SharedDomain],
    counts_until: Option<Timestamp>,
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
                    @if (!listed.state.is_accepted() || counts_until.is_some()) && !verified_elsewhere {
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
            @if let (Some(until), Some(lost_at)) = (counts_until, listed.record_lost_at) {
                (notice(Icon::Attention, "Its DNS record is gone", html! {
                    p {
                        "The record that proved it has been missing since " (time(lost_at, now)) ". "
                        @if listed.approved { "Without it the domain counts from " (time(until, now)) " on only because you approved it." }
                        @else { "Unless it comes back, people with addresses of this domain can sign in until " (time(until, now)) "." }
                    }
                    p { "Ask the customer to publish it again, or approve the domain if you know that it is theirs." }
                }))
            } @else if listed.state == DomainState::Failed && listed.record_lost_at.is_some() {
                (notice(Icon::Bad, "Its proof has lapsed", html! {
                    p { "The DNS record was missing for too long. The domain counts again when the record is back, or when you approve it." }
                }))
            }
            @if !others.is_empty() { (elsewhere(listed, others, href)) }
            @if !listed.state.is_accepted() {
                p {
                    "People with addresses of this domain cannot sign in to this organization yet."
                    @if !only_elsewhere { " Approve it if you know that it is the customer’s, or let DNS prove it." }
                }
            }
        }
        @if let (true, Some(value)) = ((listed.state != DomainState::Verified || counts_until.is_some()) && !only_elsewhere, listed.record_value()) {
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
                    @if sharing::is_taken(listed) {
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
fn elsewhere(listed: &OrganizationDomain, others: &[SharedDomain], href: Href<'_>) -> Markup {
    let title = match listed.state.is_accepted() {
        true => "Shared with another organization",
        false if sharing::is_taken(listed) => "Proved, but it counts for another organization",
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
