//! Any octets as what strangers do at a server. The body stands in `iaxproof_sim::fuzz`, where `cargo test` replays it too.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| iaxproof_sim::fuzz::stranger(data));
