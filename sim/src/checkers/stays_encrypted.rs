//! stays-encrypted: once a caller has proved a secret under its key, all that a server sends in the call is sealed under that key: no
//! audio, text or signal goes in clear, in a full, a mini or a trunk frame (RFC 5456 §7.4). And a call that must be encrypted is
//! not one before that.
//!
//! What may still go in clear: a frame that went out so before, for each is repeated as it was built (X-ENC-2); INVAL, which is
//! of no dialogue; the request by which the server opens another dialogue from the same number, for of the end of a call that it rejected
//! nobody is told; a PING or LAGRQ that was built before and withheld from an unproven address; and, until the server has sealed something, what keeps the exchange going or ends it, for the secret may have been
//! wrong.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use iaxproof::engine::Calling;
use iaxproof::engine::event::{CallId, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand};

use super::Checker;
use crate::accounts::{account_of_name, can_encrypt};
use crate::fact::{Fact, Mark, Passage};
use crate::plan::{Actor, Topology};
use crate::trace::digest;

/// Follows every dialogue of every server.
#[derive(Clone, Debug, Default)]
pub struct StaysEncrypted {
    forced: Vec<u8>,
    /// By server, its number and the address of the other side.
    dialogues: BTreeMap<(u8, CallNumber, SocketAddr), Dialogue>,
    /// The calls that were placed to a peer, and to which.
    placed: BTreeMap<(u8, CallId), u8>,
}

/// A dialogue, the last of its numbers and address.
#[derive(Clone, Debug)]
struct Dialogue {
    remote: CallNumber,
    /// The last request of the server's that opened it.
    opener: Option<u64>,
    stage: Stage,
    /// Whether a sealed AUTHREP came that was damaged on its way: maybe in octets that say nothing.
    may_be_proved: bool,
    /// The frames that went out in clear, by OSeqno and time.
    clear: BTreeSet<(u8, u32)>,
    /// The time-stamp of the first frame of ours that went out sealed.
    sealed_from: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Clear,
    /// The secret was proved under the key; by a caller, or by the server.
    Proved,
    /// The server has sealed.
    Sealed,
}

impl Dialogue {
    const fn new(remote: CallNumber) -> Self {
        Dialogue {
            remote,
            opener: None,
            stage: Stage::Clear,
            may_be_proved: false,
            clear: BTreeSet::new(),
            sealed_from: None,
        }
    }

    /// The server opens a dialogue: another one, where the other side's number of this one is known, unless it asks the same again.
    fn open(&mut self, opener: u64) {
        if self.remote != CallNumber::ZERO && self.opener != Some(opener) {
            *self = Dialogue::new(CallNumber::ZERO);
        }
        self.opener = Some(opener);
    }

    /// The dialogue goes on, or another has begun.
    fn with(&mut self, remote: CallNumber) -> &mut Self {
        if self.remote != remote && remote != CallNumber::ZERO {
            match self.remote {
                CallNumber::ZERO => self.remote = remote,
                _ => *self = Dialogue::new(remote),
            }
        }
        self
    }

    /// Whether a frame is one of before anything was sealed. Who asks for it by VNAK gets it without the mark of a repeat.
    fn was_built_before(&self, frame: &FullFrame<'_>) -> bool {
        let is_earlier = self
            .sealed_from
            .is_some_and(|from| frame.timestamp.0 < from);
        frame.retransmission || (is_earlier && frame.body.consumes_sequence_number())
    }

    fn send(&mut self, passage: &Passage<'_>, frame: &FullFrame<'_>) -> Result<(), String> {
        let what = (frame.oseqno.0, frame.timestamp.0);
        // One that a VNAK asks for has no mark of a repeat.
        let is_repeat = self.clear.contains(&what) && frame.body.consumes_sequence_number();
        if passage.is_sealed {
            if self.stage == Stage::Clear && !is(&frame.body, IaxCommand::AuthRep) {
                // What another key sealed reads as a frame of this one now and then.
                return Ok(());
            }
            self.stage = Stage::Sealed;
            // The time-stamp of an ACK is the other side's.
            if frame.body.consumes_sequence_number() {
                self.sealed_from.get_or_insert(frame.timestamp.0);
            }
            return match is_repeat {
                true => Err("what went out in clear is repeated sealed".into()),
                false => Ok(()),
            };
        }
        let may_be_clear = match self.stage {
            Stage::Clear => true,
            Stage::Proved => keeps_going(&frame.body),
            // Built in clear, and withheld until the address was proven.
            Stage::Sealed => self.was_built_before(frame) && keeps_going(&frame.body),
        };
        if !is_repeat && !may_be_clear {
            return Err("a frame goes out in clear".into());
        }
        if frame.body.consumes_sequence_number() {
            self.clear.insert(what);
        }
        Ok(())
    }
}

/// What keeps an exchange going, or ends it.
const fn keeps_going(body: &Body<'_>) -> bool {
    use IaxCommand::{Ack, AuthReq, Hangup, LagRp, LagRq, Ping, Pong, Reject, Vnak};
    matches!(
        body,
        Body::Iax {
            command: Ack | AuthReq | Hangup | LagRp | LagRq | Ping | Pong | Reject | Vnak,
            ..
        }
    )
}

/// Whether a frame is a request that opens a dialogue.
fn opens(frame: &FullFrame<'_>) -> bool {
    use IaxCommand::{New, Poke, RegRel, RegReq};
    let is_request = [New, Poke, RegRel, RegReq];
    frame.destination == CallNumber::ZERO && is_request.iter().any(|it| is(&frame.body, *it))
}

fn is(body: &Body<'_>, wanted: IaxCommand) -> bool {
    matches!(body, Body::Iax { command, .. } if *command == wanted)
}

impl StaysEncrypted {
    /// Of the accounts of this topology that must be called encrypted, and call so.
    pub fn new(topology: &Topology) -> Self {
        let forced = topology.forced.iter().copied();
        StaysEncrypted {
            forced: forced.filter(|account| can_encrypt(*account)).collect(),
            ..StaysEncrypted::default()
        }
    }

    fn sent(&mut self, server: u8, passage: &Passage<'_>) -> Result<(), String> {
        let at = |number| (server, number, passage.destination);
        let in_clear = |number: CallNumber| {
            let dialogue = self.dialogues.get(&at(number));
            dialogue.is_some_and(|it| it.stage > Stage::Clear) && !passage.is_sealed
        };
        match &passage.frame {
            Some(Frame::Full(frame)) => self.sent_full(server, passage, frame),
            Some(Frame::Mini(frame)) if in_clear(frame.source()) => {
                Err("a mini frame goes out in clear".into())
            }
            Some(Frame::MiniVideo(frame)) if in_clear(frame.source()) => {
                Err("a mini video frame goes out in clear".into())
            }
            Some(Frame::Meta(frame)) if frame.entries.iter().any(|it| in_clear(it.source())) => {
                Err("a trunk frame has it in clear".into())
            }
            _ => Ok(()),
        }
    }

    fn sent_full(
        &mut self,
        server: u8,
        passage: &Passage<'_>,
        frame: &FullFrame<'_>,
    ) -> Result<(), String> {
        if is(&frame.body, IaxCommand::Inval) || frame.source <= CallNumber::STATELESS {
            return Ok(());
        }
        let key = (server, frame.source, passage.destination);
        let dialogue = self.dialogues.entry(key);
        let dialogue = dialogue.or_insert(Dialogue::new(frame.destination));
        if opens(frame) {
            dialogue.open(digest(frame));
        }
        dialogue.with(frame.destination).send(passage, frame)
    }

    /// Who calls proves the secret under the key.
    fn arrived(&mut self, server: u8, passage: &Passage<'_>) {
        let Some(Frame::Full(frame)) = &passage.frame else {
            return;
        };
        let is_proof = passage.is_sealed && is(&frame.body, IaxCommand::AuthRep);
        if !is_proof || passage.mark == Mark::Spoofed {
            return;
        }
        let key = (server, frame.destination, passage.source);
        if let Some(dialogue) = self.dialogues.get_mut(&key) {
            let dialogue = dialogue.with(frame.source);
            match passage.mark {
                Mark::Damaged => dialogue.may_be_proved = true,
                _ => dialogue.stage = dialogue.stage.max(Stage::Proved),
            }
        }
    }

    /// The server takes a proof for right: where it came damaged, nothing says so but this.
    fn authenticated(&mut self, server: u8, call: CallId) {
        let of_call = (server, call.local());
        let dialogues = self.dialogues.iter_mut();
        let its = dialogues.filter(|((of, local, _), _)| (*of, *local) == of_call);
        for (_, dialogue) in its.filter(|(_, dialogue)| dialogue.may_be_proved) {
            dialogue.stage = dialogue.stage.max(Stage::Proved);
        }
    }

    /// A call that must be encrypted is offered, or was accepted.
    fn begun(&self, server: u8, call: CallId, account: u8) -> Result<(), String> {
        let of_call = (server, call.local());
        let mut dialogues = self.dialogues.iter();
        let is_proved = dialogues.any(|((of, local, _), dialogue)| {
            (*of, *local) == of_call && dialogue.stage > Stage::Clear
        });
        if is_proved || !self.forced.contains(&account) {
            return Ok(());
        }
        Err(format!(
            "call {call} of p{account} must be encrypted and is not"
        ))
    }

    fn told(&mut self, server: u8, event: &Event) -> Result<(), String> {
        match event {
            Event::Authenticated { call, .. } => {
                self.authenticated(server, *call);
                Ok(())
            }
            Event::Incoming { call, user, .. } => match account_of_name(user.as_str()) {
                Some(account) => self.begun(server, *call, account),
                None => Ok(()),
            },
            Event::Accepted { call, .. } => match self.placed.get(&(server, *call)) {
                Some(account) => self.begun(server, *call, *account),
                None => Ok(()),
            },
            Event::Ended { call, .. } => {
                let of_call = (server, call.local());
                self.dialogues
                    .retain(|(of, local, _), _| (*of, *local) != of_call);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Checker for StaysEncrypted {
    const PROPERTY: &'static str = "stays-encrypted";

    fn observe(&mut self, _now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Restarted { server, .. } => {
                self.dialogues.retain(|(of, ..), _| of != server);
                self.placed.retain(|(of, _), _| of != server);
                Ok(())
            }
            Fact::Dialled {
                server,
                account,
                outcome: Ok(Calling::Call(call)),
                ..
            } => {
                self.placed.insert((*server, *call), *account);
                Ok(())
            }
            Fact::Arrived(passage) => {
                if let Some(Actor::Server(server)) = passage.to {
                    self.arrived(server, passage);
                }
                Ok(())
            }
            Fact::Sent(passage) => match passage.from {
                Actor::Server(server) => self.sent(server, passage).map_err(|what| {
                    let to = passage.destination;
                    format!("server {server}: an encrypted call with {to}: {what}")
                }),
                _ => Ok(()),
            },
            Fact::Told { server, event } => {
                let told = self.told(*server, event);
                told.map_err(|what| format!("server {server}: {what}"))
            }
            _ => Ok(()),
        }
    }
}
