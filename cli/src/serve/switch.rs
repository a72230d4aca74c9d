//! Calls from one peer to another: two legs, each a call of its own. What comes by one goes out by the other, between µ-law
//! and A-law coded again; once answered, legs of one format are bridged by the endpoint, and
//! transferred where both may be (RFC 5456 §6.5).
//!
//! They are bridged no sooner, for ANSWER may stand in the queue of events behind ACCEPT, and the bridge passes on only
//! what comes after it.

use std::collections::BTreeMap;

use iaxproof::engine::directory::{Directory, QueryId};
use iaxproof::engine::{CallId, Calling, EndReason, Endpoint, Error, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{Cause, Control, Format};

use super::application::note;
use crate::audio::Codec;

/// The legs of all calls between peers.
#[derive(Debug, Default)]
pub(super) struct Switch {
    /// Invariant: a leg's other leg has this one for its other.
    legs: BTreeMap<CallId, Leg>,
    /// Callers whose peer is being looked up in the database, before they are accepted.
    screening: BTreeMap<QueryId, CallId>,
    /// The same, to call it.
    asking: BTreeMap<QueryId, (CallId, Format)>,
}

#[derive(Clone, Copy, Debug)]
struct Leg {
    other: CallId,
    /// Unknown until the called one has accepted.
    format: Option<Format>,
    /// Whether this is the leg of the caller.
    is_caller: bool,
    /// Whether the endpoint passes between the two.
    is_bridged: bool,
}

impl Switch {
    /// Accepts a call where there is such a peer, and refuses it where there is none.
    pub(super) fn screen<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        caller: CallId,
        number: &str,
    ) {
        let (peer, _) = split(number);
        match endpoint.look_for_peer(peer) {
            Ok(None) => note(endpoint.accept(now, caller)),
            Ok(Some(query)) => drop(self.screening.insert(query, caller)),
            Err(error) => {
                tracing::info!(%caller, ?number, %error, "call refused");
                note(endpoint.hangup(now, caller, cause_of(error)));
            }
        }
    }

    /// Calls a peer for a caller: `PEER`, or `PEER/EXTENSION` for an extension over there.
    pub(super) fn dial<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        caller: CallId,
        number: &str,
        format: Format,
    ) {
        let (peer, extension) = split(number);
        match endpoint.call_peer(now, peer, extension) {
            Ok(Calling::Call(called)) => self.join(caller, format, called),
            Ok(Calling::Asked(query)) => drop(self.asking.insert(query, (caller, format))),
            Err(error) => refuse(now, endpoint, caller, error),
        }
    }

    /// Passes on what came by one leg.
    pub(super) fn handle<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        event: Event,
    ) {
        match event {
            Event::LookedFor { query, found } => self.looked_for(now, endpoint, query, found),
            Event::Called { query, call } => self.called(now, endpoint, query, call),
            Event::Accepted { call, format } => {
                if let Some(leg) = self.legs.get_mut(&call) {
                    leg.format = Some(format);
                }
            }
            Event::Answered { call } => self.answered(now, endpoint, call),
            Event::TransferFailed { call, .. } => {
                tracing::debug!(%call, "not transferred: it goes on through us");
            }
            Event::Control { call, control, .. } => self.signal(now, endpoint, call, control),
            Event::Voice {
                call, format, data, ..
            } => self.pass(now, endpoint, call, format, &data),
            Event::Dtmf { call, digit } => {
                if let Some(leg) = self.unbridged(call) {
                    note(endpoint.send_dtmf(now, leg.other, digit));
                }
            }
            Event::Text { call, text } => {
                if let Some(leg) = self.unbridged(call) {
                    let text = String::from_utf8_lossy(&text);
                    note(endpoint.send_text(now, leg.other, &text));
                }
            }
            _ => {}
        }
    }

    /// A leg is over: so is the other.
    pub(super) fn ended<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        call: CallId,
        reason: EndReason,
    ) {
        self.screening.retain(|_, caller| *caller != call);
        self.asking.retain(|_, (caller, _)| *caller != call);
        if reason == EndReason::Transferred {
            // The call goes on, without us.
            self.legs.remove(&call);
            return;
        }
        if let Some(leg) = self.legs.remove(&call) {
            self.legs.remove(&leg.other);
            note(endpoint.hangup(now, leg.other, cause(reason)));
        }
    }

    /// The other leg of a call.
    pub(super) fn other_leg(&self, call: CallId) -> Option<CallId> {
        self.legs.get(&call).map(|leg| leg.other)
    }

    /// Hangs up all legs.
    pub(super) fn stop<D: Directory>(&mut self, now: Instant, endpoint: &mut Endpoint<D>) {
        let screening = core::mem::take(&mut self.screening).into_values();
        let asking = core::mem::take(&mut self.asking).into_values();
        let legs = core::mem::take(&mut self.legs).into_keys();
        let callers = screening.chain(asking.map(|(caller, _)| caller));
        for call in callers.chain(legs) {
            note(endpoint.hangup(now, call, Cause::NORMAL_CLEARING));
        }
    }

    fn join(&mut self, caller: CallId, format: Format, called: CallId) {
        let leg = |other, format, is_caller| Leg {
            other,
            format,
            is_caller,
            is_bridged: false,
        };
        self.legs.insert(caller, leg(called, Some(format), true));
        self.legs.insert(called, leg(caller, None, false));
    }

    /// A leg that the endpoint does not pass anything for.
    fn unbridged(&self, call: CallId) -> Option<&Leg> {
        self.legs.get(&call).filter(|leg| !leg.is_bridged)
    }

    fn answered<D: Directory>(&mut self, now: Instant, endpoint: &mut Endpoint<D>, called: CallId) {
        let Some(caller) = self.legs.get(&called).map(|leg| leg.other) else {
            return;
        };
        note(endpoint.answer(now, caller));
        let bridged = endpoint.bridge(now, caller, called);
        let is_bridged = bridged.is_ok();
        if let Err(error) = bridged {
            tracing::debug!(%caller, %called, %error, "not bridged: all is passed on here");
        }
        if is_bridged {
            // Where one of the two may not be transferred, all goes on through us.
            note(endpoint.transfer(now, caller, called));
        }
        for call in [caller, called] {
            if let Some(leg) = self.legs.get_mut(&call) {
                leg.is_bridged = is_bridged;
            }
        }
    }

    /// The database said whether there is such a peer; the caller may not have waited.
    fn looked_for<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        query: QueryId,
        found: Result<(), Error>,
    ) {
        let Some(caller) = self.screening.remove(&query) else {
            return;
        };
        match found {
            Ok(()) => note(endpoint.accept(now, caller)),
            Err(error) => {
                tracing::info!(%caller, %error, "call refused");
                note(endpoint.hangup(now, caller, cause_of(error)));
            }
        }
    }

    fn called<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        query: QueryId,
        call: Result<CallId, Error>,
    ) {
        match (self.asking.remove(&query), call) {
            (Some((caller, format)), Ok(called)) => self.join(caller, format, called),
            (Some((caller, _)), Err(error)) => refuse(now, endpoint, caller, error),
            // The caller did not wait.
            (None, Ok(called)) => note(endpoint.hangup(now, called, Cause::NORMAL_CLEARING)),
            (None, Err(_)) => {}
        }
    }

    fn signal<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        call: CallId,
        control: Control,
    ) {
        let Some(leg) = self.legs.get(&call).filter(|leg| !leg.is_caller) else {
            return;
        };
        match control {
            Control::Ringing => note(endpoint.ring(now, leg.other)),
            // RFC 5456 §6.3.2: what the called one says of the call's way goes on to who calls.
            Control::Proceeding | Control::Progress => {
                note(endpoint.send_control(now, leg.other, control, &[]));
            }
            Control::Busy => self.give_up(now, endpoint, call, Cause::USER_BUSY),
            Control::Congestion => self.give_up(now, endpoint, call, Cause::SWITCH_CONGESTION),
            _ => {}
        }
    }

    /// The called one cannot: both legs end, the caller's with the cause.
    fn give_up<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        called: CallId,
        cause: Cause,
    ) {
        if let Some(leg) = self.legs.remove(&called) {
            self.legs.remove(&leg.other);
            note(endpoint.hangup(now, leg.other, cause));
            note(endpoint.hangup(now, called, Cause::NORMAL_CLEARING));
        }
    }

    /// Audio that came while the legs were not bridged. Each full frame says its format, which need not be the one that was agreed
    /// on, and what nobody here can code again is not passed on.
    fn pass<D: Directory>(
        &self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        from: CallId,
        heard: Format,
        data: &[u8],
    ) {
        let Some(leg) = self.legs.get(&from) else {
            return;
        };
        match self.legs.get(&leg.other).and_then(|other| other.format) {
            Some(wanted) if heard == wanted => note(endpoint.send_voice(now, leg.other, data)),
            Some(wanted) => {
                if let (Some(heard), Some(wanted)) = (Codec::of(heard), Codec::of(wanted)) {
                    let coded = wanted.encode(&heard.decode(data));
                    note(endpoint.send_voice(now, leg.other, &coded));
                }
            }
            // Nobody listens yet.
            None => {}
        }
    }
}

/// Tells a caller why there is no call to the peer.
fn refuse<D: Directory>(now: Instant, endpoint: &mut Endpoint<D>, caller: CallId, error: Error) {
    tracing::info!(%caller, %error, "the peer cannot be called");
    note(endpoint.hangup(now, caller, cause_of(error)));
}

fn cause_of(error: Error) -> Cause {
    match error {
        Error::UnknownPeer => Cause::NO_ROUTE_DESTINATION,
        Error::NoContact | Error::PeerUnreachable => Cause::DESTINATION_OUT_OF_ORDER,
        Error::NoCallNumber => Cause::NO_CIRCUIT,
        _ => Cause::TEMPORARY_FAILURE,
    }
}

/// The peer and the extension over there: `PEER` is called by its own name.
fn split(number: &str) -> (&str, &str) {
    number.split_once('/').unwrap_or((number, number))
}

/// What the other leg is told of the end of one.
fn cause(reason: EndReason) -> Cause {
    match reason {
        EndReason::RemoteHangup(cause) => cause.unwrap_or(Cause::NORMAL_CLEARING),
        EndReason::LocalHangup => Cause::NORMAL_CLEARING,
        EndReason::NoAnswer | EndReason::Unreachable => Cause::NO_USER_RESPONSE,
        EndReason::NoFormat => Cause::BEARER_UNAVAILABLE,
        _ => Cause::TEMPORARY_FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::SocketAddr;
    use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
    use iaxproof::engine::directory::TokenKey;
    use iaxproof::engine::{Dial, EndpointOptions};
    use iaxproof::registry::ledger::NoLedger;
    use iaxproof::registry::{HashKey, Std};
    use iaxproof::wire::{
        Body, CallNumber, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement, SeqNo,
        Timestamp,
    };

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

    /// A call of ours that the other side, at this port, has accepted in this format.
    fn accepted(endpoint: &mut Tested, port: u16, format: Format) -> CallId {
        let remote = SocketAddr::from(([192, 0, 2, 1], port));
        let placed = endpoint.call(Instant::ZERO, Dial::new(remote, "100"));
        let call = placed.expect("there is room");
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Format(format.mask() as u32));
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

    /// What goes out by a leg of A-law when this comes by one that agreed on mu-law.
    fn passed(format: Format, data: &[u8]) -> Option<Vec<u8>> {
        let mut endpoint = endpoint();
        let caller = accepted(&mut endpoint, 4000, Format::ULAW);
        let called = accepted(&mut endpoint, 4001, Format::ALAW);
        let mut switch = Switch::default();
        switch.join(caller, Format::ULAW, called);
        let now = Instant::ZERO;
        let wanted = Format::ALAW;
        let accepted = Event::Accepted {
            call: called,
            format: wanted,
        };
        switch.handle(now, &mut endpoint, accepted);
        while endpoint.poll_transmit().is_some() {}
        let voice = Event::Voice {
            call: caller,
            format,
            timestamp: Timestamp(20),
            data: data.to_vec(),
        };
        switch.handle(now, &mut endpoint, voice);
        let sent = endpoint.poll_transmit()?;
        match Frame::parse(&sent.payload) {
            Ok(Frame::Full(FullFrame {
                body: Body::Voice { format, data },
                ..
            })) => {
                assert_eq!(format, wanted);
                Some(data.to_vec())
            }
            frame => panic!("{frame:?}"),
        }
    }

    /// What goes out by the caller's leg when the called one signals this.
    fn signalled(control: Control) -> Option<Control> {
        let mut endpoint = endpoint();
        let caller = accepted(&mut endpoint, 4000, Format::ULAW);
        let called = accepted(&mut endpoint, 4001, Format::ULAW);
        let mut switch = Switch::default();
        switch.join(caller, Format::ULAW, called);
        while endpoint.poll_transmit().is_some() {}
        switch.signal(Instant::ZERO, &mut endpoint, called, control);
        let sent = endpoint.poll_transmit()?;
        match Frame::parse(&sent.payload) {
            Ok(Frame::Full(FullFrame {
                body: Body::Control { control, .. },
                ..
            })) => Some(control),
            frame => panic!("{frame:?}"),
        }
    }

    /// RFC 5456 §6.3.2.
    #[test]
    fn what_the_called_one_says_of_the_way_goes_on_to_who_calls() {
        for control in [Control::Proceeding, Control::Progress] {
            assert_eq!(signalled(control), Some(control));
        }
        assert_eq!(signalled(Control::Flash), None);
    }

    #[test]
    fn audio_is_coded_again_from_the_format_of_its_own_frame() {
        let speech: Vec<u8> = (0..160).collect();
        let (ulaw, alaw) = (Codec::of(Format::ULAW), Codec::of(Format::ALAW));
        let (ulaw, alaw) = ulaw.zip(alaw).expect("both are coded here");
        let again = alaw.encode(&ulaw.decode(&speech));
        assert_eq!(passed(Format::ULAW, &speech), Some(again));
        assert_eq!(passed(Format::ALAW, &speech), Some(speech));
        assert_eq!(passed(Format::GSM, &[1; 33]), None);
    }
}
