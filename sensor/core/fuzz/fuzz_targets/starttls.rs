#![no_main]
//! See `blocktap_fuzz::plain::starttls`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::plain::starttls(bytes));
