//! What a run of a world says.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::time::Instant;

use crate::checkers::Violation;
use crate::coverage::Coverage;
use crate::decide::Key;
use crate::fact::Fact;
use crate::goals::Goals;
use crate::plan::{Actor, Plan};
use crate::trace::{Line, render};
use crate::views::EventLog;

/// What is to be kept of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The hash of its trace alone: fast.
    #[default]
    Hash,
    /// Every event as a line too.
    Timeline,
    /// Every datagram that a node sent too.
    Datagrams,
    /// Every event as a line, and with all that views show of it.
    Events,
}

/// What became of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether every property held.
    pub verdict: Verdict,
    /// The hash of everything that happened.
    pub trace_hash: u64,
    /// How much happened.
    pub events: u64,
    /// How much time passed in the world.
    pub simulated: Duration,
    /// The hash after each so many events ([`expect`](crate::plan::expect)).
    pub checkpoints: Vec<Checkpoint>,
    /// The goals that were reached.
    pub goals: Goals,
    /// Which messages its servers got in which states, under which faults.
    pub coverage: Coverage,
    /// The plan as it was run: with every decision that was not dull, and nothing left to explore.
    pub plan: Plan,
    /// The lines, where they were asked for.
    pub timeline: Option<Vec<Line>>,
    /// What nodes sent, where it was asked for; what the network made of it is not here.
    pub datagrams: Option<Vec<SentDatagram>>,
    /// Everything that happened, where it was asked for.
    pub log: Option<EventLog>,
    /// The last steps of its threads as a table, where one of them broke a rule.
    pub interleaving: Option<String>,
    /// How many steps each of its threads took before all healed; none where it ran on one stack.
    pub steps: Vec<u32>,
    /// Which decisions were asked and when, where the plan lists them.
    pub asked: Vec<(Key, Instant)>,
}

/// A trace at some event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The hash of everything that had happened.
    pub hash: u64,
    /// How many lines the timeline had, where one is kept.
    pub line: usize,
}

/// A datagram as a node gave it to the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentDatagram {
    /// When.
    pub at: Instant,
    /// Who really sent it.
    pub from: Actor,
    /// From which address it says that it comes.
    pub source: SocketAddr,
    /// To which address.
    pub destination: SocketAddr,
    /// Its octets.
    pub octets: Vec<u8>,
}

impl SentDatagram {
    /// The datagram of a fact, if one was sent.
    pub(crate) fn of(at: Instant, fact: &Fact<'_>) -> Option<Self> {
        match fact {
            Fact::Sent(passage) => Some(SentDatagram {
                at,
                from: passage.from,
                source: passage.source,
                destination: passage.destination,
                octets: passage.datagram.to_vec(),
            }),
            _ => None,
        }
    }
}

/// Whether every property held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They all did.
    Held,
    /// One did not; the world ended there.
    Failed(Failure),
}

/// Where and how a property failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The property and what was seen.
    pub violation: Violation,
    /// When.
    pub at: Instant,
    /// At which event, counted from 1; 0 before the first.
    pub event: u64,
}

impl Report {
    /// Of a world of this plan in which nothing happened.
    pub fn empty(plan: Plan) -> Self {
        Report {
            verdict: Verdict::Held,
            trace_hash: 0,
            events: 0,
            simulated: Duration::ZERO,
            checkpoints: Vec::new(),
            goals: Goals::default(),
            coverage: Coverage::default(),
            plan,
            timeline: None,
            datagrams: None,
            log: None,
            interleaving: None,
            steps: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// The failure, if there is one.
    pub const fn failure(&self) -> Option<&Failure> {
        match &self.verdict {
            Verdict::Held => None,
            Verdict::Failed(failure) => Some(failure),
        }
    }

    /// A property is broken, as the world shows after its end; the first one counts.
    pub fn fail(&mut self, property: &'static str, message: &str) {
        if self.failure().is_none() {
            self.verdict = Verdict::Failed(Failure {
                violation: Violation {
                    property,
                    message: message.to_owned(),
                },
                at: Instant::ZERO + self.simulated,
                event: self.events,
            });
        }
    }

    /// The timeline as text, a column per node; empty where none was kept.
    pub fn timeline_text(&self) -> String {
        let actors = self.plan.topology.actors();
        self.timeline
            .as_ref()
            .map_or_else(String::new, |lines| render(lines, &actors))
    }
}
