//! `/console/{environment}/organizations/{organization}/setup-links`: links with which a customer's IT admin
//! configures SAML, SCIM and domains; lists, creates and revokes them.

use std::time::Duration;

use actix_web::HttpResponse;
use maud::{Markup, html};

use crate::{
    app::{self, Error, pagination::Page, setup::links::NewSetupLink},
    links::console,
    model::{
        id::{OrganizationId, SetupLinkId},
        organization::Organization,
        setup_link::{SetupLink, SetupLinkStatus},
        time::Timestamp,
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
            components::{ButtonStyle, Icon, copyable, join_with_and, link_button, mark, time},
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
            list::{List, ListUrl, column},
            posted::PostedForm,
            secret::SecretPanel,
        },
    },
};

const LIFETIMES: [(&str, &str); 4] =
    [("86400", "1 day"), ("259200", "3 days"), ("604800", "7 days"), ("2592000", "30 days")];

async fn load_organization(
    context: &EnvironmentContext,
) -> Result<Organization, crate::web::kit::error::PageError> {
    let id: OrganizationId = context.id("organization")?;
    Ok(app::organizations::find(&context.state, &context.actor, id).await?)
}

/// What a link permits, as a list.
pub(in crate::web::console) fn permissions(link: &SetupLink) -> String {
    let parts = [
        (link.can_manage_saml, "SAML"),
        (link.can_manage_scim, "SCIM"),
        (link.can_manage_domains, "domains"),
    ];
    let allowed: Vec<&str> =
        parts.into_iter().filter(|(allowed, _)| *allowed).map(|(_, name)| name).collect();
    join_with_and(&allowed)
}

/// The status of a link as a mark.
pub(in crate::web::console) fn status(link: &SetupLink, now: Timestamp) -> Markup {
    html! {
        @match link.status(now) {
            SetupLinkStatus::Open => { (mark(Icon::Note, "waits to be opened")) " until " (time(link.expires_at, now)) },
            SetupLinkStatus::Redeemed => { (mark(Icon::Good, "opened")) @if let Some(at) = link.redeemed_at { " " (time(at, now)) } },
            SetupLinkStatus::Expired => { (mark(Icon::Attention, "expired")) " " (time(link.expires_at, now)) },
            SetupLinkStatus::Revoked => { (mark(Icon::Bad, "revoked")) @if let Some(at) = link.revoked_at { " " (time(at, now)) } },
        }
    }
}

/// `GET …/setup-links`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let organization = load_organization(&context).await?;
    let place = context.place(&[]);
    let page = app::setup::links::list(&context.state, &context.actor, Some(organization.id), &place.query())
        .await?;
    let content = view(
        &page,
        &organization,
        &place,
        context.may_manage(),
        &|pattern, segments| context.href(pattern, segments),
        &context.csrf(),
        context.now(),
    );
    Ok(context
        .shell(Section::Organizations, "Setup links")
        .crumb(labels::organization(&organization), context.href(console::ORGANIZATION, &[&organization.id]))
        .respond(content))
}

/// The list.
pub(in crate::web::console) fn view(
    page: &Page<SetupLink>,
    organization: &Organization,
    place: &ListUrl,
    may_manage: bool,
    href: Href<'_>,
    csrf: &Markup,
    now: Timestamp,
) -> Markup {
    let new = href(console::NEW_SETUP_LINK, &[&organization.id]);
    let rows = page.items.iter().map(|link| {
        let revocable =
            may_manage && matches!(link.status(now), SetupLinkStatus::Open | SetupLinkStatus::Redeemed);
        vec![
            html! { (permissions(link)) },
            status(link, now),
            time(link.created_at, now),
            html! { @if revocable {
                form.inline method="post" action=(href(console::REVOKE_SETUP_LINK, &[&link.id])) {
                    (csrf)
                    button.button.small.danger type="submit" aria-label={ "Revoke " (link.id) } { "Revoke" }
                }
            } },
            copyable(&link.id.to_string(), "link id"),
        ]
    });
    let columns = [column("Permits"), column("State"), column("Made"), column(""), column("ID")];
    let list = List {
        caption: "Setup links",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "A setup link lets the customer’s own IT admin connect its identity provider, step by step, without an account here." }
            @if may_manage { p { (link_button(ButtonStyle::Primary, "Create a link", &new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "Setup links" }
            @if may_manage && !page.items.is_empty() { div.actions { (link_button(ButtonStyle::Primary, "New setup link", &new)) } }
        }
        (list.view(place))
    }
}

/// `GET …/setup-links/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let organization = load_organization(&context).await?;
    let typed = FormValues::new()
        .with_flag("canManageSaml", true)
        .with_flag("canManageDomains", true)
        .with("lifetimeSeconds", "604800");
    Ok(new_page(&context, &organization, &typed, &FormErrors::none()))
}

/// `POST …/setup-links/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let organization = load_organization(&context).await?;
    let made = match parse_form(organization.id, &form) {
        Ok(new_link) => app::setup::links::create(&context.state, &context.actor, &new_link).await,
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

/// `POST …/setup-links/{link}/revoke`
pub async fn revoke(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let id: SetupLinkId = context.id("link")?;
    let link = app::setup::links::revoke(&context.state, &context.actor, id).await?;
    Ok(see_other(
        &context.href(console::SETUP_LINKS, &[&link.organization_id]),
        Flash(ResourceKind::SetupLink, Action::Revoked),
    ))
}
