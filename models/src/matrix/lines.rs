//! The operations on a line of the registry. A line that is found is used, and so is the entry that it holds.

use core::ops::ControlFlow;
use std::sync::Arc;

use iaxproof::engine::directory::Directory;
use iaxproof::registry::{Ref, Registry};

use crate::AnyDirectory;
use crate::context::fault;
use crate::explorer::Explorer;
use crate::matrix::Operation;
use crate::matrix::stage::{Held, Job, KEY, Line, OTHER, Stage};
use crate::subject::{NOW, fresh};

/// What the operation's thread runs.
pub(super) fn job<E: Explorer>(stage: &Stage<E>, operation: Operation) -> Job {
    let lines = Arc::clone(&stage.lines);
    let directory = stage.any_directory();
    match operation {
        Operation::Find => Box::new(move || {
            let found = lines.find(&KEY);
            found.map_or("finds nothing".to_owned(), |line| {
                format!("finds {}", used(&line, directory.as_deref()))
            })
        }),
        Operation::Link => link(lines, stage.line(20)),
        Operation::Replace => {
            let line = stage.line(30);
            Box::new(move || said("replaces", lines.replace(KEY, line)))
        }
        Operation::Unlink => Box::new(move || said("unlinks", lines.unlink(&KEY))),
        Operation::Iterate => Box::new(move || seen("iterates over", iterated(&lines))),
        Operation::Visit => Box::new(move || seen("is shown", visited(&lines))),
        Operation::Upgrade => {
            let weak = stage.first().downgrade();
            Box::new(move || {
                let line = weak.upgrade();
                drop(weak);
                line.map_or("too late".to_owned(), |line| {
                    format!("upgrades {}", used(&line, directory.as_deref()))
                })
            })
        }
        Operation::DropLast => {
            let line = stage.first().clone();
            Box::new(move || {
                let number = line.number;
                drop(line);
                format!("drops {number}")
            })
        }
        other => unreachable!("{} is no operation on a line", other.name()),
    }
}

fn link<E: Explorer>(lines: Arc<Registry<u64, Line<E>, E>>, line: Held<E>) -> Job {
    Box::new(move || match lines.link(KEY, line) {
        Ok(()) => "links 20".to_owned(),
        Err(duplicate) => format!("is refused by {}", duplicate.existing.number),
    })
}

/// The number of a line; its entry is looked at, where it holds one.
fn used<E: Explorer>(line: &Ref<Line<E>, E>, directory: Option<&AnyDirectory>) -> String {
    let entry = directory.zip(line.entry());
    let contact = entry.map(|(directory, entry)| {
        let contact = fresh(directory.contact(&entry, NOW));
        if contact.is_some() {
            " at home"
        } else {
            " away"
        }
    });
    format!("{}{}", line.number, contact.unwrap_or_default())
}

fn said<E: Explorer>(does: &str, line: Option<Ref<Line<E>, E>>) -> String {
    line.map_or(format!("{does} nothing"), |line| {
        format!("{does} {}", line.number)
    })
}

fn iterated<E: Explorer>(lines: &Registry<u64, Line<E>, E>) -> Vec<u64> {
    lines.iter().map(|line| line.number).collect()
}

fn visited<E: Explorer>(lines: &Registry<u64, Line<E>, E>) -> Vec<u64> {
    let mut numbers = Vec::new();
    let _: ControlFlow<()> = lines.visit(|line| {
        numbers.push(line.number);
        ControlFlow::Continue(())
    });
    numbers
}

/// What was linked throughout is seen once, and nothing is seen twice.
fn seen(does: &str, mut numbers: Vec<u64>) -> String {
    numbers.sort_unstable();
    let times = numbers.iter().filter(|number| **number == OTHER).count();
    let is_once = numbers.windows(2).all(|pair| pair[0] != pair[1]);
    if times != 1 || !is_once {
        let message = format!("line {OTHER} was linked throughout: {numbers:?}");
        fault("iterate-once", &message);
    }
    format!("{does} {numbers:?}")
}
