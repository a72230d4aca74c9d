//! Tests of the schedule: who goes on, who stalls, and what replays.

use super::*;

const BOTH: [usize; 2] = [0, 1];

/// A schedule with these stalls.
fn with(stalls: &[&str]) -> Schedule {
    let mut plan = Plan::from_seed(1);
    plan.explore = false;
    plan.decisions = stalls.iter().map(|text| text.parse().unwrap()).collect();
    Schedule::new(&plan, &[])
}

#[test]
fn without_stalls_a_thread_goes_on_until_it_rests() {
    let mut schedule = with(&[]);
    schedule.point(1);
    assert_eq!(schedule.pick(&BOTH, Some(1)), Some(1));
    assert_eq!(schedule.pick(&[0], Some(1)), Some(0));
    assert_eq!(schedule.pick(&[], Some(0)), None);
    assert_eq!(schedule.preempted(), 0);
}

#[test]
fn who_stalls_until_rest_goes_on_when_no_other_can_and_before_time_passes() {
    let mut schedule = with(&["stall 0 1 = 1"]);
    schedule.point(0);
    assert_eq!(schedule.pick(&BOTH, Some(0)), Some(0));
    schedule.point(0);
    assert_eq!(schedule.pick(&BOTH, Some(0)), Some(1));
    assert_eq!(schedule.pick(&BOTH, Some(1)), Some(1));
    assert_eq!(schedule.pick(&[0], Some(1)), Some(0));
    assert_eq!(schedule.preempted(), 1);
}

#[test]
fn the_highest_rank_goes_first_also_in_the_middle_of_what_another_does() {
    let mut schedule = with(&["rank 0 0 = 1", "rank 1 0 = 2"]);
    assert!(schedule.point(0));
    assert_eq!(schedule.pick(&[0], Some(0)), Some(0));
    assert_eq!(schedule.pick(&BOTH, Some(0)), Some(1));
    assert_eq!(schedule.pick(&BOTH, Some(1)), Some(1));
    assert_eq!(schedule.pick(&[0], Some(1)), Some(0));
    assert_eq!(schedule.preempted(), 1);
}

#[test]
fn who_stalls_is_passed_by_a_lower_rank() {
    let mut schedule = with(&["rank 0 0 = 2", "rank 1 0 = 1", "stall 0 0 = 1"]);
    assert!(schedule.point(0));
    assert_eq!(schedule.pick(&BOTH, Some(0)), Some(1));
}

/// A schedule that is drawn: whose stalls come before which of so many steps.
fn drawn(seed: u64, scheduler: Scheduler, steps: [u32; 4]) -> Vec<Decision> {
    let mut plan = Plan::threaded_from_seed(seed);
    plan.options.scheduler = scheduler;
    (plan.topology.servers, plan.topology.workers) = (1, 1);
    let mut schedule = Schedule::new(&plan, &steps);
    for (thread, steps) in steps.into_iter().enumerate() {
        for _ in 0..steps {
            schedule.point(thread);
        }
    }
    assert_eq!(schedule.steps(), steps);
    schedule.into_taken()
}

/// How many stalls are a worker's, and how many a reloader's, in schedules so drawn.
fn shares(scheduler: Scheduler) -> [usize; 2] {
    let drawn = (0..200).flat_map(|seed| drawn(seed, scheduler, [4_000, 40, 0, 0]));
    let stalls = drawn.filter(|it| it.key.domain == Domain::Stall);
    let stalled: Vec<_> = stalls.map(|it| it.key.who).collect();
    [0, 1].map(|who| stalled.iter().filter(|it| **it == who).count())
}

#[test]
fn by_role_and_by_count_few_steps_are_stalled_far_more_often() {
    let [workers, reloaders] = shares(Scheduler::Stalls);
    assert!(reloaders * 20 < workers, "{reloaders} of {workers}");
    for scheduler in [Scheduler::Roles, Scheduler::Pct] {
        let [workers, reloaders] = shares(scheduler);
        assert!(
            reloaders * 4 > workers,
            "{scheduler:?}: {reloaders} of {workers}"
        );
    }
}

#[test]
fn without_stalls_no_way_of_drawing_draws_any() {
    for scheduler in Scheduler::ALL {
        let mut plan = Plan::threaded_from_seed(1);
        plan.options.scheduler = scheduler;
        plan.take_stalls_out();
        let mut schedule = Schedule::new(&plan, &[1_000; 8]);
        assert!((0..1_000).all(|_| !schedule.point(0) && !schedule.point(1)));
        assert!(schedule.into_taken().is_empty(), "{scheduler:?}");
    }
}

#[test]
fn what_was_drawn_replays_from_its_list_without_counts() {
    for scheduler in Scheduler::ALL {
        let first = drawn(7, scheduler, [4_000, 400, 0, 40]);
        let mut plan = Plan::threaded_from_seed(7);
        (plan.topology.servers, plan.topology.workers) = (1, 1);
        plan.explore = false;
        plan.decisions = first.clone();
        let mut schedule = Schedule::new(&plan, &[]);
        for (thread, steps) in [4_000, 400, 0, 40].into_iter().enumerate() {
            for _ in 0..steps {
                schedule.point(thread);
            }
        }
        assert_eq!(schedule.into_taken(), first, "{scheduler:?}");
    }
}

#[test]
fn a_stall_ends_after_so_many_steps_of_others_where_the_plan_says_so() {
    let mut schedule = with(&["stall 0 0 = 1", "resume 0 0 = 2"]);
    assert!(schedule.point(0));
    assert_eq!(schedule.pick(&BOTH, Some(0)), Some(1));
    // Two steps of the other, and before its third the first goes on.
    assert!(!schedule.point(1));
    assert!(!schedule.point(1));
    assert!(schedule.point(1));
    assert!(!schedule.is_stalled(1));
    assert_eq!(schedule.pick(&BOTH, Some(1)), Some(0));
    assert!(!schedule.point(0));
    assert_eq!(schedule.pick(&BOTH, Some(0)), Some(0));
}

#[test]
fn who_stalls_for_a_while_waits_for_time_or_for_healing() {
    let mut schedule = with(&["stall 0 0 = 3", "stall 1 0 = 6"]);
    schedule.point(0);
    schedule.point(1);
    assert_eq!(schedule.pick(&BOTH, Some(0)), None);
    assert_eq!(schedule.next_wake(), Some(Instant::from_millis(120)));
    schedule.set_now(Instant::from_millis(119));
    assert_eq!(schedule.pick(&BOTH, None), None);
    schedule.set_now(Instant::from_millis(120));
    assert_eq!(schedule.pick(&BOTH, None), Some(0));
    assert_eq!(schedule.pick(&[1], None), None);
    schedule.heal();
    assert_eq!(schedule.pick(&[1], None), Some(1));
}
