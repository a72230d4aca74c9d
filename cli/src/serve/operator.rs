//! What an operator does to the catalog beside the workers, from whichever thread: reloads, evictions, registrations that are taken away. Where
//! the server is recorded, one after the other.

use std::sync::{Arc, Mutex, PoisonError};

use iaxproof::catalog::{Catalog, Pruned, Unregistered};
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::Configuration;
use iaxproof::registry::Family;

use crate::record::Tape;
use crate::record::alias::Known;
use crate::record::input::Input;
use crate::record::output::Output;

/// The operator.
#[derive(Debug)]
pub(crate) struct Operator<F: Family> {
    catalog: Arc<Catalog<F>>,
    /// `None` where nothing is recorded: then nobody waits for it.
    tape: Option<Mutex<Tape>>,
}

impl<F: Family> Operator<F> {
    /// Of this catalog.
    pub(crate) fn new(catalog: Arc<Catalog<F>>, tape: Tape) -> Self {
        let tape = tape.is_live().then(|| Mutex::new(tape));
        Operator { catalog, tape }
    }

    /// The catalog, to look at.
    pub(crate) fn catalog(&self) -> &Catalog<F> {
        &self.catalog
    }

    /// A configuration comes into force.
    pub(crate) fn reload(&self, configuration: Configuration) {
        let Some(tape) = &self.tape else {
            return self.catalog.reload(configuration);
        };
        let mut tape = tape.lock().unwrap_or_else(PoisonError::into_inner);
        reload(&self.catalog, configuration, &mut tape);
        tape.flush();
    }

    /// Evicts a cached row.
    pub(crate) fn prune(&self, role: Role, name: &str) -> Pruned {
        let prune = || self.catalog.prune(role, name);
        let input = || Input::Prune {
            role,
            name: name.to_owned(),
        };
        self.act(input, prune, |pruned| Output::Pruned(*pruned))
    }

    /// Takes a registration away.
    pub(crate) fn unregister(&self, name: &str) -> Unregistered {
        let unregister = || self.catalog.unregister(name);
        let input = || Input::Unregister {
            name: name.to_owned(),
        };
        self.act(input, unregister, |done| Output::Unregistered(done.clone()))
    }

    fn act<R>(
        &self,
        input: impl FnOnce() -> Input,
        act: impl FnOnce() -> R,
        output: impl FnOnce(&R) -> Output,
    ) -> R {
        let Some(tape) = &self.tape else {
            return act();
        };
        let mut tape = tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.begin(input);
        let done = act();
        tape.note(|| output(&done));
        tape.end();
        tape.flush();
        done
    }
}

/// Puts a configuration into force, and records it.
pub(crate) fn reload<F: Family>(
    catalog: &Catalog<F>,
    configuration: Configuration,
    tape: &mut Tape,
) {
    tape.announce(|| Known::of(&configuration));
    tape.begin(|| Input::reload(&configuration));
    catalog.reload(configuration);
    tape.end();
}
