//! The endpoint through the library's public interface, one file per behaviour. They are one program, since each program that
//! drives an endpoint compiles the whole engine for its catalog once more.
//!
//! - [`bench`]: an endpoint over the real catalog, and a client by hand. [`net_bench`]: several endpoints on a network in memory.
//!   [`three_bench`]: three of them, of which the middle one bridges.

mod bench;
mod net_bench;
mod three_bench;

mod attacks;
mod bridge;
mod call_numbers;
mod call_setup;
mod call_token;
mod codecs;
mod digits;
mod encrypted_calls;
mod encryption;
mod guests;
mod hostile;
mod limits;
mod media;
mod methods;
mod monitoring;
mod originate;
mod outgoing;
mod qualify;
mod realtime;
mod registrant;
mod registration;
mod reliable_model;
mod requested;
mod retransmission;
mod signals;
mod stale;
mod standing;
mod storing;
mod teardown;
mod transfer;
mod transfer_early;
mod transfer_glare;
mod transfer_hostile;
mod trunk;
mod unknown_names;
mod workers;
