//! Signing in with an account at an organization's issuer, for an application: authorization code flow, sessions of browsers,
//! tokens, and signing out.

pub mod activation;
mod answer;
pub mod appearance;
pub mod authorize;
mod claims;
pub mod end_session;
pub(super) mod exchange;
mod finish;

pub mod password;
pub mod password_change;
pub mod second_factor;
pub(in crate::app) mod session;
pub mod under_way;
pub mod userinfo;
mod visitor;

pub use answer::ClientAnswer;
pub use finish::{Finished, Progress, Refusal};
pub use visitor::Visitor;
