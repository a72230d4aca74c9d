//! Vector clocks: which steps are ordered before which. The Shuttle family asks them whether every use of an object
//! comes before its destructor, for shuttle itself orders everything and would not see a missing `Release`.

use core::panic::Location;

use crate::context::THREADS_MAX;

/// How much of each thread's past is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock([u32; THREADS_MAX]);

impl Clock {
    /// One more step of this thread.
    pub(crate) fn tick(&mut self, thread: usize) {
        self.0[thread] += 1;
    }

    /// Learns what `other` knows.
    pub(crate) fn join(&mut self, other: &Clock) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
    }
}

/// Each thread's last use of one object, and where it was.
#[derive(Default)]
pub(crate) struct Stamps([Option<(u32, &'static Location<'static>)>; THREADS_MAX]);

impl Stamps {
    /// `thread` uses the object now.
    pub(crate) fn add(&mut self, thread: usize, now: &Clock, at: &'static Location<'static>) {
        self.0[thread] = Some((now.0[thread], at));
    }

    /// A use that whoever knows `now` does not know of.
    pub(crate) fn unordered_with(
        &self,
        now: &Clock,
    ) -> Option<(usize, &'static Location<'static>)> {
        self.0.iter().enumerate().find_map(|(thread, stamp)| {
            stamp
                .filter(|(at, _)| *at > now.0[thread])
                .map(|(_, line)| (thread, line))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_ordered_once_its_thread_was_heard() {
        let (mut user, mut destroyer) = (Clock::default(), Clock::default());
        user.tick(1);
        let mut uses = Stamps::default();
        uses.add(1, &user, Location::caller());
        assert!(
            uses.unordered_with(&destroyer)
                .is_some_and(|(thread, _)| thread == 1)
        );
        destroyer.join(&user);
        assert!(uses.unordered_with(&destroyer).is_none());
    }
}
