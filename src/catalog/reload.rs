//! Reload: an accepted configuration comes into force pointer by pointer.
//!
//! Each entry keeps its place and its contact; only its settings are swapped, in one step, so a lookup of a name that is in
//! both configurations never misses. Entries swap one by one: until the reload returns, some calls may begin with the older
//! file and some with the newer, but each with one of them.
//!
//! The catalog counts the configurations it accepts. An entry carries the count of its settings, its *epoch*, and whoever
//! links or changes one compares: so a row that is linked while a reload is under way ends up with the newer
//! general settings, whichever of the two threads is slower.
//!
//! # Deviations
//!
//! - chan_iax2 takes an object out of its container, rebuilds it in place and puts it back. A lookup in between misses,
//!   and a reader sees strings freed under it. Here nothing is rebuilt.
//! - chan_iax2 drops everything realtime-cached at every reload. Here a cached row whose contact is not stored yet, or about
//!   whose name somebody waits for an answer, stays and gets the new general settings.

use super::entry::{Entry, Kept, Moved, Standing, Unlinked};
use super::guest;
use super::published::Published;
use super::{Catalog, Origin, Pruned};
use crate::engine::directory::Generation;
use crate::engine::settings::{Configuration, General, Name, Settings};
use crate::registry::{Family, Ref};

/// The configuration that is in force, and those that wait.
pub(super) struct Accepted {
    /// Counts accepted configurations.
    epoch: u64,
    general: General,
    /// Users that may call without their name, in the order of the file.
    pub(super) guests: Vec<Name>,
    /// Whether a thread is applying one.
    is_applying: bool,
    /// What that thread is to apply next.
    next: Option<Configuration>,
}

impl Accepted {
    pub(super) fn new() -> Self {
        Accepted {
            epoch: 0,
            general: General::default(),
            guests: Vec::new(),
            is_applying: false,
            next: None,
        }
    }
}

impl<F: Family> Catalog<F> {
    /// Puts a configuration into force: new names are linked, known ones get their new settings, absent ones are unlinked and
    /// lose their contact, and cached rows are evicted where nothing would be lost.
    ///
    /// Configurations are applied one at a time, in the order of the calls. Where another thread is in the middle of a
    /// reload, this call leaves its configuration to that thread and returns; one that waits there already
    /// is skipped, for this one is newer.
    pub fn reload(&self, configuration: Configuration) {
        let mut turn = self.take_turn(configuration);
        while let Some(configuration) = turn {
            self.apply(configuration);
            turn = self.next_turn();
        }
    }

    /// The configuration back where this thread is to apply it now.
    fn take_turn(&self, configuration: Configuration) -> Option<Configuration> {
        let mut accepted = F::lock(&self.accepted);
        if accepted.is_applying {
            accepted.next = Some(configuration);
            return None;
        }
        accepted.is_applying = true;
        Some(configuration)
    }

    fn next_turn(&self) -> Option<Configuration> {
        let mut accepted = F::lock(&self.accepted);
        let next = accepted.next.take();
        accepted.is_applying = next.is_some();
        next
    }

    fn apply(&self, configuration: Configuration) {
        let Configuration { general, entries } = configuration;
        self.gate.accept(&general);
        let epoch = self.accept(general.clone(), guest::names(&entries));
        for settings in entries {
            let general = general.clone();
            self.apply_entry(
                Settings {
                    general,
                    ..settings
                },
                epoch,
            );
        }
        for container in [&self.peers, &self.users] {
            for entry in container {
                self.sweep(&entry, epoch);
            }
        }
    }

    /// From here on rows are linked with these general settings.
    fn accept(&self, general: General, guests: Vec<Name>) -> u64 {
        let mut accepted = F::lock(&self.accepted);
        accepted.general = general;
        accepted.guests = guests;
        accepted.epoch += 1;
        accepted.epoch
    }

    /// The epoch and the general settings in force.
    pub(super) fn accepted(&self) -> (u64, General) {
        let accepted = F::lock(&self.accepted);
        (accepted.epoch, accepted.general.clone())
    }

    fn apply_entry(&self, settings: Settings, epoch: u64) {
        let (role, name) = (settings.role, settings.name.clone());
        let settings = self.published(settings);
        loop {
            if let Some(entry) = self.container(role).find(name.as_str()) {
                if self.publish(&entry, settings.clone(), epoch) {
                    return;
                }
                // Evicted under our hands: its place is free now.
                continue;
            }
            let beginning = self.beginning(&name, None, Generation::default());
            let entry = Entry::new(Origin::Static, settings.clone(), epoch, beginning);
            let entry = Ref::new(self.ledger(), entry);
            let linked = self.container(role).link(name.clone(), entry.clone());
            if linked.is_ok() {
                self.settle_contact(&entry);
                self.begun(&entry);
                return;
            }
        }
    }

    /// Swaps the settings of an entry; false where its name no longer stands on it.
    fn publish(&self, entry: &Ref<Entry<F>, F>, settings: Ref<Published, F>, epoch: u64) -> bool {
        let has_limit = settings.settings().dialogues_per_ip_max.is_some();
        let Ok((old, moved)) = entry.publish(settings, epoch) else {
            self.forget(entry);
            return false;
        };
        // The lock is released: the old settings may end here.
        let had_limit = old.is_some_and(|old| old.settings().dialogues_per_ip_max.is_some());
        if let Some(moved) = moved {
            self.follow(entry, moved);
        }
        if let Some(contact) = entry.status().contact.filter(|_| had_limit || has_limit) {
            self.settle_limit(entry, contact.address.ip());
        }
        true
    }

    /// Ends or renews an entry that the configuration of `epoch` does not name.
    fn sweep(&self, entry: &Ref<Entry<F>, F>, epoch: u64) {
        match entry.standing(epoch) {
            Standing::Current => {}
            Standing::Absent => self.remove(entry, epoch),
            Standing::Outdated => {
                if self.evict(entry) == Pruned::NotStored {
                    self.catch_up(entry);
                }
            }
        }
    }

    /// Unlinks a name of the file that the configuration of `epoch` does not have. What the store has of it waits for the
    /// name's return.
    fn remove(&self, entry: &Ref<Entry<F>, F>, epoch: u64) {
        loop {
            // Before the entry goes: whoever links the name next counts on from here.
            let seen = self.raise_floor(entry);
            match entry.remove(epoch, seen) {
                Ok((Moved { from, .. }, remains)) => {
                    self.park(entry, remains);
                    self.unlink(entry, from);
                    return;
                }
                Err(Kept::Changed) => {}
                Err(_) => return,
            }
        }
    }

    /// Gives a cached row the general settings in force, where it was linked under older ones.
    pub(super) fn catch_up(&self, entry: &Ref<Entry<F>, F>) {
        loop {
            let (epoch, general) = self.accepted();
            if entry.standing(epoch) != Standing::Outdated {
                return;
            }
            let Some(old) = entry.settings() else {
                return;
            };
            let settings = old.settings().clone().of_row_under(general);
            match entry.refresh(self.published(settings), epoch) {
                // A reload may have come since `accepted`: look again.
                Ok(to_drop) => drop(to_drop),
                // Nobody will find this entry again.
                Err(Unlinked) => return,
            }
        }
    }
}
