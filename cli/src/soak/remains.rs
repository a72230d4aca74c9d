//! What is left of a soak when its threads have ended: every name goes, and then there must be nothing.

use iaxproof::catalog::Catalog;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::Configuration;
use iaxproof::registry::Family;
use iaxproof::registry::ledger::{Book, Ledger, NoLedger};

/// How often rows are evicted and contacts stored until nothing is left: a row goes when its contact is stored.
const ROUNDS_MAX: usize = 8;

/// What is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remains {
    /// Names that could not be taken out.
    pub(super) entries: usize,
    /// Hints of the address index.
    pub(super) hints: usize,
    /// Dialogues that the limits still count.
    pub(super) dialogues: usize,
    /// Objects and references when the catalog was dropped, where somebody counted.
    pub(super) objects: Option<Objects>,
}

/// Objects whose memory is not free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    pub(super) count: usize,
    /// Who holds them, by line.
    pub(super) report: String,
}

/// A ledger that may know what is alive.
pub(super) trait Judge: Ledger {
    /// What is alive, where it is written down.
    fn objects(&self) -> Option<Objects>;
}

impl Judge for Book {
    fn objects(&self) -> Option<Objects> {
        Some(Objects {
            count: self.open_pages().len(),
            report: self.report(),
        })
    }
}

impl Judge for NoLedger {
    fn objects(&self) -> Option<Objects> {
        None
    }
}

/// Takes every name out, and drops the catalog.
pub(super) fn close<F: Family<Ledger: Judge>>(catalog: Catalog<F>, ledger: &F::Ledger) -> Remains {
    empty(&catalog);
    let mut remains = Remains {
        entries: catalog.len(Role::Peer) + catalog.len(Role::User),
        hints: catalog.address_hints(),
        dialogues: catalog.admitted().dialogues,
        objects: None,
    };
    drop(catalog);
    remains.objects = ledger.objects();
    remains
}

fn empty<F: Family>(catalog: &Catalog<F>) {
    catalog.reload(Configuration::default());
    for _ in 0..ROUNDS_MAX {
        while let Some(write) = catalog.poll_write() {
            catalog.stored(write.name.as_str(), write.generation);
        }
        for role in [Role::Peer, Role::User] {
            for entry in catalog.entries(role) {
                catalog.prune(role, entry.name().as_str());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::pace::Dice;
    use crate::soak::town::Town;
    use iaxproof::catalog::{CatalogOptions, Kind};
    use iaxproof::engine::directory::{Directory, Lookup, TokenKey};
    use iaxproof::registry::{Audited, HashKey};

    fn catalog(book: &Book) -> Catalog<Audited> {
        let catalog = Catalog::new(CatalogOptions {
            hash_key: HashKey(1, 2),
            shards: 1,
            container: Kind::Hash,
            token_key: TokenKey([3; 32]),
            database: true,
            dialogues_max: 8,
            ledger: book.clone(),
        });
        let town = Town {
            peers: 8,
            workers: 1,
        };
        catalog.reload(town.configuration(&mut Dice::new(1, 0), 0));
        catalog
    }

    #[test]
    fn nothing_is_left_where_nothing_was_kept() {
        let book = Book::default();
        let catalog = catalog(&book);
        assert!(book.live_objects() >= 8, "two peers and two users at least");
        let nothing = Remains {
            objects: Some(Objects::default()),
            ..Remains::default()
        };
        assert_eq!(close(catalog, &book), nothing);
    }

    #[test]
    fn a_reference_that_is_kept_is_named_with_its_line() {
        let book = Book::default();
        let catalog = catalog(&book);
        let Lookup::Found(kept) = catalog.find(Role::Peer, "always-0") else {
            panic!("it is in every configuration");
        };
        let left = close(catalog, &book).objects.expect("a book counts");
        assert_eq!(left.count, 2, "it and its settings: {}", left.report);
        assert!(left.report.contains("remains.rs"), "{}", left.report);
        drop(kept);
        assert_eq!(book.objects(), Some(Objects::default()));
    }

    #[test]
    fn a_dialogue_that_is_not_given_back_is_counted() {
        let book = Book::default();
        let catalog = catalog(&book);
        let ip = core::net::Ipv4Addr::LOCALHOST.into();
        let ticket = catalog.admit(ip, true).expect("there is room");
        assert_eq!(close(catalog, &book).dialogues, 1);
        drop(ticket);
    }
}
