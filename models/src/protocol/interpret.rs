//! Takes steps of the table, one by one: whether one may be taken, whether it is safe, what it sees, and the state after it.

use core::fmt;

use super::effect::Write;
use super::expr::{Expr, plain};
use super::state::{Fixed, Names, State, Value};
use super::table::Step;

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

impl Step {
    /// Takes the step, where it may be taken, is safe, and sees the count that was observed, if one was.
    ///
    /// # Errors
    ///
    /// What is wrong; the state is as it was.
    pub fn take(
        &self,
        state: &mut State,
        names: &Names,
        fixed: &Fixed,
        observed: Option<i64>,
    ) -> Result<(), Refusal> {
        let failed = |texts: &[Expr]| {
            let failed = texts.iter().find(|it| !state.holds(it, names, fixed));
            failed.map(|it| it.print(&plain))
        };
        if let Some(guard) = failed(&self.guards) {
            return Err(Refusal::Guard(guard));
        }
        if let Some(safe) = failed(&self.safety) {
            return Err(Refusal::Safety(safe));
        }
        if let (Some(observed), Some(expr)) = (observed, &self.observes) {
            let seen = state.eval(expr, names, fixed);
            if let Value::Int(count) = seen
                && count != observed
            {
                return Err(Refusal::Observed(count, observed));
            }
        }
        self.apply(state, names, fixed);
        Ok(())
    }

    /// What the step does, whether it may be taken or not.
    pub fn apply(&self, state: &mut State, names: &Names, fixed: &Fixed) {
        for effect in &self.effects {
            let writes = effect.writes();
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
