//! How a broken rule leaves an execution: by never going on.
//!
//! Unwinding through an explorer is its enemy (guards drop outside their model and abort the process, a mark of
//! panicking stays for good). So each exploration has a thread of the operating system of its own; whoever finds
//! something on it hands the finding over and parks that thread for ever.
//!
//! A panic (a failed assertion, a deadlock, an access that loom refuses) is handed over by the one hook. The thread must not
//! be parked in there, for the hook's lock is held and whoever changes hooks later would wait for it. So the panic
//! unwinds to the end of its green thread's own body, where [`contain`] parks.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind};
use std::sync::Once;
use std::sync::mpsc::Sender;

use serde::{Deserialize, Serialize};

use crate::context;
use crate::rules;
use crate::step::trace_hash;
use crate::table;
use crate::tape;
use crate::threads;

/// A broken rule and the execution that broke it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The property, by its name in reports.
    pub property: String,
    /// What happened, with the lines.
    pub message: String,
    /// The hash of the steps up to here.
    pub trace_hash: u64,
    /// The interleaving: a column for each thread, a row for each step.
    pub table: String,
    /// The scheduling choices that were not 0 (shuttle only), by scheduling point.
    pub choices: Vec<(u32, u32)>,
}

impl Finding {
    /// Takes down the execution as it stands.
    pub(crate) fn new(property: &str, message: &str) -> Self {
        let picture = context::try_with(|c| (trace_hash(&c.steps), table::print(c)));
        let (trace_hash, table) = picture.unwrap_or_default();
        Finding {
            property: property.to_owned(),
            message: message.to_owned(),
            trace_hash,
            table,
            choices: tape::choices(),
        }
    }
}

std::thread_local! {
    static SINK: RefCell<Option<Sender<Finding>>> = const { RefCell::new(None) };
}

/// From now on this thread's findings go there.
pub(crate) fn deliver_to(sink: Sender<Finding>) {
    SINK.set(Some(sink));
}

/// This thread has nothing more to say; who listens learns it.
pub(crate) fn deliver_nowhere() {
    SINK.set(None);
}

/// Hands the finding over and never goes on. Outside an exploration it is a plain panic.
pub(crate) fn report(finding: Finding) -> ! {
    match SINK.take() {
        Some(sink) => hand_over(&sink, finding),
        None => panic!("{}: {}", finding.property, finding.message),
    }
}

fn hand_over(sink: &Sender<Finding>, finding: Finding) -> ! {
    // Nobody listens any more only where the caller gave up; there is nothing else to do then.
    let _ = sink.send(finding);
    park_for_ever()
}

fn park_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

/// Runs the body of a green thread. A panic that was handed over goes no further than this.
pub(crate) fn contain<R>(body: impl FnOnce() -> R) -> R {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result,
        Err(_) if SINK.with_borrow(Option::is_none) => park_for_ever(),
        // How an explorer takes a stack down that it gave up.
        Err(payload) => resume_unwind(payload),
    }
}

/// Makes the panic hook ours, for good. shuttle puts its own in at its first run, so that run comes first: an empty one.
pub(crate) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let original = std::panic::take_hook();
        tape::run_empty();
        std::panic::set_hook(Box::new(move |info| {
            if threads::is_world() {
                threads::panicked(from_panic(info));
                return;
            }
            match SINK.take() {
                // As in `hand_over`; the thread is parked by `contain`.
                Some(sink) => drop(sink.send(from_panic(info))),
                None => original(info),
            }
        }));
    });
}

fn from_panic(info: &PanicHookInfo<'_>) -> Finding {
    let text = info.payload_as_str().unwrap_or("a panic without words");
    let place = info
        .location()
        .map(|at| format!(" ({at})"))
        .unwrap_or_default();
    Finding::new(rules::property_of(text), &format!("{text}{place}"))
}
