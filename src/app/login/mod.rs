//! A login at an identity provider: `begin` redirects the browser to the identity provider, `receive` verifies the response (SAML), accepts
//! or refuses the login and redirects the browser to the app.

mod accept;
mod acs;
mod assertion_claims;
mod attempt;
pub(in crate::app) mod attributes;
mod authn_request;
mod begin;
mod browser_id;
mod certificate_cache;
mod document;
pub(in crate::app) mod eligibility;
mod error;
mod federated;
mod flow;
mod grant;
mod identity;
mod issuer;
mod link;
pub mod oidc;
mod protocol;
mod proven;
mod receive;
mod recheck;
mod refuse;
mod response_limits;
mod subject;
pub mod test_login;
mod test_result;
mod unsolicited;
mod verification;

pub use acs::{AcsOutcome, AcsRequest};
pub use begin::{
    BeginOutcome, BegunLogin, begin, begin_administrator, begin_from_link, begin_or_refuse,
    begin_or_refuse_through, is_usable,
};
pub use browser_id::BrowserId;
pub use certificate_cache::CertificateCache;
pub use error::{Error, description};
pub use flow::{new_flow, new_flow_of};
pub(super) use grant::code_lifetime;
pub use grant::issue_code;
pub use issuer::is_finish_proof;
pub use link::{create_link, create_link_through};
pub use protocol::{IdpRedirect, Protocol};
pub use receive::receive;
pub(super) use recheck::recheck;
pub use refuse::RefusedLogin;
pub use response_limits::{Sender, check_rate_limit, count_failure};
pub use test_result::TEST_PROOF;
