//! The command as a process, one file per part of it. [`line`] runs a command line, [`server`] is `iaxproof serve` on a port of its own.

#[path = "../server/mod.rs"]
mod server;

mod certificate;
mod config;
mod corpus;
mod exit_codes;
mod inductive;
mod line;
mod measure;
mod orderings;
mod pipe;
mod register;
mod replay;
mod serve;
mod shrink;
mod soak;
mod sweep;
mod without_evidence;
mod workers;
mod zoo;
