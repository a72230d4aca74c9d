//! The checkers: one property each, apart from the workloads. They see facts and nothing else, after each event; what they keep is their
//! own model of what was promised.

pub mod bounded;
pub mod call_ends;
pub mod delivered_in_order;
pub mod linearizable;
pub mod no_foreign_memory;
pub mod no_leak;
pub mod no_use_after_destroy;
pub mod numbers_conserved;
mod overtaking;
pub mod peers_reached;
pub mod reachable;
pub mod registrant_returns;
pub mod registration_kept;
pub mod reload_atomic;
pub mod secret_unsent;
pub mod stays_encrypted;
pub mod watches_end;

use iaxproof::time::Instant;

use crate::fact::Fact;
use crate::plan::Topology;

/// One property.
pub trait Checker {
    /// Its name, as the design has it.
    const PROPERTY: &'static str;

    /// Takes a fact in.
    ///
    /// # Errors
    ///
    /// How the fact breaks the property.
    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String>;
}

/// What each checker is about.
pub const PROPERTIES: [&str; 16] = [
    bounded::Bounded::PROPERTY,
    call_ends::CallEnds::PROPERTY,
    delivered_in_order::DeliveredInOrder::PROPERTY,
    linearizable::Linearizable::PROPERTY,
    no_foreign_memory::NoForeignMemory::PROPERTY,
    no_leak::NoLeak::PROPERTY,
    no_use_after_destroy::NoUseAfterDestroy::PROPERTY,
    numbers_conserved::NumbersConserved::PROPERTY,
    reachable::Reachable::PROPERTY,
    registration_kept::RegistrationKept::PROPERTY,
    reload_atomic::ReloadAtomic::PROPERTY,
    registrant_returns::RegistrantReturns::PROPERTY,
    secret_unsent::SecretUnsent::PROPERTY,
    peers_reached::PeersReached::PROPERTY,
    stays_encrypted::StaysEncrypted::PROPERTY,
    watches_end::WatchesEnd::PROPERTY,
];

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name.
    pub property: &'static str,
    /// What was seen.
    pub message: String,
}

/// All of them.
#[derive(Debug)]
pub struct Checkers {
    bounded: bounded::Bounded,
    call_ends: call_ends::CallEnds,
    delivered_in_order: delivered_in_order::DeliveredInOrder,
    linearizable: linearizable::Linearizable,
    no_foreign_memory: no_foreign_memory::NoForeignMemory,
    no_leak: no_leak::NoLeak,
    no_use_after_destroy: no_use_after_destroy::NoUseAfterDestroy,
    numbers_conserved: numbers_conserved::NumbersConserved,
    reachable: reachable::Reachable,
    registration_kept: registration_kept::RegistrationKept,
    reload_atomic: reload_atomic::ReloadAtomic,
    registrant_returns: registrant_returns::RegistrantReturns,
    secret_unsent: secret_unsent::SecretUnsent,
    peers_reached: peers_reached::PeersReached,
    stays_encrypted: stays_encrypted::StaysEncrypted,
    watches_end: watches_end::WatchesEnd,
}

impl Checkers {
    /// Checkers of a world of this topology.
    pub fn new(topology: &Topology) -> Self {
        Checkers {
            bounded: bounded::Bounded::default(),
            call_ends: call_ends::CallEnds::default(),
            delivered_in_order: delivered_in_order::DeliveredInOrder::default(),
            linearizable: linearizable::Linearizable::new(topology),
            no_foreign_memory: no_foreign_memory::NoForeignMemory::default(),
            no_leak: no_leak::NoLeak,
            no_use_after_destroy: no_use_after_destroy::NoUseAfterDestroy,
            numbers_conserved: numbers_conserved::NumbersConserved::default(),
            reachable: reachable::Reachable::default(),
            registration_kept: registration_kept::RegistrationKept::new(topology),
            reload_atomic: reload_atomic::ReloadAtomic::new(topology),
            registrant_returns: registrant_returns::RegistrantReturns::default(),
            secret_unsent: secret_unsent::SecretUnsent,
            peers_reached: peers_reached::PeersReached::default(),
            stays_encrypted: stays_encrypted::StaysEncrypted::new(topology),
            watches_end: watches_end::WatchesEnd::new(topology),
        }
    }

    /// As of a world whose servers have threads.
    #[must_use]
    pub fn with_threads(mut self) -> Self {
        self.registration_kept = self.registration_kept.with_threads();
        self.linearizable = self.linearizable.unjudged();
        self
    }

    /// As of a bench that does not tell what its operator does.
    #[must_use]
    pub fn without_an_operator(mut self) -> Self {
        self.linearizable = self.linearizable.unjudged();
        self
    }

    /// Shows a fact to every checker; the first violation.
    ///
    /// # Errors
    ///
    /// The first property that the fact breaks.
    pub fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), Violation> {
        ask(&mut self.no_use_after_destroy, now, fact)?;
        ask(&mut self.registration_kept, now, fact)?;
        ask(&mut self.reachable, now, fact)?;
        ask(&mut self.reload_atomic, now, fact)?;
        ask(&mut self.delivered_in_order, now, fact)?;
        ask(&mut self.numbers_conserved, now, fact)?;
        ask(&mut self.bounded, now, fact)?;
        ask(&mut self.call_ends, now, fact)?;
        ask(&mut self.registrant_returns, now, fact)?;
        ask(&mut self.secret_unsent, now, fact)?;
        ask(&mut self.no_foreign_memory, now, fact)?;
        ask(&mut self.peers_reached, now, fact)?;
        ask(&mut self.stays_encrypted, now, fact)?;
        ask(&mut self.watches_end, now, fact)?;
        ask(&mut self.linearizable, now, fact)?;
        ask(&mut self.no_leak, now, fact)
    }
}

fn ask<C: Checker>(checker: &mut C, now: Instant, fact: &Fact<'_>) -> Result<(), Violation> {
    checker.observe(now, fact).map_err(|message| Violation {
        property: C::PROPERTY,
        message,
    })
}
