//! The users and groups of an organization as SCIM resources (RFC 7643), in WSO2's dialect: accounts, not what an identity provider
//! pushes into a directory. The rules of SCIM are those of the crate `scim`.

mod document;
mod list;
mod new_user;
mod user_changes;
mod users;

pub use list::list;
pub use users::{Change, CreatedUser, Place, change, create, find, remove};

/// How many resources a page has where the client does not say.
pub const DEFAULT_PAGE_SIZE: u64 = 100;

/// The maximum number of resources of a page; a larger `count` is reduced to it.
pub const MAX_PAGE_SIZE: u64 = 200;
