//! The file of a recording: a mark, and frames of which each is whole or not there. A server that is killed leaves a file that is good up to its last
//! whole frame.
//!
//! ```text
//! "iaxproof record\n"   16 octets
//! frame                 length of the content (32 bits, little end first), its check (64 bits), content
//! ...
//! ```
//!
//! The check is SipHash of the content under the number of the frame, so that no frame can be missing unnoticed. The first frame is the
//! [`Header`]; the others are each some inputs of one actor, or the end.

use core::time::Duration;
use std::collections::BTreeMap;
#[cfg(feature = "evidence")]
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use iaxproof::engine::directory::TokenKey;
use iaxproof::registry::HashKey;

use super::coded::{Coded, choices, structures, take};
use super::hand::{Actor, Switch};
use super::input::{Input, Rules};
use crate::error::Error;

/// What the file begins with.
const MARK: &[u8; 16] = b"iaxproof record\n";
/// The version of everything behind the mark.
const SCHEMA: u16 = 1;
/// Octets of a frame before its content.
const HEAD_LEN: usize = 12;
/// The other half of the key of checks: any number, always this one.
const CHECK: u64 = 0x6961_7870_726f_6f66;

/// The sources that this command was built from.
pub(crate) const BUILD: &str = env!("IAXPROOF_SERVER");

/// What is chosen before the first input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The version of the command.
    pub(crate) version: String,
    /// [`BUILD`] of who recorded.
    pub(crate) build: String,
    pub(crate) unix_time_at_zero: u64,
    pub(crate) ping_interval: Duration,
    pub(crate) lagrq_interval: Duration,
    /// The key of the containers' hash.
    pub(crate) hash_key: (u64, u64),
    /// An alias.
    pub(crate) token_key: TokenKey,
    pub(crate) has_database: bool,
    /// One for each worker.
    pub(crate) seeds: Vec<[u8; 32]>,
    pub(crate) rules: Rules,
    /// Samples of 16 bits, the little end first; `None` for what is in the binary.
    pub(crate) music: Option<Box<[u8]>>,
}

structures! {
    Header {
        version, build, unix_time_at_zero, ping_interval, lagrq_interval, hash_key, token_key, has_database, seeds, rules, music,
    }
    Sum { inputs, hash }
    Switch { nth, taken }
}

/// What an actor has done in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// How much it was given.
    pub(crate) inputs: u64,
    /// What came of it.
    pub(crate) hash: u64,
}

/// A frame behind the header.
pub(super) enum Frame {
    /// An actor, how many inputs, and those, one after the other.
    Inputs(Actor, u64),
    /// The server has stopped: what each actor has done.
    End(Vec<(Actor, Sum)>),
    /// The recording ends before the server, for this reason.
    Gap(String),
}

choices! {
    Frame { 1 Inputs(actor, count), 2 End(sums), 3 Gap(why) }
}

impl Coded for Actor {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        u16::read(from).map(Actor)
    }
}

/// An input with what is recorded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) input: Input,
    /// Locks that changed hands.
    pub(super) switches: Vec<Switch>,
    /// The low half of the actor's hash, where anything came of it.
    pub(super) check: Option<u32>,
}

structures! {
    Entry { input, switches, check }
}

/// The beginning of a file.
pub(super) fn beginning() -> Vec<u8> {
    let mut out = MARK.to_vec();
    out.extend(SCHEMA.to_le_bytes());
    out
}

/// Appends a frame, the one of this number.
pub(super) fn frame(number: u64, content: &[u8], out: &mut Vec<u8>) {
    out.extend((content.len() as u32).to_le_bytes());
    out.extend(check(number, content).to_le_bytes());
    out.extend(content);
}

fn check(number: u64, content: &[u8]) -> u64 {
    HashKey(number, CHECK).hash_bytes(content)
}

/// How a recording ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server stopped.
    Whole(BTreeMap<Actor, Sum>),
    /// The server went on without being recorded, for this reason.
    Gap(String),
    /// The last whole frame ends at this octet, and something follows or the end is missing.
    Torn(usize),
}

/// A recording that was read.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) header: Header,
    pub(crate) ending: Ending,
    /// Inputs of all actors.
    pub(crate) inputs: u64,
    octets: Vec<u8>,
    /// Where the inputs of each actor are.
    parts: BTreeMap<Actor, Vec<Range<usize>>>,
}

/// Whether this is a file that begins as a recording.
#[cfg(feature = "evidence")]
pub(crate) fn is_recording(path: &Path) -> bool {
    let mut mark = [0; MARK.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut mark));
    read.is_ok() && mark == *MARK
}

impl Recorded {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for what is no recording, or of another schema; [`Error::Broke`] for one that is damaged elsewhere than at its end.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let octets = std::fs::read(path).map_err(Error::io("cannot read", path))?;
        Self::of(octets).map_err(|why| match why {
            Wrong::NotOne(why) => Error::Usage(format!("{}: {why}", path.display())),
            Wrong::Damaged(at) => Error::Broke(format!(
                "{}: damaged: the frame at octet {at} is not what was written",
                path.display()
            )),
        })
    }

    fn of(octets: Vec<u8>) -> Result<Self, Wrong> {
        let mut frames = Frames::of(&octets)?;
        let header = frames.next()?.ok_or(Wrong::NotOne(NO_HEADER.to_owned()))?;
        let header =
            Header::read(&mut &octets[header.clone()]).ok_or(Wrong::Damaged(header.start))?;
        let (mut parts, mut inputs) = (BTreeMap::<_, Vec<_>>::new(), 0);
        let ending = loop {
            let Some(content) = frames.next()? else {
                break Ending::Torn(frames.at);
            };
            let mut left = &octets[content.clone()];
            match Frame::read(&mut left).ok_or(Wrong::Damaged(content.start))? {
                Frame::Inputs(actor, count) => {
                    inputs += count;
                    let begin = content.end - left.len();
                    parts.entry(actor).or_default().push(begin..content.end);
                }
                Frame::End(sums) => break Ending::Whole(sums.into_iter().collect()),
                Frame::Gap(why) => break Ending::Gap(why),
            }
        };
        Ok(Recorded {
            header,
            ending,
            inputs,
            octets,
            parts,
        })
    }

    /// All who did anything.
    pub(crate) fn actors(&self) -> impl Iterator<Item = Actor> {
        self.parts.keys().copied()
    }

    /// What an actor was given; `None` in the place of something that cannot be read.
    pub(super) fn entries(&self, actor: Actor) -> impl Iterator<Item = Option<Entry>> {
        let parts = self.parts.get(&actor).into_iter().flatten();
        parts.flat_map(|part| {
            let mut left = &self.octets[part.clone()];
            core::iter::from_fn(move || {
                if left.is_empty() {
                    return None;
                }
                let entry = Entry::read(&mut left);
                if entry.is_none() {
                    left = &[];
                }
                Some(entry)
            })
        })
    }
}

const NO_HEADER: &str = "a recording that ends before it begins";

/// Why octets are no recording.
enum Wrong {
    NotOne(String),
    /// The frame whose content is here.
    Damaged(usize),
}

/// Frames one by one.
struct Frames<'a> {
    octets: &'a [u8],
    /// Where the last whole frame ends.
    at: usize,
    number: u64,
}

impl<'a> Frames<'a> {
    fn of(octets: &'a [u8]) -> Result<Self, Wrong> {
        let mut left = octets;
        if take(&mut left, MARK.len()) != Some(MARK) {
            return Err(Wrong::NotOne("no recording".to_owned()));
        }
        let schema = <[u8; 2]>::read(&mut left).map(u16::from_le_bytes);
        if schema != Some(SCHEMA) {
            return Err(Wrong::NotOne(format!(
                "a recording of another schema than {SCHEMA}: it is read by the version that wrote it"
            )));
        }
        let at = octets.len() - left.len();
        let number = 0;
        Ok(Frames { octets, at, number })
    }

    /// Where the content of the next frame is; `None` where no whole one follows.
    fn next(&mut self) -> Result<Option<Range<usize>>, Wrong> {
        let begin = self.at + HEAD_LEN;
        let Some(content) = self.content(begin) else {
            return Ok(None);
        };
        let written = self.octets.get(self.at + 4..begin);
        let written = written.and_then(|octets| octets.try_into().ok());
        let whole = begin..begin + content.len();
        if Some(check(self.number, content)) != written.map(u64::from_le_bytes) {
            // A power cut may leave the last frame long enough and not whole.
            return match whole.end == self.octets.len() {
                true => Ok(None),
                false => Err(Wrong::Damaged(begin)),
            };
        }
        self.number += 1;
        self.at = whole.end;
        Ok(Some(whole))
    }

    fn content(&self, begin: usize) -> Option<&'a [u8]> {
        let len = self.octets.get(self.at..self.at + 4)?.try_into().ok()?;
        let len = usize::try_from(u32::from_le_bytes(len)).ok()?;
        self.octets.get(begin..begin.checked_add(len)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            version: "1".to_owned(),
            build: BUILD.to_owned(),
            unix_time_at_zero: 7,
            ping_interval: Duration::from_secs(21),
            lagrq_interval: Duration::from_secs(10),
            hash_key: (1, 2),
            token_key: TokenKey([3; 32]),
            has_database: false,
            seeds: vec![[4; 32]],
            rules: Vec::new(),
            music: None,
        }
    }

    /// A recording of three inputs, and where each frame ends.
    fn recording() -> (Vec<u8>, Vec<usize>) {
        let mut out = beginning();
        let mut ends = Vec::new();
        let mut content = Vec::new();
        header().write(&mut content);
        frame(0, &content, &mut out);
        ends.push(out.len());
        for number in 1..4 {
            content.clear();
            Frame::Inputs(Actor(1), 1).write(&mut content);
            let entry = Entry {
                input: Input::PollWrite {},
                switches: vec![Switch {
                    nth: 1,
                    taken: number,
                }],
                check: Some(number as u32),
            };
            entry.write(&mut content);
            frame(number, &content, &mut out);
            ends.push(out.len());
        }
        (out, ends)
    }

    #[test]
    fn what_is_cut_is_good_up_to_its_last_whole_frame() {
        let (whole, ends) = recording();
        for len in ends[0]..=whole.len() {
            let read = Recorded::of(whole[..len].to_vec()).ok().unwrap();
            let frames = ends.iter().filter(|end| **end <= len).count();
            assert_eq!(read.ending, Ending::Torn(ends[frames - 1]));
            assert_eq!(read.inputs as usize, frames - 1);
            let entries: Vec<_> = read.entries(Actor(1)).collect();
            assert_eq!(entries.len(), frames - 1);
            assert!(entries.iter().all(Option::is_some));
            assert_eq!(read.header, header());
        }
    }

    #[test]
    fn an_octet_that_is_another_is_told() {
        let (whole, ends) = recording();
        for at in ends[0]..ends[2] {
            let mut bent = whole.clone();
            bent[at] ^= 1;
            let read = Recorded::of(bent);
            // A length that is another may reach beyond the end.
            let is_length = ends.iter().any(|end| (*end..end + 4).contains(&at));
            assert!(is_length || matches!(read, Err(Wrong::Damaged(_))), "{at}");
        }
        assert!(matches!(
            Recorded::of(b"[general]\n".to_vec()),
            Err(Wrong::NotOne(_))
        ));
    }
}
