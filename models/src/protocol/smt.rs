//! The questions, as texts in SMT-LIB: each asks for a state in which something fails, and is answered by "unsat" where there is
//! none.
//!
//! In the scope [`Scope::Any`] the sorts are open and the invariant is quantified; "unsat" then holds for any number of threads
//! and objects. A finite scope has so many elements of each sort and no quantifier; "sat" there is a real counterexample.

use super::expr::{Expr, params, plain};
use super::finite::Scope;
use super::invariant::{Conjunct, Invariant, Theorem};
use super::table::{Step, Table};
use super::text::{Text, Versions};
use super::vocabulary::VARIABLES;

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The sentence holds at the start.
    Initiation,
    /// The step keeps the sentence.
    Consecution,
    /// The step is safe whenever it may be taken.
    Safety,
    /// Something follows from the invariant.
    Theorem,
}

/// One question.
#[derive(Clone, Debug)]
pub struct Query {
    /// What it is about.
    pub kind: Kind,
    /// The step, where there is one.
    pub step: Option<&'static str>,
    /// The sentence or theorem; the number of the obligation.
    pub check: String,
    /// The text, without options and without the command that asks.
    pub text: String,
}

impl Query {
    /// `drop keeps duty-weak`.
    pub fn name(&self) -> String {
        let check = &self.check;
        match (self.kind, self.step) {
            (Kind::Initiation, _) => format!("{check} holds at the start"),
            (Kind::Consecution, Some(step)) => format!("{step} keeps {check}"),
            (Kind::Safety, Some(step)) => format!("{step} is safe: {check}"),
            _ => format!("{check} follows"),
        }
    }
}

/// Every question about a table and its invariant: with `theorems`, the whole proof.
pub fn queries(
    table: &Table,
    invariant: &Invariant,
    theorems: &[Theorem],
    scope: Scope,
) -> Vec<Query> {
    let asker = Asker {
        table,
        invariant,
        scope,
    };
    let initiation = invariant.0.iter().map(|it| asker.initiation(it));
    let steps = table.steps.iter().flat_map(|step| asker.of_step(step));
    let theorems = theorems.iter().map(|it| asker.theorem(it));
    initiation.chain(steps).chain(theorems).collect()
}

/// The questions about one step.
pub fn step_queries(table: &Table, invariant: &Invariant, step: &Step, scope: Scope) -> Vec<Query> {
    let asker = Asker {
        table,
        invariant,
        scope,
    };
    asker.of_step(step).collect()
}

/// Asks for a state of the invariant in which the step may be taken: "sat" is the good answer.
pub fn enabled(table: &Table, invariant: &Invariant, step: &Step, scope: Scope) -> String {
    let asker = Asker {
        table,
        invariant,
        scope,
    };
    asker.before(step).text
}

struct Asker<'a> {
    table: &'a Table,
    invariant: &'a Invariant,
    scope: Scope,
}

impl<'a> Asker<'a> {
    fn initiation(&self, conjunct: &Conjunct) -> Query {
        let mut text = Text::new(self.table, self.scope);
        for sentence in START {
            text.assume(&Conjunct {
                name: "",
                about: "",
                vars: params(sentence.0),
                triggers: vec![Expr::parse(sentence.1)],
                body: Expr::parse(sentence.2),
            });
        }
        text.deny(conjunct, &Versions::default());
        asked(text, Kind::Initiation, None, conjunct.name)
    }

    fn of_step(&self, step: &'a Step) -> impl Iterator<Item = Query> {
        let after = self.after(step);
        let touched = after.1.touched();
        let before = self.before(step);
        let touches = move |conjunct: &&Conjunct| {
            let mut reads = vec![false; VARIABLES.len()];
            conjunct.body.note_reads(&mut reads);
            reads.iter().zip(&touched).any(|(read, hit)| *read && *hit)
        };
        let consecution = self.invariant.0.iter().filter(touches);
        let consecution = consecution.map(move |conjunct| {
            let mut text = after.0.clone();
            text.deny(conjunct, &after.1);
            asked(text, Kind::Consecution, Some(step.name), conjunct.name)
        });
        let safety = step.safety.iter().map(move |safe| {
            let mut text = before.clone();
            text.line(&format!("(assert (not {}))", safe.print(&plain)));
            text.see(safe);
            asked(text, Kind::Safety, Some(step.name), &safe.print(&plain))
        });
        consecution.chain(safety)
    }

    /// The state before the step, in which the step may be taken.
    fn before(&self, step: &Step) -> Text {
        let mut text = Text::new(self.table, self.scope);
        self.invariant.0.iter().for_each(|it| text.assume(it));
        text.constants(&step.params);
        for guard in &step.guards {
            text.line(&format!("(assert {})", guard.print(&plain)));
            text.see(guard);
        }
        text
    }

    /// The states before and after the step.
    fn after(&self, step: &Step) -> (Text, Versions) {
        let mut text = self.before(step);
        let mut versions = Versions::default();
        for effect in &step.effects {
            text.effect(effect, &mut versions);
        }
        (text, versions)
    }

    fn theorem(&self, theorem: &Theorem) -> Query {
        let mut text = Text::new(self.table, self.scope);
        self.invariant.0.iter().for_each(|it| text.assume(it));
        theorem.assumed.iter().for_each(|it| text.assume(it));
        text.constants(&theorem.vars);
        for given in &theorem.given {
            text.line(&format!("(assert {})", given.print(&plain)));
            text.see(given);
        }
        text.line(&format!("(assert (not {}))", theorem.then.print(&plain)));
        text.see(&theorem.then);
        asked(text, Kind::Theorem, None, theorem.name)
    }
}

/// The state in which nothing has happened.
const START: &[(&str, &str, &str)] = &[
    ("p Place", "(at p)", "(= (at p) nul)"),
    ("c Cell", "(rc c)", "(= (rc c) 0)"),
    (
        "o Object",
        "(born o)",
        "(not (or (born o) (destroyed o) (freed o)))",
    ),
    ("o Object", "(destroyed o)", "(not (destroyed o))"),
    ("o Object", "(freed o)", "(not (freed o))"),
    ("n Name", "(keep n)", "(not (keep n))"),
    ("l Lock", "(held l)", "(not (held l))"),
    ("t Thread", "(pc t)", "(= (pc t) Idle)"),
];

fn asked(text: Text, kind: Kind, step: Option<&'static str>, check: &str) -> Query {
    Query {
        kind,
        step,
        check: check.to_owned(),
        text: text.text,
    }
}
