//! What a thread does about the stamps of locks: leave them, note what changes hands, or wait for what was noted. See [`family`](super::family).

use core::cell::{Cell, RefCell};
use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iaxproof::engine::WorkerId;

use super::order::{Order, Wait};

/// Who takes locks, in the order of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Actor(pub(crate) u16);

impl Actor {
    /// What is done before anybody else does anything.
    pub(crate) const START: Actor = Actor(0);
    /// The realtime thread.
    pub(crate) const REALTIME: Actor = Actor(1_000);
    /// Whoever reloads, prunes, unregisters, one after the other.
    pub(crate) const OPERATOR: Actor = Actor(1_001);

    /// A worker.
    pub(crate) const fn worker(id: WorkerId) -> Self {
        Actor(1 + id.0)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Actor::START => f.write_str("the start"),
            Actor::REALTIME => f.write_str("the realtime thread"),
            Actor::OPERATOR => f.write_str("the operator"),
            Actor(worker) => write!(f, "worker {}", worker - 1),
        }
    }
}

/// How often a mutex was taken, and by whom last.
#[derive(Clone, Copy, Debug)]
struct Stamp {
    taken: u64,
    of: Actor,
}

/// What a mutex of the family guards.
pub(crate) struct Stamped<T> {
    stamp: Stamp,
    pub(super) value: T,
}

impl<T> Stamped<T> {
    /// A value that nobody has taken yet; whoever makes it has it first.
    pub(super) fn new(value: T) -> Self {
        let of = HAND.with_borrow(Hand::me);
        let stamp = Stamp { taken: 0, of };
        Stamped { stamp, value }
    }
}

/// A mutex that was another actor's before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Switch {
    /// How many locks the input had taken before.
    pub(crate) nth: u64,
    /// How often the mutex had been taken before.
    pub(crate) taken: u64,
}

/// Why a replay cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parted {
    /// This thread does something else than what was recorded.
    Here(String),
    /// Nothing moves any more.
    Stalled(String),
    /// Another thread has parted.
    Elsewhere,
}

/// What the thread does about stamps.
enum Hand {
    Idle,
    Recording(Recording),
    Replaying(Replaying),
}

/// One input of one actor, as it is recorded.
struct Recording {
    me: Actor,
    taken: u64,
    switches: Vec<Switch>,
}

/// The same, as it is replayed.
struct Replaying {
    me: Actor,
    taken: u64,
    /// The next comes last.
    switches: Vec<Switch>,
    order: Arc<Order>,
}

/// What a mutex's stamp says to who replays.
enum Judged {
    Now,
    Later,
    Never(String),
}

std::thread_local! {
    static HAND: RefCell<Hand> = const { RefCell::new(Hand::Idle) };
    /// Destructors that this thread is in: what they lock is nobody else's.
    static ENDING: Cell<usize> = const { Cell::new(0) };
}

/// Whoever made a mutex outside of every input.
const NOBODY: Actor = Actor(u16::MAX);

/// From here to [`recorded`] this thread does what an input of `me` asks for.
pub(crate) fn record(me: Actor) {
    let (taken, switches) = (0, Vec::new());
    HAND.set(Hand::Recording(Recording {
        me,
        taken,
        switches,
    }));
}

/// The input is over: what changed hands meanwhile.
pub(crate) fn recorded() -> Vec<Switch> {
    match HAND.replace(Hand::Idle) {
        Hand::Recording(recording) => recording.switches,
        _ => Vec::new(),
    }
}

/// Does what an input of `me` asks for, and takes locks as was recorded.
///
/// # Errors
///
/// Where that cannot be done.
pub(crate) fn replay<R>(
    me: Actor,
    order: &Arc<Order>,
    mut switches: Vec<Switch>,
    work: impl FnOnce() -> R,
) -> Result<R, Parted> {
    switches.reverse();
    HAND.set(Hand::Replaying(Replaying {
        me,
        taken: 0,
        switches,
        order: Arc::clone(order),
    }));
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    let hand = HAND.replace(Hand::Idle);
    match (done, hand) {
        (Ok(_), Hand::Replaying(left)) if !left.switches.is_empty() => Err(Parted::Here(format!(
            "it takes {} locks, and took more when it was recorded",
            left.taken
        ))),
        (Ok(done), _) => Ok(done),
        (Err(why), _) => Err(match why.downcast::<Parted>() {
            Ok(parted) => *parted,
            Err(panic) => Parted::Here(format!("it panics: {}", text(&*panic))),
        }),
    }
}

/// What a panic said.
fn text(panic: &(dyn core::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a word")
}

impl Hand {
    const fn me(&self) -> Actor {
        match self {
            Hand::Idle => NOBODY,
            Hand::Recording(recording) => recording.me,
            Hand::Replaying(replaying) => replaying.me,
        }
    }
}

impl Recording {
    fn take(&mut self, stamp: &mut Stamp) {
        if stamp.of != self.me {
            self.switches.push(Switch {
                nth: self.taken,
                taken: stamp.taken,
            });
        }
        stamp.pass_to(self.me);
        self.taken += 1;
    }
}

impl Replaying {
    /// Waits until the mutex is as it was when it was recorded, and takes it.
    fn take<'m, T>(
        &mut self,
        mutex: &'m Mutex<Stamped<T>>,
    ) -> Result<MutexGuard<'m, Stamped<T>>, Parted> {
        let mut wait: Option<Wait<'_>> = None;
        loop {
            let mut guard = take(mutex);
            match self.judge(guard.stamp) {
                Judged::Now => {
                    guard.stamp.pass_to(self.me);
                    self.order.moved();
                    self.switches.pop_if(|switch| switch.nth == self.taken);
                    self.taken += 1;
                    return Ok(guard);
                }
                Judged::Later => drop(guard),
                Judged::Never(why) => return Err(Parted::Here(why)),
            }
            wait.get_or_insert_with(|| self.order.wait()).rest()?;
        }
    }

    fn judge(&self, stamp: Stamp) -> Judged {
        let noted = self.switches.last().filter(|it| it.nth == self.taken);
        let nth = self.taken + 1;
        match noted {
            Some(noted) if stamp.taken < noted.taken => Judged::Later,
            Some(noted) if stamp.taken == noted.taken && stamp.of != self.me => Judged::Now,
            Some(noted) => Judged::Never(format!(
                "its lock {nth} was taken {} times before, and had been {} times when it was recorded",
                stamp.taken, noted.taken
            )),
            None if stamp.of == self.me => Judged::Now,
            None => Judged::Never(format!(
                "its lock {nth} was another thread's, and was its own when it was recorded"
            )),
        }
    }
}

impl Stamp {
    fn pass_to(&mut self, actor: Actor) {
        self.of = actor;
        self.taken += 1;
    }
}

/// Waits for a mutex. A panic in a critical section leaves the data whole, as in [`Std`].
fn take<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a mutex as this thread does it.
///
/// # Panics
///
/// With a [`Parted`], without a word, where a replay cannot go on.
pub(super) fn lock<T>(mutex: &Mutex<Stamped<T>>) -> MutexGuard<'_, Stamped<T>> {
    if ENDING.get() > 0 {
        return take(mutex);
    }
    let taken = HAND.with_borrow_mut(|hand| match hand {
        Hand::Idle => Ok(take(mutex)),
        Hand::Recording(recording) => {
            let mut guard = take(mutex);
            recording.take(&mut guard.stamp);
            Ok(guard)
        }
        Hand::Replaying(replaying) => replaying.take(mutex),
    });
    taken.unwrap_or_else(|parted| {
        // What is dropped on the way out takes locks as they come.
        HAND.set(Hand::Idle);
        std::panic::resume_unwind(Box::new(parted))
    })
}

/// A destructor begins on this thread.
pub(super) fn destructor_begins() {
    ENDING.set(ENDING.get() + 1);
}

/// It has ended.
pub(super) fn destructor_ended() {
    ENDING.set(ENDING.get() - 1);
}
