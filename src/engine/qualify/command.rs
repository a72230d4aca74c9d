//! What opens a POKE's dialogue: a contact that came, the timer, the application.

use core::net::SocketAddr;

use super::{
    Action, Arrival, Happening, POSTPONEMENT, Poke, Qualify, Reachability, State, Watch, patience,
};
use crate::engine::dialogue::Machine;
use crate::engine::directory::{Contact, Directory, Lookup, QueryId, Role, Stale};
use crate::engine::settings::Name;
use crate::engine::{Endpoint, Error, WorkerId};
use crate::time::Instant;

/// Peers for which the directory may be asked at once.
const QUESTIONS_MAX: usize = 1_024;

/// What is known of a peer that is to be poked.
struct Found {
    name: Name,
    contact: Option<Contact>,
    qualify: Option<Qualify>,
    before: Reachability,
}

impl<D: Directory> Endpoint<D> {
    /// Asks a peer whether it is there, now and from now on, if it has a contact and its settings say `qualify`; the application
    /// calls this for each peer when it has loaded a configuration. Where the directory has to ask the database, the
    /// peer is asked when the answer comes.
    ///
    /// # Errors
    ///
    /// Where the peer is unknown or has no contact, or the directory cannot say.
    pub fn qualify(&mut self, now: Instant, name: &str) -> Result<(), Error> {
        match self.context.directory.find(Role::Peer, name) {
            Lookup::Found(handle) => self.watch(now, handle),
            Lookup::Unknown => Err(Error::UnknownPeer),
            Lookup::Failed => Err(Error::LookupFailed),
            Lookup::Asked(query) => {
                let questions = &mut self.context.watches.questions;
                if questions.len() >= QUESTIONS_MAX && !questions.contains(&query) {
                    return Err(Error::LookupFailed);
                }
                questions.insert(query);
                Ok(())
            }
        }
    }

    /// The same for a peer of which every worker is told: one of them asks it. A registration's is the worker that will end it; a fixed
    /// host's is the first.
    ///
    /// # Errors
    ///
    /// As for [`Endpoint::qualify`], at that worker.
    pub fn qualify_own(&mut self, now: Instant, handle: D::Handle) -> Result<(), Error> {
        let workers = self.context.options.workers;
        let found = self.look_at(now, &handle);
        let is_own = workers.is_alone()
            || match &found {
                Ok(Found {
                    name,
                    contact:
                        Some(Contact {
                            deadline: Some(_),
                            generation,
                            ..
                        }),
                    ..
                }) => self.context.expires(name, *generation),
                _ => workers.me() == WorkerId(0),
            };
        match is_own {
            true => self.watch(now, handle),
            false => Ok(()),
        }
    }

    /// The directory answered a question that [`Endpoint::qualify`] asked, or another one.
    pub(in crate::engine) fn answer_watches(
        &mut self,
        now: Instant,
        query: QueryId,
        lookup: &Lookup<D::Handle>,
    ) {
        let was_asked = self.context.watches.questions.remove(&query);
        if let (true, Lookup::Found(handle)) = (was_asked, lookup) {
            // A peer without a contact is not asked, and nobody waits to hear that.
            let _has_contact = self.watch(now, handle.clone());
        }
    }

    /// Looks at a peer afresh.
    fn watch(&mut self, now: Instant, handle: D::Handle) -> Result<(), Error> {
        let Ok(found) = self.look_at(now, &handle) else {
            self.context.tell_stale("qualifying a peer");
            return Err(Error::LookupFailed);
        };
        let Some(contact) = found.contact else {
            self.stop_watching(now, &found.name);
            return Err(Error::NoContact);
        };
        self.watch_contact(now, handle, &found, contact);
        Ok(())
    }

    fn look_at(&self, now: Instant, handle: &D::Handle) -> Result<Found, Stale> {
        let directory = &self.context.directory;
        let contact = directory.contact(handle, now)?;
        let snapshot = directory.settings(handle)?;
        let (name, qualify) = directory.read(&snapshot, |settings| {
            (settings.name.clone(), settings.qualify)
        })?;
        Ok(Found {
            name,
            contact,
            qualify,
            before: directory.reachability(handle)?,
        })
    }

    /// The contacts that came in a dialogue's turn. A POKE leaves before what the dialogue had to send, as chan_iax2's
    /// leaves before its REGACK: `before` is how much waited to be sent when the turn began.
    pub(in crate::engine) fn take_arrivals(&mut self, now: Instant, before: usize) {
        if self.context.watches.arrivals.is_empty() {
            return;
        }
        let mut replies = self.context.transmits.split_off(before);
        while let Some(arrival) = self.context.watches.arrivals.pop_front() {
            self.arrive(now, arrival);
        }
        self.context.transmits.append(&mut replies);
    }

    /// Contacts came with rows of a database. They are asked at once, as those are that registrations bring.
    pub(in crate::engine) fn qualify_adopted(&mut self, now: Instant, adopted: Vec<D::Handle>) {
        for handle in adopted {
            let Ok(found) = self.look_at(now, &handle) else {
                self.context.tell_stale("qualifying a peer");
                continue;
            };
            if let (Some(contact), Some(_)) = (found.contact, found.qualify) {
                let arrival = Arrival {
                    handle,
                    name: found.name,
                    generation: contact.generation,
                    address: contact.address,
                    is_proven: true,
                };
                self.arrive(now, arrival);
            }
        }
    }

    /// A contact at a new address is asked at once; at the same address, in its time.
    fn arrive(&mut self, now: Instant, arrival: Arrival<D::Handle>) {
        self.context.take_over(&arrival.handle);
        let watch = self.context.watches.by_name.get_mut(&arrival.name);
        match watch {
            Some(watch) if watch.address == arrival.address => {
                watch.handle = arrival.handle;
                watch.generation = arrival.generation;
            }
            _ if !arrival.is_proven => self.stop_watching(now, &arrival.name),
            _ => {
                // Whoever is not to be asked is no fault of the registration.
                let _has_contact = self.watch(now, arrival.handle);
            }
        }
    }

    /// The poke timer of a watch fired.
    pub(in crate::engine) fn poke_is_due(&mut self, now: Instant, name: &Name) {
        let Some(watch) = self.context.watches.by_name.get_mut(name) else {
            return;
        };
        watch.timer = None;
        let (handle, generation) = (watch.handle.clone(), watch.generation);
        if self.context.is_taken_over(&handle) {
            return self.stop_watching(now, name);
        }
        let Ok(found) = self.look_at(now, &handle) else {
            self.stop_watching(now, name);
            self.context.tell_stale("poking a peer");
            return;
        };
        match found.contact {
            Some(contact) if contact.generation == generation => {
                self.watch_contact(now, handle, &found, contact);
            }
            _ => self.stop_watching(now, name),
        }
    }

    /// Too many POKEs are due at once.
    pub(in crate::engine) fn postpone_poke(&mut self, now: Instant, name: &Name) {
        self.context.rest(name, now + POSTPONEMENT);
    }

    fn watch_contact(&mut self, now: Instant, handle: D::Handle, found: &Found, contact: Contact) {
        let Some(qualify) = found.qualify else {
            self.forget_reachability(&handle, found, contact);
            self.stop_watching(now, &found.name);
            return;
        };
        self.enter_watch(&found.name, handle, contact);
        if self.step_watch(now, &found.name, Happening::Due) == Some(Action::Poke) {
            self.poke(now, found, qualify, contact.address);
        }
    }

    /// Whoever is not asked any more may be called again, whatever the last POKE said.
    fn forget_reachability(&mut self, handle: &D::Handle, found: &Found, contact: Contact) {
        if found.before == Reachability::Unknown {
            return;
        }
        let directory = &self.context.directory;
        let unknown = Reachability::Unknown;
        match directory.note_reachability(handle, contact.generation, unknown) {
            Ok(_) => self
                .context
                .tell_reachability(&found.name, found.before, unknown),
            Err(Stale) => self.context.tell_stale("forgetting a peer's reachability"),
        }
    }

    /// The watch over this contact: a new one, or the one that there is.
    fn enter_watch(&mut self, name: &Name, handle: D::Handle, contact: Contact) {
        self.context.take_over(&handle);
        let watches = &mut self.context.watches.by_name;
        if let Some(watch) = watches.get_mut(name) {
            watch.handle = handle;
            (watch.generation, watch.address) = (contact.generation, contact.address);
        } else if watches.len() < self.context.options.registrations_max {
            let watch = Watch {
                handle,
                generation: contact.generation,
                address: contact.address,
                state: State::Resting,
                timer: None,
                dialogue: None,
            };
            watches.insert(name.clone(), watch);
        } else {
            self.context.dropped.refused += 1;
        }
    }

    /// Follows the table; timer and dialogue of the former state are let go.
    fn step_watch(&mut self, now: Instant, name: &Name, happening: Happening) -> Option<Action> {
        let watch = self.context.watches.by_name.get_mut(name)?;
        let (state, action) = watch.state.next(happening)?;
        watch.state = state;
        let (timer, dialogue) = (watch.timer.take(), watch.dialogue.take());
        if let Some(key) = timer {
            self.context.timers.cancel(key);
        }
        if let Some(local) = dialogue {
            self.let_go(now, local);
        }
        Some(action)
    }

    fn poke(&mut self, now: Instant, found: &Found, qualify: Qualify, address: SocketAddr) {
        let name = found.name.clone();
        let patience = patience(&qualify, found.before);
        let poke = Poke {
            name,
            qualify,
            patience,
        };
        let machine = Machine::Poke(Box::new(poke));
        if self.place(now, address, |_, _| machine).is_err() {
            let name = &found.name;
            if self.step_watch(now, name, Happening::NoNumber) == Some(Action::Rest) {
                self.context.rest(name, now + qualify.interval_not_ok);
            }
        }
    }

    fn stop_watching(&mut self, now: Instant, name: &Name) {
        if self.step_watch(now, name, Happening::Lost) == Some(Action::Stop) {
            self.context.unwatch(name);
        }
    }
}
