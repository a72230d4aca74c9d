//! `iaxproof conform`: tries numbered checks against any implementation of IAX2, in the manner of h2spec, and says of each
//! whether the other side does what RFC 5456 or the deployed wire asks of it, with the frames where it does not.
//!
//! - [`checks`]: the table, a file for each chapter. [`check`]: what one is. [`select`]: which are tried. [`run`]: tries them.
//! - [`trial`]: what a check is given. [`subject`]: what is known of the target. [`peer`], [`dialogue`]: sockets, and the
//!   numbers of one dialogue. [`sealing`]: its keys, where it is encrypted. [`trace`]: what went and came.
//! - [`show`], [`junit`]: the report. `page`: `docs/conform.md`, held equal to the table by a test.
//!
//! The peers are made of [`iaxproof::wire`] and the cipher alone: no engine is on our side, so a check may say anything at any time.

mod check;
mod checks;
mod dialogue;
mod junit;
#[cfg(test)]
mod page;
mod peer;
mod run;
mod sealing;
mod select;
mod show;
mod subject;
mod trace;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::check::Verdict;
use self::show::Report;
use self::subject::SubjectArgs;
use crate::clock::Stopwatch;
use crate::error::Error;

/// Judge an implementation of IAX2 by what it does on the wire.
///
/// Each check is named after the requirement that it judges: the section of RFC 5456 and a number, or X- for what is not in
/// the RFC and deployed peers need. docs/conform.md lists them. The defaults fit `iaxproof serve` without --config; what
/// cannot be tried because it needs something that is not given is skipped, with the reason. Exit codes: 0 none failed
/// (warnings are no failures), 42 a check failed, 2 usage, 1 something broke here or nothing was tried.
#[derive(Debug, Args)]
pub(crate) struct ConformArgs {
    /// Which checks: sections (6.1.2), ids (6.1.2-5); all without any.
    #[arg(value_name = "SECTION|ID")]
    which: Vec<String>,
    /// Leave these out, named likewise; may be given several times.
    #[arg(long, value_name = "SECTION|ID")]
    except: Vec<String>,
    /// Say what there is to choose from, and try nothing.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    subject: SubjectArgs,
    /// Write the report as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How many checks are tried at a time.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=64))]
    jobs: u64,
    /// Leave out what waits for timers of the other side.
    #[arg(long)]
    quick: bool,
}

/// Tries the checks and prints the report.
///
/// # Errors
///
/// [`Error::Usage`] where nothing has that name or the target has no address, [`Error::Io`] where a file cannot be read or
/// written.
pub(crate) fn run(args: &ConformArgs, json: bool) -> Result<ExitCode, Error> {
    let checks = select::select(checks::all(), &args.which, &args.except)?;
    if args.list {
        show::list(&checks, json);
        return Ok(ExitCode::SUCCESS);
    }
    let subject = args.subject.subject()?;
    let watch = Stopwatch::start();
    let judged = run::run(&checks, &subject, args.jobs as usize, !args.quick);
    let report = Report::new(subject.address, watch.elapsed().as_secs_f64(), judged);
    if let Some(path) = &args.junit {
        let written = std::fs::write(path, junit::xml(&report));
        written.map_err(Error::io("cannot write", path))?;
    }
    report.print(json);
    if report.verdict == Verdict::Skipped {
        return Err(Error::Broke("nothing was tried".to_owned()));
    }
    Ok(exit_code(report.verdict))
}

fn exit_code(verdict: Verdict) -> ExitCode {
    ExitCode::from(match verdict {
        Verdict::Pass | Verdict::Skipped | Verdict::Warning => 0,
        Verdict::Fail => 42,
        Verdict::Broke => 1,
    })
}
