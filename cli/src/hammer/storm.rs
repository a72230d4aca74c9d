//! The storm: begins registrations as pace and window allow, and sees each to its end. One thread, many sockets.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use iaxproof::time::Instant;
use iaxproof::wire::{CallNumber, Frame};

use super::dialogue::{Dialogue, Outcome, farewell};
use super::pace::Pace;
use super::sockets::Sockets;
use super::tally::Tally;
use crate::client::interrupt::Interrupt;
use crate::clock::Clock;
use crate::error::Error;
use crate::progress::Progress;

/// The longest rest, so that a lost wake-up is no standstill.
const REST_MAX: Duration = Duration::from_millis(500);
/// How often progress is shown.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// The call numbers of one socket: 0 and 1 are nobody's.
const NUMBERS: u64 = 32_766;
/// The first of them.
const FIRST_NUMBER: u64 = 2;
/// The system says so often that nobody listens, and nothing comes meanwhile: then nobody does.
const UNREACHABLE_MAX: u64 = 3;
/// How long nothing may come from a server that was there: it may be on its way back.
const ABSENCE_MAX: Duration = Duration::from_secs(5);

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) peers: u32,
    /// How often each registers.
    pub(super) rounds: u32,
    /// How many are under way at most.
    pub(super) window: usize,
    /// How many begin in a second at most.
    pub(super) rate: Option<u32>,
}

impl Plan {
    /// All registrations.
    fn total(&self) -> u64 {
        u64::from(self.peers) * u64::from(self.rounds)
    }
}

/// Which dialogue: the socket, and our call number there.
type Key = (usize, CallNumber);

/// The registrations that are under way, and what became of the others.
#[derive(Debug)]
pub(super) struct Storm {
    plan: Plan,
    clock: Clock,
    pub(super) sockets: Sockets,
    under_way: BTreeMap<Key, Dialogue>,
    due: BTreeSet<(Instant, Key)>,
    begun: u64,
    /// When something came last, and how often the system had said then that nobody listens.
    heard_last: (Instant, u64),
    pub(super) tally: Tally,
}

impl Storm {
    /// One that has not begun.
    pub(super) fn new(plan: Plan, clock: Clock, sockets: Sockets) -> Self {
        Storm {
            plan,
            clock,
            sockets,
            under_way: BTreeMap::new(),
            due: BTreeSet::new(),
            begun: 0,
            heard_last: (Instant::ZERO, 0),
            tally: Tally::default(),
        }
    }

    /// How many there are to be.
    pub(super) fn total(&self) -> u64 {
        self.plan.total()
    }

    /// Goes on until all are done, or somebody wants us to end.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where nobody listens, or the system cannot wait.
    pub(super) fn rage(&mut self, interrupt: &Interrupt) -> Result<(), Error> {
        let mut pace = Pace::new(self.clock.now(), self.plan.rate);
        let mut progress = Progress::until("registrations", Some(self.total()), None);
        let (mut shown, mut shown_at) = (0, self.clock.now());
        while !self.is_done() && !interrupt.came() {
            let next = self.begin(&mut pace);
            self.turn(next)?;
            let now = self.clock.now();
            if self.is_deserted(now)? {
                self.give_up(now);
                break;
            }
            if now >= shown_at + PROGRESS_INTERVAL {
                let ended = self.tally.ended();
                progress.note(format!("refused {}", self.tally.refused()));
                progress.advance(ended - shown);
                (shown, shown_at) = (ended, now);
            }
        }
        Ok(())
    }

    /// Answers what still comes: a server whose last frame was not acknowledged sends it again.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system cannot wait.
    pub(super) fn linger(&mut self, until: Instant) -> Result<(), Error> {
        while self.clock.now() < until {
            self.turn(Some(until))?;
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.begun == self.total() && self.under_way.is_empty()
    }

    /// Whether the server has gone, or an error where it never was there.
    fn is_deserted(&self, now: Instant) -> Result<bool, Error> {
        let (at, unreachable) = self.heard_last;
        let says_so = self.sockets.unreachable >= unreachable + UNREACHABLE_MAX;
        match self.tally.heard {
            0 if says_so => Err(Error::Broke("nobody listens at that port".to_owned())),
            _ => Ok(says_so && now >= at + ABSENCE_MAX),
        }
    }

    /// Nobody is there for whatever is under way.
    fn give_up(&mut self, now: Instant) {
        self.due.clear();
        for dialogue in core::mem::take(&mut self.under_way).into_values() {
            let outcome = Outcome::Refused("nobody listens any more".to_owned());
            self.tally.note(now, dialogue.began(), outcome);
        }
    }

    /// Begins as many as may begin now; when the next may, where that is a matter of time alone.
    fn begin(&mut self, pace: &mut Pace) -> Option<Instant> {
        while self.begun < self.total() && self.under_way.len() < self.plan.window {
            let (now, key) = (self.clock.now(), self.key_of(self.begun));
            // A number that is still in use: whoever has it has waited for long.
            if self.under_way.contains_key(&key) {
                return None;
            }
            if !pace.take(now) {
                return pace.due();
            }
            let peer = 1 + self.begun % u64::from(self.plan.peers);
            self.begun += 1;
            self.follow(now, key, Dialogue::begin(now, key.1, peer as u32), None);
        }
        None
    }

    /// Sockets take turns, so that none has used up its call numbers before the others.
    fn key_of(&self, registration: u64) -> Key {
        let sockets = self.sockets.len() as u64;
        let number = FIRST_NUMBER + registration / sockets % NUMBERS;
        let socket = (registration % sockets) as usize;
        (socket, CallNumber::from_word(number as u16))
    }

    /// Rests until something comes or is due, and handles it.
    fn turn(&mut self, until: Option<Instant>) -> Result<(), Error> {
        let due = self.due.first().map(|(at, _)| *at);
        let next = [due, until].into_iter().flatten().min();
        let now = self.clock.now();
        let rest = next.map_or(REST_MAX, |next| next.saturating_since(now).min(REST_MAX));
        for socket in self.sockets.wait(rest)? {
            self.receive_all(socket);
        }
        self.fire();
        Ok(())
    }

    fn receive_all(&mut self, socket: usize) {
        let mut datagram = [0; 2_048];
        while let Some(len) = self.sockets.receive(socket, &mut datagram) {
            self.tally.heard += 1;
            self.heard_last = (self.clock.now(), self.sockets.unreachable);
            self.receive(socket, &datagram[..len]);
        }
    }

    fn receive(&mut self, socket: usize, datagram: &[u8]) {
        let Ok(Frame::Full(frame)) = Frame::parse(datagram) else {
            self.tally.strange += 1;
            return;
        };
        let (now, key) = (self.clock.now(), (socket, frame.destination));
        if let Some(mut dialogue) = self.under_way.remove(&key) {
            self.due.remove(&(dialogue.due(), key));
            let outcome = dialogue.receive(now, &frame);
            self.follow(now, key, dialogue, outcome);
        } else if let Some(ack) = farewell(&frame) {
            self.sockets.send(socket, &ack);
        }
    }

    fn fire(&mut self) {
        let now = self.clock.now();
        while let Some((at, key)) = self.due.first().copied()
            && at <= now
        {
            self.due.remove(&(at, key));
            if let Some(mut dialogue) = self.under_way.remove(&key) {
                let outcome = dialogue.fire(now);
                self.follow(now, key, dialogue, outcome);
            }
        }
    }

    /// Sends what a dialogue has to say, and keeps it unless it is over.
    fn follow(&mut self, now: Instant, key: Key, mut dialogue: Dialogue, outcome: Option<Outcome>) {
        while let Some((octets, is_repeated)) = dialogue.poll_transmit() {
            self.tally.retransmissions += u64::from(is_repeated);
            self.sockets.send(key.0, &octets);
        }
        match outcome {
            Some(outcome) => self.tally.note(now, dialogue.began(), outcome),
            None => {
                self.due.insert((dialogue.due(), key));
                self.under_way.insert(key, dialogue);
            }
        }
    }
}
