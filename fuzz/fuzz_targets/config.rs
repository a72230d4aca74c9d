//! Any octets as the files of a configuration. The body stands in `iaxproof_sim::fuzz`, where `cargo test` replays it too.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| iaxproof_sim::fuzz::config(data));
