#![no_main]
//! See `blocktap_fuzz::http::http2`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::http::http2(bytes));
