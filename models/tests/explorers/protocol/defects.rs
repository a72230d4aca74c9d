//! Classic mistakes of reference counting, planted in the table: each fails the questions that are about it, with a counterexample.

use iaxproof_models::protocol::effect::Effect;
use iaxproof_models::protocol::expr::Expr;
use iaxproof_models::protocol::invariant::Invariant;
use iaxproof_models::protocol::search::{World, search};
use iaxproof_models::protocol::smt::{Query, step_queries};
use iaxproof_models::protocol::solver::{Answer, Solver};
use iaxproof_models::protocol::table::Step;
use iaxproof_models::protocol::{Table, inductive};

use super::bent::SCOPE;
use super::solver;

struct Defect {
    name: &'static str,
    bend: fn(&mut Table),
    /// The questions that must fail, among others.
    fails: &'static [&'static str],
    /// What the shortest run from the start breaks first, and in how many steps; none where the search would take too long.
    run: Option<(&'static str, usize)>,
}

const DEFECTS: &[Defect] = &[
    Defect {
        name: "a lookup counts after the unlock",
        bend: |table| {
            let count = unlocked_while_reading(table, "count");
            count.effects[1] = Effect::parse("(set (pc t) Idle)");
        },
        fails: &[
            "count is safe: (and (not (destroyed (raw t))) (not (freed (raw t))))",
            "count keeps dead",
            "count keeps gone",
        ],
        run: None,
    },
    Defect {
        name: "an iterator reads after the unlock",
        bend: |table| {
            let look = unlocked_while_reading(table, "look");
            look.effects[0] = Effect::parse("(set (pc t) Idle)");
        },
        fails: &["look is safe: (and (not (destroyed (raw t))) (not (freed (raw t))))"],
        run: None,
    },
    Defect {
        name: "an upgrade loads and then adds",
        bend: |table| drop(step(table, "upgrade").guards.remove(1)),
        fails: &[
            "upgrade is safe: (and (not (destroyed (wk-of (at (H (up t)))))) (not (freed (wk-of (at (H (up t)))))))",
            "upgrade keeps dead",
        ],
        run: None,
    },
    Defect {
        name: "an unlink forgets the link's reference",
        bend: |table| step(table, "take").effects = vec![Effect::parse("(set (at p) nul)")],
        fails: &["take keeps idx-inv"],
        run: Some(("idx-inv", 4)),
    },
    Defect {
        name: "a timer's reference is not counted",
        bend: |table| {
            step(table, "arm").effects = vec![Effect::parse("(set (at (T x)) (at (H h)))")]
        },
        fails: &["arm keeps idx-range", "arm keeps inv-idx"],
        run: Some(("inv-idx", 2)),
    },
    Defect {
        name: "a reference is given back under a lock",
        bend: |table| {
            step(table, "drop").guards[0] = Expr::parse("(or (= (pc t) Idle) (= (pc t) Crit))")
        },
        fails: &["drop keeps held", "drop keeps base"],
        run: Some(("held", 3)),
    },
    Defect {
        name: "settings are read under another lock",
        bend: |table| drop(step(table, "read").guards.remove(1)),
        fails: &[
            "read is safe: (=> ((_ is S) p) (and (not (destroyed (S-of p))) (not (freed (S-of p)))))",
            "read keeps raw",
        ],
        run: None,
    },
    Defect {
        name: "the memory goes with the object",
        bend: |table| {
            let freed = Effect::parse("(set (freed (doomed t)) true)");
            step(table, "end").effects.insert(0, freed);
        },
        fails: &["end keeps freed"],
        run: Some(("freed", 4)),
    },
    Defect {
        name: "a replacement is an unlink and then a link",
        bend: |table| drop(step(table, "take").guards.remove(3)),
        fails: &["take keeps keep"],
        run: Some(("keep", 5)),
    },
];

fn step<'a>(table: &'a mut Table, name: &str) -> &'a mut Step {
    table.step_mut(name).expect("a step of the table")
}

/// Lets the lock go while something is read and not counted, and has this step come after it.
fn unlocked_while_reading<'a>(table: &'a mut Table, name: &str) -> &'a mut Step {
    table.places.push("Late");
    let unlock = step(table, "unlock");
    unlock.guards[0] = Expr::parse("(or (= (pc t) Crit) (= (pc t) Raw))");
    unlock.effects[1] =
        Effect::parse("(when (= (pc t) Raw) (then (set (pc t) Late)) (else (set (pc t) Idle)))");
    let late = step(table, name);
    late.guards[0] = Expr::parse("(= (pc t) Late)");
    late
}

/// The questions about the bent steps that fail with a few of everything: real counterexamples.
fn failing(table: &Table, solver: &mut Solver) -> Vec<String> {
    let (whole, invariant) = (Table::shipped(), Invariant::shipped());
    let bent = table.steps.iter();
    let bent = bent.filter(|step| whole.step(step.name) != Some(step));
    let asked = bent.flat_map(|step| step_queries(table, &invariant, step, SCOPE));
    let fails = |query: &Query| solver.ask(&query.text) == Answer::Sat;
    asked.filter(fails).map(|query| query.name()).collect()
}

#[test]
fn a_planted_defect_fails_the_questions_that_are_about_it() {
    let Some(mut solver) = solver() else { return };
    for defect in DEFECTS {
        let mut table = Table::shipped();
        (defect.bend)(&mut table);
        let failing = failing(&table, &mut solver);
        println!("{}: {failing:?}", defect.name);
        for named in defect.fails {
            assert!(
                failing.iter().any(|it| it == named),
                "{}: not {named}",
                defect.name
            );
        }
    }
}

/// The general question says "unknown" where a defect breaks it: red, and the counterexample comes from a few of everything.
#[test]
fn a_failure_comes_with_a_counterexample() {
    let Some(mut solver) = solver() else { return };
    let mut table = Table::shipped();
    step(&mut table, "drop").guards.remove(0);
    table.steps.retain(|step| step.name == "drop");
    let outcome = inductive::prove(&table, &Invariant::shipped(), &mut solver, |_, _| ());
    let failure = outcome
        .failures
        .iter()
        .find(|it| it.query == "drop keeps held");
    let values = failure
        .and_then(|it| it.counterexample.clone())
        .unwrap_or_default();
    assert!(
        values.iter().any(|value| value.starts_with("(held")),
        "{outcome:#?}"
    );
}

#[test]
fn a_planted_defect_is_met_from_the_start() {
    for defect in DEFECTS {
        let Some((breaks, steps)) = defect.run else {
            continue;
        };
        let mut table = Table::shipped();
        (defect.bend)(&mut table);
        let seen = search(&table, &Invariant::shipped(), &World::small(1), 20_000);
        let (what, run) = seen.broken.unwrap_or_default();
        assert_eq!(
            (what.as_str(), run.len()),
            (breaks, steps),
            "{}: {run:?}",
            defect.name
        );
    }
}
