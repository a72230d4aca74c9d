//! A failing schedule as a token: a short text that replays.
//!
//! ```text
//! P1-<scenario>-<design>-S<point>.<number>-<point>.<number>...   a tape of shuttle's choices that are not 0
//! ```

use core::fmt;
use core::str::FromStr;

use crate::explore;
use crate::finding::Finding;
use crate::scenarios::{self, Design, Scenario};
use crate::tape::Choices;

/// The longest token.
pub const LEN_MAX: usize = 200;

/// A scenario on a design, and a schedule for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The scenario's name.
    pub scenario: String,
    /// The design.
    pub design: Design,
    /// The choices that are not 0, by scheduling point.
    pub choices: Choices,
}

/// Why a text is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not of the form `P1-scenario-design-S..`.
    #[error("a schedule token reads `P1-scenario-design-S1.2-3.1`, this does not: `{0}`")]
    Form(String),
    /// No such scenario.
    #[error("the token names the scenario `{0}`, which does not exist")]
    Scenario(String),
    /// The scenario does not run on such a design.
    #[error("the token names the design `{0}`, on which its scenario does not run")]
    Design(String),
    /// Something that is not `point.number`.
    #[error("the token says `{0}` where `point.number` was expected")]
    Choice(String),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P1-{}-{}-S", self.scenario, self.design.name())?;
        for (index, (point, number)) in self.choices.iter().enumerate() {
            let dash = if index == 0 { "" } else { "-" };
            write!(f, "{dash}{point}.{number}")?;
        }
        Ok(())
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let form = || TokenError::Form(text.to_owned());
        let rest = text.trim().strip_prefix("P1-").ok_or_else(form)?;
        let (scenario, rest) = rest.split_once('-').ok_or_else(form)?;
        let (design, choices) = rest.rsplit_once("-S").ok_or_else(form)?;
        let known =
            scenarios::scenario(scenario).ok_or_else(|| TokenError::Scenario(scenario.into()))?;
        let design = Design::from_name(design)
            .filter(|design| known.bodies(*design).is_some())
            .ok_or_else(|| TokenError::Design(design.into()))?;
        let choices = choices
            .split('-')
            .filter(|c| !c.is_empty())
            .map(choice)
            .collect::<Result<_, _>>()?;
        Ok(Token {
            scenario: scenario.into(),
            design,
            choices,
        })
    }
}

fn choice(text: &str) -> Result<(u32, u32), TokenError> {
    let parts = text.split_once('.');
    parts
        .and_then(|(point, number)| Some((point.parse().ok()?, number.parse().ok()?)))
        .ok_or_else(|| TokenError::Choice(text.into()))
}

/// What a token did when it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// What was broken; `None` where the execution held.
    pub finding: Option<Finding>,
    /// The outcome of an execution that held.
    pub outcome: Option<String>,
    /// The hash of its steps: the same each time, in any process.
    pub trace_hash: u64,
    /// The interleaving as a table.
    pub table: String,
}

/// Runs the execution that a token names.
///
/// # Errors
///
/// A text that is no token, or a token of something that does not exist.
pub fn replay_token(text: &str) -> Result<Replay, TokenError> {
    let token: Token = text.parse()?;
    replay(&token).ok_or_else(|| TokenError::Scenario(token.scenario.clone()))
}

fn replay(token: &Token) -> Option<Replay> {
    let bodies = scenarios::scenario(&token.scenario)?.bodies(token.design)?;
    let rerun = explore::along_tape(bodies.shuttle, token.choices.clone(), token.design.follow());
    Some(Replay {
        finding: rerun.finding,
        outcome: rerun.outcome,
        trace_hash: rerun.trace_hash,
        table: rerun.table,
    })
}

/// The shortest tape that was found for a failure of shuttle: choices are taken out one at a time for as long as the same
/// property still fails.
pub fn shorten(scenario: &Scenario, design: Design, finding: &Finding) -> Token {
    let mut best = token_of(scenario, design, finding.choices.clone());
    let mut index = 0;
    while index < best.choices.len() {
        let mut shorter = best.clone();
        shorter.choices.remove(index);
        let found = replay(&shorter).and_then(|replay| replay.finding);
        match found.filter(|found| found.property == finding.property) {
            // What was really chosen: a tape may ask for points that the run no longer reaches.
            Some(found) if found.choices.len() < best.choices.len() => {
                best.choices = found.choices;
                index = 0;
            }
            _ => index += 1,
        }
    }
    best
}

fn token_of(scenario: &Scenario, design: Design, choices: Choices) -> Token {
    Token {
        scenario: scenario.name.into(),
        design,
        choices,
    }
}
