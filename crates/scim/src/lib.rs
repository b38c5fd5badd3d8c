//! SCIM 2.0 (RFC 7643, RFC 7644, RFC 9865) as data: schemas, resources, filters, PATCH, errors. No I/O.
//!
//! A request body is parsed by [`json::parse`] and then becomes a [`Resource`], a [`PatchRequest`], a
//! [`ListQuery`] or a [`BulkRequest`]. In these types every attribute is spelled as in its definition in
//! [`schema`], booleans are booleans, and null or empty values are absent (RFC 7643 §2.5).

mod attribute_edit;
pub mod attribute_path;
pub mod body;
pub mod bulk;
pub mod comparison;
pub mod discovery;
pub mod error;
mod evaluate;
pub mod filter;
mod filter_parser;
pub mod fuzz;
pub mod json;
pub mod list_response;
mod message;
mod names;
mod normalise;
pub mod operation;
pub mod patch;
pub mod patch_path;
pub mod projection;
pub mod query;
pub mod resource;
mod resource_editor;
pub mod schema;
pub mod sort;
pub mod work_budget;

pub use attribute_path::AttributePath;
pub use bulk::BulkRequest;
pub use comparison::fold;
pub use error::Error;
pub use filter::{Filter, Quoting};
pub use list_response::ListResponse;
pub use operation::{MembershipChange, PatchResult};
pub use patch::PatchRequest;
pub use patch_path::Path;
pub use projection::Projection;
pub use query::ListQuery;
pub use resource::{EmailEntry, Member, Resource};
pub use schema::ResourceType;
pub use work_budget::WorkBudget;

/// The media type of SCIM bodies (RFC 7644 §3.1).
pub const MEDIA_TYPE: &str = "application/scim+json";
