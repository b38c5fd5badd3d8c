//! Identity pools: stores of accounts, each of one organization, with their rules.
//!
//! What changes pools locks the organization first, then the pool, then the schemas that it gets to use.

mod change;
mod copy;
mod create;
mod first;
mod lists;
mod remove;
mod schemas_in_use;
mod update;

pub use change::PoolChange;
pub(super) use change::{description, name};
pub use copy::copy_to;
pub use create::{NewPool, create};
pub use first::first_of;
pub use lists::{PoolQuery, find, list, organization};
pub use remove::remove;
pub use update::{replace, update};
