//! `/setup/home`: what can be set up, what is done, and what is next.

use maud::{Markup, html};

use super::{
    saml::{self, Progress},
    scim,
    visitor::Visit,
};
use crate::{
    app,
    links::path,
    pages::{
        components::{Shape, Weight, link_button, mark, notice},
        error::Answer,
    },
};

/// One setup task.
pub struct Area {
    /// What it is.
    pub title: &'static str,
    /// Its purpose.
    pub about: &'static str,
    /// Its URL.
    pub href: &'static str,
    /// Its progress.
    pub state: Markup,
    /// Whether it is complete.
    pub done: bool,
}

/// `GET /setup/home`
pub async fn show(visit: Visit) -> Answer {
    let mut areas = Vec::new();
    if visit.link.can_manage_saml {
        let all = saml::connections(&visit).await?;
        let best = all
            .iter()
            .map(|(connection, test)| saml::progress_of(connection, test.as_ref()))
            .max_by_key(|progress| *progress as u8);
        areas.push(Area {
            title: "Single sign-on",
            about: "People sign in with their work account.",
            href: path::SETUP_SAML,
            state: best.map_or_else(|| mark(Shape::Note, "Not begun"), Progress::view),
            done: best == Some(Progress::Tested),
        });
    }
    if visit.link.can_manage_domains {
        let all = app::domains::list(&visit.state, &visit.actor, visit.organization.id).await?;
        let counting = all.iter().filter(|listed| listed.state.counts()).count();
        let waiting = all.len() - counting;
        areas.push(Area {
            title: "E-mail domains",
            about: "Which addresses belong to your company.",
            href: path::SETUP_DOMAINS,
            state: match (counting, waiting) {
                (0, 0) => mark(Shape::Note, "None yet"),
                (_, 0) => mark(Shape::Good, "Confirmed"),
                _ => mark(Shape::Attention, "Not confirmed yet"),
            },
            done: counting > 0 && waiting == 0,
        });
    }
    if visit.link.can_manage_scim {
        let all = scim::directories(&visit).await?;
        let used = all.iter().find(|described| scim::is_used(described));
        areas.push(Area {
            title: "User provisioning",
            about: "Whoever joins is added and whoever leaves is removed, without anybody’s work. You may leave it for later.",
            href: path::SETUP_SCIM,
            state: used.or(all.first()).map_or_else(|| mark(Shape::Note, "Not begun"), scim::progress),
            done: used.is_some(),
        });
    }
    let name = &visit.organization.display_name;
    let heading = if name.is_empty() { "Connect your company".to_owned() } else { format!("Connect {name}") };
    let content = view(&heading, visit.application(), &areas);
    Ok(visit.frame().answer("Overview", content))
}

/// The page.
pub fn view(heading: &str, application: &str, areas: &[Area]) -> Markup {
    let next = areas.iter().position(|area| !area.done);
    html! {
        h1 { (heading) " to " (application) }
        @if areas.is_empty() {
            (notice(Shape::Attention, "This link opens nothing", html! {
                p { "It was made without anything to set up. Ask whoever sent it for another one." }
            }))
        } @else if next.is_none() {
            (notice(Shape::Good, "Everything is set up", html! { p { "You may close this page." } }))
        }
        @for (at, area) in areas.iter().enumerate() {
            section.card {
                div.head-row { h2 { (area.title) } (area.state) }
                p { (area.about) }
                div.actions {
                    (link_button(
                        if next == Some(at) { Weight::Primary } else { Weight::Plain },
                        if area.done { "Look at it" } else if next == Some(at) { "Go on here" } else { "Open" },
                        area.href,
                    ))
                }
            }
        }
    }
}
