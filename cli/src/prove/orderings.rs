//! `iaxproof prove --orderings`: every ordering of an atomic operation of the registry, each tried a step weaker. A scenario
//! must then fail; where none does, the ordering is stronger than anything here needs, and the command ends with 42.

use std::collections::BTreeSet;
use std::time::Duration;

use iaxproof_models::orderings::{self, Judge, Kind, Order, Site, Trial, Weakening};
use iaxproof_models::proof::{Word, word};
use iaxproof_models::{Design, Scenario, scenarios};

use crate::error::Error;
use crate::progress::Progress;
use crate::report::{Report, Row, Verdict, grouped};
use crate::table::{Align, Table};

use super::child::{self, Told};

/// One ordering, or one step down from it, and what came of it.
struct Line {
    site: Site,
    to: Option<Order>,
    judge: Option<Judge>,
    answer: Answer,
    executions: u64,
    seconds: f64,
}

/// What came of it.
enum Answer {
    /// Nothing is weaker.
    Weakest,
    /// This scenario fails, with this property and message.
    Seen(&'static str, String, String),
    /// Every scenario holds: it can be weaker for good.
    Unseen,
    /// A limit came first, or the explorer died.
    Cut(String),
    /// No execution came here.
    NotMet,
    /// Another site does the same to the same count, so that a trial would be of both at once.
    Alike,
}

/// Tries everything on these scenarios and prints what came of it.
///
/// # Errors
///
/// [`Error::Io`] where no child can be started; [`Error::Broke`] where a scenario fails as the source is.
pub(super) fn run(
    selected: &[&'static Scenario],
    limit: Duration,
    json: bool,
) -> Result<Verdict, Error> {
    let sites = orderings::sites();
    let mut bench = Bench {
        selected,
        limit,
        progress: Progress::new("orderings", (selected.len() + sites.len()) as u64),
    };
    let met = bench.watch()?;
    let mut lines = Vec::new();
    for site in &sites {
        lines.extend(bench.site(site, &sites, &met)?);
        bench.progress.advance(1);
    }
    drop(bench);
    let report = Report::new(lines.iter().map(Line::row).collect());
    if json {
        report.print(true);
    } else {
        show(&lines);
    }
    Ok(report.verdict)
}

/// The scenarios, and how long each exploration may take.
struct Bench<'a> {
    selected: &'a [&'static Scenario],
    limit: Duration,
    progress: Progress,
}

impl Bench<'_> {
    /// What the scenarios meet. They must hold as the source is, or a failure under a trial says nothing.
    fn watch(&mut self) -> Result<BTreeSet<Kind>, Error> {
        let mut met = BTreeSet::new();
        for scenario in self.selected {
            let told = self.ask(scenario, None)?;
            let told = told.map_err(|lost| Error::Broke(format!("{}: {lost}", scenario.name)))?;
            if let Word::Failed(finding) = word(scenario, Design::Shipped, &told.exploration, None)
            {
                let message = format!("{} fails untouched: {}", scenario.name, finding.message);
                return Err(Error::Broke(message));
            }
            met.extend(told.met);
            self.progress.advance(1);
        }
        Ok(met)
    }

    fn site(&self, site: &Site, all: &[Site], met: &BTreeSet<Kind>) -> Result<Vec<Line>, Error> {
        let alike = all.iter().filter(|other| other.kind == site.kind).count();
        let untried = if !met.contains(&site.kind) {
            Some(Answer::NotMet)
        } else if site.kind.weaker().is_empty() {
            Some(Answer::Weakest)
        } else {
            (alike > 1).then_some(Answer::Alike)
        };
        if let Some(answer) = untried {
            return Ok(vec![Line::untried(*site, answer)]);
        }
        let steps = site.kind.weaker().iter();
        let trials = steps.flat_map(|to| [(*to, Judge::Loom), (*to, Judge::Clocks)]);
        trials
            .map(|(to, judge)| self.weaken(site, to, judge))
            .collect()
    }

    /// Goes through the scenarios until one fails.
    fn weaken(&self, site: &Site, to: Order, judge: Judge) -> Result<Line, Error> {
        let kind = site.kind;
        let mut line = Line {
            to: Some(to),
            judge: Some(judge),
            ..Line::untried(*site, Answer::Unseen)
        };
        for scenario in self.selected {
            let told = match self.ask(scenario, Some(Weakening { kind, to, judge }))? {
                Ok(told) => told,
                Err(lost) => {
                    line.answer = Answer::Cut(format!("{}: {lost}", scenario.name));
                    continue;
                }
            };
            line.executions += told.exploration.executions;
            line.seconds += told.seconds;
            match word(scenario, Design::Shipped, &told.exploration, None) {
                Word::Failed(finding) => {
                    let message = finding
                        .message
                        .lines()
                        .next()
                        .unwrap_or_default()
                        .to_owned();
                    line.answer = Answer::Seen(scenario.name, finding.property, message);
                    break;
                }
                Word::Incomplete(why) => {
                    line.answer = Answer::Cut(format!("{}: {why}", scenario.name));
                }
                Word::Proved | Word::ExhaustedByLoomAlone | Word::Bounded(_) => {}
            }
        }
        Ok(line)
    }

    fn ask(
        &self,
        scenario: &Scenario,
        weakening: Option<Weakening>,
    ) -> Result<Result<Told, child::Lost>, Error> {
        child::ask_on_trial(scenario, Trial { weakening }, self.limit)
    }
}

impl Line {
    fn untried(site: Site, answer: Answer) -> Self {
        Line {
            site,
            to: None,
            judge: None,
            answer,
            executions: 0,
            seconds: 0.0,
        }
    }

    fn verdict(&self) -> Verdict {
        match self.answer {
            Answer::Weakest | Answer::Seen(..) => Verdict::Held,
            Answer::Cut(_) => Verdict::Incomplete,
            Answer::Unseen | Answer::NotMet | Answer::Alike => Verdict::Failed,
        }
    }

    fn word(&self) -> String {
        match &self.answer {
            Answer::Weakest => "cannot be weaker".to_owned(),
            Answer::Seen(scenario, property, _) => format!("needed: {scenario}: {property}"),
            Answer::Unseen => "NOT NEEDED: no scenario fails without it".to_owned(),
            Answer::Cut(why) => format!("INCOMPLETE: {why}"),
            Answer::NotMet => "NOT TRIED: no scenario comes here".to_owned(),
            Answer::Alike => "NOT TRIED: another site is alike".to_owned(),
        }
    }

    fn row(&self) -> Row {
        let to = self.to.map(|to| format!(" -> {to}")).unwrap_or_default();
        Row {
            what: format!("{}{to}", place(self.site)),
            by: self.judge.map_or("-", judge_name).to_owned(),
            word: self.word(),
            verdict: self.verdict(),
            property: (self.verdict() == Verdict::Failed).then(|| "orderings".to_owned()),
            count: self.executions,
            unit: "executions".to_owned(),
            seconds: self.seconds,
            replay: None,
        }
    }
}

fn place(site: Site) -> String {
    let Site { line, kind } = site;
    format!("{}:{line} {kind} {}", orderings::FILE, kind.order)
}

fn judge_name(judge: Judge) -> &'static str {
    match judge {
        Judge::Loom => "loom",
        Judge::Clocks => "clocks",
    }
}

fn show(lines: &[Line]) {
    let mut table = Table::new([
        ("site", Align::Left),
        ("weaker", Align::Left),
        ("judge", Align::Left),
        ("executions", Align::Right),
        ("word", Align::Left),
    ]);
    for line in lines {
        table.push([
            place(line.site),
            line.to.map(|to| to.to_string()).unwrap_or_default(),
            line.judge.map_or("", judge_name).to_owned(),
            grouped(line.executions),
            line.word(),
        ]);
    }
    print!("{table}");
    for line in lines {
        if let Answer::Seen(_, _, message) = &line.answer {
            let to = line.to.map(|to| to.to_string()).unwrap_or_default();
            let judge = line.judge.map_or("", judge_name);
            println!("  {}, {to}, {judge}: {message}", line.site.line);
        }
    }
    println!("{LEGEND}");
}

const LEGEND: &str = "
Each ordering is tried a step weaker, alone: once for loom's atomics, once for our vector clocks in loom's executions. Executions are those of all
scenarios up to the one that fails. shuttle orders every operation for all threads and is not asked. Not covered: what no
scenario does with an object, and objects that share state past the family's locks.";

/// The scenarios that are tried where none is named.
pub(super) fn by_default() -> Vec<&'static Scenario> {
    scenarios::about_objects().iter().collect()
}
