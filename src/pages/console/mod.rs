//! The console: where the vendor's own people see and change everything. A file a page, handler and view
//! side by side.

pub mod cookie;
pub mod visitor;
