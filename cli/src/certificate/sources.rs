//! What this command was built from, as its build script hashed it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The sources, the compiler and the engines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    version: String,
    /// The hash of what is proved.
    library: String,
    /// The hash of what explores it, the scenarios with it.
    explorers: String,
    /// The hash of what both are built with.
    dependencies: String,
    loom: String,
    shuttle: String,
    toolchain: String,
}

impl Build {
    /// This command.
    pub(crate) fn this() -> Self {
        Build {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            library: env!("IAXPROOF_LIBRARY").to_owned(),
            explorers: env!("IAXPROOF_EXPLORERS").to_owned(),
            dependencies: env!("IAXPROOF_DEPENDENCIES").to_owned(),
            loom: env!("IAXPROOF_LOOM").to_owned(),
            shuttle: env!("IAXPROOF_SHUTTLE").to_owned(),
            toolchain: env!("IAXPROOF_TOOLCHAIN").to_owned(),
        }
    }
}

impl Build {
    /// A name for what decides what explorers say.
    pub(crate) fn key(&self) -> String {
        format!("{}-{}-{}", self.library, self.explorers, self.dependencies)
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  version {}, library {}, explorers {}, dependencies {}",
            self.version, self.library, self.explorers, self.dependencies
        )?;
        write!(
            f,
            "  loom {}, shuttle {}, {}",
            self.loom, self.shuttle, self.toolchain
        )
    }
}

/// The file of a scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// From the root of the workspace.
    pub(crate) file: &'static str,
    /// The hash of its text.
    pub(crate) hash: &'static str,
}

/// The file that a scenario stands in; the folder, of a cell of the matrix.
pub(crate) fn of(scenario: &str) -> Source {
    let mut rows = SCENARIOS.iter();
    match rows.find(|(name, ..)| *name == scenario) {
        Some((_, file, hash)) => Source { file, hash },
        None => MATRIX,
    }
}

/// Where the cells come from.
const MATRIX: Source = Source {
    file: "models/src/matrix",
    hash: env!("IAXPROOF_MATRIX"),
};

/// Name, file, hash.
const SCENARIOS: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenario_sources.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scenario_has_a_source_and_each_source_a_scenario() {
        let mut names: Vec<&str> = SCENARIOS.iter().map(|(name, ..)| *name).collect();
        let mut scenarios: Vec<&str> = iaxproof_models::scenarios().map(|s| s.name).collect();
        names.sort_unstable();
        scenarios.sort_unstable();
        assert_eq!(names, scenarios);
    }
}
