//! The keys of one encrypted call, and what its datagrams become under the aliases of them.
//!
//! What was sealed with a key is opened and sealed with its alias, so that whoever opens it with that finds what was there. Which key that is follows
//! from what the engine does with a datagram (`src/engine/session.rs`):
//!
//! - A *mini frame* is opened with the key in force, and taken whatever it is then. So each is changed under that key, noise too.
//! - A *full frame* counts under the first key of several under which it reads as a frame of the call, and an AUTHREP under the one that it proves. So it is changed under that one, and its
//!   padding, which nobody reads, is stirred until it reads under no other alias, and is as little or as much of a frame in clear as it was: that
//!   is what it is to a call that has ended meanwhile.
//! - *What reads under none* and is no message in clear is nothing to anybody. It may be sealed with a secret of somebody else, so other octets take its
//!   place that are nothing either.
//!
//! A key that an RTKEY brings holds from when that is taken in its order. The engine says what it expects next in each frame that it sends.
//!
//! # Left to chance
//!
//! - Where a sealed frame happens to be a message in clear too, as about one of a hundred thousand, and comes to a call that has ended,
//!   the replay may answer it otherwise.
//! - A message in clear that comes to an encrypted call is recorded as it is. Where it has the length of a sealed frame, about one of twelve thousand
//!   reads under the alias.

use iaxproof::engine::cipher::{BLOCK_LEN, is_sealed};
use iaxproof::engine::settings::Secret;
use iaxproof::time::Instant;
use iaxproof::wire::{Body, FullFrame, IaxCommand, SeqNo, Timestamp};

use super::cipher::{Key, Opened, clear_len};
use super::elements::{
    AES_PROVISIONING, CALL_TOKEN, CHALLENGE, Iax, MD5_RESULT, PASSWORD, PROVISIONING, TYPE_OFFSET,
    changed, put_out,
};
use super::tokens::Tokens;

/// How far a frame's time-stamp may be from the age of its call, in milliseconds: the engine's hour, and some more for what is not known here
/// exactly. What reads here and not there is changed in vain, and harms nothing.
const ASTRAY_MAX_MS: u32 = 3_660_000;
/// Paddings that are tried. Nearly always the first will do; where octets are no frame in clear, one of 256.
const TRIES: u32 = 1 << 12;
/// The frame type of IAX control frames.
const IAX: u8 = 6;

/// A key and the one in its place.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    real: Key,
    alias: Key,
}

impl Pair {
    /// Of a login with a secret, which has an alias.
    pub(super) fn of(challenge: &[u8], (secret, alias): (&Secret, &Secret)) -> Self {
        Pair {
            real: Key::of(challenge, secret),
            alias: Key::of(challenge, alias),
        }
    }

    /// The time-stamp of the AUTHREP that these octets are, if it proves the secret.
    pub(super) fn proved(&self, octets: &[u8]) -> Option<Timestamp> {
        let frame = self.real.open(octets)?.frame()?;
        let FullFrame {
            timestamp,
            body: Body::Iax { command, ies },
            ..
        } = FullFrame::parse(&frame).ok()?
        else {
            return None;
        };
        let proves = self.result(ies.md5_result()?).is_some();
        (command == IaxCommand::AuthRep && proves).then_some(timestamp)
    }

    /// What takes the place of the MD5 RESULT that this key is.
    fn result(&self, content: &[u8]) -> Option<Vec<u8>> {
        let is_it = self.real.as_md5_result();
        let is_it = is_it.as_bytes().eq_ignore_ascii_case(content);
        is_it.then(|| self.alias.as_md5_result().into_bytes())
    }
}

/// The keys of a call.
#[derive(Debug)]
pub(super) struct Keys {
    began: Instant,
    state: State,
    /// What the engine expects next.
    expected: SeqNo,
}

#[derive(Debug)]
enum State {
    /// Our AUTHREQ is out: one for each secret, or the one that was proved since.
    Offered { pairs: Vec<Pair>, is_proved: bool },
    /// We have sealed something.
    Agreed(Agreed),
}

#[derive(Debug)]
struct Agreed {
    sending: Pair,
    receiving: Pair,
    /// The one before the latest RTKEY.
    before: Option<Pair>,
}

impl Agreed {
    fn on(pair: Pair) -> Self {
        Agreed {
            sending: pair.clone(),
            receiving: pair,
            before: None,
        }
    }
}

impl Keys {
    /// The other side may prove one of these.
    pub(super) const fn offered(began: Instant, pairs: Vec<Pair>) -> Self {
        Keys {
            began,
            state: State::Offered {
                pairs,
                is_proved: false,
            },
            expected: SeqNo(0),
        }
    }

    /// We prove this one.
    pub(super) fn agreed(began: Instant, pair: Pair) -> Self {
        Keys {
            began,
            state: State::Agreed(Agreed::on(pair)),
            expected: SeqNo(0),
        }
    }

    /// What takes the place of a full frame that came; `None` where it is in clear. `rotations` counts the keys of RTKEYs.
    pub(super) fn came(
        &mut self,
        now: Instant,
        octets: &[u8],
        tokens: &Tokens,
        rotations: &mut u64,
    ) -> Option<Vec<u8>> {
        if !is_sealed(octets) {
            return None;
        }
        let (age_ms, pairs) = (self.age_ms(now), self.receiving());
        let proved = self.prove(octets);
        let read = proved.or_else(|| read_with(age_ms, &pairs, octets));
        let Some((nth, mut opened, frame)) = read else {
            return (!Looks::of(octets).is_message()).then(|| noise(age_ms, &pairs, octets));
        };
        let next = next_key(&frame, rotations);
        let edited = edited(&frame, &pairs, next.as_ref(), Some(tokens));
        opened.put(&edited);
        if let Some((true, next)) = next.map(|(oseqno, next)| (oseqno == self.expected, next)) {
            self.rotate(next);
        }
        Some(disguised(age_ms, &pairs, nth, &opened, octets))
    }

    /// What takes the place of a full frame from the other side that names another number of ours; `None` where it is in clear.
    pub(super) fn strayed(&self, now: Instant, octets: &[u8]) -> Option<Vec<u8>> {
        let is_clear = !is_sealed(octets) || Looks::of(octets).is_message();
        (!is_clear).then(|| noise(self.age_ms(now), &self.receiving(), octets))
    }

    /// What takes the place of a full frame that goes out; `None` where it is in clear.
    pub(super) fn sent(&mut self, now: Instant, octets: &[u8]) -> Option<Vec<u8>> {
        let pairs = match &self.state {
            State::Offered { pairs, is_proved } if *is_proved => pairs.clone(),
            State::Offered { .. } => return None,
            State::Agreed(agreed) => vec![agreed.sending.clone()],
        };
        let (nth, mut opened, frame) = read_with(self.age_ms(now), &pairs, octets)?;
        let pair = &pairs[nth];
        if matches!(self.state, State::Offered { .. }) {
            self.state = State::Agreed(Agreed::on(pair.clone()));
        }
        if let Ok(frame) = FullFrame::parse(&frame) {
            self.expected = frame.iseqno;
        }
        opened.put(&edited(&frame, &pairs, None, None));
        Some(pair.alias.seal(&opened))
    }

    /// What takes the place of a mini frame that came.
    pub(super) fn media_came(&self, octets: &[u8]) -> Vec<u8> {
        let opened = match &self.state {
            State::Agreed(Agreed { receiving, .. }) => changed_key(receiving, octets),
            State::Offered { .. } => None,
        };
        // Without a key, or of a length that no key opens, it is nothing.
        opened.unwrap_or_else(|| filled(octets, 0))
    }

    /// The same of one that goes out.
    pub(super) fn media_sent(&self, octets: &[u8]) -> Option<Vec<u8>> {
        match &self.state {
            State::Agreed(Agreed { sending, .. }) => changed_key(sending, octets),
            State::Offered { .. } => None,
        }
    }

    /// Whether a frame in clear that we send says that the call is over, and another has its numbers.
    pub(super) fn are_over(&self, frame: &FullFrame<'_>) -> bool {
        use IaxCommand::{Accept, New, RegAck, RegAuth, RegRej, RegRel, RegReq};
        match (&self.state, frame.body) {
            // What was built before the key goes out again as it was.
            (State::Agreed(_), _) => !frame.retransmission,
            (State::Offered { .. }, Body::Iax { command, .. }) => matches!(
                command,
                Accept | New | RegAck | RegAuth | RegRej | RegRel | RegReq
            ),
            (State::Offered { .. }, _) => true,
        }
    }

    fn age_ms(&self, now: Instant) -> u32 {
        now.saturating_since(self.began).as_millis() as u32
    }

    /// What may open what comes, in the order in which the engine tries it.
    fn receiving(&self) -> Vec<Pair> {
        match &self.state {
            State::Offered { pairs, .. } => pairs.clone(),
            State::Agreed(agreed) => {
                let both = [Some(&agreed.receiving), agreed.before.as_ref()];
                both.into_iter().flatten().cloned().collect()
            }
        }
    }

    /// The AUTHREP that proves one of the keys: that one holds from here, whatever the octets are under the others.
    fn prove(&mut self, octets: &[u8]) -> Option<(usize, Opened, Vec<u8>)> {
        let State::Offered { pairs, is_proved } = &mut self.state else {
            return None;
        };
        let nth = pairs
            .iter()
            .position(|pair| pair.proved(octets).is_some())?;
        let opened = pairs[nth].real.open(octets)?;
        let frame = opened.frame()?;
        *pairs = vec![pairs[nth].clone()];
        *is_proved = true;
        Some((nth, opened, frame))
    }

    fn rotate(&mut self, next: Pair) {
        if let State::Agreed(agreed) = &mut self.state {
            let before = core::mem::replace(&mut agreed.receiving, next);
            agreed.before = Some(before);
        }
    }
}

/// The key that an RTKEY brings, with an alias that has nothing of it, and the RTKEY's place in the order.
fn next_key(frame: &[u8], rotations: &mut u64) -> Option<(SeqNo, Pair)> {
    let FullFrame {
        oseqno,
        body: Body::Iax {
            command: IaxCommand::RtKey,
            ies,
        },
        ..
    } = FullFrame::parse(frame).ok()?
    else {
        return None;
    };
    let real = Key::from_octets(ies.challenge()?.try_into().ok()?);
    *rotations += 1;
    let mut alias = *b"alias of a key..";
    alias[BLOCK_LEN / 2..].copy_from_slice(&rotations.to_le_bytes());
    let alias = Key::from_octets(alias);
    Some((oseqno, Pair { real, alias }))
}

/// A frame with other contents of the elements that prove a secret or bring a key, each of the same length.
fn edited(
    frame: &[u8],
    pairs: &[Pair],
    next: Option<&(SeqNo, Pair)>,
    tokens: Option<&Tokens>,
) -> Vec<u8> {
    let edited = Iax::of(frame).and_then(|_| {
        changed(frame, |code, content| match code {
            MD5_RESULT => {
                let result = pairs.iter().find_map(|pair| pair.result(content));
                Some(result.unwrap_or_else(|| put_out(content)))
            }
            PASSWORD | PROVISIONING | AES_PROVISIONING => Some(put_out(content)),
            CALL_TOKEN => Some(tokens?.shown(content)?.to_vec()),
            CHALLENGE if content.len() == BLOCK_LEN => {
                next.map(|(_, pair)| pair.alias.octets().to_vec())
            }
            _ => None,
        })
    });
    edited.unwrap_or_else(|| frame.to_vec())
}

/// Under the first of some keys under which octets read as a frame of a call that is this old: which one, and the frame.
fn read_with(age_ms: u32, pairs: &[Pair], octets: &[u8]) -> Option<(usize, Opened, Vec<u8>)> {
    pairs.iter().enumerate().find_map(|(nth, pair)| {
        let opened = pair.real.open(octets)?;
        let frame = opened.frame().filter(|frame| reads(age_ms, frame))?;
        Some((nth, opened, frame))
    })
}

/// What is sealed with the alias of the `nth` key, reads under no other alias, and looks in clear as the octets did.
fn disguised(age_ms: u32, pairs: &[Pair], nth: usize, opened: &Opened, octets: &[u8]) -> Vec<u8> {
    let others = pairs.iter().enumerate().filter(|(other, _)| *other != nth);
    let others: Vec<&Pair> = others.map(|(_, pair)| pair).collect();
    fitting(age_ms, &others, octets, |number| {
        let mut stirred = opened.clone();
        stirred.stir(number);
        pairs[nth].alias.seal(&stirred)
    })
}

/// What takes the place of octets that read under no key: such octets.
fn noise(age_ms: u32, pairs: &[Pair], octets: &[u8]) -> Vec<u8> {
    let pairs: Vec<&Pair> = pairs.iter().collect();
    fitting(age_ms, &pairs, octets, |number| filled(octets, number))
}

/// The first that is made which reads under none of these aliases, and looks in clear as the octets do.
fn fitting(age_ms: u32, not: &[&Pair], octets: &[u8], make: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let looks = Looks::of(octets);
    let is_read = |made: &[u8], pair: &&Pair| {
        let frame = pair.alias.open(made).and_then(|opened| opened.frame());
        frame.is_some_and(|frame| reads(age_ms, &frame))
    };
    let fits =
        |made: &Vec<u8>| Looks::of(made) == looks && !not.iter().any(|pair| is_read(made, pair));
    let mut made = (0..TRIES).map(&make);
    made.find(fits).unwrap_or_else(|| make(0))
}

/// As many octets of the same call numbers, all alike; those of an odd number begin as an IAX control frame does.
pub(super) fn filled(octets: &[u8], number: u32) -> Vec<u8> {
    let mut filled = octets.to_vec();
    let clear_len = clear_len(octets).min(octets.len());
    filled[clear_len..].fill(b'x'.wrapping_add((number / 2) as u8));
    if let Some(kind) = filled.get_mut(TYPE_OFFSET).filter(|_| number % 2 == 1) {
        *kind = IAX;
    }
    filled
}

fn changed_key(pair: &Pair, octets: &[u8]) -> Option<Vec<u8>> {
    let opened = pair.real.open(octets)?;
    Some(pair.alias.seal(&opened))
}

/// Whether octets read as a frame with a meaning, of this time of the call or of none.
fn reads(age_ms: u32, frame: &[u8]) -> bool {
    match FullFrame::parse(frame) {
        Ok(FullFrame {
            timestamp: Timestamp(at),
            body,
            ..
        }) => {
            let (ahead, behind) = (at.wrapping_sub(age_ms), age_ms.wrapping_sub(at));
            let is_near = at == 0 || ahead.min(behind) <= ASTRAY_MAX_MS;
            is_near && !matches!(body, Body::Unknown(_))
        }
        Err(_) => false,
    }
}

/// What octets are in clear, to whom it matters.
#[derive(PartialEq, Eq)]
enum Looks {
    NoFrame,
    Message(IaxCommand),
    OtherFrame,
}

impl Looks {
    fn of(octets: &[u8]) -> Self {
        match FullFrame::parse(octets).map(|frame| frame.body) {
            Err(_) => Looks::NoFrame,
            Ok(Body::Iax { command, .. }) if command.name().is_some() => Looks::Message(command),
            Ok(_) => Looks::OtherFrame,
        }
    }

    const fn is_message(&self) -> bool {
        matches!(self, Looks::Message(_))
    }
}
