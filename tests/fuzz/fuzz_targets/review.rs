#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| daap_invariants::review(bytes));
