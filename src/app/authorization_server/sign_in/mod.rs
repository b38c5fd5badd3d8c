//! Signing in with an account at an organization's issuer, for an application: authorization code flow, sessions of browsers,
//! tokens, and signing out.

pub mod activation;
mod admission;
mod answer;
pub mod appearance;
pub mod authorize;
pub mod bare;
mod claims;
pub mod company;
pub mod discovery;
pub mod end_session;
pub mod enrolment;
pub(super) mod exchange;
mod finish;
pub mod forgotten;
pub mod letter_links;
mod log;

pub mod passkey;
pub mod password;
pub mod password_change;
mod password_use;
mod refusal;
pub mod registration;
pub mod second_factor;
pub(in crate::app) mod session;
pub mod under_way;
pub mod userinfo;
pub mod verification;
mod visitor;

pub use answer::ClientAnswer;
pub(super) use answer::GRANT_LIFETIME;
pub use finish::{Finished, Progress};
pub use refusal::{Refusal, Refused};
pub use visitor::Visitor;

pub use crate::store::any_login_connections::AnyLoginConnection;
