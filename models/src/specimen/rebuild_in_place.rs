//! Counted objects whose live settings a reload rewrites: what chan_iax2 does since August 2007.
//!
//! Nothing is freed under its user here. But a reload takes the object out of its container, writes its fields one after
//! another and puts it back, so a lookup in between misses, and a call that reads meanwhile sees half of each
//! configuration. What is written to an object that was unlinked is lost without a word.

use core::fmt;
use core::net::SocketAddr;
use std::collections::BTreeMap;

use iaxproof::catalog::{Answer, Question, Row, Write};
use iaxproof::engine::directory::{
    Contact, Directory, Expiry, Generation, Lookup, Noted, QueryId, Reachability, Refused, Role,
    Stale, TokenKey, Written,
};
use iaxproof::engine::settings::{Configuration, General, Host, Name, Settings};
use iaxproof::registry::{Family, HashKey, Object, Ref, Registry};
use iaxproof::time::Instant;
use iaxproof_sim::administer::PeerVisitor;

use super::desk::Desk;

/// A directory of counted objects that are rebuilt where they are.
pub struct RebuildInPlace<F: Family> {
    peers: Registry<Name, Live<F>, F>,
    users: Registry<Name, Live<F>, F>,
    desk: F::Mutex<Desk<Ref<Live<F>, F>>>,
    general: F::Mutex<General>,
    /// What was stored when the process began (chan_iax2: astdb), for names that a reload builds.
    stored: F::Mutex<BTreeMap<Name, Contact>>,
    token_key: TokenKey,
    has_database: bool,
    ledger: F::Ledger,
}

/// A peer or a user.
pub struct Live<F: Family> {
    name: Name,
    role: Role,
    fields: F::Mutex<Fields>,
}

/// All of it, guarded by one lock; whoever holds it sees one moment, and two holds see two.
struct Fields {
    settings: Settings,
    is_cached: bool,
    contact: Option<Contact>,
    generation: Generation,
    reachability: Reachability,
}

impl<F: Family> Object<F> for Live<F> {
    const KIND: &'static str = "live entry";

    fn release(&self) {
        // It owns no reference.
    }
}

impl<F: Family> Live<F> {
    fn new(settings: Settings, is_cached: bool) -> Self {
        let (name, role) = (settings.name.clone(), settings.role);
        let mut fields = Fields {
            settings,
            is_cached,
            contact: None,
            generation: Generation(0),
            reachability: Reachability::Unknown,
        };
        fields.contact = fields.home(Generation(0));
        Live {
            name,
            role,
            fields: F::mutex(fields),
        }
    }

    /// Field by field, as C assigns them: each assignment is a critical section of its own.
    fn rebuild(&self, settings: Settings) {
        let moves = F::lock(&self.fields).settings.host != settings.host;
        F::lock(&self.fields).settings.secrets = settings.secrets;
        F::lock(&self.fields).settings.host = settings.host;
        F::lock(&self.fields).settings.capability = settings.capability;
        F::lock(&self.fields).settings.extensions = settings.extensions;
        F::lock(&self.fields).settings.general = settings.general;
        F::lock(&self.fields).is_cached = false;
        if moves {
            F::lock(&self.fields).move_home();
        }
    }
}

impl Fields {
    fn home(&self, generation: Generation) -> Option<Contact> {
        match (self.settings.role, self.settings.host) {
            (Role::Peer, Host::Fixed(address)) => Some(Contact {
                address,
                deadline: None,
                generation,
            }),
            _ => None,
        }
    }

    fn move_home(&mut self) {
        self.generation = Generation(self.generation.0 + 1);
        self.contact = self.home(self.generation);
    }

    fn move_to(&mut self, address: SocketAddr, deadline: Instant) {
        self.generation = Generation(self.generation.0 + 1);
        let generation = self.generation;
        self.contact = Some(Contact {
            address,
            deadline: Some(deadline),
            generation,
        });
    }

    fn contact_at(&self, now: Instant) -> Option<Contact> {
        self.contact.filter(|contact| holds(contact, now))
    }

    fn write(&self) -> Option<Write> {
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

fn holds(contact: &Contact, now: Instant) -> bool {
    contact.deadline.is_none_or(|deadline| now < deadline)
}

impl<F: Family> RebuildInPlace<F> {
    /// An empty directory of one shard for each role. `has_database` says whether a name that is not linked is asked for.
    pub fn new(
        ledger: F::Ledger,
        hash_key: HashKey,
        token_key: TokenKey,
        has_database: bool,
    ) -> Self {
        RebuildInPlace {
            peers: Registry::hash(ledger.clone(), hash_key, 1),
            users: Registry::hash(ledger.clone(), hash_key, 1),
            desk: F::mutex(Desk::new()),
            general: F::mutex(General::default()),
            stored: F::mutex(BTreeMap::new()),
            token_key,
            has_database,
            ledger,
        }
    }

    /// Unlinks, rewrites and links what is kept; unlinks what the configuration does not name.
    pub fn reload(&self, configuration: Configuration) {
        let Configuration { general, entries } = configuration;
        *F::lock(&self.general) = general.clone();
        let kept: Vec<_> = entries
            .iter()
            .map(|entry| (entry.role, entry.name.clone()))
            .collect();
        for settings in entries {
            self.build(Settings {
                general: general.clone(),
                ..settings
            });
        }
        for container in [&self.peers, &self.users] {
            for live in container {
                let stays = kept
                    .iter()
                    .any(|(role, name)| *role == live.role && *name == live.name);
                if !stays {
                    drop(container.unlink_object(live.name.as_str(), &live));
                }
            }
        }
    }

    fn build(&self, settings: Settings) {
        let (role, name) = (settings.role, settings.name.clone());
        let live = match self.container(role).unlink(name.as_str()) {
            Some(live) => {
                live.rebuild(settings);
                live
            }
            None => {
                let live = Live::<F>::new(settings, false);
                self.seed(&live);
                Ref::new(&self.ledger, live)
            }
        };
        drop(self.container(role).replace(name, live));
    }

    /// What the database had of a name when the process began.
    pub fn restore(&self, stored: Write, now: Instant) {
        let Some((address, deadline)) = stored.contact.filter(|(_, deadline)| now < *deadline)
        else {
            return;
        };
        let contact = Contact {
            address,
            deadline: Some(deadline),
            generation: stored.generation,
        };
        F::lock(&self.stored).insert(stored.name, contact);
    }

    fn seed(&self, live: &Live<F>) {
        if live.role == Role::User {
            return;
        }
        let stored = F::lock(&self.stored).remove(&live.name);
        let mut fields = F::lock(&live.fields);
        fields.contact = fields.contact.or(stored);
    }

    /// Unlinks a cached row, stored or not.
    pub fn prune(&self, role: Role, name: &str) -> bool {
        let Some(live) = self.container(role).find(name) else {
            return false;
        };
        let is_cached = F::lock(&live.fields).is_cached;
        is_cached && self.container(role).unlink_object(name, &live).is_some()
    }

    /// Takes a registered contact away.
    pub fn unregister(&self, name: &str) -> bool {
        let Some(live) = self.peers.find(name) else {
            return false;
        };
        let mut fields = F::lock(&live.fields);
        let registered = fields
            .contact
            .is_some_and(|contact| contact.deadline.is_some());
        if registered {
            fields.move_home();
        }
        registered
    }

    /// The next question for the database.
    pub fn poll_question(&self) -> Option<Question> {
        F::lock(&self.desk).poll_question()
    }

    /// The database answered.
    pub fn answer(&self, id: QueryId, answer: Answer, now: Instant) {
        let Some(question) = F::lock(&self.desk).open(id) else {
            return;
        };
        let linked = self.container(question.role).find(question.name.as_str());
        let lookup = match (linked, answer) {
            (Some(live), _) => Lookup::Found(live),
            (None, Answer::Row(row)) => Lookup::Found(self.admit(row, now)),
            (None, Answer::Absent) => Lookup::Unknown,
            (None, Answer::Failed) => Lookup::Failed,
        };
        let unwanted = F::lock(&self.desk).close(id, lookup);
        drop(unwanted);
    }

    fn admit(&self, row: Row, now: Instant) -> Ref<Live<F>, F> {
        let general = F::lock(&self.general).clone();
        let settings = Settings {
            general,
            ..row.settings
        };
        let (role, name) = (settings.role, settings.name.clone());
        let live = Live::<F>::new(settings, true);
        {
            let mut fields = F::lock(&live.fields);
            fields.contact = row.contact.filter(|contact| holds(contact, now));
            fields.generation = row.generation;
        }
        let live = Ref::new(&self.ledger, live);
        drop(self.container(role).replace(name, live.clone()));
        live
    }

    /// The next contact for the database.
    pub fn poll_write(&self) -> Option<Write> {
        F::lock(&self.desk).poll_write()
    }

    /// The ledger that the objects are written in.
    pub fn ledger(&self) -> &F::Ledger {
        &self.ledger
    }

    /// Shows every linked peer with its contact.
    pub fn visit_peers(&self, now: Instant, visitor: PeerVisitor<'_>) {
        for live in &self.peers {
            let (contact, reachability) = {
                let fields = F::lock(&live.fields);
                (fields.contact_at(now), fields.reachability)
            };
            visitor(&live.name, contact, reachability);
        }
    }

    fn container(&self, role: Role) -> &Registry<Name, Live<F>, F> {
        match role {
            Role::Peer => &self.peers,
            Role::User => &self.users,
        }
    }

    fn write(&self, live: &Live<F>, change: impl FnOnce(&mut Fields)) -> Generation {
        let (generation, write) = {
            let mut fields = F::lock(&live.fields);
            change(&mut fields);
            (fields.generation, fields.write())
        };
        if let Some(write) = write {
            F::lock(&self.desk).queue(write);
        }
        generation
    }
}

impl<F: Family> Directory for RebuildInPlace<F> {
    type Handle = Ref<Live<F>, F>;
    /// The live object: there is nothing else to hold.
    type Snapshot = Ref<Live<F>, F>;

    fn find(&self, role: Role, name: &str) -> Lookup<Self::Handle> {
        match self.container(role).find(name) {
            Some(live) => Lookup::Found(live),
            None if self.has_database => F::lock(&self.desk).ask(role, name),
            None => Lookup::Unknown,
        }
    }

    fn take_answer(&self, query: QueryId) -> Lookup<Self::Handle> {
        F::lock(&self.desk).take_answer(query)
    }

    fn find_peer_at(&self, address: SocketAddr, now: Instant) -> Option<Self::Handle> {
        let is_there = |live: &Self::Handle| {
            let contact = F::lock(&live.fields).contact_at(now);
            contact.is_some_and(|contact| contact.address == address)
        };
        self.peers.iter().find(is_there)
    }

    fn settings(&self, handle: &Self::Handle) -> Result<Self::Snapshot, Stale> {
        Ok(handle.clone())
    }

    fn read<R>(
        &self,
        snapshot: &Self::Snapshot,
        read: impl FnOnce(&Settings) -> R,
    ) -> Result<R, Stale> {
        Ok(read(&F::lock(&snapshot.fields).settings))
    }

    fn contact(&self, handle: &Self::Handle, now: Instant) -> Result<Option<Contact>, Stale> {
        Ok(F::lock(&handle.fields).contact_at(now))
    }

    fn register(
        &self,
        handle: &Self::Handle,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Written, Refused> {
        let written = self.write(handle, |fields| fields.move_to(address, deadline));
        Ok(Written::Done(written))
    }

    fn release(&self, handle: &Self::Handle) -> Result<Written, Refused> {
        Ok(Written::Done(self.write(handle, Fields::move_home)))
    }

    fn expire(
        &self,
        handle: &Self::Handle,
        generation: Generation,
        now: Instant,
    ) -> Result<Expiry, Stale> {
        let mut expiry = Expiry::Superseded;
        self.write(handle, |fields| {
            let due = fields
                .contact
                .filter(|contact| contact.generation == generation && !holds(contact, now));
            if due.is_some() {
                fields.move_home();
                expiry = Expiry::Expired;
            }
        });
        Ok(expiry)
    }

    fn reachability(&self, handle: &Self::Handle) -> Result<Reachability, Stale> {
        Ok(F::lock(&handle.fields).reachability)
    }

    fn note_reachability(
        &self,
        handle: &Self::Handle,
        generation: Generation,
        reachability: Reachability,
    ) -> Result<Noted, Stale> {
        let mut fields = F::lock(&handle.fields);
        if fields.generation != generation {
            return Ok(Noted::Superseded);
        }
        fields.reachability = reachability;
        Ok(Noted::Kept)
    }

    fn token_key(&self) -> TokenKey {
        self.token_key.clone()
    }
}

impl<F: Family> fmt::Debug for Live<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<F: Family> fmt::Debug for RebuildInPlace<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RebuildInPlace")
            .field("peers", &self.peers)
            .finish_non_exhaustive()
    }
}
