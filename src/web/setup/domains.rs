//! `/setup/domains`: the company's e-mail domains, the DNS record that verifies each, and a button to check it.

use actix_web::web;
use base::time::Timestamp;
use maud::{Markup, html};
use model::{
    domain::{Domain, DomainState},
    organization_domain::OrganizationDomain,
};

use super::{form::SetupForm, session::SetupContext};
use crate::{
    app::{
        self, Error,
        organizations::domains::{NewDomain, sharing},
    },
    links::{self, path},
    web::kit::{
        components::{ButtonStyle, Icon, copyable, facts, mark, notice, time},
        error::PageResult,
        forms::{Form, FormErrors, FormValues, FormView, button_form},
        response::{PagePolicy, see_other},
    },
};

/// The query parameter that says that a check came too soon.
const TOO_SOON: &str = "too-soon";

/// `GET /setup/domains`
pub async fn list(context: SetupContext) -> PageResult {
    let asked = context.parameter("domain");
    let typed = asked.map_or_else(FormValues::new, |domain| FormValues::new().with("domain", domain));
    show(&context, &typed, &FormErrors::none()).await
}

async fn show(context: &SetupContext, typed: &FormValues, errors: &FormErrors) -> PageResult {
    let all = app::organizations::domains::list(&context.state, &context.principal, context.organization.id)
        .await?;
    let listed = all.iter().any(|one| one.domain.as_str() == typed.text("domain")) && errors.is_empty();
    let typed = if listed { &FormValues::new() } else { typed };
    let content = view(context, &all, typed, errors);
    Ok(context.layout().answer_with(errors.status(), PagePolicy::SameOriginForms, "E-mail domains", content))
}

fn view(
    context: &SetupContext,
    all: &[OrganizationDomain],
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let form = FormView::new(typed, errors);
    let field = form
        .text("domain", "Domain")
        .code()
        .hint("What stands behind the @ in your work addresses: example.com");
    html! {
        p.back { a href=(path::SETUP_HOME) { "Overview" } }
        h1 { "E-mail domains" }
        p {
            "Only people with an address of a confirmed domain of your company are let in to " (context.application())
            ". A DNS record proves that a domain is yours; or the team of " (context.application()) " approves it."
        }
        @if context.parameter(TOO_SOON).is_some() {
            (notice(Icon::Note, "Not asked again yet", html! {
                p { "DNS was asked a moment ago. Wait ten seconds between two checks, and press the button again." }
            }))
        }
        @for listed in all {
            (card(listed, listed.counts_until(context.state.settings.lost_record_grace), context.application(), &context.csrf(), context.state.now()))
        }
        section.card {
            h2 { "Add a domain" }
            (form.render(&Form::new(path::SETUP_DOMAINS, "Add domain", context.csrf()), html! { (field) }))
        }
    }
}

/// One domain, with what to do next. `counts_until` is for one that DNS proved and whose record is gone.
pub fn card(
    listed: &OrganizationDomain,
    counts_until: Option<Timestamp>,
    application: &str,
    csrf: &Markup,
    now: Timestamp,
) -> Markup {
    let is_taken = sharing::is_taken(listed);
    html! {
        section.card {
            div.head-row {
                h2 { (listed.domain) }
                @match listed.state {
                    _ if is_taken => (mark(Icon::Attention, "Taken")),
                    DomainState::Whitelisted => (mark(Icon::Good, "Approved")),
                    DomainState::Verified if counts_until.is_some() => (mark(Icon::Attention, "Record missing")),
                    DomainState::Verified => (mark(Icon::Good, "Proved")),
                    DomainState::Pending => (mark(Icon::Attention, "Not confirmed yet")),
                    DomainState::Failed => (mark(Icon::Bad, "Not proved")),
                }
            }
            @if !listed.state.is_accepted() {
                @if is_taken {
                    (notice(Icon::Attention, "It is taken", html! {
                        p {
                            "The record was found, but another customer of " (application)
                            " has this domain already. Ask the team of " (application) "."
                        }
                    }))
                } @else if let (Some(why), Some(at)) = (&listed.check_error, listed.checked_at) {
                    (notice(Icon::Bad, "The last check did not prove it", html! {
                        p { "We asked DNS " (time(at, now)) ": " (why) "." }
                        p { "A new record can take some minutes, sometimes an hour, until everybody sees it." }
                    }))
                }
                @let has_ended = listed.has_expired(now);
                @if has_ended {
                    p { "The time for the record that you had is over, and it proves nothing any more. Make a new one, and publish that within 30 days." }
                } @else if !is_taken {
                    (record(listed))
                    @if let Some(until) = listed.verification_expires_at() { p.soft { "It can prove the domain until " (time(until, now)) "." } }
                }
                div.actions {
                    @if has_ended {
                        (button_form(path::SETUP_DOMAINS, "New record", ButtonStyle::Primary, html! { (csrf) input type="hidden" name="domain" value=(listed.domain); }))
                    } @else {
                        (button_form(&links::setup_domain_check(&listed.domain), "Check now", ButtonStyle::Primary, csrf.clone()))
                    }
                    (button_form(&links::setup_domain_remove(&listed.domain), "Remove", ButtonStyle::Plain, csrf.clone()))
                }
            } @else if let Some(until) = counts_until {
                (notice(Icon::Attention, "The DNS record is gone", html! {
                    p {
                        @if listed.approved { "It proved that the domain is yours. Publish it again." }
                        @else { "People with addresses of this domain may sign in until " (time(until, now)) ". Publish the record again before." }
                    }
                }))
                (record(listed))
                div.actions {
                    (button_form(&links::setup_domain_check(&listed.domain), "Check now", ButtonStyle::Primary, csrf.clone()))
                }
            } @else {
                p.soft {
                    "People with addresses of this domain may sign in."
                    @if listed.state == DomainState::Verified { " Leave the DNS record in place: it is looked up again every day." }
                }
            }
        }
    }
}

/// The record to publish.
fn record(listed: &OrganizationDomain) -> Markup {
    html! {
        p { "At your DNS provider, publish this record, and leave it there:" }
        (facts(&[
            ("Type", html! { code { "TXT" } }),
            ("Name", html! { (copyable(&listed.record_name(), "name")) p.small.soft { "Some providers add the domain by themselves: then only what stands before it." } }),
            ("Value", html! { (copyable(&listed.record_value().unwrap_or_default(), "value")) }),
        ]))
    }
}

/// `POST /setup/domains`
pub async fn add(sent: SetupForm) -> PageResult {
    let context = &sent.context;
    let added = app::organizations::domains::add(
        &context.state,
        &context.principal,
        context.organization.id,
        &NewDomain { domain: Some(sent.text("domain").to_owned()), allow_free_mail: None },
    )
    .await;
    match added {
        Ok(_) => Ok(see_other(path::SETUP_DOMAINS)),
        Err(error) => {
            let typed = FormValues::from(&*sent);
            show(context, &typed, &FormErrors::from_error(error)?).await
        }
    }
}

/// `POST /setup/domains/{domain}/check`
pub async fn check(sent: SetupForm, path: web::Path<String>) -> PageResult {
    let context = &sent.context;
    let domain = parse_domain(&path)?;
    match app::organizations::domains::check(
        &context.state,
        &context.principal,
        context.organization.id,
        domain.as_str(),
        None,
    )
    .await
    {
        // The result is stored with the domain.
        Ok(_) | Err(Error::Conflict { .. }) => Ok(see_other(path::SETUP_DOMAINS)),
        Err(Error::Limited { .. }) => Ok(see_other(&format!("{}?{TOO_SOON}=1", path::SETUP_DOMAINS))),
        Err(error) => Err(error.into()),
    }
}

/// `POST /setup/domains/{domain}/remove`
pub async fn remove(sent: SetupForm, path: web::Path<String>) -> PageResult {
    let context = &sent.context;
    let domain = parse_domain(&path)?;
    app::organizations::domains::remove(
        &context.state,
        &context.principal,
        context.organization.id,
        domain.as_str(),
        None,
    )
    .await?;
    Ok(see_other(path::SETUP_DOMAINS))
}

fn parse_domain(text: &str) -> app::Result<Domain> {
    Domain::parse(text).map_err(|_| Error::not_found("domain", "(no such domain)"))
}
