//! What all workers share about those who knock: live dialogues per address, of the unproven, and in all; pending
//! challenges of names that nobody has; the keys of call tokens.
//!
//! One lock guards all of it. It is held for a few comparisons, once when a dialogue opens and once when it ends, and
//! nothing is called under it.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use super::Catalog;
use super::entry::Entry;
use crate::engine::admission::{Ticket, TokenKey, TokenKeys, token_is_required};
use crate::engine::directory::Role;
use crate::engine::settings::{General, IpRange, Name, Requirement};
use crate::registry::{Family, Ref};
use crate::time::Instant;

/// The counts, the limits that they are held against, and the keys.
pub(super) struct Gate<F: Family>(F::Mutex<State>);

struct State {
    limits: Limits,
    dialogues_max: usize,
    keys: Keys,
    live: BTreeMap<IpAddr, usize>,
    dialogues: usize,
    unvalidated: usize,
    /// The limits of dynamic peers, under the address where each is registered.
    own: BTreeMap<IpAddr, BTreeMap<Name, usize>>,
    /// Calls that wait for AUTHREP, by names that nobody has.
    challenges: BTreeMap<Box<[u8]>, usize>,
}

/// What the accepted configuration says.
struct Limits {
    per_ip: usize,
    per_range: Vec<(IpRange, usize)>,
    unvalidated: usize,
    optional: Vec<IpRange>,
    token_life: Duration,
    /// Calls that may wait for AUTHREP under one name that nobody has: as many as under that of a user who says nothing, so
    /// that neither can be told from the other. 0 for any number.
    challenges: usize,
}

struct Keys {
    current: TokenKey,
    /// The key before, and until when its tokens are good.
    previous: Option<(TokenKey, Instant)>,
}

impl Limits {
    fn of(general: &General) -> Self {
        Limits {
            per_ip: general.dialogues_per_ip_max,
            per_range: general.dialogues_per_range_max.clone(),
            unvalidated: general.dialogues_unvalidated_max,
            optional: general.token_optional.clone(),
            token_life: general.token_life,
            challenges: general.defaults.auth_requests_max,
        }
    }

    /// Of the ranges that hold the address, the narrowest; of equally narrow ones, the last.
    fn of_address(&self, ip: IpAddr) -> usize {
        let ranges = self
            .per_range
            .iter()
            .filter(|(range, _)| range.contains(ip));
        let narrowest = ranges.max_by_key(|(range, _)| range.prefix());
        narrowest.map_or(self.per_ip, |(_, max)| *max)
    }
}

impl State {
    /// A registered peer's own limit comes first; of several at one address, the greatest, so that none has less than its
    /// own.
    fn max_of(&self, ip: IpAddr) -> usize {
        let own = self.own.get(&ip).and_then(|own| own.values().max());
        own.copied().unwrap_or_else(|| self.limits.of_address(ip))
    }
}

impl<F: Family> Gate<F> {
    pub(super) fn new(key: TokenKey, dialogues_max: usize) -> Self {
        Gate(F::mutex(State {
            limits: Limits::of(&General::default()),
            dialogues_max,
            keys: Keys {
                current: key,
                previous: None,
            },
            live: BTreeMap::new(),
            dialogues: 0,
            unvalidated: 0,
            own: BTreeMap::new(),
            challenges: BTreeMap::new(),
        }))
    }

    /// A configuration was accepted. Dialogues that are beyond its limits stay.
    pub(super) fn accept(&self, general: &General) {
        let limits = Limits::of(general);
        let old = core::mem::replace(&mut F::lock(&self.0).limits, limits);
        drop(old);
    }

    /// A place for one more dialogue.
    pub(super) fn admit(&self, ip: IpAddr, is_validated: bool) -> Option<Ticket> {
        let ticket = Ticket::new(ip, is_validated);
        let ip = ticket.ip();
        let mut state = F::lock(&self.0);
        let live = state.live.get(&ip).copied().unwrap_or_default();
        let is_full = live >= state.max_of(ip)
            || state.dialogues >= state.dialogues_max
            || (!is_validated && state.unvalidated >= state.limits.unvalidated);
        if is_full {
            return None;
        }
        state.live.insert(ip, live + 1);
        state.dialogues += 1;
        state.unvalidated += usize::from(!is_validated);
        Some(ticket)
    }

    /// A dialogue ended. Addresses without dialogues are forgotten.
    pub(super) fn leave(&self, ticket: Ticket) {
        let ip = ticket.ip();
        let mut state = F::lock(&self.0);
        if let Some(live) = state.live.get_mut(&ip) {
            *live -= 1;
            if *live == 0 {
                state.live.remove(&ip);
            }
            state.dialogues -= 1;
            state.unvalidated -= usize::from(!ticket.is_validated());
        }
    }

    fn set_own(&self, ip: IpAddr, name: &Name, max: Option<usize>) {
        let mut state = F::lock(&self.0);
        match max {
            Some(max) => {
                let own = state.own.entry(ip).or_default();
                own.insert(name.clone(), max);
            }
            None => {
                let own = state.own.get_mut(&ip);
                let is_empty = own.is_some_and(|own| {
                    own.remove(name);
                    own.is_empty()
                });
                if is_empty {
                    state.own.remove(&ip);
                }
            }
        }
    }

    fn is_optional(&self, ip: IpAddr) -> bool {
        let state = F::lock(&self.0);
        state.limits.optional.iter().any(|range| range.contains(ip))
    }

    pub(super) fn token_keys(&self, now: Instant) -> TokenKeys {
        let state = F::lock(&self.0);
        let keys = &state.keys;
        let previous = keys.previous.as_ref().filter(|(_, until)| now < *until);
        TokenKeys {
            current: keys.current.clone(),
            previous: previous.map(|(key, _)| key.clone()),
            life: state.limits.token_life,
        }
    }

    fn rotate(&self, new: TokenKey, now: Instant) {
        let mut state = F::lock(&self.0);
        let until = now + state.limits.token_life;
        let old = core::mem::replace(&mut state.keys.current, new);
        state.keys.previous = Some((old, until));
    }

    /// One more call of a name that nobody has waits for AUTHREP. Bounded by the dialogues that there are.
    pub(super) fn begin_challenge(&self, name: &[u8]) -> bool {
        let mut state = F::lock(&self.0);
        let pending = state.challenges.get(name).copied().unwrap_or_default();
        let max = state.limits.challenges;
        if max > 0 && pending >= max {
            return false;
        }
        state.challenges.insert(name.into(), pending + 1);
        true
    }

    pub(super) fn end_challenge(&self, name: &[u8]) {
        let mut state = F::lock(&self.0);
        if let Some(pending) = state.challenges.get_mut(name) {
            *pending -= 1;
            if *pending == 0 {
                state.challenges.remove(name);
            }
        }
    }
}

/// What is counted about those who knock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// Live dialogues of all workers.
    pub dialogues: usize,
    /// Those that began without a token.
    pub unvalidated: usize,
    /// Addresses that have any.
    pub addresses: usize,
    /// Addresses for which a registered peer has a limit of its own.
    pub addresses_with_limit: usize,
    /// Names that nobody has, under which calls wait for AUTHREP.
    pub names_of_nobody: usize,
}

impl<F: Family> Catalog<F> {
    /// Puts a fresh key of call tokens in force. Tokens that the former key issued are good for one life more; so this is called no
    /// oftener than once in that time.
    pub fn rotate_token_key(&self, new: TokenKey, now: Instant) {
        self.gate.rotate(new, now);
    }

    /// What is counted about those who knock.
    pub fn admitted(&self) -> Admitted {
        let state = F::lock(&self.gate.0);
        Admitted {
            dialogues: state.dialogues,
            unvalidated: state.unvalidated,
            addresses: state.live.len(),
            addresses_with_limit: state.own.len(),
            names_of_nobody: state.challenges.len(),
        }
    }

    /// Makes the limit that a peer has at an address what the linked entry of its name says. As with the address index,
    /// whoever changes a contact settles afterwards, and looks again after his own change.
    pub(super) fn settle_limit(&self, entry: &Ref<Entry<F>, F>, ip: IpAddr) {
        let ip = ip.to_canonical();
        let name = entry.name();
        let wanted = || {
            let linked = self.peers.find(name.as_str());
            linked.and_then(|entry| entry.own_limit_at(ip))
        };
        let mut max = wanted();
        loop {
            self.gate.set_own(ip, name, max);
            let max_now = wanted();
            if max_now == max {
                return;
            }
            max = max_now;
        }
    }

    /// Whether an opener without a token is refused: as the entry of the name says that is in memory. For a name that is not, be
    /// it unknown or not looked up yet, the address decides.
    pub(super) fn is_token_required(&self, role: Role, name: &str, ip: IpAddr) -> bool {
        let linked = self.container(role).find(name);
        let (requirement, has_shown) = linked
            .map(|entry| entry.token_requirement())
            .unwrap_or_default();
        let is_by_address = requirement == Requirement::ByAddress;
        let is_optional = is_by_address && self.gate.is_optional(ip);
        token_is_required(requirement, has_shown, is_optional)
    }
}
