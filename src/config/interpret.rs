//! From sections to settings: which section is what, and what became of each option.

use std::collections::BTreeMap;

use super::document::{At, Document, Section, Setting};
use super::entry::{self, EntrySection};
use super::error::{ConfigError, Problem, Refusal};
use super::found::{Found, Outcome};
use super::general::GeneralSection;
use super::registration::{self, Registration};
use super::value::{self, Expected};
use super::{ERRORS_MAX, Parsed, Unresolved};
use crate::engine::directory::Role;
use crate::engine::settings::{Configuration, IpRange, Name, Settings};

/// Reads a document whose syntax is right.
pub(super) fn interpret(document: &Document) -> Result<Parsed, Refusal> {
    let mut reading = Interpreter::new(document);
    reading.general();
    reading.limits();
    for section in document.sections() {
        if reading.errors.len() >= ERRORS_MAX {
            break;
        }
        if !section.is_template() && !is_special(section.name()) {
            reading.section(section);
        }
    }
    reading.finish()
}

const GENERAL: &str = "general";
const LIMITS: &str = "callnumberlimits";

fn is_special(name: &str) -> bool {
    [GENERAL, LIMITS]
        .iter()
        .any(|special| special.eq_ignore_ascii_case(name))
}

struct Interpreter<'a> {
    document: &'a Document,
    section: GeneralSection,
    limits: Vec<(IpRange, usize)>,
    registrations: Vec<Registration>,
    entries: Vec<Settings>,
    unresolved: Vec<Unresolved>,
    /// Where each entry begins.
    known: BTreeMap<(Role, &'a str), At>,
    found: BTreeMap<At, Reached<'a>>,
    errors: Vec<ConfigError>,
}

/// An option, and how far it reached.
struct Reached<'a> {
    option: &'a str,
    outcome: Outcome,
    entries: usize,
}

impl<'a> Interpreter<'a> {
    fn new(document: &'a Document) -> Self {
        let mut interpreter = Interpreter {
            document,
            section: GeneralSection::default(),
            limits: Vec::new(),
            registrations: Vec::new(),
            entries: Vec::new(),
            unresolved: Vec::new(),
            known: BTreeMap::new(),
            found: BTreeMap::new(),
            errors: Vec::new(),
        };
        for setting in document.sections().iter().flat_map(Section::settings) {
            interpreter.note(setting, Outcome::Unused, 0);
        }
        interpreter
    }

    /// `[general]`, which counts for every entry wherever it stands.
    fn general(&mut self) {
        let section = self.only(GENERAL);
        for setting in section.map_or(&[][..], Section::settings) {
            let option = setting.key().to_ascii_lowercase();
            let outcome = match option.as_str() {
                "register" => self.register(setting),
                option => self.section.set(option, setting.value()),
            };
            self.settle(setting, outcome, 0);
        }
        let is_lowered = self.section.clamp_registrations();
        let has_formats = self.section.settle_codecs();
        let Some(section) = section else {
            return;
        };
        if is_lowered {
            self.note_lowered(section);
        }
        if !has_formats {
            self.fail(section.at, entry::no_format_left());
        }
    }

    fn note_lowered(&mut self, section: &'a Section) {
        let is_min = |setting: &&Setting| setting.key().eq_ignore_ascii_case("minregexpire");
        let but = "lowered to maxregexpire, which is less";
        for setting in section.settings().iter().filter(is_min) {
            self.note(setting, Outcome::Partly(but), 0);
        }
    }

    fn register(&mut self, setting: &Setting) -> Result<Outcome, Expected> {
        let place = self.document.place(setting.at);
        match registration::read(setting.value(), place)? {
            Some(registration) => {
                self.registrations.push(registration);
                Ok(Outcome::Works)
            }
            None => Ok(Outcome::NotSupported(
                "RSA is not supported: no registration",
            )),
        }
    }

    /// `[callnumberlimits]`: `address/mask = number`.
    fn limits(&mut self) {
        let Some(section) = self.only(LIMITS) else {
            return;
        };
        for setting in section.settings() {
            let range = value::range(setting.key());
            let limit = range.and_then(|range| Ok((range, value::dialogues(setting.value())?)));
            let outcome = limit.map(|limit| {
                self.limits.push(limit);
                Outcome::Works
            });
            self.settle(setting, outcome, 0);
        }
        self.section.general.dialogues_per_range_max = core::mem::take(&mut self.limits);
    }

    /// The section of this name, which may stand once.
    fn only(&mut self, name: &str) -> Option<&'a Section> {
        let is_it = |section: &&Section| {
            !section.is_template() && section.name().eq_ignore_ascii_case(name)
        };
        let mut same = self.document.sections().iter().filter(is_it);
        let first = same.next()?;
        for again in same {
            self.repeated(again, first.at);
        }
        Some(first)
    }

    /// A peer, a user, both, or nothing.
    fn section(&mut self, section: &'a Section) {
        let is_type = |setting: &&Setting| setting.key().eq_ignore_ascii_case("type");
        // What a section says after its templates counts.
        let Some(kind) = section.settings().iter().rfind(is_type) else {
            return;
        };
        match entry::roles(kind.value()) {
            Ok(roles) => roles.iter().for_each(|role| self.entry(*role, section)),
            Err(expected) => self.settle(kind, Err(expected), 0),
        }
    }

    fn entry(&mut self, role: Role, section: &'a Section) {
        let Some(name) = Name::new(section.name()) else {
            return self.fail(section.at, Problem::SectionName);
        };
        if let Some(first) = self.known.insert((role, section.name()), section.at) {
            return self.repeated(section, first);
        }
        let mut entry = EntrySection::new(role, name, &self.section);
        for setting in section.settings() {
            let option = setting.key().to_ascii_lowercase();
            let outcome = entry.set(&option, setting.value());
            self.settle(setting, outcome, 1);
        }
        match entry.finish() {
            Ok(entry) => self.admit(entry, section.at),
            Err(problem) => self.fail(section.at, problem),
        }
    }

    fn admit(&mut self, entry: entry::Entry, at: At) {
        match entry.host {
            None => self.entries.push(entry.settings),
            Some(host) => self.unresolved.push(Unresolved {
                settings: entry.settings,
                host,
                place: self.document.place(at),
            }),
        }
    }

    fn repeated(&mut self, section: &Section, first: At) {
        let problem = Problem::Repeated {
            name: section.name().to_owned(),
            first: self.document.place(first),
        };
        self.fail(section.at, problem);
    }

    /// Notes what became of an option, or that it is wrong.
    fn settle(&mut self, setting: &'a Setting, outcome: Result<Outcome, Expected>, entries: usize) {
        match outcome {
            Ok(outcome) => self.note(setting, outcome, entries),
            Err(expected) => self.fail(setting.at, wrong_value(setting, expected)),
        }
    }

    fn note(&mut self, setting: &'a Setting, outcome: Outcome, entries: usize) {
        for at in setting.earlier.iter().chain([&setting.at]) {
            let reached = self.found.entry(*at).or_insert(Reached {
                option: setting.key(),
                outcome,
                entries: 0,
            });
            reached.outcome = reached.outcome.max(outcome);
            reached.entries += entries;
        }
    }

    /// Notes an error, once: both halves of a `friend`, and all who inherit, meet the same one.
    fn fail(&mut self, at: At, problem: Problem) {
        let place = self.document.place(at);
        let error = ConfigError { place, problem };
        if self.errors.len() < ERRORS_MAX && !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    fn finish(self) -> Result<Parsed, Refusal> {
        if !self.errors.is_empty() {
            return Err(Refusal(self.errors));
        }
        let document = self.document;
        let found = self.found.into_iter().map(|(at, reached)| Found {
            place: document.place(at),
            option: reached.option.to_owned(),
            outcome: reached.outcome,
            entries: reached.entries,
        });
        Ok(Parsed {
            serving: self.section.serving(),
            realtime: self.section.realtime,
            configuration: Configuration {
                general: self.section.general,
                entries: self.entries,
            },
            registrations: self.registrations,
            unresolved: self.unresolved,
            options: found.collect(),
        })
    }
}

/// Options whose value is, or holds, a secret.
const SECRET: &[&str] = &["dbsecret", "register", "secret"];

fn wrong_value(setting: &Setting, expected: Expected) -> Problem {
    let option = setting.key().to_owned();
    if SECRET.contains(&option.to_ascii_lowercase().as_str()) {
        return Problem::HiddenValue { option, expected };
    }
    Problem::Value {
        option,
        found: setting.value().to_owned(),
        expected,
    }
}
