//! What the executions of one exploration did: how many, with which outcomes, and which of them were replayed through the protocol. The
//! explorers call [`execute`] for each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::context;
use crate::explore::{Followed, Source};
use crate::finding::{self, Finding};
use crate::protocol::Table;
use crate::protocol::replay::Replayer;
use crate::protocol::trace::Trace;

/// What the executions of one exploration did so far.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) executions: u64,
    pub(crate) steps_max: usize,
    pub(crate) threads_max: usize,
    pub(crate) outcomes: BTreeMap<String, u64>,
    /// What replays executions, where any are.
    pub(crate) replayer: Option<Replayer>,
    /// The traces themselves, where they are wanted.
    pub(crate) traces: Option<Vec<Trace>>,
    pub(crate) followed: Followed,
    /// The first execution that the protocol does not allow. It is told where nothing worse was found: what is wrong with it may
    /// show in another execution, and say more there.
    pub(crate) refused: Option<Finding>,
}

/// Of an exploration the first executions are replayed through the protocol,
const FOLLOWED_FIRST: u64 = 256;
/// and of the others each that has this divisor: a replay takes several times as long as the execution.
const FOLLOWED_EACH: u64 = 64;

/// Whether executions are replayed through the protocol of what ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    Yes,
    No,
}

impl Follow {
    pub(crate) fn tally(self) -> Shared {
        let replayer = (self == Follow::Yes).then(|| Replayer::new(&Table::shipped()));
        Arc::new(Mutex::new(Tally {
            replayer,
            ..Tally::default()
        }))
    }
}

pub(crate) type Shared = Arc<Mutex<Tally>>;

/// One execution, from begin to end.
pub(crate) fn execute(tally: &Shared, body: Source) {
    context::begin();
    if locked(tally).begins() {
        context::follow();
    }
    let outcome = finding::contain(|| {
        let outcome = body.run();
        context::end();
        outcome
    });
    if let Some(trace) = context::take_trace() {
        locked(tally).ended(trace);
    }
    let (steps, threads) = context::with(|c| (c.steps.len(), c.threads()));
    let mut tally = locked(tally);
    tally.steps_max = tally.steps_max.max(steps);
    tally.threads_max = tally.threads_max.max(threads);
    *tally.outcomes.entry(outcome).or_default() += 1;
}

impl Tally {
    /// An execution begins; whether it is followed.
    fn begins(&mut self) -> bool {
        self.executions += 1;
        let is_in_share =
            self.executions <= FOLLOWED_FIRST || self.executions.is_multiple_of(FOLLOWED_EACH);
        self.traces.is_some() || is_in_share && self.replayer.is_some()
    }

    fn ended(&mut self, trace: Trace) {
        self.replay(&trace);
        if let Some(traces) = &mut self.traces {
            traces.push(trace);
        }
    }

    fn replay(&mut self, trace: &Trace) {
        let Some(replayer) = &self.replayer else {
            return;
        };
        self.followed.traces += 1;
        match replayer.replay(trace) {
            Ok(taken) => {
                for (step, times) in taken {
                    *self.followed.steps.entry(step.to_owned()).or_default() += times;
                }
            }
            Err(why) => {
                self.refused
                    .get_or_insert_with(|| Finding::new("refinement", &why));
            }
        }
    }
}

/// The tally, or what else no panic leaves broken.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
