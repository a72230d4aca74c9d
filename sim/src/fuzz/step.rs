//! Octets as steps, by `arbitrary`: a variant is one octet modulo their number, for a derived reading would keep a thread-local.
//! [`encode`] writes steps as octets that read back as themselves, so the corpus is made from sessions that were thought of.

use arbitrary::{Arbitrary, Result, Unstructured};

/// The most steps of one input; more say nothing new and cost time.
pub const STEPS_MAX: usize = 256;
/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long before it: 0, 1 ms, 20 ms, 1 s, 10 s or 60 s, modulo 6.
    pub wait: u8,
    /// From which of four addresses.
    pub remote: u8,
    /// What happens.
    pub what: What,
}

/// What happens. Fields are read modulo their choices, so that every value means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// These octets arrive.
    Raw(Vec<u8>),
    /// A full frame arrives.
    Full(Fields),
    /// A mini frame arrives.
    Mini {
        /// Its source.
        source: u8,
        /// Its time-stamp.
        timestamp: u16,
        /// How many octets of audio.
        len: u8,
    },
    /// What the endpoint sent as its nth datagram, counted from the last, comes back, one octet changed.
    Reflect {
        /// Which.
        nth: u8,
        /// Which octet.
        at: u8,
        /// What is changed in it; 0 for nothing.
        change: u8,
    },
    /// The operator, the database or the application does something.
    Operate {
        /// What.
        what: u8,
        /// To which account.
        account: u8,
    },
}

/// A full frame from its fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Source call number.
    pub source: u8,
    /// 0 for none, 1 for the one that the endpoint last used to this address, else this number.
    pub destination: u8,
    /// Time-stamp.
    pub timestamp: u16,
    /// OSeqno.
    pub oseqno: u8,
    /// ISeqno.
    pub iseqno: u8,
    /// Frame type: see `datagram`.
    pub kind: u8,
    /// Subclass.
    pub subclass: u8,
    /// Which information elements, a bit each: see `datagram`.
    pub ies: u16,
    /// A value for those that have one.
    pub value: u8,
}

impl<'a> Arbitrary<'a> for Step {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Step {
            wait: input.arbitrary()?,
            remote: input.arbitrary()?,
            what: input.arbitrary()?,
        })
    }
}

impl<'a> Arbitrary<'a> for What {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u8::arbitrary(input)? % 5 {
            0 => What::Raw(input.arbitrary()?),
            1 => What::Full(input.arbitrary()?),
            2 => What::Mini {
                source: input.arbitrary()?,
                timestamp: input.arbitrary()?,
                len: input.arbitrary()?,
            },
            3 => What::Reflect {
                nth: input.arbitrary()?,
                at: input.arbitrary()?,
                change: input.arbitrary()?,
            },
            _ => What::Operate {
                what: input.arbitrary()?,
                account: input.arbitrary()?,
            },
        })
    }
}

impl<'a> Arbitrary<'a> for Fields {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Fields {
            source: input.arbitrary()?,
            destination: input.arbitrary()?,
            timestamp: input.arbitrary()?,
            oseqno: input.arbitrary()?,
            iseqno: input.arbitrary()?,
            kind: input.arbitrary()?,
            subclass: input.arbitrary()?,
            ies: input.arbitrary()?,
            value: input.arbitrary()?,
        })
    }
}

/// Steps as octets that read back as these steps.
pub fn encode(steps: &[Step]) -> Vec<u8> {
    let mut octets = Vec::new();
    for Step { wait, remote, what } in steps {
        octets.extend([GOES_ON, *wait, *remote]);
        encode_what(what, &mut octets);
    }
    octets.push(ENDS);
    octets
}

/// What stands before each item of a list, and after the last.
const GOES_ON: u8 = 1;
const ENDS: u8 = 0;

fn encode_what(what: &What, octets: &mut Vec<u8>) {
    match what {
        What::Raw(raw) => {
            octets.push(0);
            octets.extend(raw.iter().flat_map(|octet| [GOES_ON, *octet]));
            octets.push(ENDS);
        }
        What::Full(fields) => {
            octets.push(1);
            octets.extend([fields.source, fields.destination]);
            octets.extend(fields.timestamp.to_le_bytes());
            octets.extend([fields.oseqno, fields.iseqno, fields.kind, fields.subclass]);
            octets.extend(fields.ies.to_le_bytes());
            octets.push(fields.value);
        }
        What::Mini {
            source,
            timestamp,
            len,
        } => {
            octets.push(2);
            octets.push(*source);
            octets.extend(timestamp.to_le_bytes());
            octets.push(*len);
        }
        What::Reflect { nth, at, change } => {
            octets.push(3);
            octets.extend([*nth, *at, *change]);
        }
        What::Operate { what, account } => {
            octets.push(4);
            octets.extend([*what, *account]);
        }
    }
}

/// What octets read as.
pub fn decode(octets: &[u8]) -> Vec<Step> {
    let mut input = Unstructured::new(octets);
    let steps = input.arbitrary_iter::<Step>().into_iter().flatten();
    steps.map_while(Result::ok).take(STEPS_MAX).collect()
}
