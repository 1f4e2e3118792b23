#![no_main]
//! See `blocktap_fuzz::naming::stream`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::naming::stream(bytes));
