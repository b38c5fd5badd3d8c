#![no_main]
//! See `ostiary::scim::fuzz::filter`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ostiary::scim::fuzz::filter(bytes));
