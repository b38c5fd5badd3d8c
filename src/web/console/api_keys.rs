//! `/console/{environment}/api-keys`: API keys with which the vendor's backend authenticates.

use base::time::Timestamp;
use maud::{Markup, html};
use model::api_key::ApiKey;

use crate::{
    app::{Result, environments::api_keys, pagination::Page, permissions, resource},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::ResourceKind,
            form::ConsoleForm,
            labels::{self, Href},
            resource::{ConsoleResource, new_form},
            shell::Section,
        },
        kit::{
            components::{self, ButtonStyle, copyable, link_button, time},
            error::PageResult,
            forms::{Choice, FormErrors, FormValues, FormView},
            list::{List, ListUrl, column},
            secret::SecretPanel,
        },
    },
};

const ACCESS: [Choice<'static>; 2] = [
    Choice::new(
        "",
        "Sign people in",
        "Begins and redeems logins, and reads the people and groups that were pushed.",
    ),
    Choice::new(
        "true",
        "Sign people in and manage",
        "Also changes everything in this environment: organizations, connections, keys.",
    ),
];

impl ConsoleResource for ApiKey {
    const SECTION: Section = Section::ApiKeys;
    const FLASH: ResourceKind = ResourceKind::ApiKey;
    const SEGMENT: &'static str = "key";
    const LIST_PATH: &'static str = console::API_KEYS;
    const EDIT_PATH: &'static str = console::EDIT_API_KEY;
    const DELETE_PATH: &'static str = console::DELETE_API_KEY;

    fn name(&self) -> String {
        match self.display_name.trim() {
            "" => self.id.to_string(),
            name => name.to_owned(),
        }
    }

    fn values(&self) -> FormValues {
        FormValues::new().with("displayName", &self.display_name).with_flag("disabled", self.disabled)
    }

    fn fields(view: &FormView<'_>, of: Option<&Self>) -> Markup {
        html! {
            (view.text("displayName", "Name").optional().hint("Where it will be used: backend, staging worker."))
            @if of.is_some() {
                (view.checkbox("disabled", "Switched off")
                    .hint("Takes effect at once: calls with it are refused. Everything else is kept."))
            }
            @if of.is_none() { (view.radios("hasManagementApiAccess", "What it may do", &ACCESS)) }
        }
    }

    async fn effects(&self, context: &EnvironmentContext) -> Result<Vec<String>> {
        let used = match self.last_used_at {
            Some(at) => format!("It was last used {}.", components::relative(at, context.now())),
            None => "It was never used.".to_owned(),
        };
        Ok(vec![
            "Whatever uses it is refused from the next call on.".to_owned(),
            used,
            "To stop it for a while only, edit it and switch it off.".to_owned(),
        ])
    }

    async fn remove(context: &EnvironmentContext, id: base::id::ApiKeyId) -> Result<()> {
        api_keys::remove(&context.state, &context.principal, id, None).await
    }
}

/// `GET …/api-keys`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&[]);
    let page = resource::list(&context.state, &context.principal, &place.query()).await?;
    let content = view(
        &page,
        &place,
        context.may(permissions::Action::ApiKeysManage),
        &|pattern, segments| context.href(pattern, segments),
        context.now(),
    );
    Ok(context.shell(Section::ApiKeys, "API keys").respond(content))
}

/// The list.
pub(in crate::web::console) fn view(
    page: &Page<ApiKey>,
    place: &ListUrl,
    may_manage: bool,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let new = href(console::NEW_API_KEY, &[]);
    let rows = page.items.iter().map(|key| {
        vec![
            html! {
                @if may_manage { a href=(href(console::EDIT_API_KEY, &[&key.id])) { (key.name()) } }
                @else { strong { (key.name()) } }
                @if key.disabled { " " (labels::switched_off()) }
            },
            html! {
                @if key.management { "sign in and manage" } @else { "sign in" }
            },
            key.last_used_at.map_or_else(|| html! { span.soft { "never" } }, |at| time(at, now)),
            time(key.created_at, now),
            copyable(&key.id.to_string(), "key id"),
            html! { @if may_manage { a href=(href(console::DELETE_API_KEY, &[&key.id])) aria-label={ "Delete " (key.name()) } { "Delete" } } },
        ]
    });
    let columns =
        [column("Name"), column("May"), column("Last used"), column("Created"), column("ID"), column("")];
    let list = List {
        caption: "API keys",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "Your backend calls this server with an API key: SSOReady’s SDKs take it as it is." }
            @if may_manage { p { (link_button(ButtonStyle::Primary, "Create the first one", &new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "API keys" }
            @if may_manage && !page.items.is_empty() { div.actions { (link_button(ButtonStyle::Primary, "New API key", &new)) } }
        }
        (list.view(place))
    }
}

/// `GET …/api-keys/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::ApiKeysManage)?;
    let typed = FormValues::new().with("hasManagementApiAccess", "");
    Ok(form_page(&context, &typed, &FormErrors::none()))
}

/// `POST …/api-keys/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::ApiKeysManage)?;
    let created = match form.change() {
        Ok(change) => api_keys::create(&context.state, &context.principal, &change).await,
        Err(error) => Err(error),
    };
    let (key, secret) = match created {
        Ok(created) => created,
        Err(error) => {
            return Ok(form_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?));
        }
    };
    let back = context.href(console::API_KEYS, &[]);
    let panel = SecretPanel {
        name: "API key",
        value: &secret.reveal(),
        about: "Put it into your backend’s configuration. Whoever holds it speaks for this environment.",
        next_url: &back,
    };
    Ok(context.shell(Section::ApiKeys, "Your new API key").respond(html! {
        h1 { "API key " (key.name()) }
        section.card.stack { (panel.view()) }
    }))
}

fn form_page(
    context: &EnvironmentContext,
    typed: &FormValues,
    errors: &FormErrors,
) -> actix_web::HttpResponse {
    let action = context.href(console::NEW_API_KEY, &[]);
    new_form::<ApiKey>(context, &action, typed, errors, context.confirm_identity_notice("make an API key"))
}
