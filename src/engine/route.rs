//! Whose is a datagram (RFC 5456 §8.1.1)? A dialogue's, an opener's, or nobody's.
//!
//! Full frames match on address and source number, and on ours wherever they name one; ACK and INVAL must name it
//! (X-NUM-5, X-INV-1). A dialogue that we open is known by our number alone until its first answer. Mini frames match on address and source number, which is all that they have.

use core::net::SocketAddr;

use super::allowance::Allowance;
use super::call::CallLeg;
use super::call_token;
use super::context::Context;
use super::context::Turn;
use super::dialogue::{Dialogue, Machine};
use super::directory::{Directory, Role, Ticket};
use super::registrar::Registration;
use super::reliable::is_stateless;
use super::stateless;
use super::{CallId, Endpoint, Error};
use crate::time::Instant;
use crate::wire::{
    Body, CallNumber, Frame, FullFrame, IaxCommand, InformationElements, MiniFrame, MiniVideoFrame,
    SeqNo,
};

/// Whose a full frame is.
enum Whose {
    /// A dialogue's, by our call number.
    Dialogue(CallNumber),
    /// An answer without state to the opener of this dialogue of ours.
    Opener(CallNumber),
    /// Of a dialogue's address and source, but it names another number of ours, or none where it must.
    Misaddressed,
    /// No dialogue's.
    Nobodys,
}

impl<D: Directory> Endpoint<D> {
    /// A datagram came. What is not IAX2 is dropped and counted.
    pub fn handle_datagram(&mut self, now: Instant, remote: SocketAddr, datagram: &[u8]) {
        let Some(octets) = self.unseal(now, remote, datagram) else {
            return;
        };
        self.context.datagram_len = datagram.len();
        match Frame::parse(&octets) {
            Ok(Frame::Full(frame)) => self.handle_full(now, remote, &frame),
            Ok(Frame::Mini(frame)) => self.handle_mini(now, remote, &frame),
            Ok(Frame::MiniVideo(frame)) => self.handle_mini_video(now, remote, &frame),
            Ok(Frame::Meta(frame)) => self.handle_trunk(now, remote, &frame),
            Err(_) => self.context.dropped.undecodable += 1,
        }
        self.pass_messages(now);
    }

    fn handle_full(&mut self, now: Instant, remote: SocketAddr, frame: &FullFrame<'_>) {
        if is_iax(frame, IaxCommand::Poke) {
            self.answer_poke(now, remote, frame);
            return;
        }
        if is_iax(frame, IaxCommand::Ack) && frame.destination == CallNumber::STATELESS {
            return;
        }
        match self.whose(remote, frame) {
            Whose::Dialogue(local) => self.with(now, local, |dialogue, context| {
                dialogue.receive(now, context, frame);
            }),
            Whose::Opener(local) => self.with(now, local, |dialogue, context| {
                dialogue.receive_stateless(now, context, frame);
            }),
            Whose::Misaddressed => self.context.dropped.misaddressed += 1,
            Whose::Nobodys if self.handle_third(now, remote, frame) => {}
            Whose::Nobodys => self.handle_unmatched(now, remote, frame),
        }
    }

    /// Answers without state, and only so often for one IP address (X-POKE-1).
    fn answer_poke(&mut self, now: Instant, remote: SocketAddr, frame: &FullFrame<'_>) {
        match self.pongs.allows(now, remote.ip()) {
            true => self.reply(remote, frame, IaxCommand::Pong),
            false => self.context.dropped.refused += 1,
        }
    }

    /// Whose is a full frame? Our number decides where the frame names one, and the other side's where it does not: so a late
    /// frame of a former dialogue with the same numbers of theirs finds another one of ours (X-SEQ-12).
    fn whose(&self, remote: SocketAddr, frame: &FullFrame<'_>) -> Whose {
        let named = self.dialogues.get(&frame.destination);
        if let Some(link) = named.map(|dialogue| &dialogue.link)
            && link.remote == remote
        {
            return match link.reliable.remote() {
                CallNumber::ZERO => whose_first_answer(frame),
                theirs if theirs == frame.source => Whose::Dialogue(frame.destination),
                _ => Whose::Misaddressed,
            };
        }
        match self.by_remote.get(&(remote, frame.source)) {
            Some(&local) if is_nameless(frame) && self.may_be_nameless(local, frame) => {
                Whose::Dialogue(local)
            }
            Some(_) => Whose::Misaddressed,
            None => Whose::Nobodys,
        }
    }

    /// Whoever opened a dialogue without a token may repeat that opener; the rest has to name our number, which only who
    /// receives at the address knows.
    fn may_be_nameless(&self, local: CallNumber, frame: &FullFrame<'_>) -> bool {
        let dialogue = self.dialogues.get(&local);
        let is_proven = dialogue.is_some_and(|dialogue| dialogue.link.allowance.is_proven());
        is_proven || frame.oseqno == SeqNo(0)
    }

    fn handle_mini(&mut self, now: Instant, remote: SocketAddr, frame: &MiniFrame<'_>) {
        let from = (remote, frame.source());
        let was_of_use = match self.by_third.get(&from) {
            Some(&local) => self.with_media_of(now, local, |call, turn| {
                call.receive_third_mini(turn, frame)
            }),
            None => self.with_media(now, from, |call, turn| {
                call.receive_mini(turn, frame.timestamp(), frame.data())
            }),
        };
        self.context.dropped.media += u64::from(!was_of_use);
    }

    fn handle_mini_video(&mut self, now: Instant, remote: SocketAddr, frame: &MiniVideoFrame<'_>) {
        let was_of_use = self.with_media(now, (remote, frame.source()), |call, turn| {
            call.receive_mini_video(turn, frame)
        });
        self.context.dropped.media += u64::from(!was_of_use);
    }

    /// Hands a frame without a place in the order to the call of this address and source number; whether it was of use
    /// there.
    pub(super) fn with_media(
        &mut self,
        now: Instant,
        from: (SocketAddr, CallNumber),
        receive: impl FnOnce(&mut CallLeg<D>, &mut Turn<'_, D>) -> bool,
    ) -> bool {
        match self.by_remote.get(&from) {
            Some(&local) => self.with_media_of(now, local, receive),
            None => false,
        }
    }

    fn with_media_of(
        &mut self,
        now: Instant,
        local: CallNumber,
        receive: impl FnOnce(&mut CallLeg<D>, &mut Turn<'_, D>) -> bool,
    ) -> bool {
        let mut was_of_use = false;
        self.with(now, local, |dialogue, context| {
            let (mut turn, machine) = dialogue.turn(now, context);
            if let Machine::Call(call) = machine {
                was_of_use = receive(call, &mut turn);
                turn.flush();
            }
        });
        was_of_use
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
        let directory = &self.context.directory;
        let keys = directory.token_keys(now);
        let (role, name) = caller(command, ies);
        match ies.call_token() {
            _ if frame.oseqno != SeqNo(0) => self.refuse(remote, frame, command),
            Some([]) => {
                let token = call_token::issue(&keys.current, now, remote);
                let payload = stateless::call_token(frame, &token);
                self.context.transmit(remote, payload);
            }
            Some(token) if call_token::is_good(&keys, now, remote, token) => {
                if let Some(name) = name {
                    directory.note_token(role, name);
                }
                self.open(now, remote, frame, (command, ies), Allowance::Proven);
            }
            None if !directory.is_token_required(role, name.unwrap_or_default(), remote.ip()) => {
                self.open(now, remote, frame, (command, ies), Allowance::NOTHING);
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
        (command, ies): (IaxCommand, InformationElements<'_>),
        allowance: Allowance,
    ) {
        let place = match frame.source {
            // Nobody's call number.
            CallNumber::ZERO => None,
            _ => self.place_for(now, remote, allowance.is_proven()),
        };
        let Some((local, ticket)) = place else {
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
        let mut dialogue = Dialogue::new(now, remote, local, frame.source, machine);
        dialogue.link.allowance = allowance;
        self.enter(dialogue, ticket);
        self.with(now, local, |dialogue, context| {
            dialogue.open(now, context, frame);
        });
    }

    /// Opens a dialogue of ours with an address.
    pub(super) fn place(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        make: impl FnOnce(CallNumber, u64) -> Machine<D>,
    ) -> Result<CallNumber, Error> {
        let Some((local, ticket)) = self.place_for(now, remote, true) else {
            self.context.dropped.refused += 1;
            return Err(Error::NoCallNumber);
        };
        self.dialogues_so_far += 1;
        let machine = make(local, self.dialogues_so_far);
        let dialogue = Dialogue::new(now, remote, local, CallNumber::ZERO, machine);
        self.enter(dialogue, ticket);
        self.with(now, local, |dialogue, context| dialogue.start(now, context));
        Ok(local)
    }

    fn enter(&mut self, mut dialogue: Dialogue<D>, ticket: Ticket) {
        let local = dialogue.link.reliable.local();
        dialogue.link.ticket = Some(ticket);
        self.dialogues.insert(local, dialogue);
        self.index(local);
    }

    /// Lets a dialogue be found by its address and the other side's number, from when that is known.
    pub(super) fn index(&mut self, local: CallNumber) {
        let Some(Dialogue { link, .. }) = self.dialogues.get_mut(&local) else {
            return;
        };
        let theirs = link.reliable.remote();
        if !link.is_indexed && theirs != CallNumber::ZERO {
            link.is_indexed = true;
            self.by_remote.insert((link.remote, theirs), local);
            if !link.arrives_here {
                self.context.claim((link.remote, theirs));
            }
        }
    }

    /// An opener that nothing comes of: no room for it, or a sequence number that opens nothing.
    fn refuse(&mut self, remote: SocketAddr, frame: &FullFrame<'_>, command: IaxCommand) {
        self.context.dropped.refused += 1;
        self.reply(remote, frame, stateless::refusal(command));
    }

    /// A call number and a place in the directory's counts for a new dialogue; none at a limit.
    fn place_for(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        is_validated: bool,
    ) -> Option<(CallNumber, Ticket)> {
        let Context {
            directory,
            options,
            random,
            ..
        } = &mut self.context;
        if self.dialogues.len() >= options.dialogues_max {
            return None;
        }
        let ticket = directory.admit(remote.ip(), is_validated)?;
        match self.numbers.allocate(now, random, remote) {
            Ok(local) => Some((local, ticket)),
            Err(_) => {
                directory.leave(ticket);
                None
            }
        }
    }
}

/// As whom an opener comes: a NEW as a user, and without a name as `guest` (chan_iax2); the others as a peer. `None` for
/// octets that are no name.
fn caller<'a>(command: IaxCommand, ies: InformationElements<'a>) -> (Role, Option<&'a str>) {
    let role = match command {
        IaxCommand::New => Role::User,
        _ => Role::Peer,
    };
    let name = ies.username().filter(|name| !name.is_empty());
    (role, core::str::from_utf8(name.unwrap_or(b"guest")).ok())
}

/// Whether a frame names no call number of ours and is of those that need not.
fn is_nameless(frame: &FullFrame<'_>) -> bool {
    let must_name = is_iax(frame, IaxCommand::Ack) || is_iax(frame, IaxCommand::Inval);
    frame.destination == CallNumber::ZERO && !must_name
}

/// What names a dialogue of ours that nobody has answered yet. A call number of the other side is learnt from it, so it
/// must have one, or say that there is no dialogue (X-NUM-6).
fn whose_first_answer(frame: &FullFrame<'_>) -> Whose {
    if is_iax(frame, IaxCommand::Inval) {
        return Whose::Dialogue(frame.destination);
    }
    match (is_stateless(frame), frame.source) {
        (true, _) => Whose::Opener(frame.destination),
        (false, CallNumber::ZERO) => Whose::Misaddressed,
        (false, _) => Whose::Dialogue(frame.destination),
    }
}

fn is_iax(frame: &FullFrame<'_>, wanted: IaxCommand) -> bool {
    matches!(frame.body, Body::Iax { command, .. } if command == wanted)
}

fn is_exempt(body: &Body<'_>) -> bool {
    matches!(body, Body::Iax { command, .. } if !command.consumes_sequence_number())
}
