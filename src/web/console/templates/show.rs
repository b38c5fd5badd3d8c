//! The page of a template, and what makes it the default one.

use actix_web::HttpResponse;
use base::{id::OrganizationId, time::Timestamp};
use maud::{Markup, html};
use model::{environment::Environment, organization::Organization};
use serde_json::{Map, Value};

use super::list::default_mark;
use crate::{
    app::{
        Error, Result, environments::EnvironmentChange, organizations::error::OrganizationError, permissions,
        resource,
    },
    links::console,
    web::{
        console::{
            audit_events::line::AuditLine,
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                form::ConsoleForm,
                labels::{self, Href},
                resource::href,
                shell::Section,
            },
            organizations::{
                changes::{latest_changes, recent_changes},
                inherited::Inherited,
                mechanisms,
                profile::{attributes, color},
            },
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, facts, link_button, notice, time},
            error::{PageError, PageResult},
            json,
        },
    },
};

/// How many members of the schema are listed.
const MAX_FIELDS: usize = 20;

/// The page of a template.
pub(in crate::web::console) struct TemplatePage<'a> {
    pub given: &'a Inherited,
    /// Whether it is the default one.
    pub is_default: bool,
    pub audit: &'a [AuditLine],
    /// Whether the administrator may change it.
    pub may_manage: bool,
    /// Whether the administrator may add identity pools.
    pub may_add_pools: bool,
    /// Whether the administrator may choose the default one.
    pub may_choose_default: bool,
    pub href: Href<'a>,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// `GET …/organizations/{organization}`, of a template.
pub(in crate::web::console) async fn show(
    context: &EnvironmentContext,
    template: Organization,
) -> PageResult {
    let name = labels::organization(&template);
    let audit = recent_changes(context, template.id).await?;
    let is_default = context.environment.default_template_id == Some(template.id);
    let given = Inherited::of(context, template).await?;
    let page = TemplatePage {
        given: &given,
        is_default,
        audit: &audit,
        may_manage: context.may(permissions::Action::OrganizationsManage),
        may_add_pools: context.may(permissions::Action::IdentityPoolsManage),
        may_choose_default: context.may(permissions::Action::EnvironmentsManage),
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    };
    Ok(context.shell(Section::Templates, &name).respond(view(&page)))
}

/// `POST …/organizations/{organization}/default`
pub async fn set_default(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::EnvironmentsManage)?;
    let (state, principal) = (&context.state, &context.principal);
    let id: OrganizationId = context.id("organization")?;
    let template: Organization = resource::find(state, principal, id).await?;
    if !template.template {
        let refused = OrganizationError::NotATemplate(labels::organization(&template));
        return Err(PageError(refused.into()));
    }
    let wanted = form.flag("default");
    let is_default = context.environment.default_template_id == Some(id);
    if wanted == is_default {
        return Ok(done(&context, &template));
    }
    let default_template_id = Some(if wanted { id.to_string() } else { String::new() });
    let change = EnvironmentChange { default_template_id, ..EnvironmentChange::default() };
    let changed: Result<Environment> =
        resource::update(state, principal, context.environment.id, None, &change).await;
    match changed {
        Ok(_) => Ok(done(&context, &template)),
        // Deleted in the meantime.
        Err(Error::Invalid { .. }) => Err(PageError(Error::not_found("template", id))),
        Err(error) => Err(PageError(error)),
    }
}

fn done(context: &EnvironmentContext, template: &Organization) -> HttpResponse {
    see_other(&href(context, template), Flash(ResourceKind::DefaultTemplate, Action::Saved))
}

/// The page.
pub(in crate::web::console) fn view(page: &TemplatePage<'_>) -> Markup {
    let (template, href) = (&page.given.template, page.href);
    let id = &template.id;
    let new = format!("{}?template={id}", href(console::NEW_ORGANIZATION, &[]));
    html! {
        div.head-row {
            h1 { (labels::organization(template)) }
            @if page.may_manage {
                div.actions {
                    (link_button(ButtonStyle::Primary, "New organization from this template", &new))
                    (link_button(ButtonStyle::Plain, "Edit", &href(console::EDIT_ORGANIZATION, &[id])))
                    (link_button(ButtonStyle::Danger, "Delete", &href(console::DELETE_ORGANIZATION, &[id])))
                }
            }
        }
        p { span.tag { "template" } @if page.is_default { " " (default_mark()) } }
        (notice(Icon::Note, "Organizations are made from it", html! {
            p {
                "Each gets a copy of what it gives, once: later changes here reach those that are made from now on. "
                "Nobody signs in to a template. It has no domains, connections, directories, setup links and users: those are each customer’s own."
            }
        }))
        section.card aria-labelledby="gives" {
            h2 #gives { "What it gives" }
            (facts(&[
                ("How people may sign in", mechanisms::words(template.authentication_mechanisms.as_deref())),
                ("Colour", color(&template.color)),
            ]))
            @if !template.attributes.is_empty() {
                h3 { "Attributes" }
                (attributes(template))
            }
        }
        (pools(page))
        (schema(page))
        (default_card(page))
        section.card aria-labelledby="about" {
            h2 #about { "About it" }
            (facts(&[
                ("ID", copyable(&id.to_string(), "template id")),
                ("Description", html! {
                    @if template.description.is_empty() { span.soft { "none" } }
                    @else { span.lines { (template.description) } }
                }),
                ("Created", time(template.created_at, page.now)),
            ]))
        }
        (latest_changes(page.audit, template, href, page.now))
    }
}

fn pools(page: &TemplatePage<'_>) -> Markup {
    let (template, href) = (&page.given.template, page.href);
    html! {
        section.card aria-labelledby="pools" {
            div.head-row {
                h2 #pools { "Identity pools" }
                @if page.may_add_pools {
                    div.actions { a.button.small href=(href(console::NEW_ORGANIZATION_POOL, &[&template.id])) { "New identity pool" } }
                }
            }
            @if page.given.pools.is_empty() {
                p { "None of its own: each organization gets one called “Users” with the usual rules. A pool here sets other ones: for passwords, for ways to sign in, and for what is kept of each user." }
            } @else {
                ul.rows {
                    @for pool in &page.given.pools {
                        li {
                            a href=(href(console::IDENTITY_POOL, &[&pool.id])) {
                                @if pool.name.trim().is_empty() { (pool.id) } @else { (pool.name) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn schema(page: &TemplatePage<'_>) -> Markup {
    let template = &page.given.template;
    let schema = template.metadata_schema.to_map();
    html! {
        section.card aria-labelledby="schema" {
            div.head-row {
                h2 #schema { "Metadata schema" }
                @if page.may_manage {
                    div.actions { a.button.small href=((page.href)(console::EDIT_METADATA_SCHEMA, &[&template.id])) { "Edit the schema" } }
                }
            }
            @if schema.is_empty() {
                p { "None: the organizations may have any metadata. A schema says which fields there are, which of them are required, and what is kept out." }
            } @else {
                (fields(&schema))
            }
        }
    }
}

/// The members that a schema names: what they are called, and whether they are required.
fn fields(schema: &Map<String, Value>) -> Markup {
    let members = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let title = |member: &Value| member.get("title").and_then(Value::as_str).map(str::to_owned);
    html! {
        @if let Some(members) = members {
            ul.rows {
                @for (name, member) in members.iter().take(MAX_FIELDS) {
                    li {
                        span { @if let Some(title) = title(member) { (title) " " } code { (name) } }
                        @if is_required(name) { span.tag { "required" } }
                    }
                }
            }
            @if members.len() > MAX_FIELDS { p.soft { "And " (members.len() - MAX_FIELDS) " more." } }
        }
        (json::collapsed("The schema", &Value::Object(schema.clone())))
    }
}

fn default_card(page: &TemplatePage<'_>) -> Markup {
    let template = &page.given.template;
    let action = (page.href)(console::DEFAULT_TEMPLATE, &[&template.id]);
    html! {
        section.card aria-labelledby="default" {
            div.head-row {
                h2 #default { "Default template" }
                @if page.may_choose_default {
                    form.inline method="post" action=(action) {
                        (page.csrf)
                        input type="hidden" name="default" value=(if page.is_default { "" } else { "true" });
                        button.button.small type="submit" {
                            @if page.is_default { "No longer the default" } @else { "Mark as default" }
                        }
                    }
                }
            }
            p {
                @if page.is_default { "It is the default: programs that make an organization through SecureAuth’s API without naming a template use it, and the form for a new organization begins with it." }
                @else { "The default template is used by programs that make an organization through SecureAuth’s API without naming one, and the form for a new organization begins with it." }
            }
            @if page.may_manage && !page.may_choose_default {
                p.soft { "An owner of the environment can change that." }
            }
        }
    }
}
