//! The hunt: builds the copy, runs the command lines against it, and judges each defect.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::child::{self, Ended, How};
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::report::{Row, Verdict, grouped};
use crate::sim::plan_file;

use super::defect::Defect;
use super::finder::{self, Finder};
use super::line;
use super::scratch::{Scratch, Unbent};

/// How long a build of the copy may take: the first builds every dependency.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
/// How long one command line may take.
const LINE_LIMIT: Duration = Duration::from_secs(10 * 60);
/// How long the worlds without what a defect needs may take.
pub(super) const CLEAN_LIMIT: Duration = Duration::from_secs(60 * 60);
/// The exit code of a failed property.
pub(super) const PROPERTY_FAILED: i32 = 42;
/// What makes a build of the copy quick; explorers need some optimisation and no more.
const QUICK: [&str; 3] = [
    "profile.release.opt-level=1",
    "profile.release.debug=false",
    "profile.release.incremental=true",
];
/// How many of the last lines of a complaint are shown.
const LINES_SHOWN: usize = 20;

/// Hunts defects in one scratch copy.
#[derive(Debug)]
pub(crate) struct Hunt {
    scratch: Scratch,
}

/// A row's worth of judgement: what was found, or why it is red.
struct Judged {
    by: String,
    count: u64,
    unit: String,
}

impl Hunt {
    /// A hunt in this copy.
    pub(crate) fn new(scratch: Scratch) -> Self {
        Hunt { scratch }
    }

    /// The unbent copy, every defect, and the unbent copy again.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the copy cannot be written or a process not be started.
    pub(crate) fn run(&self, defects: &[Defect]) -> Result<Vec<Row>, Error> {
        let mut rows = vec![self.unbent("unbent copy, first", defects)?];
        // Where the unbent copy fails, nothing that follows would mean anything.
        if rows[0].verdict == Verdict::Held {
            for (i, defect) in defects.iter().enumerate() {
                eprintln!("zoo: {} of {}: {}", i + 1, defects.len(), defect.title);
                rows.push(self.defect(defect)?);
            }
            rows.push(self.unbent("unbent copy, last", defects)?);
        }
        Ok(rows)
    }

    /// Every command line of every defect, against the sources as they are: each must hold.
    fn unbent(&self, what: &str, defects: &[Defect]) -> Result<Row, Error> {
        let watch = Stopwatch::start();
        self.scratch.restore()?;
        let mut lines: Vec<&Vec<String>> = defects.iter().flat_map(|d| &d.seen_by).collect();
        lines.sort();
        lines.dedup();
        eprintln!("zoo: {what}: {} command lines must hold", lines.len());
        let judged = match self.build()? {
            Err(red) => Err(red),
            Ok(()) => self.all_hold(&lines)?,
        };
        Ok(row(what, "held", judged, watch))
    }

    fn all_hold(&self, lines: &[&Vec<String>]) -> Result<Result<Judged, String>, Error> {
        for line in lines {
            let ended = self.command(line)?;
            if ended.how != How::Exit(0) {
                return Ok(Err(not_expected(line, &ended, "to hold")));
            }
        }
        Ok(Ok(Judged {
            by: String::new(),
            count: lines.len() as u64,
            unit: "command lines".to_owned(),
        }))
    }

    fn defect(&self, defect: &Defect) -> Result<Row, Error> {
        let watch = Stopwatch::start();
        let judged = match self.bent(defect)? {
            Err(red) => Err(red),
            Ok(()) => match self.all_find(defect)? {
                Err(red) => Err(red),
                Ok(found) => self.needs(defect, found)?,
            },
        };
        Ok(row(&defect.title, "found", judged, watch))
    }

    /// Bends the copy and builds it. The inner error says why there is no bent command.
    pub(super) fn bent(&self, defect: &Defect) -> Result<Result<(), String>, Error> {
        self.scratch.restore()?;
        match self.scratch.bend(&defect.edits) {
            Err(Unbent::Error(error)) => Err(error),
            Err(Unbent::NoMatch(sentence)) => Ok(Err(sentence)),
            Ok(()) => self.build(),
        }
    }

    /// Whether the bent copy holds without any of what the defect needs.
    fn needs(&self, defect: &Defect, found: Judged) -> Result<Result<Judged, String>, Error> {
        let mut found = found;
        for line in &defect.lines_clean(defect.clean()) {
            let ended = self.command(line)?;
            if ended.how != How::Exit(0) {
                let wanted = "to hold, for the defect needs what it goes without";
                return Ok(Err(not_expected(line, &ended, wanted)));
            }
        }
        if !defect.needs.is_empty() {
            let needs = defect.needs.iter().map(|need| need.without());
            let needs = needs.collect::<Vec<_>>().join(" and without ");
            found.by.push_str(&format!(
                "; {} worlds hold without {needs}",
                grouped(defect.clean())
            ));
        }
        Ok(Ok(found))
    }

    fn all_find(&self, defect: &Defect) -> Result<Result<Judged, String>, Error> {
        let mut all = Vec::new();
        for line in &defect.lines_bent() {
            let line = &self.keeping_plans(defect, line);
            let ended = self.command(line)?;
            let found = finder::finders(line, &ended, &defect.property);
            if found.is_empty() {
                let wanted = format!("to fail on {}", defect.property);
                return Ok(Err(not_expected(line, &ended, &wanted)));
            }
            let again = self.again_on_shuttle(defect, line, &found)?;
            all.extend(found.into_iter().chain(again));
        }
        Ok(judge(defect, &all))
    }

    /// The line with a folder of its own for plans, where what it finds is to be found again.
    fn keeping_plans(&self, defect: &Defect, line: &[String]) -> Vec<String> {
        if !needs_second_engine(defect, line) {
            return line.to_vec();
        }
        let out = self.plans(defect).display().to_string();
        line::with(line, &["--out".to_owned(), out])
    }

    fn plans(&self, defect: &Defect) -> PathBuf {
        self.scratch.target.join("found").join(&defect.name)
    }

    /// Whether the world that was found with threads of ours fails on shuttle's too.
    fn again_on_shuttle(
        &self,
        defect: &Defect,
        line: &[String],
        found: &[Finder],
    ) -> Result<Option<Finder>, Error> {
        let first = found.iter().find(|finder| finder.seed().is_some());
        let Some(first) = first.filter(|_| needs_second_engine(defect, line)) else {
            return Ok(None);
        };
        let design = defect.design.as_deref().unwrap_or("shipped");
        let seed = first.seed().unwrap_or_default();
        let file = plan_file(&self.plans(defect), design, seed);
        let plan = std::fs::read_to_string(&file).map_err(Error::io("cannot read", &file))?;
        let Some(plan) = finder::on_shuttle(&plan) else {
            return Ok(None);
        };
        let file = file.with_extension("shuttle.toml");
        std::fs::write(&file, plan).map_err(Error::io("cannot write", &file))?;
        let ended = self.command(&finder::replay(line, &file))?;
        let is_found = finder::replay_found(&ended, &defect.property);
        Ok(is_found.then(|| Finder::again(first, ended.elapsed.as_secs_f64())))
    }

    /// Builds the command in the copy. The inner error is the last lines of a build that failed.
    fn build(&self) -> Result<Result<(), String>, Error> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let ended = child::run(
            Command::new(cargo)
                .args(["build", "--release", "--locked", "--offline"])
                .args(QUICK.iter().flat_map(|setting| ["--config", setting]))
                .args(["--bin", "iaxproof", "--target-dir"])
                .arg(&self.scratch.target)
                .env_remove("CARGO_TARGET_DIR")
                .env_remove("CARGO_BUILD_TARGET_DIR")
                .current_dir(&self.scratch.sources),
            BUILD_LIMIT,
        )?;
        eprintln!("zoo: built in {:.0} s", ended.elapsed.as_secs_f64());
        Ok(match ended.how {
            How::Exit(0) => Ok(()),
            _ => Err(not_expected(
                &["cargo build".to_owned()],
                &ended,
                "to build",
            )),
        })
    }

    /// Runs the command that was built, in the copy, with `--json`.
    fn command(&self, line: &[String]) -> Result<Ended, Error> {
        let ended = self.quietly(line, LINE_LIMIT)?;
        eprintln!(
            "zoo: iaxproof {}: {:?} in {:.1} s",
            line.join(" "),
            ended.how,
            ended.elapsed.as_secs_f64()
        );
        Ok(ended)
    }

    /// The same, and says nothing.
    pub(super) fn quietly(&self, line: &[String], limit: Duration) -> Result<Ended, Error> {
        child::run(
            Command::new(self.program())
                .args(line)
                .arg("--json")
                .current_dir(&self.scratch.sources),
            limit,
        )
    }

    /// A folder for what is written on the way. The copy's restoration leaves it alone.
    pub(super) fn folder(&self) -> PathBuf {
        self.scratch.target.join("measure")
    }

    fn program(&self) -> PathBuf {
        let name = Path::new("iaxproof").with_extension(std::env::consts::EXE_EXTENSION);
        self.scratch.target.join("release").join(name)
    }
}

/// Whether what this line finds is to be found once more, on threads of another engine.
fn needs_second_engine(defect: &Defect, line: &[String]) -> bool {
    defect.finders_min() > 1 && line::is_threaded_sim(line)
}

/// Found, where there are as many finders as the defect asks for.
fn judge(defect: &Defect, found: &[Finder]) -> Result<Judged, String> {
    let names = finder::names(found);
    if names.len() < defect.finders_min() {
        let names: Vec<_> = names.into_iter().collect();
        return Err(format!(
            "found by {} alone, and what takes threads must be found by {}",
            names.join(" and "),
            defect.finders_min()
        ));
    }
    let quickest = found.iter().min_by_key(|finder| finder.count);
    Ok(Judged {
        by: finder::text(found),
        count: quickest.map_or(0, |finder| finder.count),
        unit: quickest.map_or_else(String::new, |finder| finder.unit.clone()),
    })
}

/// What a command line did instead of what was wanted.
pub(super) fn not_expected(line: &[String], ended: &Ended, wanted: &str) -> String {
    let how = match &ended.how {
        How::Exit(code) => format!("exit code {code}"),
        How::Died(signal) => signal.clone(),
        How::TimedOut => format!("no end in {:.0} s", ended.elapsed.as_secs_f64()),
    };
    let output = [ended.stderr.as_str(), ended.stdout.as_str()].concat();
    let lines: Vec<&str> = output.lines().collect();
    let tail = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n    ");
    format!(
        "`{}` was expected {wanted}: {how}\n    {tail}",
        line.join(" ")
    )
}

/// A red row says why on standard error, for the table has no room.
fn row(what: &str, good: &str, judged: Result<Judged, String>, watch: Stopwatch) -> Row {
    let verdict = if judged.is_ok() {
        Verdict::Held
    } else {
        Verdict::Broke
    };
    let word = if judged.is_ok() { good } else { "RED" };
    let judged = judged.unwrap_or_else(|why| {
        eprintln!("zoo: RED: {what}: {why}");
        Judged {
            by: why.lines().next().unwrap_or_default().to_owned(),
            count: 0,
            unit: String::new(),
        }
    });
    Row {
        what: what.to_owned(),
        by: judged.by,
        word: word.to_owned(),
        verdict,
        property: None,
        count: judged.count,
        unit: judged.unit,
        seconds: watch.elapsed().as_secs_f64(),
        replay: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defect(words: &str) -> Defect {
        Defect::parse(&format!(
            "title = 't'\nstory = 's'\nsource = 'c'\nproperty = 'no-leak'\ndesign = 'd'\n\
             seen-by = [['prove', 'x']]\ninterleaving = ['A reads.', 'B writes.']\n{words}"
        ))
        .expect("it is well formed")
    }

    fn found_by(name: &str, count: u64) -> Finder {
        Finder {
            name: name.to_owned(),
            place: "x".to_owned(),
            count,
            unit: "executions".to_owned(),
            seconds: 0.0,
        }
    }

    #[test]
    fn one_finder_is_enough_but_for_what_takes_threads() {
        let (plain, threaded) = (defect(""), defect("threads = true"));
        let (loom, shuttle) = (found_by("loom", 9), found_by("shuttle", 4));
        assert!(judge(&plain, std::slice::from_ref(&loom)).is_ok());
        let red = judge(&threaded, &[loom.clone(), loom.clone()]).err();
        assert!(red.is_some_and(|why| why.starts_with("found by loom alone")));
        let found = judge(&threaded, &[loom, shuttle]).ok();
        assert_eq!(found.map(|judged| judged.count), Some(4));
    }
}
