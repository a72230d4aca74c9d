//! What a step is: plain data. The steps themselves stand in `steps`.

use super::effect::Effect;
use super::expr::{Expr, Param, params};
use super::steps::ROWS;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The name in reports and traces.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// Where the source takes it.
    pub source: &'static str,
    /// What it is about.
    pub params: Vec<Param>,
    /// When it may be taken.
    pub guards: Vec<Expr>,
    /// What must hold when it is taken.
    pub safety: Vec<Expr>,
    /// What it does, in this order.
    pub effects: Vec<Effect>,
    /// The old count that the operation sees.
    pub observes: Option<Expr>,
}

/// The steps, and the places in the code that a thread can be at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// `Idle` first, where every thread begins.
    pub places: Vec<&'static str>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// A step as it is written down.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) source: &'static str,
    pub(super) params: &'static str,
    pub(super) guards: &'static [&'static str],
    pub(super) safety: &'static [&'static str],
    pub(super) effects: &'static [&'static str],
    pub(super) observes: &'static str,
}

impl Table {
    /// The protocol of what ships.
    pub fn shipped() -> Self {
        Table {
            places: vec!["Idle", "Crit", "Raw", "Upg", "Dying", "Dest", "Open"],
            steps: ROWS.iter().map(Row::step).collect(),
        }
    }

    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// The step of this name, to be bent.
    pub fn step_mut(&mut self, name: &str) -> Option<&mut Step> {
        self.steps.iter_mut().find(|step| step.name == name)
    }
}

impl Row {
    fn step(&self) -> Step {
        let exprs = |texts: &[&'static str]| texts.iter().map(|text| Expr::parse(text)).collect();
        Step {
            name: self.name,
            about: self.about,
            source: self.source,
            params: params(self.params),
            guards: exprs(self.guards),
            safety: exprs(self.safety),
            effects: self.effects.iter().map(|it| Effect::parse(it)).collect(),
            observes: (!self.observes.is_empty()).then(|| Expr::parse(self.observes)),
        }
    }
}
