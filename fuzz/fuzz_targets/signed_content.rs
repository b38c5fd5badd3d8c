#![no_main]
//! See `saml::fuzz::signed_content`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| saml::fuzz::signed_content(bytes));
