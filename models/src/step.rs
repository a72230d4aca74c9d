//! One step of an execution, and the hash of a whole record.

use core::fmt;
use core::panic::Location;

use iaxproof_sim::decide::mix;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Lock,
    Unlock,
    Load,
    Add,
    Subtract,
    Exchange,
    ExchangeFailed,
    Use,
    Destroy,
    Make,
    Spawn,
    Join,
    Fault,
}

impl Operation {
    /// Whether the counter has another value afterwards.
    pub(crate) fn writes(self) -> bool {
        matches!(
            self,
            Operation::Add | Operation::Subtract | Operation::Exchange
        )
    }
}

/// To what it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    None,
    Lock(u32),
    Count(u32),
    WeakCount(u32),
    Atomic(u32),
    Object(u32),
    Thread(usize),
}

/// One step: who, what, to what, from which line, and the value that was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) thread: usize,
    pub(crate) operation: Operation,
    pub(crate) subject: Subject,
    pub(crate) at: &'static Location<'static>,
    /// The counter's old value.
    pub(crate) observed: Option<usize>,
}

impl Step {
    /// The counter afterwards, where the step was on one.
    pub(crate) fn count_after(&self) -> Option<usize> {
        let before = self.observed?;
        Some(match self.operation {
            Operation::Add | Operation::Exchange => before.wrapping_add(1),
            Operation::Subtract => before.wrapping_sub(1),
            _ => before,
        })
    }

    /// The hash of all steps before this one, and this one. It is taken at every step of a world, so nothing is printed for it;
    /// and a line of source that moves is no other trace.
    pub(crate) fn mixed_into(&self, hash: u64) -> u64 {
        let (kind, number) = match self.subject {
            Subject::None => (0, 0),
            Subject::Lock(number) => (1, number),
            Subject::Count(number) => (2, number),
            Subject::WeakCount(number) => (3, number),
            Subject::Atomic(number) => (4, number),
            Subject::Object(number) => (5, number),
            Subject::Thread(number) => (6, u32::try_from(number).unwrap_or(u32::MAX)),
        };
        let who = (self.thread as u64) << 8 | self.operation as u64;
        let seen = self.observed.map_or(0, |seen| seen as u64 + 1);
        [who, kind << 32 | u64::from(number), seen]
            .into_iter()
            .fold(hash, |hash, word| mix(hash ^ word))
    }
}

/// The hash of a record (FNV-1a, 64 bits): the same steps in the same order give the same hash, in any process.
pub(crate) fn trace_hash(steps: &[Step]) -> u64 {
    let mut hash = Fnv::default();
    for step in steps {
        hash.text(&format!("{step}"));
    }
    hash.0
}

struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn text(&mut self, text: &str) {
        for octet in text.bytes() {
            self.0 = (self.0 ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {:?} {:?} {}:{} {:?};",
            self.thread,
            self.operation,
            self.subject,
            file_name(self.at),
            self.at.line(),
            self.observed
        )
    }
}

/// The file without its folders: `object.rs`; `catalog/mod.rs` for a `mod.rs`.
pub(crate) fn file_name(at: &Location<'static>) -> &'static str {
    let file = at.file();
    let start = file.rfind('/').map_or(0, |slash| slash + 1);
    if &file[start..] != "mod.rs" {
        return &file[start..];
    }
    let parent = file[..start.saturating_sub(1)]
        .rfind('/')
        .map_or(0, |slash| slash + 1);
    &file[parent..]
}
