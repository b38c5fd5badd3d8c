#![no_main]
//! See `ostiary::saml::fuzz::idp_metadata`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ostiary::saml::fuzz::idp_metadata(bytes));
