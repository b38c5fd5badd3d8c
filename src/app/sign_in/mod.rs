//! A SAML login: `begin` redirects the browser to the identity provider, `receive` verifies the response, accepts
//! or refuses the login and redirects the browser to the app.

mod answer;
mod begin;
mod browser;
mod identity;
mod receive;
mod recheck;
mod record;
mod refusal;
mod response_limits;
mod unsolicited;
mod verification;

pub use begin::{
    Begun, ToIdp, begin, begin_administrator, begin_from_link, begin_or_refuse, start, start_link,
};
pub use browser::Browser;
pub use receive::{Outcome, Post, receive};
pub(super) use recheck::recheck;
pub(super) use record::document_place;
pub use record::{Refused, SEEN, is_seen};
pub use refusal::{Refusal, meaning};
pub use response_limits::{Sender, admit, count_failure};
pub use verification::CertificateCache;
