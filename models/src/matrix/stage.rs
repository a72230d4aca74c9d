//! What a cell is played on: lines in a registry, each of which holds the catalog's entry where the cell has one, and what each operation
//! needs before its thread begins.
//!
//! What stands there depends on the cell alone: the key is free where something is to be linked, and the row is evicted and asked for
//! again where the database is to answer. The stage itself holds nothing while the threads run, so that theirs are the last references.

use std::sync::Arc;

use iaxproof::engine::directory::{QueryId, Role};
use iaxproof::registry::{HashKey, Object, Ref, Registry};
use iaxproof_sim::administer::Administer;

use crate::explorer::Explorer;
use crate::matrix::{Cell, Operation, entries, lines};
use crate::subject::{KITCHEN, kept};
use crate::{Account, AnyDirectory, AnyHandle};

/// What a thread of a cell runs.
pub(super) type Job = Box<dyn FnOnce() -> String + Send>;

/// The key that the cell is about.
pub(super) const KEY: u64 = 1;
/// A key that is linked throughout, where somebody iterates.
pub(super) const OTHER: u64 = 2;

/// What is linked: a number that tells the objects apart, and perhaps a hold on the entry.
pub(super) struct Line<E: Explorer> {
    pub(super) number: u64,
    entry: Option<E::Mutex<Option<AnyHandle>>>,
}

impl<E: Explorer> Object<E> for Line<E> {
    const KIND: &'static str = "line";

    fn release(&self) {
        if let Some(entry) = &self.entry {
            let entry = E::lock(entry).take();
            drop(entry);
        }
    }
}

impl<E: Explorer> Line<E> {
    /// The entry, held once more.
    pub(super) fn entry(&self) -> Option<AnyHandle> {
        let entry = self.entry.as_ref()?;
        E::lock(entry).clone()
    }
}

/// References to a line.
pub(super) type Held<E> = Ref<Line<E>, E>;

pub(super) struct Stage<E: Explorer> {
    pub(super) lines: Arc<Registry<u64, Line<E>, E>>,
    /// Whether the cell is about a line too.
    has_lines: bool,
    /// Where the cell has an entry.
    directory: Option<Arc<AnyDirectory>>,
    /// The line that stands under the key, or stood there; and the entry. The operations take what they hold of them.
    first: Option<Held<E>>,
    handle: Option<AnyHandle>,
    /// The lookups that the database answers.
    asked: Vec<QueryId>,
}

impl<E: Explorer> Stage<E> {
    pub(super) fn set(cell: &Cell) -> Self {
        let directory = cell
            .has_an_entry()
            .then(|| Arc::new(entries::directory::<E>(cell)));
        let handle = directory.as_ref().map(|it| kept(&**it, KITCHEN));
        let has_lines = cell.operations.iter().any(|it| !it.is_of_an_entry());
        let mut stage = Stage {
            has_lines,
            lines: Arc::new(Registry::hash(Account::default(), HashKey(1, 2), 1)),
            directory,
            first: None,
            handle,
            asked: Vec::new(),
        };
        if has_lines {
            stage.link_lines(cell);
        }
        stage
    }

    fn link_lines(&mut self, cell: &Cell) {
        let first = self.line(10);
        if is_linked(cell) {
            self.must_link(KEY, first.clone());
        }
        if cell.has(Operation::Iterate) || cell.has(Operation::Visit) {
            self.must_link(OTHER, self.line(2));
        }
        self.first = Some(first);
    }

    fn must_link(&self, key: u64, line: Held<E>) {
        assert!(self.lines.link(key, line).is_ok(), "the key is free");
    }

    /// A new line of this number, which holds the entry.
    pub(super) fn line(&self, number: u64) -> Held<E> {
        let entry = self.handle.clone().map(|handle| E::mutex(Some(handle)));
        Ref::new(&Account::default(), Line { number, entry })
    }

    /// The line that the cell is about.
    pub(super) fn first(&self) -> &Held<E> {
        self.first
            .as_ref()
            .expect("a cell with operations on lines has one")
    }

    /// The catalog of a cell with operations on an entry.
    pub(super) fn directory(&self) -> &Arc<AnyDirectory> {
        self.directory
            .as_ref()
            .expect("a cell with operations on an entry has a catalog")
    }

    /// The catalog and the entry, to use what a line holds.
    pub(super) fn handle(&self) -> AnyHandle {
        self.handle
            .clone()
            .expect("a cell with operations on an entry has one")
    }

    /// The catalog, where there is one.
    pub(super) fn any_directory(&self) -> Option<Arc<AnyDirectory>> {
        self.directory.clone()
    }

    /// What each thread is to run. From here on the stage holds nothing but the registry and the catalog.
    pub(super) fn jobs(&mut self, cell: &Cell) -> Vec<Job> {
        let mut jobs: Vec<Option<Job>> = cell.operations.iter().map(|it| self.job(*it)).collect();
        if cell.has(Operation::Answer) {
            self.directory().prune(Role::Peer, KITCHEN);
        }
        for job in jobs.iter_mut().filter(|job| job.is_none()) {
            let (query, answer) = entries::answer(self.directory(), cell);
            self.asked.push(query);
            *job = Some(answer);
        }
        self.first = None;
        self.handle = None;
        jobs.into_iter().flatten().collect()
    }

    /// What one thread is to run; an answer waits until all others are made ready.
    fn job(&self, operation: Operation) -> Option<Job> {
        match operation {
            Operation::Answer => None,
            it if it.is_of_an_entry() => Some(entries::job(self, it)),
            it => Some(lines::job(self, it)),
        }
    }

    /// How things stand when all threads have ended.
    pub(super) fn stands(&self) -> String {
        let line = self.has_lines.then(|| match self.lines.find(&KEY) {
            Some(line) => format!("line {}", line.number),
            None => "no line".to_owned(),
        });
        let asked = self.asked.iter();
        let came = asked.map(|query| entries::came_of(self.directory(), *query).to_owned());
        let came: Vec<String> = came.collect();
        let entry = self.directory.as_deref().map(entries::stands);
        let all = line.into_iter().chain(came).chain(entry);
        all.collect::<Vec<_>>().join(", ")
    }
}

/// Whether the key is taken at the start. It is free where something is to be linked, and where the last reference is to go that nothing
/// else would take.
fn is_linked(cell: &Cell) -> bool {
    let is_taken = cell.has(Operation::Unlink) || cell.has(Operation::Replace);
    !cell.has(Operation::Link) && (is_taken || !cell.has(Operation::DropLast))
}
