//! The file of one defect: its story, the property that it breaks, the edits that bring it back and the command lines
//! that must see it.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use iaxproof_models::scenarios;
use iaxproof_sim::checkers::PROPERTIES;
use iaxproof_sim::fuzz::stranger;
use serde::Deserialize;

use crate::cost::COST_FLAT;
use crate::error::Error;
use crate::fuzz::NO_PANIC;

use super::line;

/// The names of all properties: of scenarios, of checkers, of fuzz targets, and of whoever runs them.
pub(crate) fn properties() -> BTreeSet<&'static str> {
    let of_scenarios = scenarios().map(|scenario| scenario.property);
    let of_runners = ["no-deadlock", "same-again", NO_PANIC, COST_FLAT];
    let of_targets = stranger::PROPERTIES;
    let all = of_scenarios.chain(PROPERTIES).chain(of_targets);
    all.chain(of_runners).collect()
}

/// How many worlds must hold without what a defect needs, where its file does not say.
const CLEAN: u64 = 2_000;
/// How many steps an interleaving has at least: one is no order.
const STEPS_MIN: usize = 2;

/// One defect file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Defect {
    /// What its file is called.
    #[serde(skip)]
    pub(crate) name: String,
    /// A line that names it.
    pub(crate) title: String,
    /// What happened, and why.
    pub(crate) story: String,
    /// Where it really happened: commit or advisory, and date.
    pub(crate) source: String,
    /// The property that it breaks.
    pub(crate) property: String,
    /// The arguments of `iaxproof` that must end with exit code 42 on the property; each line of its own.
    pub(crate) seen_by: Vec<Vec<String>>,
    /// The whole design that is the defect, given to each line as `--design`; no edits then.
    pub(crate) design: Option<String>,
    /// What its worlds with threads must have to fail: without any of these they hold.
    #[serde(default)]
    pub(crate) needs: Vec<Need>,
    /// How many worlds must hold without what it needs.
    clean: Option<u64>,
    /// Whether it takes two threads: it must then be found by two finders that do not know of each other.
    #[serde(default)]
    pub(crate) threads: bool,
    /// The steps by which it breaks, in their order: who does what.
    pub(crate) interleaving: Vec<String>,
    /// What bends the sources.
    #[serde(default, rename = "edit")]
    pub(crate) edits: Vec<Edit>,
}

/// What a world can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Need {
    /// Something goes wrong with a datagram, a database or a process.
    Fault,
    /// A thread stops in the middle of what it does.
    Preemption,
}

impl Need {
    /// The word of `sim --without`.
    pub(crate) const fn without(self) -> &'static str {
        match self {
            Need::Fault => "faults",
            Need::Preemption => "stalls",
        }
    }
}

/// One place to bend.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// The file, from the root of the sources.
    pub(crate) file: PathBuf,
    /// A text that stands in it exactly once.
    pub(crate) find: String,
    /// What stands there instead.
    pub(crate) replace: String,
}

impl Defect {
    /// Reads and checks a defect file.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] naming the file, the line and what was expected.
    pub(crate) fn read(file: &Path) -> Result<Defect, Error> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Error::Usage(format!("{}: {error}", file.display())))?;
        let defect = Defect::parse(&text)
            .map_err(|error| Error::Usage(format!("{}: {error}", file.display())))?;
        let name = file.file_stem().unwrap_or_default();
        Ok(Defect {
            name: name.display().to_string(),
            ..defect
        })
    }

    /// The same of a text; the error says what was expected.
    pub(super) fn parse(text: &str) -> Result<Defect, String> {
        let defect: Defect = toml::from_str(text).map_err(|error| error.to_string())?;
        defect.check()?;
        Ok(defect)
    }

    fn check(&self) -> Result<(), String> {
        let texts = [
            ("title", &self.title),
            ("story", &self.story),
            ("source", &self.source),
        ];
        if let Some((key, _)) = texts.iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(format!("`{key}` is empty"));
        }
        let known = properties();
        if !known.contains(self.property.as_str()) {
            let known: Vec<_> = known.into_iter().collect();
            return Err(format!(
                "`property = \"{}\"`: expected one of {}",
                self.property,
                known.join(", ")
            ));
        }
        let is_step = |step: &String| !step.trim().is_empty();
        if self.interleaving.len() < STEPS_MIN || !self.interleaving.iter().all(is_step) {
            return Err(format!(
                "`interleaving` needs at least {STEPS_MIN} steps, none empty: who does what until it breaks"
            ));
        }
        if self.seen_by.is_empty() || self.seen_by.iter().any(Vec::is_empty) {
            return Err("`seen-by` needs at least one command line, none empty".to_owned());
        }
        self.check_needs()?;
        match (&self.design, self.edits.is_empty()) {
            (None, true) => Err("expected an `[[edit]]` or a `design`".to_owned()),
            (Some(_), false) => Err("expected an `[[edit]]` or a `design`, not both".to_owned()),
            _ => self.edits.iter().try_for_each(Edit::check),
        }
    }

    /// How many finders must see it.
    pub(crate) fn finders_min(&self) -> usize {
        let is_threaded = self.threads || self.needs.contains(&Need::Preemption);
        if is_threaded { 2 } else { 1 }
    }

    fn check_needs(&self) -> Result<(), String> {
        let threaded = self.seen_by.iter().any(|line| line::is_threaded_sim(line));
        match (self.needs.is_empty(), self.clean) {
            (true, Some(_)) => Err("`clean` says nothing without `needs`".to_owned()),
            (false, Some(0)) => Err("`clean = 0`: no world is no evidence".to_owned()),
            (false, _) if !threaded => {
                Err("`needs` asks for a line `sim --threads` in `seen-by`".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// How many worlds must hold without what it needs.
    pub(crate) fn clean(&self) -> u64 {
        self.clean.unwrap_or(CLEAN)
    }

    /// Each of its lines with threads without each of what it needs: all of these must hold, in `worlds` worlds.
    pub(crate) fn lines_clean(&self, worlds: u64) -> Vec<Vec<String>> {
        let lines = self.lines_bent().into_iter();
        let threaded = lines.filter(|line| line::is_threaded_sim(line));
        let without = |need: &Need| ["--without".to_owned(), need.without().to_owned()];
        let each = |line: Vec<String>| {
            let line = line::over(&line, &(0..worlds));
            let needs = self.needs.iter();
            needs.map(move |need| line::with(&line, &without(need)))
        };
        threaded.flat_map(each).collect()
    }

    /// The command lines as they are run against the defect.
    pub(crate) fn lines_bent(&self) -> Vec<Vec<String>> {
        let design = self.design.iter();
        let design: Vec<String> = design
            .flat_map(|design| ["--design".to_owned(), design.clone()])
            .collect();
        let lines = self.seen_by.iter();
        lines
            .map(|line| [line.as_slice(), design.as_slice()].concat())
            .collect()
    }
}

impl Edit {
    fn check(&self) -> Result<(), String> {
        let inside = |part| matches!(part, Component::Normal(_));
        if !self.file.components().all(inside) {
            return Err(format!(
                "`file = {:?}`: expected a path inside the sources",
                self.file
            ));
        }
        if self.find.is_empty() || self.find == self.replace {
            return Err(format!(
                "the edit of {} changes nothing",
                self.file.display()
            ));
        }
        Ok(())
    }

    /// The text with this edit made.
    ///
    /// # Errors
    ///
    /// A sentence, where `find` does not stand in the text exactly once.
    pub(crate) fn apply(&self, text: &str) -> Result<String, String> {
        let (first, last) = (text.find(&self.find), text.rfind(&self.find));
        match first {
            None => Err(format!(
                "the text to bend is not in {}: {:?}",
                self.file.display(),
                self.find
            )),
            Some(_) if first != last => Err(format!(
                "the text to bend stands more than once in {}: {:?}",
                self.file.display(),
                self.find
            )),
            Some(_) => Ok(text.replacen(&self.find, &self.replace, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        title = "t"
        story = "s"
        source = "c"
        property = "no-leak"
        seen-by = [["prove", "x"]]
        interleaving = ["A reads.", "B writes."]
        [[edit]]
        file = "src/lib.rs"
        find = "a"
        replace = "b"
    "#;

    fn refusal(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        Defect::parse(&GOOD.replacen(from, to, 1)).unwrap_err()
    }

    #[test]
    fn a_well_formed_file_is_read() {
        let defect = Defect::parse(GOOD).unwrap();
        assert_eq!(defect.lines_bent(), [["prove", "x"]]);
    }

    #[test]
    fn every_defect_of_ours_is_well_formed_and_bends_the_sources() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let files = super::super::all_files(&sources.join("zoo")).unwrap();
        assert!(files.len() >= 50, "{} defects", files.len());
        for file in files {
            let defect = Defect::read(&file).unwrap();
            for edit in &defect.edits {
                let text = std::fs::read_to_string(sources.join(&edit.file)).unwrap();
                let bent = edit.apply(&text);
                assert!(bent.is_ok(), "{}: {bent:?}", file.display());
            }
        }
    }

    #[test]
    fn a_design_is_given_to_each_line() {
        let cut = GOOD.split("[[edit]]").next().unwrap();
        let defect = Defect::parse(&format!("{cut}\ndesign = \"list\"")).unwrap();
        assert_eq!(defect.lines_bent(), [["prove", "x", "--design", "list"]]);
    }

    #[test]
    fn what_a_defect_needs_is_taken_away_one_by_one() {
        let line = r#"["sim", "--threads", "--seeds", "0..9"], ["sim", "--seeds", "0..9"]"#;
        let needs = "needs = [\"fault\", \"preemption\"]\nclean = 70\n[[edit]]";
        let text = GOOD.replacen(r#"["prove", "x"]"#, line, 1);
        let defect = Defect::parse(&text.replacen("[[edit]]", needs, 1)).unwrap();
        let lines = defect.lines_clean(defect.clean());
        let lines: Vec<String> = lines.iter().map(|line| line.join(" ")).collect();
        assert_eq!(
            lines,
            [
                "sim --threads --seeds 0..70 --without faults",
                "sim --threads --seeds 0..70 --without stalls"
            ]
        );
    }

    #[test]
    fn what_is_not_well_formed_is_refused_in_words() {
        assert!(refusal("no-leak", "no-leek").contains("no-leek"));
        assert!(refusal("\"s\"", "\" \"").contains("`story` is empty"));
        assert!(refusal("[[\"prove\", \"x\"]]", "[]").contains("seen-by"));
        assert!(refusal("[[\"prove\", \"x\"]]", "[[]]").contains("seen-by"));
        assert!(refusal(", \"B writes.\"", "").contains("2 steps"));
        assert!(refusal("A reads.", " ").contains("none empty"));
        assert!(refusal("src/lib.rs", "../lib.rs").contains("inside the sources"));
        assert!(refusal("src/lib.rs", "/src/lib.rs").contains("inside the sources"));
        assert!(refusal("\"b\"", "\"a\"").contains("changes nothing"));
        assert!(refusal("title", "titel").contains("line 2"));
        assert!(refusal("[[edit]]", "needs = [\"fault\"]\n[[edit]]").contains("sim --threads"));
        assert!(refusal("[[edit]]", "needs = [\"tea\"]\n[[edit]]").contains("tea"));
        assert!(refusal("[[edit]]", "clean = 9\n[[edit]]").contains("without `needs`"));
        assert!(refusal("[[edit]]", "design = \"d\"\n[[edit]]").contains("not both"));
    }

    #[test]
    fn what_takes_threads_is_to_be_found_by_two() {
        let defect = |words: &str| Defect::parse(&GOOD.replacen("[[edit]]", words, 1)).unwrap();
        assert_eq!(defect("[[edit]]").finders_min(), 1);
        assert_eq!(defect("threads = true\n[[edit]]").finders_min(), 2);
        let line = r#"["sim", "--threads", "--seeds", "0..9"]"#;
        for (need, finders) in [("preemption", 2), ("fault", 1)] {
            let text = GOOD.replacen(r#"["prove", "x"]"#, line, 1);
            let needs = format!("needs = [\"{need}\"]\n[[edit]]");
            let defect = Defect::parse(&text.replacen("[[edit]]", &needs, 1)).unwrap();
            assert_eq!(defect.finders_min(), finders);
        }
    }

    #[test]
    fn a_text_must_stand_exactly_once() {
        let edit = |find: &str| Edit {
            file: PathBuf::from("f"),
            find: find.to_owned(),
            replace: "X".to_owned(),
        };
        assert_eq!(edit("b").apply("abc").unwrap(), "aXc");
        assert!(edit("z").apply("abc").unwrap_err().contains("is not in f"));
        assert!(
            edit("b")
                .apply("abcb")
                .unwrap_err()
                .contains("more than once")
        );
        // Occurrences that overlap are two as well.
        assert!(
            edit("aa")
                .apply("aaa")
                .unwrap_err()
                .contains("more than once")
        );
    }
}
