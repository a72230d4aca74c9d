//! The application of a server as a caller: how long it waits, what it says once it is answered, when it hangs up.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::directory::QueryId;
use iaxproof::engine::event::{CallId, EndReason, Event};

use super::server::{Act, Application, LiveCall};
use crate::decide::{Decisions, Domain, Key};
use crate::goals::{Goal, Goals};

/// How long it waits for one call: a decision.
const TEMPERS: u32 = 5;
const PATIENT: u32 = 0;
const HANGS_UP_AT_ONCE: u32 = 1;
const HANGS_UP_SOON: u32 = 2;
const IMPATIENT: u32 = 3;

/// What it does, and when, in milliseconds.
type Acts = &'static [(u64, Act)];

/// What it says once it is answered.
const TALKS: Acts = &[(0, Act::Talk), (20, Act::Talk), (40, Act::Talk)];
const TALKS_AND_HANGS_UP: Acts = &[(0, Act::Talk), (20, Act::Talk), (12_000, Act::HangUp)];

/// A call that the application placed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) is_answered: bool,
    hangs_up_late: bool,
}

/// A call that must be answered, for it was placed after everything healed, to a peer that was there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    pub(crate) account: u8,
    pub(crate) is_answered: bool,
}

impl Application {
    /// A call was placed. What to do about it by itself.
    pub(crate) fn placed(
        &mut self,
        call: CallId,
        is_calm: bool,
        decisions: &mut Decisions,
    ) -> Vec<(Duration, CallId, Act)> {
        let temper = self.temper(is_calm, decisions);
        let live = LiveCall {
            from: None,
            origin: None,
            placed: Some(Placed {
                is_answered: false,
                hangs_up_late: temper > IMPATIENT,
            }),
        };
        self.calls.insert(call, live);
        schedule(
            call,
            match temper {
                HANGS_UP_AT_ONCE => &[(0, Act::HangUp)],
                HANGS_UP_SOON => &[(100, Act::HangUp)],
                IMPATIENT => &[(3_000, Act::GiveUp)],
                _ => &[(30_000, Act::GiveUp)],
            },
        )
    }

    fn temper(&mut self, is_calm: bool, decisions: &mut Decisions) -> u32 {
        if is_calm {
            return PATIENT;
        }
        let key = Key {
            domain: Domain::Dialled,
            who: self.server,
            nth: self.calls_placed,
        };
        self.calls_placed += 1;
        let rate = u64::from(self.options.impatient_permille);
        decisions.decide(key, TEMPERS, |bits| {
            let is_impatient = bits % 1_000 < rate;
            u32::from(is_impatient) * ((bits >> 32) as u32 % TEMPERS)
        })
    }

    /// The directory was asked for the peer of an account first.
    pub(crate) fn asked(&mut self, query: QueryId, account: u8) {
        self.asked.entry(query).or_default().push_back(account);
    }

    /// The account that an answered question was asked for.
    pub(crate) fn asked_for(&mut self, query: QueryId) -> Option<u8> {
        let waiting = self.asked.get_mut(&query)?;
        let account = waiting.pop_front();
        if waiting.is_empty() {
            self.asked.remove(&query);
        }
        account
    }

    /// A datagram of this call number goes out: that is where the call goes.
    pub(crate) fn note_destination(&mut self, datagram: &[u8], destination: SocketAddr) {
        let unknown = self
            .calls
            .iter_mut()
            .filter(|(_, live)| live.from.is_none());
        for (call, live) in unknown {
            let source = datagram.first_chunk::<2>().copied().map(u16::from_be_bytes);
            if source.is_some_and(|source| source & 0x7fff == call.local().get()) {
                live.from = Some(destination);
            }
        }
    }

    /// What an event means for a call that was placed.
    pub(super) fn follow(
        &mut self,
        event: &Event,
        goals: &mut Goals,
    ) -> Vec<(Duration, CallId, Act)> {
        match event {
            Event::Accepted { .. } => goals.reach(Goal::DialledAccepted),
            Event::Answered { call } => {
                goals.reach(Goal::DialledAnswered);
                if let Some(awaited) = self.awaited.get_mut(call) {
                    awaited.is_answered = true;
                }
                let live = self.calls.get_mut(call);
                if let Some(placed) = live.and_then(|live| live.placed.as_mut()) {
                    placed.is_answered = true;
                    let acts = if placed.hangs_up_late {
                        TALKS_AND_HANGS_UP
                    } else {
                        TALKS
                    };
                    return schedule(*call, acts);
                }
            }
            Event::Ended { call, reason } => {
                let live = self.calls.remove(call);
                if let Some(placed) = live.and_then(|live| live.placed) {
                    goals.reach(how_it_ended(placed, *reason));
                }
            }
            _ => {}
        }
        Vec::new()
    }
}

fn how_it_ended(placed: Placed, reason: EndReason) -> Goal {
    match reason {
        _ if placed.is_answered => Goal::DialledEnded,
        EndReason::LocalHangup => Goal::DialledHungUpEarly,
        EndReason::RemoteHangup(_) => Goal::DialledRejected,
        EndReason::NoFormat | EndReason::Unauthenticated => Goal::DialledUnusable,
        _ => Goal::DialledUnanswered,
    }
}

fn schedule(call: CallId, acts: Acts) -> Vec<(Duration, CallId, Act)> {
    let acts = acts.iter();
    acts.map(|(ms, act)| (Duration::from_millis(*ms), call, *act))
        .collect()
}
