//! The command as a process, one file per part of it. [`server`] is `iaxproof serve` on a port of its own.

#[path = "../server/mod.rs"]
mod server;

mod config;
mod exit_codes;
mod register;
mod serve;
mod shrink;
mod sweep;
mod zoo;
