//! What a world needs of a directory beyond what the endpoint asks: to change it from outside ([`Administer`]) and to look into
//! it ([`Observe`]). Implemented here for the catalog that ships; other designs implement both and live in the same world.

use iaxproof::catalog::{Answer, Catalog, Pruned, Question, Unregistered, Write};
use iaxproof::engine::directory::{Contact, Directory, Generation, QueryId, Reachability, Role};
use iaxproof::engine::settings::{Configuration, Name};
use iaxproof::registry::Family;
use iaxproof::registry::ledger::{Book, Ledger};
use iaxproof::time::Instant;

/// What the operator and the database do to a directory.
pub trait Administer {
    /// An accepted configuration comes into force.
    fn reload(&self, configuration: Configuration);
    /// Evicts a cached row, where nothing of it would be lost; whether it is gone.
    fn prune(&self, role: Role, name: &str) -> bool;
    /// Takes a registered contact away, at once or when the database has stored that it is gone.
    fn unregister(&self, name: &str) -> Unregistered;
    /// The next question for the database. Each wants one [`Administer::answer`].
    fn poll_question(&self) -> Option<Question>;
    /// The database answers a question.
    fn answer(&self, query: QueryId, answer: Answer, now: Instant);
    /// The next contact for the database. Each wants a [`Administer::stored`] or a [`Administer::not_stored`].
    fn poll_write(&self) -> Option<Write>;
    /// The database has stored the write of this generation.
    fn stored(&self, name: &str, generation: Generation);
    /// The database has not stored the write of this generation.
    fn not_stored(&self, name: &str, generation: Generation);
    /// What the database had when the process began, before the first reload.
    fn restore(&self, stored: Write, now: Instant);
}

/// Is shown peers one by one.
pub type PeerVisitor<'a> = &'a mut dyn FnMut(&Name, Option<Contact>, Reachability);

/// What checkers read of a directory.
pub trait Observe: Directory {
    /// Objects that were made and whose destructor has not begun.
    fn live_objects(&self) -> usize;
    /// What the design itself reports, such as a stale use; empty while all is well.
    fn faults(&self) -> Vec<String>;
    /// Every live object and every reference to it, for people.
    fn ledger_report(&self) -> String;
    /// The references that are out, and those that the directory's own links account for. `None` where the design keeps no account.
    fn references(&self) -> Option<References> {
        None
    }
    /// The dialogues that began without a token. `None` where the design does not count them.
    fn unvalidated(&self) -> Option<usize> {
        None
    }
    /// Where the peer of a name that is not linked would be found once it is; `None` where the database alone knows.
    fn parked(&self, name: &str) -> Option<Option<Contact>> {
        let _ = name;
        None
    }
    /// The peers that are linked, each held; none where the design cannot tell.
    fn linked_peers(&self) -> Vec<Self::Handle> {
        Vec::new()
    }
    /// Shows every linked peer with the contact that it has at `now`, and what the last POKE said. Asks no database.
    fn visit_peers(&self, now: Instant, visitor: PeerVisitor<'_>);
}

/// References of one directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// All that are out.
    pub held: usize,
    /// Those that the directory's own containers, indexes and queues hold.
    pub links: usize,
}

/// A ledger that can be read back. Implemented by the book; a checking family implements it for its own.
pub trait Census: Ledger {
    /// Objects made and not destroyed.
    fn live_objects(&self) -> usize;
    /// References out in all.
    fn references(&self) -> usize;
    /// One line per live object and per reference.
    fn report(&self) -> String;
}

impl Census for Book {
    fn live_objects(&self) -> usize {
        Book::live_objects(self)
    }

    fn references(&self) -> usize {
        Book::references(self)
    }

    fn report(&self) -> String {
        Book::report(self)
    }
}

macro_rules! pass_on {
    ($($shared:ty),*) => {$(
        impl<D: Administer + ?Sized> Administer for $shared {
            fn reload(&self, configuration: Configuration) {
                (**self).reload(configuration);
            }

            fn prune(&self, role: Role, name: &str) -> bool {
                (**self).prune(role, name)
            }

            fn unregister(&self, name: &str) -> Unregistered {
                (**self).unregister(name)
            }

            fn poll_question(&self) -> Option<Question> {
                (**self).poll_question()
            }

            fn answer(&self, query: QueryId, answer: Answer, now: Instant) {
                (**self).answer(query, answer, now);
            }

            fn poll_write(&self) -> Option<Write> {
                (**self).poll_write()
            }

            fn stored(&self, name: &str, generation: Generation) {
                (**self).stored(name, generation);
            }

            fn not_stored(&self, name: &str, generation: Generation) {
                (**self).not_stored(name, generation);
            }

            fn restore(&self, stored: Write, now: Instant) {
                (**self).restore(stored, now);
            }
        }

        impl<D: Observe + ?Sized> Observe for $shared {
            fn live_objects(&self) -> usize {
                (**self).live_objects()
            }

            fn faults(&self) -> Vec<String> {
                (**self).faults()
            }

            fn ledger_report(&self) -> String {
                (**self).ledger_report()
            }

            fn references(&self) -> Option<References> {
                (**self).references()
            }

            fn parked(&self, name: &str) -> Option<Option<Contact>> {
                (**self).parked(name)
            }

            fn unvalidated(&self) -> Option<usize> {
                (**self).unvalidated()
            }

            fn linked_peers(&self) -> Vec<Self::Handle> {
                (**self).linked_peers()
            }

            fn visit_peers(&self, now: Instant, visitor: PeerVisitor<'_>) {
                (**self).visit_peers(now, visitor);
            }
        }
    )*};
}

#[expect(
    clippy::disallowed_types,
    reason = "threads of a world share their directory by it; the directory itself does not"
)]
mod shared {
    use std::sync::Arc;

    use super::*;

    pass_on!(&D, Arc<D>);
}

impl<F: Family> Administer for Catalog<F> {
    fn reload(&self, configuration: Configuration) {
        Catalog::reload(self, configuration);
    }

    fn prune(&self, role: Role, name: &str) -> bool {
        Catalog::prune(self, role, name) == Pruned::Evicted
    }

    fn unregister(&self, name: &str) -> Unregistered {
        Catalog::unregister(self, name)
    }

    fn poll_question(&self) -> Option<Question> {
        Catalog::poll_question(self)
    }

    fn answer(&self, query: QueryId, answer: Answer, now: Instant) {
        Catalog::answer(self, query, answer, now);
    }

    fn poll_write(&self) -> Option<Write> {
        Catalog::poll_write(self)
    }

    fn stored(&self, name: &str, generation: Generation) {
        Catalog::stored(self, name, generation);
    }

    fn not_stored(&self, name: &str, generation: Generation) {
        Catalog::not_stored(self, name, generation);
    }

    fn restore(&self, stored: Write, now: Instant) {
        Catalog::restore(self, stored, now);
    }
}

impl<F: Family<Ledger: Census>> Observe for Catalog<F> {
    fn live_objects(&self) -> usize {
        self.ledger().live_objects()
    }

    fn faults(&self) -> Vec<String> {
        // A counted handle cannot go stale; a broken rule ends the execution in the family.
        Vec::new()
    }

    fn ledger_report(&self) -> String {
        self.ledger().report()
    }

    /// Each linked entry is held by its container and holds one settings object; each hint of the address index holds an entry.
    fn references(&self) -> Option<References> {
        let entries = self.len(Role::Peer) + self.len(Role::User);
        Some(References {
            held: self.ledger().references(),
            links: 2 * entries + self.address_hints(),
        })
    }

    fn unvalidated(&self) -> Option<usize> {
        Some(self.admitted().unvalidated)
    }

    fn parked(&self, name: &str) -> Option<Option<Contact>> {
        Catalog::parked(self, name)
    }

    fn linked_peers(&self) -> Vec<Self::Handle> {
        self.entries(Role::Peer).collect()
    }

    fn visit_peers(&self, now: Instant, visitor: PeerVisitor<'_>) {
        for entry in self.entries(Role::Peer) {
            // One lock for all that is asked: worlds ask after every event.
            let status = entry.status();
            let holds = |contact: &Contact| contact.deadline.is_none_or(|deadline| now < deadline);
            if status.linked {
                visitor(
                    entry.name(),
                    status.contact.filter(holds),
                    status.reachability,
                );
            }
        }
    }
}
