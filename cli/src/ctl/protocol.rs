//! What `iaxproof ctl` and a server say to each other over the control socket: one line of JSON there, one line back, and then the
//! connection is closed. Behind the answer to `trace` the frames follow, a line each.
//!
//! Both sides are of one build as a rule; `version` is there for when they are not.

use core::time::Duration;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::serve::reading::Reading;

/// Which protocol this is.
pub(crate) const VERSION: u32 = 1;
/// Octets of a request.
pub(crate) const REQUEST_MAX: u64 = 4_096;
/// Octets of an answer: a million peers.
pub(crate) const ANSWER_MAX: u64 = 512 << 20;
/// How long one side waits for the other to say or to take something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Where the socket is where nobody says otherwise: beside the other sockets of this login, or of the system.
pub(crate) fn default_path() -> PathBuf {
    let folder = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    PathBuf::from(folder.unwrap_or_else(|| "/run".into())).join("iaxproof.sock")
}

/// What is read first, of any version.
#[derive(Debug, Deserialize)]
pub(crate) struct Versioned {
    pub(crate) version: u32,
}

/// One question or order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) version: u32,
    #[serde(flatten)]
    pub(crate) command: Command,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum Command {
    Reload,
    Peers,
    Users,
    Calls,
    Registry,
    Prune { name: String },
    Unregister { name: String },
    Stats,
    Trace { call: String },
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Response {
    pub(crate) version: u32,
    #[serde(flatten)]
    pub(crate) answer: Answer,
}

/// What was found or done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Reloaded(Reloaded),
    Peers(Vec<Peer>),
    Users(Vec<User>),
    Calls(Vec<Call>),
    Registry(Vec<Registration>),
    Pruned(Pruned),
    Unregistered(Unregistered),
    Stats(Box<Stats>),
    /// Lines follow.
    Tracing(Call),
    /// Why nothing was done.
    Error(String),
}

/// A configuration came into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// Counts accepted configurations; the one of the start was 0.
    pub(crate) serial: u64,
    pub(crate) peers: usize,
    pub(crate) users: usize,
}

/// A linked peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    /// Where it can be reached.
    pub(crate) address: Option<String>,
    /// `registered`, `fixed`, `default`, `lapsed`, `unregistered` or `no host`.
    pub(crate) standing: String,
    /// When the registration lapses.
    pub(crate) expires_seconds: Option<u64>,
    /// What the last POKE said, in chan_iax2's words.
    pub(crate) qualify: String,
    /// `static` or `realtime`.
    pub(crate) origin: String,
    /// References to the object, without those of who counts.
    pub(crate) references: usize,
}

/// A linked user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    /// How it proves itself; `none` without a secret.
    pub(crate) auth: String,
    pub(crate) context: String,
    /// Calls that wait for AUTHREP.
    pub(crate) challenged: usize,
    pub(crate) origin: String,
    pub(crate) references: usize,
}

/// A call that lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// Which worker has it.
    pub(crate) worker: usize,
    /// Its name there, `local#serial`.
    pub(crate) call: String,
    pub(crate) peer: String,
    pub(crate) name: Option<String>,
    pub(crate) number: String,
    /// `in` where the other side placed it.
    pub(crate) direction: String,
    pub(crate) format: Option<String>,
    pub(crate) seconds: u64,
    pub(crate) state: String,
    pub(crate) is_encrypted: bool,
    /// The other leg.
    pub(crate) bridged: Option<String>,
}

/// Where the server itself registers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) worker: usize,
    pub(crate) host: String,
    pub(crate) username: String,
    /// From where the registrar sees us come.
    pub(crate) perceived: Option<String>,
    pub(crate) refresh_seconds: u64,
    /// When the next request goes out.
    pub(crate) next_seconds: Option<u64>,
    pub(crate) state: String,
}

/// What became of the cached rows of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pruned {
    pub(crate) name: String,
    /// `evicted`, `static`, `not stored` or `unknown`.
    pub(crate) peer: String,
    pub(crate) user: String,
}

impl Pruned {
    /// Whether anything is gone.
    pub(crate) fn any(&self) -> bool {
        [&self.peer, &self.user]
            .into_iter()
            .any(|it| it == "evicted")
    }
}

/// What became of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unregistered {
    pub(crate) name: String,
    /// `done`, `storing`, `busy` or `not registered`.
    pub(crate) outcome: String,
}

/// Figures of the whole server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stats {
    pub(crate) uptime_seconds: u64,
    pub(crate) workers: usize,
    pub(crate) peers: usize,
    pub(crate) users: usize,
    /// Hints of the address index.
    pub(crate) addresses: usize,
    /// References to all peers and users together.
    pub(crate) references: usize,
    /// What all workers count, joined.
    pub(crate) counts: Reading,
}

/// What follows a [`Answer::Tracing`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Traced {
    Frame(Listed),
    /// So many frames came faster than they were taken.
    Lost(u64),
    /// The call is over: nothing follows.
    Over,
}

/// One datagram of the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Unix time in seconds.
    pub(crate) time: f64,
    pub(crate) source: String,
    pub(crate) destination: String,
    /// The frame as a listing shows it.
    pub(crate) line: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line_with_its_version() {
        let command = Command::Prune {
            name: "bob\n".to_owned(),
        };
        let request = Request {
            version: VERSION,
            command,
        };
        let line = serde_json::to_string(&request).unwrap();
        assert_eq!(line, r#"{"version":1,"command":"prune","name":"bob\n"}"#);
        assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), request);
    }

    #[test]
    fn an_answer_is_named_for_what_it_is() {
        let answer = Answer::Error("no such call".to_owned());
        let response = Response {
            version: VERSION,
            answer,
        };
        let line = serde_json::to_string(&response).unwrap();
        assert_eq!(line, r#"{"version":1,"error":"no such call"}"#);
        assert_eq!(serde_json::from_str::<Response>(&line).unwrap(), response);
    }
}
