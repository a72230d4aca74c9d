//! Worlds with threads: the shipped registry, catalog and endpoint on threads that stop in the middle of what they do, while virtual
//! time, datagrams, timers and the database of [`iaxproof_sim::world`] go on.
//!
//! Two engines run the very same world, its [`Schedule`](iaxproof_sim::schedule::Schedule) deciding for both: [`Strands`](crate::Strands), coroutines of ours, fast enough for a
//! search; and shuttle's threads, the reference on which what was found is run again.
//!
//! The world is the *driver*: it belongs to no thread, goes on when no thread can, and never waits for one.

mod driver;
mod shuttle_engine;
mod steps;
mod strands_engine;
mod turns;

pub(crate) use shuttle_engine::run as on_shuttle;
pub(crate) use strands_engine::run as on_strands;
pub(crate) use strands_engine::{block, point as strand_point, release};
pub(crate) use turns::{announce as point, is_world, panicked, stop};
