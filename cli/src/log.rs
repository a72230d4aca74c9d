//! The log: lines on standard error, with the time, the level and what happened. Secrets, challenges and tokens never come
//! here: the library keeps them out of its values' `Debug`. Texts of the network are written with `?`, which escapes control
//! characters.

use tracing::level_filters::LevelFilter;

/// Lines of `level` and above go to standard error from now on. A line that nobody takes, for the disk is full or the reader gone, is lost
/// without a word: the word would go the same way, and a failing write to standard error ends the thread that tries it.
pub(crate) fn begin(level: LevelFilter) {
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .log_internal_errors(false)
        .init();
}

/// Something that may fail again and again: it is told when it begins and when it is over, not each time in between.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    lasts: bool,
}

impl Outage {
    /// It failed. Whether that is to be told.
    pub(crate) const fn begins(&mut self) -> bool {
        !core::mem::replace(&mut self.lasts, true)
    }

    /// It worked. Whether that is to be told.
    pub(crate) const fn ends(&mut self) -> bool {
        core::mem::replace(&mut self.lasts, false)
    }

    /// Whether it failed the last time.
    pub(crate) const fn lasts(&self) -> bool {
        self.lasts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_twice() {
        let mut outage = Outage::default();
        assert!(!outage.ends() && !outage.lasts());
        assert_eq!([(); 3].map(|()| outage.begins()), [true, false, false]);
        assert!(outage.lasts() && outage.ends() && !outage.ends());
        assert!(outage.begins());
    }
}
