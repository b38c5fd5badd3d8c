//! The mailbox: the letters that the gateway wrote, which the demo sends nowhere.

use std::sync::Arc;

use base::time::Timestamp;
use maud::{Markup, html};

use super::views;
use crate::{
    links::{self, path},
    web::kit::components::{code_block, time},
};

/// What a browser may do with a letter's HTML: show it, with its own styles, and follow its links.
pub(super) const LETTER_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                             frame-ancestors 'none'; sandbox allow-popups allow-top-navigation-by-user-activation";

/// A letter.
#[derive(Clone)]
pub struct DemoLetter {
    /// Its id.
    pub id: String,
    /// To whom it is.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// The same in HTML.
    pub html: String,
    /// When it was sent.
    pub at: Timestamp,
}

/// Reads the letters, the newest first.
pub type ReadLetters = Arc<dyn Fn() -> Vec<DemoLetter> + Send + Sync>;

/// The mailbox.
pub(super) fn view(letters: &[DemoLetter], now: Timestamp) -> Markup {
    views::layout("Mailbox").render(html! {
        h1 { "Mailbox" }
        p.lead { "The letters that the gateway wrote. The demo sends none: they are here until it stops." }
        @for letter in letters {
            section.card.stack {
                h2 { (letter.subject) }
                p { "To " (letter.recipient) ", " (time(letter.at, now)) }
                (code_block("Letter", &letter.text))
                @for url in urls(&letter.text) { p { a href=(url) { (url) } } }
                p { a href=(links::expand(path::DEMO_LETTER, &[&letter.id])) { "As a mail program shows it" } }
            }
        }
        @if letters.is_empty() {
            div.card.empty {
                p { "No letter yet." }
                p { "One comes when somebody is to activate an account, confirms an address, or forgot a password." }
            }
        }
    })
}

/// The addresses in a letter's text: each stands on a line of its own.
fn urls(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with("https://") || line.starts_with("http://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::samples::page;

    #[test]
    fn mailbox_samples() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let letter = DemoLetter {
            id: "letter_0000000000000000000000001".to_owned(),
            recipient: "dana@acme.example".to_owned(),
            subject: "Set a new password for <b>Acme</b>".to_owned(),
            text: "Set a new password:\nhttps://sso.example.com/demo/acme/sign-in/reset?code=00.287082\n"
                .to_owned(),
            html: String::new(),
            at: now,
        };
        page("demo-mailbox", view(&[letter], now));
        page("demo-mailbox-empty", view(&[], now));
    }

    #[test]
    fn only_whole_lines_are_links() {
        let text = "see javascript:alert(1)\njavascript:alert(1)\nhttps://a.example/x\n  https://b.example\n";
        assert_eq!(urls(text).collect::<Vec<_>>(), ["https://a.example/x"]);
    }
}
