//! The pages on which people sign in at an organization, with the vendor's branding and without JavaScript.

mod company;
pub mod cookies;
pub mod enrolment;
mod fields;
pub mod invitation;
pub mod layout;
pub mod pages;
pub mod passkey;
#[cfg(test)]
mod samples;
pub mod self_service;

pub use company::ORGANIZATION;
pub mod visitor;
