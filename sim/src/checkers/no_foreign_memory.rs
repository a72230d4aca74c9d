//! no-foreign-memory: a signal whose data are a structure of its sender's memory is neither taken in nor sent on. In Asterisk's CONTROL frames
//! such data held pointers, which one machine put on the wire and the next one followed (AST-2011-010).

use iaxproof::engine::event::Event;
use iaxproof::time::Instant;
use iaxproof::wire::{Body, Control, Frame};

use super::Checker;
use crate::fact::{Fact, Passage};
use crate::plan::Actor;

/// Looks at every signal that an application is told of, and at every one that a server sends.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoForeignMemory;

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

fn signal(passage: &Passage<'_>) -> Option<Control> {
    match passage.frame {
        Some(Frame::Full(frame)) => match frame.body {
            Body::Control { control, .. } => Some(control),
            _ => None,
        },
        _ => None,
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
            Fact::Sent(passage) => match (passage.from, signal(passage)) {
                (Actor::Server(server), Some(control)) if is_memory(control) => Err(format!(
                    "server {server}: {control} goes to {}, and its data are somebody's memory",
                    passage.destination
                )),
                _ => Ok(()),
            },
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
