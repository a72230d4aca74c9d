//! The log: lines on standard error, with the time, the level and what happened. Secrets, challenges and tokens never come
//! here: the library keeps them out of its values' `Debug`. Texts of the network are written with `?`, which escapes control
//! characters.

use tracing::level_filters::LevelFilter;

/// Lines of `level` and above go to standard error from now on.
pub(crate) fn begin(level: LevelFilter) {
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .init();
}
