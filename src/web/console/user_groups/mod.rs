//! The pages of groups of users: of an identity pool, of one group with its members, and of the groups of a user.

pub mod delete;
pub mod form;
pub mod list;
pub mod of_user;
mod page;
pub mod show;
