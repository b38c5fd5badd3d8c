//! The pages of organizations; those of templates too, where they are the same.

pub(in crate::web::console) mod addresses;
pub(in crate::web::console) mod changes;
pub mod children;
pub mod form;
pub mod inherited;
pub mod list;
pub(in crate::web::console) mod mechanisms;
pub mod metadata;
pub mod new;
pub mod parent;
pub(in crate::web::console) mod profile;
pub mod show;
