//! The protocol of registry and catalog as a transition system for any number of threads and objects, and an invariant that every step
//! keeps.
//!
//! - [`table`], `steps`: the steps as plain data; [`invariant`]: what holds in every state, and what follows.
//! - [`vocabulary`], [`expr`], [`effect`]: what the texts of both are made of.
//! - [`smt`], `text`, [`finite`]: the questions that make it a proof, for any number or for a few of everything.
//! - [`solver`]: who answers them; [`inductive`]: all of them, and counterexamples.
//! - [`state`], [`interpret`]: one state, and one step after the other; [`search`]: all states that a few can reach.
//! - [`trace`], [`replay`]: what an execution of the shipped code did, and whether the protocol allows it.
//! - [`page`]: all of it for people, as `steps.md` beside this file.
//!
//! # What is proved, and of what
//!
//! A solver proves the sentences of the invariant for any number of threads, objects, links, handles and shards: initiation, consecution
//! of every step, and that every step is safe whenever it may be taken. That is a proof about the table. What ties the code to the
//! table is a check, not a proof: a share of the executions that the explorers make of what ships is replayed, and each operation must be a
//! step that may be taken, that is safe, and that sees the count which the code saw. So the word for both is «inductive».
//!
//! # Not in the protocol
//!
//! - Memory order: here all threads see one order. Counts change by read-modify-write, all else lies behind locks; an upgrade's first
//!   look at a count may see any number. The orderings are loom's to check.
//! - Overflow of a count: counts are whole numbers here, and the code refuses beyond `COUNT_MAX`.
//! - Growth of a table and the order of iteration: an iterator is a thread that reads links under their lock, in any order.
//! - What an entry says of itself under its lock - contact, generation, whether its name stands on it, changes that wait for the store,
//!   what is parked of names that are not linked: it owns no reference. That a hint of the address index may be wrong is
//!   the same: here it is a link like any other.
//! - Queues of handles behind a lock (writes to the database, answers), calls, timers, messages: a reference that is there belongs to no
//!   thread, and whoever takes it out has it to himself. All are a `Timer` here.
//! - How long a container lives: it outlives who works on it, as Rust's borrows demand. An object has at most one lock, and at most one
//!   slot behind it; a trace that has more is refused.
//! - Liveness, and so deadlock by waiting: but no step takes a second lock, so there is no order of locks to get wrong.

pub mod effect;
pub mod expr;
pub mod finite;
pub mod inductive;
pub mod interpret;
pub mod invariant;
pub mod page;
pub mod replay;
pub mod search;
pub mod smt;
pub mod solver;
pub mod state;
mod steps;
pub mod table;
mod text;
pub mod trace;
pub mod vocabulary;

pub use finite::{Bounds, Scope};
pub use invariant::Invariant;
pub use table::Table;
