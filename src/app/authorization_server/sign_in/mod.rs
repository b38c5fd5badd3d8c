//! Signing in with an account at an organization's issuer, for an application: authorization code flow, sessions of browsers,
//! tokens, and signing out.

pub mod activation;
mod admission;
mod answer;
pub mod appearance;
pub mod authorize;
mod claims;
pub mod company;
pub mod discovery;
pub mod end_session;
pub mod enrolment;
pub(super) mod exchange;
mod finish;
mod log;

pub mod passkey;
pub mod password;
pub mod password_change;
mod password_use;
mod refusal;
pub mod second_factor;
pub(in crate::app) mod session;
pub mod under_way;
pub mod userinfo;
mod visitor;

pub use answer::ClientAnswer;
pub use finish::{Finished, Progress};
pub use refusal::{Refusal, Refused};
pub use visitor::Visitor;

pub use crate::store::login_connections::LoginConnection;
