//! What came of an input, and how it is folded into the hash of its actor.

use iaxproof::catalog::{Pruned, Question, Unregistered, Write};
use iaxproof::engine::{Event, Route, Transmit};
use iaxproof::registry::HashKey;

use super::coded::Coded;

/// Something that came of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A datagram is to be sent.
    Sent(Transmit),
    /// The application was told something.
    Told(Event),
    /// Whose a datagram is.
    Routed(Route),
    /// Whether one that was handed over was something to its receiver.
    Kept(bool),
    /// What the database is to write.
    ToWrite(Option<Write>),
    /// What it is asked.
    ToAsk(Option<Question>),
    /// What came of a wish to evict a row.
    Pruned(Pruned),
    /// What came of a wish to take a registration away.
    Unregistered(Unregistered),
}

impl Output {
    /// The hash of all that came of an actor, this included; `hash` is that of what came before, and 0 where nothing did.
    pub(crate) fn fold(&self, hash: u64, scratch: &mut Vec<u8>) -> u64 {
        scratch.clear();
        let kind = match self {
            Output::Sent(Transmit {
                destination,
                payload,
            }) => {
                destination.write(scratch);
                scratch.extend_from_slice(payload);
                1
            }
            // The most frequent event, and the longest: its octets as they are.
            Output::Told(Event::Voice {
                call,
                format,
                timestamp,
                data,
            }) => {
                let head = (u64::from(call.local().get()), call.serial());
                (head, (format.mask(), timestamp.0)).write(scratch);
                scratch.extend_from_slice(data);
                2
            }
            other => {
                scratch.extend_from_slice(format!("{other:?}").as_bytes());
                3
            }
        };
        HashKey(hash, kind).hash_bytes(scratch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_octet_and_the_order_count() {
        let sent = |port, octet| {
            Output::Sent(Transmit {
                destination: ([192, 0, 2, 1], port).into(),
                payload: vec![octet],
            })
        };
        let hash = |outputs: &[Output]| {
            let mut scratch = Vec::new();
            let fold = |hash, output: &Output| output.fold(hash, &mut scratch);
            outputs.iter().fold(0, fold)
        };
        let all = [
            hash(&[sent(1, 1), sent(2, 2)]),
            hash(&[sent(2, 2), sent(1, 1)]),
            hash(&[sent(1, 1), sent(2, 3)]),
            hash(&[sent(1, 1), sent(3, 2)]),
            hash(&[sent(1, 1)]),
            hash(&[sent(1, 1), Output::Kept(true)]),
            hash(&[sent(1, 1), Output::Kept(false)]),
        ];
        let mut each = all.to_vec();
        each.sort_unstable();
        each.dedup();
        assert_eq!(each.len(), all.len());
    }
}
