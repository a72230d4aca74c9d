//! What happens in a world, as checkers, goals and the trace see it. Facts are told by the world; nobody who is told
//! can change it.

use core::net::SocketAddr;

use iaxproof::engine::counts::Counts;
use iaxproof::engine::directory::{Contact, Reachability};
use iaxproof::engine::event::{CallId, Event};
use iaxproof::engine::{Calling, Error, RegistrantId};
use iaxproof::time::Instant;
use iaxproof::wire::{CallNumber, Frame};

use crate::administer::References;
use crate::plan::{Actor, RowEdit};

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// A node gave a datagram to the network.
    Sent(Passage<'a>),
    /// The network gave a datagram to a node.
    Arrived(Passage<'a>),
    /// A server's endpoint told its application something.
    Told {
        /// Which server.
        server: u8,
        /// What.
        event: &'a Event,
    },
    /// A server's application called the peer of an account.
    Dialled {
        /// Which server.
        server: u8,
        /// Whose.
        account: u8,
        /// What came of it at once.
        outcome: Result<Calling, Error>,
        /// What else was under way at the server when it began.
        beside: Beside,
    },
    /// A server's application bridged two calls.
    Bridged {
        /// Which server.
        server: u8,
        /// The calls.
        calls: [CallId; 2],
    },
    /// A server's application took a bridged call and its other apart.
    Unbridged {
        /// Which server.
        server: u8,
        /// Either of them.
        call: CallId,
    },
    /// A client read a text of another client.
    Read {
        /// Which client.
        client: u8,
        /// On which of its calls.
        local: CallNumber,
        /// What.
        text: &'a [u8],
    },
    /// A client took a reliable frame in its order.
    Took(Taken),
    /// A server begins to put another configuration in force.
    Reloading {
        /// Which server.
        server: u8,
        /// The accounts of the configuration; not looked up yet.
        accounts: &'a [AccountState],
    },
    /// While a worker was in the middle of something, an operator changed an account, or while an operator was in the middle of taking a
    /// contact away, a worker registered it: which of the two came first is open.
    Blurred {
        /// Which server.
        server: u8,
        /// Whose.
        account: u8,
    },
    /// A thread of a server that logins wait for stalled in the middle of something while time passed.
    Late {
        /// Which server.
        server: u8,
    },
    /// A server accepted another configuration.
    Reloaded {
        /// Which server.
        server: u8,
        /// The accounts of the configuration, as it has them now.
        accounts: &'a [AccountState],
    },
    /// An operator took the contact of an account away, or found none.
    Unregistered {
        /// Which server.
        server: u8,
        /// Whose.
        account: u8,
    },
    /// A database row was changed.
    RowEdited {
        /// Which server.
        server: u8,
        /// Whose.
        account: u8,
        /// To what.
        row: RowEdit,
    },
    /// The database will fail a write, or store it so late that a registration does not wait for it.
    NotStored {
        /// Which server.
        server: u8,
        /// Whose contact.
        account: u8,
    },
    /// A server's process died and began anew. Its calls are gone.
    Restarted {
        /// Which server.
        server: u8,
        /// Where it is.
        address: SocketAddr,
        /// What its database may have, though nobody was told: by account, all that was written since it last had what was in
        /// force.
        doubts: &'a [(u8, Doubt)],
    },
    /// A server's application has a registration kept up at the registrar.
    Registers {
        /// Which server.
        server: u8,
        /// Which of its registrations.
        nth: u8,
        /// Its name at the endpoint.
        id: RegistrantId,
    },
    /// A server's application gives a registration up.
    GivesUp {
        /// Which server.
        server: u8,
        /// Which.
        id: RegistrantId,
    },
    /// The registrar granted a registration, or has it no longer.
    Granted {
        /// Which server's.
        server: u8,
        /// Which of them.
        nth: u8,
        /// Until when it holds, if it does.
        until: Option<Instant>,
    },
    /// The time by which every registration at the registrar must stand has come.
    RegistrantsDue {
        /// When everything healed.
        healed_at: Instant,
    },
    /// The time has come by which it must be known which qualified peers answer.
    QualifiedDue {
        /// Which server's.
        server: u8,
        /// Those of the configuration that it watches.
        peers: &'a [QualifiedSeen],
    },
    /// How many dialogues without a token a server has.
    Unvalidated {
        /// Which server.
        server: u8,
        /// How many.
        count: usize,
        /// The most that it may have.
        max: usize,
    },
    /// A cached row was evicted.
    Evicted {
        /// Which server.
        server: u8,
        /// Whose.
        account: u8,
    },
    /// Where the accounts of a server can be reached now, by its directory, or by its database for those that are not cached.
    Contacts {
        /// Which server.
        server: u8,
        /// One for each account of the server.
        contacts: &'a [ContactSeen],
    },
    /// What the endpoint of one worker of a server counts, after each event that concerned it.
    Counted {
        /// Which server.
        server: u8,
        /// Which of its workers.
        worker: u8,
        /// The reading.
        counts: &'a Counts,
        /// The named limits, of this worker.
        limits: &'a Limits,
    },
    /// What a directory reports by itself.
    Fault {
        /// Whose.
        server: u8,
        /// Its words.
        report: &'a str,
    },
    /// The time by which every call must be up or gone has come.
    Settled(&'a Settlement),
    /// All has been hung up and has lapsed; nothing should be under way.
    AtRest {
        /// Which server.
        server: u8,
        /// What its endpoints hold together.
        counts: &'a Counts,
        /// What its directory counts, if it does.
        references: Option<References>,
    },
    /// The endpoint is gone and the directory was emptied.
    ShutDown {
        /// Which server.
        server: u8,
        /// What is left.
        live_objects: usize,
        /// Its ledger, where something is left.
        report: &'a str,
    },
}

/// Where the database may have a peer and until when, or that it has it nowhere.
pub type Doubt = Option<(SocketAddr, Instant)>;

/// One datagram on one of its ends.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// Who really sent it.
    pub from: Actor,
    /// To whom it goes; `None` where nobody is there.
    pub to: Option<Actor>,
    /// From which address it says that it comes.
    pub source: SocketAddr,
    /// To which address.
    pub destination: SocketAddr,
    /// Its octets.
    pub datagram: &'a [u8],
    /// What they say, opened where they are sealed.
    pub frame: Option<Frame<'a>>,
    /// Whether they are sealed, under a key of their dialogue.
    pub is_sealed: bool,
    /// What became of it, for people.
    pub mark: Mark,
}

/// What the network did with a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing special.
    #[default]
    Plain,
    /// It was lost.
    Lost,
    /// It was lost in a partition.
    Partitioned,
    /// It comes late.
    Late,
    /// It comes twice.
    Twice,
    /// It comes changed or cut.
    Damaged,
    /// Its source is not who sent it.
    Spoofed,
}

/// One reliable frame that was taken in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Who took it.
    pub taker: SocketAddr,
    /// Its call number.
    pub local: CallNumber,
    /// Who sent it.
    pub sender: SocketAddr,
    /// The sender's call number.
    pub remote: CallNumber,
    /// What the frame said, see [`crate::trace::digest`].
    pub digest: u64,
}

/// How a configuration has an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Whose.
    pub account: u8,
    /// Whether it is there.
    pub is_present: bool,
    /// Whether its client's secret is right.
    pub is_plain: bool,
    /// Whether a lookup found it as peer and as user, right after the reload.
    pub is_found: bool,
}

/// Where one account can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactSeen {
    /// Whose.
    pub account: u8,
    /// Its contact, if it has one that has not lapsed.
    pub contact: Option<Contact>,
    /// What the last POKE said of it.
    pub reachability: Reachability,
    /// Whether the directory leads from the contact's address to a peer; true where it is not cached.
    pub is_found_by_address: bool,
}

/// What other threads of a server are in the middle of, or have done since the server was last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beside {
    /// Nothing.
    #[default]
    Nobody,
    /// What takes no contact away that has not lapsed: contacts come from the store into force.
    Contacts,
    /// Anything.
    Anything,
}

/// Limits that counts are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many call numbers there are.
    pub pool: usize,
    /// Dialogues in all.
    pub dialogues_max: usize,
    /// Quarantine records.
    pub quarantine_max: usize,
    /// Expiry timers.
    pub registrations_max: usize,
    /// Events that wait for the application.
    pub events_max: usize,
    /// Reliable frames on their way, of one dialogue.
    pub outstanding_max: usize,
    /// Reliable frames that wait, of one dialogue.
    pub queue_max: usize,
}

/// What is thought of a qualified peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualifiedSeen {
    /// Whose.
    pub account: u8,
    /// Whether a client is where its contact says, and answers POKEs.
    pub answers: bool,
    /// What its last POKE said.
    pub reachability: Reachability,
}

/// How calls stand when they must be up or gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// When everything healed.
    pub healed_at: Instant,
    /// Calls of clients that are neither up nor gone, or up on one side only; in words.
    pub unsettled: Vec<String>,
}
