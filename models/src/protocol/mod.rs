//! The protocol of registry and catalog as a transition system for any number of threads and objects, and an invariant that every step
//! keeps.
//!
//! - [`table`], `steps`: the steps as plain data; [`invariant`]: what holds in every state, and what follows.
//! - [`vocabulary`], [`expr`], [`effect`]: what the texts of both are made of.
//! - [`smt`], `text`, [`finite`]: the questions that make it a proof, for any number or for a few of everything.
//! - [`solver`]: who answers them; [`inductive`]: all of them, and counterexamples.
//! - [`state`], [`interpret`]: one state, and one step after the other; [`search`]: all states that a few can reach.
//! - [`page`]: all of it for people, as `steps.md` beside this file.

pub mod effect;
pub mod expr;
pub mod finite;
pub mod inductive;
pub mod interpret;
pub mod invariant;
pub mod page;
pub mod search;
pub mod smt;
pub mod solver;
pub mod state;
mod steps;
pub mod table;
mod text;
pub mod vocabulary;

pub use finite::{Bounds, Scope};
pub use invariant::Invariant;
pub use table::Table;
