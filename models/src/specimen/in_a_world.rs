//! Both specimens as directories of a simulated world. Neither waits for the database: what it stored, or failed to, is
//! nothing to them.

use iaxproof::catalog::{Answer, Question, Unregistered, Write};
use iaxproof::engine::directory::{Generation, QueryId, Role};
use iaxproof::engine::settings::Configuration;
use iaxproof::registry::Family;
use iaxproof::time::Instant;
use iaxproof_sim::administer::{Administer, Census, Observe, PeerVisitor};

use super::{RebuildInPlace, Specimen2007};

macro_rules! administer {
    ($specimen:ident) => {
        impl<F: Family> Administer for $specimen<F> {
            fn reload(&self, configuration: Configuration) {
                $specimen::reload(self, configuration);
            }

            fn prune(&self, role: Role, name: &str) -> bool {
                $specimen::prune(self, role, name)
            }

            fn unregister(&self, name: &str) -> Unregistered {
                match $specimen::unregister(self, name) {
                    true => Unregistered::Done,
                    false => Unregistered::NotRegistered,
                }
            }

            fn poll_question(&self) -> Option<Question> {
                $specimen::poll_question(self)
            }

            fn answer(&self, query: QueryId, answer: Answer, now: Instant) {
                $specimen::answer(self, query, answer, now);
            }

            fn poll_write(&self) -> Option<Write> {
                $specimen::poll_write(self)
            }

            fn stored(&self, _: &str, _: Generation) {}

            fn not_stored(&self, _: &str, _: Generation) {}

            fn restore(&self, stored: Write, now: Instant) {
                $specimen::restore(self, stored, now);
            }
        }
    };
}

administer!(Specimen2007);
administer!(RebuildInPlace);

impl<F: Family> Observe for Specimen2007<F> {
    fn live_objects(&self) -> usize {
        Specimen2007::live_objects(self)
    }

    fn faults(&self) -> Vec<String> {
        Specimen2007::faults(self)
    }

    fn ledger_report(&self) -> String {
        Specimen2007::ledger_report(self)
    }

    fn visit_peers(&self, now: Instant, visitor: PeerVisitor<'_>) {
        Specimen2007::visit_peers(self, now, visitor);
    }
}

impl<F: Family<Ledger: Census>> Observe for RebuildInPlace<F> {
    fn live_objects(&self) -> usize {
        self.ledger().live_objects()
    }

    fn faults(&self) -> Vec<String> {
        // Counted objects do not go stale; what is wrong with this design shows in what a call reads.
        Vec::new()
    }

    fn ledger_report(&self) -> String {
        self.ledger().report()
    }

    fn visit_peers(&self, now: Instant, visitor: PeerVisitor<'_>) {
        RebuildInPlace::visit_peers(self, now, visitor);
    }
}
