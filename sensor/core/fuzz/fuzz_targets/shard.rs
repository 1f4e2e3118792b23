#![no_main]
//! See `blocktap_fuzz::flows::shard`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::flows::shard(bytes));
