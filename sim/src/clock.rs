//! Virtual time: the queue of what will happen, ordered by (time, sequence number). Time jumps to the next event.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use iaxproof::time::Instant;

/// What will happen, and the time it is.
#[derive(Debug)]
pub struct Queue<E> {
    now: Instant,
    scheduled: u64,
    /// The order is by time and sequence number alone; the event stands in a slot, so that ordering never looks at it.
    order: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    slots: Vec<Option<E>>,
    free: Vec<usize>,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Queue {
            now: Instant::ZERO,
            scheduled: 0,
            order: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<E> Queue<E> {
    /// The time it is.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// `event` happens at `at`, or now where that is past; after everything that was scheduled for the same time before.
    pub fn schedule(&mut self, at: Instant, event: E) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = Some(event);
                slot
            }
            None => {
                self.slots.push(Some(event));
                self.slots.len() - 1
            }
        };
        self.order
            .push(Reverse((at.max(self.now), self.scheduled, slot)));
        self.scheduled += 1;
    }

    /// The next event; the time is now its time.
    pub fn pop(&mut self) -> Option<E> {
        let Reverse((at, _, slot)) = self.order.pop()?;
        self.now = at;
        self.free.push(slot);
        self.slots[slot].take()
    }

    /// The same time with nothing scheduled any more.
    pub fn at_rest(&self) -> Self {
        Queue {
            now: self.now,
            ..Queue::default()
        }
    }

    /// How much is scheduled.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing is scheduled.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_then_in_the_order_of_scheduling() {
        let mut queue = Queue::default();
        queue.schedule(Instant::from_secs(2), "c");
        queue.schedule(Instant::from_secs(1), "a");
        queue.schedule(Instant::from_secs(2), "d");
        queue.schedule(Instant::from_secs(1), "b");
        assert_eq!(queue.pop(), Some("a"));
        assert_eq!(queue.now(), Instant::from_secs(1));
        // What is due in the past happens now, after what is due now.
        queue.schedule(Instant::ZERO, "late");
        let rest: Vec<_> = core::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(rest, ["b", "late", "c", "d"]);
        assert_eq!((queue.now(), queue.len()), (Instant::from_secs(2), 0));
    }
}
