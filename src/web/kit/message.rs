//! A page with one message: what happened, what to do, and the reference to quote. For everything but a
//! refused login (`web/login/error_page.rs`).

use std::time::Duration;

use maud::{Markup, html};

use super::{
    assets,
    components::{ButtonStyle, Icon, copyable, link_button, shape},
    layout::Layout,
};

/// A message.
pub struct Message<'a> {
    /// What happened, in a few words.
    pub title: &'a str,
    /// What happened, in a sentence.
    pub happened: &'a str,
    /// What to do now.
    pub remedy: &'a str,
    /// A stable code, for scripts and support.
    pub reason: Option<&'a str>,
    /// What to quote: the id of the request or login.
    pub reference: Option<&'a str>,
    /// The link to continue with: label and URL.
    pub next_link: Option<(&'a str, &'a str)>,
    /// The test set-up banner, if this is one.
    pub banner: Option<&'a str>,
}

impl<'a> Message<'a> {
    /// What happened and what to do.
    pub fn new(title: &'a str, happened: &'a str, remedy: &'a str) -> Self {
        Self { title, happened, remedy, reason: None, reference: None, next_link: None, banner: None }
    }

    /// 404: no such page, connection or login. The same for "not there" and "not yours".
    pub fn not_found() -> Self {
        Self {
            reason: Some("not_found"),
            ..Self::new(
                "This page does not exist",
                "The address may be mistyped, or what it led to may have been removed.",
                "Go back to the app you were using and sign in from there. If a link in it led here, tell its support team.",
            )
        }
    }

    /// 400: a request that none of our pages makes. `happened` says what is wrong with it.
    pub fn bad_request(happened: &'a str) -> Self {
        Self {
            reason: Some("bad_request"),
            ..Self::new(
                "This request cannot be read",
                happened,
                "Go back to the app you were using and sign in from there. If it happens again, tell its support team.",
            )
        }
    }

    /// 413: the request is larger than a sign-in needs.
    pub fn too_large() -> Self {
        Self {
            reason: Some("too_large"),
            ..Self::new(
                "This request is too large",
                "Your company’s sign-in service sent more than we take in one message.",
                "Ask your IT team to send fewer groups or attributes to this app.",
            )
        }
    }

    /// 500: an internal error.
    pub fn internal() -> Self {
        Self {
            reason: Some("internal"),
            ..Self::new(
                "We could not finish this",
                "Something on our side did not work. It is not your fault, and it has been recorded.",
                "Try again in a minute. If it happens again, tell the app’s support team when it happened.",
            )
        }
    }

    /// 503: the server is overloaded.
    pub fn unavailable() -> Self {
        Self {
            reason: Some("unavailable"),
            ..Self::new(
                "This takes too long at the moment",
                "Very many people are signing in right now, or a part of the service is being restarted. Nothing is wrong \
                 with your sign-in.",
                "Reload this page in a few seconds.",
            )
        }
    }

    /// The same for somebody who sent a form: it may have been handled and not answered.
    pub fn unavailable_after_form() -> Self {
        Self {
            happened: "The server is very busy right now, or its database cannot be reached.",
            remedy: "Go back, see whether it was done, and send it again in a few seconds if not.",
            ..Self::unavailable()
        }
    }

    /// A login succeeded, but no redirect URL is set.
    pub fn no_redirect_url() -> Self {
        Self {
            reason: Some("no_redirect_url"),
            ..Self::new(
                "You are signed in, but the app’s address is not set",
                "Your company’s sign-in worked. The app has not told us yet where to send you afterwards.",
                "For the app’s developers: set the environment’s redirect URL (ostiary environment update --redirect-url), or the OAuth client’s initiateLoginUri.",
            )
        }
    }

    /// With the reference to quote.
    pub fn reference(self, reference: &'a str) -> Self {
        Self { reference: Some(reference), ..self }
    }

    /// The page.
    pub fn view(&self) -> Markup {
        let layout = Layout { reason: self.reason, ..Layout::narrow(self.title) };
        layout.banner(self.banner).scripts(&[&assets::COPY]).render(html! {
            section.card {
                p { span.mark.attention { (shape(Icon::Attention)) "Not done" } }
                h1 { (self.title) }
                p.lead { (self.happened) }
                p { (self.remedy) }
                @if let Some((label, href)) = self.next_link {
                    div.actions { (link_button(ButtonStyle::Primary, label, href)) }
                }
                @if let Some(reference) = self.reference {
                    p.small.soft { "Reference " (copyable(reference, "reference")) }
                }
            }
        })
    }
}

/// What happened to who is limited.
pub const TOO_MANY: &str = "There were too many attempts in a short time.";

/// What whoever is limited does.
pub fn wait_and_try_again(retry_after: Duration) -> String {
    let seconds = retry_after.as_secs().max(1);
    let (count, unit) = if seconds < 120 { (seconds, "second") } else { (seconds.div_ceil(60), "minute") };
    format!("Wait {count} {unit}{} and try again.", if count == 1 { "" } else { "s" })
}

/// 429: too many attempts, and how long to wait.
pub fn too_many_requests(retry_after: Duration, reference: Option<&str>) -> Markup {
    let remedy = wait_and_try_again(retry_after);
    let message = Message::new("Too many attempts", TOO_MANY, &remedy);
    Message { reason: Some("too_many_requests"), reference, ..message }.view()
}
