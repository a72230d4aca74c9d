//! The scenarios of `sim/scenarios`: each becomes what it expects, with the goals and the trace that it names, and each fault in it
//! makes a difference.
//!
//! `RECORD_SCENARIOS=1` writes the traces down anew, where a change of them is meant: the verdict and the goals stay as they are written.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use iaxproof_models::{Design, world};
use iaxproof_sim::plan::expect::{Comparison, HELD, RecordedTrace};
use iaxproof_sim::plan::{Actor, ENGINE, Plan, STRANDS, What};
use iaxproof_sim::report::{Report, View};

/// How many scenarios there are at least.
const SCENARIOS_MIN: usize = 25;
/// Where the recorded trace begins in a scenario's text: it is the last section.
const TRACE: &str = "\n[expect.trace]\n";

fn scenarios() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/scenarios");
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "toml"));
    files.sort();
    let text = |path: PathBuf| (path.clone(), std::fs::read_to_string(path).unwrap());
    files.into_iter().map(text).collect()
}

fn run(plan: &Plan) -> Report {
    world::run(plan, View::Hash, Design::Shipped)
}

/// What is not as the plan expects, in words; nothing where all is.
fn check(plan: &Plan) -> Vec<String> {
    let Some(expect) = &plan.expect else {
        return vec!["it says nothing of what is expected".into()];
    };
    let report = run(plan);
    let mut wrong = expect.unmet(&report);
    wrong.extend(report.failure().map(|it| it.violation.message.clone()));
    match expect.trace.as_ref().map(|trace| trace.compare(&report)) {
        Some(Comparison::StillApplies) => {}
        Some(Comparison::Diverged { events, .. }) => {
            wrong.push(format!("diverged at event {} or soon after", events.start));
        }
        None => wrong.push("it has no trace".into()),
    }
    wrong
}

/// The problems of all scenarios, each with its name and how to see it.
fn problems(mut of: impl FnMut(&Plan, &str) -> Vec<String>) -> String {
    let mut text = String::new();
    for (path, held) in scenarios() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let wrong = match held.parse::<Plan>() {
            Ok(plan) => of(&plan, &held),
            Err(error) => vec![error.to_string()],
        };
        if !wrong.is_empty() {
            let _ = writeln!(
                text,
                "{name}: {}\n    iaxproof replay sim/scenarios/{name}.toml",
                wrong.join("; ")
            );
        }
    }
    text
}

fn record() {
    for (path, held) in scenarios() {
        let plan: Plan = held.parse().unwrap();
        let trace = toml(&RecordedTrace::of(&run(&plan)));
        let written = held.split(TRACE).next().unwrap_or_default();
        std::fs::write(path, format!("{written}{TRACE}{trace}")).unwrap();
    }
}

/// The fields of a trace.
fn toml(trace: &RecordedTrace) -> String {
    let RecordedTrace {
        engine,
        version,
        events,
        hash,
        checkpoints,
    } = trace;
    let mut text = format!(
        "engine = {engine:?}\nversion = {version:?}\nevents = {events}\nhash = {:?}\ncheckpoints = [\n",
        String::from(*hash)
    );
    for hash in checkpoints {
        let _ = writeln!(text, "    {:?},", String::from(*hash));
    }
    text + "]\n"
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "who means a trace to change says so; no run sees it"
)]
fn every_scenario_becomes_what_it_expects() {
    if std::env::var_os("RECORD_SCENARIOS").is_some() {
        record();
    }
    let problems = problems(|plan, _| check(plan));
    assert!(problems.is_empty(), "{problems}");
    let all = scenarios();
    assert!(all.len() >= SCENARIOS_MIN, "{}", all.len());
}

#[test]
fn every_scenario_says_exactly_what_it_means_and_is_commented() {
    let problems = problems(|plan, text| {
        let mut wrong = Vec::new();
        if plan.explore {
            wrong.push("it leaves decisions to its seed".into());
        }
        for word in ["# Story: ", "# What could go wrong: ", "# Checked: "] {
            if !text.contains(word) {
                wrong.push(format!("no comment {word:?}"));
            }
        }
        let goals = plan.expect.as_ref().map_or(0, |expect| expect.goals.len());
        if goals == 0 {
            wrong.push("no goal".into());
        }
        wrong
    });
    assert!(problems.is_empty(), "{problems}");
}

/// What an operator or a network does to a world, and not its users.
fn is_upset(actor: Actor, what: What) -> bool {
    let is_strange = matches!(what, What::Spoof { .. } | What::Rebind);
    let is_use = matches!(what, What::Dial { .. });
    is_strange || matches!(actor, Actor::Server(_)) && !is_use
}

/// The plan without one of its faults, for each of them, with the fault in words.
fn without_one(plan: &Plan) -> Vec<(String, Plan)> {
    let mut plans = Vec::new();
    for (nth, decision) in plan.decisions.iter().enumerate() {
        let mut without = plan.clone();
        without.decisions.remove(nth);
        plans.push((decision.to_string(), without));
    }
    for (nth, partition) in plan.partitions.iter().enumerate() {
        let mut without = plan.clone();
        without.partitions.remove(nth);
        plans.push((format!("{partition:?}"), without));
    }
    for (nth, operation) in plan.operations.iter().enumerate() {
        if is_upset(operation.actor, operation.what) {
            let mut without = plan.clone();
            without.operations.remove(nth);
            plans.push((format!("{operation:?}"), without));
        }
    }
    plans
}

#[test]
fn every_fault_of_a_scenario_makes_a_difference() {
    let problems = problems(|plan, _| {
        let hash = run(plan).trace_hash;
        let all = without_one(plan);
        let none = all.is_empty().then(|| "nothing goes wrong in it".into());
        let idle = all
            .iter()
            .filter(|(_, without)| run(without).trace_hash == hash);
        let idle = idle.map(|(fault, _)| format!("no difference without {fault}"));
        none.into_iter().chain(idle).collect()
    });
    assert!(problems.is_empty(), "{problems}");
}

/// A scenario with threads but no stall, and one without threads, become the same where nothing waits for the other's clock.
#[test]
fn a_scenario_without_stalls_has_the_same_verdict_with_threads() {
    let problems = problems(|plan, _| {
        if plan.engine != ENGINE {
            return Vec::new();
        }
        let (engine, expect) = (STRANDS.into(), None);
        let threaded = Plan {
            engine,
            expect,
            ..plan.clone()
        };
        let report = run(&threaded);
        let mut expect = plan.expect.clone().unwrap();
        expect.trace = None;
        expect.unmet(&report)
    });
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn a_scenario_with_a_wrong_expectation_is_red() {
    let (_, text) = scenarios().swap_remove(0);
    let plan: Plan = text.parse().unwrap();
    assert_eq!(check(&plan), Vec::<String>::new());
    let wrong = |bend: fn(&mut Plan)| {
        let mut bent = plan.clone();
        bend(&mut bent);
        check(&bent).join("; ")
    };
    let verdict = wrong(|plan| plan.expect.as_mut().unwrap().verdict = "call-ends".into());
    assert_eq!(verdict, format!("expected call-ends, became {HELD}"));
    let goal = wrong(|plan| {
        let goals = &mut plan.expect.as_mut().unwrap().goals;
        goals.push(iaxproof_sim::goals::Goal::RegistrarMoved);
    });
    assert_eq!(goal, "goal not reached: registrar moved");
    let fault = wrong(|plan| plan.decisions.clear());
    assert!(fault.contains("diverged at event "), "{fault}");
    let silent = wrong(|plan| plan.expect = None);
    assert_eq!(silent, "it says nothing of what is expected");
    let goal_unknown = text.replace("goals = [", "goals = [\"tea was served\",");
    let error = goal_unknown.parse::<Plan>().unwrap_err().to_string();
    assert!(error.contains("\"tea was served\" is no goal"), "{error}");
}
