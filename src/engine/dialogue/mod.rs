//! A dialogue: one pair of call numbers with one address. Sees to order and acknowledgement; `common` does what every dialogue
//! does, whatever it is about, and the rest goes to its [`Machine`]: a registration or a call.

mod common;
mod machine;

use core::net::SocketAddr;
use std::collections::BTreeMap;

pub(super) use self::machine::Machine;
use super::admission::Ticket;
use super::allowance::Allowance;
use super::call::CallLeg;
use super::context::{Context, Turn};
use super::directory::{Directory, Lookup, QueryId};
use super::opener::Opener;
use super::reliable::verdict::Verdict;
use super::reliable::{Reliable, Timeout};
use super::session::Session;
use super::timer::{TimerKey, TimerKind};
use super::transfer::{Request, Third, is_about_transfer};
use crate::time::Instant;
use crate::wire::{Body, CallNumber, FullFrame, IaxCommand, Timestamp};

/// The way to the other side.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) remote: SocketAddr,
    pub(super) reliable: Reliable,
    pub(super) session: Session,
    pub(super) timers: BTreeMap<TimerKind, TimerKey>,
    pub(super) waiting_for: Option<QueryId>,
    pub(super) is_over: bool,
    /// What the endpoint is to do when the dialogue's turn is over.
    pub(super) request: Option<Request>,
    /// To whom the call may be transferred: our number is kept with it.
    pub(super) third: Option<Third>,
    /// The place that the call would take there.
    pub(super) third_ticket: Option<Ticket>,
    /// What may be sent before the other side has proved its address.
    pub(super) allowance: Allowance,
    /// The place in the directory's counts.
    pub(super) ticket: Option<Ticket>,
    /// Whether the endpoint finds the dialogue by address and the other side's number.
    pub(super) is_indexed: bool,
    /// Whether the other side is known to arrive at this worker's socket, because it opened the dialogue there.
    pub(super) arrives_here: bool,
    /// What we asked, until the other side has answered.
    opener: Option<Opener>,
    /// When the dialogue began.
    pub(super) began: Instant,
    last_ping: Option<Timestamp>,
}

/// A dialogue.
#[derive(Debug)]
pub(super) struct Dialogue<D: Directory> {
    pub(super) link: Link,
    pub(super) machine: Machine<D>,
}

impl Link {
    /// A frame of the other side came: it may have more back, or has proved its address.
    fn allow<D: Directory>(&mut self, context: &Context<D>, frame: &FullFrame<'_>) {
        let names_us = frame.destination == self.reliable.local();
        self.allowance.receive(context.datagram_len, names_us);
    }
}

impl<D: Directory> Dialogue<D> {
    /// A dialogue that the other side opened, or that we open: then `source` is [`CallNumber::ZERO`].
    pub(super) fn new(
        now: Instant,
        remote: SocketAddr,
        local: CallNumber,
        source: CallNumber,
        machine: Machine<D>,
    ) -> Self {
        Dialogue {
            link: Link {
                remote,
                reliable: Reliable::new(local, source, now),
                session: Session::Clear,
                timers: BTreeMap::new(),
                waiting_for: None,
                is_over: false,
                request: None,
                third: None,
                third_ticket: None,
                allowance: Allowance::Proven,
                ticket: None,
                is_indexed: false,
                arrives_here: source != CallNumber::ZERO,
                opener: None,
                began: now,
                last_ping: None,
            },
            machine,
        }
    }

    /// The opener itself: arms what every dialogue has, then handles the frame.
    pub(super) fn open(&mut self, now: Instant, context: &mut Context<D>, frame: &FullFrame<'_>) {
        self.link.allow(context, frame);
        let (mut turn, _) = self.turn(now, context);
        turn.arm_first();
        let receipt = turn.link.reliable.receive(now, frame);
        if receipt.verdict.is_taken() {
            self.begin(now, context);
        }
        self.settle(now, context, receipt.verdict, frame);
    }

    /// A dialogue of ours: arms what every dialogue has, and sends the opener.
    pub(super) fn start(&mut self, now: Instant, context: &mut Context<D>) {
        self.turn(now, context).0.arm_first();
        self.begin(now, context);
        self.turn(now, context).0.flush();
    }

    /// The other side is a third party from now on: numbers and clocks start over, and what waited for the old one is
    /// forgotten (X-TX-4). PING and LAGRQ go on.
    pub(super) fn relocate(&mut self, now: Instant, context: &mut Context<D>, third: Third) {
        self.link.remote = third.address;
        self.link.reliable.renumber(now, third.number);
        self.link.is_indexed = false;
        self.link.arrives_here = false;
        self.link.last_ping = None;
        self.for_call(now, context, CallLeg::moved);
    }

    fn begin(&mut self, now: Instant, context: &mut Context<D>) {
        let (mut turn, machine) = self.turn(now, context);
        match machine {
            Machine::Registration(registration) => registration.begin(&mut turn),
            Machine::Call(call) => call.begin(&mut turn),
            Machine::Registrant(request) => request.begin(&mut turn),
            Machine::Poke(poke) => poke.begin(&mut turn),
        }
    }

    pub(super) fn turn<'a>(
        &'a mut self,
        now: Instant,
        context: &'a mut Context<D>,
    ) -> (Turn<'a, D>, &'a mut Machine<D>) {
        let turn = Turn {
            now,
            context,
            link: &mut self.link,
        };
        (turn, &mut self.machine)
    }

    /// A full frame of this dialogue.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        context: &mut Context<D>,
        frame: &FullFrame<'_>,
    ) {
        self.link.allow(context, frame);
        let receipt = self.link.reliable.receive(now, frame);
        if self.link.reliable.remote() != CallNumber::ZERO {
            self.link.opener = None;
        }
        if receipt.verdict.is_taken() {
            self.dispatch(now, context, frame);
        }
        if receipt.finished {
            let (mut turn, machine) = self.turn(now, context);
            machine.finished(&mut turn);
        }
        self.settle(now, context, receipt.verdict, frame);
    }

    fn settle(
        &mut self,
        now: Instant,
        context: &mut Context<D>,
        verdict: Verdict,
        frame: &FullFrame<'_>,
    ) {
        if verdict == Verdict::InOrder {
            self.link.reliable.settle(frame);
        }
        self.turn(now, context).0.flush();
    }

    /// An answer to our opener by one who keeps no state: CALLTOKEN, or a refusal or PONG from call number 1
    /// (X-TOK-14, X-CALL-8).
    pub(super) fn receive_stateless(
        &mut self,
        now: Instant,
        context: &mut Context<D>,
        frame: &FullFrame<'_>,
    ) {
        let (mut turn, machine) = self.turn(now, context);
        match frame.body {
            Body::Iax {
                command: IaxCommand::CallToken,
                ies,
            } => turn.take_token(ies.call_token().unwrap_or_default()),
            _ => {
                turn.link.reliable.acknowledge(frame);
                machine.receive(&mut turn, frame);
            }
        }
        turn.flush();
    }

    fn dispatch(&mut self, now: Instant, context: &mut Context<D>, frame: &FullFrame<'_>) {
        if is_acknowledged_at_once(&frame.body) {
            self.link.reliable.acknowledge(frame);
        }
        let (mut turn, machine) = self.turn(now, context);
        if let Body::Iax { command, ies } = frame.body {
            turn.receive_common(command, ies, frame.timestamp);
            match machine {
                _ if command == IaxCommand::Inval => machine.invalidated(&mut turn),
                Machine::Registration(_) if is_of_calls(command) => turn.unsupported(command),
                _ => {}
            }
        }
        machine.receive(&mut turn, frame);
    }

    /// The frame that should have proved a secret, and be the first encrypted one, proves nothing.
    pub(super) fn disproved(&mut self, now: Instant, context: &mut Context<D>) {
        let (mut turn, machine) = self.turn(now, context);
        if let Machine::Call(call) = machine {
            call.disproved(&mut turn);
        }
        turn.flush();
    }

    /// A timer of this dialogue fired.
    pub(super) fn fire(&mut self, now: Instant, context: &mut Context<D>, kind: TimerKind) {
        self.link.timers.remove(&kind);
        let (mut turn, machine) = self.turn(now, context);
        match kind {
            TimerKind::Retransmission if turn.outgrew_its_token() => turn.ask_for_a_token(),
            TimerKind::Retransmission => {
                if let Timeout::GaveUp { is_final } = turn.link.reliable.handle_timeout(now) {
                    machine.gave_up(&mut turn, is_final);
                }
            }
            TimerKind::Ping => turn.ping(),
            TimerKind::LagRq => turn.lagrq(),
            TimerKind::RejectDelay => machine.delay_elapsed(&mut turn),
            TimerKind::Admission => machine.waited_too_long(&mut turn),
            TimerKind::AnswerWait => machine.answer_wait_elapsed(&mut turn),
            TimerKind::Transfer => machine.transfer_timed_out(&mut turn),
            TimerKind::Linger => machine.linger_elapsed(&mut turn),
            TimerKind::Store => machine.store_delayed(&mut turn),
            TimerKind::PokeWait => machine.poke_wait_elapsed(&mut turn),
            TimerKind::Expiry | TimerKind::Trunk | TimerKind::Poke | TimerKind::Refresh => {}
        }
        turn.flush();
    }

    /// The directory answered.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        context: &mut Context<D>,
        lookup: Lookup<D::Handle>,
    ) {
        let (mut turn, machine) = self.turn(now, context);
        turn.await_answer(&lookup);
        match machine {
            Machine::Registration(registration) => registration.looked_up(&mut turn, lookup),
            Machine::Call(call) => call.looked_up(&mut turn, lookup),
            Machine::Registrant(_) | Machine::Poke(_) => {}
        }
        turn.flush();
    }

    /// The endpoint goes: what the dialogue holds of the directory goes back.
    pub(super) fn abandon(&mut self, now: Instant, context: &mut Context<D>) {
        let (mut turn, machine) = self.turn(now, context);
        match machine {
            Machine::Registration(registration) => registration.gave_up(&mut turn),
            Machine::Call(call) => call.gave_up(&mut turn),
            Machine::Registrant(_) | Machine::Poke(_) => {}
        }
        turn.end();
    }

    /// The store answered.
    pub(super) fn stored(&mut self, now: Instant, context: &mut Context<D>) {
        let (mut turn, machine) = self.turn(now, context);
        if let Machine::Registration(registration) = machine {
            registration.stored(&mut turn);
        }
        turn.flush();
    }
}

/// What only a call understands.
const fn is_of_calls(command: IaxCommand) -> bool {
    use IaxCommand::{Dial, DpRep, DpReq};
    is_about_transfer(command) || matches!(command, Dial | DpRep | DpReq)
}

/// What ends the dialogue at the other side is acknowledged before anything else (chan_iax2).
const fn is_acknowledged_at_once(body: &Body<'_>) -> bool {
    use IaxCommand::{Hangup, RegAck, RegRej, Reject};
    matches!(
        body,
        Body::Iax {
            command: Hangup | Reject | RegAck | RegRej,
            ..
        }
    )
}
