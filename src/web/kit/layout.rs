//! The document around every page.

use maud::{DOCTYPE, Markup, html};

use super::{
    assets::{self, Asset},
    components::{Icon, brand_mark, shape},
};
use crate::links::path;

/// The banner of every login page where the bundled identity provider is switched on.
pub const TEST_SETUP_BANNER: &str = "Test set-up: its identity provider lets anybody in. Not for real use.";

/// The width of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// One thing to read or do.
    Narrow,
    /// Lists, logs, several things side by side.
    Wide,
}

/// The document around a page: its head, banner and masthead.
pub struct Layout<'a> {
    /// The document title, the most specific words first.
    pub title: &'a str,
    /// Its width.
    pub width: Width,
    /// The test set-up banner, above everything else.
    pub banner: Option<&'a str>,
    /// Our name and links, on pages for developers. Login pages have none: the person knows the app and
    /// the company, not us.
    pub masthead: Option<Masthead<'a>>,
    /// The scripts that it uses.
    pub scripts: &'a [&'static Asset],
    /// The error code on an error page, for scripts and support.
    pub reason: Option<&'a str>,
}

/// The name and the links at the top of a page.
pub struct Masthead<'a> {
    /// Text and address, in order.
    pub links: &'a [(&'a str, &'a str)],
}

impl<'a> Layout<'a> {
    /// A page with one thing to read or do, for a person in a login.
    pub fn narrow(title: &'a str) -> Self {
        Self { title, width: Width::Narrow, banner: None, masthead: None, scripts: &[], reason: None }
    }

    /// A page for developers and support.
    pub fn wide(title: &'a str, links: &'a [(&'a str, &'a str)]) -> Self {
        Self { width: Width::Wide, masthead: Some(Masthead { links }), ..Self::narrow(title) }
    }

    /// With a banner.
    pub fn banner(self, banner: Option<&'a str>) -> Self {
        Self { banner, ..self }
    }

    /// With scripts.
    pub fn scripts(self, scripts: &'a [&'static Asset]) -> Self {
        Self { scripts, ..self }
    }

    /// With an error code.
    pub fn reason(self, code: &'a str) -> Self {
        Self { reason: Some(code), ..self }
    }

    /// The whole document around `content`.
    pub fn render(&self, content: Markup) -> Markup {
        let width = match self.width {
            Width::Narrow => "page narrow",
            Width::Wide => "page wide",
        };
        document(
            self.title,
            self.scripts,
            html! {
                a.skip href="#content" { "Skip to content" }
                @if let Some(text) = self.banner { (banner(text)) }
                @if let Some(masthead) = &self.masthead {
                    header.masthead {
                        a.name href=(path::HOME) { (brand_mark()) "Ostiary" }
                        @if !masthead.links.is_empty() {
                            nav aria-label="Main" {
                                @for (text, href) in masthead.links { a href=(href) { (text) } }
                            }
                        }
                    }
                }
                main #content class=(width) data-reason=[self.reason] { (content) }
            },
        )
    }
}

/// The banner above everything else, which says that this is a test set-up.
pub fn banner(text: &str) -> Markup {
    html! { aside.banner aria-label="About this set-up" { (shape(Icon::Attention)) p { (text) } } }
}

/// The HTML document of a page: its head and body.
pub fn document(title: &str, scripts: &[&'static Asset], body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex, nofollow";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href=(assets::ICON.href()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::STYLESHEET.href());
                @for script in scripts { script src=(script.href()) defer {} }
            }
            body { (body) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_shows_is_escaped() {
        let page = Layout::narrow("<script>")
            .banner(Some("a & b"))
            .reason("\"><img>")
            .render(html! { p { ("<b>") } })
            .into_string();
        assert!(page.contains("<title>&lt;script&gt;</title>"));
        assert!(page.contains("a &amp; b"));
        assert!(page.contains("data-reason=\"&quot;&gt;&lt;img&gt;\""));
        assert!(page.contains("<p>&lt;b&gt;</p>"));
    }

    #[test]
    fn nothing_is_inline() {
        let page = Layout::wide("Title", &[("Demo", "/demo")])
            .scripts(&[&assets::COPY])
            .render(html! {})
            .into_string();
        assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("onclick"));
        assert!(page.contains("<script src=\"/assets/copy.js?v="));
    }
}
