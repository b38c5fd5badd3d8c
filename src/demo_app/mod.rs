//! The sample app of `ostiary demo`: a small version of what a customer of ours builds.
//!
//! It uses only the gateway's public REST API and OAuth endpoints, which its server calls over HTTP with an
//! API key and a client secret, and shows every call as the equivalent `curl` command.

mod app;
mod gateway_client;
mod handlers;
mod mailbox;
mod organization;
mod sessions;
#[cfg(test)]
mod tests;
mod views;

pub use app::{DemoApp, DemoSettings};
pub use handlers::configure;
pub use mailbox::{DemoLetter, ReadLetters};
pub use organization::DemoOrganization;
