#![no_main]
//! See `saml::fuzz::saml_response`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| saml::fuzz::saml_response(bytes));
