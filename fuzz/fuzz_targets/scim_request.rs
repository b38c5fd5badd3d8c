#![no_main]
//! See `scim::fuzz::request`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scim::fuzz::request(bytes));
