//! The SAML part of the setup: choosing a provider, its steps, the test.

pub(in crate::web::setup) mod connection;
pub mod metadata_form;
pub(in crate::web::setup) mod step;
pub(in crate::web::setup) mod test_result;
