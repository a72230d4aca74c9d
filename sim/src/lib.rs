//! The simulated world of iaxproof: one plan, a virtual clock, network, database and operator around the shipped
//! endpoint. Checkers stand apart from workloads.

pub mod linearizable;
