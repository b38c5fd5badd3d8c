#![no_main]
//! See `ostiary::saml::fuzz::signed_content`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ostiary::saml::fuzz::signed_content(bytes));
