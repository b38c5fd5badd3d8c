//! Identity pools: stores of accounts, each of one organization, with their rules.
//!
//! What changes pools locks the organization first, then the schemas that a pool gets to use, then the pool.

mod copy;
mod first;

pub use copy::copy_to;
pub use first::first_of;
