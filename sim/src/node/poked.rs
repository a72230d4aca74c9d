//! A client that is asked whether it is there: it answers POKE with PONG, unless it is mute, or does not while not all is calm.

use iaxproof::wire::{CallNumber, FullFrame, IaxCommand, IeBuffer};

use super::callee::{Moods, stateless};
use super::client::{Client, Outbox};
use crate::decide::{Domain, Key};
use crate::goals::Goal;

impl Moods<'_> {
    /// Whether a client answers its nth POKE. When all is calm it does.
    fn answers_poke(&mut self, client: u8, nth: u32) -> bool {
        let key = Key {
            domain: Domain::Qualify,
            who: u16::from(client),
            nth,
        };
        let rate = u64::from(self.deaf_permille);
        let draw = |bits: u64| u32::from(bits % 1_000 < rate);
        self.is_calm || self.decisions.decide(key, 2, draw) == 0
    }
}

impl Client {
    /// A POKE: every other client answers without a dialogue, as Asterisk does, and every other from a number of its own.
    pub(super) fn handle_poke(
        &mut self,
        frame: &FullFrame<'_>,
        moods: &mut Moods<'_>,
        out: &mut Outbox,
    ) {
        let nth = self.pokes_taken;
        self.pokes_taken += 1;
        if self.identity.is_mute || !moods.answers_poke(self.index, nth) {
            out.goals.reach(Goal::PokeIgnored);
            return;
        }
        out.goals.reach(Goal::PokeAnswered);
        let none = IeBuffer::new();
        let pong = stateless(frame, IaxCommand::Pong, &none);
        let pong = match self.index % 2 {
            0 => pong,
            _ => from_number(&pong, self.number()),
        };
        out.send(self.server, pong);
    }
}

/// The same from a call number.
fn from_number(octets: &[u8], number: CallNumber) -> Vec<u8> {
    let Ok(mut frame) = FullFrame::parse(octets) else {
        return octets.to_vec();
    };
    frame.source = number;
    let mut octets = Vec::with_capacity(frame.encoded_len());
    frame.encode(&mut octets);
    octets
}
