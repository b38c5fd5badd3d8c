//! `…/scim-directories/{directory}/requests`: the log of SCIM requests.

use base::time::Timestamp;
use maud::{Markup, html};
use model::scim_request::ScimRequest;

use super::explanations;
use crate::{
    app::{
        directories::request_log::{self, ScimRequestQuery},
        pagination::Page,
    },
    links::console,
    web::{
        console::{
            kit::{context::EnvironmentContext, labels::filter_error_notice},
            scim_directories::tabs::{self, Tab},
        },
        kit::{
            components::{Icon, mark, time},
            error::PageResult,
            forms::FormErrors,
            list::{List, ListUrl, column, number},
        },
    },
};

/// `GET …/requests`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let opened = tabs::load(&context).await?;
    let place = context.place(&["method", "status", "error"]);
    let query = ScimRequestQuery {
        method: place.filter("method").to_owned(),
        status: place.filter("status").to_owned(),
        error: place.filter("error").to_owned(),
    };
    let id = opened.directory.id;
    let found = request_log::list(&context.state, &context.principal, id, &query, &place.query()).await;
    let (page, errors) = match found {
        Ok(page) => (page, FormErrors::none()),
        Err(error) => (Page { items: Vec::new(), next_token: String::new() }, FormErrors::from_error(error)?),
    };
    let href = |request: &ScimRequest| context.href(console::SCIM_REQUEST, &[&id, &request.id]);
    let content = html! {
        (opened.tabs(Tab::Requests))
        (view(&page, &place, &errors, &href, &opened.directory.scim_base_url, context.now()))
    };
    Ok(opened.shell(&context, "Requests").respond_with(errors.status(), content))
}

/// The list. `base` is the directory's SCIM base URL; paths are shown relative to it.
pub(in crate::web::console) fn view(
    page: &Page<ScimRequest>,
    place: &ListUrl,
    errors: &FormErrors,
    href: &dyn Fn(&ScimRequest) -> String,
    base: &str,
    now: Timestamp,
) -> Markup {
    let rows = page.items.iter().map(|request| {
        vec![
            time(request.at, now),
            html! {
                a.request href=(href(request)) { (request.method) " " span.path { (relative_path(base, &request.path)) } }
            },
            html! {
                (status(request))
                @if let Some(code) = &request.error { " " code { (code) } }
            },
            html! { (request.duration_ms) "\u{a0}ms" },
        ]
    });
    let columns = [column("When"), column("Request"), column("Answer"), number("Took")];
    let list = List {
        caption: "Requests",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "The identity provider has not called yet." }
            p { "Its first request appears here as soon as base URL and bearer token are in its provisioning settings." }
        },
    };
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"].map(|method| (method, method));
    let statuses = [
        ("2xx", "2xx: done"),
        ("3xx", "3xx: not modified"),
        ("4xx", "4xx: refused"),
        ("5xx", "5xx: failed here"),
    ];
    let codes = explanations::codes();
    html! {
        h1 { "Requests" }
        (place.filter_form(&html! {
            (place.filter_select("method", "Method", "All", &methods))
            (place.filter_select("status", "Answer", "All", &statuses))
            (place.filter_select("error", "Refused as", "All", &codes))
        }, &[]))
        @if errors.is_empty() { (list.view(place)) } @else { (filter_error_notice(errors)) }
    }
}

/// A path relative to the directory's SCIM base URL.
pub(in crate::web::console) fn relative_path<'a>(base: &str, path: &'a str) -> &'a str {
    let common = base.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let rest = common.and_then(|common| path.strip_prefix(common.trim_end_matches('/')));
    rest.filter(|rest| rest.starts_with(['/', '?'])).unwrap_or(path)
}

/// The HTTP status as a mark.
pub(in crate::web::console) fn status(request: &ScimRequest) -> Markup {
    let (shape, word) = match request.status {
        200..=399 => (Icon::Good, "done"),
        // Identity providers look users up before creating them: 404 is a normal answer.
        404 => (Icon::Note, "not there"),
        400..=499 => (Icon::Attention, "refused"),
        _ => (Icon::Bad, "failed here"),
    };
    mark(shape, &format!("{} {word}", request.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_below_the_directory() {
        let base = "https://sso.example.com/v1/scim/scim_directory_x";
        assert_eq!(relative_path(base, "/v1/scim/scim_directory_x/Users?a=b"), "/Users?a=b");
        assert_eq!(relative_path(base, "/v1/scim/scim_directory_x?x"), "?x");
        for other in ["/v1/scim/scim_directory_xy/Users", "/elsewhere", "", "/v1/scim/scim_directory_x"] {
            assert_eq!(relative_path(base, other), other);
        }
        assert_eq!(relative_path("nonsense", "/Users"), "/Users");
    }
}
