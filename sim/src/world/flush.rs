//! What nodes want done after each job: datagrams, events, questions, writes, timers.

use iaxproof::catalog::{Answer, Question, Write};
use iaxproof::engine::counts::Counts;
use iaxproof::engine::directory::Directory;
use iaxproof::engine::event::Event;
use iaxproof::engine::options::STORE_WAIT;
use iaxproof::engine::{Transmit, WorkerId};
use iaxproof::time::Instant;

use super::{Happening, World};
use crate::accounts;
use crate::administer::{Administer, Observe};
use crate::clock::Queue;
use crate::database::{QuestionFate, WriteFate};
use crate::fact::{Beside, Fact, Mark};
use crate::goals::{Goal, Goals};
use crate::node::desk::{Done, Handing, Outcome, Task};
use crate::plan::Actor;
use crate::schedule::{Role, ThreadId};

impl<D: Directory + Administer + Observe + Clone> World<D> {
    pub(super) fn time_out(&mut self, actor: Actor) {
        let now = self.queue.now();
        match actor {
            // Those of their workers are timers of their own.
            Actor::Server(_) => {}
            Actor::Client(index) => {
                let timer = &mut self.client_timers[usize::from(index)];
                if *timer != Some(now) {
                    return;
                }
                *timer = None;
                let client = &mut self.clients[usize::from(index)];
                client.handle_timeout(now, &mut self.outbox);
                self.flush_client(index);
            }
            Actor::Registrar => self.registrar_time_out(),
        }
    }

    pub(super) fn worker_time_out(&mut self, server: u8, worker: u8) {
        let now = self.queue.now();
        let node = &mut self.servers[usize::from(server)];
        let timer = &mut node.timers[usize::from(worker)];
        if *timer == Some(now) {
            *timer = None;
            self.give(server, Role::Worker(worker), Task::TimeOut);
        }
    }

    /// The database answers a question.
    pub(super) fn answer(&mut self, server: u8, question: &Question, fate: QuestionFate) {
        let node = &mut self.servers[usize::from(server)];
        let answer = match fate {
            QuestionFate::Late => node.database.read(question),
            QuestionFate::Read(answer) => *answer,
            QuestionFate::Fails => {
                self.observers.reach(Goal::QuestionFailed);
                Answer::Failed
            }
        };
        node.open_questions = node.open_questions.saturating_sub(1);
        self.give(
            server,
            Role::Database,
            Task::Answer(question.id, Box::new(answer)),
        );
    }

    /// A write reaches the database.
    pub(super) fn store(&mut self, server: u8, write: Write, fate: WriteFate) {
        let node = &mut self.servers[usize::from(server)];
        if fate != WriteFate::Fails {
            node.database.store(&write);
        }
        let is_stored = fate == WriteFate::Stored;
        if !is_stored {
            self.observers.reach(Goal::WriteFailed);
        }
        self.give(server, Role::Database, Task::Store { write, is_stored });
    }

    /// What a thread of a server did: it is told, and what it wants of others is seen to.
    pub(super) fn applied(&mut self, ThreadId { server, role }: ThreadId, done: Done) {
        self.note_overdue(server);
        // Of the others, none has an endpoint to say anything.
        let worker = match role {
            Role::Worker(worker) => worker,
            _ => 0,
        };
        self.tell((server, worker), done.outcome, done.beside);
        for transmit in done.transmits {
            self.flush_transmit(server, transmit);
        }
        for handing in done.handings {
            self.hand_over(server, handing);
        }
        for event in done.events {
            self.flush_event((server, worker), &event);
        }
        self.flush_directory(server, done.questions, done.writes, done.since);
        if let Some((counts, due)) = done.endpoint {
            self.note_endpoint((server, worker), counts, due);
        }
    }

    /// What an endpoint counts, and when it wants to be woken.
    fn note_endpoint(&mut self, (server, worker): (u8, u8), counts: Counts, due: Option<Instant>) {
        let limits = self.limits[usize::from(worker)];
        self.see(&Fact::Counted {
            server,
            worker,
            counts: &counts,
            limits: &limits,
        });
        let node = &mut self.servers[usize::from(server)];
        node.counts[usize::from(worker)] = counts;
        let timer = &mut node.timers[usize::from(worker)];
        let time_out = Happening::TimeOut { server, worker };
        arm(&mut self.queue, timer, due, time_out);
    }

    /// A datagram goes from one worker to another.
    fn hand_over(&mut self, server: u8, handing: Handing) {
        let Handing {
            to,
            datagram,
            back_to,
            goal,
        } = handing;
        self.observers.reach(goal);
        let worker = Role::Worker(u8::try_from(to.0).unwrap_or_default());
        self.give(server, worker, Task::Handed(datagram, back_to));
    }

    /// Where a thread stalls, the database's word may come too late for a registration that waits for it.
    fn note_overdue(&mut self, server: u8) {
        let overdue = self.servers[usize::from(server)]
            .writes
            .overdue(self.queue.now());
        let held = self.long_taken_away(server);
        for account in overdue.into_iter().chain(held) {
            self.see(&Fact::NotStored { server, account });
        }
    }

    /// What came of a task.
    fn tell(&mut self, (server, worker): (u8, u8), outcome: Outcome, beside: Beside) {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Dialled {
                account,
                caller,
                outcome,
            } => self.dialled((server, worker), (account, caller), outcome, beside),
            Outcome::Bridged(calls) => self.bridged(server, calls),
            Outcome::Unbridged(call) => self.unbridged(server, call),
            Outcome::Reloaded(accounts) => {
                self.see(&Fact::Reloaded {
                    server,
                    accounts: &accounts,
                });
                self.reloaded(server);
            }
            Outcome::Transferring => self.observers.reach(Goal::TransferBegun),
            Outcome::Registers(nth, id) => self.see(&Fact::Registers { server, nth, id }),
            Outcome::GivesUp(ids) => {
                for id in ids {
                    self.see(&Fact::GivesUp { server, id });
                }
            }
            Outcome::Pruned {
                account,
                peer,
                user,
            } => self.pruned(server, account, peer, user),
            Outcome::Unregistered(account, how) => self.unregistered(server, account, how),
            Outcome::Answered(query) => self.give_workers(server, || Task::Answered(query)),
            Outcome::Stored {
                write,
                is_stored,
                is_in_force,
                is_registered,
            } => self.stored(server, &write, is_stored, (is_in_force, is_registered)),
        }
    }

    /// A server knows how a write fared.
    fn stored(
        &mut self,
        server: u8,
        write: &Write,
        is_stored: bool,
        (is_in_force, is_registered): (bool, bool),
    ) {
        let node = &mut self.servers[usize::from(server)];
        if node.writes.answered(write, is_stored, is_in_force) {
            self.observers.reach(Goal::LateStoredUndone);
        }
        let unregistered = node.unregistering.answered(write.id(), is_stored);
        self.give_workers(server, || Task::Stored(write.id()));
        let writes = &self.servers[usize::from(server)].writes;
        let is_overtaken = is_registered || writes.is_overtaken(write);
        if let Some(account) = unregistered.filter(|_| !is_overtaken) {
            self.see(&Fact::Unregistered { server, account });
        }
    }

    fn flush_transmit(&mut self, server: u8, transmit: Transmit) {
        let node = &mut self.servers[usize::from(server)];
        let source = node.address;
        node.application
            .note_destination(&transmit.payload, transmit.destination);
        let actor = Actor::Server(server);
        self.transmit(
            actor,
            source,
            transmit.destination,
            transmit.payload,
            Mark::Plain,
        );
    }

    fn flush_event(&mut self, (server, worker): (u8, u8), event: &Event) {
        let (now, is_calm) = (self.queue.now(), self.is_calm());
        self.see(&Fact::Told { server, event });
        let node = &mut self.servers[usize::from(server)];
        let mut goals = Goals::default();
        let acts = node
            .application
            .take(event, is_calm, &mut self.decisions, &mut goals);
        if let Event::Voice { call, data, .. } = event {
            let echo = Task::Echo(*call, data.to_vec());
            self.give(server, Role::Worker(worker), echo);
        }
        self.note_event(event, goals);
        self.note_called((server, worker), event);
        for (delay, call, act) in acts {
            self.queue
                .schedule(now + delay, Happening::Act(self.process(server), call, act));
        }
    }

    pub(super) fn note_event(&mut self, event: &Event, goals: Goals) {
        self.observers.join(goals);
        if let Event::Registered { name, .. } = event
            && accounts::account_of_name(name.as_str())
                .is_some_and(|account| self.plan.topology.is_realtime(account))
        {
            self.observers.reach(Goal::RealtimeRegistered);
        }
    }

    /// A question was answered that a call waited for.
    fn note_called(&mut self, (server, worker): (u8, u8), event: &Event) {
        let Event::Called { query, call } = event else {
            return;
        };
        let application = &mut self.servers[usize::from(server)].application;
        let query = (WorkerId(worker.into()), *query);
        match (application.asked_for(query), call) {
            (Some((account, caller)), Ok(call)) => {
                self.follow_call(server, account, *call, caller);
            }
            (Some((_, caller)), Err(error)) => self.dialled_nobody(server, *error, caller),
            (None, _) => {}
        }
    }

    /// Questions and writes go to the database.
    /// Who waits for a write waits since the job began that gave it.
    fn flush_directory(
        &mut self,
        server: u8,
        questions: Vec<Question>,
        writes: Vec<Write>,
        since: Instant,
    ) {
        let (now, is_calm) = (self.queue.now(), self.is_calm());
        let process = self.process(server);
        let node = &mut self.servers[usize::from(server)];
        for question in questions {
            node.open_questions += 1;
            let (delay, fate) = node.database.ask(&question, is_calm, &mut self.decisions);
            let answer = Happening::Answer(process, question, fate);
            self.queue.schedule(now + delay, answer);
        }
        let mut not_stored = Vec::new();
        for write in writes {
            let (delay, fate) = node.database.write(is_calm, &mut self.decisions);
            let is_refused = fate != WriteFate::Stored || delay >= STORE_WAIT;
            let account = accounts::account_of_name(write.name.as_str());
            not_stored.extend(account.filter(|_| is_refused));
            node.writes.send(since, &write);
            let stored = Happening::Stored(process, write, fate);
            self.queue.schedule(now + delay, stored);
        }
        for account in not_stored {
            self.see(&Fact::NotStored { server, account });
        }
    }

    pub(super) fn flush_client(&mut self, index: u8) {
        let client = &mut self.clients[usize::from(index)];
        client.flush(&mut self.outbox);
        let source = client.address;
        let due = client.poll_timeout();
        let timer = &mut self.client_timers[usize::from(index)];
        arm(
            &mut self.queue,
            timer,
            due,
            Happening::Timer(Actor::Client(index)),
        );
        for taken in core::mem::take(&mut self.outbox.taken) {
            self.see(&Fact::Took(taken));
        }
        for (local, text) in core::mem::take(&mut self.outbox.read) {
            self.see(&Fact::Read {
                client: index,
                local,
                text: &text,
            });
        }
        self.observers.join(core::mem::take(&mut self.outbox.goals));
        for (destination, datagram) in core::mem::take(&mut self.outbox.transmits) {
            let actor = Actor::Client(index);
            self.transmit(actor, source, destination, datagram, Mark::Plain);
        }
    }
}

/// Schedules a timer, if it is due earlier than what is scheduled.
pub(super) fn arm(
    queue: &mut Queue<Happening>,
    timer: &mut Option<Instant>,
    due: Option<Instant>,
    then: Happening,
) {
    let due = due.map(|at| at.max(queue.now()));
    if *timer == due {
        return;
    }
    *timer = due;
    if let Some(at) = due {
        queue.schedule(at, then);
    }
}
