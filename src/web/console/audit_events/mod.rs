//! The pages of the audit log.

pub mod list;
pub(in crate::web::console) mod sentence;
