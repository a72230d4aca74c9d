//! The bodies of the fuzz targets. `fuzz/` wraps them in libFuzzer; plain `cargo test` replays corpus and regressions.

mod frame;

pub use frame::frame;
