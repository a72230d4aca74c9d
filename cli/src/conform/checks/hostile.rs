//! RFC 5456 §8.1: datagrams that are no frames, and frames that are cut. Nothing comes back, and the server lives.

use iaxproof::wire::{Body, CallNumber, FullFrame, IaxCommand};

use super::frames::SILENCE;
use crate::conform::check::{Check, Outcome, Stop, must};
use crate::conform::dialogue::{Dialogue, bare};
use crate::conform::trial::{Trial, with_token};

/// Datagrams of chance.
const DATAGRAMS: u64 = 300;
/// The longest of them.
const LEN_MAX: u64 = 120;

pub(super) const CHECKS: &[Check] = &[
    must(
        "8.1.1-i1",
        "A full frame that is cut to fewer than 12 octets gets no answer.",
        cut_full_frames,
    ),
    must(
        "X-FRM-10",
        "Mini, mini video and trunk frames that are cut, and an empty datagram, get no answer.",
        cut_others,
    ),
    must(
        "8.1.3.2-1",
        "A trunk frame whose entry is longer than the datagram gets no answer.",
        trunk_entry_too_long,
    ),
    must(
        "X-NUM-6",
        "An opener from call 0 opens nothing: it is refused without a dialogue, or not answered.",
        opener_from_zero,
    )
    .fails_asterisk("a call from number 0 is accepted"),
    must(
        "X-FRM-10b",
        "After 300 datagrams of chance the server lives: POKE is answered.",
        chance,
    ),
    must(
        "X-FRM-10c",
        "Frames of chance that name a live call do no harm to another call from the same address.",
        chance_in_a_call,
    ),
];

fn stranger(trial: &Trial<'_>) -> Result<Dialogue, Stop> {
    let mut dialogue = trial.dialogue()?;
    dialogue.is_open = false;
    dialogue.answers = false;
    Ok(dialogue)
}

fn cut_full_frames(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = stranger(trial)?;
    let mut octets = Vec::new();
    dialogue.frame(bare(IaxCommand::Poke)).encode(&mut octets);
    for len in 1..FullFrame::HEADER_LEN {
        dialogue.peer.send_octets(&octets[..len]);
    }
    dialogue.expect_none("no answer to a full frame that is cut", |_| true)
}

fn cut_others(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = stranger(trial)?;
    let [mini, video, trunk]: [&[u8]; 3] = [
        &[0x12, 0x34, 0, 20],
        &[0, 0, 0x92, 0x34, 0, 20],
        &[0, 0, 1, 0, 0, 0, 0, 1],
    ];
    for frame in [mini, video, trunk] {
        for len in 0..frame.len() {
            dialogue.peer.send_octets(&frame[..len]);
        }
    }
    dialogue.expect_none("no answer to a frame that is cut", |_| true)
}

fn trunk_entry_too_long(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = stranger(trial)?;
    dialogue
        .peer
        .send_octets(&[0, 0, 1, 0, 0, 0, 0, 1, 0x12, 0x34, 0xff, 0xff, 1, 2, 3]);
    dialogue
        .peer
        .send_octets(&[0, 0, 1, 1, 0, 0, 0, 1, 0xff, 0xff, 0x12, 0x34, 0, 20, 1, 2]);
    dialogue.expect_none("no answer to a trunk frame that is cut", |_| true)
}

fn opener_from_zero(trial: &Trial<'_>) -> Outcome {
    let peer = trial.peer()?;
    let token = trial.token(&peer)?;
    let mut dialogue = trial.dialogue_on(&peer);
    dialogue.is_open = false;
    dialogue.ours = CallNumber::ZERO;
    let ies = trial.invitation(&trial.subject.extension);
    dialogue.say(IaxCommand::New, &with_token(&ies, &token));
    dialogue.expect_none("no dialogue with call 0", |heard| {
        heard.source() > CallNumber::STATELESS
    })
}

/// Numbers of chance that are the same each time (Knuth's multiplier).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn octets(&mut self) -> Vec<u8> {
        let len = self.next() % LEN_MAX;
        (0..len).map(|_| self.next() as u8).collect()
    }
}

fn answers_poke(dialogue: &mut Dialogue) -> Outcome {
    let poke = FullFrame {
        destination: CallNumber::ZERO,
        ..dialogue.frame(bare(IaxCommand::Poke))
    };
    dialogue.send_as_is(&poke);
    dialogue.expect_command(IaxCommand::Pong).map(|_| ())
}

fn chance(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = stranger(trial)?;
    let mut chance = Chance(5_456);
    for nth in 0..DATAGRAMS {
        let mut octets = chance.octets();
        // Every second one gets as far as its elements.
        if let (true, Some(first)) = (nth % 2 == 0, octets.get_mut(..FullFrame::HEADER_LEN)) {
            first[0] |= 0x80;
            first[10] = 0x06;
        }
        dialogue.peer.send_octets(&octets);
    }
    dialogue.listen(trial.subject.waits.quiet);
    answers_poke(&mut dialogue)
}

fn chance_in_a_call(trial: &Trial<'_>) -> Outcome {
    let mut victim = trial.call()?;
    let mut other = trial.dialogue_on(&victim.peer);
    let ies = trial.invitation(&trial.subject.extension);
    trial.open_on(&mut other, IaxCommand::New, &ies)?;
    other.expect("an answer to NEW", super::setup_answer)?;
    let mut chance = Chance(2_007);
    for _ in 0..DATAGRAMS / 3 {
        let octets = chance.octets();
        let (kind, subclass) = (chance.next() as u8 & 0x0f, chance.next() as u8);
        other.send_bent(Body::Text(&SILENCE[..octets.len().min(100)]), |frame| {
            frame[10] = kind;
            frame[11] = subclass;
            let tail = frame.len().min(12 + octets.len());
            frame[12..tail].copy_from_slice(&octets[..tail - 12]);
        });
    }
    victim.is_alive("frames of chance in another call")
}
