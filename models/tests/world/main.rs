//! Worlds with the designs that must be caught, with threads, and of any octets; and views of them. Those of `sim/scenarios` are a
//! program of their own.

#[path = "../../../sim/tests/fuzz/replay.rs"]
mod replay;

mod alarms;
mod designs;
mod explain;
mod fuzz;
mod shrink;
mod threads;
mod views;
mod written;
