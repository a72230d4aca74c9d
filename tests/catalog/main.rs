//! The catalog through the library's public interface, one file per behaviour; [`bench`] is what they share.

mod bench;

mod address;
mod claims;
mod counters;
mod eviction;
mod moves;
mod reachability;
mod realtime;
mod reload;
