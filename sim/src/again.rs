//! One plan, run twice: where the second run first becomes another. Same seed, same trace is what everything else here stands on, so it is
//! tried all the time (`same-again`).

use core::fmt;

use iaxproof::time::Instant;

use crate::plan::Plan;
use crate::report::{Report, View};
use crate::views::{Entry, EventLog};

/// How often a plan is run with a log of its events until two runs differ.
const TRIES: usize = 4;

/// Where two runs of one plan part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// In which event of the world.
    pub event: u64,
    /// When.
    pub at: Instant,
    /// What the one says there, with the line of the source that told it; nothing where its log is over.
    pub once: Option<String>,
    /// What the other says.
    pub again: Option<String>,
}

/// `event 12, 1.500000 s: "..." (sim/src/world/flush.rs:88), and "..." (...) the other time`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_micros() as f64 / 1e6;
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing more".into());
        write!(
            f,
            "event {}, {seconds:.6} s: {}; the other time: {}",
            self.event,
            said(&self.once),
            said(&self.again)
        )
    }
}

/// Runs a plan with a log until two runs differ, and says where they part. `None` where they could not be caught differing.
pub fn first_difference(
    plan: &Plan,
    mut run: impl FnMut(&Plan, View) -> Report,
) -> Option<Difference> {
    let mut log = || run(plan, View::Events).log;
    let once = log()?;
    (1..TRIES).find_map(|_| parts(&once, &log()?))
}

/// Where two logs part.
pub fn parts(once: &EventLog, again: &EventLog) -> Option<Difference> {
    let len = once.entries.len().max(again.entries.len());
    let nth = (0..len).find(|nth| once.entries.get(*nth) != again.entries.get(*nth))?;
    let (once, again) = (once.entries.get(nth), again.entries.get(nth));
    let one = once.or(again)?;
    let octet = once.zip(again).and_then(|(once, again)| octet(once, again));
    Some(Difference {
        event: one.event,
        at: one.at,
        once: once.map(|entry| said(entry, octet)),
        again: again.map(|entry| said(entry, octet)),
    })
}

/// Which octet of a datagram is the first that is another.
fn octet(once: &Entry, again: &Entry) -> Option<usize> {
    let (once, again) = (once.what.datagram()?, again.what.datagram()?);
    let mut pairs = once.octets.iter().zip(&again.octets);
    pairs.position(|(once, again)| once != again)
}

/// What an entry says. A datagram may say the same and have other octets.
fn said(entry: &Entry, octet: Option<usize>) -> String {
    let octets = entry.what.datagram().map_or(&[][..], |it| &it.octets);
    let octet = octet.and_then(|nth| Some((nth, octets.get(nth)?)));
    let octet = octet.map_or_else(String::new, |(nth, it)| {
        format!(", octet {nth} is {it:02x}")
    });
    let place = entry.told_at;
    let place = place.map_or_else(String::new, |it| format!(" ({}:{})", it.file(), it.line()));
    format!("{:?}{octet}{place}", entry.text)
}
