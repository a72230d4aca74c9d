//! Full frames: the header of everything reliable. What the frame carries is in [`body`](super::body).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-----------------------------+-+-----------------------------+
//! |1|      source call number     |R|   destination call number   |
//! +-+-----------------------------+-+-----------------------------+
//! |                           time-stamp                          |
//! +---------------+---------------+---------------+-+-------------+
//! |    OSeqno     |    ISeqno     |  frame type   |C|  subclass   |
//! +---------------+---------------+---------------+-+-------------+
//! |  data ...                                                     |
//! ```

use core::fmt;

use super::body::Body;
use super::cursor::Cursor;
use super::error::{DecodeError, DecodeReason, FrameClass};
use super::number::{CallNumber, SeqNo, Timestamp};

/// A full frame (RFC 5456 §8.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullFrame<'a> {
    /// The sender's own call number; 0 is legal to read and never sent.
    pub source: CallNumber,
    /// The receiver's call number; 0 where it is not known yet.
    pub destination: CallNumber,
    /// The R bit: these octets were sent before.
    pub retransmission: bool,
    /// The sender's time; of ACK, PONG and LAGRP the time of the frame that they answer.
    pub timestamp: Timestamp,
    /// The sequence number of this frame.
    pub oseqno: SeqNo,
    /// The next sequence number that the sender expects: a cumulative acknowledgement.
    pub iseqno: SeqNo,
    /// Frame type, subclass and data.
    pub body: Body<'a>,
}

impl<'a> FullFrame<'a> {
    /// Octets before the data.
    pub const HEADER_LEN: usize = FrameClass::Full.header_len();

    /// Reads one full frame, which ends with the octets.
    ///
    /// # Errors
    ///
    /// Where the octets are fewer than the header, the first bit is not set, or the information elements of an IAX
    /// frame do not fill the data exactly.
    pub fn parse(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(octets);
        let Some(
            [
                s0,
                s1,
                d0,
                d1,
                t0,
                t1,
                t2,
                t3,
                oseqno,
                iseqno,
                kind,
                subclass,
            ],
        ) = cursor.array::<{ FrameClass::Full.header_len() }>()
        else {
            return Err(DecodeError::short(FrameClass::Full, octets));
        };
        if s0 & FLAG == 0 {
            return Err(DecodeError::new(0, DecodeReason::NotFull));
        }
        Ok(FullFrame {
            source: CallNumber::from_word(u16::from_be_bytes([s0, s1])),
            destination: CallNumber::from_word(u16::from_be_bytes([d0, d1])),
            retransmission: d0 & FLAG != 0,
            timestamp: Timestamp(u32::from_be_bytes([t0, t1, t2, t3])),
            oseqno: SeqNo(oseqno),
            iseqno: SeqNo(iseqno),
            body: Body::from_parts(kind, subclass, cursor.rest())
                .map_err(|error| error.behind(Self::HEADER_LEN))?,
        })
    }

    /// How many octets [`encode`](FullFrame::encode) appends.
    pub fn encoded_len(&self) -> usize {
        Self::HEADER_LEN + self.body.data().len()
    }

    /// Appends the octets of the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let retransmission = u16::from(self.retransmission) << 15;
        out.extend((self.source.get() | 0x8000).to_be_bytes());
        out.extend((self.destination.get() | retransmission).to_be_bytes());
        out.extend(self.timestamp.0.to_be_bytes());
        out.extend([self.oseqno.0, self.iseqno.0]);
        out.extend([self.body.frame_type(), self.body.subclass()]);
        out.extend(self.body.data());
    }
}

/// The F bit and the R bit in the first octet of their words.
const FLAG: u8 = 0x80;

/// `Full  2 -> 7684 R ts 2000 oseq 8 iseq 6 IAX HANGUP cause 16 (normal clearing)`.
impl fmt::Display for FullFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Full  {} -> {}", self.source, self.destination)?;
        f.write_str(if self.retransmission { " R" } else { "" })?;
        write!(f, " ts {} oseq {}", self.timestamp, self.oseqno)?;
        write!(f, " iseq {} {}", self.iseqno, self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ie::InformationElements;
    use crate::wire::subclass::IaxCommand;

    /// A HANGUP sent for the second time, cause 16.
    const HANGUP: [u8; 15] = [
        0x80, 0x02, 0x9e, 0x04, 0x00, 0x00, 0x07, 0xd0, 0x08, 0x06, 0x06, 0x05, 0x2a, 0x01, 0x10,
    ];

    #[test]
    fn a_retransmitted_hangup_reads_and_writes() {
        let frame = FullFrame::parse(&HANGUP).unwrap();
        assert_eq!(
            frame,
            FullFrame {
                source: CallNumber::new(2).unwrap(),
                destination: CallNumber::new(0x1e04).unwrap(),
                retransmission: true,
                timestamp: Timestamp(2000),
                oseqno: SeqNo(8),
                iseqno: SeqNo(6),
                body: Body::Iax {
                    command: IaxCommand::Hangup,
                    ies: InformationElements::parse(&[0x2a, 1, 16]).unwrap(),
                },
            }
        );
        assert_eq!(
            frame.to_string(),
            "Full  2 -> 7684 R ts 2000 oseq 8 iseq 6 IAX HANGUP cause code 16 (normal clearing)"
        );
        let mut octets = Vec::new();
        frame.encode(&mut octets);
        assert_eq!((octets.as_slice(), frame.encoded_len()), (&HANGUP[..], 15));
    }

    #[test]
    fn eleven_octets_are_no_full_frame() {
        let error = FullFrame::parse(&HANGUP[..11]).unwrap_err();
        assert_eq!(error, DecodeError::short(FrameClass::Full, &HANGUP[..11]));
    }

    #[test]
    fn an_element_that_overruns_is_named_by_its_octet() {
        let error = FullFrame::parse(&HANGUP[..14]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "octet 12: information element 42 runs 1 octets past the end"
        );
    }

    #[test]
    fn a_mini_frame_is_not_full() {
        let error = FullFrame::parse(&[0; 12]).unwrap_err();
        assert_eq!(error.reason, DecodeReason::NotFull);
    }
}
