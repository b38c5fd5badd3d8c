//! The page of a domain: its state, what it does, and the record that proves it.

use base::time::Timestamp;
use maud::{Markup, html};
use model::{domain::DomainState, organization::Organization, organization_domain::OrganizationDomain};

use super::place::shell;
use crate::{
    app::{
        organizations::domains::sharing::{self, SharedDomain},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::{self, Href},
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, facts, link_button, notice, time},
            error::PageResult,
            forms::{Form, FormErrors, FormValues, FormView, button_form},
        },
    },
};

/// The fields of the form.
pub(super) const ROUTING: &str = "routingEnabled";
pub(super) const AUTO_JOIN: &str = "autoJoinEnabled";
pub(super) const ROLE: &str = "auto_join_role";

/// What the form holds.
pub(in crate::web::console) fn values(listed: &OrganizationDomain) -> FormValues {
    FormValues::new()
        .with_flag(ROUTING, listed.routing_enabled)
        .with_flag(AUTO_JOIN, listed.auto_join_enabled)
        .with(ROLE, listed.auto_join_role.as_str())
}

/// The form, or for those who only look what it holds.
fn card(page: &DomainPage<'_>) -> Markup {
    let listed = page.listed;
    let is_verified = listed.state == DomainState::Verified;
    html! {
        section.card aria-labelledby="does" {
            h2 #does { "What it does" }
            @if page.may_manage {
                @let view = FormView::new(page.typed, page.errors);
                @let action = (page.href)(console::DOMAIN, &[&listed.organization_id, &listed.domain]);
                @let form = Form::new(&action, "Save", page.csrf.clone());
                (view.render(&form, html! {
                    (view.checkbox(ROUTING, "Lead people to this organization")
                        .hint("Whoever signs in with an address of this domain comes to the identity provider of this organization."))
                    @if is_verified {
                        (view.checkbox(AUTO_JOIN, "Make users members")
                            .hint("Users of the application’s own accounts who have proved an address of this domain become members with their next sign-in. Whoever was removed or left does not come back by it."))
                        (view.select(ROLE, "They become", &[("member", "Member"), ("admin", "Administrator")]))
                    }
                }))
                @if !is_verified { p.soft { "Users become members by themselves only once DNS has proved the domain." } }
            } @else {
                (facts(&[
                    ("Leads people here", html! { (if listed.routing_enabled { "Yes" } else { "No" }) }),
                    ("Makes users members", html! { (if listed.joins() { "Yes" } else { "No" }) }),
                ]))
            }
        }
    }
}

/// The page of a domain, with what was typed into its form.
pub(super) async fn respond(
    context: &EnvironmentContext,
    organization: &Organization,
    listed: &OrganizationDomain,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let domains = std::slice::from_ref(&listed.domain);
    // An organization's own administrator learns nothing about others.
    let others = match context.delegate() {
        Some(_) => Vec::new(),
        None => sharing::list_others(&context.state, &context.principal, organization.id, domains).await?,
    };
    let content = view(&DomainPage {
        listed,
        others: &others,
        counts_until: listed.counts_until(context.state.settings.lost_record_grace),
        may_manage: context.may(permissions::Action::DomainsManage),
        may_approve: context.may(permissions::Action::DomainsApprove),
        is_own: context.delegate().is_some(),
        typed,
        errors,
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    });
    Ok(shell(context, organization, listed.domain.as_str()).respond_with(errors.status(), content))
}

/// The page of a domain.
pub(in crate::web::console) struct DomainPage<'a> {
    /// The domain.
    pub listed: &'a OrganizationDomain,
    /// Other organizations for which it counts.
    pub others: &'a [SharedDomain],
    /// For one that DNS proved and whose record is lost.
    pub counts_until: Option<Timestamp>,
    /// Whether they may change it.
    pub may_manage: bool,
    /// Whether they may approve it without proof.
    pub may_approve: bool,
    /// Whether it is the organization's own administrator who looks.
    pub is_own: bool,
    /// What the form of the switches holds.
    pub typed: &'a FormValues,
    /// What is wrong with it.
    pub errors: &'a FormErrors,
    /// The addresses of pages.
    pub href: Href<'a>,
    /// The hidden field with the CSRF token.
    pub csrf: Markup,
    /// The current time.
    pub now: Timestamp,
}

impl DomainPage<'_> {
    fn at(&self, pattern: &str) -> String {
        (self.href)(pattern, &[&self.listed.organization_id, &self.listed.domain])
    }
}

/// The page.
pub(in crate::web::console) fn view(page: &DomainPage<'_>) -> Markup {
    let DomainPage { listed, others, counts_until, may_manage, now, .. } = *page;
    let verified_elsewhere = others.iter().any(|other| other.verified);
    // While it counts for another organization, a proof does not make it count for this one.
    let only_elsewhere = !listed.state.is_accepted() && !others.is_empty();
    html! {
        div.head-row {
            h1 { (listed.domain) }
            @if may_manage {
                div.actions {
                    @if page.may_approve && (!listed.state.is_accepted() || counts_until.is_some()) && !verified_elsewhere {
                        (button_form(&page.at(console::APPROVE_DOMAIN), "Approve", ButtonStyle::Primary, page.csrf.clone()))
                    }
                    (link_button(ButtonStyle::Danger, "Remove", &page.at(console::DELETE_DOMAIN)))
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
                        @if listed.approved { "Without it the domain counts from " (time(until, now)) " on only because it was approved." }
                        @else { "Unless it comes back, people with addresses of this domain can sign in until " (time(until, now)) "." }
                    }
                    @if page.may_approve { p { "Ask the customer to publish it again, or approve the domain if you know that it is theirs." } }
                    @else { p { "Publish it again." } }
                }))
            } @else if listed.state == DomainState::Failed && listed.record_lost_at.is_some() {
                (notice(Icon::Bad, "Its proof has lapsed", html! {
                    p { "The DNS record was missing for too long. The domain counts again when the record is back" @if page.may_approve { ", or when you approve it" } "." }
                }))
            } @else if listed.state == DomainState::Verified && listed.missed_checks > 0 {
                (notice(Icon::Attention, "Its DNS record was not found", html! {
                    p { "The last " (labels::count(usize::try_from(listed.missed_checks).unwrap_or_default(), "daily look has", "daily looks have")) " missed it. After three the domain stops counting in time, unless the record is back." }
                }))
            }
            @if !others.is_empty() { (elsewhere(listed, others, page.href)) }
            @if !listed.state.is_accepted() {
                p {
                    "People with addresses of this domain cannot sign in to this organization yet."
                    @if !only_elsewhere && page.may_approve { " Approve it if you know that it is the customer’s, or let DNS prove it." }
                    @else if !only_elsewhere { " Let DNS prove it." }
                }
            }
        }
        @if listed.state.is_accepted() { (card(page)) }
        @if (listed.state != DomainState::Verified || counts_until.is_some() || listed.missed_checks > 0) && !only_elsewhere { (proof(page)) }
    }
}

/// The record to publish, until when, and what the last look for it found.
fn proof(page: &DomainPage<'_>) -> Markup {
    let DomainPage { listed, may_manage, now, .. } = *page;
    let has_ended = listed.has_expired(now);
    let begin =
        |label| button_form(&page.at(console::VERIFY_DOMAIN), label, ButtonStyle::Plain, page.csrf.clone());
    html! {
        section.card {
            div.head-row {
                h2 { "Proof by DNS" }
                @if may_manage {
                    div.actions {
                        @if listed.record_value().is_none() { (begin("Make a record")) }
                        @else {
                            @if !has_ended { (button_form(&page.at(console::CHECK_DOMAIN), "Check now", ButtonStyle::Plain, page.csrf.clone())) }
                            @if !listed.state.is_accepted() { (begin("New record")) }
                        }
                    }
                }
            }
            @match listed.record_value() {
                None => { p { "There is no record to publish yet." } }
                Some(_) if has_ended => {
                    (notice(Icon::Bad, "The time for the record is over", html! {
                        p { "It was not found within 30 days. Make a new record to try again; the old one proves nothing any more." }
                    }))
                }
                Some(value) => {
                    p { @if page.is_own { "Publish this record in your DNS:" } @else { "Whoever runs the customer’s DNS publishes this record:" } }
                    (facts(&[
                        ("Type", html! { "TXT" }),
                        ("Name", copyable(&listed.record_name(), "record name")),
                        ("Value", copyable(&value, "record value")),
                    ]))
                    @if let (false, Some(until)) = (listed.state.is_accepted(), listed.verification_expires_at()) {
                        p.soft { "It can prove the domain until " (time(until, now)) "." }
                    }
                }
            }
            @if let (false, Some(checked)) = (has_ended, listed.checked_at) {
                @let times = labels::count(usize::try_from(listed.check_attempts).unwrap_or_default(), "time", "times");
                @if sharing::is_taken(listed) {
                    (notice(Icon::Attention, "Proved, but it counted for another organization", html! {
                        @if page.is_own { p { "Ask support to sort it out." } }
                        @else { p { "It counts for none now: check again, or approve it." } }
                        p.small { "Asked " (time(checked, now)) "." }
                    }))
                } @else if let Some(error) = &listed.check_error {
                    (notice(Icon::Bad, "The last check found no proof", html! {
                        p { (error) }
                        p.small { "Asked " (time(checked, now)) @if listed.check_attempts > 0 { ", " (times) " in all" } ". New records may take an hour to be seen everywhere." }
                    }))
                } @else { p.soft { "Last asked " (time(checked, now)) "." } }
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
