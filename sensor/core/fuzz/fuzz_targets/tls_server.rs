#![no_main]
//! See `blocktap_fuzz::tls::server_stream`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::tls::server_stream(bytes));
