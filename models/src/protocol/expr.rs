//! Expressions over a state: read from short texts in the solver's own notation, printed back, and walked by the interpreter.
//!
//! A text that does not read is a mistake in the table and panics with the text; every text is read by the tests.

use core::fmt::Write;

use super::vocabulary::{
    CONSTRUCTORS, Constructor, PHRASES, RIGID, Sort, VARIABLES, constructor_named, rigid_named,
    variable_named,
};

/// A term or a formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A number.
    Int(i64),
    /// A parameter of a step, a bound variable, or a place in the code (`Idle`).
    Name(&'static str),
    /// A function of arguments.
    Call(Fun, Vec<Expr>),
}

/// What can be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fun {
    /// All of them.
    And,
    /// One of them.
    Or,
    /// Not.
    Not,
    /// If the first, then the second.
    Implies,
    /// The same.
    Equal,
    /// At most.
    AtMost,
    /// Less.
    Less,
    /// The sum.
    Plus,
    /// The difference.
    Minus,
    /// The mark of the places that a question names.
    Seen,
    /// By its place in [`CONSTRUCTORS`].
    Make(usize),
    /// Whether it was made by this constructor.
    Is(usize),
    /// What it was made of by this constructor.
    Of(usize),
    /// A variable of the state, by its place in [`VARIABLES`].
    Var(usize),
    /// An unchanging function, by its place in [`RIGID`].
    Rigid(usize),
}

const OPERATORS: [(Fun, &str); 10] = [
    (Fun::And, "and"),
    (Fun::Or, "or"),
    (Fun::Not, "not"),
    (Fun::Implies, "=>"),
    (Fun::Equal, "="),
    (Fun::AtMost, "<="),
    (Fun::Less, "<"),
    (Fun::Plus, "+"),
    (Fun::Minus, "-"),
    (Fun::Seen, "seen"),
];

/// A parameter or a bound variable with its sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// The name.
    pub name: &'static str,
    /// The sort.
    pub sort: Sort,
}

/// Reads `"t Thread, h Handle"`.
///
/// # Panics
///
/// Where the text is not of that form.
pub fn params(text: &'static str) -> Vec<Param> {
    let one = |part: &'static str| {
        let (name, sort) = part.trim().split_once(' ').expect("a name and its sort");
        let sort = Sort::of(sort).expect("a sort of the vocabulary");
        Param { name, sort }
    };
    text.split(',')
        .filter(|part| !part.trim().is_empty())
        .map(one)
        .collect()
}

impl Expr {
    /// Reads one expression; the phrases in it are written out.
    ///
    /// # Panics
    ///
    /// Where the text is no expression.
    pub fn parse(text: &'static str) -> Self {
        Expr::from_tree(&Tree::parse(text))
    }

    pub(super) fn from_tree(tree: &Tree) -> Self {
        match tree {
            Tree::Word(word) => word_expr(word),
            Tree::List(items) => list_expr(items),
        }
    }

    /// A call of a variable of the state.
    pub(super) fn var(name: &str, args: Vec<Expr>) -> Self {
        let var = variable_named(name).expect("a variable of the vocabulary");
        Expr::Call(Fun::Var(var), args)
    }

    pub(super) fn call(fun: Fun, args: impl Into<Vec<Expr>>) -> Self {
        Expr::Call(fun, args.into())
    }

    /// Puts `with` in the place of each name that it knows.
    pub(super) fn substitute(&self, with: &impl Fn(&str) -> Option<Expr>) -> Self {
        match self {
            Expr::Int(_) => self.clone(),
            Expr::Name(name) => with(name).unwrap_or_else(|| self.clone()),
            Expr::Call(fun, args) => {
                let args = args.iter().map(|arg| arg.substitute(with));
                Expr::Call(*fun, args.collect())
            }
        }
    }

    /// Marks the variables of the state that it reads.
    pub(super) fn note_reads(&self, reads: &mut [bool]) {
        if let Expr::Call(fun, args) = self {
            if let Fun::Var(var) = fun {
                reads[*var] = true;
            }
            args.iter().for_each(|arg| arg.note_reads(reads));
        }
    }

    /// Whether the name is in it.
    pub(super) fn mentions(&self, name: &str) -> bool {
        match self {
            Expr::Int(_) => false,
            Expr::Name(own) => *own == name,
            Expr::Call(_, args) => args.iter().any(|arg| arg.mentions(name)),
        }
    }

    /// The text, with each variable of the state named by `variable`.
    pub(super) fn print(&self, variable: &impl Fn(usize) -> String) -> String {
        let mut text = String::new();
        self.write(&mut text, variable);
        text
    }

    fn write(&self, text: &mut String, variable: &impl Fn(usize) -> String) {
        match self {
            Expr::Int(number) => drop(write!(text, "{number}")),
            Expr::Name(name) => text.push_str(name),
            Expr::Call(fun, args) if args.is_empty() => text.push_str(&symbol(*fun, variable)),
            Expr::Call(fun, args) => {
                text.push('(');
                text.push_str(&symbol(*fun, variable));
                for arg in args {
                    text.push(' ');
                    arg.write(text, variable);
                }
                text.push(')');
            }
        }
    }
}

/// The name of a variable in the state before a step.
pub(super) fn plain(var: usize) -> String {
    VARIABLES[var].name.to_owned()
}

fn symbol(fun: Fun, variable: &impl Fn(usize) -> String) -> String {
    match fun {
        Fun::Make(made) => CONSTRUCTORS[made].name.to_owned(),
        Fun::Is(made) => format!("(_ is {})", CONSTRUCTORS[made].name),
        Fun::Of(made) => format!("{}-of", CONSTRUCTORS[made].name),
        Fun::Var(var) => variable(var),
        Fun::Rigid(rigid) => RIGID[rigid].name.to_owned(),
        _ => {
            let found = OPERATORS.iter().find(|(it, _)| *it == fun);
            found.map_or("?", |(_, name)| *name).to_owned()
        }
    }
}

fn word_expr(word: &'static str) -> Expr {
    if let Ok(number) = word.parse() {
        return Expr::Int(number);
    }
    match constructor_named(word) {
        Some(made) if made.of.is_none() => Expr::Call(Fun::Make(place_of(made)), Vec::new()),
        _ => Expr::Name(word),
    }
}

fn place_of(made: &Constructor) -> usize {
    let found = CONSTRUCTORS.iter().position(|it| it == made);
    found.expect("a constructor of the vocabulary")
}

fn list_expr(items: &[Tree]) -> Expr {
    let (head, args) = items.split_first().expect("no empty list");
    let args: Vec<Expr> = args.iter().map(Expr::from_tree).collect();
    match head {
        Tree::Word(word) => applied(word, args),
        Tree::List(parts) => match parts[..] {
            [Tree::Word("_"), Tree::Word("is"), Tree::Word(name)] => {
                Expr::Call(Fun::Is(made_by(name)), args)
            }
            _ => panic!("nothing is applied like that: {head:?}"),
        },
    }
}

fn made_by(name: &str) -> usize {
    place_of(constructor_named(name).expect("a constructor of the vocabulary"))
}

fn applied(word: &'static str, args: Vec<Expr>) -> Expr {
    if let Some((_, names, text)) = PHRASES.iter().find(|(name, ..)| *name == word) {
        let named = |name: &str| {
            let nth = names.iter().position(|it| *it == name)?;
            args.get(nth).cloned()
        };
        return Expr::parse(text).substitute(&named);
    }
    Expr::Call(function(word), args)
}

fn function(word: &str) -> Fun {
    let operator = OPERATORS.iter().find(|(_, name)| *name == word);
    let of = || word.strip_suffix("-of").map(|it| Fun::Of(made_by(it)));
    operator
        .map(|(fun, _)| *fun)
        .or_else(|| variable_named(word).map(Fun::Var))
        .or_else(|| rigid_named(word).map(Fun::Rigid))
        .or_else(|| constructor_named(word).map(|made| Fun::Make(place_of(made))))
        .or_else(of)
        .unwrap_or_else(|| panic!("{word} is no function of the vocabulary"))
}

/// A text in brackets.
#[derive(Debug)]
pub(super) enum Tree {
    Word(&'static str),
    List(Vec<Tree>),
}

impl Tree {
    pub(super) fn parse(text: &'static str) -> Self {
        let (tree, rest) = Tree::first(text);
        assert!(rest.trim().is_empty(), "one expression and no more: {text}");
        tree
    }

    /// The first tree of the text, and the rest.
    fn first(text: &'static str) -> (Self, &'static str) {
        let text = text.trim_start();
        let Some(mut rest) = text.strip_prefix('(') else {
            let end = text.find([' ', ')', '(', '\n']).unwrap_or(text.len());
            assert!(end > 0, "an expression is missing");
            return (Tree::Word(&text[..end]), &text[end..]);
        };
        let mut items = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(rest) = rest.strip_prefix(')') {
                return (Tree::List(items), rest);
            }
            let (item, after) = Tree::first(rest);
            items.push(item);
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_printed_back() {
        let text = "(=> (not (= (at (H h)) nul)) (and (<= 0 (idx (H h))) ((_ is st) (at (H h)))))";
        assert_eq!(Expr::parse(text).print(&plain), text);
    }

    #[test]
    fn a_phrase_is_written_out() {
        let text = Expr::parse("(not (ending me))").print(&plain);
        assert_eq!(text, "(not (or (= (pc me) Dest) (= (pc me) Open)))");
    }

    #[test]
    #[should_panic(expected = "is no function")]
    fn a_slip_is_not_read() {
        Expr::parse("(att (H h))");
    }
}
