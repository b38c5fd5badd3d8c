//! The view kit: components, forms, lists, the document around a page, responses.

pub mod assets;
pub mod audit_export;
pub mod components;
pub mod confirm;
pub(in crate::web) mod cookie_names;
pub mod error;
pub mod forms;
pub mod layout;
pub mod list;
pub mod message;
mod organization_words;
pub mod password_hint;
pub mod posted;
pub mod request;
pub mod response;
mod route_groups;
pub mod routing;
pub mod secret;
pub mod seen;
pub mod streamed;
pub mod xml;
