//! Worlds run, and plans of failing ones made small.

mod runs;
mod shrink;
