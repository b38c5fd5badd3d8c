#![no_main]
//! See `ostiary::scim::fuzz::resource`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ostiary::scim::fuzz::resource(bytes));
