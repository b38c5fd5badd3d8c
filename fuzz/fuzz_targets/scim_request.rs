#![no_main]
//! See `ostiary::scim::fuzz::request`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ostiary::scim::fuzz::request(bytes));
