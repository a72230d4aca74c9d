//! What went and came while one check was tried: one line for each datagram, as `iaxproof decode` shows it, and what was in
//! it where it was sealed. Secrets and keys are withheld by the library's own printing.

use core::time::Duration;
use std::cell::{Cell, RefCell};

use iaxproof::wire::Frame;

use crate::clock::Stopwatch;

/// Lines that are kept of one check; a few hundred datagrams say enough.
const LINES_MAX: usize = 400;

/// What was around a frame on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// Nothing.
    Clear,
    /// The key of its call (RFC 5456 §7.4).
    Sealed,
    /// A key that is not its call's.
    Foreign,
}

impl Cover {
    const fn words(self) -> &'static str {
        match self {
            Cover::Clear => "",
            Cover::Sealed => "sealed: ",
            Cover::Foreign => "sealed under a key of nobody: ",
        }
    }
}

/// The datagrams of one check, in the order of their time.
#[derive(Debug)]
pub(super) struct Trace {
    began: Stopwatch,
    lines: RefCell<Vec<String>>,
    left_out: Cell<usize>,
}

impl Trace {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Trace {
            began: Stopwatch::start(),
            lines: RefCell::default(),
            left_out: Cell::new(0),
        }
    }

    /// The time since the check began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A frame of ours; `who` is the peer that sends it.
    pub(super) fn sent(&self, who: char, cover: Cover, frame: &[u8]) {
        self.push(format!("{who} -> {}{}", cover.words(), shown(frame)));
    }

    /// A frame of theirs.
    pub(super) fn came(&self, who: char, cover: Cover, frame: &[u8]) {
        self.push(format!("{who} <- {}{}", cover.words(), shown(frame)));
    }

    /// Something else that is worth knowing.
    pub(super) fn note(&self, who: char, what: &str) {
        self.push(format!("{who}    {what}"));
    }

    /// All lines.
    pub(super) fn into_lines(self) -> Vec<String> {
        let mut lines = self.lines.into_inner();
        match self.left_out.get() {
            0 => {}
            more => lines.push(format!("and {more} more")),
        }
        lines
    }

    fn push(&self, what: String) {
        let mut lines = self.lines.borrow_mut();
        if lines.len() >= LINES_MAX {
            self.left_out.set(self.left_out.get() + 1);
            return;
        }
        lines.push(format!("{:9.3} {what}", self.elapsed().as_secs_f64()));
    }
}

fn shown(datagram: &[u8]) -> String {
    match Frame::parse(datagram) {
        Ok(frame) => frame.to_string(),
        Err(error) => format!("{} octets, no frame: {error}", datagram.len()),
    }
}
