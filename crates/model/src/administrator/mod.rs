//! Administrators: the vendor's own people, who work in the console.

mod account;
mod role;

pub use account::Administrator;
pub use role::{Role, RoleGrant, RoleGrants};
