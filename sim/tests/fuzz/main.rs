//! The fuzz targets' corpora and regressions replayed, one file per target; [`replay`] is what they share.

mod replay;

mod config;
mod endpoint;
mod frame;
mod stranger;
