//! Call transfer (RFC 5456 §6.5, X-TX-*): the middle of two bridged calls takes itself out of their path. [`state`] has the
//! tables; `call::transferred` does what they say of an end, `call::released` what they say of the middle. Here is what only
//! the endpoint can do: keep our call number with the third party, hold what that sends too early, and move the call.
//!
//! # Deviations
//!
//! - Nothing is transferred unless [`Endpoint::transfer`] asks for it; chan_iax2 would whenever a bridge allows.
//! - RFC 5456 §6.5 sends media both ways while it is open who is to have them; as in chan_iax2 they stay on the old path until
//!   TXREL, so that no address gets media before it has answered.
//! - chan_iax2 obeys TXREL without any TXACC, and keeps its state when TXCNT was in vain; here TXREL counts from `Ready` on, with
//!   the number that TXREQ announced, and a transfer that failed is forgotten.
//! - chan_iax2 drops what the third party sends before our own TXREL came, and its TXCNT before our TXREQ did; here a little of
//!   it is held.
//! - Of two neighbours that both want out of one chain of calls, the one with the lower TRANSFERID gets out, and the other gives
//!   way; in chan_iax2, which keeps one state for both roles of a leg, each mistakes the other's TXREQ for its own state.
//! - TXREJ to a TXREQ that is refused names its TRANSFERID, so that it ends no other transfer.
//! - TXCNT and TXACC from another address than announced are ignored (libiax2 takes them with the right TRANSFERID).

mod early;
pub(super) mod state;

use core::net::{IpAddr, SocketAddr};

pub(super) use self::early::{EarlyFrames, EarlyTxcnts};
use super::call::CallLeg;
use super::context::Turn;
use super::dialogue::{Dialogue, Machine};
use super::directory::Directory;
use super::{CallId, Endpoint, Error};
use crate::engine::bridge::{LegMessage, LegWord};
use crate::time::Instant;
use crate::wire::{Body, CallNumber, FullFrame, IaxCommand, InformationElements};

/// Who is to be the other side: its address, and its call number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Third {
    pub(super) address: SocketAddr,
    pub(super) number: CallNumber,
}

impl Third {
    /// Whether a datagram can be sent there, and to it alone.
    fn is_usable(&self) -> bool {
        let ip = self.address.ip();
        let is_broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
        !(ip.is_unspecified() || ip.is_multicast() || is_broadcast || self.address.port() == 0)
    }

    const fn key(&self) -> (SocketAddr, CallNumber) {
        (self.address, self.number)
    }
}

/// What a leg of the middle needs to know of the whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Whom this leg's end is sent to.
    pub(super) third: Third,
    /// TRANSFERID.
    pub(super) id: u32,
    pub(super) media_only: bool,
}

/// What only the endpoint can do for a leg. It does so when the leg's turn is over.
#[derive(Debug)]
pub(super) enum Request {
    /// Keep our number with this third party, if that is possible.
    Reserve(Third),
    /// Let it go.
    Forget,
    /// Make the third party the other side.
    Move(EarlyFrames),
}

impl<D: Directory> Endpoint<D> {
    /// Connects the other sides of two bridged calls with each other, and takes us out of their path (RFC 5456 §6.5). Where
    /// the settings of both calls allow it, both end here as [`Transferred`](super::EndReason::Transferred); where those of one
    /// say so, the audio alone goes its own way, and [`Event::Transferred`](super::Event::Transferred) says so. It may fail
    /// without harm: [`Event::TransferFailed`](super::Event::TransferFailed).
    ///
    /// # Errors
    ///
    /// Where there are no such calls, they are not bridged to each other, or one of them is encrypted, may not be
    /// transferred, cannot be, or is being transferred already.
    pub fn transfer(&mut self, now: Instant, a: CallId, b: CallId) -> Result<(), Error> {
        if self.leg(a)?.partner() != Some(b) {
            return Err(Error::NotBridged(a));
        }
        let (near, near_media_only) = self.transferable(a)?;
        let (far, far_media_only) = self.transferable(b)?;
        let media_only = near_media_only || far_media_only;
        let id = self.context.random.transfer_id();
        let plan = |third| Plan {
            third,
            id,
            media_only,
        };
        self.context.tell_leg(LegMessage {
            from: a,
            to: b,
            word: LegWord::Follow(plan(near)),
        });
        self.command(now, a, |leg, turn| {
            leg.lead(turn, plan(far));
            Ok(())
        })
    }

    /// Where the other side of a call is, and whether its audio alone may leave us.
    fn transferable(&self, call: CallId) -> Result<(Third, bool), Error> {
        let leg = self.leg(call)?;
        let dialogue = self.dialogues.get(&call.local());
        let link = dialogue.map(|dialogue| &dialogue.link);
        let link = link.filter(|link| !link.is_encrypted());
        let media_only = leg.may_be_released()?;
        let link = link.ok_or(Error::NotTransferable(call))?;
        let third = Third {
            address: link.remote,
            number: link.reliable.remote(),
        };
        Ok((third, media_only))
    }

    /// Does what a leg wants of the endpoint.
    pub(super) fn serve(&mut self, now: Instant, local: CallNumber, request: Request) {
        match request {
            Request::Reserve(third) => {
                let is_reserved = self.reserve(now, local, third);
                self.with(now, local, |dialogue, context| {
                    dialogue.for_call(now, context, |leg, turn| leg.reserved(turn, is_reserved));
                });
            }
            Request::Forget => self.forget_third(local),
            Request::Move(early) => self.relocate(now, local, early),
        }
    }

    /// Keeps our number with a third party: nobody else's dialogue may be meant by its frames, and none may have been within
    /// a minute (X-NUM-2).
    fn reserve(&mut self, now: Instant, local: CallNumber, third: Third) -> bool {
        let Some(Dialogue { link, .. }) = self.dialogues.get_mut(&local) else {
            return false;
        };
        let is_free = third.is_usable()
            && third.address != link.remote
            && !self.by_remote.contains_key(&third.key())
            && !self.by_third.contains_key(&third.key());
        let directory = &self.context.directory;
        // The place at the new address is taken now, so that the call cannot move to where there is none.
        let ticket = match is_free {
            true => directory.admit(third.address.ip(), true),
            false => None,
        };
        let Some(ticket) = ticket else {
            return false;
        };
        if !self.numbers.reserve(now, local, third.address) {
            directory.leave(ticket);
            return false;
        }
        link.third = Some(third);
        link.third_ticket = Some(ticket);
        self.by_third.insert(third.key(), local);
        self.context.claim(third.key());
        true
    }

    /// The third party is none any more.
    pub(super) fn forget_third(&mut self, local: CallNumber) {
        let Some(Dialogue { link, .. }) = self.dialogues.get_mut(&local) else {
            return;
        };
        if let Some(third) = link.third.take() {
            self.by_third.remove(&third.key());
            self.context.unclaim(third.key());
            self.numbers.unreserve();
        }
        if let Some(ticket) = link.third_ticket.take() {
            self.context.directory.leave(ticket);
        }
    }

    /// The third party becomes the other side: in the index, in the counts, in the quarantine of our number. Then comes what
    /// it sent too early.
    fn relocate(&mut self, now: Instant, local: CallNumber, early: EarlyFrames) {
        let Some(dialogue) = self.dialogues.get_mut(&local) else {
            return;
        };
        let Some(third) = dialogue.link.third.take() else {
            return;
        };
        let middle = dialogue.link.remote;
        let theirs = (middle, dialogue.link.reliable.remote());
        self.by_third.remove(&third.key());
        let ticket = dialogue.link.third_ticket.take();
        if let Some(former) = core::mem::replace(&mut dialogue.link.ticket, ticket) {
            self.context.directory.leave(former);
        }
        self.numbers.leave(now, local, middle);
        let arrived_here = dialogue.link.arrives_here;
        dialogue.relocate(now, &mut self.context, third);
        self.forget_remote(local, theirs, arrived_here);
        self.context.unclaim(third.key());
        self.index(local);
        for octets in early.into_frames() {
            self.handle_datagram(now, third.address, &octets);
        }
    }

    /// A full frame of no dialogue: a third party's, if it names our number. Whether it was one.
    pub(super) fn handle_third(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        frame: &FullFrame<'_>,
    ) -> bool {
        let Some(&local) = self.by_third.get(&(remote, frame.source)) else {
            return self.hold_txcnt(now, remote, frame);
        };
        if frame.destination != local {
            self.context.dropped.misaddressed += 1;
            return true;
        }
        let mut was_of_use = false;
        self.with(now, local, |dialogue, context| {
            dialogue.for_call(now, context, |leg, turn| {
                was_of_use = leg.receive_third(turn, frame);
            });
        });
        self.context.dropped.unmatched += u64::from(!was_of_use);
        true
    }

    /// A full frame of nobody that we know: a TXCNT for a call of ours may have overtaken the TXREQ that will say whose it is.
    fn hold_txcnt(&mut self, now: Instant, remote: SocketAddr, frame: &FullFrame<'_>) -> bool {
        let Some(ies) = txcnt(frame) else {
            return false;
        };
        let from = Third {
            address: remote,
            number: frame.source,
        };
        let mut is_held = false;
        self.with(now, frame.destination, |dialogue, context| {
            dialogue.for_call(now, context, |leg, turn| {
                is_held = leg.hold_txcnt(turn, from, ies.transfer_id());
            });
        });
        is_held
    }
}

fn txcnt<'a>(frame: &FullFrame<'a>) -> Option<InformationElements<'a>> {
    match frame.body {
        Body::Iax {
            command: IaxCommand::TxCnt,
            ies,
        } => Some(ies),
        _ => None,
    }
}

/// TRANSFERID decides where both sides name one (X-TX-2).
pub(super) const fn same_id(theirs: Option<u32>, ours: Option<u32>) -> bool {
    match (theirs, ours) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => true,
    }
}

impl<D: Directory> Dialogue<D> {
    /// Does something with the call of this dialogue, if it carries one.
    pub(super) fn for_call(
        &mut self,
        now: Instant,
        context: &mut super::context::Context<D>,
        act: impl FnOnce(&mut CallLeg<D>, &mut Turn<'_, D>),
    ) {
        let (mut turn, machine) = self.turn(now, context);
        if let Machine::Call(leg) = machine {
            act(leg, &mut turn);
            turn.flush();
        }
    }
}

/// What is about transfers, and takes a sequence number.
pub(super) const fn is_about_transfer(command: IaxCommand) -> bool {
    use IaxCommand::{TxMedia, TxReady, TxRej, TxRel, TxReq};
    matches!(command, TxMedia | TxReady | TxRej | TxRel | TxReq)
}
