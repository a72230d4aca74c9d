//! What one shard of a sweep found, as a file that `iaxproof merge` reads. It is a pure function of the build, the range and
//! the slice, but for the time that it took. It is whole or not there: it is written beside its place and renamed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use iaxproof_models::Design;
use iaxproof_sim::coverage::Point;
use iaxproof_sim::goals::Goal;
use iaxproof_sim::plan::expect::Hash;
use iaxproof_sim::schedule::Scheduler;
use iaxproof_sim::sweep::{FailureGroup, Reached, Sweep};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::whole;

use super::seeds::Shard;
use super::sweep::{Found, PanicGroup, Without, Worlds};

/// The layout of the file.
pub(crate) const SCHEMA: u32 = 3;

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShardResult {
    schema: u32,
    /// What all shards of one sweep have in common.
    pub(crate) sweep: Of,
    /// Which slice of the sweep's range.
    pub(crate) shard: Shard,
    /// The seeds of that slice.
    pub(crate) seeds: Range<u64>,
    /// Wall-clock time: the one thing that another run of the shard does not say again.
    pub(crate) seconds: f64,
    worlds: u64,
    run_again: u64,
    run_elsewhere: u64,
    /// Which build the second process was that ran these; nothing where none was asked.
    run_elsewhere_by: Option<String>,
    events: u64,
    simulated_micros: u64,
    pub(super) decisions: u64,
    digest: Hash,
    goals: Vec<GoalReached>,
    /// Points of state, message and fault, with the lowest seed that reached each.
    points: BTreeMap<String, u64>,
    failures: Vec<FailureOfKind>,
    panics: Vec<PanicOfKind>,
}

/// This build, in words. A process that says the same runs the same worlds.
pub(crate) fn build() -> String {
    format!(
        "version {} of the sources {}",
        env!("CARGO_PKG_VERSION"),
        env!("IAXPROOF_SOURCES")
    )
}

/// Which sweep a shard is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Of {
    /// The version of this package.
    pub(crate) version: String,
    /// The hash of the sources that decide what becomes of a world.
    pub(crate) sources: String,
    /// What the worlds ran on.
    pub(crate) design: String,
    /// Whether they have threads.
    pub(crate) threads: bool,
    /// What they do without.
    pub(crate) without: Option<Without>,
    /// How stalls of threads are drawn, where not each seed says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scheduler: Option<Scheduler>,
    /// The whole range, of which each shard takes a slice.
    pub(crate) range: Range<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GoalReached {
    goal: String,
    worlds: u64,
    first_seed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailureOfKind {
    property: String,
    signature: String,
    count: u64,
    first_seed: u64,
    message: String,
    /// The plan of the first, short enough to be typed, where it is.
    token: Option<String>,
    /// The same as text.
    plan: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PanicOfKind {
    signature: String,
    count: u64,
    first_seed: u64,
    words: String,
}

impl Of {
    /// The sweep of `range` that this build does.
    pub(crate) fn this_build(worlds: Worlds, range: Range<u64>) -> Self {
        Of {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sources: env!("IAXPROOF_SOURCES").to_owned(),
            design: worlds.design.name().to_owned(),
            threads: worlds.threads,
            without: worlds.without,
            scheduler: worlds.scheduler,
            range,
        }
    }

    /// Its worlds, or `None` where this build has no such design.
    pub(crate) fn worlds(&self) -> Option<Worlds> {
        Some(Worlds {
            threads: self.threads,
            without: self.without,
            scheduler: self.scheduler,
            ..Worlds::of(Design::from_name(&self.design)?)
        })
    }
}

impl ShardResult {
    /// What `found` is as a file.
    pub(crate) fn new(sweep: Of, shard: Shard, found: &Found) -> Self {
        let sum = &found.sweep;
        ShardResult {
            schema: SCHEMA,
            sweep,
            shard,
            seeds: found.seeds.clone(),
            seconds: found.elapsed.as_secs_f64(),
            worlds: sum.worlds,
            run_again: sum.run_again,
            run_elsewhere: found.elsewhere,
            run_elsewhere_by: (found.elsewhere > 0).then(build),
            events: sum.events,
            simulated_micros: sum.simulated_micros,
            decisions: sum.decisions,
            digest: Hash(sum.digest),
            goals: sum.goals.iter().map(GoalReached::of).collect(),
            points: written(&sum.points),
            failures: sum.failures.iter().map(FailureOfKind::of).collect(),
            panics: found.panics.iter().map(PanicOfKind::of).collect(),
        }
    }

    /// Writes it, all or nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub(crate) fn write(&self, file: &Path) -> Result<(), Error> {
        let mut text =
            serde_json::to_string_pretty(self).expect("plain strings and numbers serialise");
        text.push('\n');
        whole::write(file, &text)
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for what is no such file, in itself.
    pub(crate) fn read(file: &Path) -> Result<Self, Error> {
        let refused = |why: String| Error::Usage(format!("{}: {why}", file.display()));
        let text = std::fs::read_to_string(file)
            .map_err(|error| refused(format!("no result of a shard that can be read: {error}")))?;
        let no_result =
            |error: serde_json::Error| refused(format!("no result of a shard: {error}"));
        // The schema first: a file of another one has other fields.
        let Head { schema } = serde_json::from_str(&text).map_err(no_result)?;
        if schema != SCHEMA {
            return Err(refused(format!(
                "has schema {schema}, this build reads schema {SCHEMA}"
            )));
        }
        let result: ShardResult = serde_json::from_str(&text).map_err(no_result)?;
        result.check().map_err(refused)?;
        Ok(result)
    }

    /// Whether it is what it says.
    fn check(&self) -> Result<(), String> {
        let range = &self.sweep.range;
        let is_shard = 1 <= self.shard.index && self.shard.index <= self.shard.of;
        if !is_shard || range.is_empty() {
            return Err(format!("shard {} of {range:?} is none", self.shard));
        }
        let slice = self.shard.slice(range)?;
        if slice != self.seeds {
            return Err(format!(
                "shard {} of {range:?} has the seeds {slice:?}, not {:?}",
                self.shard, self.seeds
            ));
        }
        let panics: u64 = self.panics.iter().map(|it| it.count).sum();
        let seeds = self.seeds.end - self.seeds.start;
        if self.worlds + panics != seeds {
            return Err(format!(
                "{} worlds and {panics} that panicked are not the {seeds} of its seeds",
                self.worlds
            ));
        }
        Ok(())
    }

    /// Whether another run of the same shard came to the same: all is equal but the time.
    pub(crate) fn is_again(&self, other: &Self) -> bool {
        let timeless = |result: &Self| ShardResult {
            seconds: 0.0,
            ..result.clone()
        };
        timeless(self) == timeless(other)
    }

    /// What was found.
    ///
    /// # Errors
    ///
    /// A goal or a plan that this build does not know.
    pub(crate) fn found(&self) -> Result<Found, String> {
        let goals = self.goals.iter().map(GoalReached::read);
        let failures = self.failures.iter().map(FailureOfKind::read);
        let sweep = Sweep {
            worlds: self.worlds,
            events: self.events,
            simulated_micros: self.simulated_micros,
            decisions: self.decisions,
            run_again: self.run_again,
            goals: goals.collect::<Result<BTreeMap<_, _>, _>>()?,
            points: read(&self.points)?,
            digest: self.digest.0,
            failures: failures.collect::<Result<BTreeMap<_, _>, _>>()?,
        };
        Ok(Found {
            sweep,
            panics: self.panics.iter().map(PanicOfKind::read).collect(),
            elapsed: Duration::try_from_secs_f64(self.seconds)
                .map_err(|error| error.to_string())?,
            seeds: self.seeds.clone(),
            elsewhere: self.run_elsewhere,
            ..Found::default()
        })
    }
}

fn written(points: &BTreeMap<Point, u64>) -> BTreeMap<String, u64> {
    let points = points.iter();
    points
        .map(|(point, seed)| (point.to_string(), *seed))
        .collect()
}

fn read(points: &BTreeMap<String, u64>) -> Result<BTreeMap<Point, u64>, String> {
    let points = points.iter();
    points
        .map(|(point, seed)| Ok((point.parse()?, *seed)))
        .collect()
}

/// What a file of every schema says.
#[derive(Deserialize)]
struct Head {
    schema: u32,
}

impl GoalReached {
    fn of((goal, reached): (&Goal, &Reached)) -> Self {
        GoalReached {
            goal: goal.text().to_owned(),
            worlds: reached.worlds,
            first_seed: reached.first_seed,
        }
    }

    fn read(&self) -> Result<(Goal, Reached), String> {
        let goal = Goal::ALL.iter().find(|goal| goal.text() == self.goal);
        let goal = goal.ok_or_else(|| format!("{:?} is no goal of this build", self.goal))?;
        let reached = Reached {
            worlds: self.worlds,
            first_seed: self.first_seed,
        };
        Ok((*goal, reached))
    }
}

impl FailureOfKind {
    fn of(((property, signature), group): (&(String, String), &FailureGroup)) -> Self {
        FailureOfKind {
            property: property.clone(),
            signature: signature.clone(),
            count: group.count,
            first_seed: group.first_seed,
            message: group.message.clone(),
            token: group.plan.token(),
            plan: group.plan.to_string(),
        }
    }

    fn read(&self) -> Result<((String, String), FailureGroup), String> {
        let plan = self.plan.parse();
        let plan =
            plan.map_err(|error| format!("the plan of seed {}: {error}", self.first_seed))?;
        let group = FailureGroup {
            count: self.count,
            first_seed: self.first_seed,
            message: self.message.clone(),
            plan,
        };
        Ok(((self.property.clone(), self.signature.clone()), group))
    }
}

impl PanicOfKind {
    fn of((signature, group): (&String, &PanicGroup)) -> Self {
        PanicOfKind {
            signature: signature.clone(),
            count: group.count,
            first_seed: group.first_seed,
            words: group.words.clone(),
        }
    }

    fn read(&self) -> (String, PanicGroup) {
        let group = PanicGroup {
            count: self.count,
            first_seed: self.first_seed,
            words: self.words.clone(),
        };
        (self.signature.clone(), group)
    }
}
