//! `iaxproof`: a reference-counted registry of peers and users and a sans-IO IAX2 (RFC 5456) endpoint
//! over it. The code here is what `iaxproof serve` will run and what the explorers, the simulated world and
//! the fuzzers run: one source, no second implementation.
//!
//! ```text
//! datagram, remote address, now
//!   |   wire         bytes -> Frame, or a DecodeError        pure: touches no state
//!   v
//! Endpoint           whose is it? call number -> call leg    registry: find
//!   |   reliable     OSeqno / ISeqno: next, repeat or gap?   ACK, VNAK, retransmission
//!   v
//! call leg, registrar                                        (state, message) -> next state
//!   |   registry     link, unlink, let references go
//!   v
//! poll_transmit, poll_event, poll_timeout                    what the caller should now do
//! ```
//!
//! Data moves down this page and never back up.
//!
//! - [`registry`] knows objects, links and references, and has never heard of IAX.
//! - [`wire`] knows bytes and frames, and touches no state.
//! - [`engine`] is the endpoint; it asks for peers and users through [`engine::directory::Directory`].
//! - [`catalog`] is the directory that ships: peers, users and the address index over [`registry`].
//! - [`config`] reads `iax.conf` into the settings that a catalog takes: text in, values out.
//!
//! No socket, thread, clock, environment or ambient randomness is used in this crate: addresses, time and
//! seeds are arguments.

pub mod catalog;
pub mod config;
pub mod engine;
pub mod registry;
pub mod time;
pub mod wire;
