#![no_main]
//! See `blocktap_fuzz::pipeline::replay`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::pipeline::replay(bytes));
