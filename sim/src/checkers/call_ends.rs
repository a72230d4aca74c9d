//! call-ends: after faults heal, every call is up or gone by a stated time, and every retransmission queue is empty at the end. A call
//! that the application knows, because it was offered or because it placed it, ends once and is silent afterwards. Of two calls that are
//! bridged neither outlives the other for long. A call that a server let go by TXREL it lets go: it begins nothing more in it.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::engine::Calling;
use iaxproof::engine::directory::QueryId;
use iaxproof::engine::event::{CallId, EndReason, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand};

use super::Checker;
use crate::fact::{Fact, Passage};
use crate::plan::Actor;

/// Looks at the settlement and at rest, and follows every call that an application knows.
#[derive(Clone, Debug, Default)]
pub struct CallEnds {
    calls: BTreeMap<(u8, CallId), Stage>,
    /// Questions that stand for calls to come, and for how many.
    asked: BTreeMap<(u8, QueryId), usize>,
    /// Each bridged call and the other.
    bridged: BTreeMap<(u8, CallId), CallId>,
    /// Calls whose other is over, and until when they may live.
    alone: BTreeMap<(u8, CallId), Instant>,
    /// When each server last stood still while time passed. Of what fell due until then it has not heard before the next time.
    late: BTreeMap<u8, Instant>,
    /// Where TXREL went, by the server, the address and both numbers: its sequence number.
    let_go: BTreeMap<(u8, SocketAddr, CallNumber, CallNumber), u8>,
}

/// How long a call may outlive the one that it was bridged to: its HANGUP goes out at once and lingers ten seconds.
pub const ALONE: Duration = Duration::from_secs(12);

/// How long where the two went over to their ends: each TXREL is sent again for half a minute.
pub const ALONE_RELEASED: Duration = Duration::from_secs(45);

/// How far a call is, as its application was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The application was asked whether it takes it.
    Requested,
    Placed,
    Accepted,
    Answered,
    /// It was offered: the stages are the application's own.
    Offered,
}

impl CallEnds {
    fn dialled(&mut self, server: u8, calling: Calling) {
        match calling {
            Calling::Call(call) => drop(self.calls.insert((server, call), Stage::Placed)),
            Calling::Asked(query) => *self.asked.entry((server, query)).or_default() += 1,
        }
    }

    fn parted(&mut self, server: u8, call: CallId) -> Option<CallId> {
        let other = self.bridged.remove(&(server, call))?;
        self.bridged.remove(&(server, other));
        Some(other)
    }

    /// A call is over, and with it the one that it was bridged to.
    fn ended(
        &mut self,
        now: Instant,
        server: u8,
        call: CallId,
        reason: EndReason,
    ) -> Result<(), String> {
        self.alone.remove(&(server, call));
        if let Some(other) = self.parted(server, call) {
            let alone = match reason {
                EndReason::Transferred => ALONE_RELEASED,
                _ => ALONE,
            };
            self.alone.insert((server, other), now + alone);
        }
        match self.calls.remove(&(server, call)) {
            Some(_) => Ok(()),
            None => Err(format!(
                "server {server}: call {call} ends, which the application does not know any more"
            )),
        }
    }

    /// Whether a call is left alone for too long. What fell due while its server stood still waits for the worker, behind what came
    /// before it, and is dealt with at the time at which the worker goes on: only later is it too late.
    fn outlived(&self, now: Instant, server: u8) -> Result<(), String> {
        if self.late.get(&server).is_some_and(|late| now <= *late) {
            return Ok(());
        }
        let mut alone = self.alone.iter();
        match alone.find(|((at, _), until)| *at == server && **until < now) {
            None => Ok(()),
            Some(((_, call), until)) => Err(format!(
                "server {server}: call {call} lives on, though the call that it was bridged to was over by {until}"
            )),
        }
    }

    /// A frame of a server: after TXREL it answers, and repeats what it said before.
    fn sent(&mut self, server: u8, to: SocketAddr, frame: &FullFrame<'_>) -> Result<(), String> {
        use IaxCommand::{Ack, Inval, LagRp, Pong, TxRel, Unsupport, Vnak};
        let call = (server, to, frame.source, frame.destination);
        let command = match frame.body {
            Body::Iax { command, .. } => Some(command),
            _ => None,
        };
        if command == Some(TxRel) {
            self.let_go.insert(call, frame.oseqno.0);
        }
        let is_answer = matches!(
            command,
            Some(Ack | Inval | LagRp | Pong | TxRel | Unsupport | Vnak)
        );
        // What a VNAK asks for comes again without a mark: its number says that it is older.
        let is_later = |let_go: &u8| (1..0x80).contains(&frame.oseqno.0.wrapping_sub(*let_go));
        if is_answer || !self.let_go.get(&call).is_some_and(is_later) {
            return Ok(());
        }
        Err(format!(
            "server {server}: call {} is let go by TXREL, and goes on with {frame}",
            frame.source
        ))
    }

    fn told(&mut self, now: Instant, server: u8, event: &Event) -> Result<(), String> {
        match event {
            Event::Requested { call, .. } => {
                self.calls.insert((server, *call), Stage::Requested);
                Ok(())
            }
            Event::Incoming { call, .. } => self.offered(server, *call),
            Event::Called { query, call } => self.called(server, *query, call.ok()),
            Event::Accepted { call, .. } => self.advance(server, *call, Stage::Accepted),
            Event::Answered { call } => self.advance(server, *call, Stage::Answered),
            Event::Control { call, .. }
            | Event::Voice { call, .. }
            | Event::Dtmf { call, .. }
            | Event::Text { call, .. } => self.speaks(server, *call),
            Event::Ended { call, reason } => self.ended(now, server, *call, *reason),
            _ => Ok(()),
        }
    }

    /// A call is offered once, and after it was requested where the application is asked.
    fn offered(&mut self, server: u8, call: CallId) -> Result<(), String> {
        match self.calls.insert((server, call), Stage::Offered) {
            None | Some(Stage::Requested) => Ok(()),
            stage => Err(format!(
                "server {server}: call {call} is offered while it is {stage:?}"
            )),
        }
    }

    fn called(&mut self, server: u8, query: QueryId, call: Option<CallId>) -> Result<(), String> {
        let key = (server, query);
        let Some(waiting) = self.asked.get_mut(&key) else {
            return Err(format!(
                "server {server}: a question was answered for a call that nobody asked for"
            ));
        };
        *waiting -= 1;
        if *waiting == 0 {
            self.asked.remove(&key);
        }
        if let Some(call) = call {
            self.calls.insert((server, call), Stage::Placed);
        }
        Ok(())
    }

    /// ACCEPT comes before ANSWER, each once, in a call that lives.
    fn advance(&mut self, server: u8, call: CallId, stage: Stage) -> Result<(), String> {
        let now = self.calls.get_mut(&(server, call));
        let before = match stage {
            Stage::Accepted => Stage::Placed,
            _ => Stage::Accepted,
        };
        match now {
            Some(now) if *now == before => {
                *now = stage;
                Ok(())
            }
            now => Err(format!(
                "server {server}: call {call} is told to be {stage:?} while it is {now:?}"
            )),
        }
    }

    fn speaks(&self, server: u8, call: CallId) -> Result<(), String> {
        match self.calls.get(&(server, call)) {
            Some(stage) if *stage > Stage::Placed => Ok(()),
            stage => Err(format!(
                "server {server}: something is heard in call {call}, which is {stage:?}"
            )),
        }
    }

    /// Whether the application still waits for something of this server.
    fn left(&self, server: u8) -> Option<String> {
        let mut calls = self.calls.keys().filter(|(at, _)| *at == server);
        let mut asked = self.asked.keys().filter(|(at, _)| *at == server);
        let call = calls
            .next()
            .map(|(_, call)| format!("the end of call {call}"));
        call.or_else(|| asked.next().map(|_| "the answer to a question".into()))
    }
}

impl Checker for CallEnds {
    const PROPERTY: &'static str = "call-ends";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Restarted { server, .. } => {
                // Its calls are gone without a word; their other ends find out.
                self.calls.retain(|(of, _), _| of != server);
                self.asked.retain(|(of, _), _| of != server);
                self.bridged.retain(|(of, _), _| of != server);
                self.alone.retain(|(of, _), _| of != server);
                self.late.remove(server);
                self.let_go.retain(|(of, ..), _| of != server);
                Ok(())
            }
            Fact::Dialled {
                server,
                outcome: Ok(calling),
                ..
            } => {
                self.dialled(*server, *calling);
                Ok(())
            }
            Fact::Told { server, event } => self.told(now, *server, event),
            Fact::Bridged {
                server,
                calls: [a, b],
            } => {
                self.bridged.insert((*server, *a), *b);
                self.bridged.insert((*server, *b), *a);
                Ok(())
            }
            Fact::Unbridged { server, call } => {
                self.parted(*server, *call);
                Ok(())
            }
            Fact::Late { server } => {
                self.late.insert(*server, now);
                Ok(())
            }
            Fact::Counted { server, .. } => self.outlived(now, *server),
            Fact::Sent(Passage {
                from: Actor::Server(server),
                frame: Some(Frame::Full(frame)),
                destination,
                ..
            }) => self.sent(*server, *destination, frame),
            Fact::Settled(settlement) if !settlement.unsettled.is_empty() => {
                let after = now.saturating_since(settlement.healed_at).as_secs();
                Err(format!(
                    "{after} s after everything healed: {}",
                    settlement.unsettled.join("; ")
                ))
            }
            Fact::AtRest { server, counts, .. } => {
                // A peer whose registration stands is still asked whether it is there: one frame each.
                let frames = counts.frames_outstanding + counts.frames_queued;
                let dialogues = counts.dialogues() - counts.pokes;
                if dialogues > 0 || frames > counts.pokes {
                    return Err(format!(
                        "server {server}: {dialogues} dialogues and {frames} reliable frames are left at rest, with {} POKEs",
                        counts.pokes
                    ));
                }
                if counts.trunks > 0 {
                    return Err(format!(
                        "server {server}: {} trunks are left at rest",
                        counts.trunks
                    ));
                }
                match self.left(*server) {
                    None => Ok(()),
                    Some(what) => Err(format!(
                        "server {server}: the application waits for {what} at rest"
                    )),
                }
            }
            _ => Ok(()),
        }
    }
}
