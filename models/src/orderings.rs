//! Each memory ordering on trial: a site of an atomic operation, and the same exploration with that one ordering a step weaker.
//!
//! Sites are read from the source that was compiled in ([`sites`]), and an execution tells which it met: the count, what was done to
//! it and how it was ordered. That names a site, for no two that can be weaker are alike (the lines of the steps are those of
//! the library's callers). Nothing in the library knows of a trial. Who asks, and what the answers mean, is the command's part.
//!
//! Two judges see a weaker ordering, each alone, so that neither hides the other: loom, whose atomics get it while our clocks get
//! what the source says, and our clocks, the other way round. loom 0.7 knows nothing of `SeqCst` beyond acquire, release and its
//! fences, and keeps a release sequence going through any read-modify-write, as the language does; the registry has no plain store and
//! no fence, so what is missing in loom for those decides nothing here. shuttle runs every operation in one order for all threads
//! and is not asked.

use core::fmt;
use core::sync::atomic::Ordering;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::context;
use crate::step::{Operation, Subject};

/// How an atomic operation is ordered; [`Ordering`] as a value that can be sorted and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the language's own words")]
pub enum Order {
    Relaxed,
    Acquire,
    Release,
    AcqRel,
    SeqCst,
}

impl Order {
    /// All of them.
    const ALL: [Order; 5] = [
        Order::Relaxed,
        Order::Acquire,
        Order::Release,
        Order::AcqRel,
        Order::SeqCst,
    ];

    /// What is one step weaker; nothing is weaker than `Relaxed`. A load cannot release, so its `SeqCst` becomes `Acquire`.
    pub fn weaker(self, is_load: bool) -> &'static [Order] {
        match self {
            Order::Relaxed => &[],
            Order::Acquire | Order::Release => &[Order::Relaxed],
            Order::AcqRel => &[Order::Acquire, Order::Release],
            Order::SeqCst if is_load => &[Order::Acquire],
            Order::SeqCst => &[Order::AcqRel],
        }
    }
}

impl Order {
    /// The ordering whose name this text begins with.
    fn read(text: &str) -> Option<Self> {
        let end = text
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(text.len());
        Order::ALL
            .into_iter()
            .find(|order| format!("{order:?}") == text[..end])
    }
}

impl From<Ordering> for Order {
    fn from(ordering: Ordering) -> Self {
        match ordering {
            Ordering::Relaxed => Order::Relaxed,
            Ordering::Acquire => Order::Acquire,
            Ordering::Release => Order::Release,
            Ordering::AcqRel => Order::AcqRel,
            _ => Order::SeqCst,
        }
    }
}

impl From<Order> for Ordering {
    fn from(order: Order) -> Self {
        match order {
            Order::Relaxed => Ordering::Relaxed,
            Order::Acquire => Ordering::Acquire,
            Order::Release => Ordering::Release,
            Order::AcqRel => Ordering::AcqRel,
            Order::SeqCst => Ordering::SeqCst,
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Order::Relaxed => "Relaxed",
            Order::Acquire => "Acquire",
            Order::Release => "Release",
            Order::AcqRel => "AcqRel",
            Order::SeqCst => "SeqCst",
        })
    }
}

/// What is done at a site. A compare-exchange has two orderings, each a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Access {
    /// A load.
    Load,
    /// An addition.
    FetchAdd,
    /// A subtraction.
    FetchSub,
    /// A compare-exchange that was won.
    Exchange,
    /// A compare-exchange that was lost: a load.
    ExchangeFailed,
}

impl Access {
    fn of(operation: Operation) -> Self {
        match operation {
            Operation::Add => Access::FetchAdd,
            Operation::Subtract => Access::FetchSub,
            Operation::Exchange => Access::Exchange,
            Operation::ExchangeFailed => Access::ExchangeFailed,
            _ => Access::Load,
        }
    }

    /// The method of a family, and which of its orderings.
    pub fn name(self) -> &'static str {
        match self {
            Access::Load => "load",
            Access::FetchAdd => "fetch_add",
            Access::FetchSub => "fetch_sub",
            Access::Exchange => "compare_exchange",
            Access::ExchangeFailed => "compare_exchange, lost",
        }
    }

    fn is_load(self) -> bool {
        matches!(self, Access::Load | Access::ExchangeFailed)
    }
}

/// Which of an object's two counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Count {
    /// The one that keeps the object.
    Strong,
    /// The one that keeps its memory.
    Weak,
}

/// What an execution can tell of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Kind {
    /// To what.
    pub count: Count,
    /// What is done.
    pub access: Access,
    /// What the source says.
    pub order: Order,
}

impl Kind {
    /// What can be tried of it.
    pub fn weaker(self) -> &'static [Order] {
        self.order.weaker(self.access.is_load())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = match self.count {
            Count::Strong => "strong",
            Count::Weak => "weak",
        };
        write!(f, "{count} {}", self.access.name())
    }
}

/// One ordering of one atomic operation in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The line in [`FILE`].
    pub line: usize,
    /// What is there.
    pub kind: Kind,
}

/// The only file of the library with atomic operations, but for the families.
pub const FILE: &str = "src/registry/object.rs";

const SOURCE: &str = include_str!("../../src/registry/object.rs");

/// The sites of the library, by line.
pub fn sites() -> Vec<Site> {
    sites_of(SOURCE)
}

/// The sites in the text of a file, up to its tests.
pub fn sites_of(source: &str) -> Vec<Site> {
    let shipped = source.split("#[cfg(test)]").next().unwrap_or(source);
    let calls = shipped.match_indices("F::").filter_map(|(at, _)| {
        let line = 1 + shipped[..at].matches('\n').count();
        Some((line, call(&shipped[at + "F::".len()..])?))
    });
    let sites =
        calls.flat_map(|(line, kinds)| kinds.into_iter().map(move |kind| Site { line, kind }));
    sites.collect()
}

/// The orderings of the operation whose call this text begins with.
fn call(text: &str) -> Option<Vec<Kind>> {
    let (method, rest) = text.split_once('(')?;
    let accesses: &[Access] = match method {
        "load" => &[Access::Load],
        "fetch_add" => &[Access::FetchAdd],
        "fetch_sub" => &[Access::FetchSub],
        "compare_exchange" => &[Access::Exchange, Access::ExchangeFailed],
        _ => return None,
    };
    let arguments = in_parentheses(rest);
    let count = if arguments.contains(".weak") {
        Count::Weak
    } else {
        Count::Strong
    };
    let orders = arguments
        .split("Ordering::")
        .skip(1)
        .filter_map(Order::read);
    let kind = |(access, order): (&Access, Order)| Kind {
        count,
        access: *access,
        order,
    };
    Some(accesses.iter().zip(orders).map(kind).collect())
}

/// The text up to where the parenthesis that is open at its beginning is closed.
fn in_parentheses(text: &str) -> &str {
    let mut open = 1;
    let close = text.find(|c| {
        open += i32::from(c == '(') - i32::from(c == ')');
        open == 0
    });
    &text[..close.unwrap_or(text.len())]
}

/// Who gets the weaker ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judge {
    /// loom's atomics: which values an operation may see, and the causality of its cells.
    Loom,
    /// Our vector clocks, in loom's executions.
    Clocks,
}

/// One ordering, weaker than in the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weakening {
    /// Which.
    pub kind: Kind,
    /// What it is for as long as the trial takes.
    pub to: Order,
    /// For whom.
    pub judge: Judge,
}

/// An exploration that is watched, and may have a weaker ordering.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The weaker ordering; without one all is as in the source.
    pub weakening: Option<Weakening>,
}

/// The kinds of sites that an exploration met.
pub(crate) type Met = Arc<Mutex<BTreeSet<Kind>>>;

std::thread_local! {
    /// The trial of this explorer's thread. Its green threads all run on it.
    static TRIAL: RefCell<Option<(Trial, Met)>> = const { RefCell::new(None) };
}

/// From here on this thread's explorations are on trial.
pub(crate) fn begin(trial: Trial, met: Met) {
    TRIAL.set(Some((trial, met)));
}

/// The ordering for loom's atomics, and the one for our clocks.
pub(crate) struct Both {
    pub(crate) loom: Ordering,
    pub(crate) clocks: Ordering,
}

/// The orderings of an operation on this atomic: those of the source, but for a weakening.
pub(crate) fn of(atomic: u32, operation: Operation, source: Ordering) -> Both {
    let weaker = TRIAL.with_borrow(|trial| {
        let (trial, met) = trial.as_ref()?;
        let kind = kind(atomic, operation, source)?;
        met.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(kind);
        let weakening = trial.weakening.as_ref()?;
        (weakening.kind == kind).then_some((weakening.judge, weakening.to.into()))
    });
    let (loom, clocks) = match weaker {
        Some((Judge::Loom, to)) => (to, source),
        Some((Judge::Clocks, to)) => (source, to),
        None => (source, source),
    };
    Both { loom, clocks }
}

/// What this is an operation of, where the atomic is a count of an object.
fn kind(atomic: u32, operation: Operation, source: Ordering) -> Option<Kind> {
    let count = match context::with(|c| c.subject_of(atomic)) {
        Subject::Count(_) => Count::Strong,
        Subject::WeakCount(_) => Count::Weak,
        _ => return None,
    };
    Some(Kind {
        count,
        access: Access::of(operation),
        order: source.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ordering_of_a_text_is_a_site() {
        let source = "fn f() {\n F::load(&self.inner().weak, Ordering::Acquire);\n F::lock(&m);\n F::compare_exchange(\n &inner.strong,\n 1,\n \
                      Ordering::AcqRel,\n Ordering::Relaxed,\n ) }\n#[cfg(test)] F::load(&it, Ordering::SeqCst)";
        let told = sites_of(source);
        let told: Vec<_> = told
            .iter()
            .map(|it| (it.line, it.kind.to_string(), it.kind.order))
            .collect();
        let expected = [
            (2, "weak load".to_owned(), Order::Acquire),
            (4, "strong compare_exchange".to_owned(), Order::AcqRel),
            (
                4,
                "strong compare_exchange, lost".to_owned(),
                Order::Relaxed,
            ),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_step_never_leads_to_what_an_operation_cannot_have() {
        for order in Order::ALL {
            assert!(order.weaker(false).iter().all(|weaker| *weaker < order));
            assert_eq!(Order::from(Ordering::from(order)), order);
        }
        for order in [Order::Relaxed, Order::Acquire, Order::SeqCst] {
            let weaker = order.weaker(true);
            assert!(!weaker.contains(&Order::Release) && !weaker.contains(&Order::AcqRel));
        }
    }
}
