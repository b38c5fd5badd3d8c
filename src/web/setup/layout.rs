//! The document around every setup page: the vendor's name or logo, colours, support contact, and the button
//! that ends the session.

use actix_web::{HttpResponse, http::StatusCode};
use maud::{DOCTYPE, Markup, html};
use model::{branding::Branding, http_url::HttpUrl};

use crate::{
    links::{self, path},
    web::kit::{
        assets::{self, Asset},
        components::{Icon, shape},
        response::{self, PagePolicy},
    },
};

/// The polling interval of the live view, in seconds.
pub const LIVE_INTERVAL_SECONDS: u32 = 4;

/// The document around a page.
pub struct SetupLayout<'a> {
    /// The vendor's branding.
    pub branding: &'a Branding,
    /// The application's name.
    pub application: &'a str,
    /// The organization, once the link was redeemed.
    pub organization: Option<&'a str>,
    /// The hidden field of the form that ends the session, once there is one.
    pub leave: Option<Markup>,
    /// The first page of the organization's administration, for who came from there.
    pub administration: Option<&'a str>,
    /// The test set-up banner, if this is one.
    pub banner: Option<&'a str>,
}

/// Whether a page updates itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// It does not.
    Off,
    /// It polls for changes.
    Live,
}

impl SetupLayout<'_> {
    /// The whole document around `content`.
    pub fn render(&self, title: &str, refresh: Refresh, content: Markup) -> Markup {
        let branding = self.branding;
        let scripts: &[&Asset] = match refresh {
            Refresh::Off => &[&assets::COPY],
            Refresh::Live => &[&assets::COPY, &assets::LIVE],
        };
        let logo = branding.logo.as_ref();
        let logo = logo.map(|logo| links::branding_logo(branding.environment_id, &logo.sha256));
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex, nofollow";
                    meta name="color-scheme" content="light dark";
                    @if refresh == Refresh::Live {
                        noscript { meta http-equiv="refresh" content=(LIVE_INTERVAL_SECONDS); }
                    }
                    title { (title) " · " (self.application) }
                    link rel="icon" href=(assets::ICON.href()) type="image/svg+xml";
                    link rel="stylesheet" href=(assets::STYLESHEET.href());
                    @if branding.accent_color.is_some() {
                        link rel="stylesheet" href=(links::branding_style(branding.environment_id, &branding.style_version()));
                    }
                    @for script in scripts { script src=(script.href()) defer {} }
                }
                body {
                    a.skip href="#content" { "Skip to content" }
                    @if let Some(banner) = self.banner {
                        aside.banner aria-label="About this set-up" { (shape(Icon::Attention)) p { (banner) } }
                    }
                    header.vendor {
                        @if let Some(logo) = logo {
                            img src=(logo) alt=(self.application);
                        } @else {
                            span.name { (self.application) }
                        }
                        @if let Some(organization) = self.organization { span.for { "Setup for " (organization) } }
                    }
                    main #content.page.setup {
                        @if let Some(administration) = self.administration {
                            p.small { a href=(administration) rel="noreferrer" { "Back to the administration of your organization" } }
                        }
                        (content)
                    }
                    footer.foot { (self.footer()) }
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        html! {
            @if let Some(contact) = &self.branding.support_contact {
                p {
                    "Questions? "
                    @if is_address(contact) { a href={ "mailto:" (contact) } { (contact) } } @else { (contact) }
                }
            }
            @if let Some(url) = &self.branding.return_url {
                p { a href=(HttpUrl::as_str(url)) rel="noreferrer" { "Back to " (self.application) } }
            }
            @if let Some(csrf) = &self.leave {
                form.inline method="post" action=(path::SETUP_LEAVE) {
                    (csrf)
                    button.button.small type="submit" { "Close these pages in this browser" }
                }
            }
        }
    }

    /// The page as a response.
    pub fn answer(&self, title: &str, content: Markup) -> HttpResponse {
        self.answer_with(StatusCode::OK, PagePolicy::SameOriginForms, title, content)
    }

    /// The page as a response with a status and a policy.
    pub fn answer_with(
        &self,
        status: StatusCode,
        policy: PagePolicy,
        title: &str,
        content: Markup,
    ) -> HttpResponse {
        let refresh =
            if policy == PagePolicy::SameOriginFormsAndFetch { Refresh::Live } else { Refresh::Off };
        response::page(status, policy, self.render(title, refresh, content))
    }
}

fn is_address(contact: &str) -> bool {
    model::email::Email::parse(contact).is_some()
}
