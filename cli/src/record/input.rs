//! What an actor is given, as values: all that decides what it does, but for the order of locks.

use core::net::SocketAddr;

use iaxproof::catalog::{Answer, Write};
use iaxproof::config::Registration;
use iaxproof::engine::directory::{Generation, QueryId, Role, StoreId, TokenKey};
use iaxproof::engine::settings::{Configuration, General, Name, Settings};
use iaxproof::time::Instant;

use super::coded::{Coded, take};
use crate::serve::dialplan::{Action, Dialplan};

/// Some entries of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// So many are as they were, in the same places of the configuration before.
    Same(usize),
    /// This one is not.
    New(Box<Settings>),
}

/// Extensions by their patterns, and what they lead to.
pub(crate) type Rules = Vec<(String, Action)>;

macro_rules! inputs {
    ($($(#[$doc:meta])* $code:literal $name:ident { $($field:ident: $type:ty),* };)*) => {
        /// One input.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) enum Input {
            $($(#[$doc])* $name { $($field: $type),* },)*
        }

        impl Coded for Input {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(Input::$name { $($field),* } => {
                        out.push($code);
                        $($field.write(out);)*
                    })*
                }
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                match take(from, 1)?[0] {
                    $($code => {
                        $(let $field = Coded::read(from)?;)*
                        Some(Input::$name { $($field),* })
                    })*
                    _ => None,
                }
            }
        }

        impl Input {
            /// Its name, for reports.
            pub(crate) const fn name(&self) -> &'static str {
                match self {
                    $(Input::$name { .. } => stringify!($name),)*
                }
            }
        }
    };
}

inputs! {
    /// The start: the database has this of a former process.
    1 Restored { write: Write, now: Instant };
    /// The start, or the operator: a configuration comes into force.
    2 Reload { general: Box<General>, entries: Vec<Piece> };
    /// A worker: a datagram came by a socket of its own.
    3 Came { now: Instant, from: SocketAddr, octets: Box<[u8]> };
    /// A worker: one came by another's; whether nobody else is to have it.
    4 Handed { now: Instant, from: SocketAddr, octets: Box<[u8]>, is_last: bool };
    /// A worker: timers are due.
    5 Timeout { now: Instant };
    /// A worker: something is to be played, or has happened.
    6 Turn { now: Instant };
    /// A worker: the catalog has the answer to this question.
    7 Answered { now: Instant, query: QueryId };
    /// A worker: the catalog knows whether this change is stored.
    8 Stored { now: Instant, change: StoreId };
    /// A worker: a configuration is in force, with these registrations elsewhere.
    9 Reloaded { now: Instant, registrations: Vec<Registration> };
    /// A worker: calls go by these extensions.
    10 Extensions { rules: Rules };
    /// The first worker: a fresh key of call tokens.
    11 TokenKey { now: Instant, key: TokenKey };
    /// A worker: the server stops.
    12 Stopping { now: Instant };
    /// A worker: it has stopped.
    13 Shutdown { now: Instant };
    /// The realtime thread looks for something to write.
    14 PollWrite {};
    /// The same for something to ask.
    15 PollQuestion {};
    /// The database answered.
    16 Answer { query: QueryId, answer: Box<Answer>, now: Instant };
    /// The database has stored a change, or not.
    17 Wrote { name: Name, generation: Generation, is_stored: bool };
    /// A cached row is to go.
    18 Prune { role: Role, name: String };
    /// The operator takes a registration away.
    19 Unregister { name: String };
}

impl Input {
    /// When a worker was given it.
    pub(crate) const fn at(&self) -> Option<Instant> {
        match self {
            Input::Came { now, .. }
            | Input::Handed { now, .. }
            | Input::Timeout { now }
            | Input::Turn { now }
            | Input::Answered { now, .. }
            | Input::Stored { now, .. }
            | Input::Reloaded { now, .. }
            | Input::TokenKey { now, .. }
            | Input::Stopping { now }
            | Input::Shutdown { now } => Some(*now),
            _ => None,
        }
    }

    /// A configuration, whole.
    pub(crate) fn reload(configuration: &Configuration) -> Self {
        let entries = configuration.entries.iter().cloned();
        Input::Reload {
            general: Box::new(configuration.general.clone()),
            entries: entries.map(|entry| Piece::New(Box::new(entry))).collect(),
        }
    }

    /// What calls go by.
    pub(crate) fn extensions(dialplan: &Dialplan) -> Self {
        Input::Extensions {
            rules: dialplan.rules(),
        }
    }
}
