//! What the operations of a cell say where nothing overlaps: each order of them, one after another on one thread.
//!
//! Where each operation of a cell takes effect at one moment, an outcome that no order gives is a failure: *linearizable*.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Shuttle;
use crate::context::fault;
use crate::explore;
use crate::matrix::stage::Stage;
use crate::matrix::{Cell, Operation};

impl Cell {
    /// Asks what the operations say one after another. Before the first execution, for it is an exploration of its own.
    pub(crate) fn prepare(&'static self) {
        self.sequential.get_or_init(|| {
            let orders = orders((0..self.operations.len()).collect());
            orders
                .into_iter()
                .map(|order| self.in_order(order))
                .collect()
        });
    }

    /// Fails where an outcome is none of an order, and should be.
    pub(super) fn judge(&self, outcome: &str) {
        let sequential = self
            .sequential
            .get()
            .expect("it is prepared before it is explored");
        let is_judged = self.operations.iter().all(|it| it.is_atomic_in(self));
        if is_judged && !sequential.contains(outcome) {
            let message =
                format!("no order of the operations gives: {outcome}; they give: {sequential:?}");
            fault("linearizable", &message);
        }
    }

    fn in_order(&'static self, order: Vec<usize>) -> String {
        let said = Arc::new(Mutex::new(None));
        let heard = Arc::clone(&said);
        explore::once(move || {
            *said.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.one_by_one(&order));
        });
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner).take();
        heard.unwrap_or_else(|| format!("{} breaks a rule on one thread", self.name()))
    }

    fn one_by_one(&'static self, order: &[usize]) -> String {
        let mut stage = Stage::<Shuttle>::set(self);
        let mut jobs: Vec<_> = stage.jobs(self).into_iter().map(Some).collect();
        let mut said = vec![String::new(); jobs.len()];
        for at in order {
            let job = jobs[*at].take().expect("an order has each operation once");
            said[*at] = job();
        }
        said.push(stage.stands());
        said.join("; ")
    }
}

impl Operation {
    /// Whether it takes effect at one moment on the stage of this cell: a lookup that goes on to an entry is two.
    fn is_atomic_in(self, cell: &Cell) -> bool {
        self.is_atomic() && !(cell.has_an_entry() && self == Operation::Find)
    }
}

/// Every order of these.
fn orders(of: Vec<usize>) -> BTreeSet<Vec<usize>> {
    if of.is_empty() {
        return BTreeSet::from([Vec::new()]);
    }
    let first = |at: usize| {
        let mut rest = of.clone();
        let first = rest.remove(at);
        orders(rest)
            .into_iter()
            .map(move |rest| [vec![first], rest].concat())
    };
    (0..of.len()).flat_map(first).collect()
}
