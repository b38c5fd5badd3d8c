//! A SAML login: `begin` redirects the browser to the identity provider, `receive` verifies the response, accepts
//! or refuses the login and redirects the browser to the app.

mod accept;
mod begin;
mod browser_id;
pub(in crate::app) mod eligibility;
mod error;
mod identity;
mod receive;
mod recheck;
mod refuse;
mod response_limits;
pub mod test_login;
mod unsolicited;
mod verification;

pub use begin::{
    BegunLogin, IdpRedirect, begin, begin_administrator, begin_from_link, begin_or_refuse, create_link,
    new_flow,
};
pub use browser_id::BrowserId;
pub use error::{Error, description};
pub use receive::{AcsOutcome, AcsRequest, receive};
pub(super) use recheck::recheck;
pub(super) use refuse::document_context;
pub use refuse::{RefusedLogin, TEST_PROOF, is_test_proof};
pub use response_limits::{Sender, check_rate_limit, count_failure};
pub use verification::CertificateCache;
