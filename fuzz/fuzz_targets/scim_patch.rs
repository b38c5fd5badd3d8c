#![no_main]
//! See `scim::fuzz::patch`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scim::fuzz::patch(bytes));
