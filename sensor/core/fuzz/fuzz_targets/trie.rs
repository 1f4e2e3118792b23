#![no_main]
//! See `blocktap_fuzz::watching::trie`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| blocktap_fuzz::watching::trie(bytes));
