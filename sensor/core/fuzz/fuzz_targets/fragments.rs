#![no_main]
//! See `blocktap_fuzz::quic::fragments`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::quic::fragments(bytes));
