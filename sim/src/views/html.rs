//! A log as one page of HTML that needs no network and no other file. What it looks like is in `page.html`, `page.css` and the
//! scripts beside it; here the log becomes the columns of numbers that `page_log.js` reads.
//!
//! A text is written once, however often it is said, and a row is drawn when it is in view, so that a million entries stay usable.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::entry::{Datagram, Entry, Fate};
use super::log::EventLog;
use crate::plan::Actor;
use crate::schedule::ThreadId;

const PAGE: &str = include_str!("page.html");
const PARTS: [(&str, &str); 4] = [
    ("@STYLE@", include_str!("page.css")),
    ("@LOG@", include_str!("page_log.js")),
    ("@DIAGRAM@", include_str!("page_diagram.js")),
    ("@PAGE@", include_str!("page.js")),
];

/// Writes the page. `title` says which world it is, `verdict` what became of it.
///
/// # Errors
///
/// Those of the writer.
pub fn write(log: &EventLog, title: &str, verdict: &str, to: &mut dyn Write) -> io::Result<()> {
    let mut page = PAGE.to_owned();
    for (mark, part) in PARTS {
        page = page.replacen(mark, part.trim_end(), 1);
    }
    let (before, behind) = page
        .split_once("@DATA@")
        .expect("the page has a place for data");
    to.write_all(before.as_bytes())?;
    data(log, title, verdict, &mut Escaped(to))?;
    to.write_all(behind.as_bytes())
}

/// No text can end the element that it is in, or begin another: JSON has a `<` in texts only, where it may be written so.
struct Escaped<'a>(&'a mut dyn Write);

impl Write for Escaped<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut parts = octets.split(|octet| *octet == b'<');
        if let Some(first) = parts.next() {
            self.0.write_all(first)?;
        }
        for part in parts {
            self.0.write_all(b"\\u003c")?;
            self.0.write_all(part)?;
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Texts by number, counted from 1; 0 is none.
#[derive(Default)]
struct Names {
    numbers: BTreeMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        self.names.push(name.to_owned());
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.to_owned(), number);
        number
    }
}

/// What is said in words.
#[derive(Default)]
struct Dictionary {
    kinds: Names,
    texts: Names,
    subjects: Names,
    addresses: Names,
}

fn data(log: &EventLog, title: &str, verdict: &str, to: &mut dyn Write) -> io::Result<()> {
    let mut words = Dictionary::default();
    to.write_all(b"{")?;
    columns(log, &mut words, to)?;
    list(to, "kinds", &words.kinds.names)?;
    list(to, "texts", &words.texts.names)?;
    list(to, "subjects", &words.subjects.names)?;
    list(to, "addresses", &words.addresses.names)?;
    list(to, "fates", &Fate::ALL.map(|fate| fate.word()))?;
    let names: Vec<String> = log.actors.iter().map(ToString::to_string).collect();
    list(to, "actors", &names)?;
    let threads: Vec<_> = log.threads.iter().map(|it| thread(log, *it)).collect();
    list(to, "threads", &threads)?;
    write!(
        to,
        "\"title\":{},\"verdict\":{}}}",
        json(title)?,
        json(verdict)?
    )
}

fn thread(log: &EventLog, thread: ThreadId) -> serde_json::Value {
    let actor = actor_number(log, Some(Actor::Server(thread.server)));
    serde_json::json!({ "name": thread.to_string(), "actor": actor })
}

fn json(text: &str) -> io::Result<String> {
    Ok(serde_json::to_string(text)?)
}

fn list(to: &mut dyn Write, name: &str, list: &impl serde::Serialize) -> io::Result<()> {
    writeln!(to, "\"{name}\":{},", serde_json::to_string(list)?)
}

/// A number for each entry; for what is about datagrams, one for each that is about one.
fn columns(log: &EventLog, words: &mut Dictionary, to: &mut dyn Write) -> io::Result<()> {
    let all = || log.entries.iter();
    let about = || all().filter_map(|entry| entry.what.datagram());
    column(to, "event", deltas(all().map(|entry| entry.event)))?;
    column(to, "at", deltas(all().map(|entry| entry.at.as_micros())))?;
    column(
        to,
        "actor",
        all().map(|entry| actor_number(log, entry.actor)),
    )?;
    column(to, "thread", all().map(|entry| thread_number(log, entry)))?;
    column(
        to,
        "kind",
        all().map(|entry| words.kinds.number(entry.what.word()).into()),
    )?;
    column(
        to,
        "text",
        all().map(|entry| words.texts.number(&entry.text).into()),
    )?;
    let subject = |entry: &Entry| {
        entry
            .subject()
            .map_or(0, |it| words.subjects.number(&it).into())
    };
    column(to, "subject", all().map(subject))?;
    column(to, "datagram", about().map(|it| it.datagram))?;
    column(to, "to", about().map(|it| actor_number(log, it.to)))?;
    column(to, "fate", about().map(|it| it.fate as u64))?;
    let mut address = |at: core::net::SocketAddr| words.addresses.number(&at.to_string()).into();
    column(to, "source", about().map(|it| address(it.source)))?;
    column(to, "destination", about().map(|it| address(it.destination)))?;
    column(
        to,
        "octets",
        about().map(|it: &Datagram| it.octets.len() as u64),
    )
}

fn column(to: &mut dyn Write, name: &str, numbers: impl Iterator<Item = u64>) -> io::Result<()> {
    write!(to, "\"{name}\":[")?;
    for (nth, number) in numbers.enumerate() {
        let separator = if nth == 0 { "" } else { "," };
        write!(to, "{separator}{number}")?;
    }
    to.write_all(b"],\n")
}

/// What each number is more than the one before: they only grow.
fn deltas(numbers: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    let mut before = 0;
    numbers.map(move |number| number.saturating_sub(core::mem::replace(&mut before, number)))
}

fn actor_number(log: &EventLog, actor: Option<Actor>) -> u64 {
    let place = actor.and_then(|actor| log.actors.iter().position(|it| *it == actor));
    place.map_or(0, |place| place as u64 + 1)
}

fn thread_number(log: &EventLog, entry: &Entry) -> u64 {
    let threads = &log.threads;
    let place = entry
        .thread
        .and_then(|id| threads.iter().position(|it| *it == id));
    place.map_or(0, |place| place as u64 + 1)
}
