//! The console: where the vendor's people create, see, change and delete everything. One file a page, its
//! handler and its view side by side; each handler extracts, calls one function of `app`, and answers.

pub mod cookie;
pub mod flash;
#[cfg(test)]
mod samples;
pub mod shell;
pub mod visitor;

use actix_web::web::ServiceConfig;

/// Registers the console's routes. Addresses with fixed words come before those with an environment's id in
/// the same place.
pub fn configure(_config: &mut ServiceConfig) {}
