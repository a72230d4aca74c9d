//! Frames and their octets: what is written reads back, and captures.
//!
//! - [`frames`]: strategies for frames. [`story`]: conversations frame by frame, of which the captures are made.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure"
)]
#![allow(
    clippy::disallowed_types,
    reason = "proptest's macros share strategies by Arc"
)]

mod frames;
mod story;

mod captures;
mod encrypted_captures;
mod round_trip;
