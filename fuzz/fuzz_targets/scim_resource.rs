#![no_main]
//! See `scim::fuzz::resource`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scim::fuzz::resource(bytes));
