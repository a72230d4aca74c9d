//! The matrix: what can be done with one line of a registry and one entry of the catalog, each beside each other, and by threes.
//!
//! One table of operations, [`Operation::ALL`]; a cell is a multiset of two or three of them, and each runs on a thread of its own, on one
//! stage. A cell is a [`Scenario`], so it is proved, certified and replayed as one. Its outcome is what each operation said
//! and how things stand at the end.
//!
//! - Two operations: all pairs.
//! - Three: those of one object, a line or an entry, for a triple over both says what its pairs say.
//!
//! What the outcomes are judged by is in `sequential`; the operations themselves are in `lines`, `entries` and `calls`.

mod calls;
mod entries;
mod lines;
mod measured;
mod sequential;
mod stage;

use std::collections::BTreeSet;
use std::sync::{LazyLock, OnceLock};

use crate::explore::Source;
use crate::explorer::Explorer;
use crate::scenarios::{Bodies, Design, Reach, Scenario};
use crate::{Loom, Shuttle};

use self::stage::Stage;

/// What a thread of a cell does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// A lookup in the registry; what is found is used.
    Find,
    /// Another object is linked under the key.
    Link,
    /// Another object takes the place of the one under the key.
    Replace,
    /// The key's object is unlinked.
    Unlink,
    /// An iteration over all that is linked.
    Iterate,
    /// A visitor is shown all that is linked.
    Visit,
    /// A weak reference becomes a strong one.
    Upgrade,
    /// A reference goes, the last one where nothing else holds the object.
    DropLast,
    /// An operator's configuration comes into force that names the peer.
    Reload,
    /// The cached row is evicted.
    Prune,
    /// The database answers a lookup with the peer's row.
    Answer,
    /// The registration's timer fires.
    Expiry,
    /// The poke timer of a watch fires.
    Qualify,
    /// A worker places a call to the peer.
    CallStart,
    /// A worker hangs a call to the peer up, and goes.
    CallEnd,
    /// A worker connects the two ends of its bridged calls with each other and steps out.
    Transfer,
}

use Operation::{
    Answer, CallEnd, CallStart, DropLast, Expiry, Find, Iterate, Link, Prune, Qualify, Reload,
    Replace, Transfer, Unlink, Upgrade, Visit,
};

impl Operation {
    /// All of them, in the order of the matrix.
    pub const ALL: [Operation; 16] = [
        Find, Link, Replace, Unlink, Iterate, Visit, Upgrade, DropLast, Reload, Prune, Answer,
        Expiry, Qualify, CallStart, CallEnd, Transfer,
    ];

    /// The name in cells, as in `find_beside_unlink`.
    pub fn name(self) -> &'static str {
        match self {
            Find => "find",
            Link => "link",
            Replace => "replace",
            Unlink => "unlink",
            Iterate => "iterate",
            Visit => "visit",
            Upgrade => "upgrade",
            DropLast => "drop_last",
            Reload => "reload",
            Prune => "prune",
            Answer => "answer",
            Expiry => "expiry",
            Qualify => "qualify",
            CallStart => "call_start",
            CallEnd => "call_end",
            Transfer => "transfer",
        }
    }

    /// Whether it is done with an entry of the catalog, and not with a line of the registry.
    pub fn is_of_an_entry(self) -> bool {
        self >= Reload
    }

    /// Whether it takes effect at one moment, so that what it says must be what some order of the operations says. The others look, or
    /// write, more than once.
    fn is_atomic(self) -> bool {
        matches!(
            self,
            Find | Link | Replace | Unlink | Upgrade | DropLast | Prune | Answer | Expiry
        )
    }
}

/// Two or three operations on one stage.
#[derive(Debug)]
pub struct Cell {
    /// What each thread does, in the order of the matrix.
    pub operations: Vec<Operation>,
    /// What the operations say one after another, in any order; asked for before the first execution.
    sequential: OnceLock<BTreeSet<String>>,
}

impl Cell {
    fn new(operations: Vec<Operation>) -> Self {
        Cell {
            operations,
            sequential: OnceLock::new(),
        }
    }

    /// The name of the scenario.
    fn name(&self) -> String {
        let names: Vec<&str> = self.operations.iter().map(|it| it.name()).collect();
        names.join("_beside_")
    }

    fn has(&self, operation: Operation) -> bool {
        self.operations.contains(&operation)
    }

    /// Whether an entry of the catalog stands on its stage.
    fn has_an_entry(&self) -> bool {
        self.operations.iter().any(|it| it.is_of_an_entry())
    }

    fn scenario(self) -> Scenario {
        let cell: &'static Cell = Box::leak(Box::new(self));
        let name: &'static str = cell.name().leak();
        let bodies = Bodies {
            design: Design::Shipped,
            loom: Source::Generated(play::<Loom>, cell),
            shuttle: Source::Generated(play::<Shuttle>, cell),
        };
        Scenario {
            name,
            property: "no-use-after-destroy",
            about: "a cell of the matrix",
            threads: cell.operations.len(),
            reach: Reach::Reduced,
            preemptions_max: measured::bound_of(name),
            outcomes: &[],
            bodies: Box::leak(Box::new([bodies])),
        }
    }
}

/// One execution of a cell: the first operation on the thread that is there, each other one on its own.
fn play<E: Explorer>(cell: &'static Cell) -> String {
    let mut stage = Stage::<E>::set(cell);
    let mut jobs = stage.jobs(cell);
    let mine = jobs.remove(0);
    let others: Vec<_> = jobs.into_iter().map(E::spawn).collect();
    let mut said = vec![mine()];
    said.extend(others.into_iter().map(E::join));
    said.push(stage.stands());
    let outcome = said.join("; ");
    cell.judge(&outcome);
    outcome
}

/// Every cell: the pairs, and then the triples. They are made once and stay, as the scenarios that are written out do.
static CELLS: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    let of = |them: fn(&Operation) -> bool| {
        let them: Vec<Operation> = Operation::ALL.into_iter().filter(them).collect();
        multisets(&them, 3)
    };
    let pairs = multisets(&Operation::ALL, 2);
    let triples = of(|it| !it.is_of_an_entry())
        .into_iter()
        .chain(of(|it| it.is_of_an_entry()));
    let all = pairs.into_iter().chain(triples);
    all.map(|operations| Cell::new(operations).scenario())
        .collect()
});

/// All cells of the matrix: first the pairs, then the triples of one object.
pub fn cells() -> impl Iterator<Item = &'static Scenario> {
    CELLS.iter()
}

/// The pairs that take a few seconds at most.
pub fn quick_pairs() -> impl Iterator<Item = &'static Scenario> {
    cells().filter(|cell| cell.threads == 2 && !measured::is_slow(cell.name))
}

/// The cell of these operations, in any order.
pub fn cell(operations: &[Operation]) -> Option<&'static Scenario> {
    let mut operations = operations.to_vec();
    operations.sort_unstable();
    let name = Cell::new(operations).name();
    cells().find(|cell| cell.name == name)
}

/// Every choice of `count` of these, each as often as wanted, in their order.
fn multisets(of: &[Operation], count: usize) -> Vec<Vec<Operation>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let from = |at: usize| {
        let rest = multisets(&of[at..], count - 1);
        let with = move |rest: Vec<Operation>| [vec![of[at]], rest].concat();
        rest.into_iter().map(with)
    };
    (0..of.len()).flat_map(from).collect()
}
