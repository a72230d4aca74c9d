//! Any octets as a plan: threads, faults and messages of one world alike. The body stands in `iaxproof_models::fuzz`, where `cargo test`
//! replays it too.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| iaxproof_models::fuzz::run_world(data));
