//! HTML pages: views and the components they share.
//!
//! A view is a function from a plain struct to markup; it makes no database call and takes no decision.
//! Handlers return [`kit::response::page`], which adds the headers that every page needs. Pages work without
//! JavaScript, on a phone and with the keyboard. There is one stylesheet (`assets/ostiary.css`); the texts
//! are in the views.

pub mod account;
pub mod api_reference;
pub mod branding;
pub mod console;
pub mod home;
pub mod kit;
pub mod login;
#[cfg(test)]
pub(crate) mod samples;
pub mod setup;
pub mod sign_in;
