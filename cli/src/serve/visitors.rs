//! How many may be served at once by threads of their own: on the control socket, and on the port of metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts those that are being served.
#[derive(Clone, Debug)]
pub(super) struct Visitors {
    present: Arc<AtomicUsize>,
    max: usize,
}

/// One of them, for as long as this lives.
#[derive(Debug)]
pub(super) struct Visit(Arc<AtomicUsize>);

impl Visitors {
    /// So many at once.
    pub(super) fn at_most(max: usize) -> Self {
        Visitors {
            present: Arc::default(),
            max,
        }
    }

    /// One more; `None` where there are too many.
    pub(super) fn admit(&self) -> Option<Visit> {
        let visit = Visit(Arc::clone(&self.present));
        // Given back by the drop where it is too many.
        (self.present.fetch_add(1, Ordering::Relaxed) < self.max).then_some(visit)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_makes_room() {
        let visitors = Visitors::at_most(1);
        let first = visitors.admit();
        assert!(first.is_some() && visitors.admit().is_none());
        drop(first);
        assert!(visitors.admit().is_some());
    }
}
