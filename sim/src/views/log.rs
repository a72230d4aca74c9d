//! The log of a run: everything that its observers are told, in its order. What a view makes of it is each view's.
//!
//! Contacts and counts are put down where they change. A secret that a client sends in clear is blanked wherever that datagram is
//! seen, also where it arrives damaged.

use core::net::SocketAddr;
use core::ops::Range;
use core::panic::Location;
use std::collections::BTreeMap;
use std::io::{self, Write};

use iaxproof::engine::Calling;
use iaxproof::engine::counts::Counts;
use iaxproof::engine::event::{CallId, Event};
use iaxproof::time::Instant;

use super::entry::{Datagram, Entry, What};
use crate::checkers::Violation;
use crate::checkers::secret_unsent::SECRET;
use crate::fact::{ContactSeen, Fact, Passage};
use crate::plan::{Actor, ENGINE, Plan};
use crate::schedule::ThreadId;
use crate::trace::{self, line};

/// What stands where a secret stood.
const BLANK: u8 = b'*';

/// Everything that happened in a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventLog {
    /// The nodes, in the order of their lanes.
    pub actors: Vec<Actor>,
    /// The threads of servers, where the world has them.
    pub threads: Vec<ThreadId>,
    /// What happened, in its order.
    pub entries: Vec<Entry>,
}

impl EventLog {
    /// The log of a plan that is not yet run.
    pub fn new(plan: &Plan) -> Self {
        let threads = match plan.engine == ENGINE {
            true => Vec::new(),
            false => ThreadId::all(&plan.topology).collect(),
        };
        EventLog {
            actors: plan.topology.actors(),
            threads,
            entries: Vec::new(),
        }
    }

    /// Writes a line of JSON for each entry.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_json_lines(&self, to: &mut dyn Write) -> io::Result<()> {
        for entry in &self.entries {
            serde_json::to_writer(&mut *to, entry)?;
            to.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// Puts down what happens.
#[derive(Debug)]
pub(crate) struct Recorder {
    log: EventLog,
    /// Where the secrets of a datagram are that has any.
    blanks: BTreeMap<u64, Vec<Range<usize>>>,
    /// Where accounts were last seen, by server and account.
    contacts: BTreeMap<(u8, u8), Option<SocketAddr>>,
    /// What the endpoints of servers last counted, by server and worker.
    workers: BTreeMap<(u8, u8), Counts>,
    /// What was last counted, by server, and whether by its directory.
    counted: BTreeMap<(u8, bool), What>,
    thread: Option<ThreadId>,
}

impl Recorder {
    pub(crate) fn new(plan: &Plan) -> Self {
        Recorder {
            log: EventLog::new(plan),
            blanks: BTreeMap::new(),
            contacts: BTreeMap::new(),
            workers: BTreeMap::new(),
            counted: BTreeMap::new(),
            thread: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.log.entries.len()
    }

    pub(crate) fn into_log(self) -> EventLog {
        self.log
    }

    /// What follows is a thread's doing, or nobody's.
    pub(crate) fn set_thread(&mut self, thread: Option<ThreadId>) {
        self.thread = thread;
    }

    /// Puts a fact down. `datagram` is the number of the one that it is about.
    #[track_caller]
    pub(crate) fn fact(&mut self, (event, now): (u64, Instant), fact: &Fact<'_>, datagram: u64) {
        match fact {
            Fact::Contacts { server, contacts } => self.contacts((event, now), *server, contacts),
            Fact::Counted {
                server,
                worker,
                counts,
                ..
            } => {
                self.workers.insert((*server, *worker), **counts);
                let its = self.workers.range((*server, 0)..=(*server, u8::MAX));
                let all = its.fold(Counts::default(), |all, (_, counts)| all + *counts);
                self.counted((event, now), *server, false, counted(&all));
            }
            fact => {
                let Some(line) = line(event, now, fact) else {
                    return;
                };
                let what = self.what(fact, datagram);
                let text = match passage(fact) {
                    Some(passage) => trace::shown(passage),
                    None => line.text,
                };
                self.push((event, now), line.actor, what, text);
            }
        }
    }

    /// A property was broken.
    #[track_caller]
    pub(crate) fn failed(&mut self, when: (u64, Instant), violation: &Violation) {
        let property = violation.property;
        let text = format!("{property}: {}", violation.message);
        self.push(when, None, What::Failed { property }, text);
    }

    /// A thread took a job up, or is done with it.
    #[track_caller]
    pub(crate) fn job(&mut self, when: (u64, Instant), thread: ThreadId, what: What, text: &str) {
        let before = self.thread.replace(thread);
        let server = Actor::Server(thread.server);
        self.push(when, Some(server), what, text.to_owned());
        self.thread = before;
    }

    /// What a directory counts now.
    #[track_caller]
    pub(crate) fn objects(
        &mut self,
        when: (u64, Instant),
        server: u8,
        live: usize,
        references: Option<usize>,
    ) {
        let what = What::Objects { live, references };
        self.counted(when, server, true, what);
    }

    #[track_caller]
    fn contacts(&mut self, when: (u64, Instant), server: u8, contacts: &[ContactSeen]) {
        for seen in contacts {
            let account = seen.account;
            let address = seen.contact.map(|contact| contact.address);
            let before = self.contacts.insert((server, account), address);
            if before.unwrap_or_default() != address {
                let text = address.map_or_else(|| "nowhere".to_owned(), |at| at.to_string());
                let what = What::Contact { account, address };
                let text = format!("p{account} {text}");
                self.push(when, Some(Actor::Server(server)), what, text);
            }
        }
    }

    #[track_caller]
    fn counted(&mut self, when: (u64, Instant), server: u8, is_directory: bool, what: What) {
        let before = self.counted.insert((server, is_directory), what.clone());
        if before.as_ref() != Some(&what) {
            let text = counts_text(&what);
            self.push(when, Some(Actor::Server(server)), what, text);
        }
    }

    fn what(&mut self, fact: &Fact<'_>, datagram: u64) -> What {
        match fact {
            Fact::Sent(passage) => What::Sent(self.sent(datagram, passage)),
            Fact::Arrived(passage) => What::Arrived(self.arrived(datagram, passage)),
            Fact::Told { event, .. } => told(call_of(event), matches!(event, Event::Ended { .. })),
            Fact::Dialled {
                outcome: Ok(Calling::Call(call)),
                ..
            } => told(Some(*call), false),
            Fact::Restarted { .. } => What::Restarted,
            _ => What::Done,
        }
    }

    fn sent(&mut self, datagram: u64, passage: &Passage<'_>) -> Datagram {
        let secrets = secrets(passage.datagram);
        if !secrets.is_empty() {
            self.blanks.insert(datagram, secrets);
        }
        self.arrived(datagram, passage)
    }

    fn arrived(&self, datagram: u64, passage: &Passage<'_>) -> Datagram {
        let mut octets = passage.datagram.to_vec();
        for secret in self.blanks.get(&datagram).into_iter().flatten() {
            let end = secret.end.min(octets.len());
            octets[secret.start.min(end)..end].fill(BLANK);
        }
        Datagram::new(datagram, passage, octets)
    }

    #[track_caller]
    fn push(
        &mut self,
        (event, at): (u64, Instant),
        actor: Option<Actor>,
        what: What,
        text: String,
    ) {
        let is_servers = |thread: &ThreadId| actor == Some(Actor::Server(thread.server));
        self.log.entries.push(Entry {
            event,
            at,
            actor,
            thread: self.thread.filter(is_servers),
            what,
            text,
            told_at: Some(Location::caller()),
        });
    }
}

const fn passage<'a, 'b>(fact: &'b Fact<'a>) -> Option<&'b Passage<'a>> {
    match fact {
        Fact::Sent(passage) | Fact::Arrived(passage) => Some(passage),
        _ => None,
    }
}

/// Where secrets are: the word that each has, and the digits behind it.
fn secrets(octets: &[u8]) -> Vec<Range<usize>> {
    let begins = octets.windows(SECRET.len()).enumerate();
    let begins = begins.filter(|(_, it)| *it == SECRET);
    begins
        .map(|(at, _)| {
            let rest = octets[at + SECRET.len()..].iter();
            let digits = rest.take_while(|it| it.is_ascii_alphanumeric() || **it == b'-');
            at..at + SECRET.len() + digits.count()
        })
        .collect()
}

fn told(call: Option<CallId>, ends: bool) -> What {
    let call = call.map(|call| call.to_string());
    What::Told { call, ends }
}

fn call_of(event: &Event) -> Option<CallId> {
    match event {
        Event::Authenticated { call, .. }
        | Event::Requested { call, .. }
        | Event::Incoming { call, .. }
        | Event::Accepted { call, .. }
        | Event::Answered { call }
        | Event::Called { call: Ok(call), .. }
        | Event::Control { call, .. }
        | Event::Voice { call, .. }
        | Event::Video { call, .. }
        | Event::DtmfBegin { call, .. }
        | Event::Dtmf { call, .. }
        | Event::Quelched { call, .. }
        | Event::Unquelched { call }
        | Event::Text { call, .. }
        | Event::Ended { call, .. }
        | Event::Transferred { call, .. }
        | Event::TransferFailed { call } => Some(*call),
        _ => None,
    }
}

fn counted(counts: &Counts) -> What {
    What::Counts {
        calls: counts.calls,
        registrations: counts.registrations,
        timers: counts.timers,
        outstanding: counts.frames_outstanding,
    }
}

fn counts_text(what: &What) -> String {
    match what {
        What::Counts {
            calls,
            registrations,
            timers,
            outstanding,
        } => format!(
            "calls {calls}, registrations {registrations}, timers {timers}, unacknowledged {outstanding}"
        ),
        What::Objects { live, references } => match references {
            Some(references) => format!("objects {live}, references {references}"),
            None => format!("objects {live}"),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Mark;

    fn passage(datagram: &[u8]) -> Passage<'_> {
        Passage {
            from: Actor::Client(0),
            to: Some(Actor::Server(0)),
            source: SocketAddr::from(([192, 0, 2, 1], 4569)),
            destination: SocketAddr::from(([192, 0, 2, 2], 4569)),
            datagram,
            frame: None,
            is_sealed: false,
            mark: Mark::Damaged,
        }
    }

    #[test]
    fn a_secret_is_blanked_where_it_is_sent_and_where_it_arrives_damaged_or_cut() {
        let mut recorder = Recorder::new(&Plan::from_seed(0));
        let when = (1, Instant::ZERO);
        let sent = passage(b"ab secret-12\x06cd");
        recorder.fact(when, &Fact::Sent(sent), 7);
        for damaged in [&b"ab sexret-12\x06cd"[..], b"ab secret-1"] {
            recorder.fact(when, &Fact::Arrived(passage(damaged)), 7);
        }
        let entries = recorder.into_log().entries;
        let octets: Vec<_> = entries
            .iter()
            .filter_map(|it| Some(&it.what.datagram()?.octets[..]))
            .collect();
        let whole = &b"ab *********\x06cd"[..];
        assert_eq!(octets, [whole, whole, b"ab ********"]);
    }
}
