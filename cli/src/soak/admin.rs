//! The admin's thread: storms of reloads, evictions and unregistrations, and walks that keep what they saw for a while.

use std::sync::Arc;
use std::time::Duration;

use iaxproof::catalog::{Entry, Origin, Pruned};
use iaxproof::engine::directory::{Role, TokenKey};
use iaxproof::registry::{Family, Ref};

use super::World;
use super::pace::Dice;
use super::post::{News, Post};
use super::tally::Count;
use crate::clock::pause;

/// The most operations of one storm.
const STORM_MAX: usize = 24;
/// The longest calm after one, in milliseconds: what the phones need to be registered again.
const CALM_MS_MAX: usize = 60;
/// The most walks whose entries are kept until later.
const WALKS_KEPT_MAX: usize = 4;

/// The admin.
pub(super) struct Admin<F: Family> {
    world: Arc<World<F>>,
    post: Post,
    dice: Dice,
    /// References to entries that may be long gone from their container.
    kept: Vec<Vec<Ref<Entry<F>, F>>>,
    serial: u64,
}

impl<F: Family> Admin<F> {
    /// One that has not done anything yet.
    pub(super) fn new(world: Arc<World<F>>, post: Post, dice: Dice) -> Self {
        Admin {
            world,
            post,
            dice,
            kept: Vec::new(),
            serial: 0,
        }
    }

    /// Storms until it is told to stop.
    pub(super) fn run(mut self) {
        while !self.world.is_stopping() {
            for _ in 0..=self.dice.below(STORM_MAX) {
                self.do_one();
            }
            pause(Duration::from_millis(self.dice.below(CALM_MS_MAX) as u64));
        }
    }

    fn do_one(&mut self) {
        match self.dice.below(10) {
            0..=3 => self.reload(),
            4 => self.evict_all(),
            5..=6 => self.evict_one(),
            7 => self.unregister_one(),
            8 => self.walk(),
            _ => self.rotate_key(),
        }
    }

    fn reload(&mut self) {
        self.serial += 1;
        let world = &self.world;
        let next = world.town.configuration(&mut self.dice, self.serial);
        world.catalog.reload(next);
        world.tally.note(Count::Reloads);
        // One of those that share a directory is enough.
        let worker = self.dice.below(world.town.workers);
        self.post.tell(worker, News::Reloaded);
    }

    fn evict_all(&self) {
        for role in [Role::Peer, Role::User] {
            for entry in self.world.catalog.entries(role) {
                if entry.status().origin == Origin::Realtime {
                    self.evict(role, entry.name().as_str());
                }
            }
        }
    }

    fn evict_one(&mut self) {
        let role = self.dice.pick(&[Role::Peer, Role::User]);
        let name = self.any_name();
        self.evict(role, &name);
    }

    fn evict(&self, role: Role, name: &str) {
        if self.world.catalog.prune(role, name) == Pruned::Evicted {
            self.world.tally.note(Count::Evictions);
        }
    }

    fn unregister_one(&mut self) {
        let name = self.any_name();
        let _done = self.world.catalog.unregister(&name);
        self.world.tally.note(Count::Unregistrations);
    }

    /// Keeps all entries, and lets go of those of a former walk.
    fn walk(&mut self) {
        let role = self.dice.pick(&[Role::Peer, Role::User]);
        let seen: Vec<_> = self.world.catalog.entries(role).collect();
        for entry in &seen {
            assert_eq!(entry.role(), role, "a container holds entries of one role");
        }
        self.kept.push(seen);
        if self.kept.len() > WALKS_KEPT_MAX {
            let gone = self.dice.below(self.kept.len());
            self.kept.swap_remove(gone);
        }
        self.world.tally.note(Count::Walks);
    }

    fn rotate_key(&mut self) {
        let key = TokenKey(self.dice.octets());
        self.world
            .catalog
            .rotate_token_key(key, self.world.pace.now());
    }

    fn any_name(&mut self) -> String {
        let peer = self.dice.below(self.world.town.peers);
        self.world.town.name(peer).to_string()
    }
}
