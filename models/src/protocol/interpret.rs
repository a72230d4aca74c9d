//! Takes steps of the table, one by one: whether one may be taken, whether it is safe, what it sees, and the state after it.

use core::fmt;
use std::collections::BTreeMap;

use super::effect::Write;
use super::expr::{Expr, plain};
use super::state::{Fixed, Names, State, Value};
use super::table::{Step, Table};

/// Why a step cannot be taken as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It may not be taken here: the guard.
    Guard(String),
    /// It may be taken and is not safe: the obligation.
    Safety(String),
    /// It would see this count, and not the one that was observed.
    Observed(i64, i64),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Guard(guard) => write!(f, "may not be taken where not {guard}"),
            Refusal::Safety(safe) => write!(f, "is not safe where not {safe}"),
            Refusal::Observed(count, observed) => {
                write!(f, "sees the count {count}, and {observed} was observed")
            }
        }
    }
}

/// A table made ready to be run.
#[derive(Clone, Debug)]
pub struct Runner {
    steps: BTreeMap<&'static str, (Step, Vec<Vec<Write>>)>,
}

impl Runner {
    /// Makes the table ready.
    pub fn new(table: &Table) -> Self {
        let ready = |step: &Step| {
            let writes = step.effects.iter().map(|effect| effect.writes());
            (step.name, (step.clone(), writes.collect()))
        };
        Runner {
            steps: table.steps.iter().map(ready).collect(),
        }
    }

    /// Takes the step of this name, where it may be taken, is safe, and sees the count that was observed, if one was.
    ///
    /// # Errors
    ///
    /// What is wrong; the state is as it was.
    ///
    /// # Panics
    ///
    /// Where the table has no such step.
    pub fn take(
        &self,
        step: &str,
        state: &mut State,
        names: &Names,
        fixed: &Fixed,
        observed: Option<i64>,
    ) -> Result<(), Refusal> {
        let (step, writes) = self.steps.get(step).expect("a step of the table");
        let failed = |texts: &[Expr]| {
            let failed = texts.iter().find(|it| !state.holds(it, names, fixed));
            failed.map(|it| it.print(&plain))
        };
        if let Some(guard) = failed(&step.guards) {
            return Err(Refusal::Guard(guard));
        }
        if let Some(safe) = failed(&step.safety) {
            return Err(Refusal::Safety(safe));
        }
        let count = step.observes.as_ref();
        let count = count.map(|expr| state.eval(expr, names, fixed));
        match (count, observed) {
            (Some(Value::Int(count)), Some(observed)) if count != observed => {
                return Err(Refusal::Observed(count, observed));
            }
            _ => {}
        }
        apply(writes, state, names, fixed);
        Ok(())
    }

    /// Does what the step does, whether it may be taken or not.
    pub fn force(&self, step: &str, state: &mut State, names: &Names, fixed: &Fixed) {
        if let Some((_, writes)) = self.steps.get(step) {
            apply(writes, state, names, fixed);
        }
    }
}

fn apply(groups: &[Vec<Write>], state: &mut State, names: &Names, fixed: &Fixed) {
    for writes in groups {
        let values: Vec<_> = writes
            .iter()
            .filter(|write| applies(write, state, names, fixed))
            .map(|write| evaluated(write, state, names, fixed))
            .collect();
        for (var, args, value) in values {
            state.set(var, &args, value);
        }
    }
}

fn applies(write: &Write, state: &State, names: &Names, fixed: &Fixed) -> bool {
    let when = write.when.as_ref();
    when.is_none_or(|when| state.holds(when, names, fixed))
}

fn evaluated(
    write: &Write,
    state: &State,
    names: &Names,
    fixed: &Fixed,
) -> (usize, Vec<Value>, Value) {
    let args = write.args.iter();
    let args = args.map(|arg| state.eval(arg, names, fixed)).collect();
    (write.var, args, state.eval(&write.value, names, fixed))
}
