#![no_main]
//! See `blocktap_fuzz::decoding::tunnel`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::decoding::tunnel(bytes));
