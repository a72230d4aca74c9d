//! `iax.conf` read: its syntax and its options; [`bench`] is what they share.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure"
)]

mod bench;

mod options;
mod syntax;
