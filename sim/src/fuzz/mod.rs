//! The bodies of the fuzz targets. `fuzz/` wraps them in libFuzzer; plain `cargo test` replays corpus and regressions.

pub mod datagram;
pub mod endpoint;
mod frame;
pub mod step;

pub use endpoint::endpoint;
pub use frame::frame;
