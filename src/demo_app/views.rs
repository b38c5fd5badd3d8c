//! The sample app's pages.

use base::time::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    gateway_client::{ApiExchange, pretty},
    organization::DemoOrganization,
    sessions::SignedInUser,
};
use crate::{
    links::path,
    web::kit::{
        assets,
        components::{
            self, ButtonStyle, Column, Icon, InputField, button, code_block, copyable, facts, join_with_and,
            mark, notice, table, time,
        },
        layout::Layout,
        message::Message,
    },
};

const NAVIGATION: &[(&str, &str)] = &[
    ("Sample app", path::DEMO),
    ("Mailbox", path::DEMO_MAILBOX),
    ("Test identity provider", path::TEST_IDP),
];
const BANNER: &str = "A sample app on test accounts. Nothing here is for real use.";

pub(super) fn layout(title: &str) -> Layout<'_> {
    Layout::wide(title, NAVIGATION).banner(Some(BANNER))
}

/// The sign-in page. `error` is about the address.
pub(super) fn sign_in(organizations: &[DemoOrganization], email: &str, error: Option<&str>) -> Markup {
    let domains: Vec<String> =
        organizations.iter().map(|organization| format!("@{}", organization.domain)).collect();
    let hint = format!("Any name will do, before {}.", join_with_and(&domains).replace(" and ", " or "));
    let columns = [
        Column { name: "Company", number: false },
        Column { name: "Its people’s addresses", number: false },
        Column { name: "External id", number: false },
    ];
    let rows: Vec<Vec<Markup>> = organizations
        .iter()
        .map(|organization| {
            vec![
                html! { (organization.name) },
                html! { "…@" (organization.domain) },
                html! { code { (organization.external_id) } },
            ]
        })
        .collect();
    layout("Sign in to the sample app").render(html! {
        h1 { "Sample app" }
        p.lead {
            "This plays the app that you build. Its users work for companies, and sign in with the accounts that \
             they have there."
        }
        div.columns.two {
            section.card {
                h2 { "Sign in" }
                form.form method="post" action=(path::DEMO_SIGN_IN) {
                    (InputField {
                        value: email,
                        hint: Some(&hint),
                        error,
                        autocomplete: Some("username"),
                        ..InputField::new("email", "Work e-mail", "email")
                    })
                    div.actions {
                        (way("saml", ButtonStyle::Primary, "Sign in with SSO"))
                        (way("oidc", ButtonStyle::Plain, "Sign in with OpenID Connect"))
                    }
                }
                p.soft.small {
                    "Both go through SAML at the company. The first comes back through the REST API (an SSOReady app \
                     works the same), the second as an OpenID Connect login."
                }
            }
            (see_a_refused_login(organizations))
        }
        section.stack {
            h2 { "Customers of this app" }
            (table("Customers of this app", &columns, &rows))
            p { a href=(path::DEMO_PEOPLE) { "People whom their directories provisioned" } }
        }
    })
}

fn see_a_refused_login(organizations: &[DemoOrganization]) -> Markup {
    html! {
        @if let [first, second, ..] = organizations {
            section.card {
                h2 { "See a refused login" }
                p {
                    "Begins a login for " strong { (first.name) } ". At the test identity provider, pick somebody of "
                    strong { (second.name) } " (@" (second.domain) ")."
                }
                p { "The signature is good, but " (first.name) "’s people have other addresses, so nobody gets in." }
                form method="post" action=(path::DEMO_SIGN_IN) {
                    div.actions { (way("refused", ButtonStyle::Plain, "See a refused login")) }
                }
            }
        }
    }
}

/// A submit button for one method of login.
fn way(value: &str, style: ButtonStyle, label: &str) -> Markup {
    html! { button type="submit" name="way" value=(value) class=(style.class()) { (label) } }
}

/// The page of the signed-in user, with the calls of the login.
pub(super) fn signed_in(person: &SignedInUser, organizations: &[DemoOrganization], now: Timestamp) -> Markup {
    let organization = organizations
        .iter()
        .find(|organization| organization.external_id == person.organization_external_id)
        .map_or("an organization that this app does not know", |organization| &organization.name);
    layout("Signed in to the sample app").scripts(&[&assets::COPY]).render(html! {
        h1 { "You are signed in" }
        (notice(Icon::Good, &person.email, html! {
            p { "of " strong { (organization) } ", " (time(person.signed_in_at, now)) ", by " (person.way) }
        }))
        div.columns.two {
            section.card {
                h2 { "Who this is" }
                (facts(&[
                    ("E-mail", html! { span #email { (person.email) } }),
                    ("Organization", html! { span #organization { (organization) } }),
                    ("External id", html! { code { (person.organization_external_id) } }),
                    ("Organization id", copyable(&person.organization_id, "organization id")),
                ]))
                form method="post" action=(path::DEMO_SIGN_OUT) {
                    div.actions { (button(ButtonStyle::Plain, "Sign out")) }
                }
            }
            section.card {
                h2 { "Attributes from the company" }
                (attributes(&person.attributes))
            }
        }
        section.stack {
            h2 { "How the app did it" }
            p { "The calls that the app’s server made to the gateway. Secrets are shortened; with yours in their place the commands work." }
            @for (number, exchange) in (1..).zip(&person.exchanges) { (step(number, exchange)) }
        }
        @if !person.documents.is_empty() {
            section.stack {
                h2 { "What the app holds now" }
                @for (name, document) in &person.documents { (code_block(name, &pretty(document))) }
            }
        }
    })
}

/// The users that the customers' identity providers provisioned, as the gateway returns them.
pub(super) fn people(directories: &[(&DemoOrganization, Value, ApiExchange)]) -> Markup {
    let columns = [
        Column { name: "E-mail", number: false },
        Column { name: "Name", number: false },
        Column { name: "Job title", number: false },
        Column { name: "May use the app", number: false },
    ];
    layout("People of the sample app").scripts(&[&assets::COPY]).render(html! {
        h1 { "People of this app" }
        p.lead {
            "The people whom the customers’ identity providers provisioned by SCIM. The app learns of them before they ever sign \
             in, and of those who leave on the same day."
        }
        @for (number, (organization, answer, exchange)) in (1..).zip(directories) {
            section.stack {
                h2 { (organization.name) }
                @let users = answer["scimUsers"].as_array().map(Vec::as_slice).unwrap_or_default();
                @if users.is_empty() {
                    p.soft { "Nobody yet. Push people from the " a href=(path::TEST_IDP_SCIM) { "test identity provider" } "." }
                } @else {
                    (table(&organization.name, &columns, &users.iter().map(person_row).collect::<Vec<_>>()))
                }
                (step(number, exchange))
            }
        }
        (back())
    })
}

fn person_row(user: &Value) -> Vec<Markup> {
    let attributes = &user["attributes"];
    let name = ["/displayName", "/name/formatted", "/name/givenName"]
        .into_iter()
        .find_map(|at| attributes.pointer(at).and_then(Value::as_str))
        .unwrap_or("–");
    let gone = user["deleted"] == true;
    vec![
        html! { (user["email"].as_str().unwrap_or_default()) },
        html! { (name) },
        html! { (attributes["title"].as_str().unwrap_or("–")) },
        if gone { mark(Icon::Bad, "no") } else { mark(Icon::Good, "yes") },
    ]
}

fn attributes(attributes: &Value) -> Markup {
    let Some(attributes) = attributes.as_object().filter(|attributes| !attributes.is_empty()) else {
        return html! { p.soft { "Nothing but the address. Attributes that the identity provider sends stand here." } };
    };
    html! {
        dl.facts #attributes {
            @for (name, value) in attributes {
                dt { (name) }
                dd {
                    @match value {
                        Value::Array(values) => {
                            @for (at, value) in values.iter().enumerate() { @if at > 0 { ", " } (plain(value)) }
                        },
                        value => (plain(value)),
                    }
                }
            }
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn step(number: usize, exchange: &ApiExchange) -> Markup {
    html! {
        section.card {
            h3 { (number) ". " (exchange.title) }
            (code_block("Request", &exchange.curl))
            @if !exchange.answer.is_empty() { (code_block("Answer", &exchange.answer)) }
        }
    }
}

/// An OAuth error response (RFC 6749 §4.1.2.1).
pub(super) fn refused(error: &str, description: Option<&str>) -> Markup {
    layout("The login was refused").reason(error).render(html! {
        h1 { "The login was refused" }
        (notice(Icon::Bad, "The gateway sent you back without a code", html! {
            p { (description.unwrap_or("It gave no description.")) }
        }))
        p { "An app shows this, offers to sign in again, and logs the code and the description." }
        (facts(&[("Error", html! { code { (error) } })]))
        (back())
    })
}

/// A message page.
pub(super) fn message(happened: &str) -> Markup {
    Message {
        next_link: Some(("Back to the sample app", path::DEMO)),
        banner: Some(BANNER),
        ..Message::new("The sample app could not sign you in", happened, "Begin again at its sign-in page.")
    }
    .view()
}

fn back() -> Markup {
    html! { div.actions { (components::link_button(ButtonStyle::Primary, "Back to the sample app", path::DEMO)) } }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::web::samples::page;

    fn organizations() -> Vec<DemoOrganization> {
        [("Acme", "acme.example", "acme"), ("Globex", "globex.example", "globex")]
            .map(|(name, domain, external_id)| DemoOrganization {
                name: name.into(),
                domain: domain.into(),
                external_id: external_id.into(),
            })
            .into()
    }

    #[test]
    fn sign_in_samples() {
        page("demo-sign-in", sign_in(&organizations(), "dana@acme.example", None));
        let error = "No customer of this sample app has addresses like that. Take one of the domains below.";
        page("demo-sign-in-error", sign_in(&organizations(), "dana@\"gmail.com", Some(error)));
        page(
            "demo-refused",
            refused(
                "access_denied",
                Some("email_outside_organization_domains, saml_flow_12vqjrnxk9xeov6o4f05pan0g"),
            ),
        );
        page(
            "demo-message",
            message(
                "The gateway answered 400: saml access code not found, already used, or ended because the person may not sign in any more",
            ),
        );
    }

    #[test]
    fn people_samples() {
        let organizations = organizations();
        let exchange = ApiExchange {
            title: "Ask for the people of the customer’s directory",
            curl: "curl 'http://localhost:8080/v1/scim/users?organizationExternalId=acme&pageSize=100'"
                .into(),
            answer: "{}".into(),
        };
        let users = json!({ "scimUsers": [
            { "email": "ada@acme.example", "deleted": false, "attributes": { "displayName": "Ada <L>", "title": "Engineer" } },
            { "email": "", "deleted": true, "attributes": {} },
        ]});
        let directories = [
            (&organizations[0], users, exchange.clone()),
            (&organizations[1], json!({ "scimUsers": [] }), exchange),
        ];
        page("demo-people", people(&directories));
    }

    #[test]
    fn signed_in_samples() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let short = SignedInUser {
            email: "dana@acme.example".into(),
            organization_external_id: "acme".into(),
            organization_id: "org_12vqjrnxk9xeov6o4f05pan0g".into(),
            attributes: Value::Null,
            way: "SAML, through the REST API",
            exchanges: vec![ApiExchange {
                title: "Redeem the access code",
                curl: "curl -X POST 'http://localhost:8080/v1/saml/redeem' \\\n  -H 'Authorization: Bearer ssoready_sk_12…0g' \\\n  -H 'Content-Type: application/json' \\\n  -d '{\"samlAccessCode\":\"saml_access_code_12…0g\"}'".into(),
                answer: pretty(&json!({ "email": "dana@acme.example", "organizationExternalId": "acme" })),
            }],
            documents: Vec::new(),
            signed_in_at: now,
        };
        page("demo-signed-in", signed_in(&short, &organizations(), now));
        let claims = json!({ "iss": "http://localhost:8080/v1/oauth", "sub": "dana@acme.example", "exp": 1_800_003_600,
            "attributes": { "groups": "<everyone>" } });
        let long = SignedInUser {
            email: "maximiliane.von-und-zu-hohenstein-lauenburg@engineering.acme.example".into(),
            organization_external_id: "gone".into(),
            attributes: json!({
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress": ["dana@acme.example"],
                "groups": ["everyone", "engineering", "on-call <b>"],
                "department": "R&D",
                "level": 7
            }),
            way: "OpenID Connect",
            documents: vec![("ID token, decoded", claims)],
            ..short
        };
        page("demo-signed-in-long", signed_in(&long, &organizations(), now));
    }
}
