//! `/setup/scim`: user provisioning, from the choice of the identity provider to the first requests.

use actix_web::web;
use base::{id::ScimDirectoryId, secret::ScimBearerToken, time::Timestamp};
use maud::{Markup, html};
use model::{idp_kind::IdpKind, scim_request::ScimRequest};

use super::{
    form::SetupForm,
    providers::{
        self,
        choice::provider_choice,
        provider::{Provider, ScimSupport, StepPart},
    },
    session::SetupContext,
    steps::{self, PartContents, SetupValues},
};
use crate::{
    app::{
        self, Error,
        directories::{
            DEFAULT_OVERLAP, ScimDirectoryChange, ScimDirectoryView, request_log::ScimRequestQuery,
        },
        pagination::PageQuery,
    },
    links::{self, path},
    web::kit::{
        components::{ButtonStyle, Column, Icon, copy_button, link_button, mark, notice, shape, table, time},
        error::PageResult,
        forms::{FormValues, button_form},
        response::{PagePolicy, see_other},
        seen::Seen,
    },
};

/// The maximum number of directories that are shown.
const MAX_DIRECTORIES: &str = "20";

/// The maximum number of requests in the live view.
const MAX_LIVE_REQUESTS: &str = "10";

/// The organization's directories.
pub async fn directories(context: &SetupContext) -> app::Result<Vec<ScimDirectoryView>> {
    let query = PageQuery { token: None, size: Some(MAX_DIRECTORIES.to_owned()) };
    let page =
        app::directories::list(&context.state, &context.principal, context.organization.id, &query).await?;
    Ok(page.items)
}

/// Whether a directory has received a request.
pub fn is_used(described: &ScimDirectoryView) -> bool {
    described.tokens.iter().any(|token| token.last_used_at.is_some())
}

/// The progress of a directory as a badge.
pub fn progress(described: &ScimDirectoryView) -> Markup {
    match (is_used(described), described.tokens.is_empty()) {
        (true, _) => mark(Icon::Good, "Requests arrive"),
        (false, false) => mark(Icon::Attention, "Nothing arrived yet"),
        (false, true) => mark(Icon::Note, "Begun"),
    }
}

/// The step to continue with.
pub fn resume(described: &ScimDirectoryView) -> &'static str {
    let steps = providers::for_kind(described.directory.idp_kind).scim_steps();
    let at = if described.tokens.is_empty() { steps.first() } else { steps.last() };
    at.map_or("live", |step| step.slug)
}

/// `GET /setup/scim`
pub async fn choose(context: SetupContext) -> PageResult {
    let all = directories(&context).await?;
    let asked = url::form_urlencoded::parse(context.request.query_string().as_bytes())
        .find(|(name, _)| name == "idpKind")
        .and_then(|(_, value)| value.parse().ok());
    let cannot = asked.map(|kind| providers::for_kind(Some(kind))).and_then(|provider| match provider.scim {
        ScimSupport::Unavailable(why) => Some((provider.kind.name(), why)),
        ScimSupport::Steps(_) => None,
    });
    let now = context.state.now();
    let content = html! {
        p.back { a href=(path::SETUP_HOME) { "Overview" } }
        h1 { "User provisioning" }
        p { "Your identity provider tells " (context.application()) " who joins, changes and leaves. Nobody keeps a second list." }
        @if let Some((name, why)) = cannot {
            (notice(Icon::Attention, &format!("{name} cannot do this"), html! { p { (why) } }))
        }
        @if !all.is_empty() {
            section.card {
                h2 { "Begun here" }
                ul.choices {
                    @for described in &all {
                        li {
                            a href=(links::setup_scim_step(described.directory.id, resume(described))) {
                                span.text {
                                    (providers::for_kind(described.directory.idp_kind).kind.name())
                                    small { (progress(described)) " · begun " (time(described.directory.created_at, now)) }
                                }
                                (shape(Icon::Forward))
                            }
                        }
                    }
                }
            }
        }
        (provider_choice(path::SETUP_SCIM, "Which identity provider does your company use?", &context.csrf(), note))
    };
    Ok(context.layout().answer("User provisioning", content))
}

fn note(provider: &Provider) -> Option<&'static str> {
    matches!(provider.scim, ScimSupport::Unavailable(_)).then_some("Cannot push people by itself")
}

/// `POST /setup/scim`: chooses the product. A directory without a token is reused.
pub async fn create(sent: SetupForm) -> PageResult {
    let context = &sent.context;
    let kind: IdpKind = sent
        .text("idpKind")
        .parse()
        .map_err(|_| Error::invalid("idpKind", "choose one of the identity providers"))?;
    let Some(first) = providers::for_kind(Some(kind)).scim_steps().first() else {
        return Ok(see_other(&format!("{}?idpKind={}", path::SETUP_SCIM, kind.as_str())));
    };
    let all = directories(context).await?;
    let mut change =
        ScimDirectoryChange { idp_kind: Some(kind.as_str().to_owned()), ..ScimDirectoryChange::default() };
    let described = match all.iter().find(|described| described.tokens.is_empty()) {
        Some(fresh) => {
            let id = fresh.directory.id;
            app::directories::update(&context.state, &context.principal, id, None, &change).await?
        }
        None => {
            change.primary = Some(all.is_empty());
            app::directories::create(&context.state, &context.principal, context.organization.id, &change)
                .await?
        }
    };
    Ok(see_other(&links::setup_scim_step(described.directory.id, first.slug)))
}

/// The directory with the id of the path. The link opens those of its organization.
async fn load(context: &SetupContext, id: &str) -> app::Result<ScimDirectoryView> {
    let id: ScimDirectoryId = id.parse().map_err(|_| Error::not_found("SCIM directory", "(no such id)"))?;
    app::directories::find(&context.state, &context.principal, id).await
}

/// `GET /setup/scim/{directory}/{step}`
pub async fn step(context: SetupContext, path: web::Path<(String, String)>) -> PageResult {
    let described = load(&context, &path.0).await?;
    show(&context, &described, &path.1, None).await
}

/// `POST /setup/scim/{directory}/{step}`: creates a bearer token, which only this response shows; none, if the directory
/// or its tokens were changed since the page was made.
pub async fn submit(sent: SetupForm, path: web::Path<(String, String)>) -> PageResult {
    let context = &sent.context;
    let described = load(context, &path.0).await?;
    let id = described.directory.id;
    let expected = Seen::posted(&sent).expected();
    let rotated =
        app::directories::rotate(&context.state, &context.principal, id, Some(&expected), DEFAULT_OVERLAP)
            .await;
    let token = match rotated {
        Ok(token) => Some(token),
        // Made in another window, or by a second click: the page shows what there is.
        Err(Error::Outdated { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let described = load(context, &path.0).await?;
    show(context, &described, &path.1, token).await
}

async fn show(
    context: &SetupContext,
    described: &ScimDirectoryView,
    slug: &str,
    made: Option<ScimBearerToken>,
) -> PageResult {
    let directory = &described.directory;
    let provider = providers::for_kind(directory.idp_kind);
    let all = provider.scim_steps();
    let at = all.iter().position(|step| step.slug == slug);
    let at = at.ok_or_else(|| Error::not_found("step", "(no such step)"))?;
    let step = &all[at];
    let href = |slug: &str| links::setup_scim_step(directory.id, slug);
    let is_live = step.parts.contains(&StepPart::Live);
    let live = match is_live {
        true => {
            let page = PageQuery { token: None, size: Some(MAX_LIVE_REQUESTS.to_owned()) };
            let query = ScimRequestQuery::default();
            let list = app::directories::request_log::list(
                &context.state,
                &context.principal,
                directory.id,
                &query,
                &page,
            )
            .await?;
            Some(request_list(&list.items, context.state.now()))
        }
        false => None,
    };
    let values = SetupValues {
        application: context.application().to_owned(),
        scim_base_url: directory.scim_base_url.clone(),
        ..SetupValues::default()
    };
    let action = href(slug);
    let contents = PartContents {
        values: &values,
        connection: None,
        metadata: None,
        test: None,
        token: Some(token_part(described, made.as_ref(), &action, context.csrf(), context.state.now())),
        live,
    };
    let gives = all.iter().position(|step| step.parts.contains(&StepPart::Token)).unwrap_or(0);
    let is_done = |index: usize| is_used(described) || (!described.tokens.is_empty() && index < gives);
    let content = html! {
        p.back { a href=(path::SETUP_SCIM) { "User provisioning" } " with " (provider.in_text()) }
        (steps::progress(all, slug, is_done, href))
        h1 { (step.title) }
        section.card { (steps::parts(step, &contents)) }
        (steps::step_links(all, at, href, true))
        @if is_live { div.actions { (link_button(ButtonStyle::Primary, "To the overview", path::SETUP_HOME)) } }
    };
    let policy = if is_live { PagePolicy::SameOriginFormsAndFetch } else { PagePolicy::SameOriginForms };
    Ok(context.layout().answer_with(actix_web::http::StatusCode::OK, policy, step.title, content))
}

/// The token that was just created, or the button that creates one.
fn token_part(
    described: &ScimDirectoryView,
    made: Option<&ScimBearerToken>,
    action: &str,
    csrf: Markup,
    now: Timestamp,
) -> Markup {
    if let Some(token) = made {
        let token = token.reveal();
        return html! {
            (notice(Icon::Attention, "Copy it now: it is not shown again", html! {
                p { "Whoever has it can change the people of your company in the application. We keep only a fingerprint of it." }
            }))
            div.secret { code { (token) } (copy_button(&token, "token")) }
        };
    }
    let seen = Seen::of(described.directory.version, &FormValues::new()).fields();
    let hidden = html! { (csrf) (seen) };
    html! {
        @match described.tokens.first() {
            None => (button_form(action, "Make the token", ButtonStyle::Primary, hidden)),
            Some(newest) => {
                p {
                    (mark(Icon::Good, "Made")) " " (time(newest.created_at, now)) ", "
                    @match newest.expires_at { Some(at) => { "good until " (time(at, now)) }, None => { "in force" } }
                    ". If you did not copy it, make another one; the one before works for a day more."
                }
                (button_form(action, "Make another token", ButtonStyle::Plain, hidden))
            }
        }
    }
}

/// The requests that were received, newest first, in plain words.
pub fn request_list(requests: &[ScimRequest], now: Timestamp) -> Markup {
    if requests.is_empty() {
        return html! {
            p { (mark(Icon::Note, "Waiting")) " Nothing arrived yet. This page looks again by itself every few seconds." }
        };
    }
    let columns = [
        Column { name: "What", number: false },
        Column { name: "Outcome", number: false },
        Column { name: "When", number: false },
    ];
    let rows: Vec<Vec<Markup>> = requests
        .iter()
        .map(|request| {
            let good = request.status < 400;
            vec![
                html! { (describe(&request.method, &request.path)) },
                html! {
                    @if good { (mark(Icon::Good, "Accepted")) }
                    @else { (mark(Icon::Bad, "Refused")) " " (request.status) @if let Some(error) = &request.error { " " code { (error) } } }
                },
                time(request.at, now),
            ]
        })
        .collect();
    let people = requests.iter().any(|request| request.status == 201);
    html! {
        @if people { (notice(Icon::Good, "People arrive", html! { p { "Provisioning works." } })) }
        @else { p { (mark(Icon::Note, "Connected")) " Requests arrive; no person was made yet." } }
        (table("The latest requests", &columns, &rows))
    }
}

/// A request in plain words.
fn describe(method: &str, path: &str) -> String {
    let thing = match () {
        () if path.contains("/Groups") => "a group",
        () if path.contains("/Users") => "a person",
        () if path.contains("/Bulk") => "several at once",
        () => "what this server can do",
    };
    match method {
        "POST" if path.ends_with("/.search") => format!("Looked for {thing}"),
        "POST" => format!("Added {thing}"),
        "PUT" | "PATCH" => format!("Changed {thing}"),
        "DELETE" => format!("Removed {thing}"),
        _ => format!("Asked for {thing}"),
    }
}
