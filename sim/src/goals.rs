//! `sometimes` goals: what a sweep must reach to be worth anything. Goals never reached are reported.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use iaxproof::engine::RegistrantState;
use iaxproof::engine::counts::Counts;
use iaxproof::engine::directory::Reachability;
use iaxproof::engine::event::{EndReason, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand};

use crate::fact::{Fact, Mark, Passage};
use crate::plan::Actor;
use crate::worded::worded;

worded! {
    /// Something that should happen in some worlds.
    Goal:
    /// A client saw a REGACK.
    Registered = "registered";
    /// A peer registered from another address than before.
    RegisteredElsewhere = "registered from another address";
    /// A client saw the REGACK of its REGREL.
    Released = "released";
    /// A registration lapsed.
    Expired = "registration expired";
    /// A name or secret was refused.
    LoginRefused = "login refused";
    /// A client saw ANSWER.
    CallAnswered = "call answered";
    /// A client heard its own voice.
    VoiceEchoed = "voice echoed";
    /// A server's application hung up.
    CallRefused = "application hung up";
    /// A server's application did not take a call.
    CallRejected = "application refused before ACCEPT";
    /// A frame was sent again.
    Retransmission = "retransmission";
    /// A server's endpoint gave a call up.
    ServerGaveUp = "server gave a call up";
    /// A client gave a dialogue up.
    ClientGaveUp = "client gave a dialogue up";
    /// Somebody asked for what was missing.
    VnakSent = "VNAK sent";
    /// A dialogue was ended by INVAL.
    Invalidated = "INVAL ended a dialogue";
    /// A server gave a token that a client used.
    TokenGiven = "call token used";
    /// An opener with a token was refused: it had expired or was no good.
    TokenExpired = "call token expired";
    /// An opener was refused without a dialogue.
    RefusedStateless = "opener refused without a dialogue";
    /// An opener with a token came twice.
    DuplicateOpener = "opener with token came twice";
    /// More than 256 reliable frames went one way in one call.
    SequenceWrapped = "sequence numbers wrapped";
    /// A configuration was accepted while a call was up.
    ReloadDuringCall = "reload during a call";
    /// A configuration was accepted while a question was open.
    ReloadDuringQuestion = "reload between question and answer";
    /// A cached row was evicted.
    Evicted = "row evicted";
    /// A cached row with a registration was evicted.
    EvictedRegistered = "row evicted while registered";
    /// An eviction was refused.
    EvictionRefused = "eviction refused";
    /// A row of the database registered.
    RealtimeRegistered = "row of the database registered";
    /// The database failed a write.
    WriteFailed = "database write failed";
    /// The database failed a question.
    QuestionFailed = "database question failed";
    /// An operator took a contact away.
    Unregistered = "operator unregistered";
    /// A datagram was lost in a partition while a call was up.
    PartitionCutCall = "partition cut a call";
    /// A client went on from another port.
    Rebound = "address rebound";
    /// An opener came from an address that nobody has.
    Spoofed = "opener with a spoofed source";
    /// A damaged datagram was no frame.
    Undecodable = "damaged datagram was no frame";
    /// A mini frame reached another call than it was sent on.
    MiniMisdelivered = "mini frame misdelivered";
    /// Every call number was taken or resting.
    NumbersExhausted = "call numbers ran out";
    /// A process died while calls were up.
    RestartedDuringCall = "restart during a call";
    /// A process began anew with registrations that its database had.
    RestartedRegistered = "restart with registrations";
    /// What was on its way to the database when its process died got there.
    RestartLanded = "write landed as its process died";
    /// The database stored a registration too late, and it was undone.
    LateStoredUndone = "late Stored undone";
    /// The application placed a call.
    Dialled = "call placed";
    /// The directory had to ask the database where to call.
    DialledAsked = "call placed after a question";
    /// There was no such peer, or nowhere to call it.
    DialledNobody = "call to nobody";
    /// A called client wanted a token.
    DialledTokenAsked = "placed call: token asked";
    /// A called client wanted another token.
    DialledTokenAskedAgain = "placed call: another token asked";
    /// A called client got a token back.
    DialledTokenUsed = "placed call: token used";
    /// A called client got the right answer to its challenge.
    DialledChallengeAnswered = "placed call: challenge answered";
    /// A call that was placed was accepted.
    DialledAccepted = "placed call: accepted";
    /// A call that was placed was answered.
    DialledAnswered = "placed call: answered";
    /// A called client heard the application.
    DialledHeard = "placed call: client heard";
    /// The application heard a called client.
    DialledSpoke = "placed call: client spoke";
    /// A call that was placed and answered is over.
    DialledEnded = "placed call: ended after its answer";
    /// A called client refused.
    DialledRejected = "placed call: rejected";
    /// The application could not answer a challenge, or do a format.
    DialledUnusable = "placed call: secret or format lacking";
    /// Nobody answered a call that was placed.
    DialledUnanswered = "placed call: unanswered";
    /// The application hung up before the answer.
    DialledHungUpEarly = "placed call: hung up before its answer";
    /// A client's call was accepted under a key.
    CallEncrypted = "call encrypted";
    /// A call that was placed was accepted under a key.
    DialledEncrypted = "placed call: encrypted";
    /// A client changed its key.
    KeyRotated = "key rotated";
    /// A sealed frame was sent again.
    SealedAgain = "sealed frame sent again";
    /// A client heard audio of a trunk frame.
    TrunkHeard = "trunk frame heard";
    /// A client sent several pieces of audio in one trunk frame.
    TrunkShared = "trunk frame with several entries";
    /// The application bridged two calls.
    Bridged = "calls bridged";
    /// A client heard another client.
    BridgedHeard = "bridged call: other client heard";
    /// A client read what another client typed.
    BridgedRead = "bridged call: other client read";
    /// The application took two bridged calls apart.
    Unbridged = "bridged calls taken apart";
    /// A configuration was accepted while two calls were bridged.
    ReloadDuringBridge = "reload during a bridge";
    /// A configuration was accepted while a call that was placed had no answer yet.
    ReloadDuringDial = "reload while a placed call waits";
    /// The application wanted out of a bridge.
    TransferBegun = "transfer begun";
    /// A call went over to its ends.
    Transferred = "transfer: call gone over";
    /// The audio of a call went over to its ends.
    MediaTransferred = "transfer: audio gone over";
    /// A transfer was refused, or came to nothing.
    TransferFailed = "transfer: failed";
    /// A client heard or read the other end through the server after a transfer that failed.
    TransferFailedGoesOn = "transfer: failed, and heard by way of the server";
    /// A client heard or read the other end of a call that had gone over.
    TransferHeard = "transfer: other client heard without the server";
    /// A client heard the other end of a call whose audio had gone over.
    MediaHeard = "transfer: audio heard without the server";
    /// A client held what the other end sent before it was itself told to go over.
    EarlyHeld = "transfer: early frame held";
    /// A registration of a server stands at the registrar.
    RegistrantRegistered = "registered outward";
    /// The registrar refused a registration of a server.
    RegistrantRefused = "registered outward: refused";
    /// The registrar asked for what a server does not tell.
    RegistrantUnable = "registered outward: cannot answer the challenge";
    /// The registrar did not answer a server.
    RegistrantTimeout = "registered outward: no answer";
    /// A server gave a registration back.
    RegistrantReleased = "registered outward: released";
    /// The registrar went elsewhere.
    RegistrarMoved = "registrar moved";
    /// A client answered a POKE.
    PokeAnswered = "POKE answered";
    /// A client did not answer a POKE.
    PokeIgnored = "POKE not answered";
    /// A peer that is qualified answers.
    PeerReachable = "qualified peer reachable";
    /// A peer that is qualified answers late.
    PeerLagged = "qualified peer answers late";
    /// A peer that is qualified does not answer.
    PeerUnreachable = "qualified peer unreachable";
    /// A peer was not called, for it does not answer POKEs.
    DialledUnreachable = "placed call: peer does not answer its POKE";
    /// A client that knows no tokens registered.
    RegisteredWithoutToken = "registered without a call token";
    /// A call of a client that knows no tokens was accepted.
    CalledWithoutToken = "call accepted without a call token";
    /// What an unproven address would have got beyond its allowance was not sent.
    Withheld = "datagram withheld from an unproven address";
    /// Every dialogue that may do without a token was taken.
    UnvalidatedFull = "no room for dialogues without a token";
    /// A placed call ended because its peer must be called encrypted and was not.
    DialledUnencrypted = "placed call: ended because it was not encrypted";
    /// A called client changed its key.
    DialledKeyRotated = "placed call: key rotated";
    /// What came by one worker's socket was another's.
    HandedOver = "datagram handed to another worker";
    /// What a worker got from another was nothing to it.
    HandedBack = "datagram handed back";
    /// A trunk brought audio of calls of several workers.
    TrunkOfSeveral = "trunk for several workers";
}

/// A set of goals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goals(u128);

impl Goals {
    /// Puts a goal in.
    pub const fn reach(&mut self, goal: Goal) {
        self.0 |= 1 << goal as u32;
    }

    /// Whether it is in.
    pub const fn has(self, goal: Goal) -> bool {
        self.0 & (1 << goal as u32) != 0
    }

    /// Puts all of `other` in.
    pub const fn join(&mut self, other: Goals) {
        self.0 |= other.0;
    }

    /// The goals, in their order.
    pub fn iter(self) -> impl Iterator<Item = Goal> {
        Goal::ALL
            .iter()
            .copied()
            .filter(move |goal| self.has(*goal))
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Sees goals reached in what happens.
#[derive(Clone, Debug, Default)]
pub(crate) struct GoalWatch {
    pub(crate) reached: Goals,
    registered_at: BTreeMap<(u8, String), core::net::SocketAddr>,
    with_token: BTreeSet<(u8, core::net::SocketAddr, CallNumber)>,
}

impl GoalWatch {
    pub(crate) fn observe(&mut self, _now: Instant, fact: &Fact<'_>) {
        match fact {
            Fact::Sent(passage) => self.sent(passage),
            Fact::Arrived(passage) => self.arrived(passage),
            Fact::Told { server, event } => self.told(*server, event),
            Fact::Unregistered { .. } => self.reached.reach(Goal::Unregistered),
            Fact::Evicted { .. } => self.reached.reach(Goal::Evicted),
            Fact::Counted { counts, .. } => self.counted(counts),
            Fact::Unvalidated { count, max, .. } if count == max => {
                self.reached.reach(Goal::UnvalidatedFull);
            }
            _ => {}
        }
    }

    const fn counted(&mut self, counts: &Counts) {
        if counts.numbers_free == 0 {
            self.reached.reach(Goal::NumbersExhausted);
        }
        if counts.dropped.withheld > 0 {
            self.reached.reach(Goal::Withheld);
        }
    }

    const fn reachability(&mut self, reachability: Reachability) {
        self.reached.reach(match reachability {
            Reachability::Reachable(_) => Goal::PeerReachable,
            Reachability::Lagged(_) => Goal::PeerLagged,
            Reachability::Unreachable => Goal::PeerUnreachable,
            Reachability::Unknown => return,
        });
    }

    fn sent(&mut self, passage: &Passage<'_>) {
        if passage.mark == Mark::Spoofed {
            self.reached.reach(Goal::Spoofed);
        }
        let Some(Frame::Full(frame)) = &passage.frame else {
            return;
        };
        if frame.retransmission {
            self.reached.reach(Goal::Retransmission);
        }
        let Body::Iax { command, .. } = frame.body else {
            return;
        };
        if command == IaxCommand::Vnak {
            self.reached.reach(Goal::VnakSent);
        }
        if let Actor::Server(server) = passage.from {
            self.answered(
                (server, passage.destination, frame.destination),
                frame,
                command,
            );
        }
    }

    fn answered(
        &mut self,
        opener: (u8, core::net::SocketAddr, CallNumber),
        frame: &FullFrame<'_>,
        command: IaxCommand,
    ) {
        let is_refusal = matches!(command, IaxCommand::Reject | IaxCommand::RegRej);
        let is_stateless = frame.source == CallNumber::STATELESS;
        if is_stateless && is_refusal && self.with_token.contains(&opener) {
            self.reached.reach(Goal::TokenExpired);
        }
    }

    fn arrived(&mut self, passage: &Passage<'_>) {
        match (&passage.frame, passage.to) {
            (None, _) => self.reached.reach(Goal::Undecodable),
            (Some(Frame::Full(frame)), Some(Actor::Server(server))) => {
                let Body::Iax { command, ies } = frame.body else {
                    return;
                };
                let has_token = ies.call_token().is_some_and(|token| !token.is_empty());
                let is_opener = command.opens_dialogue() && frame.destination == CallNumber::ZERO;
                if is_opener && has_token {
                    let opener = (server, passage.source, frame.source);
                    if !self.with_token.insert(opener) {
                        self.reached.reach(Goal::DuplicateOpener);
                    }
                }
            }
            _ => {}
        }
    }

    const fn registrant(&mut self, state: RegistrantState) {
        self.reached.reach(match state {
            RegistrantState::Registered { .. } => Goal::RegistrantRegistered,
            RegistrantState::Rejected(_) => Goal::RegistrantRefused,
            RegistrantState::NoAuth => Goal::RegistrantUnable,
            RegistrantState::Timeout => Goal::RegistrantTimeout,
            _ => return,
        });
    }

    fn told(&mut self, server: u8, event: &Event) {
        match event {
            Event::Registered { name, address, .. } => {
                let key = (server, name.as_str().to_owned());
                let before = self.registered_at.insert(key, *address);
                if before.is_some_and(|before| before != *address) {
                    self.reached.reach(Goal::RegisteredElsewhere);
                }
            }
            Event::Expired { .. } => self.reached.reach(Goal::Expired),
            Event::RegistrantChanged { state, .. } => self.registrant(*state),
            Event::Reachability { reachability, .. } => self.reachability(*reachability),
            Event::Ended {
                reason: EndReason::Unencrypted,
                ..
            } => self.reached.reach(Goal::DialledUnencrypted),
            Event::Ended {
                reason: EndReason::Transferred,
                ..
            } => self.reached.reach(Goal::Transferred),
            Event::Transferred { .. } => self.reached.reach(Goal::MediaTransferred),
            Event::TransferFailed { .. } => self.reached.reach(Goal::TransferFailed),
            Event::Ended {
                reason: EndReason::Unreachable,
                ..
            } => self.reached.reach(Goal::ServerGaveUp),
            _ => {}
        }
    }
}
