#![no_main]
//! See `blocktap_fuzz::naming::cut`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::naming::cut(bytes));
