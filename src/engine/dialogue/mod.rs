//! A dialogue: one pair of call numbers with one address. Sees to what every dialogue does, whatever it is about - order
//! and acknowledgement, PING and LAGRQ, INVAL - and hands the rest to its machine: a registration or a call.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use super::admission::Ticket;
use super::allowance::Allowance;
use super::call::CallLeg;
use super::cipher::Key;
use super::context::{Context, Turn};
use super::directory::{Directory, Lookup, QueryId};
use super::opener::Opener;
use super::options::ADMISSION_WAIT;
use super::qualify::Poke;
use super::registrant::Registering;
use super::registrar::Registration;
use super::reliable::verdict::Verdict;
use super::reliable::{Reliable, Timeout};
use super::session::Session;
use super::timer::{TimerKey, TimerKind};
use super::transfer::{Request, Third, is_about_transfer};
use crate::time::Instant;
use crate::wire::ie::Loss;
use crate::wire::{
    Body, CallNumber, FullFrame, IaxCommand, IeBuffer, InformationElement, InformationElements,
    Timestamp,
};

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
    /// What we asked, until the other side has answered.
    opener: Option<Opener>,
    last_ping: Option<Timestamp>,
}

/// A dialogue.
#[derive(Debug)]
pub(super) struct Dialogue<D: Directory> {
    pub(super) link: Link,
    pub(super) machine: Machine<D>,
}

/// What a dialogue is about.
#[derive(Debug)]
pub(super) enum Machine<D: Directory> {
    /// A REGREQ or REGREL.
    Registration(Box<Registration<D>>),
    /// A call.
    Call(Box<CallLeg<D>>),
    /// A REGREQ or REGREL of ours.
    Registrant(Registering),
    /// A POKE of ours.
    Poke(Box<Poke>),
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
                opener: None,
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
                Machine::Registration(_) if is_about_transfer(command) => turn.unsupported(command),
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
}

impl<D: Directory> Dialogue<D> {
    /// The store answered.
    pub(super) fn stored(&mut self, now: Instant, context: &mut Context<D>) {
        let (mut turn, machine) = self.turn(now, context);
        if let Machine::Registration(registration) = machine {
            registration.stored(&mut turn);
        }
        turn.flush();
    }
}

impl<D: Directory> Turn<'_, D> {
    /// What every dialogue has from its start.
    fn arm_first(&mut self) {
        let options = &self.context.options;
        let (ping, lagrq) = (options.ping_interval, options.lagrq_interval);
        self.arm(TimerKind::Ping, ping);
        self.arm(TimerKind::LagRq, lagrq);
        self.arm(TimerKind::Admission, ADMISSION_WAIT);
    }

    /// Sends the request that opens this dialogue, with an empty call token.
    pub(super) fn open(&mut self, command: IaxCommand, ies: IeBuffer) {
        self.link.opener = Some(Opener::new(command, ies));
        self.send_opener(&[]);
    }

    fn send_opener(&mut self, token: &[u8]) {
        if let Some(opener) = &self.link.opener {
            let (command, ies) = (opener.command(), opener.elements(token));
            self.send(command, &ies);
        }
    }

    /// A CALLTOKEN came: the request goes out again from the start, with the token (X-TOK-2).
    fn take_token(&mut self, token: &[u8]) {
        let now = self.now;
        let opener = self.link.opener.as_mut();
        if opener.is_some_and(|opener| opener.take_token(now, token)) {
            self.link.reliable.restart();
            self.send_opener(token);
        }
    }

    fn outgrew_its_token(&mut self) -> bool {
        let now = self.now;
        let opener = self.link.opener.as_mut();
        opener.is_some_and(|opener| opener.outgrew_its_token(now))
    }

    fn ask_for_a_token(&mut self) {
        self.link.reliable.restart();
        self.send_opener(&[]);
    }

    /// What every dialogue answers in the same way.
    fn receive_common(
        &mut self,
        command: IaxCommand,
        ies: InformationElements<'_>,
        timestamp: Timestamp,
    ) {
        match command {
            IaxCommand::Ping => self.echo(IaxCommand::Pong, timestamp, &receiver_report()),
            IaxCommand::LagRq => self.echo(IaxCommand::LagRp, timestamp, &IeBuffer::new()),
            IaxCommand::Pong => self.measure(timestamp),
            IaxCommand::RtKey if self.link.is_encrypted() => {
                let key = ies.challenge().and_then(Key::from_octets);
                key.into_iter().for_each(|key| self.link.rotate(key));
            }
            _ if is_unsupported(command) => self.unsupported(command),
            _ => {}
        }
    }

    /// Says that a message is not for us (X-MISC-1).
    pub(super) fn unsupported(&mut self, command: IaxCommand) {
        self.send(IaxCommand::Unsupport, &unknown(command));
    }

    fn ping(&mut self) {
        self.arm(TimerKind::Ping, self.context.options.ping_interval);
        if self.link.reliable.remote() == CallNumber::ZERO {
            return;
        }
        let body = Body::Iax {
            command: IaxCommand::Ping,
            ies: InformationElements::EMPTY,
        };
        self.link.last_ping = self.link.reliable.send(self.now, body).ok();
    }

    fn lagrq(&mut self) {
        self.arm(TimerKind::LagRq, self.context.options.lagrq_interval);
        if self.link.reliable.remote() != CallNumber::ZERO {
            self.send(IaxCommand::LagRq, &IeBuffer::new());
        }
    }

    /// A PONG counts where it echoes our last PING.
    fn measure(&mut self, echoed: Timestamp) {
        if self
            .link
            .last_ping
            .take_if(|ping| *ping == echoed)
            .is_some()
        {
            self.link.reliable.measure(self.now, echoed);
        }
    }
}

impl<D: Directory> Machine<D> {
    fn receive(&mut self, turn: &mut Turn<'_, D>, frame: &FullFrame<'_>) {
        match self {
            Machine::Registration(registration) => registration.receive(turn, frame),
            Machine::Call(call) => call.receive(turn, frame),
            Machine::Registrant(request) => request.receive(turn, frame),
            Machine::Poke(poke) => poke.receive(turn, frame),
        }
    }

    fn finished(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(registration) => registration.finished(turn),
            Machine::Call(call) => call.finished(turn),
            Machine::Registrant(request) => request.finished(turn),
            Machine::Poke(_) => {}
        }
    }

    fn gave_up(&mut self, turn: &mut Turn<'_, D>, is_final: bool) {
        match self {
            _ if is_final => self.finished(turn),
            Machine::Registration(registration) => registration.gave_up(turn),
            Machine::Call(call) => call.gave_up(turn),
            Machine::Registrant(request) => request.gave_up(turn),
            // Its wait for a PONG is timed apart from its retransmissions.
            Machine::Poke(_) => {}
        }
    }

    fn invalidated(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(registration) => registration.gave_up(turn),
            Machine::Call(call) => call.invalidated(turn),
            Machine::Registrant(request) => request.gave_up(turn),
            Machine::Poke(_) => {}
        }
    }

    fn delay_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(registration) => registration.delay_elapsed(turn),
            Machine::Call(call) => call.delay_elapsed(turn),
            Machine::Registrant(_) | Machine::Poke(_) => {}
        }
    }

    fn waited_too_long(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(registration) => registration.waited_too_long(turn),
            Machine::Call(call) => call.waited_too_long(turn),
            Machine::Registrant(request) => request.gave_up(turn),
            Machine::Poke(_) => {}
        }
    }

    fn answer_wait_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(_) | Machine::Registrant(_) | Machine::Poke(_) => {}
            Machine::Call(call) => call.answer_wait_elapsed(turn),
        }
    }

    fn store_delayed(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(registration) => registration.store_delayed(turn),
            Machine::Call(_) | Machine::Registrant(_) | Machine::Poke(_) => {}
        }
    }

    fn poke_wait_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(_) | Machine::Call(_) | Machine::Registrant(_) => {}
            Machine::Poke(poke) => poke.waited_too_long(turn),
        }
    }

    fn transfer_timed_out(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(_) | Machine::Registrant(_) | Machine::Poke(_) => {}
            Machine::Call(call) => call.transfer_wait_elapsed(turn),
        }
    }

    fn linger_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        match self {
            Machine::Registration(_) | Machine::Registrant(_) | Machine::Poke(_) => {}
            Machine::Call(call) => call.finished(turn),
        }
    }
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

/// What is answered with UNSUPPORT (X-MISC-1): all that is not built here and takes a sequence number. What is about
/// transfers the call decides.
const fn is_unsupported(command: IaxCommand) -> bool {
    use IaxCommand::{
        Dial, DpRep, DpReq, FwData, FwDownl, Mwi, Page, Provision, RtKey, Transfer, Unknown,
    };
    matches!(
        command,
        Dial | DpRep
            | DpReq
            | FwData
            | FwDownl
            | Mwi
            | Page
            | Provision
            | RtKey
            | Transfer
            | Unknown(_)
    )
}

fn unknown(command: IaxCommand) -> IeBuffer {
    let reported = match command {
        IaxCommand::Unknown(unknown) => unknown.reported(),
        known => known.octet(),
    };
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::IaxUnknown(reported));
    ies
}

/// The six elements of PONG. There is no jitter buffer here, so chan_iax2's values without one.
fn receiver_report() -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::RrJitter(0))
        .push(InformationElement::RrLoss(Loss(0)))
        .push(InformationElement::RrPkts(1))
        .push(InformationElement::RrDelay(40))
        .push(InformationElement::RrDropped(0))
        .push(InformationElement::RrOoo(0));
    ies
}
