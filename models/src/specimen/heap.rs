//! The memory of the 2007 specimen: slots, and pointers that keep nothing. A slot knows which object lies in it, so a pointer
//! that is stale is told, and the fault recorded.

use core::net::SocketAddr;

use iaxproof::catalog::Write;
use iaxproof::engine::directory::{Contact, Generation, Reachability, Role, Stale};
use iaxproof::engine::settings::{Host, Settings};
use iaxproof::time::Instant;

/// A raw pointer: it keeps nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    slot: usize,
    object: u64,
}

/// What lies at a pointer.
pub(super) struct Entry {
    pub(super) settings: Settings,
    pub(super) is_cached: bool,
    pub(super) contact: Option<Contact>,
    pub(super) generation: Generation,
    pub(super) reachability: Reachability,
}

/// All memory of the specimen.
#[derive(Default)]
pub(super) struct Heap {
    pub(super) slots: Vec<Option<(u64, Entry)>>,
    objects_made: u64,
    pub(super) faults: Vec<String>,
}

impl Heap {
    pub(super) fn allocate(&mut self, entry: Entry) -> Pointer {
        self.objects_made += 1;
        let object = self.objects_made;
        let free = self.slots.iter().position(Option::is_none);
        let slot = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some((object, entry));
        Pointer { slot, object }
    }

    /// What the pointer means, or a fault where that is gone or another object lies there.
    pub(super) fn at(&mut self, pointer: Pointer, what: &str) -> Result<&mut Entry, Stale> {
        match &mut self.slots[pointer.slot] {
            Some((object, entry)) if *object == pointer.object => Ok(entry),
            _ => {
                let fault = format!(
                    "no-use-after-destroy: {what} of object {} after it was freed",
                    pointer.object
                );
                self.faults.push(fault);
                Err(Stale)
            }
        }
    }

    pub(super) fn free(&mut self, pointer: Pointer) -> Result<(), Stale> {
        self.at(pointer, "free")?;
        self.slots[pointer.slot] = None;
        Ok(())
    }
}

impl Entry {
    pub(super) fn new(settings: Settings, is_cached: bool) -> Self {
        let generation = Generation(0);
        let mut entry = Entry {
            settings,
            is_cached,
            contact: None,
            generation,
            reachability: Reachability::Unknown,
        };
        entry.contact = entry.fixed().map(|(address, deadline)| Contact {
            address,
            deadline,
            generation,
        });
        entry
    }

    pub(super) fn rebuild(&mut self, settings: Settings) {
        let moves = settings.host != self.settings.host;
        self.settings = settings;
        self.is_cached = false;
        if moves {
            self.move_to(self.fixed());
        }
    }

    pub(super) fn fixed(&self) -> Option<(SocketAddr, Option<Instant>)> {
        match (self.settings.role, self.settings.host) {
            (Role::Peer, Host::Fixed(address)) => Some((address, None)),
            _ => None,
        }
    }

    pub(super) fn move_to(&mut self, place: Option<(SocketAddr, Option<Instant>)>) {
        self.generation = Generation(self.generation.0 + 1);
        let generation = self.generation;
        self.contact = place.map(|(address, deadline)| Contact {
            address,
            deadline,
            generation,
        });
    }

    pub(super) fn contact_at(&self, now: Instant) -> Option<Contact> {
        self.contact.filter(|contact| holds(contact, now))
    }

    pub(super) fn write(&self) -> Option<Write> {
        let contact = self
            .contact
            .and_then(|contact| Some((contact.address, contact.deadline?)));
        let (name, generation) = (self.settings.name.clone(), self.generation);
        self.is_cached.then_some(Write {
            name,
            generation,
            contact,
        })
    }
}

pub(super) fn holds(contact: &Contact, now: Instant) -> bool {
    contact.deadline.is_none_or(|deadline| now < deadline)
}
