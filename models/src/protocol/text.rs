//! Writes the text of one question: the vocabulary, what is assumed, what is denied, and each step as definitions of the variables
//! after it.

use core::fmt::Write as _;

use super::effect::{Effect, Write};
use super::expr::{Expr, Fun, Param, plain};
use super::finite::{Scope, expand};
use super::invariant::Conjunct;
use super::table::Table;
use super::vocabulary::{CONSTRUCTORS, Function, RIGID, Sort, UNBOUNDED, VARIABLES};

/// How often each variable has been written: `at`, then `at!1`, `at!2`.
#[derive(Clone)]
pub(super) struct Versions(Vec<usize>);

impl Default for Versions {
    fn default() -> Self {
        Versions(vec![0; VARIABLES.len()])
    }
}

impl Versions {
    /// Which variables have been written.
    pub(super) fn touched(&self) -> Vec<bool> {
        self.0.iter().map(|version| *version > 0).collect()
    }

    fn name(&self, var: usize) -> String {
        match self.0[var] {
            0 => plain(var),
            version => format!("{}!{version}", VARIABLES[var].name),
        }
    }
}

/// A question that is being written.
#[derive(Clone)]
pub(super) struct Text {
    pub(super) text: String,
    scope: Scope,
}

impl Text {
    pub(super) fn new(table: &Table, scope: Scope) -> Self {
        let mut text = Text {
            text: String::new(),
            scope,
        };
        text.sorts(table);
        for function in VARIABLES.iter().chain(RIGID) {
            text.declare(function);
        }
        match scope {
            Scope::Any => text.line(CELLS),
            Scope::Finite(bounds) => bounds.limit_counts(&mut text.text),
        }
        text
    }

    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn sorts(&mut self, table: &Table) {
        for sort in UNBOUNDED {
            let line = self.scope.declare(sort);
            self.line(&line);
        }
        for sort in [Sort::Cell, Sort::Place, Sort::Lock] {
            let made: String = CONSTRUCTORS
                .iter()
                .filter(|it| it.sort == sort)
                .map(|it| match it.of {
                    Some(of) => format!(" ({0} ({0}-of {1}))", it.name, of.name()),
                    None => format!(" ({})", it.name),
                })
                .collect();
            let name = sort.name();
            self.line(&format!("(declare-datatypes (({name} 0)) (({made} )))"));
        }
        let places: String = table.places.iter().map(|it| format!(" ({it})")).collect();
        self.line(&format!("(declare-datatypes ((Pc 0)) (({places} )))"));
    }

    fn declare(&mut self, function: &Function) {
        let args: Vec<&str> = function.of.iter().map(|sort| sort.name()).collect();
        let line = format!(
            "(declare-fun {} ({}) {})",
            function.name,
            args.join(" "),
            function.gives.name()
        );
        self.line(&line);
    }

    /// Holds of all values of the sentence's variables.
    pub(super) fn assume(&mut self, conjunct: &Conjunct) {
        match self.scope {
            Scope::Any => {
                let line = quantified(conjunct);
                self.line(&line);
            }
            Scope::Finite(bounds) => {
                for body in expand(&conjunct.vars, &conjunct.body, bounds) {
                    self.line(&format!("(assert {})", body.print(&plain)));
                }
            }
        }
    }

    /// There are values of which the sentence does not hold, in the state of these versions.
    pub(super) fn deny(&mut self, conjunct: &Conjunct, versions: &Versions) {
        let renamed = |name: &str| {
            let nth = conjunct.vars.iter().position(|it| it.name == name)?;
            Some(Expr::Name(SKOLEMS[nth]))
        };
        let named = |(nth, param): (usize, &Param)| Param {
            name: SKOLEMS[nth],
            sort: param.sort,
        };
        let constants: Vec<Param> = conjunct.vars.iter().enumerate().map(named).collect();
        self.constants(&constants);
        let body = conjunct.body.substitute(&renamed);
        let printed = body.print(&|var| versions.name(var));
        self.line(&format!("(assert (not {printed}))"));
        self.see(&body);
    }

    pub(super) fn constants(&mut self, params: &[Param]) {
        for param in params {
            let line = format!("(declare-const {} {})", param.name, param.sort.name());
            self.line(&line);
            if param.sort == Sort::Place {
                self.seen(param.name);
            }
            self.scope.limit(param, &mut self.text);
        }
    }

    /// Marks the places that the expression names: only of those does the solver think of their numbers.
    pub(super) fn see(&mut self, expr: &Expr) {
        let Expr::Call(fun, args) = expr else { return };
        args.iter().for_each(|arg| self.see(arg));
        let is_place = match fun {
            Fun::Make(made) => CONSTRUCTORS[*made].sort == Sort::Place,
            Fun::Var(var) => VARIABLES[*var].gives == Sort::Place,
            _ => false,
        };
        if is_place {
            self.seen(&expr.print(&plain));
        }
    }

    fn seen(&mut self, place: &str) {
        if matches!(self.scope, Scope::Any) {
            self.line(&format!("(assert (seen {place}))"));
        }
    }

    pub(super) fn effect(&mut self, effect: &Effect, versions: &mut Versions) {
        let writes = effect.writes();
        let mut next = versions.clone();
        for (var, function) in VARIABLES.iter().enumerate() {
            let own: Vec<&Write> = writes.iter().filter(|write| write.var == var).collect();
            if own.is_empty() {
                continue;
            }
            next.0[var] += 1;
            let line = defined(function, &next.name(var), &own, &|it| versions.name(it));
            self.line(&line);
        }
        for write in &writes {
            write.args.iter().for_each(|arg| self.see(arg));
        }
        *versions = next;
    }
}

/// Names for the values of which a sentence does not hold.
const SKOLEMS: [&str; 2] = ["sk0", "sk1"];

/// A cell is one of three, said aloud: the solver would split the cases late. And the mark of the places that are named.
const CELLS: &str = "\
(declare-fun seen (Place) Bool)
(assert (forall ((p Place)) (! (or (= (at p) nul) (= (at p) (st (st-of (at p)))) (= (at p) (wk (wk-of (at p))))) :pattern ((at p)))))
(assert (forall ((c Cell)) (! (or (= c nul) (= c (st (st-of c))) (= c (wk (wk-of c)))) :pattern ((rc c)))))";

fn quantified(conjunct: &Conjunct) -> String {
    let mut text = String::from("(assert (forall (");
    for param in &conjunct.vars {
        let _ = write!(text, "({} {})", param.name, param.sort.name());
    }
    let _ = write!(text, ") (! {}", conjunct.body.print(&plain));
    for trigger in &conjunct.triggers {
        let _ = write!(text, " :pattern ({})", trigger.print(&plain));
    }
    text.push_str(")))");
    text
}

/// The variable after the writes: a chain of cases, each for the arguments that are written.
fn defined(
    function: &Function,
    name: &str,
    writes: &[&Write],
    before: &impl Fn(usize) -> String,
) -> String {
    let args = &["a0", "a1"][..function.of.len()];
    let mut cases = format!("({} {})", before_name(function, before), args.join(" "));
    for write in writes {
        let same = write.args.iter().zip(args);
        let same = same.map(|(arg, own)| format!("(= {own} {})", arg.print(before)));
        let when = write.when.iter().map(|when| when.print(before));
        let condition: Vec<String> = when.chain(same).collect();
        cases = format!(
            "(ite (and {}) {} {cases})",
            condition.join(" "),
            write.value.print(before)
        );
    }
    let params = args.iter().zip(function.of);
    let params: Vec<String> = params
        .map(|(arg, sort)| format!("({arg} {})", sort.name()))
        .collect();
    format!(
        "(define-fun {name} ({}) {} {cases})",
        params.join(" "),
        function.gives.name()
    )
}

fn before_name(function: &Function, before: &impl Fn(usize) -> String) -> String {
    let var = VARIABLES.iter().position(|it| it == function);
    before(var.expect("a variable of the vocabulary"))
}
