//! What can be wrong with encrypted calls, and which checks see it.

use iaxproof::wire::{Body, Frame, IaxCommand, MiniFrame};

use super::{Bend, CHALLENGE, Cover, ELEMENTS, ENCRYPTION, MD5_RESULT, SUBCLASS};
use crate::relay::{Way, element};

/// A defect: its name, how it bends what passes, what must see it, and what must stay green.
pub(super) struct Defect {
    pub(super) name: &'static str,
    pub(super) bend: Bend,
    pub(super) red: &'static [&'static str],
    pub(super) green: &'static [&'static str],
}

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "ANSWER goes in clear",
        bend: |it| {
            if it.way == Way::FromServer && is_control(&it.frame) {
                it.cover = Cover::Clear;
            }
            true
        },
        red: &["7.4-1a"],
        green: &["7.4-i2a"],
    },
    Defect {
        name: "PONG goes in clear",
        bend: |it| {
            if it.is_from(IaxCommand::Pong) {
                it.cover = Cover::Clear;
            }
            true
        },
        red: &["7.4-1b"],
        green: &["7.4-1a", "7.4-1c", "7.4-1e"],
    },
    Defect {
        name: "ACK goes in clear",
        bend: |it| {
            if it.is_from(IaxCommand::Ack) {
                it.cover = Cover::Clear;
            }
            true
        },
        red: &["7.4-1e", "7.4-1k", "7.4-1l"],
        green: &["7.4-i2a", "X-ENC-2c"],
    },
    Defect {
        name: "mini frames go in clear",
        bend: |it| {
            if it.way == Way::FromServer && it.is_mini() {
                it.cover = Cover::Clear;
            }
            true
        },
        red: &["7.4-1c", "7.4-1d", "X-ENC-1b"],
        green: &["7.4-1b", "7.4-1i"],
    },
    Defect {
        name: "what is clear is as good as sealed",
        bend: |it| {
            if it.way == Way::ToServer && !it.is_to(IaxCommand::AuthReq) && it.cover == Cover::Clear
            {
                it.cover = Cover::Sealed;
            }
            true
        },
        red: &["7.4-1f", "7.4-1g", "7.4-1i", "7.4-1m", "X-ENC-2a"],
        green: &["7.4-1b", "7.4-1h", "7.4-1l"],
    },
    Defect {
        name: "what no key opens ends the call",
        bend: |it| {
            it.is_dead |= it.way == Way::ToServer && it.cover == Cover::Noise;
            true
        },
        red: &["7.4-1h", "X-ENC-4"],
        green: &["7.4-1f", "7.4-1g"],
    },
    Defect {
        name: "any secret is right",
        bend: |it| {
            if it.is_from(IaxCommand::Reject) {
                it.frame[SUBCLASS] = IaxCommand::Accept.octet();
            }
            true
        },
        red: &["7.4-i2c"],
        green: &["7.4-i2a"],
    },
    Defect {
        name: "the key is of something else",
        bend: |it| {
            if it.is_from(IaxCommand::AuthReq)
                && let Some(at) = element(&it.frame, CHALLENGE)
            {
                it.frame[at] ^= 1;
            }
            !it.is_sealed_from(IaxCommand::Accept)
        },
        red: &["7.4-i2a"],
        green: &["7.4-i1b"],
    },
    Defect {
        name: "there is one challenge for all",
        bend: |it| {
            if it.is_from(IaxCommand::AuthReq)
                && let Some(at) = element(&it.frame, CHALLENGE)
            {
                let end = at + usize::from(it.frame[at - 1]);
                it.frame[at..end].fill(b'7');
            }
            true
        },
        red: &["7.4-i2b"],
        green: &["7.4-i2a", "7.4-1b"],
    },
    Defect {
        name: "RTKEY is acknowledged, and no key is taken",
        bend: |it| {
            if it.is_to(IaxCommand::RtKey) {
                it.frame.truncate(ELEMENTS);
                it.frame[SUBCLASS] = IaxCommand::Ping.octet();
            }
            true
        },
        red: &["X-ENC-1a"],
        green: &["7.4-1b"],
    },
    Defect {
        name: "TXREQ is not refused",
        bend: |it| !it.is_from(IaxCommand::Unsupport),
        red: &["X-ENC-5a"],
        green: &["7.4-1b"],
    },
    Defect {
        name: "an entry of a trunk is audio",
        bend: |it| {
            if let Some(mini) = entry(&it.frame) {
                (it.frame, it.cover) = (mini, Cover::Sealed);
            }
            true
        },
        red: &["X-ENC-5b"],
        green: &["7.4-1d", "7.4-1i"],
    },
    Defect {
        name: "the padding is always the same",
        bend: |it| {
            it.padding = [7; 32];
            true
        },
        red: &["8.1.4-i1b"],
        green: &["7.4-1b"],
    },
    Defect {
        name: "an octet is behind the last block",
        bend: |it| {
            if it.is_from(IaxCommand::Pong) {
                it.tail.push(0);
            }
            true
        },
        red: &["8.1.4-i1a"],
        green: &["7.4-1a"],
    },
    Defect {
        name: "the clear octets of PONG name another call",
        bend: |it| {
            if it.is_from(IaxCommand::Pong) {
                it.frame[1] ^= 1;
            }
            true
        },
        red: &["8.1.4-i1a"],
        green: &["7.4-1a"],
    },
    Defect {
        name: "encryption is granted to who did not ask",
        bend: |it| {
            if it.is_from(IaxCommand::AuthReq) && element(&it.frame, ENCRYPTION).is_none() {
                it.frame.extend([ENCRYPTION, 2, 0, 1]);
            }
            true
        },
        red: &["7.4-i1b", "7.4-i1c"],
        green: &["7.4-i2a"],
    },
    Defect {
        name: "the whole of NEW's ENCRYPTION is granted",
        bend: |it| {
            if it.is_from(IaxCommand::AuthReq) {
                it.rewrite_encryption(&[0x80, 1]);
            }
            true
        },
        red: &["8.6.34-1"],
        green: &["7.4-i2a", "X-IE-7b"],
    },
    Defect {
        name: "ENCRYPTION has one octet",
        bend: |it| {
            if it.way == Way::FromServer {
                it.rewrite_encryption(&[1]);
            }
            true
        },
        red: &["X-IE-7b", "X-IE-7c"],
        green: &["7.4-i2a", "X-ENC-2c"],
    },
    Defect {
        name: "ENCRYPTION of one octet is not known",
        bend: |it| {
            let encryption = element(&it.frame, ENCRYPTION).filter(|_| it.is_to(IaxCommand::New));
            if let Some(at) = encryption
                && it.frame[at - 1] == 1
            {
                it.frame[at - 2] = 0xee;
            }
            true
        },
        red: &["X-IE-7a"],
        green: &["7.4-i2a"],
    },
    Defect {
        name: "AUTHREP goes in clear",
        bend: |it| {
            if it.is_from(IaxCommand::AuthRep) {
                it.cover = Cover::Clear;
            }
            true
        },
        red: &["X-ENC-2c", "7.4-1k"],
        green: &["7.4-1b"],
    },
    Defect {
        name: "AUTHREP has the result of something else",
        bend: |it| {
            if it.is_from(IaxCommand::AuthRep)
                && let Some(at) = element(&it.frame, MD5_RESULT)
            {
                it.frame[at] ^= 1;
            }
            true
        },
        red: &["X-ENC-2c"],
        green: &["7.4-1b"],
    },
    Defect {
        name: "what is not granted is answered in clear",
        bend: |it| {
            if it.is_from(IaxCommand::Hangup) && it.cover == Cover::Clear {
                it.frame.truncate(ELEMENTS);
                it.frame[SUBCLASS] = IaxCommand::AuthRep.octet();
                it.frame.extend([MD5_RESULT, 32]);
                it.frame.extend([b'0'; 32]);
            }
            true
        },
        red: &["X-ENC-3a", "X-ENC-3b"],
        green: &["7.4-2"],
    },
    Defect {
        name: "what is not granted is not answered",
        bend: |it| !(it.is_from(IaxCommand::Hangup) && it.cover == Cover::Clear),
        red: &["7.4-2"],
        green: &["X-ENC-3a", "X-ENC-3b"],
    },
    Defect {
        name: "what is repeated is covered otherwise",
        bend: |it| {
            if it.is_repeat() {
                it.cover = match it.cover {
                    Cover::Sealed => Cover::Clear,
                    _ => Cover::Sealed,
                };
            }
            true
        },
        red: &["7.4-1j", "X-ENC-2b"],
        green: &["7.4-1b"],
    },
];

fn is_control(frame: &[u8]) -> bool {
    match Frame::parse(frame) {
        Ok(Frame::Full(frame)) => matches!(frame.body, Body::Control { .. }),
        _ => false,
    }
}

/// The first entry of a trunk frame, as a mini frame of the same call.
fn entry(frame: &[u8]) -> Option<Vec<u8>> {
    let Ok(Frame::Meta(meta)) = Frame::parse(frame) else {
        return None;
    };
    let entry = meta.entries.iter().next()?;
    let mini = Frame::Mini(MiniFrame::new(entry.source(), 1_020, entry.data())?);
    let mut octets = Vec::new();
    mini.encode(&mut octets);
    Some(octets)
}
