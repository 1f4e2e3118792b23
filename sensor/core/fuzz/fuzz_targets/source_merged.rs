#![no_main]
//! See `blocktap_fuzz::sources::merged`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::sources::merged(bytes));
