//! The pages of users of identity pools: of the environment's root organization, of each other one, and of a pool.

pub mod contact;
mod credential_list;
pub mod credentials;
pub mod form;
mod groups;
pub(in crate::web::console) mod held_roles;
pub mod invitation;
pub(in crate::web::console) mod labels;
pub mod list;
pub mod new;
pub(in crate::web::console) mod place;
pub(in crate::web::console) mod profile;
pub mod roles;
pub mod show;
pub mod status;
