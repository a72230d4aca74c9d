//! Reads files into a [`Document`]: line by line, an included one where it is included (Asterisk: `config_text_file_load`).

use std::collections::BTreeMap;

use super::comment::Comments;
use super::document::{At, Document, Section, Setting};
use super::error::{ConfigError, Problem, Refusal};
use super::include::{Include, Source};
use super::line::{self, Line, Mark};
use super::{
    ERRORS_MAX, FILES_MAX, INCLUDE_DEPTH_MAX, LINE_OCTETS_MAX, LINES_MAX, SECTION_SETTINGS_MAX,
    SECTIONS_MAX, SETTINGS_MAX,
};

/// Where options go.
#[derive(Clone, Copy)]
enum Into {
    /// No header came yet.
    Nothing,
    /// The section of this index.
    Section(usize),
    /// The header was wrong, and is reported: what follows it is not.
    Wrong,
}

pub(super) struct Reader<'a> {
    files: &'a dyn Include,
    document: Document,
    /// The sections of each name, in lower case: Asterisk compares them so.
    by_name: BTreeMap<String, Vec<usize>>,
    /// The section of the last header of any file: an included file goes on with it.
    current: Into,
    /// The files that include each other, the outermost first.
    open: Vec<String>,
    lines: usize,
    settings: usize,
    errors: Vec<ConfigError>,
}

/// No more errors are wanted.
struct Enough;

impl<'a> Reader<'a> {
    pub(super) fn new(files: &'a dyn Include) -> Self {
        Reader {
            files,
            document: Document::default(),
            by_name: BTreeMap::new(),
            current: Into::Nothing,
            open: Vec::new(),
            lines: 0,
            settings: 0,
            errors: Vec::new(),
        }
    }

    pub(super) fn read(mut self, source: Source) -> Result<Document, Refusal> {
        let _: Result<(), Enough> = self.file(source);
        if self.errors.is_empty() {
            Ok(self.document)
        } else {
            Err(Refusal(self.errors))
        }
    }

    fn file(&mut self, source: Source) -> Result<(), Enough> {
        let file = self.document.files.len() as u32;
        self.document.files.push(source.name.clone());
        self.open.push(source.name);
        let octets = source.octets.strip_prefix(BYTE_ORDER_MARK);
        let octets = octets.unwrap_or(&source.octets);
        let mut comments = Comments::default();
        let mut into = self.current;
        for (octets, line) in octets.split(|octet| *octet == b'\n').zip(1..) {
            let at = At { file, line };
            match self.line(octets, at, &mut comments, &mut into) {
                Ok(()) => {}
                Err(Stop::Line(problem)) => self.fail(at, problem)?,
                Err(Stop::All) => return Err(Enough),
            }
        }
        if let Some(line) = comments.unclosed() {
            self.fail(At { file, line }, Problem::CommentNotClosed)?;
        }
        self.open.pop();
        Ok(())
    }

    /// Notes an error; a limit, or the last of many, ends the reading.
    fn fail(&mut self, at: At, problem: Problem) -> Result<(), Enough> {
        let is_limit = matches!(problem, Problem::TooMuch { .. });
        self.errors.push(ConfigError {
            place: self.document.place(at),
            problem,
        });
        if is_limit || self.errors.len() >= ERRORS_MAX {
            return Err(Enough);
        }
        Ok(())
    }

    fn line(
        &mut self,
        octets: &[u8],
        at: At,
        comments: &mut Comments,
        into: &mut Into,
    ) -> Result<(), Stop> {
        self.lines += 1;
        within(self.lines, "lines", LINES_MAX)?;
        within(octets.len(), "octets in a line", LINE_OCTETS_MAX)?;
        let text = core::str::from_utf8(octets).map_err(|_| Problem::NotText)?;
        if text.contains('\0') {
            return Err(Problem::NotText.into());
        }
        let text = comments.strip(text, at.line)?;
        let text = line::strip(&text);
        if text.is_empty() {
            return Ok(());
        }
        match line::read(text) {
            Ok(Line::Header { name, marks }) => {
                *into = Into::Wrong;
                *into = Into::Section(self.header(name, &marks, at)?);
                self.current = *into;
            }
            Ok(Line::Include { file, required }) => self.include(file, required)?,
            Ok(Line::Set { key, value }) => self.set(*into, key, value, at)?,
            Ok(Line::Append { key, value }) => self.append(*into, key, value, at)?,
            Err(problem) => {
                if text.starts_with('[') {
                    *into = Into::Wrong;
                }
                return Err(problem.into());
            }
        }
        Ok(())
    }

    /// Begins a section, or goes on with one; its index.
    fn header(&mut self, name: &str, marks: &[Mark<'_>], at: At) -> Result<usize, Problem> {
        let mut fresh = Section {
            name: name.to_owned(),
            is_template: false,
            at,
            settings: Vec::new(),
        };
        let mut added_to = None;
        for mark in marks {
            let section = match added_to {
                Some(index) => &mut self.document.sections[index],
                None => &mut fresh,
            };
            match *mark {
                Mark::Template => section.is_template = true,
                Mark::Inherit(base) => self.inherit(base, added_to, &mut fresh)?,
                Mark::Add(among) => {
                    let index = self.find(name, |section| among.admits(section.is_template));
                    let index = index.ok_or_else(|| Problem::NothingToAddTo(name.to_owned()))?;
                    let section = &mut self.document.sections[index];
                    section.is_template |= fresh.is_template;
                    section.settings.append(&mut fresh.settings);
                    added_to = Some(index);
                }
            }
        }
        match added_to {
            Some(index) => Ok(index),
            None => self.push(fresh),
        }
    }

    fn push(&mut self, section: Section) -> Result<usize, Problem> {
        let index = self.document.sections.len();
        within(index + 1, "sections", SECTIONS_MAX)?;
        let key = section.name.to_ascii_lowercase();
        self.by_name.entry(key).or_default().push(index);
        self.document.sections.push(section);
        Ok(index)
    }

    /// The first section of this name that will do.
    fn find(&self, name: &str, will_do: impl Fn(&Section) -> bool) -> Option<usize> {
        let same = self.by_name.get(&name.to_ascii_lowercase())?;
        let mut same = same.iter().copied();
        same.find(|index| will_do(&self.document.sections[*index]))
    }

    /// Copies what the base says to the end of the section.
    fn inherit(
        &mut self,
        base: &str,
        added_to: Option<usize>,
        fresh: &mut Section,
    ) -> Result<(), Problem> {
        let index = self.find(base, |_| true);
        let index = index.ok_or_else(|| Problem::NothingToInherit(base.to_owned()))?;
        let inherited = self.document.sections[index].settings.clone();
        self.settings += inherited.len();
        within(
            self.settings,
            "options in all, inherited ones too",
            SETTINGS_MAX,
        )?;
        let section = match added_to {
            Some(index) => &mut self.document.sections[index],
            None => fresh,
        };
        within(
            section.settings.len() + inherited.len(),
            "options in a section, inherited ones too",
            SECTION_SETTINGS_MAX,
        )?;
        section.settings.extend(inherited);
        Ok(())
    }

    fn set(&mut self, into: Into, key: &str, value: &str, at: At) -> Result<(), Problem> {
        let Some(section) = self.section(into)? else {
            return Ok(());
        };
        let count = section.settings.len() + 1;
        within(
            count,
            "options in a section, inherited ones too",
            SECTION_SETTINGS_MAX,
        )?;
        section.settings.push(Setting {
            key: key.into(),
            value: value.into(),
            at,
            earlier: Vec::new(),
        });
        self.settings += 1;
        within(
            self.settings,
            "options in all, inherited ones too",
            SETTINGS_MAX,
        )
    }

    /// Lengthens the last value of this key, which may be an inherited one.
    fn append(&mut self, into: Into, key: &str, value: &str, at: At) -> Result<(), Problem> {
        let Some(section) = self.section(into)? else {
            return Ok(());
        };
        let mut same = section.settings.iter_mut().rev();
        let Some(setting) = same.find(|setting| *setting.key == *key) else {
            return self.set(into, key, line::strip(value), at);
        };
        let longer = format!("{}{value}", setting.value);
        let longer = line::strip(&longer);
        within(longer.len(), "octets in a value", LINE_OCTETS_MAX)?;
        setting.value = longer.into();
        setting
            .earlier
            .push(core::mem::replace(&mut setting.at, at));
        Ok(())
    }

    fn section(&mut self, into: Into) -> Result<Option<&mut Section>, Problem> {
        match into {
            Into::Nothing => Err(Problem::NoSection),
            Into::Section(index) => Ok(Some(&mut self.document.sections[index])),
            Into::Wrong => Ok(None),
        }
    }

    fn include(&mut self, wanted: &str, required: bool) -> Result<(), Stop> {
        within(
            self.open.len() + 1,
            "files in each other",
            INCLUDE_DEPTH_MAX,
        )?;
        let cannot = |why| Problem::CannotInclude {
            file: wanted.to_owned(),
            why,
        };
        let sources = self.files.sources(wanted).map_err(cannot)?;
        if sources.is_empty() && required {
            return Err(cannot("there is no such file".to_owned()).into());
        }
        for source in sources {
            if self.open.contains(&source.name) {
                return Err(Problem::Cycle(source.name).into());
            }
            within(self.document.files.len() + 1, "files", FILES_MAX)?;
            self.file(source)?;
        }
        Ok(())
    }
}

/// What some editors put before the first character.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a line is not read.
enum Stop {
    /// It is wrong.
    Line(Problem),
    /// There are errors enough.
    All,
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Stop::Line(problem)
    }
}

impl From<Enough> for Stop {
    fn from(Enough: Enough) -> Self {
        Stop::All
    }
}

fn within(count: usize, what: &'static str, max: usize) -> Result<(), Problem> {
    if count > max {
        return Err(Problem::TooMuch { what, max });
    }
    Ok(())
}
