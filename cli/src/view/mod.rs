//! What `iaxproof replay` writes to look at a world with: each view is a file of its own, and all are of one log. What is in them is
//! [`iaxproof_sim::views`]'s; captures are [`pcapng`]'s.

mod pcapng;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use iaxproof_sim::report::Report;
use iaxproof_sim::views::{EventLog, html, perfetto};

use crate::error::Error;

/// Which views to write, and where.
#[derive(Debug, Default, Args)]
pub(crate) struct ViewArgs {
    /// Write every event of a world as a line of JSON.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Write every datagram of a world as a capture with the simulated times, an interface for each node.
    #[arg(long, value_name = "FILE")]
    pcapng: Option<PathBuf>,
    /// Write a trace for https://ui.perfetto.dev or chrome://tracing.
    #[arg(long, value_name = "FILE")]
    perfetto: Option<PathBuf>,
    /// Write one page with a sequence diagram, a slider over time and the state at each time.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl ViewArgs {
    /// Whether any is wanted.
    pub(crate) const fn is_any(&self) -> bool {
        self.events.is_some()
            || self.pcapng.is_some()
            || self.perfetto.is_some()
            || self.html.is_some()
    }

    /// Writes those that are wanted, and says where on standard error.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where a file cannot be written.
    pub(crate) fn write(&self, report: &Report, what: &str) -> Result<(), Error> {
        let Some(log) = &report.log else {
            return Ok(());
        };
        write(self.events.as_deref(), |to| log.write_json_lines(to))?;
        write(self.pcapng.as_deref(), |to| pcapng::write(log, to))?;
        write(self.perfetto.as_deref(), |to| perfetto::write(log, to))?;
        write(self.html.as_deref(), |to| page(log, report, what, to))
    }
}

fn page(log: &EventLog, report: &Report, what: &str, to: &mut dyn Write) -> io::Result<()> {
    let verdict = match report.failure() {
        None => format!("held: {} events", report.events),
        Some(failure) => format!(
            "{} failed at {} in event {}: {}",
            failure.violation.property, failure.at, failure.event, failure.violation.message
        ),
    };
    let verdict = format!("{verdict} (trace {:016x})", report.trace_hash);
    html::write(log, &format!("iaxproof replay {what}"), &verdict, to)
}

fn write(
    path: Option<&Path>,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let Some(path) = path else {
        return Ok(());
    };
    let written = File::create(path).and_then(|file| {
        let mut file = BufWriter::new(file);
        content(&mut file)?;
        file.flush()
    });
    written
        .map_err(|error| Error::Broke(format!("{} cannot be written: {error}", path.display())))?;
    eprintln!("written: {}", path.display());
    Ok(())
}
