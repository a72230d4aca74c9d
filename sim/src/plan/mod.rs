//! The plan: everything that was chosen for one world. A seed expands to a plan ([`generate`]), running a plan writes down what was
//! decided on the way, and the whole, as text ([`text`]) or packed ([`token`]), runs again with the same trace.
//!
//! Names and addresses follow from indices: account `p0` belongs to client 0, and so on. So plans are short, and one
//! taken apart still makes sense.

mod bytes;
pub mod expect;
pub mod features;
pub mod generate;
pub mod text;
pub mod token;
pub mod without;

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

pub use crate::decide::Decision;
use crate::schedule::Scheduler;

/// The schema of plans that this build reads and writes. Each has more to plan than the one before, and what a plan left out
/// would be decided anew: so a plan of an older schema is refused by its number, not run as something else.
pub const SCHEMA: u32 = 3;

/// The engine of a world without threads: everything runs on one stack.
pub const ENGINE: &str = "stack";
/// The engine of a world whose threads are coroutines of ours.
pub const STRANDS: &str = "strands";
/// The engine of a world whose threads are shuttle's.
pub const SHUTTLE: &str = "shuttle";
/// Every engine. The sparse lists of what was decided mean the same to all; a trace hash is one engine's.
pub const ENGINES: [&str; 3] = [ENGINE, STRANDS, SHUTTLE];

/// The version of this build. A plan of another version runs, but its trace may differ.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The fewest nodes of a world.
pub const NODES_MIN: usize = 3;
/// The fewest operations of a world that a seed expands to.
pub const OPERATIONS_MIN: usize = 20;
/// The fewest simulated seconds of a world.
pub const SECONDS_MIN: u64 = 60;
/// The most simulated seconds before a world heals: a day.
pub const SECONDS_MAX: u64 = 86_400;
/// The fewest planned faults of a world that a seed expands to.
pub const FAULTS_MIN: usize = 1;

/// The most servers of a world.
pub const SERVERS_MAX: u8 = 4;
/// The most threads of all servers together, where they have threads: as many as those who order their steps can tell apart.
pub const THREADS_MAX: usize = 8;
/// The most workers of each server.
pub const WORKERS_MAX: u8 = 4;
/// The most clients of a world.
pub const CLIENTS_MAX: u8 = 16;

/// The most registrations that a server keeps up at the registrar.
pub const REGISTRANTS_MAX: u8 = 8;

/// Everything that was chosen for one world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: u32,
    /// [`ENGINE`].
    pub engine: String,
    /// Which version of the world wrote it.
    pub version: String,
    /// From it come keys, challenges and call numbers; when exploring, also the decisions. Below 2^63.
    pub seed: u64,
    /// Whether decisions are drawn from the seed; false where `decisions` is complete.
    #[serde(default, skip_serializing_if = "is_default")]
    pub explore: bool,
    /// When faults end and everything has to recover, in milliseconds.
    pub heal_ms: u32,
    /// Who is there.
    pub topology: Topology,
    /// How network, databases and applications behave.
    pub options: Options,
    /// The configurations that servers accept; each begins with the first.
    pub configurations: Vec<ConfigurationPlan>,
    /// What is done, by time.
    pub operations: Vec<Operation>,
    /// One-way partitions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub partitions: Vec<Partition>,
    /// What was decided on the way and was not dull, as `DOMAIN WHO NTH = VALUE`.
    #[serde(default, skip_serializing_if = "is_default", with = "text::decisions")]
    pub decisions: Vec<Decision>,
    /// What becomes of it, where the plan says that. It changes nothing of what is run, and no token carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<expect::Expect>,
}

/// Who is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topology {
    /// How many servers run the shipped endpoint, each with a directory and a database of its own.
    pub servers: u8,
    /// How many clients. Client n uses server n mod `servers` and has account `pN`.
    pub clients: u8,
    /// The clients whose account is a row of the database; those of the others are in the configuration.
    #[serde(default, skip_serializing_if = "is_default")]
    pub realtime: Vec<u8>,
    /// The clients that use the account of the client before them, from an address of their own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sharing: Vec<u8>,
    /// How many registrations each server keeps up at the registrar; 0 for a world without one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub registrants: u8,
    /// The clients whose account is qualified: its peer is asked by POKE whether it is there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub qualified: Vec<u8>,
    /// The clients that never answer a POKE.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mute: Vec<u8>,
    /// The clients that do not know call tokens. Their accounts may do without.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tokenless: Vec<u8>,
    /// The clients whose account must be called encrypted, and call so.
    #[serde(default, skip_serializing_if = "is_default")]
    pub forced: Vec<u8>,
    /// How many workers share each server's address and directory; 0 for one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub workers: u8,
}

/// How network, databases and applications behave. Rates are per thousand and only of use when exploring.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Datagrams lost.
    #[serde(skip_serializing_if = "is_default")]
    pub loss_permille: u16,
    /// Datagrams that come twice.
    #[serde(skip_serializing_if = "is_default")]
    pub duplicate_permille: u16,
    /// Datagrams that come late, and so out of order.
    #[serde(skip_serializing_if = "is_default")]
    pub delay_permille: u16,
    /// Datagrams with one octet changed.
    #[serde(skip_serializing_if = "is_default")]
    pub corrupt_permille: u16,
    /// Datagrams cut short.
    #[serde(skip_serializing_if = "is_default")]
    pub truncate_permille: u16,
    /// Questions that the database answers late.
    #[serde(skip_serializing_if = "is_default")]
    pub slow_permille: u16,
    /// Questions and writes that the database fails.
    #[serde(skip_serializing_if = "is_default")]
    pub fail_permille: u16,
    /// Calls that the application refuses, lets ring for long, or hangs up by itself.
    #[serde(skip_serializing_if = "is_default")]
    pub moody_permille: u16,
    /// Calls of a server's application that it gives up early or hangs up by itself.
    #[serde(skip_serializing_if = "is_default")]
    pub impatient_permille: u16,
    /// Calls to a client that it does not simply answer: it asks for a token or a secret, refuses, is silent.
    #[serde(skip_serializing_if = "is_default")]
    pub callee_permille: u16,
    /// Calls that a client wants encrypted whose account can.
    #[serde(skip_serializing_if = "is_default")]
    pub encrypt_permille: u16,
    /// Bridges of two calls that a server's application wants out of, so that the two clients talk without it.
    #[serde(skip_serializing_if = "is_default")]
    pub transfer_permille: u16,
    /// How many call numbers a server has; 0 for all.
    #[serde(skip_serializing_if = "is_default")]
    pub call_numbers: u16,
    /// Requests of registrations that the registrar does not simply grant.
    #[serde(skip_serializing_if = "is_default")]
    pub registrar_permille: u16,
    /// POKEs that a client does not answer while not all is calm.
    #[serde(skip_serializing_if = "is_default")]
    pub deaf_permille: u16,
    /// How many dialogues without a token a server has at once; 0 for as many as by default.
    #[serde(skip_serializing_if = "is_default")]
    pub unvalidated_max: u16,
    /// Whether clients change the key of an encrypted call each time that they speak, and not once: 0 or 1.
    #[serde(skip_serializing_if = "is_default")]
    pub rotations: u16,
    /// Steps of threads, of ten thousand, before which the thread stalls.
    #[serde(skip_serializing_if = "is_default")]
    pub stall_rate: u16,
    /// How many stalls there are at most.
    #[serde(skip_serializing_if = "is_default")]
    pub stalls_max: u16,
    /// How stalls and ranks are drawn, where they are.
    #[serde(skip_serializing_if = "is_default")]
    pub scheduler: Scheduler,
}

/// One configuration as values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationPlan {
    /// The longest registration that is granted, in seconds; the shortest is 60, or this where this is less.
    pub registration_s: u16,
    /// How long a failed login waits for its refusal, in milliseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reject_delay_ms: u16,
    /// The clients whose account is missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub absent: Vec<u8>,
    /// The clients whose account has another secret than they know.
    #[serde(default, skip_serializing_if = "is_default")]
    pub changed: Vec<u8>,
}

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Actor {
    /// A server's operator; as an end of a partition, the server.
    Server(u8),
    /// A client.
    Client(u8),
    /// The registrar at which servers register.
    Registrar,
}

/// One thing that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// When, in milliseconds.
    pub at_ms: u32,
    /// Who.
    pub actor: Actor,
    /// What.
    pub what: What,
}

/// What is done. The first group is for clients, the second for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum What {
    /// Registers and keeps renewing at 5/6 of what was granted (REGREQ).
    Register {
        /// The refresh asked for.
        refresh_s: u16,
    },
    /// Releases the registration and stops renewing (REGREL).
    Release,
    /// Calls the server's extension (NEW).
    Call,
    /// Calls another client by way of the server, which bridges the two calls (NEW).
    CallPeer {
        /// The other client.
        client: u8,
    },
    /// Calls the server without a number, asks about digits and dials the extension in the call (NEW, DPREQ, DIAL). Never drawn.
    CallByDigits,
    /// Sends audio on its newest call, one frame every 20 ms.
    Talk {
        /// How many frames.
        frames: u16,
    },
    /// Sends numbered text on its newest call, one every 20 ms.
    Type {
        /// How many frames.
        frames: u16,
    },
    /// Ends its newest call (HANGUP).
    HangUp,
    /// Goes on from another port (a NAT forgot it).
    Rebind,
    /// Sends an opener from an address that is not its own.
    Spoof {
        /// Which opener, and with what token.
        kind: u8,
    },
    /// Calls the peer of a client's account.
    Dial {
        /// The client.
        client: u8,
    },
    /// Accepts another configuration.
    Reload {
        /// Index into the configurations.
        configuration: u8,
    },
    /// Evicts the cached row of a client's account.
    Prune {
        /// The client.
        client: u8,
    },
    /// Takes the contact of a client's account away.
    Unregister {
        /// The client.
        client: u8,
    },
    /// The process dies and begins anew with what its database has; everything else that it knew is gone.
    Restart,
    /// Changes the database row of a client's account.
    EditRow {
        /// The client.
        client: u8,
        /// To what.
        row: RowEdit,
    },
}

/// What becomes of a database row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowEdit {
    /// It is as the client knows it; a row that was gone comes back without contact.
    #[default]
    Plain,
    /// Its secret is another than the client knows.
    Changed,
    /// It is gone.
    Absent,
}

/// Datagrams of one direction that are all lost for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Whose datagrams.
    pub from: Actor,
    /// To whom.
    pub to: Actor,
    /// From when, in milliseconds.
    pub start_ms: u32,
    /// Until when, in milliseconds.
    pub end_ms: u32,
}

impl Topology {
    /// How many servers and clients.
    pub fn nodes(&self) -> usize {
        usize::from(self.servers) + usize::from(self.clients)
    }

    /// How many workers each server has.
    pub const fn workers(&self) -> u8 {
        match self.workers {
            0 => 1,
            workers => workers,
        }
    }

    /// Servers, clients, and the registrar where servers register.
    pub fn actors(&self) -> Vec<Actor> {
        let servers = (0..self.servers).map(Actor::Server);
        let clients = (0..self.clients).map(Actor::Client);
        let registrar = (self.registrants > 0).then_some(Actor::Registrar);
        servers.chain(clients).chain(registrar).collect()
    }

    /// The server that a client uses.
    pub const fn server_of(&self, client: u8) -> u8 {
        client % self.servers
    }

    /// The account that a client uses: its own, or that of an earlier client of the same server.
    pub fn account_of(&self, client: u8) -> u8 {
        let mut account = client;
        while self.sharing.contains(&account) && account >= self.servers {
            account -= self.servers;
        }
        account
    }

    /// Whether a client of these uses an account.
    pub fn uses(&self, clients: &[u8], account: u8) -> bool {
        let mut accounts = clients.iter().map(|client| self.account_of(*client));
        accounts.any(|used| used == account)
    }

    /// Whether an account is a row of the database.
    pub fn is_realtime(&self, account: u8) -> bool {
        self.realtime.contains(&account)
    }
}

impl ConfigurationPlan {
    /// Whether an account of the configuration is there and as its client knows it.
    pub fn is_plain(&self, account: u8) -> bool {
        !self.absent.contains(&account) && !self.changed.contains(&account)
    }
}

/// A text that names nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is nobody: expected `server N`, `client N` or `registrar`")]
pub struct NoActor(String);

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Server(index) => write!(f, "server {index}"),
            Actor::Client(index) => write!(f, "client {index}"),
            Actor::Registrar => f.write_str("registrar"),
        }
    }
}

impl FromStr for Actor {
    type Err = NoActor;

    fn from_str(text: &str) -> Result<Self, NoActor> {
        if text == "registrar" {
            return Ok(Actor::Registrar);
        }
        let actor = text.split_once(' ').and_then(|(word, index)| {
            let index = index.parse().ok()?;
            match word {
                "server" => Some(Actor::Server(index)),
                "client" => Some(Actor::Client(index)),
                _ => None,
            }
        });
        actor.ok_or_else(|| NoActor(text.into()))
    }
}

impl TryFrom<String> for Actor {
    type Error = NoActor;

    fn try_from(text: String) -> Result<Self, NoActor> {
        text.parse()
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> String {
        actor.to_string()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
