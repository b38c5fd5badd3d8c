#![no_main]
//! See `ostiary::scim::fuzz::patch`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ostiary::scim::fuzz::patch(bytes));
