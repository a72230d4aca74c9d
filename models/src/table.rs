//! The interleaving as a table: a column for each thread, a row for each step with its line, the reference count beside.
//! At most 120 columns wide. The row of an unlock, or of a reference that goes back, shows the line where it was taken.
//! What the first thread did before there was a second one is left out.

use core::fmt::Write;

use crate::context::{Context, thread_letter};
use crate::step::{Operation, Step, Subject, file_name};

/// The widest line.
const WIDTH: usize = 118;
/// The columns for the row's number, the count and the line.
const FRAME: usize = 5 + 8 + 26;
/// The most rows; of a longer execution the last ones.
const ROWS_MAX: usize = 200;

/// Prints the steps of the execution so far. Uses are left out but for the last of each object.
pub(crate) fn print(context: &Context) -> String {
    let alone = context
        .steps
        .iter()
        .position(|step| step.operation == Operation::Spawn)
        .unwrap_or(0);
    let tail = context.steps.iter().enumerate().skip(alone);
    let steps: Vec<(usize, &Step)> = tail.filter(|(i, _)| tells(&context.steps, *i)).collect();
    let cut = steps.len().saturating_sub(ROWS_MAX);
    let threads = context.threads().max(1);
    let width = (WIDTH - FRAME) / threads;
    let mut text = heading(threads, width);
    if alone + cut > 0 {
        let _ = writeln!(text, "     ({} steps before these)", alone + cut);
    }
    for (index, step) in &steps[cut..] {
        text.push_str(&row(context, *index, step, width));
    }
    text
}

/// Whether the step is worth a row: every one but uses that nothing came of.
fn tells(steps: &[Step], index: usize) -> bool {
    let step = &steps[index];
    let fatal = steps
        .get(index + 1)
        .is_some_and(|next| next.operation == Operation::Fault);
    step.operation != Operation::Use || fatal
}

fn heading(threads: usize, width: usize) -> String {
    let mut text = String::from("step ");
    for thread in 0..threads {
        let _ = write!(
            text,
            "{:<width$}",
            format!("thread {}", thread_letter(thread))
        );
    }
    text.push_str("count   line\n");
    text
}

fn row(context: &Context, index: usize, step: &Step, width: usize) -> String {
    let fatal = step.operation == Operation::Fault;
    let mut text = format!("{:>3}{} ", index + 1, if fatal { '!' } else { ' ' });
    for thread in 0..context.threads().max(1) {
        let cell = if thread == step.thread {
            describe(context, step)
        } else {
            String::new()
        };
        let _ = write!(text, "{:<width$}", shorten(&cell, width - 1));
    }
    let line = shorten(&format!("{}:{}", file_name(step.at), step.at.line()), 26);
    let _ = writeln!(text, "{:<8}{line}", count(step));
    text
}

/// A step and its count, on one line.
pub(crate) fn describe_whole(context: &Context, step: &Step) -> String {
    let text = describe(context, step);
    match count(step) {
        count if count.is_empty() => text,
        count => format!("{text} ({count})"),
    }
}

fn describe(context: &Context, step: &Step) -> String {
    let subject = name(context, step.subject);
    match step.operation {
        Operation::Lock => format!("lock {subject}"),
        Operation::Unlock => format!("unlock {subject}"),
        Operation::Load => format!("load {subject}"),
        Operation::Add => format!("{subject} +1"),
        Operation::Subtract => format!("{subject} -1"),
        Operation::Exchange => format!("{subject} exchange"),
        Operation::ExchangeFailed => format!("{subject} exchange lost"),
        Operation::Use => format!("use {subject}"),
        Operation::Destroy => format!("destroy {subject}"),
        Operation::Make => format!("make {subject}"),
        Operation::Spawn => format!("spawn {subject}"),
        Operation::Join => format!("join {subject}"),
        Operation::Fault => "<-- broken here".into(),
    }
}

fn name(context: &Context, subject: Subject) -> String {
    match subject {
        Subject::None => String::new(),
        Subject::Lock(number) => format!("L{number}"),
        Subject::Count(object) | Subject::Object(object) => context.object_name(object),
        Subject::WeakCount(object) => format!("{} weak", context.object_name(object)),
        Subject::Atomic(number) => format!("atomic {number}"),
        Subject::Thread(thread) => thread_letter(thread).to_string(),
    }
}

/// The counter before and after, or what a load saw.
fn count(step: &Step) -> String {
    match (step.operation, step.observed) {
        (Operation::Add | Operation::Exchange, Some(old)) => {
            format!("{old}>{}", old.wrapping_add(1))
        }
        (Operation::Subtract, Some(old)) => format!("{old}>{}", old as i128 - 1),
        (_, Some(seen)) => seen.to_string(),
        (_, None) => String::new(),
    }
}

fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('~');
    cut
}
