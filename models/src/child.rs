//! A proof as a child process of the same binary: a request in, one JSON line out. loom can abort, and what an explorer
//! leaves behind ends with the process.

use serde::{Deserialize, Serialize};

use crate::explore::{Engine, Exploration, Stop};
use crate::orderings::{Kind, Trial};
use crate::scenarios::{self, Design};

/// What a child is asked to explore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The scenario's name.
    pub scenario: String,
    /// The design.
    pub design: Design,
    /// The explorer.
    pub engine: Engine,
    /// Under loom: an ordering on trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// The time allowed; past it the exploration is INCOMPLETE. The caller of [`run_child`] owns the clock.
    pub stop_after_seconds: u64,
}

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not a request.
    #[error("the request is not understood: {0}")]
    Json(#[from] serde_json::Error),
    /// No such scenario.
    #[error("there is no scenario `{0}`")]
    Scenario(String),
    /// The scenario does not run on that design.
    #[error("the scenario `{scenario}` does not run on the design `{design}`")]
    Design {
        /// The scenario.
        scenario: String,
        /// The design.
        design: &'static str,
    },
}

/// Explores what the request asks for. Gives also the kinds of sites that were met, where an ordering is on trial.
///
/// # Errors
///
/// A scenario or a design that does not exist.
pub fn explore(request: &Request, stop: Stop) -> Result<(Exploration, Vec<Kind>), RequestError> {
    let scenario = scenarios::scenario(&request.scenario)
        .ok_or_else(|| RequestError::Scenario(request.scenario.clone()))?;
    let explored = match &request.trial {
        Some(trial) => scenario.on_trial(trial.clone(), stop),
        None => scenario
            .explore(request.design, request.engine, stop)
            .map(|exploration| (exploration, Vec::new())),
    };
    explored.ok_or_else(|| RequestError::Design {
        scenario: request.scenario.clone(),
        design: request.design.name(),
    })
}

/// Reads a [`Request`] and gives the [`Exploration`] as one line of JSON. `clock` makes the callback that says when the
/// seconds of the request are over.
///
/// # Errors
///
/// As for [`explore`], and a text that is no request.
pub fn run_child(
    request_json: &str,
    clock: impl FnOnce(u64) -> Stop,
) -> Result<String, RequestError> {
    let request: Request = serde_json::from_str(request_json)?;
    let (exploration, _) = explore(&request, clock(request.stop_after_seconds))?;
    Ok(serde_json::to_string(&exploration)?)
}
