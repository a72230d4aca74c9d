//! Worlds with the designs that must be caught and with threads. Those of `sim/scenarios` are a program of their own.

mod designs;
mod shrink;
mod threads;
