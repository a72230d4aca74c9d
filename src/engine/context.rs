//! What all dialogues of an endpoint share, and what one of them may do in its turn.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use super::bridge::LegMessage;
use super::counts::{Dropped, Gaps};
use super::dialogue::Link;
use super::directory::{Directory, Expiry, Generation, Lookup, QueryId, Role, StoreId};
use super::event::{Event, Transmit};
use super::options::{EVENTS_MAX, EndpointOptions, TRANSMITS_MAX};
use super::qualify::Watches;
use super::random::Random;
use super::registrant::{RegistrantId, Registrants};
use super::settings::Name;
use super::timer::{TimerKey, TimerKind, Timers};
use super::trunk::Trunks;
use crate::time::Instant;
use crate::wire::{Body, CallNumber, IaxCommand, IeBuffer, MiniFrame, Timestamp};

/// Whose timer it is.
#[derive(Debug)]
pub(super) enum Owner<H> {
    /// The dialogue with this call number of ours. Cancelled when it ends.
    Dialogue(CallNumber),
    /// The trunk to this address. It has one timer while it has a record.
    Trunk(SocketAddr),
    /// A registration: the timer holds the peer's handle, so that the peer outlives it.
    Contact {
        handle: H,
        name: Name,
        generation: Generation,
    },
    /// The watch over the peer of this name, which holds the peer's handle. Cancelled when it ends.
    Watch(Name),
    /// A registration of ours. Cancelled when it is given up.
    Registrant(RegistrantId),
}

/// What all dialogues share.
#[derive(Debug)]
pub(super) struct Context<D: Directory> {
    pub(super) directory: D,
    pub(super) options: EndpointOptions,
    pub(super) random: Random,
    pub(super) timers: Timers<Owner<D::Handle>>,
    pub(super) trunks: Trunks,
    /// What bridged legs said and the endpoint has not handed over yet.
    pub(super) leg_messages: VecDeque<LegMessage>,
    pub(super) events: VecDeque<Event>,
    pub(super) transmits: VecDeque<Transmit>,
    /// Who waits for which answer of the directory.
    pub(super) queries: BTreeMap<QueryId, Vec<CallNumber>>,
    /// Which dialogue waits for the store to keep which change.
    pub(super) stores: BTreeMap<StoreId, CallNumber>,
    /// The expiry timer of each name that is registered here.
    pub(super) expiries: BTreeMap<Name, TimerKey>,
    /// Octets of the datagram that is being handled.
    pub(super) datagram_len: usize,
    /// The peers that are qualified.
    pub(super) watches: Watches<D::Handle>,
    /// The registrations that we keep up.
    pub(super) registrants: Registrants,
    pub(super) retransmissions: u64,
    pub(super) gaps: Gaps,
    pub(super) dropped: Dropped,
}

impl<D: Directory> Context<D> {
    pub(super) fn new(options: EndpointOptions, seed: [u8; 32], directory: D) -> Self {
        Context {
            directory,
            options,
            random: Random::new(seed),
            timers: Timers::new(),
            trunks: Trunks::new(),
            leg_messages: VecDeque::new(),
            events: VecDeque::new(),
            transmits: VecDeque::new(),
            queries: BTreeMap::new(),
            stores: BTreeMap::new(),
            expiries: BTreeMap::new(),
            datagram_len: 0,
            watches: Watches::new(),
            registrants: Registrants::default(),
            retransmissions: 0,
            gaps: Gaps::default(),
            dropped: Dropped::default(),
        }
    }

    /// Queues a datagram.
    pub(super) fn transmit(&mut self, destination: SocketAddr, payload: Vec<u8>) {
        if self.transmits.len() >= TRANSMITS_MAX {
            self.dropped.transmits += 1;
            return;
        }
        self.transmits.push_back(Transmit {
            destination,
            payload,
        });
    }

    /// Queues an event.
    pub(super) fn tell(&mut self, event: Event) {
        if self.events.len() >= EVENTS_MAX {
            self.dropped.events += 1;
            return;
        }
        self.events.push_back(event);
    }

    /// The directory said that a handle had gone stale.
    pub(super) fn tell_stale(&mut self, what: &'static str) {
        self.tell(Event::StaleHandle { what });
    }

    /// Datagrams of this address and number that name no number of ours are this worker's, by whichever socket they come.
    pub(super) fn claim(&self, from: (SocketAddr, CallNumber)) {
        if !self.options.workers.is_alone() {
            self.directory.claim(from, self.options.workers.me());
        }
    }

    /// This worker asks the peer whether it is there.
    pub(super) fn take_over(&self, handle: &D::Handle) {
        if !self.options.workers.is_alone() {
            self.directory.watch(handle, self.options.workers.me());
        }
    }

    /// Whether another worker has taken over since.
    pub(super) fn is_taken_over(&self, handle: &D::Handle) -> bool {
        let workers = self.options.workers;
        let watcher = || self.directory.watcher(handle);
        !workers.is_alone() && watcher().is_some_and(|watcher| watcher != workers.me())
    }

    /// They are not any more.
    pub(super) fn unclaim(&self, from: (SocketAddr, CallNumber)) {
        if !self.options.workers.is_alone() {
            self.directory.unclaim(from, self.options.workers.me());
        }
    }

    /// Whether one more name may have an expiry timer.
    pub(super) fn has_room_for(&self, name: &Name) -> bool {
        let expected = self.expiries.len() + self.stores.len();
        self.expiries.contains_key(name) || expected < self.options.registrations_max
    }

    /// Arms the expiry of a registration in place of the one before.
    pub(super) fn arm_expiry(
        &mut self,
        at: Instant,
        handle: D::Handle,
        name: &Name,
        generation: Generation,
    ) {
        self.disarm_expiry(name);
        let owner = Owner::Contact {
            handle,
            name: name.clone(),
            generation,
        };
        let key = self.timers.arm(at, TimerKind::Expiry, owner);
        self.expiries.insert(name.clone(), key);
    }

    /// Takes on the expiry of contacts that came from the store, and says whose they are.
    pub(super) fn adopt(&mut self) -> Vec<D::Handle> {
        let mut adopted = Vec::new();
        while let Some(restored) = self.directory.poll_restored() {
            if self.has_room_for(&restored.name) {
                let (at, handle) = (restored.deadline, restored.handle);
                self.arm_expiry(at, handle.clone(), &restored.name, restored.generation);
                adopted.push(handle);
            }
        }
        adopted
    }

    /// Lets the expiry timer of a name go.
    pub(super) fn disarm_expiry(&mut self, name: &Name) {
        if let Some(key) = self.expiries.remove(name) {
            self.timers.cancel(key);
        }
    }

    /// How many armed timers hold a handle.
    pub(super) fn expiry_timers(&self) -> usize {
        let holds = |owner: &&Owner<D::Handle>| matches!(owner, Owner::Contact { .. });
        self.timers.owners().filter(holds).count()
    }

    /// Whether this worker is to end this registration when it lapses.
    pub(super) fn expires(&self, name: &Name, generation: Generation) -> bool {
        let key = self.expiries.get(name);
        let owner = key.and_then(|key| self.timers.owner(*key));
        matches!(owner, Some(Owner::Contact { generation: its, .. }) if *its == generation)
    }

    /// An expiry timer fired.
    pub(super) fn expire(
        &mut self,
        now: Instant,
        handle: &D::Handle,
        name: Name,
        generation: Generation,
    ) {
        self.expiries.remove(&name);
        match self.directory.expire(handle, generation, now) {
            Ok(Expiry::Expired) => {
                self.unwatch(&name);
                self.tell(Event::Expired { name });
            }
            Ok(Expiry::Superseded) => {}
            Err(_) => self.tell_stale("expiring a registration"),
        }
    }
}

/// One dialogue's turn: the shared things, its own link, and the time.
pub(super) struct Turn<'a, D: Directory> {
    pub(super) now: Instant,
    pub(super) context: &'a mut Context<D>,
    pub(super) link: &'a mut Link,
}

impl<D: Directory> Turn<'_, D> {
    /// Sends a reliable IAX frame.
    pub(super) fn send(&mut self, command: IaxCommand, ies: &IeBuffer) {
        let ies = ies.view();
        self.send_body(Body::Iax { command, ies });
    }

    /// Sends a reliable frame. Where the queue is full, the other side has not acknowledged for long; the frame is not
    /// sent and the oldest one's last timeout ends the dialogue.
    pub(super) fn send_body(&mut self, body: Body<'_>) {
        let _is_full = self.link.reliable.send(self.now, body);
    }

    /// Sends the last frame of the dialogue and stops all its timers but the retransmission.
    pub(super) fn send_final(&mut self, command: IaxCommand, ies: &IeBuffer) {
        let ies = ies.view();
        let body = Body::Iax { command, ies };
        let _is_full = self.link.reliable.send_final(self.now, body);
        self.stop_probing();
        self.cancel(TimerKind::AnswerWait);
        self.cancel(TimerKind::RejectDelay);
        self.cancel(TimerKind::Transfer);
    }

    /// The dialogue is neither probed nor timed for its admission any more.
    pub(super) fn stop_probing(&mut self) {
        for kind in [TimerKind::Ping, TimerKind::LagRq, TimerKind::Admission] {
            self.cancel(kind);
        }
    }

    /// Arms a timer of this dialogue in place of the one of the same kind.
    pub(super) fn arm(&mut self, kind: TimerKind, after: Duration) {
        self.arm_at(kind, self.now + after);
    }

    fn arm_at(&mut self, kind: TimerKind, at: Instant) {
        self.cancel(kind);
        let owner = Owner::Dialogue(self.link.reliable.local());
        let key = self.context.timers.arm(at, kind, owner);
        self.link.timers.insert(kind, key);
    }

    /// Disarms a timer of this dialogue.
    pub(super) fn cancel(&mut self, kind: TimerKind) {
        if let Some(key) = self.link.timers.remove(&kind) {
            self.context.timers.cancel(key);
        }
    }

    /// Asks the directory for a name. Where it asks the database, the dialogue is woken by the answer.
    pub(super) fn find(&mut self, role: Role, name: &Name) -> Lookup<D::Handle> {
        let lookup = self.context.directory.find(role, name.as_str());
        self.await_answer(&lookup);
        lookup
    }

    /// Notes whose answer this dialogue waits for.
    pub(super) fn await_answer(&mut self, lookup: &Lookup<D::Handle>) {
        self.link.waiting_for = match lookup {
            Lookup::Asked(query) => Some(*query),
            _ => None,
        };
        if let Some(query) = self.link.waiting_for {
            let waiting = self.context.queries.entry(query).or_default();
            waiting.push(self.link.reliable.local());
        }
    }

    /// Hands over what the link has to send, and follows its retransmission timer.
    pub(super) fn flush(&mut self) {
        let link = &mut *self.link;
        while let Some(payload) = link
            .reliable
            .poll_transmit(|| self.context.random.padding())
        {
            if link.allowance.send(payload.len()) {
                self.context.transmit(link.remote, payload);
            } else {
                self.context.dropped.withheld += 1;
            }
        }
        self.context.retransmissions += link.reliable.take_repeated();
        let armed = self.link.timers.get(&TimerKind::Retransmission);
        let wanted = self.link.reliable.poll_timeout();
        if armed.map(|key| key.at()) == wanted {
            return;
        }
        match wanted {
            Some(at) => self.arm_at(TimerKind::Retransmission, at),
            None => self.cancel(TimerKind::Retransmission),
        }
    }

    /// Sends a mini frame, encrypted as the dialogue is.
    pub(super) fn send_mini(&mut self, mini: MiniFrame<'_>) {
        let mut octets = Vec::with_capacity(mini.encoded_len());
        mini.encode(&mut octets);
        if let Some(key) = self.link.reliable.key() {
            octets = key.encrypt(&octets, self.context.random.padding());
        }
        self.context.transmit(self.link.remote, octets);
    }

    /// Sends a mini frame elsewhere than the rest of the call, which is not encrypted then (X-ENC-5).
    pub(super) fn send_mini_to(&mut self, address: SocketAddr, mini: MiniFrame<'_>) {
        let mut octets = Vec::with_capacity(mini.encoded_len());
        mini.encode(&mut octets);
        self.context.transmit(address, octets);
    }

    /// Ends the dialogue after this turn.
    pub(super) const fn end(&mut self) {
        self.link.is_over = true;
    }

    /// Sends PONG or LAGRP.
    pub(super) fn echo(&mut self, command: IaxCommand, of: Timestamp, ies: &IeBuffer) {
        let ies = ies.view();
        let body = Body::Iax { command, ies };
        let _is_full = self.link.reliable.send_stamped(self.now, of, body);
    }
}
