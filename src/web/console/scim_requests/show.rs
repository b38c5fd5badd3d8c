//! `…/scim-directories/{directory}/requests/{request}`: a SCIM request with its response and, if it was
//! refused, how to fix it.

use base::time::Timestamp;
use maud::{Markup, html};
use model::scim_request::ScimRequest;
use serde_json::Value;

use super::explanations;
use crate::{
    app::{self, Error},
    links::console,
    web::{
        console::{
            kit::context::EnvironmentContext,
            scim_directories::tabs::{self, Tab},
            scim_requests,
        },
        kit::{
            components::{Icon, code_block, copyable, facts, fixer, notice, time},
            error::PageResult,
            json,
        },
    },
};

/// `GET …/requests/{request}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let opened = tabs::load(&context).await?;
    let request =
        app::directories::request_log::find(&context.state, &context.principal, context.id("request")?)
            .await?;
    if request.directory_id != opened.directory.id {
        return Err(Error::not_found("SCIM request", request.id).into());
    }
    let title = title(&request, &opened.directory.scim_base_url);
    let content = html! { (opened.tabs(Tab::Requests)) (view(&request, &title, context.now())) };
    let list = context.href(console::SCIM_REQUESTS, &[&opened.directory.id]);
    Ok(opened.shell(&context, &title).crumb("Requests", list).respond(content))
}

/// Method and path, without the query, at most 80 characters.
fn title(request: &ScimRequest, base: &str) -> String {
    let path = scim_requests::list::relative_path(base, &request.path);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let short: String = path.chars().take(80).collect();
    format!("{} {short}", request.method)
}

/// The page.
pub(in crate::web::console) fn view(request: &ScimRequest, title: &str, now: Timestamp) -> Markup {
    html! {
        div.head-row { h1 { (title) } (scim_requests::list::status(request)) }
        (explanation(request))
        section.card {
            h2 { "Request" }
            (facts(&[
                ("When", time(request.at, now)),
                ("Took", html! { (request.duration_ms) " ms" }),
                ("Address", html! { code { (request.method) " " (request.path) } }),
                ("ID", copyable(&request.id.to_string(), "request id")),
            ]))
            (body("Request body", "It had no body.", request.request_body.as_deref()))
        }
        section.card {
            h2 { "Response" }
            (body("Response body", "It had no body.", request.response_body.as_deref()))
        }
    }
}

fn body(name: &str, without: &str, body: Option<&str>) -> Markup {
    match body {
        Some(text) => code_block(name, &json::pretty_text(text)),
        None => html! { p.soft { (without) } },
    }
}

/// Why the request was refused and what to do; empty if it was not.
fn explanation(request: &ScimRequest) -> Markup {
    let Some(code) = &request.error else { return html! {} };
    let detail = request.response_body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok());
    let detail = detail.as_ref().and_then(|answer| answer.get("detail")).and_then(Value::as_str);
    let explained = explanations::explain(code);
    let shape = match explained {
        Some(explanation) if explanation.fixer.is_none() => Icon::Note,
        _ => Icon::Bad,
    };
    let title = explained.map_or("It was refused.", |explanation| explanation.meaning);
    notice(
        shape,
        title,
        html! {
            dl.facts {
                @if let Some(detail) = detail { dt { "In detail" } dd { (detail) } }
                dt { "Code" } dd { code { (code) } }
                @if let Some(explanation) = explained {
                    dt { "Who can fix it" }
                    dd { @match explanation.fixer { Some(who) => (fixer(who)), None => "Nobody needs to." } }
                    dt { "How" } dd { (explanation.remedy) }
                }
            }
        },
    )
}
