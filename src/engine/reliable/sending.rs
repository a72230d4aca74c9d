//! The half of the exchange that sends: what waits for room, what was sent and is not acknowledged yet, what is sent again and when it is
//! given up (RFC 5456 §7.2). What comes, and the dialogue's clock, are [`Reliable`]'s other half.

use super::frame::{Outgoing, Outstanding, Waiting, encode, opens, rewrite};
use super::send::{SendAction, SendEvent, SendState, first_interval, next_interval};
use super::window::OUTSTANDING_MAX;
use super::{QUEUE_MAX, QueueFull, Reliable, Timeout, VNAK_INTERVAL};
use crate::engine::cipher::Padding;
use crate::time::Instant;
use crate::wire::{Body, CallNumber, FullFrame, IaxCommand, InformationElements, SeqNo, Timestamp};

impl Reliable {
    /// Sends a frame reliably; gives the time-stamp that it carries.
    ///
    /// # Errors
    ///
    /// [`QueueFull`]; nothing was sent.
    pub fn send(&mut self, now: Instant, body: Body<'_>) -> Result<Timestamp, QueueFull> {
        let timestamp = self.stamp(now);
        self.enqueue(now, timestamp, body, false)?;
        Ok(timestamp)
    }

    /// Sends the last frame of the dialogue: its acknowledgement ends it.
    ///
    /// # Errors
    ///
    /// As for [`Reliable::send`].
    pub fn send_final(&mut self, now: Instant, body: Body<'_>) -> Result<(), QueueFull> {
        let timestamp = self.stamp(now);
        self.enqueue(now, timestamp, body, true)
    }

    /// Sends a frame with a time-stamp of its own: PONG and LAGRP carry that of the frame that they answer (RFC 5456 §6.7.3,
    /// §6.7.5), VOICE that of its audio.
    ///
    /// # Errors
    ///
    /// As for [`Reliable::send`].
    pub fn send_stamped(
        &mut self,
        now: Instant,
        timestamp: Timestamp,
        body: Body<'_>,
    ) -> Result<(), QueueFull> {
        self.enqueue(now, timestamp, body, false)
    }

    fn enqueue(
        &mut self,
        now: Instant,
        timestamp: Timestamp,
        body: Body<'_>,
        is_final: bool,
    ) -> Result<(), QueueFull> {
        if self.queue.len() >= QUEUE_MAX {
            return Err(QueueFull);
        }
        let waiting = Waiting {
            octets: encode(&self.frame(timestamp, SeqNo(0), body)),
            key: self.key.clone(),
            is_final,
        };
        if self.remote == CallNumber::ZERO && opens(&body) {
            self.queue.push_front(waiting);
        } else {
            self.queue.push_back(waiting);
        }
        self.pump(now);
        Ok(())
    }

    /// Sends what waits, as far as the window has room. What follows an opener is held until the other side's call
    /// number is known (X-TOK-13).
    pub(super) fn pump(&mut self, now: Instant) {
        while self.has_room()
            && let Some(Waiting {
                octets,
                key,
                is_final,
            }) = self.queue.pop_front()
            && let Some((state, _)) = SendState::Queued.next(SendEvent::Room)
        {
            let (oseqno, remote) = (self.window.take(), self.remote);
            let octets = rewrite(&octets, |frame| {
                frame.oseqno = oseqno;
                frame.destination = remote;
            });
            let interval = first_interval(self.round_trip);
            self.outstanding.push_back(Outstanding {
                octets,
                key,
                is_final,
                state,
                due: now + interval,
                interval,
            });
            self.emit(self.outstanding.len() - 1);
        }
    }

    fn has_room(&self) -> bool {
        let is_held = self.remote == CallNumber::ZERO && !self.outstanding.is_empty();
        !is_held && self.outstanding.len() < OUTSTANDING_MAX
    }

    /// Sends an outstanding frame with the ISeqno of now.
    fn emit(&mut self, index: usize) {
        let (iseqno, frame) = (self.expected, &self.outstanding[index]);
        let is_repeated = frame.state.is_repeated();
        let octets = rewrite(&frame.octets, |frame| {
            frame.iseqno = iseqno;
            frame.retransmission = is_repeated;
        });
        let key = frame.key.clone();
        self.carried = iseqno;
        self.repeated += u64::from(is_repeated);
        self.transmits.push_back(Outgoing { octets, key });
    }

    /// Forgets the frames that `iseqno` acknowledges; whether a final one was among them.
    pub(super) fn let_go(&mut self, iseqno: SeqNo) -> bool {
        let count = usize::from(self.window.acknowledge(iseqno));
        let acknowledged = |frame: &Outstanding| {
            frame.state.next(SendEvent::Acknowledged).is_some() && frame.is_final
        };
        self.outstanding
            .drain(..count)
            .fold(false, |finished, frame| finished | acknowledged(&frame))
    }

    /// Sends again what a VNAK asks for, at most once in [`VNAK_INTERVAL`].
    pub(super) fn obey_vnak(&mut self, now: Instant, iseqno: SeqNo) {
        let is_too_soon = self
            .vnak_obeyed_at
            .is_some_and(|at| now < at + VNAK_INTERVAL);
        let known = iseqno.ahead_of(self.window.oldest()) <= self.window.outstanding();
        if is_too_soon || !known || self.outstanding.is_empty() {
            return;
        }
        self.vnak_obeyed_at = Some(now);
        for index in 0..self.outstanding.len() {
            if self.outstanding[index]
                .state
                .next(SendEvent::Asked)
                .is_some()
            {
                self.emit(index);
            }
        }
    }

    pub(super) fn send_exempt(
        &mut self,
        destination: CallNumber,
        timestamp: Timestamp,
        oseqno: SeqNo,
        command: IaxCommand,
    ) {
        let body = Body::Iax {
            command,
            ies: InformationElements::EMPTY,
        };
        self.carried = self.expected;
        let octets = encode(&FullFrame {
            destination,
            ..self.frame(timestamp, oseqno, body)
        });
        let key = self.key.clone();
        self.transmits.push_back(Outgoing { octets, key });
    }

    const fn frame<'a>(
        &self,
        timestamp: Timestamp,
        oseqno: SeqNo,
        body: Body<'a>,
    ) -> FullFrame<'a> {
        FullFrame {
            source: self.local,
            destination: self.remote,
            retransmission: false,
            timestamp,
            oseqno,
            iseqno: self.expected,
            body,
        }
    }

    /// When [`Reliable::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.outstanding
            .iter()
            .filter(|frame| matches!(frame.state, SendState::Sent(_)))
            .map(|frame| frame.due)
            .min()
    }

    /// Sends again what has waited its interval.
    pub fn handle_timeout(&mut self, now: Instant) -> Timeout {
        for index in 0..self.outstanding.len() {
            let frame = &mut self.outstanding[index];
            if frame.due > now {
                continue;
            }
            let Some((state, action)) = frame.state.next(SendEvent::Timeout) else {
                continue;
            };
            frame.state = state;
            if action == SendAction::GiveUp {
                let is_final = frame.is_final;
                return Timeout::GaveUp { is_final };
            }
            frame.interval = next_interval(frame.interval);
            frame.due = now + frame.interval;
            self.emit(index);
        }
        Timeout::Waiting
    }

    /// The next datagram to send. `padding` gives fresh random octets, and is asked where the frame is encrypted.
    pub fn poll_transmit(&mut self, padding: impl FnOnce() -> Padding) -> Option<Vec<u8>> {
        let outgoing = self.transmits.pop_front()?;
        Some(outgoing.seal(padding))
    }
}
