//! A log as Chrome's trace format, which <https://ui.perfetto.dev> and `chrome://tracing` read: tracks over simulated time, in
//! microseconds, with the number of the event in the arguments of everything.
//!
//! - A process for each node, and in it a track for each thread, or one for all that it does; jobs of threads are slices of it.
//! - Asynchronous tracks: calls of a server, contacts of accounts, lives of objects. One that is never told to end ends with the log.
//! - Counters: what endpoints and directories count. Arrows: datagrams, from where they are sent to where they arrive.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use iaxproof::time::Instant;
use serde_json::{Value, json};

use super::entry::{Datagram, Entry, Fate, What};
use super::log::EventLog;
use crate::plan::Actor;

/// The process of what is nobody's.
const WORLD: usize = 0;
/// The track of what no thread does.
const NODE: usize = 0;

/// Writes the trace.
///
/// # Errors
///
/// Those of the writer.
pub fn write(log: &EventLog, to: &mut dyn Write) -> io::Result<()> {
    let mut trace = Trace {
        log,
        to,
        is_first: true,
        open: BTreeMap::new(),
        jobs: BTreeSet::new(),
    };
    trace
        .to
        .write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
    trace.name_tracks()?;
    for entry in &log.entries {
        trace.entry(entry)?;
    }
    if let Some(last) = log.entries.last() {
        trace.close_all(last, |_| true)?;
    }
    trace.to.write_all(b"\n]}\n")
}

/// A span that is open: its category, whose it is, and what it is of.
type Span = (&'static str, usize, String);

struct Trace<'a> {
    log: &'a EventLog,
    to: &'a mut dyn Write,
    is_first: bool,
    open: BTreeMap<Span, String>,
    /// The tracks that are in the middle of a job.
    jobs: BTreeSet<(usize, usize)>,
}

impl Trace<'_> {
    fn put(&mut self, event: &Value) -> io::Result<()> {
        let separator: &[u8] = if self.is_first { b"\n" } else { b",\n" };
        self.is_first = false;
        self.to.write_all(separator)?;
        Ok(serde_json::to_writer(&mut *self.to, event)?)
    }

    fn name_tracks(&mut self) -> io::Result<()> {
        let log = self.log;
        self.name("process_name", WORLD, NODE, "world")?;
        for actor in &log.actors {
            let pid = self.process(Some(*actor));
            self.name("process_name", pid, NODE, &actor.to_string())?;
            self.name("thread_name", pid, NODE, "node")?;
        }
        for thread in &log.threads {
            let pid = self.process(Some(Actor::Server(thread.server)));
            self.name(
                "thread_name",
                pid,
                thread.role.place() + 1,
                &thread.to_string(),
            )?;
        }
        Ok(())
    }

    fn name(&mut self, what: &str, pid: usize, tid: usize, name: &str) -> io::Result<()> {
        let args = json!({ "name": name });
        self.put(&json!({ "ph": "M", "name": what, "pid": pid, "tid": tid, "args": args }))
    }

    fn process(&self, actor: Option<Actor>) -> usize {
        let place = actor.and_then(|actor| self.log.actors.iter().position(|it| *it == actor));
        place.map_or(WORLD, |place| place + 1)
    }

    fn track(&self, entry: &Entry) -> (usize, usize) {
        let tid = entry.thread.map_or(NODE, |thread| thread.role.place() + 1);
        (self.process(entry.actor), tid)
    }

    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        match &entry.what {
            What::Sent(datagram) => self.datagram(entry, datagram, "s"),
            What::Arrived(datagram) => self.datagram(entry, datagram, "f"),
            What::JobBegan => self.job(entry, "B"),
            What::JobEnded => self.job(entry, "E"),
            What::Told {
                call: Some(call),
                ends,
            } => self.call(entry, call, *ends),
            What::Restarted => {
                let pid = self.process(entry.actor);
                self.close_all(entry, |span| span.0 == "call" && span.1 == pid)?;
                self.instant(entry)
            }
            What::Contact { account, address } => self.contact(entry, *account, *address),
            What::Counts {
                calls,
                registrations,
                timers,
                outstanding,
            } => {
                let counts = json!({ "calls": calls, "registrations": registrations, "timers": timers, "unacknowledged": outstanding });
                self.counter(entry, "endpoint", &counts)
            }
            What::Objects { live, references } => {
                let counts = json!({ "objects": live, "references": references.unwrap_or(0) });
                self.counter(entry, "directory", &counts)
            }
            What::Step {
                object: Some(object),
                references,
                destroys,
            } => self.step(entry, object, *references, *destroys),
            _ => self.instant(entry),
        }
    }

    /// A slice of no length, which has a name and can be clicked.
    fn instant(&mut self, entry: &Entry) -> io::Result<()> {
        let (pid, tid) = self.track(entry);
        let args = json!({ "event": entry.event });
        let scope = if pid == WORLD { "g" } else { "t" };
        self.put(&json!({
            "ph": "i", "s": scope, "name": entry.text, "cat": entry.what.word(),
            "ts": ts(entry), "pid": pid, "tid": tid, "args": args,
        }))
    }

    fn datagram(&mut self, entry: &Entry, datagram: &Datagram, arrow: &str) -> io::Result<()> {
        let (pid, tid) = self.track(entry);
        let args = json!({
            "event": entry.event, "datagram": datagram.datagram, "fate": datagram.fate,
            "source": datagram.source, "destination": datagram.destination,
            "octets": datagram.octets.len(),
        });
        let fault = match datagram.fate {
            Fate::Delivered => String::new(),
            fate => format!("{} ", fate.word().to_uppercase()),
        };
        let (name, ts) = (format!("{fault}{}", entry.text), ts(entry));
        self.put(&json!({
            "ph": "X", "dur": 1, "name": name, "cat": entry.what.word(),
            "ts": ts, "pid": pid, "tid": tid, "args": args,
        }))?;
        // The end of an arrow binds to the slice that encloses it.
        self.put(&json!({
            "ph": arrow, "bp": "e", "name": "datagram", "cat": "datagram", "id": datagram.datagram,
            "ts": ts, "pid": pid, "tid": tid,
        }))
    }

    fn job(&mut self, entry: &Entry, phase: &str) -> io::Result<()> {
        let (pid, tid) = self.track(entry);
        let began = match phase {
            "B" => self.jobs.insert((pid, tid)),
            _ => self.jobs.remove(&(pid, tid)),
        };
        if !began {
            return Ok(());
        }
        self.put(&json!({
            "ph": phase, "name": entry.text, "cat": "job",
            "ts": ts(entry), "pid": pid, "tid": tid, "args": { "event": entry.event },
        }))
    }

    fn call(&mut self, entry: &Entry, call: &str, ends: bool) -> io::Result<()> {
        let span = ("call", self.process(entry.actor), call.to_owned());
        self.open(entry, &span, format!("call {call}"))?;
        self.instant(entry)?;
        match ends {
            true => self.close(entry, &span),
            false => Ok(()),
        }
    }

    fn contact(
        &mut self,
        entry: &Entry,
        account: u8,
        address: Option<SocketAddr>,
    ) -> io::Result<()> {
        let span = ("contact", self.process(entry.actor), format!("p{account}"));
        self.close(entry, &span)?;
        match address {
            Some(_) => self.open(entry, &span, entry.text.clone()),
            None => Ok(()),
        }
    }

    fn step(
        &mut self,
        entry: &Entry,
        object: &str,
        references: Option<usize>,
        destroys: bool,
    ) -> io::Result<()> {
        let span = ("object", WORLD, object.to_owned());
        if references.is_some() {
            self.open(entry, &span, object.to_owned())?;
        }
        if destroys {
            self.close(entry, &span)?;
        }
        self.instant(entry)
    }

    fn open(&mut self, entry: &Entry, span: &Span, name: String) -> io::Result<()> {
        if self.open.contains_key(span) {
            return Ok(());
        }
        self.span(entry, span, "b", &name)?;
        self.open.insert(span.clone(), name);
        Ok(())
    }

    fn close(&mut self, entry: &Entry, span: &Span) -> io::Result<()> {
        match self.open.remove(span) {
            Some(name) => self.span(entry, span, "e", &name),
            None => Ok(()),
        }
    }

    fn close_all(&mut self, entry: &Entry, of: impl Fn(&Span) -> bool) -> io::Result<()> {
        let spans: Vec<Span> = self.open.keys().filter(|it| of(it)).cloned().collect();
        spans.iter().try_for_each(|span| self.close(entry, span))
    }

    fn span(&mut self, entry: &Entry, span: &Span, phase: &str, name: &str) -> io::Result<()> {
        let (category, pid, id) = span;
        self.put(&json!({
            "ph": phase, "name": name, "cat": category, "id": format!("{pid} {id}"),
            "ts": ts(entry), "pid": pid, "tid": NODE, "args": { "event": entry.event },
        }))
    }

    fn counter(&mut self, entry: &Entry, name: &str, counts: &Value) -> io::Result<()> {
        let pid = self.process(entry.actor);
        self.put(&json!({
            "ph": "C", "name": name, "ts": ts(entry), "pid": pid, "args": counts,
        }))
    }
}

fn ts(entry: &Entry) -> u64 {
    Instant::as_micros(entry.at)
}
