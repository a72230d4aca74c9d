//! The page that people read: steps, invariant and theorems as tables, written from what is proved.

use core::fmt::Write as _;

use super::expr::{Expr, plain};
use super::invariant::{Invariant, theorems};
use super::table::{Step, Table};
use super::vocabulary::{Function, PHRASES, RIGID, VARIABLES};

/// The page, in Markdown.
pub fn page(table: &Table, invariant: &Invariant) -> String {
    let mut text = String::from(INTRODUCTION);
    variables(&mut text);
    text.push_str("\n## Phrases\n\n| phrase | stands for |\n| --- | --- |\n");
    for (name, args, stands_for) in PHRASES {
        let _ = writeln!(text, "| `({name} {})` | `{stands_for}` |", args.join(" "));
    }
    text.push_str("\n## Steps\n");
    for step in &table.steps {
        describe(&mut text, step);
    }
    text.push_str("\n## Invariant\n\n| name | says | of |\n| --- | --- | --- |\n");
    for conjunct in &invariant.0 {
        let body = conjunct.body.print(&plain);
        let _ = writeln!(
            text,
            "| {} | {} | `{body}` |",
            conjunct.name, conjunct.about
        );
    }
    text.push_str(THEOREMS);
    for theorem in theorems() {
        let given = lines(&theorem.given, " ");
        let then = theorem.then.print(&plain);
        let _ = writeln!(text, "| {} | {given} | `{then}` |", theorem.name);
    }
    text
}

const INTRODUCTION: &str = "\
# The protocol, step by step

Written from `models/src/protocol` by a test; `UPDATE_PAGES=1 cargo test -p iaxproof-models --test explorers page` writes it anew.
A step may be taken by any thread, for any values of its parameters, whenever its guards hold; what is *safe* must hold then. The
notation is the solver's: `(at (H h))` is what the local variable *h* owns a count of, `(rc c)` the count of the cell *c*, `(st o)` a
strong reference to *o* and `(wk o)` a weak one. Places are `L` a link, `H` a local variable, `T` a timer, a call or a message, `S` the
settings within an object, `I` the weak count that all strong ones hold together.
";

const THEOREMS: &str = "
## What follows

Those that begin with `rest` speak of states in which every thread is idle, and no link, timer or local variable owns anything: the last two
say that then every object that was made is destroyed and its memory is back.

| name | given | then |
| --- | --- | --- |
";

fn variables(text: &mut String) {
    text.push_str("\n## Variables\n\n| variable | of | is | says |\n| --- | --- | --- | --- |\n");
    for function in VARIABLES.iter().chain(RIGID) {
        let Function { name, about, .. } = function;
        let of: Vec<&str> = function.of.iter().map(|sort| sort.name()).collect();
        let (of, gives) = (of.join(", "), function.gives.name());
        let _ = writeln!(text, "| `{name}` | {of} | {gives} | {about} |");
    }
}

fn describe(text: &mut String, step: &Step) {
    let params: Vec<String> = step
        .params
        .iter()
        .map(|param| format!("{} {}", param.name, param.sort.name()))
        .collect();
    let about = [step.about, "; "][..].concat();
    let about = if step.about.is_empty() { "" } else { &about };
    let _ = writeln!(
        text,
        "\n### {} ({})\n\n{about}in the source: {}\n\n| | |\n| --- | --- |",
        step.name,
        params.join(", "),
        step.source
    );
    let effects: Vec<String> = step.effects.iter().map(|it| format!("`{it}`")).collect();
    for (what, said) in [
        ("guards", lines(&step.guards, "<br>")),
        ("does", effects.join("<br>")),
        ("safe", lines(&step.safety, "<br>")),
        ("sees", lines(step.observes.as_slice(), "<br>")),
    ] {
        if !said.is_empty() {
            let _ = writeln!(text, "| {what} | {said} |");
        }
    }
}

fn lines(exprs: &[Expr], between: &str) -> String {
    let printed: Vec<String> = exprs
        .iter()
        .map(|expr| format!("`{}`", expr.print(&plain)))
        .collect();
    printed.join(between)
}
