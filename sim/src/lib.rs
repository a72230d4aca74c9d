//! The simulated world of iaxproof: one plan, a virtual clock, network, database and operator around the shipped
//! endpoint. Checkers stand apart from workloads.
//!
//! - [`plan`]: everything that was chosen for one world; [`decide`]: what is chosen on the way.
//! - [`clock`]: virtual time. `network`, `database`, [`node`]: what a world is made of; [`world`] runs it.
//! - [`schedule`]: whose turn it is, where a world has threads.
//! - [`administer`]: what a world needs of a directory.
//! - [`fact`]: what happens; [`checkers`], [`goals`] and [`trace`] see facts and nothing else. [`report`]: what they say.
//! - [`coverage`]: which messages servers got in which states under which faults.
//! - [`views`]: one log of all events, and what a browser or a program makes of it.
//! - [`mod@shrink`]: from a plan that fails to a small one that fails in the same way.
//! - [`again`]: where two runs of one plan part.
//! - [`mod@explain`]: the two things whose order decides that a world fails.
//! - [`fuzz`]: the bodies of the fuzz targets.
//! - [`linearizable`]: whether a history can be explained one operation after another, when it is over or while it is made.

mod accounts;
pub mod administer;
pub mod again;
pub mod checkers;
pub mod clock;
pub mod coverage;
mod database;
pub mod decide;
pub mod explain;
pub mod fact;
pub mod fuzz;
pub mod goals;
pub mod linearizable;
mod network;
pub mod node;
mod observers;
pub mod plan;
pub mod report;
pub mod schedule;
pub mod shrink;
mod spoof;
pub mod sweep;
pub mod trace;
pub mod views;
mod worded;
pub mod world;
