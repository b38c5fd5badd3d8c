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
    BegunLogin, IdpRedirect, begin, begin_administrator, begin_from_link, begin_or_refuse, create_link,
    new_flow,
};
pub use browser::BrowserId;
pub use receive::{AcsOutcome, AcsRequest, receive};
pub(super) use recheck::recheck;
pub(super) use record::document_context;
pub use record::{RefusedLogin, TEST_PROOF, is_test_proof};
pub use refusal::{Error, description};
pub use response_limits::{Sender, check_rate_limit, count_failure};
pub use verification::CertificateCache;
