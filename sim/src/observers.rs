//! Those who look on: trace, checkers, goals. They see every fact and change nothing.

use core::time::Duration;

use iaxproof::engine::Standing;
use iaxproof::time::Instant;

use crate::checkers::{Checkers, Violation};
use crate::coverage::{Circumstance, CoverageWatch};
use crate::decide::Decisions;
use crate::fact::Fact;
use crate::goals::{Goal, GoalWatch, Goals};
use crate::plan::expect::CHECKPOINT_EVENTS;
use crate::plan::{ENGINE, Plan};
use crate::report::{Checkpoint, Failure, Report, SentDatagram, Verdict, View};
use crate::schedule::ThreadId;
use crate::trace::{Line, TraceHash, line};
use crate::views::What;
use crate::views::log::Recorder;
use crate::world::EVENTS_OF_A_WORLD_MAX;

/// All observers of one world.
#[derive(Debug)]
pub(crate) struct Observers {
    checkers: Checkers,
    goals: GoalWatch,
    coverage: CoverageWatch,
    hash: TraceHash,
    checkpoints: Vec<Checkpoint>,
    timeline: Option<Vec<Line>>,
    datagrams: Option<Vec<SentDatagram>>,
    recorder: Option<Recorder>,
    /// How many datagrams nodes sent.
    sent: u64,
    /// The one that arrives now.
    arriving: u64,
    events: u64,
    failure: Option<Failure>,
    /// When the thread whose job is told of took it up: what it promised, it promised for then.
    since: Option<Instant>,
}

impl Observers {
    pub(crate) fn new(plan: &Plan, view: View) -> Self {
        let checkers = Checkers::new(&plan.topology);
        Observers {
            checkers: match plan.engine == ENGINE {
                true => checkers,
                false => checkers.with_threads(),
            },
            goals: GoalWatch::default(),
            coverage: CoverageWatch::default(),
            hash: TraceHash::default(),
            checkpoints: Vec::new(),
            timeline: matches!(view, View::Timeline | View::Events).then(Vec::new),
            datagrams: (view == View::Datagrams).then(Vec::new),
            recorder: (view == View::Events).then(|| Recorder::new(plan)),
            sent: 0,
            arriving: 0,
            events: 0,
            failure: None,
            since: None,
        }
    }

    /// From now on it is told what a thread did that took its job up then; or what happens now.
    pub(crate) const fn tell_since(&mut self, since: Option<Instant>) {
        self.since = since;
    }

    /// Shows a fact to all. After a violation nothing more is seen.
    #[track_caller]
    pub(crate) fn see(&mut self, now: Instant, fact: &Fact<'_>) {
        if self.failure.is_some() {
            return;
        }
        self.hash.fact(now, fact);
        self.goals.observe(now, fact);
        self.coverage.observe(fact);
        if let Some(timeline) = &mut self.timeline {
            timeline.extend(line(self.events, now, fact));
        }
        self.record(now, fact);
        if let Some(datagrams) = &mut self.datagrams {
            datagrams.extend(SentDatagram::of(now, fact));
        }
        if let Err(violation) = self.checkers.observe(self.since.unwrap_or(now), fact) {
            self.fail(now, violation);
        }
    }

    /// Everything that happens is put down, where it is asked for.
    #[track_caller]
    fn record(&mut self, now: Instant, fact: &Fact<'_>) {
        self.sent += u64::from(matches!(fact, Fact::Sent(_)));
        let datagram = match fact {
            Fact::Arrived(_) => self.arriving,
            _ => self.sent,
        };
        if let Some(recorder) = &mut self.recorder {
            recorder.fact((self.events, now), fact, datagram);
        }
    }

    /// The number of the datagram that was sent last.
    pub(crate) const fn last_sent(&self) -> u64 {
        self.sent
    }

    /// What arrives next is of the datagram of this number.
    pub(crate) const fn tell_arriving(&mut self, datagram: u64) {
        self.arriving = datagram;
    }

    /// Whose doing it is that is told from now on.
    pub(crate) fn tell_thread(&mut self, thread: Option<ThreadId>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.set_thread(thread);
        }
    }

    /// A thread took a job up, or is done with it.
    #[track_caller]
    pub(crate) fn tell_job(&mut self, now: Instant, thread: ThreadId, what: What, text: &str) {
        if let Some(recorder) = self.recorder.as_mut().filter(|_| self.failure.is_none()) {
            recorder.job((self.events, now), thread, what, text);
        }
    }

    /// What a directory counts, for people.
    #[track_caller]
    pub(crate) fn tell_objects(
        &mut self,
        now: Instant,
        server: u8,
        live: usize,
        references: Option<usize>,
    ) {
        if let Some(recorder) = self.recorder.as_mut().filter(|_| self.failure.is_none()) {
            recorder.objects((self.events, now), server, live, references);
        }
    }

    /// How much happened.
    pub(crate) const fn events(&self) -> u64 {
        self.events
    }

    /// How long the log is, where one is kept.
    pub(crate) fn recorded(&self) -> Option<usize> {
        self.recorder.as_ref().map(Recorder::len)
    }

    /// A property is broken; the first one counts.
    #[track_caller]
    pub(crate) fn fail(&mut self, now: Instant, violation: Violation) {
        if self.failure.is_some() {
            return;
        }
        if let Some(timeline) = &mut self.timeline {
            timeline.push(Line {
                event: self.events,
                at: now,
                actor: None,
                text: format!("{}: {}", violation.property, violation.message),
                is_failure: true,
            });
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.failed((self.events, now), &violation);
        }
        self.failure = Some(Failure {
            violation,
            at: now,
            event: self.events,
        });
    }

    pub(crate) fn count_event(&mut self) {
        if self.events > 0 && self.events.is_multiple_of(CHECKPOINT_EVENTS) {
            self.checkpoints.push(Checkpoint {
                hash: self.hash.finish(),
                line: self.timeline.as_ref().map_or(0, Vec::len),
            });
        }
        self.events += 1;
        if self.events > EVENTS_OF_A_WORLD_MAX && self.failure.is_none() {
            let violation = Violation {
                property: "call-ends",
                message: format!("the world goes on after {EVENTS_OF_A_WORLD_MAX} events"),
            };
            self.fail(Instant::ZERO, violation);
        }
    }

    pub(crate) const fn reach(&mut self, goal: Goal) {
        self.goals.reached.reach(goal);
    }

    pub(crate) const fn join(&mut self, goals: Goals) {
        self.goals.reached.join(goals);
    }

    /// What arrives at a server now, for who takes it up.
    pub(crate) const fn arriving_as(&mut self) -> Option<Circumstance> {
        self.coverage.arriving()
    }

    /// A worker took a message up, and its dialogue stood there.
    pub(crate) fn cover(&mut self, standing: Standing, circumstance: Circumstance) {
        if self.failure.is_none() {
            self.coverage.reach(standing, circumstance);
        }
    }

    pub(crate) const fn violation(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    pub(crate) fn into_report(self, plan: &Plan, mut decisions: Decisions, now: Instant) -> Report {
        let asked = decisions.take_asked();
        let plan = Plan {
            explore: false,
            decisions: decisions.into_taken(),
            expect: None,
            ..plan.clone()
        };
        Report {
            verdict: match self.failure {
                None => Verdict::Held,
                Some(failure) => Verdict::Failed(failure),
            },
            trace_hash: self.hash.finish(),
            events: self.events,
            checkpoints: self.checkpoints,
            simulated: now.saturating_since(Instant::ZERO).max(Duration::ZERO),
            goals: self.goals.reached,
            coverage: self.coverage.reached,
            plan,
            timeline: self.timeline,
            datagrams: self.datagrams,
            log: self.recorder.map(Recorder::into_log),
            interleaving: None,
            steps: Vec::new(),
            asked,
        }
    }
}
