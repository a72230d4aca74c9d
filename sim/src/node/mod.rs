//! The nodes of a world.
//!
//! - `client`: registrants and callers, plain state machines over the shipped [`Reliable`](iaxproof::engine::reliable::Reliable) and
//!   wire.
//! - `reception`: what a client does about a datagram. `callee`: what it does when it is called. `dialogue`: one dialogue of a client.
//!   `cipher`: how it is encrypted, and `sealed`: what is read of it then. `transfer`: how it moves to another other side.
//!   `poked`: whether it answers a POKE. `spelling`: a call whose number is dialled digit by digit.
//! - `registrar`: where servers register.
//! - `server`: a directory, a database and an application. `dialler`: the application as a caller. [`desk`]: what a server's threads
//!   do, the shipped endpoint among it.

pub(crate) mod callee;
pub(crate) mod cipher;
pub(crate) mod client;
pub mod desk;
pub(crate) mod dialler;
pub(crate) mod dialogue;
mod poked;
mod reception;
pub(crate) mod registrar;
mod sealed;
pub(crate) mod server;
mod spelling;
mod transfer;
