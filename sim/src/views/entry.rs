//! One thing that happened in a world, as views have it. What is put down when is [`log`](super::log)'s.

use core::net::SocketAddr;
use core::panic::Location;

use iaxproof::time::Instant;
use serde::{Serialize, Serializer};

use crate::fact::{Mark, Passage};
use crate::plan::Actor;
use crate::schedule::ThreadId;

/// One entry of a log: a line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// In which event of the world, counted from 1; 0 is its begin. The number of a [`Failure`](crate::report::Failure) and of the
    /// timeline. Several things may happen in one event.
    pub event: u64,
    /// When, in microseconds of simulated time.
    #[serde(rename = "at_us", serialize_with = "micros")]
    pub at: Instant,
    /// Whose doing it was, or to whom it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// Which thread of a server, where the world has threads.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "words")]
    pub thread: Option<ThreadId>,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
    /// The same for people, in a few words.
    pub text: String,
    /// The line of the source that told it; `None` for a step of a thread, whose text has the line where it was done.
    #[serde(skip)]
    pub told_at: Option<&'static Location<'static>>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// A node gave a datagram to the network.
    Sent(Datagram),
    /// The network gave one to a node.
    Arrived(Datagram),
    /// An endpoint told its application something.
    Told {
        /// Of which call.
        #[serde(skip_serializing_if = "Option::is_none")]
        call: Option<String>,
        /// Whether the call is over with that.
        #[serde(skip_serializing_if = "core::ops::Not::not")]
        ends: bool,
    },
    /// An operator, an application, a database or the registrar did something.
    Done,
    /// A server's process died and began anew: its calls are gone.
    Restarted,
    /// A thread took a job up.
    JobBegan,
    /// It is done with it.
    JobEnded,
    /// A thread stops before its next step, while time and the others go on.
    Stalled,
    /// Where an account can be reached is another.
    Contact {
        /// Whose.
        account: u8,
        /// Where, if anywhere.
        address: Option<SocketAddr>,
    },
    /// What an endpoint counts is another.
    Counts {
        /// Dialogues that carry a call.
        calls: usize,
        /// Dialogues that carry a registration.
        registrations: usize,
        /// Armed timers.
        timers: usize,
        /// Reliable frames that were sent and not acknowledged.
        outstanding: usize,
    },
    /// What a directory counts is another.
    Objects {
        /// Objects that are alive.
        live: usize,
        /// References to them, where the design counts them.
        #[serde(skip_serializing_if = "Option::is_none")]
        references: Option<usize>,
    },
    /// A thread did one step on what threads share.
    Step {
        /// On which object, where it was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        object: Option<String>,
        /// Its references after that, where the step was on their count.
        #[serde(skip_serializing_if = "Option::is_none")]
        references: Option<usize>,
        /// Whether its destructor begins.
        #[serde(skip_serializing_if = "core::ops::Not::not")]
        destroys: bool,
    },
    /// A property was broken.
    Failed {
        /// Which.
        property: &'static str,
    },
}

/// A datagram on one of its ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Datagram {
    /// Which, counted from 1; what was sent and what arrives of it have the same.
    pub datagram: u64,
    /// To whom it goes; `None` where nobody is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Actor>,
    /// From which address it says that it comes.
    pub source: SocketAddr,
    /// To which address.
    pub destination: SocketAddr,
    /// What the network makes of it.
    pub fate: Fate,
    /// Its octets, secrets blanked.
    #[serde(serialize_with = "hex")]
    pub octets: Vec<u8>,
}

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It arrives in time and once.
    Delivered,
    /// It never arrives.
    Lost,
    /// It never arrives, for there is a partition.
    Partitioned,
    /// It arrives late.
    Late,
    /// It arrives twice.
    Duplicated,
    /// It arrives changed or cut.
    Corrupted,
    /// It says that it comes from somebody else; whether it arrives is for its arrivals to say.
    Spoofed,
}

impl Fate {
    /// All, in the order of their numbers.
    pub const ALL: [Fate; 7] = [
        Fate::Delivered,
        Fate::Lost,
        Fate::Partitioned,
        Fate::Late,
        Fate::Duplicated,
        Fate::Corrupted,
        Fate::Spoofed,
    ];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Fate::Delivered => "delivered",
            Fate::Lost => "lost",
            Fate::Partitioned => "partitioned",
            Fate::Late => "late",
            Fate::Duplicated => "duplicated",
            Fate::Corrupted => "corrupted",
            Fate::Spoofed => "spoofed",
        }
    }
}

impl From<Mark> for Fate {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::Plain => Fate::Delivered,
            Mark::Lost => Fate::Lost,
            Mark::Partitioned => Fate::Partitioned,
            Mark::Late => Fate::Late,
            Mark::Twice => Fate::Duplicated,
            Mark::Damaged => Fate::Corrupted,
            Mark::Spoofed => Fate::Spoofed,
        }
    }
}

impl Datagram {
    pub(super) fn new(datagram: u64, passage: &Passage<'_>, octets: Vec<u8>) -> Self {
        Datagram {
            datagram,
            to: passage.to,
            source: passage.source,
            destination: passage.destination,
            fate: passage.mark.into(),
            octets,
        }
    }
}

impl What {
    /// Its word, as in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            What::Sent(_) => "sent",
            What::Arrived(_) => "arrived",
            What::Told { .. } => "told",
            What::Done => "done",
            What::Restarted => "restarted",
            What::JobBegan => "job-began",
            What::JobEnded => "job-ended",
            What::Stalled => "stalled",
            What::Contact { .. } => "contact",
            What::Counts { .. } => "counts",
            What::Objects { .. } => "objects",
            What::Step { .. } => "step",
            What::Failed { .. } => "failed",
        }
    }

    /// The datagram, where it is about one.
    pub const fn datagram(&self) -> Option<&Datagram> {
        match self {
            What::Sent(datagram) | What::Arrived(datagram) => Some(datagram),
            _ => None,
        }
    }
}

impl Entry {
    /// What has another state since then, such as `server 0 p3`: its text says which.
    pub fn subject(&self) -> Option<String> {
        let server = self.actor.map_or_else(String::new, |it| it.to_string());
        match &self.what {
            What::Contact { account, .. } => Some(format!("{server} p{account}")),
            What::Counts { .. } => Some(format!("{server} endpoint")),
            What::Objects { .. } => Some(format!("{server} directory")),
            What::Step {
                object,
                references,
                destroys,
            } if references.is_some() || *destroys => object.clone(),
            _ => None,
        }
    }
}

fn micros<S: Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(at.as_micros())
}

fn words<S: Serializer>(thread: &Option<ThreadId>, to: S) -> Result<S::Ok, S::Error> {
    match thread {
        Some(thread) => to.collect_str(thread),
        None => to.serialize_none(),
    }
}

fn hex<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
    let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    to.serialize_str(&digits)
}
