//! Worlds with threads: what the schedule decides replays, and both engines run the same world.

use iaxproof_models::{Design, world};
use iaxproof_sim::coverage::{Fault, Point};
use iaxproof_sim::plan::{Plan, SHUTTLE, STRANDS};
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::schedule::Scheduler;

/// Worlds that each test runs.
const SEEDS: u64 = 40;

fn run(plan: &Plan) -> Report {
    world::run(plan, View::Hash, Design::Shipped)
}

/// The plan of a seed whose stalls are drawn in this way.
fn drawn(seed: u64, scheduler: Scheduler) -> Plan {
    let mut plan = Plan::threaded_from_seed(seed);
    plan.options.scheduler = scheduler;
    plan
}

/// All ways of drawing stalls, for some seeds each.
fn all_drawn() -> impl Iterator<Item = Plan> {
    let of = |scheduler| (0..SEEDS / 2).map(move |seed| drawn(seed, scheduler));
    Scheduler::ALL.into_iter().flat_map(of)
}

#[test]
fn worlds_with_threads_hold() {
    let (mut stalls, mut beside, mut amid) = (0, 0, 0);
    for seed in 0..SEEDS {
        let report = run(&Plan::threaded_from_seed(seed));
        let failure = report.failure().map(|it| format!("{:?}", it.violation));
        assert_eq!(failure, None, "seed {seed}");
        let is_stall = |text: String| text.starts_with("stall ");
        let decisions = report.plan.decisions.iter();
        stalls += decisions.filter(|it| is_stall(it.to_string())).count();
        let faults = || report.coverage.iter().map(Point::fault);
        beside += faults().filter(|it| *it == Fault::BesideStall).count();
        amid += faults().filter(|it| *it == Fault::AmidStall).count();
    }
    assert!(stalls > 20, "{stalls}");
    assert!(beside > 20 && amid > 5, "{beside} {amid}");
}

/// Worlds of which a checker or the world itself once thought what only holds where no thread stops, or no number is used again: a worker
/// that stood still when a call was due to be over, one that was told to give up what it had not begun, a number of a rejected call that
/// opens another, one that a client took along to another port, an INVAL for who had a number before, a mood that outlived a restart,
/// an operator that stood still while who it took away registered again.
const FOUND: [u64; 7] = [22_550, 30_338, 21_605, 31_792, 50_566, 37_685, 72_203];

#[test]
fn worlds_that_failed_hold() {
    for seed in FOUND {
        let report = run(&drawn(seed, Scheduler::Stalls));
        let failure = report.failure().map(|it| format!("{:?}", it.violation));
        assert_eq!(failure, None, "seed {seed}");
    }
}

/// An operator stands still for four seconds with what it is to write that a contact is gone. A registration that comes meanwhile must be
/// written after that, does not wait for so long, and is refused: by rights, and `reload-atomic` has nothing to say.
const HELD_UP: &str = r#"
schema = 3
engine = "strands"
version = "0.1.0"
seed = 0
heal_ms = 60000
configurations = [{ registration_s = 60 }]
operations = [
    { at_ms = 0, actor = "client 0", what = { register = { refresh_s = 60 } } },
    { at_ms = 100, actor = "server 0", what = { unregister = { client = 0 } } },
    { at_ms = 100, actor = "client 0", what = { register = { refresh_s = 30 } } },
    { at_ms = 5000, actor = "server 0", what = "restart" },
]
decisions = ["stall 2 5 = 6"]

[topology]
servers = 1
clients = 2

[options]
"#;

/// A reload evicts a row. Between its look at what is to be kept of the row and its going, the store brings a renewal into force: what is
/// kept must be that. Nobody had seen this before it was found here, in the catalog that ships.
const RENEWED_WHILE_EVICTED: &str = r#"
schema = 3
engine = "strands"
version = "0.1.0"
seed = 2065
heal_ms = 60000
configurations = [{ registration_s = 60 }]
operations = [
    { at_ms = 0, actor = "client 1", what = { register = { refresh_s = 60 } } },
    { at_ms = 0, actor = "client 2", what = { register = { refresh_s = 60 } } },
    { at_ms = 800, actor = "client 0", what = { register = { refresh_s = 60 } } },
    { at_ms = 3000, actor = "client 1", what = { call-peer = { client = 0 } } },
    { at_ms = 10000, actor = "client 1", what = { call-peer = { client = 1 } } },
    { at_ms = 20000, actor = "client 1", what = "release" },
    { at_ms = 20000, actor = "client 1", what = "hang-up" },
    { at_ms = 40000, actor = "client 0", what = { call-peer = { client = 0 } } },
    { at_ms = 50400, actor = "server 0", what = { reload = { configuration = 0 } } },
]
decisions = ["write 0 3 = 4", "write 0 5 = 2", "stall 1 NTH = 2"]

[topology]
servers = 1
clients = 3
realtime = [2]

[options]
"#;

/// The reloader's steps of both reloads of that plan, and more.
const STEPS: core::ops::Range<u32> = 0..120;

#[test]
fn a_renewal_that_lands_while_its_row_is_evicted_is_kept() {
    for nth in STEPS {
        let plan = RENEWED_WHILE_EVICTED.replace("NTH", &nth.to_string());
        let report = run(&plan.parse().unwrap());
        let failure = report.failure().map(|it| format!("{:?}", it.violation));
        assert_eq!(failure, None, "stalled before step {nth}");
    }
}

/// A process dies twice while its reloader stands still, so that nobody looks in between: what the first death left open is open still.
const DIED_TWICE: &str = r#"
schema = 3
engine = "strands"
version = "0.1.0"
seed = 0
heal_ms = 60000
configurations = [{ registration_s = 60 }]
operations = [
    { at_ms = 0, actor = "client 0", what = "call" },
    { at_ms = 0, actor = "client 1", what = { register = { refresh_s = 60 } } },
    { at_ms = 100, actor = "server 0", what = { reload = { configuration = 0 } } },
    { at_ms = 100, actor = "client 1", what = "release" },
    { at_ms = 200, actor = "server 0", what = "restart" },
    { at_ms = 200, actor = "server 0", what = "restart" },
]
decisions = ["stall 1 69 = 3"]

[topology]
servers = 1
clients = 2

[options]
"#;

/// The thread that brings the store's first answer stands still, and the next write is on its way before the first is known to be stored. Then
/// the process dies: the store may have either.
const WRITTEN_BEFORE_ANSWERED: &str = r#"
schema = 3
engine = "strands"
version = "0.1.0"
seed = 0
heal_ms = 60000
configurations = [{ registration_s = 60 }]
operations = [
    { at_ms = 0, actor = "client 0", what = { register = { refresh_s = 60 } } },
    { at_ms = 0, actor = "client 1", what = { register = { refresh_s = 60 } } },
    { at_ms = 100, actor = "server 0", what = "restart" },
]
decisions = ["write 0 1 = 2", "restart 0 0 = 1", "stall 3 15 = 2"]

[topology]
servers = 1
clients = 2
sharing = [1]
tokenless = [1]

[options]
"#;

#[test]
fn what_was_written_before_the_answer_was_known_may_be_what_is_stored() {
    let report = run(&WRITTEN_BEFORE_ANSWERED.parse().unwrap());
    let failure = report.failure().map(|it| format!("{:?}", it.violation));
    assert_eq!(failure, None);
}

#[test]
fn what_one_death_leaves_open_the_next_does_not_settle() {
    let report = run(&DIED_TWICE.parse().unwrap());
    let failure = report.failure().map(|it| format!("{:?}", it.violation));
    assert_eq!(failure, None);
}

#[test]
fn who_waits_for_what_an_operator_holds_back_may_be_refused() {
    let report = run(&HELD_UP.parse().unwrap());
    let failure = report.failure().map(|it| format!("{:?}", it.violation));
    assert_eq!(failure, None);
}

#[test]
fn a_world_with_threads_replays_from_its_written_plan() {
    for plan in all_drawn() {
        let seed = plan.seed;
        let first = run(&plan);
        let plan: Plan = first.plan.to_string().parse().unwrap();
        let again = run(&plan);
        assert_eq!(again.trace_hash, first.trace_hash, "seed {seed}");
        assert_eq!(again.verdict, first.verdict, "seed {seed}");
        assert_eq!(again.coverage, first.coverage, "seed {seed}");
    }
}

#[test]
fn without_stalls_every_engine_says_the_same() {
    for seed in 0..SEEDS {
        let mut plan = Plan::threaded_from_seed(seed);
        plan.options.stalls_max = 0;
        let strands = run(&plan);
        plan.engine = SHUTTLE.into();
        let shuttle = run(&plan);
        assert_eq!(strands.verdict, shuttle.verdict, "seed {seed}");
        assert_eq!(strands.coverage, shuttle.coverage, "seed {seed}");
    }
}

#[test]
fn with_stalls_shuttle_goes_the_way_that_the_strands_went() {
    for mut plan in all_drawn() {
        let seed = plan.seed;
        let strands = run(&plan);
        plan.engine = SHUTTLE.into();
        let shuttle = run(&plan);
        assert_eq!(strands.verdict, shuttle.verdict, "seed {seed}");
        plan.engine = STRANDS.into();
        let same = strands.plan.decisions == shuttle.plan.decisions;
        assert!(same, "seed {seed}: other decisions were asked for");
        assert_eq!(strands.coverage, shuttle.coverage, "seed {seed}");
    }
}
