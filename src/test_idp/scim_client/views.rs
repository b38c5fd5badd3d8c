//! The provisioning page.

use maud::{Markup, html};
use test_idp_protocol::parties::TestUser;

use super::{
    client::{ScimExchange, ScimTarget},
    emulated_idp::EmulatedIdp,
};
use crate::{
    links::path,
    test_idp::views::BANNER,
    web::kit::{
        assets,
        components::{ButtonStyle, Icon, code_block, link_button, mark, notice},
        layout::{Layout, Width},
    },
};

/// The result of a run.
pub struct RunResult<'a> {
    /// The directory.
    pub target: &'a ScimTarget,
    /// Every request and response, in order.
    pub exchanges: &'a [ScimExchange],
}

/// The page.
pub struct ProvisioningPage<'a> {
    /// The directories to choose from.
    pub targets: &'a [ScimTarget],
    /// The users of the test identity provider.
    pub users: &'a [TestUser],
    /// The directory and the style that are selected in the form.
    pub chosen: Option<(&'a str, EmulatedIdp)>,
    /// The result of the run just made.
    pub outcome: Option<RunResult<'a>>,
}

impl ProvisioningPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let title = "Push people and groups";
        let layout = Layout { width: Width::Wide, ..Layout::narrow(title).banner(Some(BANNER)) };
        layout.scripts(&[&assets::COPY]).render(html! {
            h1 { (title) }
            p.lead {
                "An identity provider does not only sign people in. It also tells the app, by SCIM, who may use it, what \
                 groups they are in, and when somebody leaves. Here it does so when you press a button."
            }
            section.card { (self.form()) }
            @if let Some(outcome) = &self.outcome { (outcome.view()) }
            div.actions {
                (link_button(ButtonStyle::Plain, "To the test identity provider", path::TEST_IDP))
                (link_button(ButtonStyle::Plain, "See the people in the sample app", path::DEMO_PEOPLE))
            }
        })
    }

    fn form(&self) -> Markup {
        let (chosen, style) = self.chosen.unwrap_or(("", EmulatedIdp::Okta));
        html! {
            form.form method="post" action=(path::TEST_IDP_SCIM) {
                div.field {
                    label for="directory" { "Directory" }
                    select #directory name="directory" {
                        @for target in self.targets {
                            option value=(target.name) selected[target.name == chosen] { (target.name) }
                        }
                    }
                }
                fieldset {
                    legend { "Behave like" }
                    ul.options {
                        @for known in EmulatedIdp::ALL {
                            li.option {
                                input #{ "style-" (known.name()) } type="radio" name="style" value=(known.name()) checked[known == style];
                                label for={ "style-" (known.name()) } { (known.label()) }
                            }
                        }
                    }
                }
                div.actions { (action("push", ButtonStyle::Primary, "Push everybody and every group")) }
                div.field {
                    label for="person" { "Or one person" }
                    select #person name="person" {
                        @for user in self.users.iter().filter(|user| self.targets.iter().any(|target| target.has_domain_of(user))) {
                            option value=(user.email) { (user.first_name) " " (user.last_name) " (" (user.email) ")" }
                        }
                    }
                }
                div.actions {
                    (action("change", ButtonStyle::Plain, "Change the job title"))
                    (action("deactivate", ButtonStyle::Plain, "Deactivate"))
                    (action("reactivate", ButtonStyle::Plain, "Reactivate"))
                    (action("delete", ButtonStyle::Danger, "Delete"))
                }
            }
        }
    }
}

fn action(value: &str, style: ButtonStyle, label: &str) -> Markup {
    html! { button type="submit" name="action" value=(value) class=(style.class()) { (label) } }
}

impl RunResult<'_> {
    fn view(&self) -> Markup {
        let done = self.exchanges.last().is_some_and(|last| (200..300).contains(&last.status));
        html! {
            @if done {
                (notice(Icon::Good, "Done", html! { p { (self.exchanges.len()) " requests to " (self.target.name) "’s directory." } }))
            } @else {
                (notice(Icon::Bad, "It stopped", html! { p { "The last answer below says why." } }))
            }
            section.stack {
                h2 { "Requests and responses" }
                @for exchange in self.exchanges { (exchange_card(exchange)) }
            }
        }
    }
}

fn exchange_card(exchange: &ScimExchange) -> Markup {
    let good = (200..300).contains(&exchange.status);
    html! {
        section.card {
            h3 { (exchange.title) }
            @if exchange.status != 0 {
                p { (mark(if good { Icon::Good } else { Icon::Bad }, &exchange.status.to_string())) }
            }
            p { code { (exchange.line) } }
            @if !exchange.body.is_empty() { (code_block("Request", &exchange.body)) }
            @if !exchange.answer.is_empty() {
                details {
                    summary { "Answer" }
                    (code_block("Answer", &exchange.answer))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::samples::page;

    #[test]
    fn scim_samples() {
        let targets = [ScimTarget {
            name: "Acme & <Sons>".into(),
            base_url: "http://localhost:8080/v1/scim/scim_directory_12vqjrnxk9xeov6o4f05pan0g".into(),
            internal_base_url: String::new(),
            token: "ssoready_scim_bearer_token_12vqjrnxk9xeov6o4f05pan0g".parse().unwrap(),
            domains: vec!["acme.example".into()],
        }];
        let users = [TestUser {
            email: "ada@acme.example".into(),
            first_name: "Ada".into(),
            last_name: "Lovelace".into(),
            groups: Vec::new(),
        }];
        page(
            "test-idp-scim",
            ProvisioningPage { targets: &targets, users: &users, chosen: None, outcome: None }.view(),
        );
        let exchange = |status, answer: &str| ScimExchange {
            title: "Create the user".into(),
            line: format!("POST {}/Users", targets[0].base_url),
            body: "{\n  \"userName\": \"ada@acme.example\"\n}".into(),
            status,
            answer: answer.into(),
        };
        for (name, exchanges) in [
            ("test-idp-scim-done", vec![exchange(201, "{\n  \"id\": \"scim_user_1\"\n}")]),
            (
                "test-idp-scim-stopped",
                vec![exchange(201, "{}"), exchange(400, "{\n  \"detail\": \"<b>\"\n}")],
            ),
        ] {
            let outcome = RunResult { target: &targets[0], exchanges: &exchanges };
            let chosen = Some((targets[0].name.as_str(), EmulatedIdp::Entra));
            page(
                name,
                ProvisioningPage { targets: &targets, users: &users, chosen, outcome: Some(outcome) }.view(),
            );
        }
    }
}
