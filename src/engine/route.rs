//! Whose is a datagram (RFC 5456 §8.1.1)? A dialogue's, an opener's, or nobody's.
//!
//! Full frames match on address and source number, and on ours wherever they name one; ACK and INVAL must name it
//! (X-NUM-5, X-INV-1). Mini frames match on address and source number, which is all that they have.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use super::call::CallLeg;
use super::call_token;
use super::dialogue::{Dialogue, Machine};
use super::directory::Directory;
use super::registrar::Registration;
use super::stateless;
use super::{CallId, Endpoint};
use crate::time::Instant;
use crate::wire::{
    Body, CallNumber, Frame, FullFrame, IaxCommand, InformationElements, MiniFrame, SeqNo,
};

/// Live dialogues per IP address.
#[derive(Debug, Default)]
pub(super) struct Census(BTreeMap<IpAddr, usize>);

impl Census {
    fn of(&self, ip: IpAddr) -> usize {
        self.0.get(&ip).copied().unwrap_or_default()
    }

    fn enter(&mut self, ip: IpAddr) {
        *self.0.entry(ip).or_default() += 1;
    }

    /// A dialogue of the address ended; addresses without dialogues are forgotten.
    pub(super) fn leave(&mut self, ip: IpAddr) {
        if let Some(count) = self.0.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&ip);
            }
        }
    }
}

impl<D: Directory> Endpoint<D> {
    /// A datagram came. What is not IAX2 is dropped and counted.
    pub fn handle_datagram(&mut self, now: Instant, remote: SocketAddr, datagram: &[u8]) {
        match Frame::parse(datagram) {
            Ok(Frame::Full(frame)) => self.handle_full(now, remote, &frame),
            Ok(Frame::Mini(frame)) => self.handle_mini(now, remote, &frame),
            Ok(Frame::MiniVideo(_) | Frame::Meta(_)) => self.context.dropped.media += 1,
            Err(_) => self.context.dropped.undecodable += 1,
        }
    }

    fn handle_full(&mut self, now: Instant, remote: SocketAddr, frame: &FullFrame<'_>) {
        if is_iax(frame, IaxCommand::Poke) {
            self.reply(remote, frame, IaxCommand::Pong);
            return;
        }
        if is_iax(frame, IaxCommand::Ack) && frame.destination == CallNumber::STATELESS {
            return;
        }
        match self.by_remote.get(&(remote, frame.source)) {
            Some(&local) if is_addressed_to(frame, local) => {
                self.with(now, local, |dialogue, context| {
                    dialogue.receive(now, context, frame);
                });
            }
            Some(_) => self.context.dropped.misaddressed += 1,
            None => self.handle_unmatched(now, remote, frame),
        }
    }

    fn handle_mini(&mut self, now: Instant, remote: SocketAddr, frame: &MiniFrame<'_>) {
        let mut was_of_use = false;
        if let Some(&local) = self.by_remote.get(&(remote, frame.source())) {
            self.with(now, local, |dialogue, context| {
                let (mut turn, machine) = dialogue.turn(now, context);
                if let Machine::Call(call) = machine {
                    was_of_use = call.receive_mini(&mut turn, frame.timestamp(), frame.data());
                    turn.flush();
                }
            });
        }
        self.context.dropped.media += u64::from(!was_of_use);
    }

    /// A full frame of no dialogue: an opener, or something late or forged.
    fn handle_unmatched(&mut self, now: Instant, remote: SocketAddr, frame: &FullFrame<'_>) {
        let Body::Iax { command, ies } = frame.body else {
            self.invalidate(now, remote, frame);
            return;
        };
        let is_named = frame.destination != CallNumber::ZERO;
        match command {
            IaxCommand::New | IaxCommand::RegReq | IaxCommand::RegRel if !is_named => {
                self.handle_opener(now, remote, frame, command, ies);
            }
            IaxCommand::RegReq | IaxCommand::RegRel => {
                self.context.dropped.unmatched += 1;
                self.reply(remote, frame, IaxCommand::RegRej);
            }
            _ => self.invalidate(now, remote, frame),
        }
    }

    /// Says INVAL to a frame that names a call which is not there, and to nothing that could answer it with another
    /// (X-INV-2).
    fn invalidate(&mut self, now: Instant, remote: SocketAddr, frame: &FullFrame<'_>) {
        self.context.dropped.unmatched += 1;
        let is_answered = frame.destination != CallNumber::ZERO && !is_exempt(&frame.body);
        if is_answered && self.invals.allows(now, remote.ip()) {
            self.context.transmit(remote, stateless::inval(frame));
        }
    }

    fn reply(&mut self, remote: SocketAddr, frame: &FullFrame<'_>, command: IaxCommand) {
        let payload = stateless::reply(frame, command);
        self.context.transmit(remote, payload);
    }

    /// NEW, REGREQ or REGREL without a destination: keeps nothing until its sender has proved its address (X-TOK-4).
    fn handle_opener(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        frame: &FullFrame<'_>,
        command: IaxCommand,
        ies: InformationElements<'_>,
    ) {
        let key = self.context.directory.token_key();
        match ies.call_token() {
            _ if frame.oseqno != SeqNo(0) => self.refuse(remote, frame, command),
            Some([]) => {
                let token = call_token::issue(&key, now, remote);
                let payload = stateless::call_token(frame, &token);
                self.context.transmit(remote, payload);
            }
            Some(token) if call_token::is_valid(&key, now, remote, token) => {
                self.open(now, remote, frame, command, ies);
            }
            Some(_) | None => {
                self.context.dropped.unproven += 1;
                self.reply(remote, frame, stateless::refusal(command));
            }
        }
    }

    /// Opens a dialogue, if limits and call numbers allow it.
    fn open(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        frame: &FullFrame<'_>,
        command: IaxCommand,
        ies: InformationElements<'_>,
    ) {
        let Some(local) = self.number_for(now, remote, frame.source) else {
            self.refuse(remote, frame, command);
            return;
        };
        self.dialogues_so_far += 1;
        let machine = match command {
            IaxCommand::New => {
                let id = CallId::new(local, self.dialogues_so_far);
                Machine::Call(Box::new(CallLeg::new(id, ies)))
            }
            _ => Machine::Registration(Box::new(Registration::new(command, ies))),
        };
        let dialogue = Dialogue::new(now, remote, local, frame.source, machine);
        self.dialogues.insert(local, dialogue);
        self.by_remote.insert((remote, frame.source), local);
        self.census.enter(remote.ip());
        self.with(now, local, |dialogue, context| {
            dialogue.open(now, context, frame);
        });
    }

    /// An opener that nothing comes of: no room for it, or a sequence number that opens nothing.
    fn refuse(&mut self, remote: SocketAddr, frame: &FullFrame<'_>, command: IaxCommand) {
        self.context.dropped.refused += 1;
        self.reply(remote, frame, stateless::refusal(command));
    }

    /// A call number for a new dialogue; none at a limit, and none for source 0, which is no call's.
    fn number_for(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        source: CallNumber,
    ) -> Option<CallNumber> {
        let options = &self.context.options;
        let is_full = self.dialogues.len() >= options.dialogues_max
            || self.census.of(remote.ip()) >= options.dialogues_per_ip_max;
        if is_full || source == CallNumber::ZERO {
            return None;
        }
        let random = &mut self.context.random;
        self.numbers.allocate(now, random, remote).ok()
    }
}

/// Whether a frame from a dialogue's address and source number is that dialogue's.
fn is_addressed_to(frame: &FullFrame<'_>, local: CallNumber) -> bool {
    let must_name = is_iax(frame, IaxCommand::Ack) || is_iax(frame, IaxCommand::Inval);
    frame.destination == local || (frame.destination == CallNumber::ZERO && !must_name)
}

fn is_iax(frame: &FullFrame<'_>, wanted: IaxCommand) -> bool {
    matches!(frame.body, Body::Iax { command, .. } if command == wanted)
}

fn is_exempt(body: &Body<'_>) -> bool {
    matches!(body, Body::Iax { command, .. } if !command.consumes_sequence_number())
}
