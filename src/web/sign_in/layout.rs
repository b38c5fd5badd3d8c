//! The document around every page on which people sign in: the vendor's logo or name, the colours, the organization.

use maud::{DOCTYPE, Markup, html};
use model::branding::Branding;

use crate::{
    links,
    web::kit::{
        assets::{self, Asset},
        components::{Icon, shape},
    },
};

/// The document around a page.
#[derive(Clone, Copy)]
pub struct SignInLayout<'a> {
    /// The vendor's branding.
    pub branding: &'a Branding,
    /// The vendor's application, by its name.
    pub application: &'a str,
    /// The organization.
    pub organization: &'a str,
    /// The test set-up banner, if this is one.
    pub banner: Option<&'a str>,
}

impl SignInLayout<'_> {
    /// The whole document around `content`. `reason` is the code of what went wrong.
    pub fn render(&self, title: &str, reason: Option<&str>, content: Markup) -> Markup {
        self.document(title, reason, &[], content)
    }

    /// The same, with these scripts.
    pub fn document(&self, title: &str, reason: Option<&str>, scripts: &[&Asset], content: Markup) -> Markup {
        let branding = self.branding;
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
                        @if !self.organization.is_empty() { span.for { (self.organization) } }
                    }
                    main #content class="page narrow" data-reason=[reason] { (content) }
                    @if let Some(contact) = &branding.support_contact {
                        footer.foot { p { "Questions? " (contact) } }
                    }
                }
            }
        }
    }
}
