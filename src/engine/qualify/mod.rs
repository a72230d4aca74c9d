//! Qualification (chan_iax2: `qualify`): peers with a contact are asked by POKE whether they are there (RFC 5456 §6.7.1).
//! `state` has the table and the times, `command` what opens a POKE's dialogue; this file keeps who is watched, and does
//! what the table says of an answer.
//!
//! A watch holds a counted handle of its peer and the generation of the contact that it is about: from the first POKE
//! until the contact moves on, whether a timer is armed or a POKE is out. So a peer outlives its poke timer (asterisk
//! 3978cb6f1c: a pending poke timer held a peer without counting it), and a timer of an old generation does nothing.
//!
//! # Deviations
//!
//! - chan_iax2 refuses calls by the last time and paces POKEs by the smoothed one; here the smoothed one decides both. Its
//!   average begins with zero, here with the first time.
//! - chan_iax2 measures by whatever time-stamp a PONG carries; here it must be that of our last POKE.
//! - chan_iax2 pokes all peers of a reload itself; here the application asks for each ([`Endpoint::qualify`]).
//! - A registration from an address that has not shown that it receives (an open peer without a call token) is followed by no
//!   POKE, for four of them are more than may be sent there.
//! - A renewal from the same address is not followed by a POKE; the watch goes on in its time (chan_iax2 likewise).
//!
//! [`Endpoint::qualify`]: crate::engine::Endpoint::qualify

mod command;
mod state;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::state::{Action, Event as Happening, State};
use self::state::{interval, is_news, judge, patience, supposed_round_trip};
use super::context::{Context, Owner, Turn};
use super::directory::{Directory, Generation, Noted, QueryId, Reachability};
use super::event::Event;
use super::settings::{Name, Qualify};
use super::timer::{TimerKey, TimerKind};
use crate::time::Instant;
use crate::wire::{Body, CallNumber, FullFrame, IaxCommand, IeBuffer};

/// POKEs that one [`handle_timeout`](crate::engine::Endpoint::handle_timeout) sends; more that are due wait for
/// [`POSTPONEMENT`].
pub const POKES_PER_TIMEOUT_MAX: usize = 100;
/// How long POKEs wait that are due when too many are.
pub const POSTPONEMENT: Duration = Duration::from_millis(100);

/// The peers that are watched.
#[derive(Debug)]
pub(super) struct Watches<H> {
    by_name: BTreeMap<Name, Watch<H>>,
    /// Contacts that registrations brought in this turn.
    arrivals: VecDeque<Arrival<H>>,
    /// Questions to the directory for peers that are to be watched.
    questions: BTreeSet<QueryId>,
}

/// One watch: from the first POKE of a contact until it moves on.
#[derive(Debug)]
struct Watch<H> {
    handle: H,
    generation: Generation,
    address: SocketAddr,
    state: State,
    /// Of a watch that rests.
    timer: Option<TimerKey>,
    /// Of a watch whose POKE is out.
    dialogue: Option<CallNumber>,
}

/// A contact that a registration brought.
#[derive(Debug)]
pub(super) struct Arrival<H> {
    pub(super) handle: H,
    pub(super) name: Name,
    pub(super) generation: Generation,
    pub(super) address: SocketAddr,
    /// Whether the address has shown that it receives.
    pub(super) is_proven: bool,
}

impl<H> Watches<H> {
    pub(super) const fn new() -> Self {
        Watches {
            by_name: BTreeMap::new(),
            arrivals: VecDeque::new(),
            questions: BTreeSet::new(),
        }
    }

    /// How many there are; each holds a handle.
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether the peer of this name is watched.
    pub(super) fn has(&self, name: &Name) -> bool {
        self.by_name.contains_key(name)
    }

    /// Whether a peer that is to be watched waits for this answer.
    pub(super) fn has_asked(&self, query: QueryId) -> bool {
        self.questions.contains(&query)
    }

    /// A registration brought a contact: the endpoint looks at it when the dialogue's turn is over.
    pub(super) fn announce(&mut self, arrival: Arrival<H>) {
        self.arrivals.push_back(arrival);
    }

    /// The watch whose POKE this dialogue is.
    fn of_dialogue(&mut self, name: &Name, local: CallNumber) -> Option<&mut Watch<H>> {
        let watch = self.by_name.get_mut(name);
        watch.filter(|watch| watch.dialogue == Some(local))
    }
}

impl<D: Directory> Context<D> {
    /// Lets a watch go: its contact is gone. A POKE that is out ends by itself.
    pub(super) fn unwatch(&mut self, name: &Name) {
        if let Some(watch) = self.watches.by_name.remove(name)
            && let Some(key) = watch.timer
        {
            self.timers.cancel(key);
        }
    }

    /// Arms the next POKE of a watch.
    fn rest(&mut self, name: &Name, at: Instant) {
        if let Some(watch) = self.watches.by_name.get_mut(name) {
            let owner = Owner::Watch(name.clone());
            watch.timer = Some(self.timers.arm(at, TimerKind::Poke, owner));
        }
    }

    /// A POKE was answered after this time, or not at all: tells the directory, and the application where it is news.
    fn note(&mut self, now: Instant, name: &Name, qualify: &Qualify, answered: Option<Duration>) {
        let Some(watch) = self.watches.by_name.get(name) else {
            return;
        };
        let (handle, generation) = (&watch.handle, watch.generation);
        if self.is_taken_over(handle) {
            return self.unwatch(name);
        }
        let noted = self.directory.reachability(handle).and_then(|before| {
            let reachability = match answered {
                Some(time) => judge(qualify, before, time),
                None => Reachability::Unreachable,
            };
            let noted = self
                .directory
                .note_reachability(handle, generation, reachability)?;
            Ok((noted, before, reachability))
        });
        match noted {
            Ok((Noted::Kept, before, reachability)) => {
                self.rest(name, now + interval(qualify, reachability));
                self.tell_reachability(name, before, reachability);
            }
            Ok((Noted::Superseded, ..)) => self.unwatch(name),
            Err(_) => {
                self.unwatch(name);
                self.tell_stale("noting a peer's reachability");
            }
        }
    }

    fn tell_reachability(&mut self, name: &Name, before: Reachability, now: Reachability) {
        if is_news(before, now) {
            self.tell(Event::Reachability {
                name: name.clone(),
                reachability: now,
            });
        }
    }
}

/// One POKE: a dialogue of its own, with a new call number (RFC 5456 §6.7.1).
#[derive(Debug)]
pub(super) struct Poke {
    name: Name,
    qualify: Qualify,
    patience: Duration,
}

impl Poke {
    /// Sends POKE. From here on the dialogue is the watch's.
    pub(super) fn begin<D: Directory>(&self, turn: &mut Turn<'_, D>) {
        let local = turn.link.reliable.local();
        if let Some(watch) = turn.context.watches.by_name.get_mut(&self.name) {
            watch.dialogue = Some(local);
        }
        turn.stop_probing();
        turn.link
            .reliable
            .suppose_round_trip(supposed_round_trip(&self.qualify));
        turn.arm(TimerKind::PokeWait, self.patience);
        turn.open(IaxCommand::Poke, IeBuffer::new());
    }

    /// A PONG that echoes our POKE. It is acknowledged to the number that it came from, call number 1 included (X-POKE-2).
    pub(super) fn receive<D: Directory>(&self, turn: &mut Turn<'_, D>, frame: &FullFrame<'_>) {
        let is_pong = matches!(
            frame.body,
            Body::Iax {
                command: IaxCommand::Pong,
                ..
            }
        );
        let elapsed = turn.link.reliable.since(turn.now, frame.timestamp);
        if let (true, Some(time)) = (is_pong, elapsed) {
            self.finish(turn, Happening::Answered, Some(time));
        }
    }

    /// No PONG came in time.
    pub(super) fn waited_too_long<D: Directory>(&self, turn: &mut Turn<'_, D>) {
        self.finish(turn, Happening::NotAnswered, None);
    }

    fn finish<D: Directory>(
        &self,
        turn: &mut Turn<'_, D>,
        happening: Happening,
        answered: Option<Duration>,
    ) {
        turn.end();
        let local = turn.link.reliable.local();
        let watch = turn.context.watches.of_dialogue(&self.name, local);
        let Some(watch) = watch else {
            return;
        };
        if let Some((state, Action::Note)) = watch.state.next(happening) {
            (watch.state, watch.dialogue) = (state, None);
            let now = turn.now;
            turn.context.note(now, &self.name, &self.qualify, answered);
        }
    }
}
