//! What an operator has of a running server, as processes: the control socket and `iaxproof ctl`. Every server has a port and a socket of its own.

#[path = "../directory/mod.rs"]
mod directory;
#[path = "../server/mod.rs"]
mod server;

mod control;
mod dialplan;
mod metrics;
mod misfortunes;
mod pcap;
mod record;
mod service;
mod several;
