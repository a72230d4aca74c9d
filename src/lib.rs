//! `iaxproof`: a reference-counted registry of peers and users and a sans-IO IAX2 (RFC 5456) endpoint
//! over it. The code here is what `iaxproof serve` runs and what the explorers, the simulated world and
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
//! [`registry`] serves whoever has objects that are reloaded or evicted while others use them:
//!
//! ```
//! use iaxproof::registry::ledger::NoLedger;
//! use iaxproof::registry::{HashKey, Object, Ref, Registry, Std};
//!
//! struct Settings(u32);
//! impl Object<Std> for Settings {
//!     const KIND: &'static str = "settings";
//!     fn release(&self) {}
//! }
//!
//! let settings: Registry<String, Settings, Std> = Registry::hash(NoLedger, HashKey(1, 2), 16);
//! settings.replace("codec".into(), Ref::new(&NoLedger, Settings(1)));
//! let in_use = settings.find("codec");
//! settings.replace("codec".into(), Ref::new(&NoLedger, Settings(2)));
//! assert_eq!(in_use.map(|s| s.0), Some(1));
//! assert_eq!(settings.find("codec").map(|s| s.0), Some(2));
//! ```
//!
//! No socket, thread, clock, environment or ambient randomness is used in this crate: addresses, time and
//! seeds are arguments.

pub mod catalog;
pub mod config;
pub mod engine;
pub mod registry;
pub mod time;
pub mod wire;
