//! `iaxproof conform` as a process: against the server as it is, and against servers that are bent on purpose, where named
//! checks must go red. [`judge`] runs it, [`relay`] bends what a real server says, [`sealed`] what it says under a key, [`fake`] is no server at all.

#[path = "../server/mod.rs"]
mod server;

mod bent;
mod every;
mod fake;
mod judge;
mod relay;
mod sealed;
mod serve;
mod verdicts;
