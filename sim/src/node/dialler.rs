//! The application of a server as a caller: how long it waits, what it says once it is answered, when it hangs up.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::WorkerId;
use iaxproof::engine::directory::QueryId;
use iaxproof::engine::event::{CallId, EndReason, Event};
use iaxproof::wire::{Body, Control, Frame, IaxCommand};

use super::server::{Act, Application, LiveCall};
use crate::decide::{Decisions, Domain, Key};
use crate::goals::{Goal, Goals};

/// How long it waits for one call: a decision.
const TEMPERS: u32 = 5;
const PATIENT: u32 = 0;
const HANGS_UP_AT_ONCE: u32 = 1;
const HANGS_UP_SOON: u32 = 2;
const IMPATIENT: u32 = 3;

/// How long after bridging two calls it wants out, in milliseconds: a decision, of which 0 is never.
const LEAVES_MS: [u64; 3] = [700, 0, 2_500];

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
    /// A call was placed, for itself or for a caller. What to do about it by itself.
    pub(crate) fn placed(
        &mut self,
        call: CallId,
        caller: Option<CallId>,
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
            partner: caller,
            is_bridged: false,
        };
        if let Some(caller) = caller.and_then(|caller| self.calls.get_mut(&caller)) {
            caller.partner = Some(call);
        }
        self.calls.insert(call, live);
        let is_pointless = caller.is_some_and(|caller| !self.calls.contains_key(&caller));
        if is_pointless {
            self.awaited.remove(&call);
        }
        schedule(
            call,
            match temper {
                _ if is_pointless => &[(0, Act::HangUp)],
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

    /// A worker asked the directory for the peer of an account first.
    pub(crate) fn asked(
        &mut self,
        query: (WorkerId, QueryId),
        account: u8,
        caller: Option<CallId>,
    ) {
        let waiting = self.asked.entry(query).or_default();
        waiting.push_back((account, caller));
    }

    /// The account that an answered question was asked for, and the caller.
    pub(crate) fn asked_for(&mut self, query: (WorkerId, QueryId)) -> Option<(u8, Option<CallId>)> {
        let waiting = self.asked.get_mut(&query)?;
        let account = waiting.pop_front();
        if waiting.is_empty() {
            self.asked.remove(&query);
        }
        account
    }

    /// A datagram of this call number goes out: that is where the call goes. An INVAL may be for who used the number before.
    pub(crate) fn note_destination(&mut self, datagram: &[u8], destination: SocketAddr) {
        if is_inval(datagram) {
            return;
        }
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
        is_calm: bool,
        decisions: &mut Decisions,
        goals: &mut Goals,
    ) -> Vec<(Duration, CallId, Act)> {
        match event {
            Event::Accepted { .. } => goals.reach(Goal::DialledAccepted),
            Event::Control {
                call,
                control: Control::Ringing,
                ..
            } => {
                let caller = self.partner(*call).filter(|_| self.is_placed(*call));
                return caller.map_or_else(Vec::new, |caller| schedule(caller, &[(0, Act::Ring)]));
            }
            Event::Answered { call } => {
                goals.reach(Goal::DialledAnswered);
                if let Some(awaited) = self.awaited.get_mut(call) {
                    awaited.is_answered = true;
                }
                let partner = self.partner(*call);
                let live = self.calls.get_mut(call);
                if let Some(placed) = live.and_then(|live| live.placed.as_mut()) {
                    placed.is_answered = true;
                    let hangs_up_late = placed.hangs_up_late;
                    if let Some(caller) = partner {
                        let leaves = self.leaves(*call, is_calm, decisions);
                        let mut acts = bridging(*call, caller, hangs_up_late);
                        acts.extend(leaves);
                        return acts;
                    }
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
                return self.left_alone(live);
            }
            _ => {}
        }
        Vec::new()
    }
}

impl Application {
    /// When it leaves a bridge to its ends. When all is calm it does, where it ever does.
    fn leaves(
        &mut self,
        call: CallId,
        is_calm: bool,
        decisions: &mut Decisions,
    ) -> Option<(Duration, CallId, Act)> {
        let rate = u64::from(self.options.transfer_permille);
        let key = Key {
            domain: Domain::Transfer,
            who: self.server,
            nth: self.calls_bridged,
        };
        self.calls_bridged += 1;
        let choices = 1 + LEAVES_MS.len() as u32;
        let chosen = match is_calm {
            true => u32::from(rate > 0),
            false => decisions.decide(key, choices, |bits| {
                let wants_out = bits % 1_000 < rate;
                u32::from(wants_out) * (1 + (bits >> 32) as u32 % (choices - 1))
            }),
        };
        let nth = usize::try_from(chosen.checked_sub(1)?).ok()?;
        let after = Duration::from_millis(LEAVES_MS[nth]);
        Some((after, call, Act::Transfer))
    }

    /// A call is over: the one that belongs with it is hung up, unless the two are bridged, for then the endpoint does so. Nobody waits
    /// for its answer any more.
    fn left_alone(&mut self, over: Option<LiveCall>) -> Vec<(Duration, CallId, Act)> {
        let over = over.filter(|over| !over.is_bridged);
        let partner = over.and_then(|over| over.partner);
        if let Some(partner) = partner {
            self.awaited.remove(&partner);
        }
        partner.map_or_else(Vec::new, |partner| schedule(partner, &[(0, Act::HangUp)]))
    }

    /// The call that a live call belongs with.
    pub(crate) fn partner(&self, call: CallId) -> Option<CallId> {
        self.calls.get(&call)?.partner
    }

    fn is_placed(&self, call: CallId) -> bool {
        self.calls
            .get(&call)
            .is_some_and(|live| live.placed.is_some())
    }

    pub(crate) fn set_bridged(&mut self, calls: [CallId; 2]) {
        for call in calls {
            if let Some(live) = self.calls.get_mut(&call) {
                live.is_bridged = true;
            }
        }
    }

    /// A call and its partner have nothing to do with each other any more.
    pub(crate) fn set_apart(&mut self, call: CallId) {
        let both = [Some(call), self.partner(call)];
        for call in both.into_iter().flatten() {
            if let Some(live) = self.calls.get_mut(&call) {
                live.is_bridged = false;
                live.partner = None;
            }
        }
    }
}

/// A call that was placed for a caller was answered: so is the caller's. Some are taken apart later, and one of them goes on.
fn bridging(call: CallId, caller: CallId, is_taken_apart: bool) -> Vec<(Duration, CallId, Act)> {
    let mut acts = schedule(caller, &[(0, Act::Answer)]);
    acts.extend(schedule(call, &[(0, Act::Bridge)]));
    if is_taken_apart {
        acts.extend(schedule(
            call,
            &[(6_000, Act::Unbridge), (9_000, Act::HangUp)],
        ));
    }
    acts
}

/// INVAL answers for a number that is of no dialogue with whom it goes to.
fn is_inval(datagram: &[u8]) -> bool {
    let body = match Frame::parse(datagram) {
        Ok(Frame::Full(frame)) => frame.body,
        _ => return false,
    };
    matches!(
        body,
        Body::Iax {
            command: IaxCommand::Inval,
            ..
        }
    )
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
