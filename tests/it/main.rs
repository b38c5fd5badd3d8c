//! The running server, seen from outside: every scenario on SQLite and on PostgreSQL.

pub mod support;
