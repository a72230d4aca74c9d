/// The world of this plan breaks `reload-atomic`. When that is mended, this test fails: then expect `None`.
#[test]
fn world_settings_rewritten_under_a_call() {
    use iaxproof_models::{Design, world};
    use iaxproof_sim::plan::Plan;
    use iaxproof_sim::report::View;

    let plan: Plan = PLAN.parse().expect("a plan of this build's schema");
    let report = world::run(&plan, View::Hash, Design::RebuildInPlace);
    let failed = report.failure().map(|failure| failure.violation.property);
    assert_eq!(failed, Some("reload-atomic"));
}

const PLAN: &str = r###"
# reload-atomic fails on rebuild-in-place:
#   server 0: p0 at 192.0.2.10:4569 was refused, though its account was there all the time
# Shrunk from a world of seed 0: 3 nodes -> 3, 2 operations -> 2, 0 faults -> 0, 0 choices -> 0, 1 preemptions -> 1; 41 runs.
# 1-minimal: each of these is needed.

schema = 3
engine = "strands"
version = "0.1.0"
seed = 0
heal_ms = 60000
decisions = ["stall 1 34 = 3"]

[topology]
servers = 1
clients = 2

[options]

[[configurations]]
registration_s = 60

[[operations]]
at_ms = 0
actor = "client 0"

[operations.what.call-peer]
client = 1

[[operations]]
at_ms = 0
actor = "server 0"

[operations.what.reload]
configuration = 0
"###;
