/// The world of this plan breaks `no-use-after-destroy`. When that is mended, this test fails: then expect `None`.
#[test]
fn world_list_of_2007() {
    use iaxproof_models::{Design, world};
    use iaxproof_sim::plan::Plan;
    use iaxproof_sim::report::View;

    let plan: Plan = PLAN.parse().expect("a plan of this build's schema");
    let report = world::run(&plan, View::Hash, Design::Specimen2007);
    let failed = report.failure().map(|failure| failure.violation.property);
    assert_eq!(failed, Some("no-use-after-destroy"));
}

const PLAN: &str = r###"
# no-use-after-destroy fails on 2007:
#   server 0: a handle was stale: verifying a registration
# Shrunk from a world of seed 0: 3 nodes -> 3, 2 operations -> 2, 0 faults -> 0, 0 choices -> 0, 0 preemptions -> 0; 11 runs.
# 1-minimal: each of these is needed.

schema = 3
engine = "stack"
version = "0.1.0"
seed = 0
heal_ms = 60000

[topology]
servers = 1
clients = 2
realtime = [0]

[options]

[[configurations]]
registration_s = 60

[[operations]]
at_ms = 0
actor = "client 0"

[operations.what.register]
refresh_s = 30

[[operations]]
at_ms = 35
actor = "server 0"

[operations.what.prune]
client = 0
"###;
