//! The steps of threads in the log of a world: locks, counts and lives of objects between what the world tells of itself.
//!
//! World and threads write two records. Marks say how far both were, each time somebody was done with the world; so they become one.

use iaxproof::time::Instant;
use iaxproof_sim::plan::Actor;
use iaxproof_sim::schedule::ThreadId;
use iaxproof_sim::views::{Entry, EventLog, What};

use crate::context::Context;
use crate::step::{Operation, Step, Subject, file_name};
use crate::table;

/// How far both records were at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// How many entries the world had written.
    pub(super) entries: usize,
    /// How many steps threads had done.
    pub(super) steps: usize,
    /// In which event of the world, and when.
    pub(super) event: u64,
    pub(super) at: Instant,
}

/// A thread stops before its next step.
#[derive(Clone, Copy, Debug)]
pub(super) struct StallSeen {
    /// How many steps had been done.
    pub(super) steps: usize,
    /// How many marks had been made.
    pub(super) marks: usize,
    /// Which thread, numbered as by the schedule.
    pub(super) thread: usize,
}

/// Makes one log of both.
pub(super) fn merge(log: &mut EventLog, marks: &[Mark], stalls: &[StallSeen], context: &Context) {
    let told = core::mem::take(&mut log.entries);
    let mut told = told.into_iter();
    let mut merged = Merged {
        log,
        context,
        stalls,
        done: 0,
    };
    let mut written = 0;
    let mut when = (0, Instant::ZERO);
    for (nth, mark) in marks.iter().enumerate() {
        merged.steps_until(mark.steps, nth, when);
        let more = mark.entries - written;
        merged.log.entries.extend(told.by_ref().take(more));
        (written, when) = (mark.entries, (mark.event, mark.at));
    }
    merged.steps_until(usize::MAX, marks.len(), when);
    merged.log.entries.extend(told);
}

struct Merged<'a> {
    log: &'a mut EventLog,
    context: &'a Context,
    stalls: &'a [StallSeen],
    done: usize,
}

impl Merged<'_> {
    /// The steps and stalls that came after so many marks.
    fn steps_until(&mut self, end: usize, marks: usize, when: (u64, Instant)) {
        let end = end.min(self.context.steps.len());
        for nth in self.done..end {
            self.stalls(nth, marks, when);
            let step = &self.context.steps[nth];
            if let Some(what) = what(self.context, step) {
                let place = format!("{}:{}", file_name(step.at), step.at.line());
                let text = format!("{} {place}", table::describe_whole(self.context, step));
                self.push(step.thread.checked_sub(1), when, what, text);
            }
        }
        self.stalls(end, marks, when);
        self.done = self.done.max(end);
    }

    fn stalls(&mut self, steps: usize, marks: usize, when: (u64, Instant)) {
        let is_here = |it: &&StallSeen| (it.steps, it.marks) == (steps, marks);
        let stalls = self.stalls;
        for stall in stalls.iter().filter(is_here) {
            let text = "stops here, while time and the others go on".to_owned();
            self.push(Some(stall.thread), when, What::Stalled, text);
        }
    }

    fn push(
        &mut self,
        thread: Option<usize>,
        (event, at): (u64, Instant),
        what: What,
        text: String,
    ) {
        let thread: Option<ThreadId> = thread.and_then(|it| self.log.threads.get(it).copied());
        self.log.entries.push(Entry {
            event,
            at,
            actor: thread.map(|it| Actor::Server(it.server)),
            thread,
            what,
            text,
            told_at: None,
        });
    }
}

/// What a step is for people; `None` for uses, and for what the driver does but destroy.
fn what(context: &Context, step: &Step) -> Option<What> {
    let is_drivers = step.thread == 0 && step.operation != Operation::Destroy;
    if step.operation == Operation::Use || is_drivers {
        return None;
    }
    let (object, is_count) = match step.subject {
        Subject::Count(object) => (Some(object), true),
        Subject::Object(object) | Subject::WeakCount(object) => (Some(object), false),
        _ => (None, false),
    };
    Some(What::Step {
        object: object.map(|object| context.object_name(object)),
        references: step.count_after().filter(|_| is_count),
        destroys: step.operation == Operation::Destroy,
    })
}
