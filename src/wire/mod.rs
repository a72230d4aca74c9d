//! Bytes to frames and back (RFC 5456 §8), pure: touches no state.

#![forbid(unsafe_code)]

pub mod format;
pub mod number;

pub use format::{Format, FormatSet};
pub use number::{CallNumber, SeqNo, Timestamp};
