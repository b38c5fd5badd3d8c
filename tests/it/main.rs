//! The running server, seen from outside: every scenario on SQLite and on PostgreSQL.

mod pysaml2;
mod sign_in;
pub mod support;
