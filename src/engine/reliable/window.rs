//! The window of our own reliable frames: which of them an ISeqno acknowledges (RFC 5456 §7; the modular test of
//! libiax2, X-SEQ-4).

use crate::wire::SeqNo;

/// Most frames outstanding, so that the other side can tell a repeat from a gap (X-SEQ-5).
pub const OUTSTANDING_MAX: usize = 127;

/// The numbers of our frames: from `una`, the oldest not acknowledged, to `nxt`, the next to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    una: SeqNo,
    nxt: SeqNo,
}

impl Window {
    /// Nothing was sent.
    pub(super) const EMPTY: Window = Window {
        una: SeqNo(0),
        nxt: SeqNo(0),
    };

    /// A window of these ends.
    #[cfg(test)]
    const fn new(una: SeqNo, nxt: SeqNo) -> Self {
        Window { una, nxt }
    }

    /// The oldest number not acknowledged.
    pub(super) const fn oldest(self) -> SeqNo {
        self.una
    }

    /// Takes the next number.
    pub(super) const fn take(&mut self) -> SeqNo {
        let taken = self.nxt;
        self.nxt = taken.next();
        taken
    }

    /// How many numbers are out.
    pub(super) const fn outstanding(self) -> u8 {
        self.nxt.ahead_of(self.una)
    }

    /// How many of the oldest frames this ISeqno acknowledges; 0 where it lies outside the window.
    pub(super) const fn acknowledge(&mut self, iseqno: SeqNo) -> u8 {
        let count = iseqno.ahead_of(self.una);
        if count > self.outstanding() {
            return 0;
        }
        self.una = iseqno;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts by walking from `una` to `nxt`, as nothing else could be meant.
    fn walk(una: SeqNo, nxt: SeqNo, iseqno: SeqNo) -> u8 {
        let (mut at, mut count) = (una, 0);
        while at != iseqno {
            if at == nxt {
                return 0;
            }
            at = at.next();
            count += 1;
        }
        count
    }

    #[test]
    fn every_iseqno_against_every_window() {
        for una in (0..=255).map(SeqNo) {
            for ahead in 0..=OUTSTANDING_MAX as u8 {
                let nxt = SeqNo(una.0.wrapping_add(ahead));
                for iseqno in (0..=255).map(SeqNo) {
                    let mut window = Window::new(una, nxt);
                    let count = window.acknowledge(iseqno);
                    assert_eq!(count, walk(una, nxt, iseqno), "{una} {nxt} {iseqno}");
                    let left = Window::new(SeqNo(una.0.wrapping_add(count)), nxt);
                    assert_eq!(window, left);
                }
            }
        }
    }
}
