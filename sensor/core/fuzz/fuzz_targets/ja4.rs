#![no_main]
//! See `blocktap_fuzz::tls::ja4`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::tls::ja4(bytes));
