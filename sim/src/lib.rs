//! The simulated world of iaxproof: one plan, a virtual clock, network, database and operator around the shipped
//! endpoint. Checkers stand apart from workloads.
//!
//! - [`plan`]: everything that was chosen for one world; [`decide`]: what is chosen on the way.
//! - [`clock`]: virtual time.
//! - [`administer`]: what a world needs of a directory.
//! - [`fuzz`]: the bodies of the fuzz targets.
//! - [`linearizable`]: whether a history of a container can be explained one operation after another.

pub mod administer;
pub mod clock;
pub mod decide;
pub mod fuzz;
pub mod linearizable;
pub mod plan;
