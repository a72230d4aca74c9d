//! Plans as text (TOML), and what a plan must hold to be run.

use super::{
    Actor, CLIENTS_MAX, ENGINE, ENGINES, NODES_MIN, Operation, Plan, REGISTRANTS_MAX, SCHEMA,
    SECONDS_MAX, SECONDS_MIN, SERVERS_MAX, THREADS_MAX, WORKERS_MAX, What,
};
use crate::schedule::ThreadId;
use core::fmt;
use core::str::FromStr;

/// Why a text is no plan that this build can run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not TOML, or not the fields of a plan. The message names line and column.
    #[error("not a plan: {0}")]
    Text(String),
    /// Another schema.
    #[error("schema too {age}: this plan or token has schema {0}, this build reads schema {SCHEMA}", age = age(*.0))]
    Schema(u32),
    /// Another engine.
    #[error("engine {0:?} is not in this build, which has {ENGINES:?}")]
    Engine(String),
    /// Fields that contradict each other or lie outside their range.
    #[error("{field}: {expected}")]
    Field {
        /// Which, as a path: `operations[3].what`.
        field: String,
        /// What was expected.
        expected: String,
    },
    /// Not a packed plan.
    #[error("not a world's token: {0}")]
    Token(&'static str),
}

const fn age(schema: u32) -> &'static str {
    if schema < SCHEMA { "old" } else { "new" }
}

impl Plan {
    /// Checks that the plan can be run. It may be smaller than what a seed expands to, for shrinking makes plans small.
    ///
    /// # Errors
    ///
    /// The first field that cannot be, and what was expected.
    pub fn validate(&self) -> Result<(), PlanError> {
        if self.schema != SCHEMA {
            return Err(PlanError::Schema(self.schema));
        }
        if !ENGINES.contains(&self.engine.as_str()) {
            return Err(PlanError::Engine(self.engine.clone()));
        }
        self.validate_topology()?;
        let traced = self.expect.as_ref().and_then(|it| it.trace.as_ref());
        ensure(
            traced.is_none_or(|trace| trace.engine == self.engine),
            "expect.trace.engine",
            || format!("{:?}, the plan's, for a hash is one engine's", self.engine),
        )?;
        let seconds = u64::from(self.heal_ms) / 1_000;
        ensure(
            (SECONDS_MIN..=SECONDS_MAX).contains(&seconds),
            "heal_ms",
            || format!("{SECONDS_MIN} to {SECONDS_MAX} seconds"),
        )?;
        ensure(i64::try_from(self.seed).is_ok(), "seed", || {
            "less than 2^63".into()
        })?;
        let configurations = self.configurations.len();
        ensure(
            (1..=200).contains(&configurations),
            "configurations",
            || "1 to 200 of them".into(),
        )?;
        for (nth, operation) in self.operations.iter().enumerate() {
            self.validate_operation(nth, operation)?;
        }
        for (nth, partition) in self.partitions.iter().enumerate() {
            let field = format!("partitions[{nth}]");
            self.validate_actor(&field, partition.from)?;
            self.validate_actor(&field, partition.to)?;
        }
        Ok(())
    }

    fn validate_topology(&self) -> Result<(), PlanError> {
        let topology = &self.topology;
        ensure(
            (1..=SERVERS_MAX).contains(&topology.servers),
            "topology.servers",
            || format!("1 to {SERVERS_MAX}"),
        )?;
        ensure(topology.clients <= CLIENTS_MAX, "topology.clients", || {
            format!("at most {CLIENTS_MAX}")
        })?;
        ensure(topology.workers <= WORKERS_MAX, "topology.workers", || {
            format!("at most {WORKERS_MAX}")
        })?;
        let threads = usize::from(topology.servers) * ThreadId::per_server(topology.workers());
        let has_room = self.engine == ENGINE || threads <= THREADS_MAX;
        ensure(has_room, "topology", || {
            format!("at most {THREADS_MAX} threads in all: each server has three, and its workers")
        })?;
        ensure(
            topology.registrants <= REGISTRANTS_MAX,
            "topology.registrants",
            || format!("at most {REGISTRANTS_MAX}"),
        )?;
        ensure(topology.nodes() >= NODES_MIN, "topology", || {
            format!("at least {NODES_MIN} nodes in all")
        })
    }

    fn validate_operation(&self, nth: usize, operation: &Operation) -> Result<(), PlanError> {
        let field = format!("operations[{nth}]");
        self.validate_actor(&field, operation.actor)?;
        let is_client = matches!(operation.actor, Actor::Client(_));
        ensure(operation.actor != Actor::Registrar, &field, || {
            "a client or a server".into()
        })?;
        ensure(operation.what.is_of_client() == is_client, &field, || {
            "clients register, release, call, talk, type, hang up, rebind and spoof; servers do the rest".into()
        })?;
        match operation.what {
            What::Reload { configuration } => {
                let known = usize::from(configuration) < self.configurations.len();
                ensure(known, &field, || "the index of a configuration".into())
            }
            What::CallPeer { client }
            | What::Dial { client }
            | What::Prune { client }
            | What::Unregister { client }
            | What::EditRow { client, .. } => self.validate_actor(&field, Actor::Client(client)),
            _ => Ok(()),
        }
    }

    fn validate_actor(&self, field: &str, actor: Actor) -> Result<(), PlanError> {
        let known = match actor {
            Actor::Server(index) => index < self.topology.servers,
            Actor::Client(index) => index < self.topology.clients,
            Actor::Registrar => self.topology.registrants > 0,
        };
        ensure(known, field, || format!("{actor} is not in the topology"))
    }
}

impl What {
    /// Whether it is no one's wish but goes wrong: a process dies, or a NAT forgets an address.
    pub const fn is_fault(&self) -> bool {
        matches!(self, What::Restart | What::Rebind)
    }

    /// Whether this is for clients to do.
    pub const fn is_of_client(&self) -> bool {
        !matches!(
            self,
            What::Dial { .. }
                | What::Reload { .. }
                | What::Prune { .. }
                | What::Unregister { .. }
                | What::EditRow { .. }
                | What::Restart
        )
    }
}

fn ensure(holds: bool, field: &str, expected: impl FnOnce() -> String) -> Result<(), PlanError> {
    if holds {
        return Ok(());
    }
    Err(PlanError::Field {
        field: field.into(),
        expected: expected(),
    })
}

/// The plan as TOML, which reads back equal.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match toml::to_string(self) {
            Ok(text) => f.write_str(&text),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl FromStr for Plan {
    type Err = PlanError;

    /// Reads and validates a plan.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let wrong = |error: toml::de::Error| PlanError::Text(error.to_string());
        // The schema first: a plan of another one has other fields.
        let Head { schema } = toml::from_str(text).map_err(wrong)?;
        if schema != SCHEMA {
            return Err(PlanError::Schema(schema));
        }
        let plan: Plan = toml::from_str(text).map_err(wrong)?;
        plan.validate()?;
        Ok(plan)
    }
}

/// What every plan of every schema says.
#[derive(serde::Deserialize)]
struct Head {
    schema: u32,
}

/// Decisions as texts.
pub(super) mod decisions {
    use crate::decide::Decision;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::plan) fn serialize<S: Serializer>(
        decisions: &[Decision],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(decisions.iter().map(Decision::to_string))
    }

    pub(in crate::plan) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Decision>, D::Error> {
        let texts: Vec<String> = Vec::deserialize(deserializer)?;
        let parsed = texts.iter().map(|text| text.parse());
        parsed.collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_back_from_its_text() {
        for seed in 0..50 {
            let plan = Plan::from_seed(seed);
            assert_eq!(plan.to_string().parse::<Plan>(), Ok(plan));
        }
    }

    #[test]
    fn a_bad_plan_is_refused_by_field() {
        let plan = Plan::from_seed(1);
        let refused = |bend: fn(&mut Plan)| {
            let mut bent = plan.clone();
            bend(&mut bent);
            bent.to_string().parse::<Plan>().unwrap_err().to_string()
        };
        assert_eq!(
            refused(|p| p.schema = 9),
            "schema too new: this plan or token has schema 9, this build reads schema 3"
        );
        assert_eq!(
            refused(|p| p.engine = "steam".into()),
            r#"engine "steam" is not in this build, which has ["stack", "strands", "shuttle"]"#
        );
        assert_eq!(
            "schema = 1\nsteam = true"
                .parse::<Plan>()
                .unwrap_err()
                .to_string(),
            "schema too old: this plan or token has schema 1, this build reads schema 3"
        );
        assert_eq!(refused(|p| p.heal_ms = 1), "heal_ms: 60 to 86400 seconds");
        assert_eq!(
            refused(|p| p.topology.workers = 5),
            "topology.workers: at most 4"
        );
        assert_eq!(
            refused(|p| {
                p.engine = "strands".into();
                (p.topology.servers, p.topology.workers) = (2, 2);
            }),
            "topology: at most 8 threads in all: each server has three, and its workers"
        );
        assert_eq!(
            refused(|p| p.operations[0].actor = Actor::Client(99)),
            "operations[0]: client 99 is not in the topology"
        );
        assert_eq!(
            refused(|p| {
                p.operations[0].actor = Actor::Server(0);
                p.operations[0].what = What::Reload { configuration: 77 };
            }),
            "operations[0]: the index of a configuration"
        );
        let text = plan.to_string().replace("heal_ms", "heel_ms");
        assert!(
            text.parse::<Plan>()
                .unwrap_err()
                .to_string()
                .contains("heel_ms")
        );
    }
}
