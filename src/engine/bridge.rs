//! Two legs bridged: what comes on one goes out on the other. A leg never touches another: it says what came, by a
//! [`LegMessage`], which the endpoint hands over before it is done with its input. What a leg does with one is in
//! `call::bridged`.
//!
//! # Deviations
//!
//! - Nothing is transcoded: both legs must have agreed on one format, and audio of another is dropped.
//! - chan_iax2 passes any CONTROL frame between legs; here a list says which, for an OPTION could carry what only its
//!   own side can read.

use super::call::CallLeg;
use super::context::{Context, Turn};
use super::dialogue::Machine;
use super::directory::Directory;
use super::options::LEG_MESSAGES_MAX;
use super::transfer::Plan;
use super::{CallId, Endpoint, Error};
use crate::time::Instant;
use crate::wire::{Cause, Control, Digit, Format, Timestamp};

/// What one leg says to the leg that it is bridged to.
#[derive(Debug)]
pub(super) struct LegMessage {
    pub(super) from: CallId,
    pub(super) to: CallId,
    pub(super) word: LegWord,
}

/// What came, or became of the leg.
#[derive(Debug)]
pub(super) enum LegWord {
    /// Audio, with the time of its sender.
    Voice {
        format: Format,
        timestamp: Timestamp,
        data: Vec<u8>,
    },
    /// Video.
    Video {
        format: Format,
        marker: bool,
        data: Vec<u8>,
    },
    /// A digit began.
    DtmfBegin(Digit),
    /// A digit ended.
    Dtmf(Digit),
    /// Text.
    Text(Vec<u8>),
    /// A signal.
    Control(Control, Vec<u8>),
    /// Whom we call has answered.
    Answered,
    /// The other leg leads a transfer; this one's end is sent there.
    Follow(Plan),
    /// The end of the leg that follows is ready.
    Ready,
    /// Nothing comes of the transfer.
    Rejected,
    /// Both ends are let go.
    LetGo,
    /// The leg is over: the other has no more to do.
    HungUp(Cause),
}

impl LegWord {
    /// What changes states is never lost; there is little of it for each leg.
    const fn must_arrive(&self) -> bool {
        use LegWord::{Follow, HungUp, LetGo, Ready, Rejected};
        matches!(self, Follow(_) | HungUp(_) | LetGo | Ready | Rejected)
    }
}

impl<D: Directory> Context<D> {
    /// Queues a message. Where too many wait it is lost, as the network might have lost what it carries.
    pub(super) fn tell_leg(&mut self, message: LegMessage) {
        let must_arrive = message.word.must_arrive();
        if self.leg_messages.len() >= LEG_MESSAGES_MAX && !must_arrive {
            self.dropped.leg_messages += 1;
            return;
        }
        self.leg_messages.push_back(message);
    }
}

impl<D: Directory> Endpoint<D> {
    /// Bridges two calls: audio, video, digits, text and signals that come on one go out on the other, and when one ends,
    /// the other is hung up with its cause. [`Event::Voice`](super::Event::Voice) and
    /// [`Event::Video`](super::Event::Video) are not told meanwhile; all else is.
    ///
    /// # Errors
    ///
    /// Where one of them does not exist, is not accepted yet, is hung up or bridged; where both are one; where their
    /// formats differ.
    pub fn bridge(&mut self, now: Instant, a: CallId, b: CallId) -> Result<(), Error> {
        let (first, second) = (self.leg(a)?.bridgeable()?, self.leg(b)?.bridgeable()?);
        if a == b {
            return Err(Error::Bridged(a));
        }
        if first != second {
            return Err(Error::FormatsDiffer(a, b));
        }
        self.command(now, a, |leg, _| {
            leg.join(b);
            Ok(())
        })?;
        self.command(now, b, |leg, _| {
            leg.join(a);
            Ok(())
        })
    }

    /// Takes two bridged calls apart; both go on. `call` is either of them. Nothing comes of a transfer that is under way, and audio
    /// that had gone over to the ends comes back.
    ///
    /// # Errors
    ///
    /// Where there is no such call, or it is not bridged.
    pub fn unbridge(&mut self, now: Instant, call: CallId) -> Result<(), Error> {
        let other = self.leg(call)?.partner().ok_or(Error::NotBridged(call))?;
        for leg in [call, other] {
            self.with_leg(now, leg, |leg, turn| {
                leg.call_off(turn);
                leg.part();
            });
        }
        Ok(())
    }

    /// A call that lives.
    pub(super) fn leg(&self, call: CallId) -> Result<&CallLeg<D>, Error> {
        let dialogue = self.dialogues.get(&call.local());
        match dialogue.map(|dialogue| &dialogue.machine) {
            Some(Machine::Call(leg)) if leg.id() == call => Ok(leg),
            _ => Err(Error::NoSuchCall(call)),
        }
    }

    /// Hands over what legs said to each other. A message makes at most one more, and a leg that is told of an end says
    /// nothing back, so this comes to an end.
    pub(super) fn pass_messages(&mut self, now: Instant) {
        while let Some(message) = self.context.leg_messages.pop_front() {
            let LegMessage { from, to, word } = message;
            self.with_leg(now, to, |leg, turn| leg.hear(turn, from, word));
        }
    }

    fn with_leg(
        &mut self,
        now: Instant,
        call: CallId,
        act: impl FnOnce(&mut CallLeg<D>, &mut Turn<'_, D>),
    ) {
        self.with(now, call.local(), |dialogue, context| {
            dialogue.for_call(now, context, |leg, turn| {
                if leg.id() == call {
                    act(leg, turn);
                }
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, CatalogOptions, Kind};
    use crate::engine::directory::TokenKey;
    use crate::engine::{Dial, EndpointOptions};
    use crate::registry::ledger::NoLedger;
    use crate::registry::{HashKey, Std};
    use crate::wire::{
        Body, CallNumber, FullFrame, IaxCommand, IeBuffer, InformationElement, SeqNo,
    };
    use core::net::SocketAddr;

    type Tested = Endpoint<Catalog<Std>>;

    fn endpoint() -> Tested {
        let catalog = Catalog::new(CatalogOptions {
            hash_key: HashKey(1, 2),
            shards: 1,
            container: Kind::Hash,
            token_key: TokenKey([3; 32]),
            database: false,
            dialogues_max: 8,
            ledger: NoLedger,
        });
        Endpoint::new(EndpointOptions::default(), [4; 32], catalog)
    }

    /// A call of ours that the other side, at this port, has accepted.
    fn accepted(endpoint: &mut Tested, port: u16) -> CallId {
        let remote = SocketAddr::from(([192, 0, 2, 1], port));
        let placed = endpoint.call(Instant::ZERO, Dial::new(remote, "100"));
        let call = placed.expect("there is room");
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Format(Format::ULAW.mask() as u32));
        let accept = FullFrame {
            source: CallNumber::from_word(port),
            destination: call.local(),
            retransmission: false,
            timestamp: Timestamp(1),
            oseqno: SeqNo(0),
            iseqno: SeqNo(1),
            body: Body::Iax {
                command: IaxCommand::Accept,
                ies: ies.view(),
            },
        };
        let mut octets = Vec::new();
        accept.encode(&mut octets);
        endpoint.handle_datagram(Instant::ZERO, remote, &octets);
        call
    }

    fn said(endpoint: &mut Tested, from: CallId, to: CallId, word: LegWord) -> usize {
        while endpoint.poll_transmit().is_some() {}
        endpoint.context.tell_leg(LegMessage { from, to, word });
        endpoint.pass_messages(Instant::ZERO);
        core::iter::from_fn(|| endpoint.poll_transmit()).count()
    }

    /// A message may be under way when its sender is not bridged to its receiver any more: the receiver believes its partner alone,
    /// and a leg that is bridged to nobody believes nobody.
    #[test]
    fn a_leg_listens_to_its_partner_alone() {
        let mut endpoint = endpoint();
        let [a, b, c] = [4000, 4001, 4002].map(|port| accepted(&mut endpoint, port));
        endpoint.bridge(Instant::ZERO, a, b).expect("both accepted");
        let words = || {
            [
                LegWord::Text(b"psst".to_vec()),
                LegWord::HungUp(Cause::USER_BUSY),
            ]
        };
        for (from, to) in [(c, a), (c, b), (a, c), (b, c)] {
            for word in words() {
                assert_eq!(said(&mut endpoint, from, to, word), 0, "{from} {to}");
            }
        }
        for word in words() {
            assert_eq!(said(&mut endpoint, a, b, word), 1);
        }
    }
}
