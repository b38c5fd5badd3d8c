//! The pages of the audit log.

pub mod export;
pub mod line;
pub mod list;
pub(in crate::web::console) mod sentence;
