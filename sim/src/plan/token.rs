//! Plans packed into a token: `W1-` and at most [`TOKEN_LEN_MAX`] characters in all. Larger plans go to a file.
//!
//! One function walks a plan, and its `Field`s either write or read; so what is packed is what is unpacked. Numbers are
//! varints of seven bits, the whole is written in the 64 characters of RFC 4648 §5 (URL-safe base64) without padding.

use super::text::PlanError;
use super::{
    Actor, ConfigurationPlan, ENGINES, Operation, Options, Partition, Plan, RowEdit, SCHEMA,
    Topology, What,
};
use crate::decide::{Decision, Domain, Key};
use crate::schedule::Scheduler;

/// What every token of a world begins with.
pub const TOKEN_PREFIX: &str = "W1-";
/// The longest token, in characters.
pub const TOKEN_LEN_MAX: usize = 200;

impl Plan {
    /// The plan as a token, or `None` where it would be too long, or is still to explore: then it goes to a file.
    pub fn token(&self) -> Option<String> {
        let mut pen = Pen::Writing(Vec::new());
        walk(&mut self.clone(), &mut pen)?;
        let Pen::Writing(octets) = pen else {
            return None;
        };
        let token = format!("{TOKEN_PREFIX}{}", base64(&octets));
        let fits = token.len() <= TOKEN_LEN_MAX;
        // A plan that cannot be packed whole, such as one of a version that is no version, must not lose anything.
        (fits && Self::from_token(&token).as_ref() == Ok(self)).then_some(token)
    }

    /// Reads a token back.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or with the plan that it holds.
    pub fn from_token(token: &str) -> Result<Plan, PlanError> {
        let packed = token
            .strip_prefix(TOKEN_PREFIX)
            .ok_or(PlanError::Token("it begins with `W1-`"))?;
        let octets = unbase64(packed).ok_or(PlanError::Token("a character is not of base64"))?;
        let schema = octets.first().copied().unwrap_or_default();
        if u32::from(schema) != SCHEMA {
            // What follows has another layout.
            return Err(PlanError::Schema(u32::from(schema)));
        }
        let mut pen = Pen::Reading(octets, 0);
        let mut plan = empty();
        walk(&mut plan, &mut pen).ok_or(PlanError::Token("it is cut short or changed"))?;
        match pen {
            Pen::Reading(octets, at) if at == octets.len() => {}
            _ => return Err(PlanError::Token("it goes on after its end")),
        }
        plan.validate()?;
        Ok(plan)
    }
}

fn empty() -> Plan {
    Plan {
        schema: 0,
        engine: super::ENGINE.into(),
        version: String::new(),
        seed: 0,
        explore: false,
        heal_ms: 0,
        topology: Topology::default(),
        options: Options::default(),
        configurations: Vec::new(),
        operations: Vec::new(),
        partitions: Vec::new(),
        decisions: Vec::new(),
        expect: None,
    }
}

/// Writes numbers, or reads them.
enum Pen {
    Writing(Vec<u8>),
    Reading(Vec<u8>, usize),
}

impl Pen {
    fn number(&mut self, number: &mut u64) -> Option<()> {
        match self {
            Pen::Writing(octets) => {
                let mut rest = *number;
                while rest >= 0x80 {
                    octets.push((rest & 0x7f) as u8 | 0x80);
                    rest >>= 7;
                }
                octets.push(rest as u8);
            }
            Pen::Reading(octets, at) => {
                *number = 0;
                for shift in (0..63).step_by(7) {
                    let octet = *octets.get(*at)?;
                    *at += 1;
                    *number |= u64::from(octet & 0x7f) << shift;
                    if octet < 0x80 {
                        return Some(());
                    }
                }
                return None;
            }
        }
        Some(())
    }

    /// A number of any type that is no wider.
    fn field<T: Copy + Into<u64> + TryFrom<u64>>(&mut self, field: &mut T) -> Option<()> {
        let mut number = (*field).into();
        self.number(&mut number)?;
        *field = T::try_from(number).ok()?;
        Some(())
    }

    fn each<T: Clone>(
        &mut self,
        list: &mut Vec<T>,
        filler: T,
        mut walk: impl FnMut(&mut Self, &mut T) -> Option<()>,
    ) -> Option<()> {
        let mut len = list.len() as u64;
        self.number(&mut len)?;
        // A list is no longer than what is written down for it.
        if let Pen::Reading(octets, _) = self {
            let len = usize::try_from(len)
                .ok()
                .filter(|len| *len <= octets.len())?;
            list.resize(len, filler);
        }
        list.iter_mut().try_for_each(|item| walk(self, item))
    }

    fn indices(&mut self, list: &mut Vec<u8>) -> Option<()> {
        self.each(list, 0, Pen::field)
    }
}

fn walk(plan: &mut Plan, pen: &mut Pen) -> Option<()> {
    pen.field(&mut plan.schema)?;
    walk_engine(&mut plan.engine, pen)?;
    walk_version(&mut plan.version, pen)?;
    pen.field(&mut plan.seed)?;
    pen.field(&mut plan.heal_ms)?;
    let topology = &mut plan.topology;
    pen.field(&mut topology.servers)?;
    pen.field(&mut topology.clients)?;
    pen.indices(&mut topology.realtime)?;
    pen.indices(&mut topology.sharing)?;
    walk_features(topology, pen)?;
    walk_options(&mut plan.options, pen)?;
    pen.each(
        &mut plan.configurations,
        ConfigurationPlan::default(),
        |pen, c| {
            pen.field(&mut c.registration_s)?;
            pen.field(&mut c.reject_delay_ms)?;
            pen.indices(&mut c.absent)?;
            pen.indices(&mut c.changed)
        },
    )?;
    walk_operations(&mut plan.operations, pen)?;
    let nobody = Actor::Server(0);
    let partition = Partition {
        from: nobody,
        to: nobody,
        start_ms: 0,
        end_ms: 0,
    };
    pen.each(&mut plan.partitions, partition, |pen, p| {
        walk_actor(&mut p.from, pen)?;
        walk_actor(&mut p.to, pen)?;
        walk_ms(&mut p.start_ms, pen)?;
        walk_ms(&mut p.end_ms, pen)
    })?;
    walk_decisions(&mut plan.decisions, pen)
}

/// A bit per list of the topology that is not empty, and one for workers, then those.
fn walk_features(topology: &mut Topology, pen: &mut Pen) -> Option<()> {
    pen.field(&mut topology.registrants)?;
    let workers = &mut topology.workers;
    let lists = [
        &mut topology.qualified,
        &mut topology.mute,
        &mut topology.tokenless,
        &mut topology.forced,
    ];
    let mut present = u64::from(*workers != 0) << lists.len();
    for (bit, list) in lists.iter().enumerate() {
        present |= u64::from(!list.is_empty()) << bit;
    }
    pen.number(&mut present)?;
    let has_workers = present & (1 << lists.len()) != 0;
    for (bit, list) in lists.into_iter().enumerate() {
        if present & (1 << bit) != 0 {
            pen.indices(list)?;
        }
    }
    match has_workers {
        true => pen.field(workers),
        false => Some(()),
    }
}

fn walk_engine(engine: &mut String, pen: &mut Pen) -> Option<()> {
    let mut number = ENGINES.iter().position(|it| it == engine)? as u64;
    pen.number(&mut number)?;
    let known = ENGINES.get(usize::try_from(number).ok()?)?;
    *engine = (*known).into();
    Some(())
}

fn walk_version(version: &mut String, pen: &mut Pen) -> Option<()> {
    let mut parts = [0u64; 3];
    if let Pen::Writing(_) = pen {
        for (part, text) in parts.iter_mut().zip(version.split('.')) {
            *part = text.parse().ok()?;
        }
    }
    parts.iter_mut().try_for_each(|part| pen.number(part))?;
    *version = format!("{}.{}.{}", parts[0], parts[1], parts[2]);
    Some(())
}

/// A bit per option that is not 0, then those.
fn walk_options(options: &mut Options, pen: &mut Pen) -> Option<()> {
    let scheduler = |it: &Scheduler| *it == options.scheduler;
    let mut scheduler = Scheduler::ALL.iter().position(scheduler)? as u16;
    let fields = [
        &mut options.loss_permille,
        &mut options.duplicate_permille,
        &mut options.delay_permille,
        &mut options.corrupt_permille,
        &mut options.truncate_permille,
        &mut options.slow_permille,
        &mut options.fail_permille,
        &mut options.moody_permille,
        &mut options.call_numbers,
        &mut options.impatient_permille,
        &mut options.callee_permille,
        &mut options.encrypt_permille,
        &mut options.transfer_permille,
        &mut options.registrar_permille,
        &mut options.deaf_permille,
        &mut options.unvalidated_max,
        &mut options.rotations,
        &mut options.stall_rate,
        &mut options.stalls_max,
        &mut scheduler,
    ];
    let mut present = 0u64;
    for (bit, field) in fields.iter().enumerate() {
        present |= u64::from(**field != 0) << bit;
    }
    pen.number(&mut present)?;
    for (bit, field) in fields.into_iter().enumerate() {
        if present & (1 << bit) != 0 {
            pen.field(field)?;
        }
    }
    options.scheduler = *Scheduler::ALL.get(usize::from(scheduler))?;
    Some(())
}

/// Milliseconds: doubled in units of ten where they are whole tens, else doubled and one more.
fn walk_ms(ms: &mut u32, pen: &mut Pen) -> Option<()> {
    let whole = ms.is_multiple_of(10);
    let mut number = if whole {
        u64::from(*ms / 10) * 2
    } else {
        u64::from(*ms) * 2 + 1
    };
    pen.number(&mut number)?;
    let factor = if number & 1 == 0 { 10 } else { 1 };
    *ms = u32::try_from((number >> 1).checked_mul(factor)?).ok()?;
    Some(())
}

fn walk_actor(actor: &mut Actor, pen: &mut Pen) -> Option<()> {
    let mut number = match actor {
        Actor::Registrar => 0,
        Actor::Server(index) => u64::from(*index) * 2 + 2,
        Actor::Client(index) => u64::from(*index) * 2 + 3,
    };
    pen.number(&mut number)?;
    let index = u8::try_from((number >> 1).saturating_sub(1)).ok()?;
    *actor = match number {
        0 => Actor::Registrar,
        1 => return None,
        _ if number & 1 == 0 => Actor::Server(index),
        _ => Actor::Client(index),
    };
    Some(())
}

/// Times as distances, where they do not go back.
fn walk_operations(operations: &mut Vec<Operation>, pen: &mut Pen) -> Option<()> {
    let filler = Operation {
        at_ms: 0,
        actor: Actor::Server(0),
        what: What::Release,
    };
    let mut before = 0u32;
    pen.each(operations, filler, |pen, operation| {
        let mut distance = operation.at_ms.wrapping_sub(before);
        walk_ms(&mut distance, pen)?;
        operation.at_ms = before.wrapping_add(distance);
        before = operation.at_ms;
        walk_actor(&mut operation.actor, pen)?;
        walk_what(&mut operation.what, pen)
    })
}

fn walk_what(what: &mut What, pen: &mut Pen) -> Option<()> {
    let row = RowEdit::Plain;
    let kinds = [
        What::Register { refresh_s: 0 },
        What::Release,
        What::Call,
        What::Talk { frames: 0 },
        What::Type { frames: 0 },
        What::HangUp,
        What::Rebind,
        What::Spoof { kind: 0 },
        What::Reload { configuration: 0 },
        What::Prune { client: 0 },
        What::Unregister { client: 0 },
        What::EditRow { client: 0, row },
        What::Dial { client: 0 },
        What::CallPeer { client: 0 },
        What::Restart,
        What::CallByDigits,
    ];
    let same = |kind: &What| core::mem::discriminant(kind) == core::mem::discriminant(what);
    let mut kind = kinds.iter().position(same)? as u64;
    pen.number(&mut kind)?;
    if let Pen::Reading(..) = pen {
        *what = *kinds.get(usize::try_from(kind).ok()?)?;
    }
    match what {
        What::Register { refresh_s: number }
        | What::Talk { frames: number }
        | What::Type { frames: number } => pen.field(number),
        What::Spoof { kind: number }
        | What::Reload {
            configuration: number,
        }
        | What::Dial { client: number }
        | What::CallPeer { client: number }
        | What::Prune { client: number }
        | What::Unregister { client: number } => pen.field(number),
        What::EditRow { client, row } => {
            pen.field(client)?;
            walk_row(row, pen)
        }
        What::Release
        | What::Call
        | What::CallByDigits
        | What::HangUp
        | What::Rebind
        | What::Restart => Some(()),
    }
}

fn walk_row(row: &mut RowEdit, pen: &mut Pen) -> Option<()> {
    let mut number = *row as u64;
    pen.number(&mut number)?;
    let edits = [RowEdit::Plain, RowEdit::Changed, RowEdit::Absent];
    *row = *edits.get(usize::try_from(number).ok()?)?;
    Some(())
}

fn walk_decisions(decisions: &mut Vec<Decision>, pen: &mut Pen) -> Option<()> {
    let key = Key {
        domain: Domain::Network,
        who: 0,
        nth: 0,
    };
    pen.each(decisions, Decision { key, value: 1 }, |pen, decision| {
        let mut domain = decision.key.domain as u64;
        pen.number(&mut domain)?;
        decision.key.domain = *Domain::ALL.get(usize::try_from(domain).ok()?)?;
        pen.field(&mut decision.key.who)?;
        pen.field(&mut decision.key.nth)?;
        pen.field(&mut decision.value)?;
        (decision.value != 0).then_some(())
    })
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 4 / 3 + 2);
    for chunk in octets.chunks(3) {
        let word = chunk
            .iter()
            .fold(0u32, |word, octet| (word << 8) | u32::from(*octet));
        let word = word << (8 * (3 - chunk.len()));
        for nth in 0..=chunk.len() {
            let digit = (word >> (18 - 6 * nth)) & 0x3f;
            text.push(char::from(ALPHABET[digit as usize]));
        }
    }
    text
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    for chunk in text.as_bytes().chunks(4) {
        let mut word = 0u32;
        for character in chunk {
            let digit = ALPHABET.iter().position(|known| known == character)?;
            word = (word << 6) | u32::try_from(digit).ok()?;
        }
        let word = word << (6 * (4 - chunk.len()));
        let whole = [(word >> 16) as u8, (word >> 8) as u8, word as u8];
        octets.extend(&whole[..chunk.len().checked_sub(1)?]);
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan as shrinking leaves it.
    fn sparse(seed: u64) -> Plan {
        let mut plan = Plan::from_seed(seed);
        plan.explore = false;
        plan.operations.truncate(12);
        plan.partitions.truncate(1);
        plan.decisions = vec!["network 5 12 = 3".parse().unwrap()];
        plan
    }

    #[test]
    fn a_small_plan_is_a_token_and_reads_back() {
        for seed in 0..200 {
            let plan = sparse(seed);
            let token = plan.token().unwrap();
            assert!(token.starts_with("W1-") && token.len() <= TOKEN_LEN_MAX);
            assert_eq!(Plan::from_token(&token), Ok(plan));
        }
    }

    #[test]
    fn a_plan_that_is_long_or_still_explores_is_no_token() {
        let mut long = sparse(1);
        for nth in 0..200 {
            let mut decision = long.decisions[0];
            decision.key.nth = nth;
            long.decisions.push(decision);
        }
        assert_eq!(long.token(), None);
        let mut exploring = sparse(1);
        exploring.explore = true;
        assert_eq!(exploring.token(), None);
    }

    #[test]
    fn a_changed_token_is_refused_and_never_panics() {
        let token = sparse(1).token().unwrap();
        assert!(Plan::from_token("P1-AAAA").is_err());
        assert!(Plan::from_token("W1-\u{e9}").is_err());
        assert!(Plan::from_token(&format!("{token}AA")).is_err());
        for len in 0..token.len() {
            assert!(Plan::from_token(&token[..len]).is_err(), "{len}");
        }
    }
}
