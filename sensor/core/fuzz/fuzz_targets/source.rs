#![no_main]
//! See `blocktap_fuzz::sources::file`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::sources::file(bytes));
