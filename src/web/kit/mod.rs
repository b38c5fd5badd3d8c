//! The view kit: components, forms, lists, the document around a page, responses.

pub mod assets;
pub mod audit_export;
pub(in crate::web) mod browser_name;
pub mod components;
pub mod confirm;
pub(in crate::web) mod cookie_names;
pub mod error;
pub mod forms;
pub(in crate::web) mod json;
pub mod layout;
pub mod list;
pub mod message;
mod organization_words;
pub mod posted;
pub mod qr_code;
pub mod request;
pub mod response;
mod route_groups;
pub mod routing;
pub(in crate::web) mod schema_fields;
pub mod secret;
pub mod seen;
pub mod streamed;
pub mod xml;
