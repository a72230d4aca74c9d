//! What all threads of a soak write on: how often what was done, and what broke first.

use std::any::Any;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Names that an endpoint looked up.
    Lookups,
    /// Configurations that came into force.
    Reloads,
    /// Cached rows that were taken out.
    Evictions,
    /// Contacts that the operator took away, or wanted to.
    Unregistrations,
    /// Walks over all entries.
    Walks,
    /// Registrations that were granted.
    Registrations,
    /// Registrations that were given up.
    Releases,
    /// Registrations that lapsed.
    Expiries,
    /// Words about a qualified peer.
    Reachabilities,
    /// Calls that were answered, at the phone that placed them.
    Calls,
    /// Calls that ended, at a server.
    CallsEnded,
    /// Questions that the database answered.
    Answers,
    /// Contacts that the database stored, or did not.
    Writes,
    /// Datagrams that arrived.
    Datagrams,
}

impl Count {
    /// All, in the order in which they are printed.
    pub(super) const ALL: [Count; 14] = [
        Count::Lookups,
        Count::Reloads,
        Count::Evictions,
        Count::Unregistrations,
        Count::Walks,
        Count::Registrations,
        Count::Releases,
        Count::Expiries,
        Count::Reachabilities,
        Count::Calls,
        Count::CallsEnded,
        Count::Answers,
        Count::Writes,
        Count::Datagrams,
    ];

    /// How a report names it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Count::Lookups => "lookups",
            Count::Reloads => "reloads",
            Count::Evictions => "evictions",
            Count::Unregistrations => "unregistrations",
            Count::Walks => "walks over all entries",
            Count::Registrations => "registrations",
            Count::Releases => "releases",
            Count::Expiries => "expiries",
            Count::Reachabilities => "reachabilities",
            Count::Calls => "calls answered",
            Count::CallsEnded => "calls ended",
            Count::Answers => "answers of the database",
            Count::Writes => "writes to the database",
            Count::Datagrams => "datagrams",
        }
    }
}

/// How often what was done.
#[derive(Debug, Default)]
pub(super) struct Tally([AtomicU64; Count::ALL.len()]);

impl Tally {
    /// It was done once more.
    pub(super) fn note(&self, count: Count) {
        self.0[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was done.
    pub(super) fn of(&self, count: Count) -> u64 {
        self.0[count as usize].load(Ordering::Relaxed)
    }

    /// How much was done in all.
    pub(super) fn operations(&self) -> u64 {
        Count::ALL.iter().map(|count| self.of(*count)).sum()
    }
}

/// A property that broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) property: &'static str,
    pub(super) message: String,
}

impl Failure {
    /// Somebody panicked.
    pub(super) fn panic(who: &str, payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("without words");
        Failure {
            property: "no-panic",
            message: format!("{who} panicked: {text}"),
        }
    }
}

/// Where the first failure is kept; it ends the soak.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    is_raised: AtomicBool,
    first: Mutex<Option<Failure>>,
}

impl Alarm {
    /// A property broke.
    pub(super) fn raise(&self, property: &'static str, message: String) {
        let failure = Failure { property, message };
        self.first().get_or_insert(failure);
        self.is_raised.store(true, Ordering::Release);
    }

    /// Whether any broke.
    pub(super) fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::Acquire)
    }

    /// What broke first.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.first().clone()
    }

    fn first(&self) -> std::sync::MutexGuard<'_, Option<Failure>> {
        let first = self.first.lock();
        first.unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
