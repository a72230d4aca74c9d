//! A certificate from a file. A file that is none is refused with the line and the field.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

use super::{Certificate, Entry, Name, SCHEMA};

#[derive(Deserialize)]
struct Head {
    schema: u32,
}

impl Certificate {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for what is no certificate, or one of another schema.
    pub(crate) fn read(file: &Path) -> Result<(Self, Name), Error> {
        let refused = |why: String| Error::Usage(format!("{}: {why}", file.display()));
        let text = std::fs::read_to_string(file)
            .map_err(|error| refused(format!("no certificate that can be read: {error}")))?;
        let certificate = parse(&text).map_err(refused)?;
        Ok((certificate, Name::of(&text)))
    }
}

fn parse(text: &str) -> Result<Certificate, String> {
    // The schema first: a file of another one has other fields.
    let Head { schema } = read(text)?;
    if schema != SCHEMA {
        return Err(format!(
            "line {}, `schema`: this certificate has schema {schema}, this build reads schema {SCHEMA}",
            line_that_begins(text, "schema").unwrap_or(1)
        ));
    }
    let certificate: Certificate = read(text)?;
    let (says, has) = (certificate.scenarios, certificate.scenario.len());
    if says != has || has == 0 {
        return Err(format!(
            "line {}, `scenarios`: it says {says}, and {has} are in the file",
            line_that_begins(text, "scenarios").unwrap_or(1)
        ));
    }
    match twice(&certificate) {
        Some(nth) => Err(format!(
            "`scenario.name`: scenario {} is there twice",
            nth + 1
        )),
        None => Ok(certificate),
    }
}

/// The first that was there before.
fn twice(certificate: &Certificate) -> Option<usize> {
    let entries = &certificate.scenario;
    let same = |a: &Entry, b: &Entry| (&a.name, a.design) == (&b.name, b.design);
    (0..entries.len()).find(|&nth| entries[..nth].iter().any(|it| same(it, &entries[nth])))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let (number, line) = line_at(text, at);
        let message = error.message();
        match line.split_once('=') {
            Some((field, _)) => format!("line {number}, `{}`: {message}", field.trim()),
            None => format!("line {number}, `{}`: {message}", line.trim()),
        }
    })
}

/// The line that an octet is in, and its number.
fn line_at(text: &str, at: usize) -> (usize, &str) {
    let before = text.get(..at).unwrap_or(text);
    let number = before.matches('\n').count();
    (number + 1, text.lines().nth(number).unwrap_or_default())
}

fn line_that_begins(text: &str, word: &str) -> Option<usize> {
    let is_it = |line: &str| {
        line.split_once('=')
            .is_some_and(|(field, _)| field.trim() == word)
    };
    text.lines().position(is_it).map(|at| at + 1)
}
