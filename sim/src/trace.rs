//! The trace of a world: a rolling hash over everything that happens, and, where asked for, a timeline for people: a line per
//! event, a column per node.

use core::fmt::Write as _;

use iaxproof::time::Instant;
use iaxproof::wire::{Body, FullFrame};

use crate::decide::mix;
use crate::fact::{Fact, Mark, Passage};
use crate::plan::Actor;

/// The widest line of a timeline, in characters.
pub const WIDTH_MAX: usize = 140;

/// Hashes what happens. Not a cryptographic hash: it tells two runs apart, not two adversaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceHash(u64);

impl TraceHash {
    /// Takes a number in.
    pub const fn number(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    /// Takes octets in, their number too.
    pub fn octets(&mut self, octets: &[u8]) {
        self.number(octets.len() as u64);
        let (words, rest) = octets.as_chunks::<8>();
        for word in words {
            self.number(u64::from_le_bytes(*word));
        }
        for octet in rest {
            self.number(u64::from(*octet));
        }
    }

    /// The hash so far.
    pub const fn finish(self) -> u64 {
        mix(self.0)
    }

    /// Takes a fact in.
    pub fn fact(&mut self, now: Instant, fact: &Fact<'_>) {
        self.number(now.as_micros());
        match fact {
            Fact::Sent(passage) => self.passage(1, passage),
            Fact::Arrived(passage) => self.passage(2, passage),
            Fact::Told { server, event } => {
                self.number(3 + (u64::from(*server) << 8));
                self.event(event);
            }
            Fact::Took(taken) => {
                self.number(4);
                self.number(taken.digest);
            }
            Fact::Contacts { contacts, .. } => {
                self.number(5);
                for seen in *contacts {
                    let deadline = seen.contact.and_then(|contact| contact.deadline);
                    self.number(deadline.map_or(u64::from(seen.account), Instant::as_micros));
                }
            }
            Fact::Counted { counts, .. } => {
                self.number(6);
                let sizes = [counts.calls, counts.registrations, counts.timers];
                sizes.into_iter().for_each(|size| self.number(size as u64));
            }
            Fact::Dialled {
                account, outcome, ..
            } => {
                self.number(8 + (u64::from(*account) << 8));
                self.octets(format!("{outcome:?}").as_bytes());
            }
            Fact::Read { text, .. } => {
                self.number(9);
                self.octets(text);
            }
            _ => self.number(7),
        }
    }

    fn passage(&mut self, tag: u64, passage: &Passage<'_>) {
        self.number(tag + (u64::from(passage.destination.port()) << 8));
        self.number(u64::from(passage.source.port()));
        self.octets(passage.datagram);
    }

    fn event(&mut self, event: &iaxproof::engine::event::Event) {
        use iaxproof::engine::event::Event;
        match event {
            Event::Registered {
                name,
                deadline,
                generation,
                ..
            } => {
                self.octets(name.as_str().as_bytes());
                self.number(deadline.as_micros());
                self.number(generation.0);
            }
            Event::Released { name } | Event::Expired { name } => {
                self.octets(name.as_str().as_bytes());
            }
            Event::Voice { call, data, .. }
            | Event::Video { call, data, .. }
            | Event::Text { call, text: data } => {
                self.number(call.serial());
                self.octets(data);
            }
            Event::Authenticated { call, serial, .. }
            | Event::Requested { call, serial, .. }
            | Event::Incoming { call, serial, .. } => {
                self.number(call.serial());
                self.number(*serial);
            }
            // The rarer ones, all of what they say: values print the same in every process.
            event => self.octets(format!("{event:?}").as_bytes()),
        }
    }
}

/// What a reliable frame says, without the numbers that change from one transmission to the next.
pub fn digest(frame: &FullFrame<'_>) -> u64 {
    let mut hash = TraceHash::default();
    hash.number(u64::from(frame.body.frame_type()));
    hash.number(u64::from(frame.body.subclass()));
    hash.number(u64::from(frame.timestamp.0));
    match &frame.body {
        Body::Iax { ies, .. } => hash.octets(ies.octets()),
        body => hash.octets(body.data()),
    }
    hash.finish()
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// In which event, counted from 1; 0 is the begin of the world.
    pub event: u64,
    /// When.
    pub at: Instant,
    /// Whose column.
    pub actor: Option<Actor>,
    /// What.
    pub text: String,
    /// Whether this is where a property failed.
    pub is_failure: bool,
}

/// The line of a fact, or `None` where it is only of interest to checkers.
pub(crate) fn line(event: u64, now: Instant, fact: &Fact<'_>) -> Option<Line> {
    let (actor, text) = match fact {
        Fact::Sent(passage) => (Some(passage.from), sent(passage)),
        Fact::Arrived(passage) => (passage.to, format!("<- {}", shown(passage))),
        Fact::Told { server, event } => (Some(Actor::Server(*server)), told(event)),
        Fact::Dialled {
            server,
            account,
            outcome,
            ..
        } => (
            Some(Actor::Server(*server)),
            format!("call p{account}: {outcome:?}"),
        ),
        Fact::Bridged {
            server,
            calls: [a, b],
        } => (Some(Actor::Server(*server)), format!("bridge {a} {b}")),
        Fact::Unbridged { server, call } => {
            (Some(Actor::Server(*server)), format!("unbridge {call}"))
        }
        Fact::Reloading { server, .. } => (Some(Actor::Server(*server)), "reload begins".into()),
        Fact::Reloaded { server, .. } => (Some(Actor::Server(*server)), "reload".into()),
        Fact::Unregistered { server, account } => (
            Some(Actor::Server(*server)),
            format!("unregister p{account}"),
        ),
        Fact::RowEdited {
            server,
            account,
            row,
        } => (
            Some(Actor::Server(*server)),
            format!("row p{account} {row:?}"),
        ),
        Fact::NotStored { server, account } => (
            Some(Actor::Server(*server)),
            format!("p{account} will not be stored"),
        ),
        Fact::Restarted { server, .. } => (Some(Actor::Server(*server)), "restart".into()),
        Fact::Registers { server, nth, id } => (
            Some(Actor::Server(*server)),
            format!("register r{server}-{nth} as {id}"),
        ),
        Fact::GivesUp { server, id } => (Some(Actor::Server(*server)), format!("give up {id}")),
        Fact::Granted { server, nth, until } => {
            let text = match until {
                Some(until) => format!("r{server}-{nth} until {until}"),
                None => format!("r{server}-{nth} no more"),
            };
            (Some(Actor::Registrar), text)
        }
        Fact::RegistrantsDue { .. } => (None, "every registration stands".into()),
        Fact::QualifiedDue { server, peers } => {
            (Some(Actor::Server(*server)), format!("{peers:?}"))
        }
        Fact::Evicted { server, account } => {
            (Some(Actor::Server(*server)), format!("evict p{account}"))
        }
        Fact::Fault { server, report } => (Some(Actor::Server(*server)), (*report).into()),
        Fact::Settled(_) => (None, "every call is up or gone".into()),
        Fact::ShutDown { server, .. } => (Some(Actor::Server(*server)), "shut down".into()),
        Fact::Read { .. }
        | Fact::Took(_)
        | Fact::Contacts { .. }
        | Fact::Counted { .. }
        | Fact::Unvalidated { .. }
        | Fact::Blurred { .. }
        | Fact::Late { .. }
        | Fact::AtRest { .. } => {
            return None;
        }
    };
    Some(Line {
        event,
        at: now,
        actor,
        text,
        is_failure: false,
    })
}

fn told(event: &iaxproof::engine::event::Event) -> String {
    use iaxproof::engine::event::Event;
    match event {
        Event::Voice { call, data, .. } => format!("! voice {call}, {} octets", data.len()),
        Event::Video { call, data, .. } => format!("! video {call}, {} octets", data.len()),
        Event::Text { call, text } => format!("! text {call}, {} octets", text.len()),
        event => format!("! {event:?}"),
    }
}

fn sent(passage: &Passage<'_>) -> String {
    let mark = match passage.mark {
        Mark::Plain => "->",
        Mark::Lost => "-x LOST",
        Mark::Partitioned => "-| PARTITION",
        Mark::Late => "~> LATE",
        Mark::Twice => "=> TWICE",
        Mark::Damaged => "%> DAMAGED",
        Mark::Spoofed => "?> SPOOFED",
    };
    format!("{mark} {}", shown(passage))
}

/// What a datagram says, as a packet listing would.
pub(crate) fn shown(passage: &Passage<'_>) -> String {
    match &passage.frame {
        Some(frame) => frame.to_string(),
        None => format!("{} octets of no frame", passage.datagram.len()),
    }
}

/// Lines as columns, one per node, at most [`WIDTH_MAX`] characters wide. The failing event is marked with `>>>`.
pub fn render(lines: &[Line], actors: &[Actor]) -> String {
    let width = (WIDTH_MAX - HEAD_WIDTH) / actors.len().max(1);
    let mut text = String::new();
    let _ = write!(text, "{:HEAD_WIDTH$}", head("event", "seconds"));
    for actor in actors {
        let _ = write!(text, "{:width$}", actor.to_string());
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    for line in lines {
        text.push_str(&row(line, actors, width));
        text.push('\n');
    }
    text
}

/// A line begins in its node's column and may run over those to the right.
fn row(line: &Line, actors: &[Actor], width: usize) -> String {
    let column = line
        .actor
        .and_then(|actor| actors.iter().position(|known| *known == actor));
    let indent = column.unwrap_or(0) * width;
    let head = match line.is_failure {
        true => format!(">>> {} {}", line.event, line.at),
        false => head(&line.event.to_string(), &line.at.to_string()),
    };
    let whole = format!("{head:HEAD_WIDTH$}{:indent$}{}", "", line.text);
    // From the right edge a long line is moved to the left, and cut only where it is longer than the page.
    let cut = |text: &str| text.chars().take(WIDTH_MAX).collect::<String>();
    let over = whole.chars().count().saturating_sub(WIDTH_MAX);
    if over == 0 {
        return whole;
    }
    let indent = indent.saturating_sub(over);
    cut(&format!("{head:HEAD_WIDTH$}{:indent$}{}", "", line.text))
}

/// How wide the number of an event and its time are, in characters.
const HEAD_WIDTH: usize = 19;

fn head(event: &str, seconds: &str) -> String {
    format!("{event:>6} {seconds}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_order_and_cuts_apart() {
        let hash = |parts: &[&[u8]]| {
            let mut hash = TraceHash::default();
            parts.iter().for_each(|part| hash.octets(part));
            hash.finish()
        };
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_ne!(hash(&[b"a", b"b"]), hash(&[b"b", b"a"]));
        assert_eq!(hash(&[b"a", b"b"]), hash(&[b"a", b"b"]));
    }

    #[test]
    fn a_timeline_has_a_column_per_node_and_no_line_is_too_wide() {
        let line = |actor, text: &str, is_failure| Line {
            event: 77,
            at: Instant::from_millis(1_500),
            actor: Some(actor),
            text: text.into(),
            is_failure,
        };
        let actors = [Actor::Server(0), Actor::Client(0), Actor::Client(1)];
        let lines = [
            line(Actor::Client(0), "-> NEW", false),
            line(Actor::Server(0), "<- NEW", false),
            line(Actor::Client(1), &"x".repeat(300), true),
        ];
        let text = render(&lines, &actors);
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH_MAX),
            "{text}"
        );
        let rows: Vec<_> = text.lines().collect();
        assert_eq!(rows[1].find("-> NEW"), rows[0].find("client 0"));
        assert_eq!(rows[2].find("<- NEW"), rows[0].find("server 0"));
        assert!(rows[1].starts_with("    77 1.500000 "), "{text}");
        assert!(rows[3].starts_with(">>> 77 1.500000"), "{text}");
    }
}
