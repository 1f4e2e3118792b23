#![no_main]
//! See `blocktap_fuzz::dns::table`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::dns::table(bytes));
