//! The threads of a world: what each has to do, and what becomes of what it did. Who runs them is not known here: one stack does, or
//! an engine that lets them stop in the middle of a job while the world goes on.

use std::collections::{BTreeSet, VecDeque};

use iaxproof::catalog::Unregistered;
use iaxproof::engine::directory::Directory;
use iaxproof::engine::event::Event;
use iaxproof::engine::options::STORE_WAIT;
use iaxproof::time::Instant;

use super::World;
use super::setup::has_database;
use crate::accounts::account_of_name;
use crate::administer::{Administer, Observe};
use crate::coverage::Fault;
use crate::fact::{Beside, Fact};
use crate::node::desk::{Desk, Done, Job, Outcome, Task};
use crate::plan::ENGINE;
use crate::schedule::{Role, ThreadId};
use crate::views::What;

/// What waits for one thread.
#[derive(Debug)]
pub(super) struct Inbox {
    id: ThreadId,
    tasks: VecDeque<Task>,
    /// Whether the thread is in the middle of something.
    is_busy: bool,
    /// Whether something was done since its server was last looked at.
    is_unseen: bool,
    /// What it does, and did since then.
    work: Beside,
    /// What others began while it was in the middle of something.
    disturbed: Beside,
    /// Of a pruner that is in the middle of taking a contact away: whose, and since when. What it will write is not written yet, and what
    /// is registered meanwhile is written after it.
    taking_away: Option<(u8, Instant)>,
    /// Of a worker that is in the middle of something: accounts that an operator or another worker changed meanwhile. Of a pruner: accounts
    /// that were registered meanwhile.
    blurred: BTreeSet<u8>,
}

impl Inbox {
    pub(super) fn new(id: ThreadId) -> Self {
        Inbox {
            id,
            tasks: VecDeque::new(),
            is_busy: false,
            is_unseen: false,
            work: Beside::Nobody,
            disturbed: Beside::Nobody,
            taking_away: None,
            blurred: BTreeSet::new(),
        }
    }
}

impl<D: Directory + Administer + Observe + Clone> World<D> {
    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// The threads that have something to do and are not in the middle of something.
    pub fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        let waits = |(_, inbox): &(usize, &Inbox)| !inbox.is_busy && !inbox.tasks.is_empty();
        let all = self.threads.iter().enumerate();
        all.filter(waits).map(|(thread, _)| thread)
    }

    /// Something for a thread of a server to do.
    pub(super) fn give(&mut self, server: u8, role: Role, task: Task) {
        let inbox = self.inbox(server, role);
        inbox.tasks.push_back(task);
    }

    /// The same for each worker of a server.
    pub(super) fn give_workers(&mut self, server: u8, task: impl Fn() -> Task) {
        for worker in 0..self.plan.topology.workers() {
            self.give(server, Role::Worker(worker), task());
        }
    }

    fn inbox(&mut self, server: u8, role: Role) -> &mut Inbox {
        let workers = self.plan.topology.workers();
        &mut self.threads[ThreadId { server, role }.index(workers)]
    }

    /// Something of a server is another matter, though no thread of it did that.
    pub(super) fn touched(&mut self, server: u8) {
        let worker = self.inbox(server, Role::Worker(0));
        worker.is_unseen = true;
        worker.work = Beside::Anything;
    }

    /// What was for the threads of a process that is dead is for nobody.
    pub(super) fn clear(&mut self, server: u8) {
        for inbox in self.of_server(server) {
            inbox.tasks.clear();
            inbox.blurred.clear();
        }
    }

    fn of_server(&mut self, server: u8) -> impl Iterator<Item = &mut Inbox> {
        self.threads
            .iter_mut()
            .filter(move |inbox| inbox.id.server == server)
    }

    /// A thread takes up what is next for it.
    pub fn take(&mut self, thread: usize) -> Option<Job<D>> {
        let mut task = self.threads[thread].tasks.pop_front()?;
        let server = self.threads[thread].id.server;
        if let Task::Datagram(datagram) | Task::Handed(datagram, _) = &mut task
            && let Some(circumstance) = &mut datagram.circumstance
            && self.of_server(server).any(|inbox| inbox.is_busy)
        {
            circumstance.add(Fault::BesideStall);
        }
        let all = self.of_server(server).map(|inbox| inbox.work);
        let beside = all.max().unwrap_or_default();
        let work = self.work_of(server, &task);
        for inbox in self.of_server(server).filter(|inbox| inbox.is_busy) {
            inbox.disturbed = inbox.disturbed.max(work);
        }
        let now = self.queue.now();
        let inbox = &mut self.threads[thread];
        inbox.is_busy = true;
        inbox.disturbed = Beside::Nobody;
        inbox.work = inbox.work.max(work);
        inbox.taking_away = match task {
            Task::Unregister(account) => Some((account, now)),
            _ => None,
        };
        self.begins(server, &task);
        self.tell_job(thread, What::JobBegan, task.word());
        let node = &self.servers[usize::from(server)];
        Some(Job {
            incarnation: node.incarnation,
            now: self.queue.now(),
            directory: node.directory.clone(),
            task,
            beside,
        })
    }

    /// What a task may do to contacts. Where there is a database a worker only asks for changes.
    fn work_of(&self, server: u8, task: &Task) -> Beside {
        match task {
            Task::Store { write, is_stored } if *is_stored && write.contact.is_some() => {
                Beside::Contacts
            }
            task if task.is_of_worker() && has_database(&self.plan, server) => Beside::Contacts,
            _ => Beside::Anything,
        }
    }

    /// From when on an operator's work may show.
    fn begins(&mut self, server: u8, task: &Task) {
        if let Task::Reload(reload) = task {
            let accounts = reload.accounts.clone();
            self.see(&Fact::Reloading {
                server,
                accounts: &accounts,
            });
        }
    }

    /// A thread has done its job.
    pub fn apply(&mut self, thread: usize, mut done: Done) {
        let inbox = &mut self.threads[thread];
        done.beside = done.beside.max(inbox.disturbed);
        let ThreadId { server, role } = inbox.id;
        inbox.is_busy = false;
        inbox.taking_away = None;
        inbox.is_unseen = true;
        let mut blurred = core::mem::take(&mut inbox.blurred);
        if done.incarnation != self.servers[usize::from(server)].incarnation {
            // The process died meanwhile.
            return self.tell_job(thread, What::JobEnded, "");
        }
        let is_waited_for = matches!(role, Role::Worker(_) | Role::Database);
        if is_waited_for && done.since < self.queue.now() {
            self.see(&Fact::Late { server });
        }
        self.cover(&done);
        self.blur(server, &done.outcome);
        self.blur_others(thread, &done.events);
        if !matches!(role, Role::Worker(_)) {
            blurred.retain(|account| has_taken_away(&done.outcome, *account));
        }
        // A configuration is in force when its reload has ended, and not since that began.
        let since = (role != Role::Reloader).then_some(done.since);
        self.observers.tell_since(since);
        self.observers
            .tell_thread(self.has_threads().then_some(ThreadId { server, role }));
        self.applied(ThreadId { server, role }, done);
        self.observers.tell_since(None);
        self.observers.tell_thread(None);
        self.tell_job(thread, What::JobEnded, "");
        for account in blurred {
            self.see(&Fact::Blurred { server, account });
        }
    }

    /// A message was taken up, and its dialogue found in some state.
    fn cover(&mut self, done: &Done) {
        if let Some((standing, mut circumstance)) = done.covered {
            if done.since < self.queue.now() {
                circumstance.add(Fault::AmidStall);
            }
            self.observers.cover(standing, circumstance);
        }
    }

    /// Whether threads may stop in the middle of a job.
    fn has_threads(&self) -> bool {
        self.plan.engine != ENGINE
    }

    fn tell_job(&mut self, thread: usize, what: What, text: &str) {
        if self.has_threads() {
            let (now, id) = (self.queue.now(), self.threads[thread].id);
            self.observers.tell_job(now, id, what, text);
        }
    }

    /// Where workers are in the middle of something when an operator's work ends, either may have come first.
    fn blur(&mut self, server: u8, outcome: &Outcome) {
        let accounts: Vec<u8> = match outcome {
            Outcome::Reloaded(states) => states.iter().map(|state| state.account).collect(),
            Outcome::Unregistered(account, _) => vec![*account],
            _ => return,
        };
        let workers = self.of_server(server);
        let workers = workers.filter(|it| matches!(it.id.role, Role::Worker(_)));
        for worker in workers.filter(|it| it.is_busy) {
            worker.blurred.extend(&accounts);
        }
    }

    /// Where an operator is in the middle of taking a contact away when a registration is told of, either may have come first; so may, where
    /// another worker is in the middle of something, whatever becomes of a contact.
    fn blur_others(&mut self, thread: usize, events: &[Event]) {
        let id = self.threads[thread].id;
        let others = self
            .of_server(id.server)
            .filter(|it| it.id != id && it.is_busy);
        for other in others {
            let is_blurred = |event: &&Event| match other.id.role {
                Role::Worker(_) => true,
                Role::Pruner => matches!(event, Event::Registered { .. }),
                Role::Reloader | Role::Database => false,
            };
            let those = events.iter().filter(is_blurred).filter_map(contact_of);
            other.blurred.extend(those);
        }
    }

    /// Whose contact an operator has been taking away for so long that a registration does not wait for what it writes.
    pub(super) fn long_taken_away(&mut self, server: u8) -> Option<u8> {
        let now = self.queue.now();
        let (account, since) = self.inbox(server, Role::Pruner).taking_away?;
        (since + STORE_WAIT <= now).then_some(account)
    }

    /// Does on one stack all that threads have to do.
    pub(super) fn work(&mut self, desks: &mut [Desk<D>]) {
        while let Some(thread) = self.next_waiting() {
            if let Some(job) = self.take(thread) {
                let done = desks[thread].perform(job);
                self.apply(thread, done);
            }
        }
        self.look();
    }

    fn next_waiting(&self) -> Option<usize> {
        self.waiting().next()
    }

    /// Looks at every server whose threads have done something, are in the middle of nothing and have nothing to do.
    pub fn look(&mut self) {
        for server in 0..self.plan.topology.servers {
            let is_at_work = |inbox: &mut Inbox| inbox.is_busy || !inbox.tasks.is_empty();
            if self.of_server(server).any(is_at_work) {
                continue;
            }
            let mut is_unseen = false;
            for inbox in self.of_server(server) {
                is_unseen |= core::mem::take(&mut inbox.is_unseen);
                inbox.work = Beside::Nobody;
            }
            if is_unseen {
                self.look_at(server);
            }
        }
    }
}

/// Whose contact is another one after an event of a worker.
fn contact_of(event: &Event) -> Option<u8> {
    match event {
        Event::Registered { name, .. } | Event::Released { name } | Event::Expired { name } => {
            account_of_name(name.as_str())
        }
        _ => None,
    }
}

/// Whether the operator took the contact of this account away.
fn has_taken_away(outcome: &Outcome, account: u8) -> bool {
    let is_gone = |how: &Unregistered| matches!(how, Unregistered::Done | Unregistered::Storing(_));
    matches!(outcome, Outcome::Unregistered(whose, how) if *whose == account && is_gone(how))
}
