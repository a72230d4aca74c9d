//! What a sweep has tried: in which state of its dialogue a server got which message, under which fault. Goals say what must be
//! reached; these points say how much else was, and whether more worlds still reach more.
//!
//! A point is (state, message, fault). The state is the engine's ([`Standing`]), when the worker takes the datagram up; the message is
//! the frame's kind ([`Message`]); faults ([`Fault`]) are what happened to the datagram itself, what happened to its server or on its
//! way since the one before it, and what threads were in the middle of. Of several faults each is a point of its own, so that their
//! number stays that of pairs and not of subsets. Only what servers receive counts: clients are the world's.

mod message;
mod watch;

use core::fmt;
use core::str::FromStr;

use iaxproof::engine::Standing;

use crate::worded::worded;

pub use self::message::{Message, Other};
pub(crate) use self::watch::{Circumstance, CoverageWatch};

worded! {
    /// What was wrong when a message came.
    Fault:
    /// Nothing.
    Nothing = "no fault";
    /// The network sent it twice.
    Twice = "twice";
    /// It came late.
    Late = "late";
    /// It was changed or cut.
    Damaged = "damaged";
    /// Its source is not who sent it.
    Spoofed = "spoofed";
    /// It is sent again: its first copy or the answer to it was lost, or is late.
    SentAgain = "sent again";
    /// The one before it on its way was lost.
    AfterLoss = "after a loss";
    /// The one before it on its way was lost in a partition.
    AfterPartition = "after a partition";
    /// Its sender came from another port before.
    Rebound = "from a new port";
    /// The server began anew.
    AfterRestart = "after a restart";
    /// The server got another configuration.
    AfterReload = "after a reload";
    /// An operator took a contact or a cached row away.
    AfterRemoval = "after a removal";
    /// The database will fail a write, or has stored it too late.
    AfterFailedWrite = "after a failed write";
    /// Another thread of the server has stopped in the middle of something.
    BesideStall = "beside a stalled thread";
    /// The worker stopped in the middle of it.
    AmidStall = "stalled in the middle";
}

/// Some faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(u16);

impl Faults {
    const fn add(&mut self, fault: Fault) {
        self.0 |= 1 << fault as u32;
    }

    const fn join(&mut self, other: Faults) {
        self.0 |= other.0;
    }

    /// Each of them; [`Fault::Nothing`] where there is none.
    fn iter(self) -> impl Iterator<Item = Fault> {
        let none = (self.0 == 0).then_some(Fault::Nothing);
        let has = move |fault: &Fault| self.0 & (1 << *fault as u32) != 0;
        let each = Fault::ALL.iter().copied().filter(has);
        none.into_iter().chain(each)
    }
}

/// A message in a state under a fault. In one number, for a sweep looks up some hundreds of them for each world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point(u16);

impl Point {
    /// One above the highest number.
    const END: usize = Standing::ALL.len() * Message::COUNT * Fault::ALL.len();

    /// The point of these three.
    pub const fn new(standing: Standing, message: Message, fault: Fault) -> Self {
        const { assert!(Point::END <= u16::MAX as usize) };
        let pair = standing as usize * Message::COUNT + message.number();
        Point((pair * Fault::ALL.len() + fault as usize) as u16)
    }

    /// Where the dialogue stood.
    pub const fn standing(self) -> Standing {
        Standing::ALL[self.0 as usize / Fault::ALL.len() / Message::COUNT]
    }

    /// What came.
    pub const fn message(self) -> Message {
        Message::from_number(self.0 as usize / Fault::ALL.len() % Message::COUNT)
    }

    /// What was wrong.
    pub const fn fault(self) -> Fault {
        Fault::ALL[self.0 as usize % Fault::ALL.len()]
    }
}

/// The points that were reached: a bit for each that there is, from when there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(Vec<u64>);

impl Coverage {
    fn reach(&mut self, Point(number): Point) {
        if self.0.is_empty() {
            self.0.resize(Point::END.div_ceil(64), 0);
        }
        self.0[usize::from(number / 64)] |= 1 << (number % 64);
    }

    /// Them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Point> + '_ {
        let words = (0u16..).zip(&self.0).filter(|(_, word)| **word != 0);
        words.flat_map(|(nth, word)| {
            let bits = (0..64).filter(move |bit| word & (1 << bit) != 0);
            bits.map(move |bit| Point(nth * 64 + bit))
        })
    }
}

/// `call Up, HANGUP, late`.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (standing, fault) = (self.standing().name(), self.fault().text());
        write!(f, "{standing}, {}, {fault}", self.message())
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// Reads what [`Display`](fmt::Display) writes; the error is the text.
impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(", ").collect::<Vec<_>>();
        let point = match *parts {
            [standing, message, fault] => Point::named(standing, message, fault),
            _ => None,
        };
        point.ok_or_else(|| format!("{text:?} is no point of this build"))
    }
}

impl Point {
    fn named(standing: &str, message: &str, fault: &str) -> Option<Self> {
        let standing = Standing::ALL.iter().find(|it| it.name() == standing)?;
        let fault = Fault::ALL.iter().find(|it| it.text() == fault)?;
        Some(Point::new(*standing, Message::from_name(message)?, *fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_reads_back_from_its_number_and_from_what_it_is_written_as() {
        let (mut coverage, mut all) = (Coverage::default(), Vec::new());
        assert_eq!(coverage.iter().count(), 0);
        for &standing in Standing::ALL {
            for message in Message::all() {
                for &fault in Fault::ALL {
                    let point = Point::new(standing, message, fault);
                    let parts = (point.standing(), point.message(), point.fault());
                    assert_eq!(parts, (standing, message, fault));
                    assert_eq!(point.to_string().parse(), Ok(point));
                    coverage.reach(point);
                    all.push(point);
                }
            }
        }
        for wrong in [
            "",
            "call Up, HANGUP",
            "call Up, HANG, late",
            "Up, ACK, late",
        ] {
            assert!(wrong.parse::<Point>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn several_faults_are_each_and_none_is_nothing() {
        let mut faults = Faults::default();
        assert_eq!(faults.iter().collect::<Vec<_>>(), [Fault::Nothing]);
        faults.add(Fault::AmidStall);
        faults.add(Fault::Late);
        let each: Vec<_> = faults.iter().collect();
        assert_eq!(each, [Fault::Late, Fault::AmidStall]);
    }
}
