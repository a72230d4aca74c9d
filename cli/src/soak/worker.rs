//! A worker's thread: a server's endpoint over the shared catalog, with the dial plan of `iaxproof serve`, and the phones that live on
//! this thread. Datagrams pass in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use iaxproof::engine::directory::Role;
use iaxproof::engine::{Endpoint, EndpointOptions, Event, Transmit};
use iaxproof::registry::Family;
use iaxproof::time::Instant;

use super::World;
use super::desk::Desk;
use super::pace::Dice;
use super::phone::Phone;
use super::post::{Mailbox, News, Parcel, Post};
use super::tally::Count;
use crate::clock::{Stopwatch, pause};
use crate::serve::application::Application;
use crate::serve::dialplan::Dialplan;

/// How long a thread rests that has nothing to do.
pub(super) const REST: Duration = Duration::from_micros(200);
/// How long every other worker goes on at the end, for calls to be hung up and registrations to be stored.
const FAREWELL: Duration = Duration::from_millis(300);
/// How long it waits for answers of the database, which comes to all of them.
const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// Datagrams that are carried in one turn; the rest waits for the next.
const PARCELS_PER_TURN_MAX: usize = 4_096;
/// The call numbers of a server: few, so that they are used again, and enough that they rest a minute in between.
const NUMBERS: core::ops::RangeInclusive<u16> = 2..=8_000;

/// A worker.
pub(super) struct Worker<F: Family> {
    world: Arc<World<F>>,
    index: usize,
    endpoint: Endpoint<Desk<F>>,
    application: Application,
    phones: BTreeMap<usize, Phone>,
    mailbox: Mailbox,
    post: Post,
    /// Datagrams that are being carried.
    bag: VecDeque<Parcel>,
    dice: Dice,
}

impl<F: Family> Worker<F> {
    pub(super) fn new(
        world: Arc<World<F>>,
        index: usize,
        mailbox: Mailbox,
        post: Post,
        mut dice: Dice,
    ) -> Self {
        let options = EndpointOptions {
            call_numbers: NUMBERS,
            asks_application: true,
            ..EndpointOptions::default()
        };
        let town = &world.town;
        let here = (0..town.peers).filter(|peer| town.worker_of(*peer) == index);
        let phones = here.map(|peer| (peer, Phone::new(town, peer, &mut dice)));
        Worker {
            phones: phones.collect(),
            endpoint: Endpoint::new(options, dice.octets(), Desk::new(Arc::clone(&world))),
            application: Application::new([0; 160].into(), Arc::new(Dialplan::built_in())),
            world,
            index,
            mailbox,
            post,
            bag: VecDeque::new(),
            dice,
        }
    }

    /// Works until it is told to stop, hangs up, takes the last answers, and gives everything back.
    pub(super) fn run(mut self) {
        while !self.world.is_stopping() {
            let has_acted = self.act();
            let has_worked = self.turn();
            if !has_acted && !has_worked {
                pause(REST);
            }
        }
        self.say_farewell();
    }

    /// The phones do what they want.
    fn act(&mut self) -> bool {
        let (now, town, dice) = (self.world.pace.now(), &self.world.town, &mut self.dice);
        let phones = self.phones.values_mut();
        phones.fold(false, |any, phone| phone.act(now, town, dice) | any)
    }

    /// Handles what there is; whether there was anything.
    fn turn(&mut self) -> bool {
        let now = self.world.pace.now();
        let has_news = self.take_news(now);
        let is_due = self.fire(now);
        self.hear(now);
        let mut carried = 0;
        while self.collect() && carried < PARCELS_PER_TURN_MAX {
            carried += self.bag.len();
            self.deliver_all(now);
            self.hear(now);
        }
        has_news || is_due || carried > 0
    }

    fn take_news(&mut self, now: Instant) -> bool {
        let (mut any, mut is_reloaded) = (false, false);
        while let Ok(news) = self.mailbox.news.try_recv() {
            any = true;
            match news {
                News::Answered(query) if self.endpoint.directory().has_asked(query) => {
                    self.endpoint.handle_answer(now, query);
                }
                News::Answered(_) => {}
                News::Stored(id) => self.endpoint.handle_stored(now, &id),
                News::Reloaded => is_reloaded = true,
            }
        }
        if is_reloaded {
            self.follow_reload(now);
        }
        any
    }

    /// As `iaxproof serve` does: names that are there again may have brought stored contacts, and who is to be qualified is.
    fn follow_reload(&mut self, now: Instant) {
        self.endpoint.adopt();
        let world = Arc::clone(&self.world);
        for peer in world.catalog.entries(Role::Peer) {
            // Whoever has no contact yet is asked when it registers.
            let _is_asked = self.endpoint.qualify(now, peer.name().as_str());
        }
    }

    fn fire(&mut self, now: Instant) -> bool {
        let next = self.endpoint.poll_timeout();
        let is_due = next.is_some_and(|(at, _)| at <= now);
        if is_due {
            self.endpoint.handle_timeout(now);
        }
        let phones = self.phones.values_mut();
        phones.fold(is_due, |any, phone| phone.fire(now) | any)
    }

    /// Puts everything into the bag that is for somebody on this thread, and sends on what is for others.
    fn collect(&mut self) -> bool {
        self.bag.extend(self.mailbox.parcels.try_iter());
        let here = self.world.town.server(self.index);
        let mut sent = Vec::new();
        sent.extend(core::iter::from_fn(|| self.endpoint.poll_transmit()).map(|it| (here, it)));
        for phone in self.phones.values_mut() {
            let from = phone.address;
            let transmits = core::iter::from_fn(|| phone.endpoint.poll_transmit());
            sent.extend(transmits.map(|it| (from, it)));
        }
        for (from, transmit) in sent {
            self.route(from, transmit);
        }
        !self.bag.is_empty()
    }

    fn route(&mut self, from: core::net::SocketAddr, transmit: Transmit) {
        let (to, payload) = (transmit.destination, transmit.payload);
        let parcel = Parcel { from, to, payload };
        match self.world.town.thread_at(to) {
            Some(thread) if thread == self.index => self.bag.push_back(parcel),
            Some(thread) => self.post.send(thread, parcel),
            None => {}
        }
    }

    fn deliver_all(&mut self, now: Instant) {
        for Parcel { from, to, payload } in core::mem::take(&mut self.bag) {
            self.world.tally.note(Count::Datagrams);
            let peer = self.world.town.phone_at(to);
            match peer.and_then(|peer| self.phones.get_mut(&peer)) {
                Some(phone) => phone.endpoint.handle_datagram(now, from, &payload),
                None => self.endpoint.handle_datagram(now, from, &payload),
            }
        }
    }

    /// Everybody looks at its events.
    fn hear(&mut self, now: Instant) {
        while let Some(event) = self.endpoint.poll_event() {
            self.note(&event);
            self.application.handle(now, &mut self.endpoint, event);
        }
        for phone in self.phones.values_mut() {
            phone.hear(now, &mut self.dice, &self.world.tally);
        }
    }

    fn note(&self, event: &Event) {
        let tally = &self.world.tally;
        match event {
            Event::Registered { .. } => tally.note(Count::Registrations),
            Event::Released { .. } => tally.note(Count::Releases),
            Event::Expired { .. } => tally.note(Count::Expiries),
            Event::Reachability { .. } => tally.note(Count::Reachabilities),
            Event::Ended { .. } => tally.note(Count::CallsEnded),
            Event::StaleHandle { what } => self.world.alarm.raise(
                "no-use-after-destroy",
                format!("the endpoint held a handle whose entry was destroyed: {what}"),
            ),
            _ => {}
        }
    }

    /// Gives everything back: of two workers one hangs up first, and one has to let go in the middle of everything.
    fn say_farewell(mut self) {
        if !self.index.is_multiple_of(2) {
            self.hang_up();
        }
        self.take_last_answers();
        self.endpoint.shutdown(self.world.pace.now());
        let dialogues = self.endpoint.counts().dialogues();
        if dialogues > 0 {
            let message = format!("{dialogues} dialogues outlived the shutdown of their endpoint");
            self.world.alarm.raise("no-leak", message);
        }
    }

    fn hang_up(&mut self) {
        let now = self.world.pace.now();
        self.application.stop(now, &mut self.endpoint);
        self.phones.values_mut().for_each(|phone| phone.stop(now));
        let watch = Stopwatch::start();
        while watch.elapsed() < FAREWELL {
            if !self.turn() {
                pause(REST);
            }
        }
    }

    /// Every question is answered, and every answer taken: one that nobody takes keeps its row.
    fn take_last_answers(&mut self) {
        let watch = Stopwatch::start();
        while self.endpoint.directory().waits() && watch.elapsed() < ANSWER_WAIT {
            if !self.take_news(self.world.pace.now()) {
                pause(REST);
            }
        }
        if self.endpoint.directory().waits() {
            let message = "a question to the database was not answered".to_owned();
            self.world.alarm.raise("answers-come", message);
        }
    }
}
