#![no_main]
//! See `blocktap_fuzz::classifying::tcp`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::classifying::tcp(bytes));
