//! The bodies of the fuzz targets. `fuzz/` wraps them in libFuzzer; plain `cargo test` replays corpus and regressions.

pub mod config;
pub mod datagram;
pub mod endpoint;
mod frame;
pub mod step;
pub mod stranger;

pub use config::config;
pub use endpoint::endpoint;
pub use frame::frame;
pub use stranger::stranger;
