//! SCIM 2.0 provisioning (RFC 7644): the users and groups that an identity provider writes to one directory.
//!
//! Every use case takes the authenticated [`ProvisioningTarget`](crate::app::directories::ProvisioningTarget) and sees no
//! other one. One request (in Bulk: one operation) is one transaction, with its event.

mod addresses;
pub mod bulk;
pub(in crate::app) mod bulk_executor;
mod change;
pub mod cursor;
mod error;
mod finder;
pub mod groups;
pub(in crate::app) mod import;
mod membership_events;
mod membership_plan;
mod render;
mod request_budget;
mod resource;
pub mod search;
mod search_budget;
mod usage;
pub mod users;

pub use change::Change;
pub use error::{Error, Result, to_scim_error};
pub use render::RenderedResource;
pub use request_budget::RequestBudget;
