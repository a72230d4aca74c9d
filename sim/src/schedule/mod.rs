//! Whose turn it is among the threads of a world. No engine is known here: whoever runs the threads asks [`Schedule::point`]
//! before each of their synchronisation steps and [`Schedule::pick`] who goes on.
//!
//! The dull schedule has no preemption: a thread goes on until it has nothing to do, and only then does time pass. What makes a
//! difference is a *stall*: a thread stops before its nth step, until all others are at rest, or for a while; time, datagrams and the
//! other threads go on, also where it holds a lock. Stalls are decisions like all others
//! (`stall WHO NTH = VALUE`), so a schedule is a short list, and taking one stall out shifts no other. `resume WHO NTH = STEPS` ends a
//! stall after so many steps of others, to find the one that it must outlast ([`explain`](crate::explain)).
//!
//! `rank WHO 0 = RANK` sets the order in which threads go on that can: the highest first, also where another one is in the middle of
//! something, as when it gives a lock back. Where none is ranked, nobody is preempted but by stalls.
//!
//! [`draw`] has the ways in which a seed comes to its stalls and ranks.

pub mod draw;
mod thread;

use core::time::Duration;

use iaxproof::time::Instant;

use crate::decide::{Decisions, Domain, Key};
use crate::plan::{Decision, Plan};

pub use self::draw::Scheduler;
use self::draw::{Priorities, Victim};
pub use self::thread::{Role, ThreadId};

/// How many answers there are to whether a thread stalls: not at all, until rest, the lengths below.
const STALLS: u32 = 7;
/// Until all others are at rest; no time passes.
const UNTIL_REST: u32 = 1;
/// For so many milliseconds, from value 2 on: longer than a datagram's way, than a retransmission, than a write is waited for.
const LENGTHS_MS: [u64; 5] = [20, 120, 600, 1_500, 4_000];
/// The stall that lasts longest.
pub(crate) const LONGEST: u32 = UNTIL_REST + LENGTHS_MS.len() as u32;
/// How many ranks there are, that of who has none among them.
const RANKS: u32 = 256;
/// Of this many steps rates are told.
const OF_STEPS: u64 = 10_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stall {
    #[default]
    Awake,
    UntilRest,
    Until(Instant),
}

#[derive(Clone, Copy, Debug, Default)]
struct Thread {
    points: u32,
    /// Those of them before all healed.
    counted: u32,
    rank: u32,
    stall: Stall,
    /// The step of all threads together before which it goes on again.
    resumes: Option<u64>,
}

/// Whose turn it is.
#[derive(Clone, Debug)]
pub struct Schedule {
    decisions: Decisions,
    threads: Vec<Thread>,
    /// How many of them each server has.
    per_server: usize,
    now: Instant,
    heal_at: Instant,
    scheduler: Scheduler,
    /// Steps, of ten thousand, before which anybody stalls.
    rate: u64,
    /// How threads of each role stall, where each role has a rate of its own.
    victims: Vec<Victim>,
    /// Where somebody stalls, where that was drawn before.
    places: Vec<(usize, u32)>,
    stalls_left: u16,
    /// Whether there are stalls at all, of whatever role.
    may_stall: bool,
    preempted: u64,
    /// Steps of all threads.
    points: u64,
    /// Who goes on next, whoever else can.
    next: Option<usize>,
}

impl Schedule {
    /// The schedule of a plan, whose threads take so many steps where none is preempted; only [`Scheduler::Pct`] must know.
    pub fn new(plan: &Plan, steps: &[u32]) -> Self {
        let per_server = ThreadId::per_server(plan.topology.workers());
        let threads = usize::from(plan.topology.servers) * per_server;
        let scheduler = plan.options.scheduler;
        let priorities = match scheduler.counts() && Self::is_drawn(plan) {
            true => draw::priorities(plan, steps),
            false => Priorities::default(),
        };
        let mut schedule = Schedule {
            decisions: Decisions::of(plan).keeping_when(),
            threads: vec![Thread::default(); threads],
            per_server,
            now: Instant::ZERO,
            heal_at: Instant::from_millis(u64::from(plan.heal_ms)),
            scheduler,
            victims: draw::victims(plan.seed, per_server),
            places: priorities.places,
            rate: u64::from(plan.options.stall_rate),
            stalls_left: plan.options.stalls_max,
            may_stall: plan.options.stalls_max > 0,
            preempted: 0,
            points: 0,
            next: None,
        };
        schedule.rank(&priorities.ranks);
        schedule
    }

    /// Gives threads their ranks: these, where it explores.
    fn rank(&mut self, drawn: &[u32]) {
        for (who, thread) in (0..).zip(&mut self.threads) {
            let drawn = drawn.get(usize::from(who)).copied().unwrap_or(0);
            let key = Key {
                domain: Domain::Rank,
                who,
                nth: 0,
            };
            thread.rank = self.decisions.decide(key, RANKS, |_| drawn);
        }
    }

    /// Whether the stalls and ranks of a plan are still to be drawn, and there may be some.
    pub const fn is_drawn(plan: &Plan) -> bool {
        plan.explore && plan.options.stalls_max > 0
    }

    /// How many steps each thread took before all healed.
    pub fn steps(&self) -> Vec<u32> {
        self.threads.iter().map(|thread| thread.counted).collect()
    }

    /// Time passes.
    pub fn set_now(&mut self, now: Instant) {
        self.now = now;
        self.decisions.set_now(now);
    }

    /// Nothing stalls any more.
    pub fn heal(&mut self) {
        self.heal_at = self.now;
        for thread in &mut self.threads {
            thread.stall = Stall::Awake;
        }
    }

    /// The thread is before its next synchronisation step. Whether another may come first: [`Schedule::pick`] says who.
    pub fn point(&mut self, thread: usize) -> bool {
        let nth = self.threads[thread].points;
        self.threads[thread].points += 1;
        self.points += 1;
        self.threads[thread].counted += u32::from(self.now < self.heal_at);
        let stalls = self.stalls_at(thread, nth);
        self.next = self.resumed();
        // Who has a higher rank may have got something to do.
        stalls || self.next.is_some() || self.threads[thread].rank > 0
    }

    /// Whether the thread stands still.
    pub fn is_stalled(&self, thread: usize) -> bool {
        self.threads[thread].stall != Stall::Awake
    }

    /// The thread whose stall the steps of others have ended by now.
    fn resumed(&mut self) -> Option<usize> {
        let points = self.points;
        let is_due =
            |it: &Thread| it.stall != Stall::Awake && it.resumes.is_some_and(|at| at <= points);
        let thread = self.threads.iter().position(is_due)?;
        self.threads[thread].stall = Stall::Awake;
        Some(thread)
    }

    fn stalls_at(&mut self, thread: usize, nth: u32) -> bool {
        if self.now >= self.heal_at {
            return false;
        }
        let key = Key {
            domain: Domain::Stall,
            who: u16::try_from(thread).unwrap_or(u16::MAX),
            nth,
        };
        let rate = self.rate_at(thread, nth);
        let draw = |bits: u64| match bits % OF_STEPS < rate {
            true => 1 + (bits >> 32) as u32 % (STALLS - 1),
            false => 0,
        };
        let value = self.decisions.decide(key, STALLS, draw);
        if value > 0 {
            let left = &mut self.victims[thread % self.per_server].left;
            *left = left.saturating_sub(1);
            self.stalls_left = self.stalls_left.saturating_sub(1);
            self.threads[thread].stall = self.stall(value);
            self.threads[thread].resumes = self.resumes(key);
        }
        value > 0
    }

    /// Before how many of ten thousand steps such as this a thread stalls, where that is drawn.
    fn rate_at(&self, thread: usize, nth: u32) -> u64 {
        let victim = &self.victims[thread % self.per_server];
        match self.scheduler {
            Scheduler::Stalls if self.stalls_left > 0 => self.rate,
            Scheduler::Roles if self.may_stall && victim.left > 0 => victim.rate,
            Scheduler::Pct if self.places.contains(&(thread, nth)) => OF_STEPS,
            _ => 0,
        }
    }

    /// Before which step of all threads together a stall ends at the latest.
    fn resumes(&mut self, key: Key) -> Option<u64> {
        let domain = Domain::Resume;
        let steps = self
            .decisions
            .decide(Key { domain, ..key }, u32::MAX, |_| 0);
        // Its own step is the last that was counted; after so many more, the next comes after it.
        (steps > 0).then(|| self.points + u64::from(steps) + 1)
    }

    fn stall(&self, value: u32) -> Stall {
        if value == UNTIL_REST {
            return Stall::UntilRest;
        }
        let length = Duration::from_millis(LENGTHS_MS[(value - UNTIL_REST) as usize - 1]);
        Stall::Until(self.heal_at.min(self.now + length))
    }

    /// Who goes on, of those that can; `None` where nobody does: then time may pass.
    pub fn pick(&mut self, able: &[usize], current: Option<usize>) -> Option<usize> {
        let told = self.next.take().filter(|it| able.contains(it));
        let mut awake = able.iter().copied().filter(|it| self.is_awake(*it));
        let highest = awake.clone().map(|it| self.threads[it].rank).max();
        let is_highest = |it: &usize| Some(self.threads[*it].rank) == highest;
        let goes_on = current.filter(|it| awake.clone().any(|other| other == *it));
        let next = told
            .or(goes_on.filter(is_highest))
            .or_else(|| awake.find(is_highest));
        let next = next.or_else(|| {
            let waits = |it: &usize| self.threads[*it].stall == Stall::UntilRest;
            able.iter().copied().find(waits)
        })?;
        self.threads[next].stall = Stall::Awake;
        self.preempted += u64::from(current.is_some_and(|it| it != next && able.contains(&it)));
        Some(next)
    }

    fn is_awake(&self, thread: usize) -> bool {
        match self.threads[thread].stall {
            Stall::Awake => true,
            Stall::UntilRest => false,
            Stall::Until(at) => self.now >= at,
        }
    }

    /// When the first of these stalls for a while is over.
    pub fn next_wake(&self) -> Option<Instant> {
        let ends = self.threads.iter().filter_map(|thread| match thread.stall {
            Stall::Until(at) => Some(at),
            _ => None,
        });
        ends.min()
    }

    /// How often a thread that could have gone on did not.
    pub const fn preempted(&self) -> u64 {
        self.preempted
    }

    /// What was asked and when.
    pub fn take_asked(&mut self) -> Vec<(Key, Instant)> {
        self.decisions.take_asked()
    }

    /// The stalls that there were.
    pub fn into_taken(self) -> Vec<Decision> {
        self.decisions.into_taken()
    }
}

#[cfg(test)]
mod tests;
