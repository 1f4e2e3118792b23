#![no_main]
//! See `blocktap_fuzz::classifying::udp`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::classifying::udp(bytes));
