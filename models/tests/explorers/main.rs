//! The explorers and the scenarios that they exhaust: what they see, what they must not miss, and that it replays.

mod checks_can_fail;
mod linearizable;
mod litmus;
mod matrix;
mod orderings;
mod probe;
mod proofs;
mod protocol;
mod reduction;
mod specimens;
