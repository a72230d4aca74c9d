//! Worlds run, and plans of failing ones made small, and views of them.

mod runs;
mod shrink;
mod views;
