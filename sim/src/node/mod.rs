//! The nodes of a world.
//!
//! - [`client`]: registrants and callers, plain state machines over the shipped [`Reliable`](iaxproof::engine::reliable::Reliable) and
//!   wire.
//! - `dialogue`: one dialogue of a client.
//! - `server`: the shipped endpoint with a directory, a database and an application.

pub mod client;
pub(crate) mod dialogue;
pub(crate) mod server;
