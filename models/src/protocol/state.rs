//! One state of the transition system, for the interpreter: which value each variable has, and what an expression is there.

use std::collections::BTreeMap;

use super::expr::{Expr, Fun};
use super::vocabulary::{CONSTRUCTORS, RIGID, Sort, VARIABLES};

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A number.
    Int(i64),
    /// A place in the code.
    Pc(&'static str),
    /// An element of an open sort, by its number.
    Element(u32),
    /// Made by the constructor of this number, of an element. What is made of nothing is made of element 0.
    Made(usize, u32),
}

/// The names that an expression may use, with their values.
pub type Names = [(&'static str, Value)];

/// Which value each variable has for which arguments; where nothing is said, the value of the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct State(BTreeMap<(usize, Value, i64), Value>);

/// What the unchanging functions say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixed {
    /// Whose a handle is.
    pub owners: Vec<u32>,
    /// The shard of a link.
    pub shards: Vec<u32>,
    /// The objects that are settings.
    pub settings: Vec<bool>,
}

impl Fixed {
    /// The function of this place in [`RIGID`].
    fn value(&self, rigid: usize, of: u32) -> Value {
        let of = of as usize;
        match RIGID[rigid].name {
            "owner" => Value::Element(self.owners.get(of).copied().unwrap_or_default()),
            "shard" => Value::Element(self.shards.get(of).copied().unwrap_or_default()),
            _ => Value::Bool(self.settings.get(of).copied().unwrap_or_default()),
        }
    }
}

impl State {
    /// The value of a variable.
    pub fn get(&self, var: usize, args: &[Value]) -> Value {
        let found = self.0.get(&key(var, args));
        found
            .copied()
            .unwrap_or_else(|| start(VARIABLES[var].gives))
    }

    /// Another value from now on. A value of the start is not kept, so that equal states compare as equal.
    pub fn set(&mut self, var: usize, args: &[Value], value: Value) {
        if value == start(VARIABLES[var].gives) {
            self.0.remove(&key(var, args));
        } else {
            self.0.insert(key(var, args), value);
        }
    }

    /// What the expression is in this state, where the names are these.
    ///
    /// # Panics
    ///
    /// Where the expression has no meaning: a number is wanted and there is none, or a name is not there.
    pub fn eval(&self, expr: &Expr, names: &Names, fixed: &Fixed) -> Value {
        match expr {
            Expr::Int(number) => Value::Int(*number),
            Expr::Name(name) => named(name, names),
            Expr::Call(fun, args) => self.call(*fun, args, names, fixed),
        }
    }

    /// Whether the formula holds.
    pub fn holds(&self, expr: &Expr, names: &Names, fixed: &Fixed) -> bool {
        self.eval(expr, names, fixed) == Value::Bool(true)
    }

    fn call(&self, fun: Fun, args: &[Expr], names: &Names, fixed: &Fixed) -> Value {
        let is = |nth: usize| self.holds(&args[nth], names, fixed);
        let value = |nth: usize| self.eval(&args[nth], names, fixed);
        let number = |nth: usize| int(value(nth));
        match fun {
            Fun::And => Value::Bool((0..args.len()).all(is)),
            Fun::Or => Value::Bool((0..args.len()).any(is)),
            Fun::Not => Value::Bool(!is(0)),
            Fun::Implies => Value::Bool(!is(0) || is(1)),
            Fun::Equal => Value::Bool(value(0) == value(1)),
            Fun::AtMost => Value::Bool(number(0) <= number(1)),
            Fun::Less => Value::Bool(number(0) < number(1)),
            Fun::Plus => Value::Int(number(0) + number(1)),
            Fun::Minus => Value::Int(number(0) - number(1)),
            Fun::Seen => Value::Bool(true),
            Fun::Make(made) => Value::Made(made, args.first().map_or(0, |_| element(value(0)))),
            Fun::Is(made) => Value::Bool(matches!(value(0), Value::Made(own, _) if own == made)),
            Fun::Of(made) => of(made, value(0)),
            Fun::Rigid(rigid) => fixed.value(rigid, element(value(0))),
            Fun::Var(var) if args.len() == 1 => self.get(var, &[value(0)]),
            Fun::Var(var) => self.get(var, &[value(0), value(1)]),
        }
    }
}

fn key(var: usize, args: &[Value]) -> (usize, Value, i64) {
    (var, args[0], args.get(1).map_or(0, |it| int(*it)))
}

fn named(name: &'static str, names: &Names) -> Value {
    match (names.iter().find(|(own, _)| *own == name), name) {
        (Some((_, value)), _) => *value,
        (None, "true") => Value::Bool(true),
        (None, "false") => Value::Bool(false),
        (None, place) => Value::Pc(place),
    }
}

fn int(value: Value) -> i64 {
    match value {
        Value::Int(number) => number,
        other => panic!("{other:?} is no number"),
    }
}

fn element(value: Value) -> u32 {
    match value {
        Value::Element(number) => number,
        other => panic!("{other:?} is no element"),
    }
}

/// What it was made of; where another constructor made it, the first element, as good as any.
fn of(made: usize, value: Value) -> Value {
    match value {
        Value::Made(own, of) if own == made => Value::Element(of),
        _ => Value::Element(0),
    }
}

/// The value of a variable where nothing has happened.
fn start(sort: Sort) -> Value {
    match sort {
        Sort::Bool => Value::Bool(false),
        Sort::Int => Value::Int(0),
        Sort::Pc => Value::Pc("Idle"),
        Sort::Cell | Sort::Place | Sort::Lock => Value::Made(first(sort), 0),
        _ => Value::Element(0),
    }
}

/// The first constructor of the sort.
fn first(sort: Sort) -> usize {
    let found = CONSTRUCTORS.iter().position(|it| it.sort == sort);
    found.expect("each such sort has constructors")
}
