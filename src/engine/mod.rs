//! The endpoint: a sans-IO IAX2 server (RFC 5456). Datagrams, time and the directory's answers go in; datagrams, events and
//! deadlines come out.
//!
//! - [`directory`], [`settings`]: what the endpoint asks for, and what it is told.
//! - `route`: whose is a datagram? `stateless`: replies that keep nothing. `call_token`, `call_number`, `rate`: who may
//!   open a dialogue, and with which number.
//! - `dialogue`: what every dialogue does; [`reliable`]: its order, acknowledgement and retransmission.
//! - [`cipher`]: encrypted frames; `session`: which of a dialogue's are.
//! - `registrar`, `call`, [`registrant`], [`qualify`]: what a dialogue is about, each with its table of states. `auth`:
//!   challenges.
//! - `bridge`: what comes on one call goes out on another; `transfer`: without us. `trunk`: audio of several calls in one frame.
//! - `standing`: where the dialogue of a datagram stands, [`overview`]: calls and registrations of ours one by one, for who looks on.
//!   [`workers`]: which worker's a datagram is, where there are several.
//! - [`options`], [`event`], [`counts`], [`error`], [`timer`]: the values of the surface.
//!
//! Left to others: bytes ([`wire`](crate::wire)), peers and users (a [`Directory`]), sockets and clocks (the caller).
//!
//! # Deviations
//!
//! - chan_iax2 matches full frames by address and source number; here a destination number must be ours too (X-NUM-5).
//! - chan_iax2 lets a repeated opener with a valid token open a second dialogue; here it is only acknowledged (X-CALL-3).
//! - chan_iax2 sends whatever a dialogue without a token has to say; here it is at most three times what came, until our
//!   call number comes back.

#![forbid(unsafe_code)]

pub mod admission;
pub mod allowance;
pub mod auth;
mod bridge;
mod call;
pub mod call_number;
pub mod call_token;
pub mod cipher;
mod context;
pub mod counts;
mod dialogue;
pub mod directory;
pub mod error;
pub mod event;
mod opener;
pub mod options;
pub mod outgoing;
pub mod overview;
pub mod qualify;
mod random;
pub mod rate;
pub mod registrant;
mod registrar;
pub mod reliable;
mod route;
mod session;
pub mod settings;
mod signals;
mod standing;
mod stateless;
pub mod timer;
mod transfer;
mod trunk;
pub mod workers;

use core::net::SocketAddr;
use std::collections::BTreeMap;

use self::call::CallLeg;
pub use self::call::dial::{DIAL_TEXT_MAX, Dial};
use self::call_number::CallNumbers;
use self::context::{Context, Owner, Turn};
pub use self::counts::{Counts, Dropped, Gaps};
use self::dialogue::{Dialogue, Machine};
use self::directory::{Directory, QueryId, StoreId};
pub use self::error::Error;
pub use self::event::{CallId, EndReason, Event, Transmit};
pub use self::options::EndpointOptions;
pub use self::outgoing::Calling;
use self::outgoing::WaitingCalls;
pub use self::overview::CallOverview;
use self::qualify::POKES_PER_TIMEOUT_MAX;
use self::rate::{INVALS_PER_SECOND_MAX, POKES_PER_SECOND_MAX, Rate};
pub use self::registrant::{
    REGISTRANTS_MAX, RegistrantId, RegistrantOverview, RegistrantState, Registration,
};
pub use self::standing::Standing;
pub use self::timer::TimerKind;
pub use self::workers::{Route, WorkerId, Workers};
use crate::time::Instant;
use crate::wire::{CallNumber, Cause, Digit};

/// An IAX2 endpoint.
///
/// Time is an argument and never goes back. After any `handle_*` or command: drain
/// [`poll_transmit`](Endpoint::poll_transmit), then [`poll_event`](Endpoint::poll_event), then read
/// [`poll_timeout`](Endpoint::poll_timeout). The same seed and the same inputs give the same outputs, byte for byte.
#[derive(Debug)]
pub struct Endpoint<D: Directory> {
    context: Context<D>,
    numbers: CallNumbers,
    /// The live dialogues by our call number.
    dialogues: BTreeMap<CallNumber, Dialogue<D>>,
    /// The dialogue of each address and number of another side that is known; of several, the youngest.
    by_remote: BTreeMap<(SocketAddr, CallNumber), CallNumber>,
    /// The dialogues that may be transferred, by the address and number of the third party.
    by_third: BTreeMap<(SocketAddr, CallNumber), CallNumber>,
    waiting_calls: WaitingCalls,
    invals: Rate,
    /// POKEs that are answered.
    pongs: Rate,
    dialogues_so_far: u64,
}

impl<D: Directory> Endpoint<D> {
    /// An endpoint without dialogues.
    ///
    /// # Panics
    ///
    /// Where `options.call_numbers` leaves 2..=32767, or an interval is zero.
    pub fn new(options: EndpointOptions, seed: [u8; 32], directory: D) -> Self {
        assert!(
            !options.ping_interval.is_zero() && !options.lagrq_interval.is_zero(),
            "PING and LAGRQ need time between them"
        );
        let numbers = options.workers.slice(&options.call_numbers);
        let numbers = CallNumbers::new(numbers, options.quarantine_max);
        Endpoint {
            context: Context::new(options, seed, directory),
            numbers,
            dialogues: BTreeMap::new(),
            by_remote: BTreeMap::new(),
            by_third: BTreeMap::new(),
            waiting_calls: WaitingCalls::default(),
            invals: Rate::new(INVALS_PER_SECOND_MAX),
            pongs: Rate::new(POKES_PER_SECOND_MAX),
            dialogues_so_far: 0,
        }
    }

    /// Timers whose time has come are fired, in the order in which they are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut pokes = 0;
        while let Some((kind, owner)) = self.context.timers.take_due(now) {
            match owner {
                Owner::Dialogue(local) => {
                    self.with(now, local, |dialogue, context| {
                        dialogue.fire(now, context, kind)
                    });
                }
                Owner::Trunk(remote) => self.context.fire_trunk(now, remote),
                Owner::Contact {
                    handle,
                    name,
                    generation,
                } => self.context.expire(now, &handle, name, generation),
                Owner::Watch(name) if pokes == POKES_PER_TIMEOUT_MAX => {
                    self.postpone_poke(now, &name);
                }
                Owner::Watch(name) => {
                    pokes += 1;
                    self.poke_is_due(now, &name);
                }
                Owner::Registrant(id) => self.refresh_registrant(now, id),
            }
            self.pass_messages(now);
        }
    }

    /// The directory has the answer to `query`. Of several workers all may be told: who did not ask leaves it to who did.
    pub fn handle_answer(&mut self, now: Instant, query: QueryId) {
        if !self.context.options.workers.is_alone() && !self.has_asked(query) {
            return;
        }
        let waiting = self.context.queries.remove(&query).unwrap_or_default();
        let lookup = self.context.directory.take_answer(query);
        for local in waiting {
            let lookup = lookup.clone();
            self.with(now, local, |dialogue, context| {
                if dialogue.link.waiting_for == Some(query) {
                    dialogue.answered(now, context, lookup);
                }
            });
        }
        self.answer_waiting_calls(now, query, &lookup);
        self.answer_watches(now, query, &lookup);
        self.pass_messages(now);
        // The answer may be a row with a contact.
        let adopted = self.context.adopt();
        self.qualify_adopted(now, adopted);
    }

    fn has_asked(&self, query: QueryId) -> bool {
        self.context.queries.contains_key(&query)
            || self.waiting_calls.has(query)
            || self.context.watches.has_asked(query)
    }

    /// The directory knows what the store said to this change: the REGREQ or REGREL that waits for it is granted or refused.
    /// A change that no dialogue here waits for is nothing to this endpoint, so the caller may tell all of them.
    pub fn handle_stored(&mut self, now: Instant, id: &StoreId) {
        let Some(&local) = self.context.stores.get(id) else {
            return;
        };
        self.with(now, local, |dialogue, context| {
            dialogue.stored(now, context);
        });
    }

    /// Takes on the expiry of contacts that came from the store: after a restart, and after each reload, for names that
    /// returned. One endpoint of those that share a directory is enough. Who of them is to be qualified the application asks for
    /// afterwards, with all others.
    pub fn adopt(&mut self) {
        drop(self.context.adopt());
    }

    /// Forgets all dialogues without a word to the other sides, and gives back what they hold of the directory: their places
    /// (X-NUM-3), their waiting challenges (X-NUM-4), and changes that wait for the store, which are withdrawn. An endpoint that is
    /// dropped without this leaves its dialogues counted for as long as the directory lives; that matters only where others
    /// go on using it.
    pub fn shutdown(&mut self, now: Instant) {
        let locals: Vec<CallNumber> = self.dialogues.keys().copied().collect();
        for local in locals {
            self.with(now, local, |dialogue, context| {
                dialogue.abandon(now, context)
            });
        }
    }

    /// Accepts a call that was [`Requested`](Event::Requested) (RFC 5456 §6.2.3).
    ///
    /// # Errors
    ///
    /// Where there is no such call, or it does not wait to be accepted.
    pub fn accept(&mut self, now: Instant, call: CallId) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.take(turn))
    }

    /// Tells the caller that the phone rings (RFC 5456 §6.3.3).
    ///
    /// # Errors
    ///
    /// Where there is no such call, or it was answered or hung up.
    pub fn ring(&mut self, now: Instant, call: CallId) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.ring(turn))
    }

    /// Answers a call (RFC 5456 §6.3.4).
    ///
    /// # Errors
    ///
    /// Where there is no such call, or it was answered or hung up.
    pub fn answer(&mut self, now: Instant, call: CallId) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.answer(turn))
    }

    /// Hangs a call up (RFC 5456 §6.2.5), or refuses one that was [`Requested`](Event::Requested). It is [`Ended`](Event::Ended) when the other side knows, or after ten seconds.
    ///
    /// # Errors
    ///
    /// Where there is no such call, or it was hung up.
    pub fn hangup(&mut self, now: Instant, call: CallId, cause: Cause) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.hangup(turn, cause))
    }

    /// Sends audio of the call's format. It is dropped while the other side asks for silence (RFC 5456 §6.4.4).
    ///
    /// # Errors
    ///
    /// Where there is no such call, it was not offered or is hung up, `data` is longer than
    /// [`MEDIA_OCTETS_MAX`](options::MEDIA_OCTETS_MAX), or a full frame has no room.
    pub fn send_voice(&mut self, now: Instant, call: CallId, data: &[u8]) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.send_voice(turn, data))
    }

    /// Sends a digit.
    ///
    /// # Errors
    ///
    /// As for [`Endpoint::send_voice`].
    pub fn send_dtmf(&mut self, now: Instant, call: CallId, digit: Digit) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.send_dtmf(turn, digit))
    }

    /// Sends text.
    ///
    /// # Errors
    ///
    /// As for [`Endpoint::send_voice`].
    pub fn send_text(&mut self, now: Instant, call: CallId, text: &str) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.send_text(turn, text))
    }

    fn command(
        &mut self,
        now: Instant,
        call: CallId,
        command: impl FnOnce(&mut CallLeg<D>, &mut Turn<'_, D>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut done = Err(Error::NoSuchCall(call));
        self.with(now, call.local(), |dialogue, context| {
            let (mut turn, machine) = dialogue.turn(now, context);
            if let Machine::Call(leg) = machine
                && leg.id() == call
            {
                done = command(leg, &mut turn);
                turn.flush();
            }
        });
        self.pass_messages(now);
        done
    }

    /// Does something with a live dialogue, and lets it go if it is over.
    fn with(
        &mut self,
        now: Instant,
        local: CallNumber,
        act: impl FnOnce(&mut Dialogue<D>, &mut Context<D>),
    ) {
        let Some(dialogue) = self.dialogues.get_mut(&local) else {
            return;
        };
        let waiting_to_leave = self.context.transmits.len();
        act(dialogue, &mut self.context);
        let request = dialogue.link.request.take();
        if dialogue.link.is_over {
            self.let_go(now, local);
        } else {
            self.index(local);
            if let Some(request) = request {
                self.serve(now, local, request);
            }
        }
        self.take_arrivals(now, waiting_to_leave);
    }

    /// Forgets a dialogue: its timers, its place in the index, its number.
    fn let_go(&mut self, now: Instant, local: CallNumber) {
        self.forget_third(local);
        let Some(Dialogue { link, .. }) = self.dialogues.remove(&local) else {
            return;
        };
        for key in link.timers.into_values() {
            self.context.timers.cancel(key);
        }
        if let Some(query) = link.waiting_for
            && let Some(waiting) = self.context.queries.get_mut(&query)
        {
            waiting.retain(|number| *number != local);
        }
        let theirs = (link.remote, link.reliable.remote());
        self.forget_remote(local, theirs, link.arrives_here);
        if let Some(ticket) = link.ticket {
            self.context.directory.leave(ticket);
        }
        self.numbers.free(now, local, link.remote);
    }

    /// A dialogue is not found by this address and number any more, nor claimed.
    fn forget_remote(
        &mut self,
        local: CallNumber,
        theirs: (SocketAddr, CallNumber),
        arrives_here: bool,
    ) {
        // Who reuses a number while our end of its former dialogue lingers has taken the place in the index, and perhaps the claim.
        if self.by_remote.get(&theirs) == Some(&local) {
            self.by_remote.remove(&theirs);
        }
        let younger = self.by_remote.get(&theirs);
        let younger = younger.and_then(|local| self.dialogues.get(local));
        let is_claimed = younger.is_some_and(|younger| !younger.link.arrives_here);
        if !arrives_here && !is_claimed {
            self.context.unclaim(theirs);
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.context.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.context.events.pop_front()
    }

    /// When [`handle_timeout`](Endpoint::handle_timeout) wants to be called, and what for.
    pub fn poll_timeout(&self) -> Option<(Instant, TimerKind)> {
        self.context.timers.earliest()
    }

    /// What the endpoint holds and what it dropped.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            timers: self.context.timers.len(),
            expiry_timers: self.context.expiry_timers(),
            watched: self.context.watches.len(),
            registrants: self.context.registrants.len(),
            numbers_allocated: self.dialogues.len(),
            numbers_free: self.numbers.free_len(),
            numbers_quarantined: self.numbers.quarantined(),
            trunks: self.context.trunks.len(),
            events_waiting: self.context.events.len(),
            retransmissions: self.context.retransmissions,
            gaps: self.context.gaps,
            dropped: self.context.dropped,
            ..Counts::default()
        };
        for dialogue in self.dialogues.values() {
            counts.frames_outstanding += dialogue.link.reliable.outstanding();
            counts.frames_queued += dialogue.link.reliable.queued();
            let (kind, is_waiting) = match &dialogue.machine {
                Machine::Registration(it) => (&mut counts.registrations, it.is_waiting()),
                Machine::Call(it) => (&mut counts.calls, it.is_waiting()),
                Machine::Registrant(_) => (&mut counts.requests, false),
                Machine::Poke(_) => (&mut counts.pokes, false),
            };
            *kind += 1;
            counts.waiting_for_directory += usize::from(is_waiting);
        }
        counts
    }

    /// The directory that the endpoint asks.
    pub const fn directory(&self) -> &D {
        &self.context.directory
    }
}
