//! What a step does to the state: a few words, which one expander turns into point writes, those of the ghosts included.
//!
//! - `(inc p c)`: place p, empty so far, becomes an owner of c; it gets the next number.
//! - `(dec p)`: p owns nothing any more; the owner with the last number takes over p's.
//! - `(move p q)`, `(swap p q)`: what is owned changes its place and keeps its number.
//! - `(set (variable argument) value)`.
//! - `(when condition (then set..) (else set..))`: all in one.

use core::fmt;

use super::expr::{Expr, Fun, Tree, plain};

/// One word of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A new owner of the cell.
    Inc(Expr, Expr),
    /// One owner less.
    Dec(Expr),
    /// To an empty place.
    Move(Expr, Expr),
    /// Both own something.
    Swap(Expr, Expr),
    /// A variable, its arguments and the value.
    Set(Write),
    /// One or the other.
    When(Expr, Vec<Write>, Vec<Write>),
}

/// One value of one variable changes, if the condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Always, where there is none.
    pub when: Option<Expr>,
    /// The place of the variable in the vocabulary.
    pub var: usize,
    /// For which arguments.
    pub args: Vec<Expr>,
    /// The value.
    pub value: Expr,
}

impl Effect {
    /// Reads one effect.
    ///
    /// # Panics
    ///
    /// Where the text is none.
    pub fn parse(text: &'static str) -> Self {
        let Tree::List(items) = Tree::parse(text) else {
            panic!("an effect is a list: {text}")
        };
        let arg = |nth: usize| Expr::from_tree(&items[nth]);
        match items[0] {
            Tree::Word("inc") => Effect::Inc(arg(1), arg(2)),
            Tree::Word("dec") => Effect::Dec(arg(1)),
            Tree::Word("move") => Effect::Move(arg(1), arg(2)),
            Tree::Word("swap") => Effect::Swap(arg(1), arg(2)),
            Tree::Word("set") => Effect::Set(set(&items)),
            Tree::Word("when") => Effect::When(arg(1), sets(items.get(2)), sets(items.get(3))),
            _ => panic!("no effect: {text}"),
        }
    }

    /// What changes, all at once, in terms of the state before.
    pub fn writes(&self) -> Vec<Write> {
        match self {
            Effect::Inc(place, cell) => inc(place, cell),
            Effect::Dec(place) => dec(place),
            Effect::Move(from, to) => moved(from, to),
            Effect::Swap(one, other) => swapped(one, other),
            Effect::Set(write) => vec![write.clone()],
            Effect::When(condition, then, otherwise) => {
                let not = Expr::call(Fun::Not, [condition.clone()]);
                let then = then.iter().map(|it| guarded(condition, it));
                let otherwise = otherwise.iter().map(|it| guarded(&not, it));
                then.chain(otherwise).collect()
            }
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |expr: &Expr| expr.print(&plain);
        match self {
            Effect::Inc(place, cell) => write!(f, "(inc {} {})", shown(place), shown(cell)),
            Effect::Dec(place) => write!(f, "(dec {})", shown(place)),
            Effect::Move(from, to) => write!(f, "(move {} {})", shown(from), shown(to)),
            Effect::Swap(one, other) => write!(f, "(swap {} {})", shown(one), shown(other)),
            Effect::Set(write) => write!(f, "{write}"),
            Effect::When(condition, then, otherwise) => {
                write!(f, "(when {}", shown(condition))?;
                then.iter().try_for_each(|it| write!(f, " {it}"))?;
                if !otherwise.is_empty() {
                    f.write_str(" else")?;
                }
                otherwise.iter().try_for_each(|it| write!(f, " {it}"))?;
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = Expr::Call(Fun::Var(self.var), self.args.clone());
        let value = self.value.print(&plain);
        write!(f, "(set {} {value})", variable.print(&plain))
    }
}

/// `(set (variable argument) value)`.
fn set(items: &[Tree]) -> Write {
    match Expr::from_tree(&items[1]) {
        Expr::Call(Fun::Var(var), args) => Write {
            when: None,
            var,
            args,
            value: Expr::from_tree(&items[2]),
        },
        other => panic!("only a variable is set: {other:?}"),
    }
}

/// `(then set..)` or `(else set..)`.
fn sets(tree: Option<&Tree>) -> Vec<Write> {
    let Some(Tree::List(items)) = tree else {
        return Vec::new();
    };
    let one = |item: &Tree| match item {
        Tree::List(parts) => set(parts),
        Tree::Word(word) => panic!("a set, and not {word}"),
    };
    items[1..].iter().map(one).collect()
}

fn guarded(condition: &Expr, write: &Write) -> Write {
    Write {
        when: Some(condition.clone()),
        ..write.clone()
    }
}

fn write(name: &str, args: &[&Expr], value: Expr) -> Write {
    let args = args.iter().map(|arg| (*arg).clone()).collect();
    match Expr::var(name, args) {
        Expr::Call(Fun::Var(var), args) => Write {
            when: None,
            var,
            args,
            value,
        },
        _ => unreachable!("a variable is a call"),
    }
}

fn read(name: &str, args: &[&Expr]) -> Expr {
    Expr::var(name, args.iter().map(|arg| (*arg).clone()).collect())
}

fn nul() -> Expr {
    Expr::parse("nul")
}

fn inc(place: &Expr, cell: &Expr) -> Vec<Write> {
    let count = read("rc", &[cell]);
    let next = Expr::call(Fun::Plus, [count.clone(), Expr::Int(1)]);
    vec![
        write("at", &[place], cell.clone()),
        write("idx", &[place], count.clone()),
        write("inv", &[cell, &count], place.clone()),
        write("rc", &[cell], next),
    ]
}

fn dec(place: &Expr) -> Vec<Write> {
    let cell = read("at", &[place]);
    let number = read("idx", &[place]);
    let last = Expr::call(Fun::Minus, [read("rc", &[&cell]), Expr::Int(1)]);
    let mover = read("inv", &[&cell, &last]);
    vec![
        write("inv", &[&cell, &number], mover.clone()),
        write("idx", &[&mover], number),
        write("at", &[place], nul()),
        write("rc", &[&cell], last),
    ]
}

fn moved(from: &Expr, to: &Expr) -> Vec<Write> {
    let (cell, number) = (read("at", &[from]), read("idx", &[from]));
    vec![
        write("at", &[to], cell.clone()),
        write("at", &[from], nul()),
        write("idx", &[to], number.clone()),
        write("inv", &[&cell, &number], to.clone()),
    ]
}

fn swapped(one: &Expr, other: &Expr) -> Vec<Write> {
    let (a, b) = (read("at", &[one]), read("at", &[other]));
    let (i, j) = (read("idx", &[one]), read("idx", &[other]));
    vec![
        write("at", &[one], b.clone()),
        write("at", &[other], a.clone()),
        write("idx", &[one], j.clone()),
        write("idx", &[other], i.clone()),
        write("inv", &[&a, &i], other.clone()),
        write("inv", &[&b, &j], one.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &'static str) -> Vec<String> {
        let one = |write: Write| {
            let left = Expr::Call(Fun::Var(write.var), write.args).print(&plain);
            let when = write
                .when
                .map(|when| when.print(&plain) + " ")
                .unwrap_or_default();
            format!("{when}{left} := {}", write.value.print(&plain))
        };
        Effect::parse(text).writes().into_iter().map(one).collect()
    }

    #[test]
    fn the_last_owner_takes_the_number_of_who_goes() {
        assert_eq!(
            shown("(dec p)"),
            [
                "(inv (at p) (idx p)) := (inv (at p) (- (rc (at p)) 1))",
                "(idx (inv (at p) (- (rc (at p)) 1))) := (idx p)",
                "(at p) := nul",
                "(rc (at p)) := (- (rc (at p)) 1)",
            ]
        );
    }

    #[test]
    fn one_or_the_other_is_set() {
        assert_eq!(
            shown("(when (= (rc c) 0) (then (set (pc t) Dying)) (else (set (pc t) Idle)))"),
            [
                "(= (rc c) 0) (pc t) := Dying",
                "(not (= (rc c) 0)) (pc t) := Idle",
            ]
        );
    }
}
