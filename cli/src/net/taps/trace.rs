//! One call's datagrams, found by call numbers: what we send has ours; what comes names it, or comes from where we send to
//! and has the other side's.

use core::net::SocketAddr;
use std::sync::mpsc::{SyncSender, TrySendError};

use iaxproof::engine::CallId;
use iaxproof::time::Instant;
use iaxproof::wire::{CallNumber, Frame, Head};

use super::Passing;

/// Datagrams that wait for who follows a call.
pub(crate) const HEARD_MAX: usize = 1_024;

/// A datagram of the call.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) at: Instant,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) octets: Vec<u8>,
    /// How many came before it for which there was no room.
    pub(crate) lost: u64,
}

/// Follows one call.
#[derive(Debug)]
pub(crate) struct Trace {
    call: CallId,
    /// The other side and its number, as of the last frame that we sent.
    theirs: (SocketAddr, CallNumber),
    to: SyncSender<Heard>,
    lost: u64,
}

impl Trace {
    /// Follows `call`, whose other side is at this address and has this number.
    pub(crate) const fn new(
        call: CallId,
        theirs: (SocketAddr, CallNumber),
        to: SyncSender<Heard>,
    ) -> Self {
        Trace {
            call,
            theirs,
            to,
            lost: 0,
        }
    }

    /// The call.
    pub(super) const fn call(&self) -> CallId {
        self.call
    }

    /// Passes a datagram on if it is of the call. Whether anybody still listens.
    pub(super) fn hear(&mut self, datagram: &Passing<'_>) -> bool {
        if !self.is_ours(datagram) {
            return true;
        }
        let (source, destination) = datagram.way();
        let heard = Heard {
            at: datagram.at,
            source,
            destination,
            octets: datagram.octets.to_vec(),
            lost: self.lost,
        };
        match self.to.try_send(heard) {
            Ok(()) => self.lost = 0,
            Err(TrySendError::Full(_)) => self.lost += 1,
            Err(TrySendError::Disconnected(_)) => return false,
        }
        true
    }

    fn is_ours(&mut self, datagram: &Passing<'_>) -> bool {
        let (local, from) = (self.call.local(), datagram.remote);
        let Some(head) = Head::peek(datagram.octets) else {
            let number = if datagram.is_sent() {
                local
            } else {
                self.theirs.1
            };
            return from == self.theirs.0 && is_in_meta(datagram.octets, number);
        };
        let is_theirs = |source| self.theirs == (from, source);
        match head {
            Head::Full {
                source,
                destination,
            } if datagram.is_sent() => {
                let is_ours = source == local;
                if is_ours && destination != CallNumber::ZERO {
                    self.theirs = (from, destination);
                }
                is_ours
            }
            Head::Full {
                source,
                destination,
            } => destination == local || (destination == CallNumber::ZERO && is_theirs(source)),
            Head::Mini { source } if datagram.is_sent() => source == local,
            Head::Mini { source } => is_theirs(source),
        }
    }
}

/// Whether a frame that does not begin with a call number is a trunk frame, or of mini video, with something of this number.
fn is_in_meta(octets: &[u8], number: CallNumber) -> bool {
    match Frame::parse(octets) {
        Ok(Frame::Meta(frame)) => frame.entries.iter().any(|it| it.source() == number),
        Ok(Frame::MiniVideo(frame)) => frame.source() == number,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Moment;
    use super::*;
    use iaxproof::wire::{Body, FullFrame, IaxCommand, IeBuffer, MiniFrame, SeqNo, Timestamp};
    use std::sync::mpsc::sync_channel;

    fn number(number: u16) -> CallNumber {
        CallNumber::from_word(number)
    }

    fn full(source: u16, destination: u16) -> Vec<u8> {
        let ies = IeBuffer::new();
        let frame = FullFrame {
            source: number(source),
            destination: number(destination),
            retransmission: false,
            timestamp: Timestamp(1),
            oseqno: SeqNo(0),
            iseqno: SeqNo(0),
            body: Body::Iax {
                command: IaxCommand::Ack,
                ies: ies.view(),
            },
        };
        let mut octets = Vec::new();
        frame.encode(&mut octets);
        octets
    }

    fn mini(source: u16) -> Vec<u8> {
        let mut octets = Vec::new();
        MiniFrame::new(number(source), 1, &[0; 20])
            .expect("it is short")
            .encode(&mut octets);
        octets
    }

    #[test]
    fn a_trace_hears_its_call_alone_and_moves_with_it() {
        let (to, heard) = sync_channel(100);
        let at = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let call = CallId::new(number(5), 1);
        let mut trace = Trace::new(call, (at(1), number(9)), to);
        let mut hears = |is_sent, remote, octets: &[u8]| {
            let local = at(4569);
            let at = Instant::ZERO;
            let moment = if is_sent {
                Moment::Sent
            } else {
                Moment::Handled
            };
            let passing = Passing {
                at,
                moment,
                local,
                remote,
                octets,
            };
            assert!(trace.hear(&passing));
            heard.try_recv().is_ok()
        };
        assert!(hears(false, at(1), &full(9, 5)) && hears(true, at(1), &full(5, 9)));
        assert!(hears(false, at(1), &mini(9)) && hears(true, at(1), &mini(5)));
        assert!(!hears(false, at(2), &mini(9)) && !hears(false, at(1), &mini(5)));
        assert!(!hears(true, at(1), &full(9, 5)) && !hears(false, at(1), &full(9, 6)));
        // The other side is elsewhere now.
        assert!(hears(true, at(2), &full(5, 10)));
        assert!(hears(false, at(2), &mini(10)) && !hears(false, at(1), &mini(9)));
        drop(heard);
    }

    #[test]
    fn who_does_not_take_loses_and_hears_how_much() {
        let (to, heard) = sync_channel(1);
        let remote = SocketAddr::from(([192, 0, 2, 1], 1));
        let mut trace = Trace::new(CallId::new(number(5), 1), (remote, number(9)), to);
        let octets = mini(9);
        let passing = Passing {
            at: Instant::ZERO,
            moment: Moment::Handled,
            local: remote,
            remote,
            octets: &octets,
        };
        assert!((0..4).all(|_| trace.hear(&passing)));
        assert_eq!(heard.recv().unwrap().lost, 0);
        assert!(trace.hear(&passing));
        assert_eq!(heard.recv().unwrap().lost, 3);
        drop(heard);
        assert!(!trace.hear(&passing));
    }
}
