//! HTML pages: views and the components they share.
//!
//! A view is a function from a plain struct to markup; it makes no database call and takes no decision.
//! Handlers return [`response::page`], which adds the headers that every page needs. Pages work without
//! JavaScript, on a phone and with the keyboard. There is one stylesheet (`assets/ostiary.css`); the texts
//! are in the views.

pub mod api_reference;
pub mod assets;
pub mod audit_export;
pub mod auto_post;
pub mod branding;
pub mod chooser;
pub mod components;
pub mod confirm;
pub mod console;
mod cookie_names;
pub mod error;
pub mod forms;
pub mod home;
pub mod layout;
pub mod list;
pub mod message;
pub mod posted;
pub mod refusal_words;
pub mod refused;
pub mod response;
#[cfg(test)]
pub(crate) mod samples;
pub mod secret;
pub mod setup;
pub mod streamed;
pub mod to_idp;
pub mod xml;
