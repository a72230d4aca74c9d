//! Worlds run, are the same when they run again, and plans of failing ones made small, and views of them.

mod determinism;
mod runs;
mod shrink;
mod views;
