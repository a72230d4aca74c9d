//! One dialogue of a raw peer: call numbers, sequence numbers and time-stamps of our side (RFC 5456 §7, §8.1.1). It
//! acknowledges what comes and answers PING and LAGRQ, unless it is told to be mute, and judges nothing. Once it has a key,
//! all that it sends is sealed, and it hears nothing else (RFC 5456 §7.4): [`sealed`].

mod sealed;

use core::time::Duration;
use std::rc::Rc;

use iaxproof::wire::{
    Body, CallNumber, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement,
    InformationElements, SeqNo, Timestamp,
};

use super::check::{Outcome, Stop, fail, want};
use super::peer::{Heard, Peer};
use super::sealing::Sealing;
use super::subject::Waits;
use super::trace::Cover;

/// A dialogue. It is hung up when it is dropped, so that the target keeps nothing of it.
#[derive(Debug)]
pub(super) struct Dialogue {
    pub(super) peer: Rc<Peer>,
    waits: Waits,
    /// Our call number.
    pub(super) ours: CallNumber,
    /// Theirs; 0 until it is known.
    pub(super) theirs: CallNumber,
    /// What our next frame has.
    pub(super) oseqno: SeqNo,
    /// What their next frame should have.
    pub(super) iseqno: SeqNo,
    began: Duration,
    last_timestamp: u32,
    /// Whether what comes is acknowledged and answered.
    pub(super) answers: bool,
    /// Whether it is hung up in the end.
    pub(super) is_open: bool,
    /// All that came.
    heard: Vec<Heard>,
    /// How much had come when we sent last.
    mark: usize,
    /// The keys, where the call is encrypted.
    sealing: Option<Sealing>,
    /// What came that no key opened since there is one.
    strays: Vec<Heard>,
}

/// A frame of ours, as far as an answer can name it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) timestamp: Timestamp,
    pub(super) oseqno: SeqNo,
}

impl Dialogue {
    /// Nothing was sent yet.
    pub(super) fn new(peer: Rc<Peer>, waits: Waits, ours: CallNumber) -> Self {
        let began = peer.elapsed();
        Dialogue {
            peer,
            waits,
            ours,
            theirs: CallNumber::ZERO,
            oseqno: SeqNo(0),
            iseqno: SeqNo(0),
            began,
            last_timestamp: 0,
            answers: true,
            is_open: true,
            heard: Vec::new(),
            mark: 0,
            sealing: None,
            strays: Vec::new(),
        }
    }

    /// How long an answer may take, and how long we listen where nothing may come.
    pub(super) const fn waits(&self) -> Waits {
        self.waits
    }

    /// Forgets what was exchanged: after CALLTOKEN a request starts over (X-TOK-2).
    pub(super) fn restart(&mut self) {
        (self.oseqno, self.iseqno) = (SeqNo(0), SeqNo(0));
        self.theirs = CallNumber::ZERO;
    }

    /// Our time: at least 1, and later than the last.
    pub(super) fn tick(&mut self) -> Timestamp {
        let elapsed = (self.peer.elapsed() - self.began).as_millis() as u32;
        self.last_timestamp = elapsed.max(self.last_timestamp + 1);
        Timestamp(self.last_timestamp)
    }

    /// The frame that would be sent now.
    pub(super) fn frame<'a>(&mut self, body: Body<'a>) -> FullFrame<'a> {
        FullFrame {
            source: self.ours,
            destination: self.theirs,
            retransmission: false,
            timestamp: self.tick(),
            oseqno: self.oseqno,
            iseqno: self.iseqno,
            body,
        }
    }

    /// Sends this frame as it is; it takes no number.
    pub(super) fn send_as_is(&mut self, frame: &FullFrame<'_>) -> Sent {
        self.mark = self.heard.len();
        self.transmit(&Frame::Full(*frame));
        Sent {
            timestamp: frame.timestamp,
            oseqno: frame.oseqno,
        }
    }

    /// Sends a frame, sealed where there is a key. It takes no number, and what is expected stays.
    pub(super) fn transmit(&self, frame: &Frame<'_>) {
        let mut octets = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut octets);
        self.transmit_octets(&octets);
    }

    fn transmit_octets(&self, octets: &[u8]) {
        match &self.sealing {
            Some(sealing) => {
                let sealed = sealing.seal(octets);
                self.peer.send_sealed(Cover::Sealed, octets, &sealed);
            }
            None => self.peer.send_octets(octets),
        }
    }

    /// Sends the next frame. What is expected afterwards is looked for in what comes from here on.
    pub(super) fn send(&mut self, body: Body<'_>) -> Sent {
        let frame = self.frame(body);
        let sent = self.send_as_is(&frame);
        let takes_none =
            matches!(body, Body::Iax { command, .. } if !command.consumes_sequence_number());
        if !takes_none {
            self.oseqno = self.oseqno.next();
        }
        sent
    }

    /// Sends the next frame, its octets changed as no encoder of ours would write them.
    pub(super) fn send_bent(&mut self, body: Body<'_>, bend: impl FnOnce(&mut Vec<u8>)) -> Sent {
        let frame = self.frame(body);
        let mut octets = Vec::new();
        frame.encode(&mut octets);
        bend(&mut octets);
        self.mark = self.heard.len();
        self.transmit_octets(&octets);
        self.oseqno = self.oseqno.next();
        Sent {
            timestamp: frame.timestamp,
            oseqno: frame.oseqno,
        }
    }

    /// Sends an IAX message.
    pub(super) fn say(&mut self, command: IaxCommand, ies: &IeBuffer) -> Sent {
        let ies = ies.view();
        self.send(Body::Iax { command, ies })
    }

    /// Sends an IAX message without elements.
    pub(super) fn say_bare(&mut self, command: IaxCommand) -> Sent {
        self.say(command, &IeBuffer::new())
    }

    /// Sends an IAX message with one element.
    pub(super) fn say_with(&mut self, command: IaxCommand, ie: InformationElement<'_>) -> Sent {
        let mut ies = IeBuffer::new();
        ies.push(ie);
        self.say(command, &ies)
    }

    /// Acknowledges a frame (RFC 5456 §6.9.1).
    pub(super) fn acknowledge(&self, heard: &Heard) {
        let ack = FullFrame {
            source: self.ours,
            destination: heard.source(),
            retransmission: false,
            timestamp: heard.timestamp(),
            oseqno: heard.iseqno(),
            iseqno: self.iseqno,
            body: bare(IaxCommand::Ack),
        };
        self.transmit(&Frame::Full(ack));
    }

    /// The next datagram, with what it asks for done. Where there is a key, the next that it opens.
    pub(super) fn next(&mut self, within: Duration) -> Option<Heard> {
        let until = self.peer.elapsed() + within;
        loop {
            let rest = until.checked_sub(self.peer.elapsed())?;
            let heard = self.peer.receive(rest, self.sealing.as_ref())?;
            if self.sealing.is_some() && heard.sealed().is_none() {
                self.strays.push(heard);
                continue;
            }
            self.take(&heard);
            self.heard.push(heard.clone());
            return Some(heard);
        }
    }

    fn take(&mut self, heard: &Heard) {
        if heard.destination() != self.ours {
            return;
        }
        let is_stateless = heard.source() <= CallNumber::STATELESS;
        if self.theirs == CallNumber::ZERO && !is_stateless && !heard.is(IaxCommand::CallToken) {
            self.theirs = heard.source();
        }
        if !heard.is_reliable() || heard.source() != self.theirs {
            return;
        }
        let is_next = heard.oseqno() == self.iseqno;
        if is_next {
            self.iseqno = self.iseqno.next();
            self.take_key(heard);
        }
        if self.answers {
            self.acknowledge(heard);
            self.answer(heard, is_next);
        }
    }

    /// What the other side asks of its own accord.
    fn answer(&mut self, heard: &Heard, is_next: bool) {
        let answer = match heard.command() {
            Some(IaxCommand::Ping) => IaxCommand::Pong,
            Some(IaxCommand::LagRq) => IaxCommand::LagRp,
            _ => return,
        };
        if is_next {
            let frame = FullFrame {
                timestamp: heard.timestamp(),
                ..self.frame(bare(answer))
            };
            self.transmit(&Frame::Full(frame));
            self.oseqno = self.oseqno.next();
        }
    }

    /// Waits for a datagram that `is_it`, among those since we sent last; others may come before.
    pub(super) fn expect(
        &mut self,
        what: impl Into<String>,
        is_it: impl Fn(&Heard) -> bool,
    ) -> Result<Heard, Stop> {
        self.expect_within(self.waits.answer, what, is_it)
    }

    /// As [`expect`](Self::expect), with a time of its own.
    pub(super) fn expect_within(
        &mut self,
        within: Duration,
        what: impl Into<String>,
        is_it: impl Fn(&Heard) -> bool,
    ) -> Result<Heard, Stop> {
        match self.find_within(within, is_it) {
            Some(heard) => Ok(heard),
            None => fail(what),
        }
    }

    /// As [`expect_within`](Self::expect_within), where not to come is no failure yet.
    pub(super) fn find_within(
        &mut self,
        within: Duration,
        is_it: impl Fn(&Heard) -> bool,
    ) -> Option<Heard> {
        if let Some(heard) = self.since().iter().find(|heard| is_it(heard)) {
            return Some(heard.clone());
        }
        let until = self.peer.elapsed() + within;
        while let Some(rest) = until.checked_sub(self.peer.elapsed()) {
            match self.next(rest) {
                Some(heard) if is_it(&heard) => return Some(heard),
                Some(_) => {}
                None => break,
            }
        }
        None
    }

    /// Waits for this message.
    pub(super) fn expect_command(&mut self, command: IaxCommand) -> Result<Heard, Stop> {
        let ours = self.ours;
        self.expect(command.to_string(), |heard| {
            heard.is(command) && heard.destination() == ours
        })
    }

    /// Waits until a frame of ours is acknowledged: by ACK with its time-stamp, or by a full frame whose ISeqno is past it
    /// (RFC 5456 §8.1.1).
    pub(super) fn expect_acknowledged(&mut self, sent: Sent, what: &str) -> Result<Heard, Stop> {
        self.expect(
            format!(
                "an ACK, or a full frame with ISeqno {}, to {what}",
                sent.oseqno.next()
            ),
            |heard| acknowledges(heard, sent),
        )
    }

    /// Waits for an ACK with the time-stamp of what it acknowledges.
    pub(super) fn expect_ack(&mut self, sent: Sent, what: &str) -> Result<Heard, Stop> {
        let expected = format!("an ACK with time-stamp {} to {what}", sent.timestamp.0);
        self.expect(expected, |heard| {
            heard.is(IaxCommand::Ack) && heard.timestamp() == sent.timestamp
        })
    }

    /// What came since we sent last.
    pub(super) fn since(&self) -> &[Heard] {
        &self.heard[self.mark..]
    }

    /// All that came.
    pub(super) fn all(&self) -> &[Heard] {
        &self.heard
    }

    /// Listens for so long.
    pub(super) fn listen(&mut self, span: Duration) {
        self.find_within(span, |_| false);
    }

    /// Listens for a while; nothing of this kind may have come since we sent last.
    pub(super) fn expect_none(
        &mut self,
        what: impl Into<String>,
        is_it: impl Fn(&Heard) -> bool,
    ) -> Outcome {
        let came = self.find_within(self.waits.quiet, is_it).is_some();
        want(!came, what)
    }

    /// The call is there: PING is answered by PONG with the same time-stamp.
    pub(super) fn is_alive(&mut self, after: &str) -> Outcome {
        let sent = self.say_bare(IaxCommand::Ping);
        let expected = format!("the call to live on after {after}: a PONG to PING");
        let pong = self.expect(expected, |heard| {
            heard.is(IaxCommand::Pong) && heard.timestamp() == sent.timestamp
        });
        pong.map(|_| ())
    }

    /// Hangs up, unless it is over.
    pub(super) fn hang_up(&mut self) {
        if self.is_open && self.theirs != CallNumber::ZERO {
            self.say_bare(IaxCommand::Hangup);
        }
        self.is_open = false;
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// An IAX message without elements.
pub(super) const fn bare<'a>(command: IaxCommand) -> Body<'a> {
    Body::Iax {
        command,
        ies: InformationElements::EMPTY,
    }
}

/// Whether a frame tells that ours has come.
pub(super) fn acknowledges(heard: &Heard, sent: Sent) -> bool {
    let is_past = heard.iseqno().ahead_of(sent.oseqno.next()) < 128;
    match heard.command() {
        Some(IaxCommand::Ack) => heard.timestamp() == sent.timestamp && is_past,
        Some(IaxCommand::Vnak | IaxCommand::Inval) => false,
        _ => heard.full().is_some() && is_past,
    }
}
