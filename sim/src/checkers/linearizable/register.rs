//! What one name has, as a sequential object, and all the ways in which it may stand after what was seen.

use core::net::SocketAddr;

use iaxproof::time::Instant;

use crate::checkers::registration_kept::GRACE;
use crate::linearizable::{Follower, Sequential};

/// What a name has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Anything.
    Open,
    /// No contact.
    Nobody,
    /// This contact, of the registration of this number.
    At(SocketAddr, u64),
}

/// What is done to it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Register(SocketAddr, u64),
    Release,
    /// The registration of this number is over.
    Lapse(u64),
    Blur,
    Look,
}

/// What is seen of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    /// Nothing, or anything.
    Any,
    Nobody,
    At(SocketAddr),
}

impl Sequential for Place {
    type Operation = Deed;
    type Outcome = Seen;

    fn apply(&mut self, deed: &Deed) -> Seen {
        match (*deed, &self) {
            (Deed::Look, Place::Nobody) => return Seen::Nobody,
            (Deed::Look, Place::At(address, _)) => return Seen::At(*address),
            (Deed::Register(address, number), _) => *self = Place::At(address, number),
            (Deed::Lapse(number), Place::At(_, of)) if number == *of => *self = Place::Nobody,
            // What lapses may be what it has, or not: anything stays anything.
            (Deed::Look | Deed::Lapse(_), _) => {}
            (Deed::Release, _) => *self = Place::Nobody,
            (Deed::Blur, _) => *self = Place::Open,
        }
        Seen::Any
    }

    fn is_answer(given: &Seen, seen: &Seen) -> bool {
        *given == Seen::Any || *seen == Seen::Any || given == seen
    }
}

/// One name.
#[derive(Clone, Debug)]
pub(super) struct Register {
    pub(super) follower: Follower<Place>,
    /// What will lapse: when it may, when it must, and under which name once it may.
    lapses: Vec<Lapse>,
}

#[derive(Clone, Copy, Debug)]
struct Lapse {
    may: Instant,
    must: Instant,
    number: u64,
    call: Option<u64>,
}

impl Default for Register {
    fn default() -> Self {
        Register {
            follower: Follower::new(Place::Nobody),
            lapses: Vec::new(),
        }
    }
}

impl Register {
    /// Lets lapse what may have by now, and what must have.
    pub(super) fn pass(&mut self, now: Instant) {
        for lapse in &mut self.lapses {
            if lapse.call.is_none() && lapse.may <= now {
                lapse.call = self.follower.call(Deed::Lapse(lapse.number));
            }
        }
        let (over, left): (Vec<_>, Vec<_>) = self.lapses.iter().partition(|it| it.must <= now);
        self.lapses = left;
        for lapse in over {
            match lapse.call {
                Some(call) => drop(self.follower.returned(call, &Seen::Any)),
                None => self.follower.now(&Deed::Lapse(lapse.number)),
            }
        }
    }

    /// The registration of this number was granted until then.
    pub(super) fn lapses_after(&mut self, number: u64, until: Instant) {
        self.lapses.push(Lapse {
            may: until,
            must: until + GRACE,
            number,
            call: None,
        });
    }

    /// From here on it may have anything.
    pub(super) fn blur(&mut self) {
        self.follower.now(&Deed::Blur);
    }
}
