//! What nodes want done after each event: datagrams, events, questions, writes, timers.

use iaxproof::catalog::{Answer, Question, Write};
use iaxproof::engine::directory::Directory;
use iaxproof::engine::event::Event;
use iaxproof::engine::options::STORE_WAIT;
use iaxproof::time::Instant;

use super::{Happening, World};
use crate::accounts;
use crate::administer::{Administer, Observe};
use crate::clock::Queue;
use crate::database::{QuestionFate, WriteFate};
use crate::fact::{Fact, Mark};
use crate::goals::{Goal, Goals};
use crate::plan::Actor;

impl<D: Directory + Administer + Observe> World<'_, D> {
    pub(super) fn time_out(&mut self, actor: Actor) {
        let now = self.queue.now();
        match actor {
            Actor::Server(server) => {
                let node = &mut self.servers[usize::from(server)];
                if node.timer != Some(now) {
                    return;
                }
                node.timer = None;
                node.endpoint.handle_timeout(now);
                self.flush_server(server);
            }
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

    /// The database answers a question.
    pub(super) fn answer(&mut self, server: u8, question: &Question, fate: QuestionFate) {
        let now = self.queue.now();
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
        node.directory.answer(question.id, answer, now);
        node.endpoint.handle_answer(now, question.id);
        self.flush_server(server);
    }

    /// A write reaches the database.
    pub(super) fn stored(&mut self, server: u8, write: &Write, fate: WriteFate) {
        let now = self.queue.now();
        let node = &mut self.servers[usize::from(server)];
        if fate != WriteFate::Fails {
            node.database.store(write);
        }
        let (name, generation) = (write.name.as_str(), write.generation);
        let is_stored = fate == WriteFate::Stored;
        if fate == WriteFate::Stored {
            node.directory.stored(name, generation);
        } else {
            self.observers.reach(Goal::WriteFailed);
            node.directory.not_stored(name, generation);
        }
        let is_in_force = self.is_in_force(server, write);
        let node = &mut self.servers[usize::from(server)];
        if node.writes.answered(write, is_stored, is_in_force) {
            self.observers.reach(Goal::LateStoredUndone);
        }
        let unregistered = node.unregistering.remove(&write.id());
        node.endpoint.handle_stored(now, &write.id());
        if let Some(account) = unregistered.filter(|_| fate == WriteFate::Stored) {
            self.see(&Fact::Unregistered { server, account });
        }
        self.flush_server(server);
    }

    /// Whether a peer is where a write says.
    fn is_in_force(&self, server: u8, write: &Write) -> bool {
        let mut is_it = false;
        let directory = self.servers[usize::from(server)].directory;
        directory.visit_peers(Instant::ZERO, &mut |name, contact| {
            let place = contact.and_then(|it| Some((it.address, it.deadline?)));
            is_it |= *name == write.name && place == write.contact;
        });
        is_it
    }

    /// Takes what a server wants done until it wants no more, then looks at it.
    pub(super) fn flush_server(&mut self, server: u8) {
        loop {
            let transmitted = self.flush_transmits(server);
            let told = self.flush_events(server);
            let asked = self.flush_directory(server);
            if !transmitted && !told && !asked {
                break;
            }
        }
        self.look_at(server);
        self.arm_server(server);
    }

    pub(super) fn flush_transmits(&mut self, server: u8) -> bool {
        let mut any = false;
        let index = usize::from(server);
        while let Some(transmit) = self.servers[index].endpoint.poll_transmit() {
            any = true;
            let node = &mut self.servers[index];
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
        any
    }

    pub(super) fn flush_events(&mut self, server: u8) -> bool {
        let mut any = false;
        let (now, is_calm) = (self.queue.now(), self.is_calm());
        while let Some(event) = self.servers[usize::from(server)].endpoint.poll_event() {
            any = true;
            self.see(&Fact::Told {
                server,
                event: &event,
            });
            let node = &mut self.servers[usize::from(server)];
            let mut goals = Goals::default();
            let acts = node
                .application
                .take(&event, is_calm, &mut self.decisions, &mut goals);
            if let Event::Voice { call, data, .. } = &event {
                node.echo(now, *call, data);
            }
            self.note_event(&event, goals);
            self.note_called(server, &event);
            for (delay, call, act) in acts {
                self.queue
                    .schedule(now + delay, Happening::Act(self.process(server), call, act));
            }
        }
        any
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
    fn note_called(&mut self, server: u8, event: &Event) {
        let Event::Called { query, call } = event else {
            return;
        };
        let application = &mut self.servers[usize::from(server)].application;
        match (application.asked_for(*query), call) {
            (Some((account, caller)), Ok(call)) => {
                self.follow_call(server, account, *call, caller);
            }
            (Some((_, caller)), Err(error)) => self.dialled_nobody(server, *error, caller),
            (None, _) => {}
        }
    }

    /// Questions and writes go to the database.
    pub(super) fn flush_directory(&mut self, server: u8) -> bool {
        let mut any = false;
        let (now, is_calm) = (self.queue.now(), self.is_calm());
        let process = self.process(server);
        let node = &mut self.servers[usize::from(server)];
        while let Some(question) = node.directory.poll_question() {
            any = true;
            node.open_questions += 1;
            let (delay, fate) = node.database.ask(&question, is_calm, &mut self.decisions);
            let answer = Happening::Answer(process, question, fate);
            self.queue.schedule(now + delay, answer);
        }
        let mut not_stored = Vec::new();
        while let Some(write) = node.directory.poll_write() {
            any = true;
            let (delay, fate) = node.database.write(is_calm, &mut self.decisions);
            let is_refused = fate != WriteFate::Stored || delay >= STORE_WAIT;
            let account = accounts::account_of_name(write.name.as_str());
            not_stored.extend(account.filter(|_| is_refused));
            node.writes.send(&write);
            let stored = Happening::Stored(process, write, fate);
            self.queue.schedule(now + delay, stored);
        }
        for account in not_stored {
            self.see(&Fact::NotStored { server, account });
        }
        any
    }

    pub(super) fn arm_server(&mut self, server: u8) {
        let node = &mut self.servers[usize::from(server)];
        let due = node.endpoint.poll_timeout().map(|(at, _)| at);
        arm(&mut self.queue, &mut node.timer, due, Actor::Server(server));
    }

    pub(super) fn flush_client(&mut self, index: u8) {
        let client = &mut self.clients[usize::from(index)];
        client.flush(&mut self.outbox);
        let source = client.address;
        let due = client.poll_timeout();
        let timer = &mut self.client_timers[usize::from(index)];
        arm(&mut self.queue, timer, due, Actor::Client(index));
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
    actor: Actor,
) {
    let due = due.map(|at| at.max(queue.now()));
    if *timer == due {
        return;
    }
    *timer = due;
    if let Some(at) = due {
        queue.schedule(at, Happening::Timer(actor));
    }
}
