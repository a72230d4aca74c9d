//! no-foreign-memory: a signal whose data are a structure of its sender's memory is neither taken in nor sent on. In Asterisk's CONTROL frames
//! such data held pointers, which one machine put on the wire and the next one followed (AST-2011-010).

use core::net::SocketAddr;
use std::collections::BTreeSet;

use iaxproof::engine::event::Event;
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Control, Frame};

use super::Checker;
use crate::fact::{Fact, Passage};
use crate::plan::Actor;

/// Looks at every signal that an application is told of, and at every one that a server sends.
#[derive(Clone, Debug, Default)]
pub struct NoForeignMemory {
    /// Dialogues in which a server has sealed. What nobody can open any more reads as anything.
    sealed: BTreeSet<(u8, SocketAddr, CallNumber)>,
}

/// Whether the data of a signal are a structure that means something to its sender alone.
const fn is_memory(control: Control) -> bool {
    use Control::{
        CallCompletion, ConnectedLine, Option, PrivateCauseCode, ReadAction, Redirecting,
        UpdateRtpPeer,
    };
    matches!(
        control,
        CallCompletion
            | ConnectedLine
            | Option
            | PrivateCauseCode
            | ReadAction
            | Redirecting
            | UpdateRtpPeer
    )
}

impl NoForeignMemory {
    /// The signal that a server sends, if it is one and can be read.
    fn signal(&mut self, server: u8, passage: &Passage<'_>) -> Option<Control> {
        let Some(Frame::Full(frame)) = &passage.frame else {
            return None;
        };
        let dialogue = (server, passage.destination, frame.source);
        // A server says nothing that has no meaning: it is sealed, and no client of the world has the key.
        if passage.is_sealed || matches!(frame.body, Body::Unknown(_)) {
            self.sealed.insert(dialogue);
        }
        match frame.body {
            Body::Control { control, .. } => {
                let is_readable = passage.is_sealed || !self.sealed.contains(&dialogue);
                is_readable.then_some(control)
            }
            _ => None,
        }
    }

    fn sent(&mut self, passage: &Passage<'_>) -> Result<(), String> {
        let Actor::Server(server) = passage.from else {
            return Ok(());
        };
        match self.signal(server, passage) {
            Some(control) if is_memory(control) => Err(format!(
                "server {server}: {control} goes to {}, and its data are somebody's memory",
                passage.destination
            )),
            _ => Ok(()),
        }
    }
}

impl Checker for NoForeignMemory {
    const PROPERTY: &'static str = "no-foreign-memory";

    fn observe(&mut self, _now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Told {
                server,
                event: Event::Control { call, control, .. },
            } if is_memory(*control) => Err(format!(
                "server {server}: {control} in call {call} is taken in, and its data are somebody's memory"
            )),
            Fact::Sent(passage) => self.sent(passage),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_memory_and_what_a_phone_says_is_not() {
        let is = [Control::Option, Control::Redirecting].map(is_memory);
        let is_not = [Control::Hold, Control::Answer, Control::T38Parameters].map(is_memory);
        assert_eq!((is, is_not), ([true; 2], [false; 3]));
    }
}
