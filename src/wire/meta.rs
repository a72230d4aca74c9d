//! Meta frames, of which one kind exists: the trunk, voice of several calls in one datagram.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------------------------------+-+-------------+---------------+
//! |               0               |0|  command 1  | command data  |
//! +-------------------------------+-+-------------+---------------+
//! |                   time-stamp of the trunk                     |
//! +-------------------------------+-------------------------------+
//! |      source call number       |            length             |  entry, command data 0
//! +-------------------------------+-------------------------------+
//! |  data ...
//!
//! +-------------------------------+-------------------------------+
//! |            length             |      source call number       |  entry, command data 1
//! +-------------------------------+-------------------------------+
//! |    low 16 bits of the time    |  data ...
//! ```
//!
//! The length of an entry counts its data alone (chan_iax2).

use core::fmt;

use super::cursor::Cursor;
use super::error::{DecodeError, DecodeReason, FrameClass};
use super::number::{CallNumber, Timestamp};
use super::show::Octets;

/// The meta command of a trunk; no other is known.
const TRUNK: u8 = 1;
/// Where the command and the command data stand.
const COMMAND_OFFSET: usize = 2;
const FLAGS_OFFSET: usize = 3;

/// A trunk frame (RFC 5456 §8.1.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetaFrame<'a> {
    /// When the trunk sent it, in milliseconds of its own clock.
    pub timestamp: Timestamp,
    /// The voice of each call.
    pub entries: TrunkEntries<'a>,
}

impl<'a> MetaFrame<'a> {
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(octets);
        let Some([_, _, command, flags, t0, t1, t2, t3]) = cursor.array() else {
            return Err(DecodeError::short(FrameClass::Meta, octets));
        };
        if command != TRUNK {
            let reason = DecodeReason::MetaCommand(command);
            return Err(DecodeError::new(COMMAND_OFFSET, reason));
        }
        if flags > 1 {
            let reason = DecodeReason::TrunkFlags(flags);
            return Err(DecodeError::new(FLAGS_OFFSET, reason));
        }
        let entries = TrunkEntries::parse(flags == 1, cursor.rest())
            .map_err(|error| error.behind(cursor.offset()))?;
        Ok(MetaFrame {
            timestamp: Timestamp(u32::from_be_bytes([t0, t1, t2, t3])),
            entries,
        })
    }

    /// How many octets [`encode`](MetaFrame::encode) appends.
    pub fn encoded_len(&self) -> usize {
        let entries = self.entries.iter();
        let len = |entry: TrunkEntry<'_>| entry.encoded_len();
        FrameClass::Meta.header_len() + entries.map(len).sum::<usize>()
    }

    /// Appends the octets of the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend([0, 0, TRUNK, u8::from(self.entries.with_timestamps)]);
        out.extend(self.timestamp.0.to_be_bytes());
        for entry in self.entries.iter() {
            entry.encode(out);
        }
    }
}

/// `Trunk  ts 40, 2 entries: 2 4 octets; 3 ts 40 3 octets`.
impl fmt::Display for MetaFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trunk  ts {}: ", self.timestamp)?;
        for (i, entry) in self.entries.iter().enumerate() {
            write!(f, "{}{entry}", if i == 0 { "" } else { "; " })?;
        }
        f.write_str(if self.entries.is_empty() { "empty" } else { "" })
    }
}

/// The voice of one call in a trunk frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrunkEntry<'a> {
    source: CallNumber,
    timestamp: Option<u16>,
    data: &'a [u8],
}

impl<'a> TrunkEntry<'a> {
    /// An entry, or `None` where the data is longer than 65,535 octets. `timestamp` is the low half of the call's time,
    /// `None` where the trunk carries none.
    pub fn new(source: CallNumber, timestamp: Option<u16>, data: &'a [u8]) -> Option<Self> {
        (data.len() <= usize::from(u16::MAX)).then_some(TrunkEntry {
            source,
            timestamp,
            data,
        })
    }

    /// The sender's call number.
    pub const fn source(&self) -> CallNumber {
        self.source
    }

    /// The low 16 bits of the call's time-stamp, where the trunk carries them.
    pub const fn timestamp(&self) -> Option<u16> {
        self.timestamp
    }

    /// Codec data; may be empty.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    fn encoded_len(&self) -> usize {
        self.len_in_trunk(self.timestamp.is_some())
    }

    /// How many octets [`TrunkBuffer::push`] appends, where the trunk carries time-stamps or not.
    pub const fn len_in_trunk(&self, with_timestamps: bool) -> usize {
        header_len(with_timestamps) + self.data.len()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let len = (self.data.len() as u16).to_be_bytes();
        let source = self.source.get().to_be_bytes();
        match self.timestamp {
            Some(timestamp) => {
                out.extend([len, source, timestamp.to_be_bytes()].as_flattened());
            }
            None => out.extend([source, len].as_flattened()),
        }
        out.extend(self.data);
    }
}

/// `3 ts 40 3 octets`.
impl fmt::Display for TrunkEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        if let Some(timestamp) = self.timestamp {
            write!(f, " ts {timestamp}")?;
        }
        write!(f, " {}", Octets(self.data.len()))
    }
}

/// A validated view of the entries of a trunk frame: iterating cannot fail. All carry a time-stamp, or none does.
#[derive(Clone, Copy)]
pub struct TrunkEntries<'a> {
    with_timestamps: bool,
    // Invariant: whole entries from end to end.
    octets: &'a [u8],
}

/// Two lists are equal where their entries are: the top bit of a call number is no part of it, so octets may differ.
impl PartialEq for TrunkEntries<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.with_timestamps == other.with_timestamps && self.iter().eq(other.iter())
    }
}

impl Eq for TrunkEntries<'_> {}

impl<'a> TrunkEntries<'a> {
    fn parse(with_timestamps: bool, octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(octets);
        while !cursor.is_at_end() {
            read_entry(&mut cursor, with_timestamps)?;
        }
        Ok(TrunkEntries {
            with_timestamps,
            octets,
        })
    }

    /// Whether the entries carry time-stamps of their own.
    pub const fn with_timestamps(self) -> bool {
        self.with_timestamps
    }

    /// Whether there is no entry.
    pub const fn is_empty(self) -> bool {
        self.octets.is_empty()
    }

    /// The entries in their order.
    pub fn iter(self) -> impl Iterator<Item = TrunkEntry<'a>> {
        let mut cursor = Cursor::new(self.octets);
        core::iter::from_fn(move || read_entry(&mut cursor, self.with_timestamps).ok())
    }
}

impl fmt::Debug for TrunkEntries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Collects entries for a trunk frame to be sent.
#[derive(Clone, Debug, Default)]
pub struct TrunkBuffer {
    with_timestamps: bool,
    octets: Vec<u8>,
}

impl TrunkBuffer {
    /// An empty trunk, whose entries will carry time-stamps or not.
    pub const fn new(with_timestamps: bool) -> Self {
        TrunkBuffer {
            with_timestamps,
            octets: Vec::new(),
        }
    }

    /// Appends an entry. Where the trunk carries time-stamps and the entry has none, 0 stands in, which a receiver
    /// treats as none (chan_iax2); where the trunk carries none, the entry's is left out.
    pub fn push(&mut self, entry: TrunkEntry<'_>) -> &mut Self {
        let timestamp = self.with_timestamps.then(|| entry.timestamp.unwrap_or(0));
        TrunkEntry { timestamp, ..entry }.encode(&mut self.octets);
        self
    }

    /// Whether there is no entry.
    pub const fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// How many octets the entries have.
    pub const fn encoded_len(&self) -> usize {
        self.octets.len()
    }

    /// The entries so far.
    pub fn view(&self) -> TrunkEntries<'_> {
        TrunkEntries {
            with_timestamps: self.with_timestamps,
            octets: &self.octets,
        }
    }
}

/// The octets of an entry before its data.
const fn header_len(with_timestamps: bool) -> usize {
    if with_timestamps { 6 } else { 4 }
}

/// Reads one entry, and is past its data before anybody asks whose it is.
fn read_entry<'a>(
    cursor: &mut Cursor<'a>,
    with_timestamps: bool,
) -> Result<TrunkEntry<'a>, DecodeError> {
    let start = *cursor;
    let fields = if with_timestamps {
        cursor.array().map(|[l0, l1, s0, s1, t0, t1]| {
            ([s0, s1], [l0, l1], Some(u16::from_be_bytes([t0, t1])))
        })
    } else {
        cursor
            .array()
            .map(|[s0, s1, l0, l1]| ([s0, s1], [l0, l1], None))
    };
    let Some((source, len, timestamp)) = fields else {
        let (needed, left) = (header_len(with_timestamps), start.rest().len());
        let reason = DecodeReason::TrunkEntryShort { needed, left };
        return Err(DecodeError::new(start.offset(), reason));
    };
    let len = usize::from(u16::from_be_bytes(len));
    let Some(data) = cursor.take(len) else {
        let past = len - cursor.rest().len();
        let reason = DecodeReason::TrunkEntryOverrun { past };
        return Err(DecodeError::new(start.offset(), reason));
    };
    Ok(TrunkEntry {
        source: CallNumber::from_word(u16::from_be_bytes(source)),
        timestamp,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(octets: &[u8]) -> (String, Vec<u8>, usize) {
        let frame = MetaFrame::parse(octets).unwrap();
        let mut out = Vec::new();
        frame.encode(&mut out);
        (frame.to_string(), out, frame.encoded_len())
    }

    #[test]
    fn a_trunk_without_timestamps() {
        let octets = b"\0\0\x01\0\0\0\0\x28\0\x02\0\x04aaaa\0\x03\0\x02bb";
        let line = "Trunk  ts 40: 2 4 octets; 3 2 octets".to_owned();
        assert_eq!(read_back(octets), (line, octets.to_vec(), octets.len()));
    }

    #[test]
    fn a_trunk_with_timestamps() {
        let octets = b"\0\0\x01\x01\0\0\0\x28\0\x04\0\x02\0\x14aaaa\0\x02\0\x03\0\x28bb";
        let line = "Trunk  ts 40: 2 ts 20 4 octets; 3 ts 40 2 octets".to_owned();
        assert_eq!(read_back(octets), (line, octets.to_vec(), octets.len()));
    }

    #[test]
    fn an_entry_past_the_end_is_refused() {
        let error = MetaFrame::parse(b"\0\0\x01\0\0\0\0\x28\0\x02\0\xc8aaaa").unwrap_err();
        let reason = DecodeReason::TrunkEntryOverrun { past: 196 };
        assert_eq!(error, DecodeError::new(8, reason));
    }

    #[test]
    fn half_a_header_is_refused() {
        let error = MetaFrame::parse(b"\0\0\x01\x01\0\0\0\x28\0\x04\0\x02").unwrap_err();
        let reason = DecodeReason::TrunkEntryShort { needed: 6, left: 4 };
        assert_eq!(error, DecodeError::new(8, reason));
    }

    #[test]
    fn other_commands_and_flags_are_refused() {
        let error = MetaFrame::parse(b"\0\0\x05\0\0\0\0\x28").unwrap_err();
        assert_eq!(error, DecodeError::new(2, DecodeReason::MetaCommand(5)));
        let error = MetaFrame::parse(b"\0\0\x01\x02\0\0\0\x28").unwrap_err();
        assert_eq!(error, DecodeError::new(3, DecodeReason::TrunkFlags(2)));
        let error = MetaFrame::parse(b"\0\0\x01\0\0\0\0").unwrap_err();
        assert_eq!(error.offset, 7);
    }
}
