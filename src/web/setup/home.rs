//! `/setup/home`: what can be set up, what is done, and what is next.

use maud::{Markup, html};

use super::{
    saml::connection::{self, Progress},
    scim,
    session::SetupContext,
};
use crate::{
    app,
    links::path,
    web::kit::{
        components::{ButtonStyle, Icon, link_button, mark, notice},
        error::PageResult,
    },
};

/// One setup task.
pub struct SetupTask {
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
pub async fn show(context: SetupContext) -> PageResult {
    let mut tasks = Vec::new();
    if context.link.can_manage_saml {
        let all = connection::connections(&context).await?;
        let best = all
            .iter()
            .map(|(connection, test)| connection::progress_of(connection, test.as_ref()))
            .max_by_key(|progress| *progress as u8);
        tasks.push(SetupTask {
            title: "Single sign-on",
            about: "People sign in with their work account.",
            href: path::SETUP_SAML,
            state: best.map_or_else(|| mark(Icon::Note, "Not begun"), Progress::view),
            done: best == Some(Progress::Tested),
        });
    }
    if context.link.can_manage_domains {
        let all =
            app::organizations::domains::list(&context.state, &context.principal, context.organization.id)
                .await?;
        let counting = all.iter().filter(|listed| listed.state.is_accepted()).count();
        let waiting = all.len() - counting;
        tasks.push(SetupTask {
            title: "E-mail domains",
            about: "Which addresses belong to your company.",
            href: path::SETUP_DOMAINS,
            state: match (counting, waiting) {
                (0, 0) => mark(Icon::Note, "None yet"),
                (_, 0) => mark(Icon::Good, "Confirmed"),
                _ => mark(Icon::Attention, "Not confirmed yet"),
            },
            done: counting > 0 && waiting == 0,
        });
    }
    if context.link.can_manage_scim {
        let all = scim::directories(&context).await?;
        let used = all.iter().find(|described| scim::is_used(described));
        tasks.push(SetupTask {
            title: "User provisioning",
            about: "Whoever joins is added and whoever leaves is removed, without anybody’s work. You may leave it for later.",
            href: path::SETUP_SCIM,
            state: used.or(all.first()).map_or_else(|| mark(Icon::Note, "Not begun"), scim::progress),
            done: used.is_some(),
        });
    }
    let name = &context.organization.display_name;
    let heading = if name.is_empty() { "Connect your company".to_owned() } else { format!("Connect {name}") };
    let content = view(&heading, context.application(), &tasks);
    Ok(context.layout().answer("Overview", content))
}

/// The page.
pub fn view(heading: &str, application: &str, tasks: &[SetupTask]) -> Markup {
    let next = tasks.iter().position(|task| !task.done);
    html! {
        h1 { (heading) " to " (application) }
        @if tasks.is_empty() {
            (notice(Icon::Attention, "This link opens nothing", html! {
                p { "It was made without anything to set up. Ask whoever sent it for another one." }
            }))
        } @else if next.is_none() {
            (notice(Icon::Good, "Everything is set up", html! { p { "You may close this page." } }))
        }
        @for (at, task) in tasks.iter().enumerate() {
            section.card {
                div.head-row { h2 { (task.title) } (task.state) }
                p { (task.about) }
                div.actions {
                    (link_button(
                        if next == Some(at) { ButtonStyle::Primary } else { ButtonStyle::Plain },
                        if task.done { "Look at it" } else if next == Some(at) { "Go on here" } else { "Open" },
                        task.href,
                    ))
                }
            }
        }
    }
}
