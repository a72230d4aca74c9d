//! `iaxproof zoo --measure`: how many worlds a sweep takes to find each defect that `sim` sees, over many trials with seeds of their own
//! ([`trial`]), by each of several searches; and for rows that say what they need, what becomes of the plans that fail ([`small`]).
//! [`rank`] counts the trials that found nothing, [`show`] prints. That the unbent copy holds is the plain zoo's to say.

mod rank;
mod show;
mod small;
mod trial;

use clap::Args;

use crate::error::Error;
use crate::progress::Progress;
use crate::report::Verdict;

use super::defect::Defect;
use super::hunt::{CLEAN_LIMIT, Hunt};
use super::line;

use self::rank::{Ranked, percentile};
use self::small::Small;
use self::trial::Trial;

/// More trials than anybody waits for.
const TRIALS_MAX: u64 = 10_000;
/// More worlds than a trial gets to.
const CAP_MAX: u64 = 1_000_000_000;
/// Where a row says what it needs: how long nine of ten trials may take, in seconds.
const WALL_SECONDS_MAX: f64 = 60.0;

/// What is measured, and how often.
#[derive(Debug, Args)]
pub(crate) struct MeasureArgs {
    /// Measure how many worlds a sweep takes to find each of them that `sim` sees.
    #[arg(long)]
    pub(super) measure: bool,
    /// How many sweeps there are of each, with seeds of their own.
    #[arg(long, value_name = "N", default_value_t = 30, requires = "measure")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=TRIALS_MAX))]
    trials: u64,
    /// After how many worlds a sweep gives up. It counts, as one that takes longer.
    #[arg(
        long,
        value_name = "WORLDS",
        default_value_t = 20_000,
        requires = "measure"
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=CAP_MAX))]
    cap: u64,
    /// Measure with these arguments of `sim` too, such as '--scheduler pct'; once for each search, '' for the row's own. The limits
    /// of rows that say what they need are asked of the first alone.
    #[arg(long = "variant", value_name = "ARGS", requires = "measure")]
    #[arg(allow_hyphen_values = true)]
    variants: Vec<String>,
    /// Of how many trials the plan that fails is replayed and shrunk, in rows that say what they need.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "measure")]
    shrink: usize,
}

/// One row by one search.
#[derive(Debug)]
struct Measured {
    /// The defect's file.
    name: String,
    property: String,
    /// What was added to its line.
    variant: String,
    cap: u64,
    trials: Vec<Trial>,
    /// The plans that were looked at.
    smalls: Vec<Small>,
    /// What is not as it must be, each with its trial.
    red: Vec<String>,
}

/// A command line of a row, and what is searched with.
struct Search {
    line: Vec<String>,
    variant: String,
    /// Whether the limits are asked of it.
    is_first: bool,
}

impl MeasureArgs {
    /// The lines that are measured.
    fn searches(&self, defect: &Defect) -> Vec<Search> {
        let own = [String::new()];
        let variants = match self.variants.as_slice() {
            [] => own.as_slice(),
            named => named,
        };
        let lines = defect.lines_bent().into_iter();
        let each = |line: Vec<String>| {
            variants.iter().enumerate().map(move |(nth, variant)| {
                let options: Vec<String> = variant.split_whitespace().map(str::to_owned).collect();
                Search {
                    line: line::with(&line, &options),
                    variant: variant.trim().to_owned(),
                    is_first: nth == 0,
                }
            })
        };
        let lines = lines.filter(|line| line::is_sim(line));
        lines.flat_map(each).collect()
    }
}

/// Measures and prints.
///
/// # Errors
///
/// [`Error::Usage`] where no row is found by `sim`; [`Error::Io`].
pub(super) fn run(
    args: &MeasureArgs,
    hunt: &Hunt,
    defects: &[Defect],
    json: bool,
) -> Result<Verdict, Error> {
    let searches = |defect| args.searches(defect).len() as u64;
    let total: u64 = defects.iter().map(searches).sum();
    if total == 0 {
        let why = "none of these defects is found by `sim`: nothing to measure";
        return Err(Error::Usage(why.to_owned()));
    }
    let mut progress = Progress::new("trials", total * args.trials);
    let mut measured = Vec::new();
    for defect in defects {
        let searches = args.searches(defect);
        if searches.is_empty() {
            eprintln!("zoo: {}: not found by `sim`, not measured", defect.name);
            continue;
        }
        measured.extend(of_defect(args, hunt, defect, &searches, &mut progress)?);
    }
    drop(progress);
    let verdict = measured.iter().map(Measured::verdict).max();
    let verdict = verdict.unwrap_or(Verdict::Broke);
    show::print(&measured, verdict, json);
    Ok(verdict)
}

fn of_defect(
    args: &MeasureArgs,
    hunt: &Hunt,
    defect: &Defect,
    searches: &[Search],
    progress: &mut Progress,
) -> Result<Vec<Measured>, Error> {
    progress.note(format!("{}: building", defect.name));
    progress.advance(0);
    if let Err(red) = hunt.bent(defect)? {
        progress.advance(args.trials * searches.len() as u64);
        return Ok(vec![Measured::not_built(args, defect, red)]);
    }
    let each = searches.iter();
    each.map(|search| of_search(args, hunt, defect, search, progress))
        .collect()
}

fn of_search(
    args: &MeasureArgs,
    hunt: &Hunt,
    defect: &Defect,
    search: &Search,
    progress: &mut Progress,
) -> Result<Measured, Error> {
    let mut measured = Measured::new(args, defect, &search.variant);
    for nth in 0..args.trials {
        let trial = trial::run(hunt, defect, &search.line, nth, args.cap)?;
        measured.add(trial);
        progress.note(measured.so_far());
        progress.advance(1);
    }
    if search.is_first && !defect.needs.is_empty() {
        measured.within_a_minute();
        progress.note(format!("{}: without what it needs", defect.name));
        progress.advance(0);
        measured.red.extend(clean(args, hunt, defect, search)?);
        look_at_plans(args, hunt, &mut measured, progress)?;
    }
    Ok(measured)
}

/// The worlds of the first trial must hold without each of what the defect needs.
fn clean(
    args: &MeasureArgs,
    hunt: &Hunt,
    defect: &Defect,
    search: &Search,
) -> Result<Vec<String>, Error> {
    let options: Vec<String> = search
        .variant
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let mut red = Vec::new();
    for line in defect.lines_clean(args.cap) {
        let line = line::with(&line, &options);
        let ended = hunt.quietly(&line, CLEAN_LIMIT)?;
        red.extend(trial::not_held(&line, &ended));
    }
    Ok(red)
}

fn look_at_plans(
    args: &MeasureArgs,
    hunt: &Hunt,
    measured: &mut Measured,
    progress: &mut Progress,
) -> Result<(), Error> {
    let found = measured.trials.iter();
    let found = found.filter_map(|trial| Some((trial, trial.found.as_ref()?)));
    for (trial, plan) in found.take(args.shrink) {
        progress.note(format!(
            "{}: replaying and shrinking the plan of trial {}",
            measured.name, trial.nth
        ));
        progress.advance(0);
        measured.smalls.push(small::look(hunt, trial, plan)?);
    }
    Ok(())
}

impl Measured {
    fn new(args: &MeasureArgs, defect: &Defect, variant: &str) -> Self {
        Measured {
            name: defect.name.clone(),
            property: defect.property.clone(),
            variant: variant.to_owned(),
            cap: args.cap,
            trials: Vec::new(),
            smalls: Vec::new(),
            red: Vec::new(),
        }
    }

    fn not_built(args: &MeasureArgs, defect: &Defect, red: String) -> Self {
        Measured {
            red: vec![red],
            ..Measured::new(args, defect, "")
        }
    }

    fn add(&mut self, trial: Trial) {
        if let Some(red) = &trial.red {
            self.red.push(format!("trial {}: {red}", trial.nth));
        }
        self.trials.push(trial);
    }

    /// How many trials came to no failure before the cap.
    fn censored(&self) -> usize {
        let trials = self.trials.iter();
        trials
            .filter(|it| it.found.is_none() && it.red.is_none())
            .count()
    }

    fn found(&self) -> usize {
        self.trials.iter().filter(|it| it.found.is_some()).count()
    }

    fn executions(&self, of_hundred: usize) -> Option<Ranked> {
        let all: Vec<Ranked> = self.trials.iter().map(|it| it.executions).collect();
        percentile(&all, of_hundred)
    }

    fn wall(&self, of_hundred: usize) -> Option<Ranked> {
        let all: Vec<Ranked> = self.trials.iter().map(|it| it.wall).collect();
        percentile(&all, of_hundred)
    }

    fn so_far(&self) -> String {
        let median = self.executions(50);
        format!(
            "{} {}: {} found, {} censored, median {}",
            self.name,
            self.variant,
            self.found(),
            self.censored(),
            median.map_or_else(String::new, |it| it.to_string())
        )
    }

    /// Of trials that went wrong the time says nothing.
    fn within_a_minute(&mut self) {
        if !self.red.is_empty() {
            return;
        }
        if let Some(wall) = self.wall(90).filter(|it| !it.is_within(WALL_SECONDS_MAX)) {
            self.red.push(format!(
                "nine of ten trials took {wall:.1} s, of {WALL_SECONDS_MAX} s at most"
            ));
        }
    }

    /// All that is red, with what it is about.
    fn all_red(&self) -> impl Iterator<Item = String> + '_ {
        let of_plans = self.smalls.iter().flat_map(|small| {
            let about = format!("trial {}, seed {}", small.trial, small.seed);
            let red = small.red.iter();
            red.map(move |red| format!("{about}: {red}"))
        });
        self.red.iter().cloned().chain(of_plans)
    }

    /// A search that never finds came to its limit.
    fn verdict(&self) -> Verdict {
        match (self.all_red().next(), self.found()) {
            (Some(_), _) => Verdict::Broke,
            (None, 0) => Verdict::Incomplete,
            (None, _) => Verdict::Held,
        }
    }
}
