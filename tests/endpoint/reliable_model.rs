//! Two ends of the reliable exchange over a channel that loses, repeats and reorders, against a plain model: what is
//! delivered is a prefix of what was sent (delivered-in-order), and when the channel heals everything arrives.

use core::time::Duration;
use std::collections::VecDeque;

use iaxproof::engine::cipher::Padding;
use iaxproof::engine::reliable::verdict::Verdict;
use iaxproof::engine::reliable::{Reliable, Timeout};
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, FullFrame};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

/// Frames that may overtake or be overtaken: fewer than the numbers that a repeat can be told by.
const REORDER_MAX: usize = 40;

/// What may happen.
#[derive(Clone, Debug)]
enum Step {
    /// An end sends so many frames.
    Send { end: usize, count: usize },
    /// The datagram at this place of the way to an end arrives.
    Arrive { end: usize, place: usize },
    /// It arrives, and will arrive again.
    Repeat { end: usize, place: usize },
    /// It is lost.
    Lose { end: usize, place: usize },
    /// Time passes.
    Wait { ms: u64 },
}

/// The plain model: how many frames each end has handed over.
#[derive(Clone, Debug, Default)]
struct Model {
    sent: [usize; 2],
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::default()).boxed()
    }

    #[expect(
        clippy::disallowed_types,
        reason = "the macro shares its strategies by it"
    )]
    fn transitions(_: &Model) -> BoxedStrategy<Step> {
        let end = 0..2_usize;
        let place = 0..REORDER_MAX;
        prop_oneof![
            4 => (end.clone(), 1..30_usize).prop_map(|(end, count)| Step::Send { end, count }),
            12 => (end.clone(), 0..3_usize).prop_map(|(end, place)| Step::Arrive { end, place }),
            3 => (end.clone(), place.clone()).prop_map(|(end, place)| Step::Arrive { end, place }),
            2 => (end.clone(), place.clone()).prop_map(|(end, place)| Step::Repeat { end, place }),
            2 => (end, place).prop_map(|(end, place)| Step::Lose { end, place }),
            2 => (0..1500_u64).prop_map(|ms| Step::Wait { ms }),
        ]
        .boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        if let Step::Send { end, count } = step {
            model.sent[*end] += count;
        }
        model
    }
}

/// Two ends and the two ways between them.
struct Line {
    now: Instant,
    ends: [Reliable; 2],
    /// What an end could not hand over yet, as the application's own queue.
    handed: [usize; 2],
    delivered: [Vec<Vec<u8>>; 2],
    ways: [VecDeque<Vec<u8>>; 2],
    is_over: bool,
}

impl Line {
    fn new() -> Self {
        let number = |number| CallNumber::new(number).expect("15 bits");
        Line {
            now: Instant::from_secs(1),
            ends: [
                Reliable::new(number(2), number(3), Instant::from_secs(1)),
                Reliable::new(number(3), number(2), Instant::from_secs(1)),
            ],
            handed: [0; 2],
            delivered: Default::default(),
            ways: Default::default(),
            is_over: false,
        }
    }

    fn send(&mut self, end: usize) {
        let text = self.handed[end].to_string();
        if self.ends[end]
            .send(self.now, Body::Text(text.as_bytes()))
            .is_ok()
        {
            self.handed[end] += 1;
        }
        self.collect();
    }

    fn arrive(&mut self, end: usize, octets: &[u8]) {
        let frame = FullFrame::parse(octets).expect("an end sends frames only");
        let receipt = self.ends[end].receive(self.now, &frame);
        if receipt.verdict == Verdict::InOrder {
            if let Body::Text(text) = frame.body {
                self.delivered[end].push(text.to_vec());
            }
            self.ends[end].settle(&frame);
        }
        self.collect();
    }

    fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        loop {
            let due = self.ends.iter().filter_map(Reliable::poll_timeout).min();
            let Some(at) = due.filter(|at| *at <= until) else {
                break;
            };
            self.now = self.now.max(at);
            for end in &mut self.ends {
                self.is_over |= end.handle_timeout(self.now) != Timeout::Waiting;
            }
            self.collect();
            if self.is_over {
                break;
            }
        }
        self.now = until;
    }

    fn collect(&mut self) {
        for end in 0..2 {
            while let Some(octets) = self.ends[end].poll_transmit(Padding::default) {
                self.ways[1 - end].push_back(octets);
            }
        }
        for way in &mut self.ways {
            while way.len() > REORDER_MAX {
                way.pop_front();
            }
        }
    }

    /// From now on nothing is lost: everything arrives in its order.
    fn heal(&mut self) {
        for _ in 0..100 {
            while let Some(end) = (0..2).find(|end| !self.ways[*end].is_empty()) {
                let octets = self.ways[end].pop_front().expect("not empty");
                self.arrive(end, &octets);
            }
            if self
                .ends
                .iter()
                .all(|end| end.outstanding() + end.queued() == 0)
            {
                return;
            }
            self.wait(Duration::from_secs(1));
        }
    }
}

struct Check;

impl StateMachineTest for Check {
    type SystemUnderTest = Line;
    type Reference = Model;

    fn init_test(_: &Model) -> Line {
        Line::new()
    }

    fn apply(mut line: Line, _: &Model, step: Step) -> Line {
        if line.is_over {
            return line;
        }
        match step {
            Step::Send { end, count } => (0..count).for_each(|_| line.send(end)),
            Step::Arrive { end, place } => {
                if let Some(octets) = line.ways[end].remove(place) {
                    line.arrive(end, &octets);
                }
            }
            Step::Repeat { end, place } => {
                if let Some(octets) = line.ways[end].get(place).cloned() {
                    line.arrive(end, &octets);
                }
            }
            Step::Lose { end, place } => {
                line.ways[end].remove(place);
            }
            Step::Wait { ms } => line.wait(Duration::from_millis(ms)),
        }
        line
    }

    fn check_invariants(line: &Line, model: &Model) {
        for end in 0..2 {
            let expected = (0..line.handed[1 - end]).map(|i| i.to_string().into_bytes());
            let prefix = expected.take(line.delivered[end].len());
            assert!(prefix.eq(line.delivered[end].iter().cloned()), "end {end}");
            assert!(line.delivered[end].len() <= line.handed[1 - end]);
            assert!(line.handed[end] <= model.sent[end]);
            assert!(line.ends[end].outstanding() <= 127);
        }
    }

    fn teardown(mut line: Line, _: Model) {
        if line.is_over {
            return;
        }
        line.heal();
        if line.is_over {
            return;
        }
        for end in 0..2 {
            assert_eq!(line.delivered[end].len(), line.handed[1 - end], "end {end}");
            assert_eq!(line.ends[end].outstanding() + line.ends[end].queued(), 0);
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_is_delivered_is_a_prefix_of_what_was_sent(sequential 1..200 => Check);
}

/// Without faults every frame arrives once and in order, over several wraps of the sequence number.
#[test]
fn a_thousand_frames_arrive_over_a_good_channel() {
    let mut line = Line::new();
    for _ in 0..1000 {
        line.send(0);
        line.heal();
    }
    assert!(!line.is_over);
    let expected: Vec<_> = (0..1000)
        .map(|i: usize| i.to_string().into_bytes())
        .collect();
    assert_eq!(line.delivered[1], expected);
}
