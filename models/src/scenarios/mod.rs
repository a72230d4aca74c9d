//! The table of scenarios. Each is one short body, generic over the explorer, whose outcome is a text: the set of
//! outcomes is part of the proof, for a lost interleaving shows there.

mod catalog;
mod containers;
mod directory;
mod endpoint;
mod objects;
mod outgoing;
mod qualify;
mod shared;

use serde::{Deserialize, Serialize};

use crate::explore::{self, Engine, Enumeration, Exploration, Follow, Source, Stop};
use crate::matrix;
use crate::orderings::{Kind, Trial};
use crate::protocol::trace::Trace;

/// Which design a scenario runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// What ships.
    Shipped,
    /// The linked list with raw handles that chan_iax2 had before August 2007.
    #[serde(rename = "2007")]
    Specimen2007,
    /// Counted objects whose live settings a reload rewrites in place.
    RebuildInPlace,
}

impl Design {
    /// The name in reports, requests and tokens.
    pub fn name(self) -> &'static str {
        match self {
            Design::Shipped => "shipped",
            Design::Specimen2007 => "2007",
            Design::RebuildInPlace => "rebuild-in-place",
        }
    }

    /// Whether executions are replayed through the protocol: the specimens are other protocols.
    pub(crate) fn follow(self) -> Follow {
        match self {
            Design::Shipped => Follow::Yes,
            Design::Specimen2007 | Design::RebuildInPlace => Follow::No,
        }
    }

    /// The design of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Design::Shipped,
            Design::Specimen2007,
            Design::RebuildInPlace,
        ]
        .into_iter()
        .find(|design| design.name() == name)
    }
}

/// How the second explorer gets to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By shuttle's own depth-first search, which takes every interleaving.
    DepthFirst,
    /// By our own enumerator over shuttle's threads, with partial-order reduction.
    Reduced,
}

/// One row of the table.
pub struct Scenario {
    /// What is proved, in words joined by underscores.
    pub name: &'static str,
    /// The property that it is about.
    pub property: &'static str,
    /// Who does what.
    pub about: &'static str,
    /// Threads, the first included.
    pub threads: usize,
    /// How the second explorer gets to the end.
    pub reach: Reach,
    /// The preemption bound of loom, `None` for all interleavings.
    pub preemptions_max: Option<usize>,
    /// Every outcome of the shipped design. One alone says why in `about`. A cell of the matrix lists none: the explorers' outcomes are
    /// compared with each other.
    pub outcomes: &'static [&'static str],
    /// The designs that it runs on, with the body for each explorer.
    pub(crate) bodies: &'static [Bodies],
}

/// One design's bodies.
pub(crate) struct Bodies {
    pub(crate) design: Design,
    pub(crate) loom: Source,
    pub(crate) shuttle: Source,
}

impl Scenario {
    /// The designs that it runs on.
    pub fn designs(&self) -> impl Iterator<Item = Design> {
        self.bodies.iter().map(|bodies| bodies.design)
    }

    /// Whether it is a cell of the matrix.
    pub fn is_cell(&self) -> bool {
        let generated = |bodies: &Bodies| matches!(bodies.loom, Source::Generated(..));
        self.bodies.iter().any(generated)
    }

    fn enumeration(&self) -> Enumeration {
        match self.reach {
            Reach::DepthFirst => Enumeration::DepthFirst,
            Reach::Reduced => Enumeration::Reduced,
        }
    }

    pub(crate) fn bodies(&self, design: Design) -> Option<&'static Bodies> {
        self.bodies.iter().find(|bodies| bodies.design == design)
    }

    /// Explores the scenario on one design with one engine; `None` where it does not run on that design.
    pub fn explore(&self, design: Design, engine: Engine, stop: Stop) -> Option<Exploration> {
        let bodies = self.bodies(design)?;
        let follow = design.follow();
        Some(match engine {
            Engine::Loom => {
                explore::loom_following(bodies.loom, self.preemptions_max, stop, follow)
            }
            Engine::Shuttle => {
                explore::shuttle_following(bodies.shuttle, self.enumeration(), stop, follow)
            }
        })
    }
}

impl Scenario {
    /// Explores the scenario on shuttle's threads by an enumeration of the caller's choice.
    pub fn enumerate(
        &self,
        design: Design,
        enumeration: Enumeration,
        stop: Stop,
    ) -> Option<Exploration> {
        Some(explore::shuttle_following(
            self.bodies(design)?.shuttle,
            enumeration,
            stop,
            Follow::No,
        ))
    }
}

impl Scenario {
    /// Explores what ships with loom, with an ordering on trial; also the kinds of sites that it met. `None` where the
    /// scenario does not run on what ships.
    pub fn on_trial(&self, trial: Trial, stop: Stop) -> Option<(Exploration, Vec<Kind>)> {
        let body = self.bodies(Design::Shipped)?.loom;
        let bound = self.preemptions_max;
        Some(explore::loom_on_trial(body, bound, stop, trial))
    }

    /// Traces of so many executions of what ships, on shuttle's threads and in an order that `seed` decides.
    pub fn traces(&self, seed: u64, executions: usize) -> Vec<Trace> {
        let bodies = self.bodies(Design::Shipped);
        bodies.map_or_else(Vec::new, |it| {
            explore::traces_of(it.shuttle, seed, executions)
        })
    }
}

/// Every scenario that is written out: all but the cells of the matrix.
pub fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    let groups = [
        objects::SCENARIOS,
        containers::SCENARIOS,
        directory::SCENARIOS,
        catalog::SCENARIOS,
        endpoint::SCENARIOS,
        qualify::SCENARIOS,
        shared::SCENARIOS,
        outgoing::SCENARIOS,
    ];
    groups.into_iter().flatten()
}

/// Those about counted objects alone: what the orderings of their counts are tried on.
pub fn about_objects() -> &'static [Scenario] {
    objects::SCENARIOS
}

/// The scenario of this name, or the cell of the matrix.
pub fn scenario(name: &str) -> Option<&'static Scenario> {
    scenarios()
        .chain(matrix::cells())
        .find(|scenario| scenario.name == name)
}

/// The bodies of a scenario that runs on what ships alone.
macro_rules! shipped {
    ($body:ident) => {
        &[$crate::scenarios::Bodies {
            design: $crate::scenarios::Design::Shipped,
            loom: $crate::explore::Source::Written($body::<$crate::Loom>),
            shuttle: $crate::explore::Source::Written($body::<$crate::Shuttle>),
        }]
    };
}
use shipped;

/// The bodies of a scenario that runs on every design: the function is generic over the explorer and takes the design.
macro_rules! designs {
    ($body:ident) => {
        &[
            $crate::scenarios::designs!($body, Shipped),
            $crate::scenarios::designs!($body, Specimen2007),
            $crate::scenarios::designs!($body, RebuildInPlace),
        ]
    };
    ($body:ident, $design:ident) => {
        $crate::scenarios::Bodies {
            design: $crate::Design::$design,
            loom: $crate::explore::Source::Written(|| {
                $body::<$crate::Loom>($crate::Design::$design)
            }),
            shuttle: $crate::explore::Source::Written(|| {
                $body::<$crate::Shuttle>($crate::Design::$design)
            }),
        }
    };
}
use designs;
