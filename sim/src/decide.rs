//! The one place where a world makes up its mind: [`Decisions::decide`].
//!
//! Every decision is keyed by (domain, who, nth) and 0 is the dull choice: deliver in time, answer at once. Exploring
//! draws from a hash of seed and key, not from a stream, so taking one decision out shifts no other. What is not 0 is
//! written down: that sparse list replays the run.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use iaxproof::time::Instant;

use crate::plan::Plan;

/// What a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    /// One datagram on its way; who = pair of nodes.
    Network,
    /// One question to a database; who = server.
    Question,
    /// One contact on its way to a database; who = server.
    Write,
    /// What the application of a server does with one call; who = server.
    Application,
    /// How long the application of a server waits for one call that it placed; who = server.
    Dialled,
    /// What a client does when it is called; who = client.
    Callee,
    /// Whether a client wants its call encrypted; who = client.
    Cipher,
    /// Whether what was on its way to the database when its process died got there; who = server.
    Restart,
    /// When the application of a server wants out of one of its bridges, if ever; who = server.
    Transfer,
    /// What a client does when it is asked to move a call; who = client.
    Move,
    /// What the registrar does about one request; who = 0.
    Registrar,
    /// Whether a client answers one POKE; who = client.
    Qualify,
    /// Whether a thread stalls before one of its steps; who = thread.
    Stall,
    /// After how many steps of others a thread that stalled goes on again, where that comes first; who and nth = those of the stall. Never
    /// drawn.
    Resume,
    /// Which of the threads that can go on goes first: the highest; who = thread, nth = 0.
    Rank,
}

impl Domain {
    /// Every domain, in the order of their numbers.
    pub const ALL: [Domain; 15] = [
        Domain::Network,
        Domain::Question,
        Domain::Write,
        Domain::Application,
        Domain::Dialled,
        Domain::Callee,
        Domain::Cipher,
        Domain::Restart,
        Domain::Transfer,
        Domain::Move,
        Domain::Registrar,
        Domain::Qualify,
        Domain::Stall,
        Domain::Resume,
        Domain::Rank,
    ];

    const fn word(self) -> &'static str {
        match self {
            Domain::Network => "network",
            Domain::Question => "question",
            Domain::Write => "write",
            Domain::Application => "application",
            Domain::Dialled => "dialled",
            Domain::Callee => "callee",
            Domain::Cipher => "cipher",
            Domain::Restart => "restart",
            Domain::Transfer => "transfer",
            Domain::Move => "move",
            Domain::Registrar => "registrar",
            Domain::Qualify => "qualify",
            Domain::Stall => "stall",
            Domain::Resume => "resume",
            Domain::Rank => "rank",
        }
    }

    /// Whether it is about what network, databases and processes do that they should not.
    pub const fn is_of_a_fault(self) -> bool {
        matches!(
            self,
            Domain::Network | Domain::Question | Domain::Write | Domain::Restart
        )
    }

    /// Whether it is about which thread goes on.
    pub const fn is_of_a_thread(self) -> bool {
        matches!(self, Domain::Stall | Domain::Resume | Domain::Rank)
    }
}

/// Names one decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// What it is about.
    pub domain: Domain,
    /// Whom it concerns; the domain says how it is numbered.
    pub who: u16,
    /// Which decision of this domain and this one it is, from 0.
    pub nth: u32,
}

impl Key {
    fn packed(self) -> u64 {
        ((self.domain as u64) << 48) | (u64::from(self.who) << 32) | u64::from(self.nth)
    }
}

/// A decision that was not dull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Which.
    pub key: Key,
    /// What was chosen; never 0.
    pub value: u32,
}

/// `network 5 12 = 3`: domain, who, nth, value.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { domain, who, nth } = self.key;
        write!(f, "{} {who} {nth} = {}", domain.word(), self.value)
    }
}

/// A text that is no decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no decision: expected `DOMAIN WHO NTH = VALUE`, for example `network 5 12 = 3`")]
pub struct NoDecision(String);

impl FromStr for Decision {
    type Err = NoDecision;

    fn from_str(text: &str) -> Result<Self, NoDecision> {
        let read = || {
            let mut words = text.split_whitespace();
            let word = words.next()?;
            let domain = Domain::ALL.into_iter().find(|d| d.word() == word)?;
            let who = words.next()?.parse().ok()?;
            let nth = words.next()?.parse().ok()?;
            let value = words.next().filter(|equals| *equals == "=")?;
            debug_assert_eq!(value, "=");
            let value = words.next()?.parse().ok().filter(|value| *value != 0)?;
            let key = Key { domain, who, nth };
            words.next().is_none().then_some(Decision { key, value })
        };
        read().ok_or_else(|| NoDecision(text.into()))
    }
}

/// Where decisions come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Exploring: drawn from the hash of this seed and the key.
    Seed(u64),
    /// Replaying: looked up; what is not listed is 0.
    Listed(BTreeMap<Key, u32>),
}

/// Decides, and writes down what was not dull.
#[derive(Clone, Debug)]
pub struct Decisions {
    source: Source,
    taken: Vec<Decision>,
    now: Instant,
    /// What was asked and when, where that is kept.
    asked: Option<Vec<(Key, Instant)>>,
}

impl Decisions {
    /// Decisions from this source.
    pub const fn new(source: Source) -> Self {
        Decisions {
            source,
            taken: Vec::new(),
            now: Instant::ZERO,
            asked: None,
        }
    }

    /// The same, keeping when each was asked where the plan lists them: shrinking finds them again by that.
    #[must_use]
    pub fn keeping_when(mut self) -> Self {
        let is_listed = matches!(self.source, Source::Listed(_));
        self.asked = is_listed.then(Vec::new);
        self
    }

    /// Time passes.
    pub const fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    /// What was asked and when, in that order.
    pub fn take_asked(&mut self) -> Vec<(Key, Instant)> {
        self.asked.take().unwrap_or_default()
    }

    /// Those of a plan: drawn from its seed while it explores, else what it lists.
    pub fn of(plan: &Plan) -> Self {
        if plan.explore {
            return Decisions::new(Source::Seed(plan.seed));
        }
        let listed = plan.decisions.iter().map(|d| (d.key, d.value));
        Decisions::new(Source::Listed(listed.collect()))
    }

    /// The answer to `key`, below `choices`. `draw` turns 64 random bits into an answer when exploring; it should be 0
    /// mostly.
    pub fn decide(&mut self, key: Key, choices: u32, draw: impl FnOnce(u64) -> u32) -> u32 {
        let value = match &self.source {
            Source::Seed(seed) => draw(mix(seed ^ mix(key.packed()))),
            Source::Listed(listed) => listed.get(&key).copied().unwrap_or(0),
        };
        let value = value % choices.max(1);
        if let Some(asked) = &mut self.asked {
            asked.push((key, self.now));
        }
        if value != 0 {
            self.taken.push(Decision { key, value });
        }
        value
    }

    /// What was decided and was not 0, in the order of the keys.
    pub fn into_taken(mut self) -> Vec<Decision> {
        self.taken.sort_unstable_by_key(|decision| decision.key);
        self.taken
    }
}

/// A bijection of 64 bits that spreads every bit over all (the finisher of SplitMix64).
pub const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Random numbers for expanding a seed into a plan. Never used while a world runs.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
    /// What the first rolls are told to give, the last of them first.
    told: Vec<u16>,
}

impl Dice {
    /// Dice of this seed.
    pub const fn new(seed: u64) -> Self {
        Dice {
            state: mix(seed),
            told: Vec::new(),
        }
    }

    /// Dice of this seed whose first rolls are told: 0 leaves a roll to the seed, any other number gives the one below it. So each
    /// roll can be bent alone, and the others stay.
    pub fn told(seed: u64, told: impl DoubleEndedIterator<Item = u16>) -> Self {
        Dice {
            told: told.rev().collect(),
            ..Dice::new(seed)
        }
    }

    /// 64 random bits, or what was told.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(1);
        match self.told.pop() {
            None | Some(0) => mix(self.state),
            Some(told) => u64::from(told) - 1,
        }
    }

    /// A number of `low..=high`.
    pub fn within(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high.saturating_sub(low)) + 1;
        low + u32::try_from(self.roll() % span).unwrap_or(0)
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.within(0, 99) < percent
    }

    /// One of these.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll() % from.len() as u64).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key {
        domain: Domain::Network,
        who: 5,
        nth: 12,
    };

    #[test]
    fn a_decision_reads_back_from_its_text() {
        let decision = Decision { key: KEY, value: 3 };
        assert_eq!(decision.to_string(), "network 5 12 = 3");
        assert_eq!("network 5 12 = 3".parse(), Ok(decision));
        for wrong in [
            "",
            "network 5 12 = 0",
            "weather 5 12 = 3",
            "network 5 12 = 3 4",
        ] {
            assert!(wrong.parse::<Decision>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_drawn_replays_from_the_list_and_one_taken_out_shifts_no_other() {
        let keys: Vec<_> = (0..50).map(|nth| Key { nth, ..KEY }).collect();
        let mut explored = Decisions::new(Source::Seed(7));
        let draw = |bits: u64| u32::from(bits.is_multiple_of(3));
        let drawn: Vec<_> = keys.iter().map(|k| explored.decide(*k, 2, draw)).collect();
        let taken = explored.into_taken();
        assert!(taken.len() > 5 && taken.len() < 45, "{}", taken.len());

        let mut listed: BTreeMap<_, _> = taken.iter().map(|d| (d.key, d.value)).collect();
        let mut replayed = Decisions::new(Source::Listed(listed.clone()));
        let again: Vec<_> = keys.iter().map(|k| replayed.decide(*k, 2, |_| 1)).collect();
        assert_eq!(again, drawn);

        listed.remove(&taken[0].key);
        let mut without = Decisions::new(Source::Listed(listed));
        let less: Vec<_> = keys.iter().map(|k| without.decide(*k, 2, |_| 1)).collect();
        let differing = drawn.iter().zip(&less).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 1);
    }
}
