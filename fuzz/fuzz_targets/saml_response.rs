#![no_main]
//! See `ostiary::saml::fuzz::saml_response`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ostiary::saml::fuzz::saml_response(bytes));
