//! `GET /`: the front page, for a person who opens the server in a browser.

use actix_web::{HttpResponse, http::StatusCode, web};
use maud::{Markup, html};

use super::kit::{
    components::{Icon, shape},
    layout::{Layout, Masthead},
    response::{self, PagePolicy},
};
use crate::links::path;

/// The front page. It shows only what any visitor may know. A server with the sample app or the test
/// identity provider registers one as application data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Home {
    /// Whether the sample app is served.
    pub demo: bool,
    /// Whether the test identity provider is served.
    pub test_idp: bool,
    /// The test set-up banner, if this is one.
    pub banner: Option<&'static str>,
}

impl Home {
    /// The page.
    pub fn view(&self) -> Markup {
        let layout = Layout {
            masthead: Some(Masthead { links: &[] }),
            ..Layout::narrow("Ostiary, a sign-in gateway")
        };
        layout.banner(self.banner).render(html! {
            h1 { "This is a sign-in gateway" }
            p.lead {
                "Ostiary lets companies sign their people in to an app with the accounts they already have: SAML comes \
                 in from the company’s identity provider, OpenID Connect or a small REST API goes out to the app."
            }
            @if self.demo || self.test_idp {
                ul.choices {
                    @if self.demo { (choice(path::DEMO, "Try a login", "A small sample app that signs in through this gateway")) }
                    @if self.test_idp { (choice(path::TEST_IDP, "Test identity provider", "Plays the company’s part, good and bad")) }
                }
            }
            section.card {
                h2 { "You wanted to sign in?" }
                p { "Go to the app you want to use and sign in there. It sends you here and back again by itself." }
            }
            section.card {
                h2 { "You develop an app?" }
                ul {
                    li { "OpenID Connect clients find everything in the " a href=(path::OAUTH_DISCOVERY) { "discovery document" } "." }
                    li { "The REST API speaks SSOReady’s protocol: point its SDK’s base URL at this address." }
                    li { "Every call with its parameters and answers is in the " a href=(path::API_REFERENCE) { "API reference" } "." }
                    li { "The rest is in the README that came with the program, and in " code { "ostiary --help" } "." }
                }
            }
        })
    }
}

/// `GET /`.
pub async fn serve(home: Option<web::Data<Home>>) -> HttpResponse {
    let home = home.map_or_else(Home::default, |home| **home);
    response::page(StatusCode::OK, PagePolicy::SameOriginForms, home.view())
}

fn choice(href: &str, title: &str, text: &str) -> Markup {
    html! {
        li { a href=(href) { span.text { (title) small { (text) } } (shape(Icon::Forward)) } }
    }
}
