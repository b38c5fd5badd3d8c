#![no_main]
//! See `ostiary::http::fuzz::form`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ostiary::http::fuzz::form(bytes));
