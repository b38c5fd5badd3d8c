#![no_main]
//! See `saml::fuzz::idp_metadata`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| saml::fuzz::idp_metadata(bytes));
