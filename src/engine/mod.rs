//! The endpoint.

#![forbid(unsafe_code)]

pub mod directory;
pub mod settings;
