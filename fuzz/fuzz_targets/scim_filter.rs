#![no_main]
//! See `scim::fuzz::filter`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scim::fuzz::filter(bytes));
