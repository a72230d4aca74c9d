//! A scope: how many elements of each sort there are, or any number.
//!
//! In a finite scope a sentence about all values is written out for each of them, so that the solver decides every question, and its
//! "sat" is a state that exists.

use core::fmt::Write as _;

use super::expr::{Expr, Fun, Param};
use super::vocabulary::{CONSTRUCTORS, RIGID, Sort, UNBOUNDED, VARIABLES};

/// How many elements of each sort a question speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Any number.
    Any,
    /// So many.
    Finite(Bounds),
}

/// The elements of a finite scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Threads, objects, names, handles, timers, shards.
    pub elements: [usize; 6],
    /// The largest count before a step.
    pub count_max: i64,
}

impl Bounds {
    /// Two threads, two objects, four handles, and one or two of the rest.
    pub const SMALL: Bounds = Bounds {
        elements: [2, 2, 2, 4, 1, 2],
        count_max: 3,
    };

    fn of(self, sort: Sort) -> usize {
        let nth = UNBOUNDED.iter().position(|it| *it == sort);
        nth.map_or(0, |nth| self.elements[nth])
    }

    /// Counts stay within the bound, and so do the numbers of owners.
    pub(super) fn limit_counts(self, text: &mut String) {
        for cell in self.values(Sort::Cell) {
            let cell = cell.print(&super::expr::plain);
            let _ = writeln!(text, "(assert (<= (rc {cell}) {}))", self.count_max);
        }
    }

    /// Every value of the sort, as an expression.
    fn values(self, sort: Sort) -> Vec<Expr> {
        match sort {
            Sort::Int => (0..=self.count_max).map(Expr::Int).collect(),
            Sort::Cell | Sort::Place | Sort::Lock => self.made(sort),
            _ => (0..self.of(sort))
                .map(|nth| Expr::Name(element(sort, nth)))
                .collect(),
        }
    }

    fn made(self, sort: Sort) -> Vec<Expr> {
        let own = CONSTRUCTORS.iter().enumerate();
        let own = own.filter(|(_, it)| it.sort == sort);
        own.flat_map(|(nth, it)| {
            let of = it.of.map_or(vec![Vec::new()], |of| {
                self.values(of)
                    .into_iter()
                    .map(|value| vec![value])
                    .collect()
            });
            of.into_iter()
                .map(move |args| Expr::Call(Fun::Make(nth), args))
        })
        .collect()
    }
}

impl Scope {
    /// Declares an open sort, or one of so many elements.
    pub(super) fn declare(self, sort: Sort) -> String {
        let name = sort.name();
        match self {
            Scope::Any => format!("(declare-sort {name} 0)"),
            Scope::Finite(bounds) => {
                let elements = (0..bounds.of(sort)).map(|nth| format!(" ({})", element(sort, nth)));
                let elements: String = elements.collect();
                format!("(declare-datatypes (({name} 0)) (({elements} )))")
            }
        }
    }

    /// A number that was chosen is small.
    pub(super) fn limit(self, param: &Param, text: &mut String) {
        if let (Scope::Finite(bounds), Sort::Int) = (self, param.sort) {
            let (name, max) = (param.name, bounds.count_max + 1);
            let _ = writeln!(text, "(assert (and (<= 0 {name}) (<= {name} {max})))");
        }
    }
}

/// The sentence for each value of its variables.
pub(super) fn expand(vars: &[Param], body: &Expr, bounds: Bounds) -> Vec<Expr> {
    let Some((first, others)) = vars.split_first() else {
        return vec![body.clone()];
    };
    let with = |value: Expr| {
        let body = body.substitute(&|name| (name == first.name).then(|| value.clone()));
        expand(others, &body, bounds)
    };
    bounds
        .values(first.sort)
        .into_iter()
        .flat_map(with)
        .collect()
}

/// The terms that tell a state apart from others, for the solver to show: every variable for all its arguments.
pub(super) fn state_terms(bounds: Bounds) -> Vec<String> {
    let mut terms = Vec::new();
    for (var, function) in VARIABLES.iter().enumerate() {
        terms.extend(applied(Fun::Var(var), function.of, bounds));
    }
    for (rigid, function) in RIGID.iter().enumerate() {
        terms.extend(applied(Fun::Rigid(rigid), function.of, bounds));
    }
    terms
}

fn applied(fun: Fun, of: &[Sort], bounds: Bounds) -> Vec<String> {
    // The owners by number are a ghost of two arguments and say nothing that the numbers do not.
    let [sort] = of else { return Vec::new() };
    let values = bounds.values(*sort).into_iter();
    let term = |value| Expr::Call(fun, vec![value]).print(&super::expr::plain);
    values.map(term).collect()
}

/// The names of the elements, at most [`ELEMENTS_MAX`] of each sort.
fn element(sort: Sort, nth: usize) -> &'static str {
    let row = UNBOUNDED.iter().position(|it| *it == sort);
    ELEMENTS[row.expect("an open sort")][nth]
}

/// The most elements of one sort.
pub const ELEMENTS_MAX: usize = 4;

const ELEMENTS: [[&str; ELEMENTS_MAX]; 6] = [
    ["thread0", "thread1", "thread2", "thread3"],
    ["object0", "object1", "object2", "object3"],
    ["name0", "name1", "name2", "name3"],
    ["handle0", "handle1", "handle2", "handle3"],
    ["timer0", "timer1", "timer2", "timer3"],
    ["shard0", "shard1", "shard2", "shard3"],
];
