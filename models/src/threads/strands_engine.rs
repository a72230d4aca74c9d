//! The threads of a world as coroutines of ours: a switch is a few nanoseconds, the points are where we put them and stay there, and a
//! world is a plain call.

#![expect(
    unsafe_code,
    reason = "a coroutine is suspended through a pointer to its yielder, and given up where it stands"
)]

use std::cell::RefCell;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

use iaxproof_sim::plan::{self, Plan};
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::schedule::Schedule;
use iaxproof_sim::world::DirectorySetup;

use super::driver::{self, Threads};
use super::turns;
use crate::{AnyDirectory, context};

/// How large a stack is, in octets. Pages that nobody touches cost nothing.
const STACK_LEN: usize = 512 * 1024;

type Strand = Coroutine<(), (), (), DefaultStack>;

/// Where a strand stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    /// Has nothing to do.
    Parked,
    /// Waits for the lock of this number.
    Blocked(u32),
    /// Ended.
    Done,
}

struct Slot {
    strand: Option<Strand>,
    state: State,
    /// Woken while it was not parked.
    is_woken: bool,
    yielder: *const Yielder<(), ()>,
}

#[derive(Default)]
struct Engine {
    slots: Vec<Slot>,
    /// Who runs; nobody while the driver does.
    current: Option<usize>,
    /// Who was picked to run next.
    next: Option<usize>,
    /// Stacks to use again.
    stacks: Vec<DefaultStack>,
}

std::thread_local! {
    static ENGINE: RefCell<Engine> = RefCell::new(Engine::default());
}

fn with<R>(work: impl FnOnce(&mut Engine) -> R) -> R {
    ENGINE.with_borrow_mut(work)
}

/// The engine.
pub(super) struct Strands;

/// Runs a plan from begin to end.
pub(crate) fn run(
    plan: &Plan,
    view: View,
    schedule: Schedule,
    make: impl Fn(&DirectorySetup) -> AnyDirectory,
) -> Report {
    crate::finding::prepare();
    turns::begin(schedule, give_up);
    let work = || driver::run::<Strands>(plan, view, make);
    let report = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    // Also where the driver panics: what is left when the thread ends would be dropped among what is gone.
    with(Engine::clear);
    turns::end();
    report.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Engine {
    /// The strands that can go on, by their order.
    fn able(&self) -> impl Iterator<Item = usize> {
        let slots = self.slots.iter().enumerate();
        slots
            .filter(|(_, slot)| slot.state == State::Ready)
            .map(|(thread, _)| thread)
    }

    /// Who goes on now.
    fn pick(&self, current: Option<usize>) -> Option<usize> {
        let mut able = [0; context::THREADS_MAX];
        let mut len = 0;
        for thread in self.able() {
            able[len] = thread;
            len += 1;
        }
        turns::with(|turns| turns.schedule.pick(&able[..len], current)).flatten()
    }

    /// Forgets the strands of a world, and keeps the stacks.
    fn clear(&mut self) {
        for slot in self.slots.drain(..) {
            if let Some(mut strand) = slot.strand {
                // SAFETY: what stands on the stack is leaked, not dropped, and nothing refers to it any more: borrows of the
                // record, the engine and the world never last across a suspension, and objects of the families lie in the arena.
                unsafe { strand.force_reset() };
                self.stacks.push(strand.into_stack());
            }
        }
        self.current = None;
        self.next = None;
    }
}

impl Threads for Strands {
    const NAME: &'static str = plan::STRANDS;

    fn spawn(body: Box<dyn FnOnce() + Send>) {
        let stack = with(|engine| engine.stacks.pop());
        let stack = stack.unwrap_or_else(|| {
            DefaultStack::new(STACK_LEN).expect("the operating system has memory for a stack")
        });
        let thread = with(|engine| engine.slots.len());
        let strand = Strand::with_stack(stack, move |yielder, ()| {
            with(|engine| engine.slots[thread].yielder = yielder);
            // A panic was taken down by the hook.
            let _ = turns::contain(body);
        });
        context::with(|c| c.spawn(core::panic::Location::caller()));
        with(|engine| {
            engine.slots.push(Slot {
                strand: Some(strand),
                state: State::Ready,
                is_woken: false,
                yielder: core::ptr::null(),
            });
        });
    }

    fn park() {
        let parks = with(|engine| {
            let me = engine.current?;
            let slot = &mut engine.slots[me];
            let is_woken = core::mem::take(&mut slot.is_woken);
            (!is_woken).then(|| slot.state = State::Parked)
        });
        if parks.is_some() {
            switch();
        }
    }

    fn wake(thread: usize) {
        with(|engine| {
            let slot = &mut engine.slots[thread];
            match slot.state {
                State::Parked => slot.state = State::Ready,
                _ => slot.is_woken = true,
            }
        });
    }

    fn let_run() {
        while !turns::is_stopped() {
            let next = with(|engine| engine.next.take().or_else(|| engine.pick(None)));
            match next {
                Some(thread) => resume(thread),
                None => break,
            }
        }
    }

    fn blocked() -> Option<usize> {
        let is_blocked = |slot: &Slot| matches!(slot.state, State::Blocked(_));
        with(|engine| engine.slots.iter().position(is_blocked))
    }
}

/// Runs a strand until it gives its turn away.
fn resume(thread: usize) {
    let strand = with(|engine| {
        engine.current = Some(thread);
        engine.slots[thread].strand.take()
    });
    let Some(mut strand) = strand else {
        return;
    };
    context::resume(thread + 1);
    let result = strand.resume(());
    context::resume(0);
    with(|engine| {
        engine.current = None;
        let slot = &mut engine.slots[thread];
        match result {
            CoroutineResult::Yield(()) => slot.strand = Some(strand),
            CoroutineResult::Return(()) => {
                slot.state = State::Done;
                engine.stacks.push(strand.into_stack());
            }
        }
    });
}

/// Gives the turn to whoever is to go on.
fn switch() {
    let me = with(|engine| {
        engine.next = engine.pick(engine.current);
        engine.current
    });
    if let Some(me) = me
        && with(|engine| engine.next) != Some(me)
    {
        suspend(me);
    }
}

fn suspend(me: usize) {
    let yielder = with(|engine| engine.slots[me].yielder);
    // SAFETY: the yielder lives on the strand's own stack for as long as its body runs, and this is called on that stack.
    unsafe { (*yielder).suspend(()) };
}

/// A strand that must not go on gives its turn away, and gets it no more.
fn give_up() -> ! {
    loop {
        match with(|engine| engine.current) {
            Some(me) => suspend(me),
            None => unreachable!("the driver leaves by unwinding"),
        }
    }
}

/// The running thread is before its next step: another may come first.
pub(crate) fn point() {
    if super::point(context::current()) {
        switch();
    }
}

/// The running thread waits for a lock that another holds.
///
/// # Panics
///
/// Where the driver would wait: nobody holds a lock while it runs, but for a thread that stalls.
pub(crate) fn block(lock: u32) {
    let waits = with(|engine| {
        let me = engine.current?;
        engine.slots[me].state = State::Blocked(lock);
        Some(())
    });
    assert!(waits.is_some(), "the driver of a world waits for no lock");
    switch();
}

/// A lock was given back: who waits for it may try again.
pub(crate) fn release(lock: u32) {
    with(|engine| {
        for slot in &mut engine.slots {
            if slot.state == State::Blocked(lock) {
                slot.state = State::Ready;
            }
        }
    });
}
