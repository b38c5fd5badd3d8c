//! The running server, seen from outside: every scenario on SQLite and on PostgreSQL.

mod pysaml2;
mod sign_in;
#![allow(missing_docs, reason = "a test's name is its documentation")]

mod support;
