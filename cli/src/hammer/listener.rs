//! The one call that listens meanwhile: the engine that `iaxproof call` runs, with a thread and a socket of its own, so that the
//! storm on the same machine makes no gaps of ours. How late this thread is woken, it measures itself.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use iaxproof::engine::settings::Secret;
use iaxproof::engine::{CallId, Dial, Event};
use iaxproof::time::Instant;
use iaxproof::wire::Cause;
use mio::Waker;

use super::heard::Arrival;
use super::identity::{LISTENER, LISTENER_SECRET};
use crate::client::call::words;
use crate::client::{ClientNode, node};
use crate::clock::Clock;
use crate::error::Error;

/// How long the call may take to be answered.
const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// How often the thread wants to be woken where no audio comes: a whole number of milliseconds, as the system counts them.
const TICK: Duration = Duration::from_millis(5);
/// How long the other side may take to acknowledge our hanging up.
const FAREWELL: Duration = Duration::from_secs(3);

/// The call, on its thread.
#[derive(Debug)]
pub(super) struct Listener {
    thread: JoinHandle<Result<Heard, Error>>,
    is_over: Arc<AtomicBool>,
    waker: Arc<Waker>,
    answered: Receiver<Result<(), String>>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// The frames, in the order in which they came.
    pub(super) arrivals: Vec<Arrival>,
    /// Why the call ended before we hung up, and when.
    pub(super) dropped: Option<(Instant, String)>,
    /// How late the thread was woken, each time that it wanted to be, and when.
    pub(super) lateness: Vec<(Instant, Duration)>,
}

impl Listener {
    /// Calls.
    ///
    /// # Errors
    ///
    /// Where the system refuses a socket or a thread, or no such call can be placed.
    pub(super) fn call(clock: Clock, target: SocketAddr, extension: &str) -> Result<Self, Error> {
        let mut node = node(clock, target)?;
        let dial = Dial {
            username: Some(LISTENER.to_owned()),
            secrets: vec![Secret::new(LISTENER_SECRET)],
            ..Dial::new(target, extension)
        };
        let call = node.endpoint.call(node.now(), dial);
        let call = call.map_err(|error| Error::Usage(error.to_string()))?;
        let (says_so, answered) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let waker = node.waker();
        let ear = Ear {
            call,
            node,
            is_over: Arc::clone(&is_over),
            says_so,
            is_answered: false,
            heard: Heard::default(),
        };
        let thread = std::thread::Builder::new().name("listener".to_owned());
        let thread = thread.spawn(move || ear.listen());
        Ok(Listener {
            thread: thread.map_err(|error| Error::Broke(format!("no thread: {error}")))?,
            is_over,
            waker,
            answered,
        })
    }

    /// Waits until the call is answered.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where it is not: there is nothing to measure then.
    pub(super) fn wait_for_answer(&self, extension: &str) -> Result<(), Error> {
        let answered = self.answered.recv_timeout(ANSWER_WAIT);
        let answered = answered.unwrap_or_else(|_| Err("nobody answered".to_owned()));
        answered.map_err(|why| Error::Broke(format!("the call to {extension}: {why}")))
    }

    /// Hangs up, and says what was heard.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where its thread broke.
    pub(super) fn hang_up(self) -> Result<Heard, Error> {
        self.is_over.store(true, Ordering::Release);
        // A thread that has ended needs no waking.
        let _ = self.waker.wake();
        let broke = |_| Error::Broke("the thread of the call broke".to_owned());
        self.thread.join().map_err(broke)?
    }
}

/// The thread.
struct Ear {
    call: CallId,
    node: ClientNode,
    is_over: Arc<AtomicBool>,
    says_so: Sender<Result<(), String>>,
    is_answered: bool,
    heard: Heard,
}

impl Ear {
    fn listen(mut self) -> Result<Heard, Error> {
        while !self.is_over.load(Ordering::Acquire) {
            if let Some(why) = self.turn()? {
                // Nobody waits any more where the call had been answered.
                let _ = self.says_so.send(Err(why.clone()));
                self.heard.dropped = Some((self.node.now(), why));
                return Ok(self.heard);
            }
        }
        self.hang_up()?;
        Ok(self.heard)
    }

    /// Rests until something comes, for a [`TICK`] at most; how the call ended, where it did.
    fn turn(&mut self) -> Result<Option<String>, Error> {
        let wanted = self.node.now() + TICK;
        self.node.turn(Some(wanted))?;
        let now = self.node.now();
        let mut is_idle = true;
        while let Some(event) = self.node.endpoint.poll_event() {
            is_idle = false;
            match event {
                Event::Answered { .. } => self.answered(),
                Event::Voice {
                    timestamp, data, ..
                } if self.is_answered => self.heard.arrivals.push(Arrival {
                    at: now,
                    timestamp,
                    octets: data.len() as u32,
                }),
                Event::Ended { reason, .. } => return Ok(Some(words(&reason))),
                _ => {}
            }
        }
        if is_idle && now >= wanted {
            let late = now.saturating_since(wanted);
            self.heard.lateness.push((now, late));
        }
        Ok(None)
    }

    fn answered(&mut self) {
        self.is_answered = true;
        // Nobody waits any more: then it is hung up at once.
        let _ = self.says_so.send(Ok(()));
    }

    fn hang_up(&mut self) -> Result<(), Error> {
        let now = self.node.now();
        let hung_up = self
            .node
            .endpoint
            .hangup(now, self.call, Cause::NORMAL_CLEARING);
        let end = now + FAREWELL;
        let mut is_over = hung_up.is_err();
        while !is_over && self.node.now() < end {
            self.node.turn(Some(end))?;
            while let Some(event) = self.node.endpoint.poll_event() {
                is_over |= matches!(event, Event::Ended { .. });
            }
        }
        self.node.flush();
        Ok(())
    }
}
