//! What an incoming full frame's OSeqno says: next, repeat or gap (iax2 §7.2 step 6 in chan_iax2; RFC 5456 §7).

use crate::wire::{Body, IaxCommand, SeqNo};

/// How far behind a repeat can be: half of the numbers, so that the comparison has one answer.
const BEHIND_MAX: u8 = 127;

/// Whether a frame takes a sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It takes one and must come in order.
    Ordered,
    /// ACK, INVAL, VNAK, TXCNT and TXACC: they take none and say nothing by their OSeqno (X-SEQ-1).
    Exempt,
    /// TXREADY, TXREL or UNQUELCH as the first of a side that a transfer brought: it may not have started over yet, so its
    /// number says nothing (X-SEQ-11).
    First,
}

impl Class {
    /// The class of a body. `is_renumbered`: a transfer made the numbers start over, and nothing was taken since.
    pub const fn of(body: &Body<'_>, is_renumbered: bool) -> Self {
        use IaxCommand::{TxReady, TxRel, Unquelch};
        match body {
            Body::Iax {
                command: TxReady | TxRel | Unquelch,
                ..
            } if is_renumbered => Class::First,
            Body::Iax { command, .. } if !command.consumes_sequence_number() => Class::Exempt,
            _ => Class::Ordered,
        }
    }
}

/// What becomes of an incoming full frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The next one: its content counts.
    InOrder,
    /// It has no place in the order: its content counts.
    Unordered,
    /// It came before: acknowledge it again and drop it whole (X-SEQ-2).
    Duplicate,
    /// Something before it is missing: ask for it and drop this one whole (X-SEQ-3).
    Ahead,
}

impl Verdict {
    /// The verdict on a frame with this OSeqno, where `expected` is the next in order.
    pub const fn on(class: Class, expected: SeqNo, oseqno: SeqNo) -> Self {
        match (class, expected.ahead_of(oseqno)) {
            (Class::Exempt, _) => Verdict::Unordered,
            (Class::First, _) | (Class::Ordered, 0) => Verdict::InOrder,
            (Class::Ordered, 1..=BEHIND_MAX) => Verdict::Duplicate,
            (Class::Ordered, _) => Verdict::Ahead,
        }
    }

    /// Whether the content of the frame counts.
    pub const fn is_taken(self) -> bool {
        matches!(self, Verdict::InOrder | Verdict::Unordered)
    }
}

/// Whether the ISeqno of a frame acknowledges anything: INVAL's does not (X-INV-1), nor those of TXCNT and TXACC, which may
/// come from who does not count with us yet (X-SEQ-1).
pub(super) const fn acknowledges(body: &Body<'_>) -> bool {
    !matches!(
        body,
        Body::Iax {
            command: IaxCommand::Inval | IaxCommand::TxCnt | IaxCommand::TxAcc,
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every distance with every class, folded into runs of one verdict.
    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for class in [Class::Ordered, Class::Exempt, Class::First] {
            let mut run: Option<(u16, Verdict)> = None;
            for behind in 0..=256u16 {
                let verdict = (behind < 256)
                    .then(|| Verdict::on(class, SeqNo(0), SeqNo((256 - behind) as u8)));
                if run.map(|(_, verdict)| verdict) == verdict {
                    continue;
                }
                if let Some((from, verdict)) = run {
                    table += &format!("{class:?} {from}..={} behind: {verdict:?}\n", behind - 1);
                }
                run = verdict.map(|verdict| (behind, verdict));
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn the_verdict_depends_on_the_distance_alone() {
        for expected in 0..=255 {
            for oseqno in 0..=255 {
                let here = Verdict::on(Class::Ordered, SeqNo(expected), SeqNo(oseqno));
                let moved = Verdict::on(
                    Class::Ordered,
                    SeqNo(0),
                    SeqNo(oseqno.wrapping_sub(expected)),
                );
                assert_eq!(here, moved, "expected {expected}, got {oseqno}");
            }
        }
    }
}
