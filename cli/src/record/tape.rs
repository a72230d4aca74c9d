//! An actor's end of a recording: it says what it is given before it does what that asks for, and what came of it afterwards. Nothing here waits:
//! where the other end has no room, the recording is over and the server goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};

use super::alias::Known;
use super::hand::{self, Actor, Switch};
use super::input::Input;
use super::output::Output;

/// An input and what came of it.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) input: Input,
    pub(super) switches: Vec<Switch>,
    pub(super) outputs: Vec<Output>,
}

/// What goes to the thread that writes.
#[derive(Debug)]
pub(super) enum Item {
    /// What somebody may use from now on.
    Known(Known),
    /// Some inputs of one actor.
    Done(Actor, Vec<Done>),
    /// The server has stopped.
    End,
}

/// Whether it is still being recorded.
#[derive(Debug, Default)]
pub(super) struct State {
    is_over: AtomicBool,
    why: Mutex<Option<String>>,
}

impl State {
    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// The recording ends here; the first reason counts.
    pub(super) fn end(&self, why: String) {
        let mut kept = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            tracing::error!(why, "the recording ends here, the server goes on");
            *kept = Some(why);
        }
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Why it ended.
    pub(super) fn why(&self) -> Option<String> {
        let why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        why.clone()
    }
}

/// Where an actor leaves what it is given; a blank one takes nothing.
#[derive(Debug, Default)]
pub(crate) struct Tape(Option<Live>);

#[derive(Debug)]
struct Live {
    me: Actor,
    to: SyncSender<Item>,
    state: Arc<State>,
    done: Vec<Done>,
    /// Whether an input is under way.
    is_open: bool,
}

impl Tape {
    /// One that is recorded.
    pub(super) fn of(me: Actor, to: SyncSender<Item>, state: Arc<State>) -> Self {
        Tape(Some(Live {
            me,
            to,
            state,
            done: Vec::new(),
            is_open: false,
        }))
    }

    /// Whether anything is recorded.
    pub(crate) fn is_live(&self) -> bool {
        let live = self.0.as_ref();
        live.is_some_and(|live| !live.state.is_over())
    }

    /// From here to [`Tape::end`] the thread does what this input asks for.
    pub(crate) fn begin(&mut self, input: impl FnOnce() -> Input) {
        if !self.is_live() {
            // What was not handed over is not to be: there is a gap before it.
            self.0 = None;
            return;
        }
        if let Some(live) = &mut self.0 {
            live.done.push(Done {
                input: input(),
                switches: Vec::new(),
                outputs: Vec::new(),
            });
            live.is_open = true;
            hand::record(live.me);
        }
    }

    /// Something came of the last input.
    pub(crate) fn note(&mut self, output: impl FnOnce() -> Output) {
        let last = self.0.as_mut().and_then(|live| live.done.last_mut());
        if let Some(last) = last {
            last.outputs.push(output());
        }
    }

    /// The input is done.
    pub(crate) fn end(&mut self) {
        if let Some(live) = &mut self.0
            && core::mem::take(&mut live.is_open)
        {
            let switches = hand::recorded();
            if let Some(last) = live.done.last_mut() {
                last.switches = switches;
            }
        }
    }

    /// Hands over what there is.
    pub(crate) fn flush(&mut self) {
        if let Some(live) = self.0.as_mut().filter(|live| !live.done.is_empty()) {
            let done = core::mem::take(&mut live.done);
            live.send(Item::Done(live.me, done));
        }
    }

    /// Says what others may use as soon as it is in force. Called before that.
    pub(crate) fn announce(&self, known: impl FnOnce() -> Known) {
        if let Some(live) = &self.0 {
            live.send(Item::Known(known()));
        }
    }
}

/// A thread that panics leaves the input that it panicked at.
impl Drop for Tape {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.end();
            self.flush();
        }
    }
}

impl Live {
    fn send(&self, item: Item) {
        match self.to.try_send(item) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self
                .state
                .end("the disk is too slow: what waits for it has no room any more".to_owned()),
            Err(TrySendError::Disconnected(_)) => self.state.end("nobody writes it".to_owned()),
        }
    }
}
