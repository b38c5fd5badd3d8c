//! Schemas: what they consist of, those of this server, and the resource types that have them.

mod definition;
mod resource_type;
mod tables;

pub use definition::{Attribute, Mutability, Returned, Schema, Type};
pub use resource_type::ResourceType;
pub use tables::{
    ALL, COMMON, ENTERPRISE_USER, GROUP, KNOWN, USER, USER_EXTENSIONS, WSO2_USER, by_id, by_name,
    extends_user,
};
