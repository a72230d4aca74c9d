//! The simulated realtime database of one server: rows, their edits, answers that are late, and writes that fail.

use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::catalog::{Answer, Question, Row, Write};
use iaxproof::engine::directory::{Contact, Generation, Role};
use iaxproof::engine::settings::{General, Name};
use iaxproof::time::Instant;

use crate::accounts::{account_of_name, name, settings};
use crate::decide::{Decisions, Domain, Key};
use crate::plan::{Options, Plan, RowEdit, Topology};

/// How long an answer takes, in milliseconds, from the dull choice on.
const DELAYS_MS: [u64; 5] = [2, 40, 300, 2_000, 8_000];
const DELAYS: u32 = DELAYS_MS.len() as u32;
/// What else can be with an answer: nothing, or the second or third case of [`QuestionFate`] and [`WriteFate`].
const FATES: u32 = 3;

/// The database of one server.
#[derive(Debug)]
pub(crate) struct Database {
    server: u16,
    topology: Topology,
    options: Options,
    rows: BTreeMap<u8, Stored>,
    /// The registrations of accounts of the configuration, as they were written.
    registrations: BTreeMap<Name, Write>,
    questions: u32,
    writes: u32,
}

/// One row, for peer and user alike. Only the peer has a contact.
#[derive(Clone, Copy, Debug, Default)]
struct Stored {
    edit: RowEdit,
    contact: Option<Contact>,
    generation: Generation,
}

/// What a question meets.
#[derive(Clone, Debug)]
pub(crate) enum QuestionFate {
    /// The row is read when the answer leaves.
    Late,
    /// The row was read at once, the answer is late.
    Read(Box<Answer>),
    /// The database fails.
    Fails,
}

/// What a write meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteFate {
    /// It is stored.
    Stored,
    /// It is stored, and the database says that it is not.
    StoredUnseen,
    /// It is not stored.
    Fails,
}

impl Database {
    pub(crate) fn new(server: u8, plan: &Plan) -> Self {
        let topology = &plan.topology;
        let is_here = |account: &u8| topology.server_of(*account) == server;
        let here = topology.realtime.iter().copied().filter(is_here);
        Database {
            server: u16::from(server),
            topology: topology.clone(),
            options: plan.options.clone(),
            rows: here.map(|account| (account, Stored::default())).collect(),
            registrations: BTreeMap::new(),
            questions: 0,
            writes: 0,
        }
    }

    /// The rows of a topology's first server.
    pub(crate) fn of_rows(topology: &Topology, options: Options) -> Self {
        let rows = topology.realtime.iter();
        Database {
            server: 0,
            topology: topology.clone(),
            options,
            rows: rows.map(|account| (*account, Stored::default())).collect(),
            registrations: BTreeMap::new(),
            questions: 0,
            writes: 0,
        }
    }

    /// The stored contact of an account, if it has not lapsed.
    pub(crate) fn contact(&self, account: u8, now: Instant) -> Option<Contact> {
        let contact = self.rows.get(&account)?.contact?;
        contact
            .deadline
            .is_some_and(|deadline| now < deadline)
            .then_some(contact)
    }

    /// Whether an account has a row that is not gone.
    pub(crate) fn has_row(&self, account: u8) -> bool {
        let row = self.rows.get(&account);
        row.is_some_and(|stored| stored.edit != RowEdit::Absent)
    }

    /// Everything that is stored of contacts, as a process reads it when it begins.
    pub(crate) fn stored(&self) -> Vec<Write> {
        let of_row = |(account, stored): (&u8, &Stored)| Write {
            name: Name::new(&name(*account)).expect("an account's name is short"),
            generation: stored.generation,
            contact: stored
                .contact
                .and_then(|it| Some((it.address, it.deadline?))),
        };
        let rows = self.rows.iter().map(of_row);
        rows.chain(self.registrations.values().cloned()).collect()
    }

    /// Changes a row. Whether there is one to change.
    pub(crate) fn edit(&mut self, account: u8, edit: RowEdit) -> bool {
        let Some(stored) = self.rows.get_mut(&account) else {
            return false;
        };
        if edit == RowEdit::Absent {
            stored.contact = None;
        }
        stored.edit = edit;
        true
    }

    /// How a question fares, and when its answer comes.
    pub(crate) fn ask(
        &mut self,
        question: &Question,
        is_calm: bool,
        decisions: &mut Decisions,
    ) -> (Duration, QuestionFate) {
        let (delay, fate) = self.decide(Domain::Question, is_calm, decisions);
        let fate = match fate {
            0 => QuestionFate::Late,
            1 => QuestionFate::Read(Box::new(self.read(question))),
            _ => QuestionFate::Fails,
        };
        (delay, fate)
    }

    /// How a write fares, and when the database says so.
    pub(crate) fn write(
        &mut self,
        is_calm: bool,
        decisions: &mut Decisions,
    ) -> (Duration, WriteFate) {
        let (delay, fate) = self.decide(Domain::Write, is_calm, decisions);
        let fate = match fate {
            0 => WriteFate::Stored,
            1 => WriteFate::StoredUnseen,
            _ => WriteFate::Fails,
        };
        (delay, fate)
    }

    fn decide(
        &mut self,
        domain: Domain,
        is_calm: bool,
        decisions: &mut Decisions,
    ) -> (Duration, u32) {
        if is_calm {
            return (Duration::from_millis(DELAYS_MS[0]), 0);
        }
        let count = match domain {
            Domain::Write => &mut self.writes,
            _ => &mut self.questions,
        };
        let key = Key {
            domain,
            who: self.server,
            nth: *count,
        };
        *count += 1;
        let options = &self.options;
        let choice = decisions.decide(key, DELAYS * FATES, |bits| draw(options, bits));
        let delay = Duration::from_millis(DELAYS_MS[(choice % DELAYS) as usize]);
        (delay, choice / DELAYS)
    }

    /// The row as it is now.
    pub(crate) fn read(&self, question: &Question) -> Answer {
        let row = account_of_name(question.name.as_str())
            .and_then(|account| Some((account, self.rows.get(&account)?)))
            .filter(|(_, stored)| stored.edit != RowEdit::Absent);
        let Some((account, stored)) = row else {
            return Answer::Absent;
        };
        let is_plain = stored.edit == RowEdit::Plain;
        let is_peer = question.role == Role::Peer;
        Answer::Row(Row {
            settings: settings(
                &self.topology,
                account,
                question.role,
                is_plain,
                &General::default(),
            ),
            contact: stored.contact.filter(|_| is_peer),
            generation: if is_peer {
                stored.generation
            } else {
                Generation::default()
            },
        })
    }

    /// Stores a write, unless a newer one is stored. A row that is gone takes none.
    pub(crate) fn store(&mut self, write: &Write) {
        let row =
            account_of_name(write.name.as_str()).and_then(|account| self.rows.get_mut(&account));
        let Some(stored) = row else {
            self.store_registration(write);
            return;
        };
        if stored.generation >= write.generation {
            return;
        }
        stored.generation = write.generation;
        if stored.edit != RowEdit::Absent {
            stored.contact = write.contact.map(|(address, deadline)| Contact {
                address,
                deadline: Some(deadline),
                generation: write.generation,
            });
        }
    }
}

impl Database {
    fn store_registration(&mut self, write: &Write) {
        let stored = self.registrations.get(&write.name);
        if stored.is_none_or(|stored| stored.generation < write.generation) {
            self.registrations.insert(write.name.clone(), write.clone());
        }
    }
}

fn draw(options: &Options, bits: u64) -> u32 {
    let is = |bits: u64, rate| (bits % 1_000) < u64::from(rate);
    let delay = if is(bits, options.slow_permille) {
        (bits >> 40) as u32 % DELAYS
    } else {
        0
    };
    let fate = if is(bits >> 20, options.fail_permille) {
        2 - ((bits >> 50) & 1) as u32
    } else {
        0
    };
    delay + DELAYS * fate
}
