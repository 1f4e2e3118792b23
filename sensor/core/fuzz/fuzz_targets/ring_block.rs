#![no_main]
//! See `blocktap_fuzz::sources::ring_block`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::sources::ring_block(bytes));
