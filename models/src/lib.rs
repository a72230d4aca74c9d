//! The explorers' families, the proofs and the pre-2007 design.
