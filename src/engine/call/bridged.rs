//! What a bridged leg says to the other, and does with what it hears.

use super::media::Carriage;
use super::signal::with_nul;
use super::state::{Ending, Event as Happening};
use super::{CallLeg, Cause};
use crate::engine::bridge::{LegMessage, LegWord};
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::error::Error;
use crate::engine::event::{CallId, Event};
use crate::engine::transfer::state::MiddleEvent;
use crate::wire::{Body, Control, Format, Timestamp};

/// The other leg, and how its clock relates to ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bridged {
    other: CallId,
    /// What is added to the time of audio over there: the time here when the first piece came, less its own.
    offset: Option<u32>,
}

impl<D: Directory> CallLeg<D> {
    /// The format in which the leg may be bridged.
    pub(in crate::engine) fn bridgeable(&self) -> Result<Format, Error> {
        match self.format {
            _ if self.bridged.is_some() => Err(Error::Bridged(self.id)),
            Some(format) if self.state.is_started() => Ok(format),
            _ => Err(self.wrong_state("bridge")),
        }
    }

    pub(in crate::engine) fn join(&mut self, other: CallId) {
        self.bridged = Some(Bridged {
            other,
            offset: None,
        });
    }

    pub(in crate::engine) fn part(&mut self) {
        self.bridged = None;
    }

    /// Our clock has started over.
    pub(super) const fn restart_clock(&mut self) {
        if let Some(bridged) = &mut self.bridged {
            bridged.offset = None;
        }
    }

    /// The leg that it is bridged to.
    pub(in crate::engine) fn partner(&self) -> Option<CallId> {
        self.bridged.map(|bridged| bridged.other)
    }

    /// What came on this leg: for the application, for the other leg, or for both.
    pub(super) fn deliver(&self, turn: &mut Turn<'_, D>, event: Event) {
        let Some(other) = self.partner() else {
            turn.context.tell(event);
            return;
        };
        if let Some(word) = word(&event) {
            self.say(turn, other, word);
        }
        if !matches!(event, Event::Voice { .. } | Event::Video { .. }) {
            turn.context.tell(event);
        }
    }

    fn say(&self, turn: &mut Turn<'_, D>, to: CallId, word: LegWord) {
        let from = self.id;
        turn.context.tell_leg(LegMessage { from, to, word });
    }

    /// What a leg that is bridged to this one is hung up with.
    pub(super) fn cause_of(&self, ending: Ending) -> Cause {
        match ending {
            Ending::Remote => self.remote_cause.unwrap_or(Cause::NORMAL_CLEARING),
            Ending::Local => self.hangup_cause,
            Ending::Unreachable => Cause::DESTINATION_OUT_OF_ORDER,
            Ending::Invalidated | Ending::Stale => Cause::NORMAL_UNSPECIFIED,
        }
    }

    /// This leg ends or is hung up: so must the other be. Said once.
    pub(super) fn say_over(&mut self, turn: &mut Turn<'_, D>, cause: Cause) {
        if let Some(bridged) = self.bridged.take() {
            self.say(turn, bridged.other, LegWord::HungUp(cause));
        }
    }

    /// The other leg said something. From any leg but the other it is late and means nothing.
    pub(in crate::engine) fn hear(&mut self, turn: &mut Turn<'_, D>, from: CallId, word: LegWord) {
        if self.partner() != Some(from) {
            return;
        }
        let done = match word {
            LegWord::Voice {
                format,
                timestamp,
                data,
            } => self.pass_voice(turn, format, timestamp, &data),
            // Nobody has agreed on its format, so it goes by full frames, which say it.
            LegWord::Video {
                format,
                marker,
                data,
            } => self.pass(
                turn,
                Body::Video {
                    format,
                    marker,
                    data: &data,
                },
            ),
            LegWord::DtmfBegin(digit) => self.send_dtmf_begin(turn, digit),
            LegWord::Dtmf(digit) => self.send_dtmf(turn, digit),
            LegWord::Text(text) => self.pass(turn, Body::Text(&with_nul(&text))),
            LegWord::Control(control, data) => self.pass(
                turn,
                Body::Control {
                    control,
                    data: &data,
                },
            ),
            LegWord::Answered => {
                self.step_where_possible(turn, Happening::Answer);
                Ok(())
            }
            LegWord::Follow(plan) => return self.follow(turn, plan),
            LegWord::Ready => return self.step_middle(turn, MiddleEvent::OtherReady),
            LegWord::Rejected => return self.step_middle(turn, MiddleEvent::OtherRejected),
            LegWord::LetGo => return self.step_middle(turn, MiddleEvent::LetGo),
            LegWord::HungUp(cause) => {
                self.bridged = None;
                self.hangup(turn, cause)
            }
        };
        turn.context.dropped.leg_messages += u64::from(done.is_err());
    }

    /// ANSWER goes to who called us, and only once; the other side of a call of ours has answered itself.
    fn step_where_possible(&mut self, turn: &mut Turn<'_, D>, happening: Happening) {
        if !self.is_outgoing() {
            self.step(turn, happening);
        }
    }

    fn pass(&self, turn: &mut Turn<'_, D>, body: Body<'_>) -> Result<(), Error> {
        super::command::check_len(body.data())?;
        self.send_content(turn, body, "pass on")
    }

    fn pass_voice(
        &mut self,
        turn: &mut Turn<'_, D>,
        format: Format,
        theirs: Timestamp,
        data: &[u8],
    ) -> Result<(), Error> {
        if self.format != Some(format) {
            return Err(Error::NoFormat);
        }
        let timestamp = self.passed_time(turn, format, theirs);
        self.send_audio(turn, Some(timestamp), data)
    }

    /// The time here of audio that was stamped over there. Steps between the pieces are kept as long as they agree with our
    /// own clock; where they leave it, the clocks are compared anew. Full frames never go back in time (RFC 5456 §7).
    fn passed_time(
        &mut self,
        turn: &mut Turn<'_, D>,
        format: Format,
        theirs: Timestamp,
    ) -> Timestamp {
        let offset = self.bridged.and_then(|bridged| bridged.offset);
        let kept = offset.map(|offset| Timestamp(theirs.0.wrapping_add(offset)));
        let is_trunked = self.is_trunked(turn);
        if let Some(kept) = kept
            && self.media.carriage(format, kept, is_trunked) != Carriage::Full
            && turn.link.reliable.stamp_as(turn.now, kept)
        {
            return kept;
        }
        let ours = turn.link.reliable.stamp(turn.now);
        if let Some(bridged) = &mut self.bridged {
            bridged.offset = Some(ours.0.wrapping_sub(theirs.0));
        }
        ours
    }
}

/// What the other leg is told of an event, if anything.
fn word(event: &Event) -> Option<LegWord> {
    Some(match event {
        Event::Voice {
            format,
            timestamp,
            data,
            ..
        } => LegWord::Voice {
            format: *format,
            timestamp: *timestamp,
            data: data.clone(),
        },
        Event::Video {
            format,
            marker,
            data,
            ..
        } => LegWord::Video {
            format: *format,
            marker: *marker,
            data: data.clone(),
        },
        Event::DtmfBegin { digit, .. } => LegWord::DtmfBegin(*digit),
        Event::Dtmf { digit, .. } => LegWord::Dtmf(*digit),
        Event::Text { text, .. } => LegWord::Text(text.clone()),
        Event::Control { control, data, .. } if passes(*control) => {
            LegWord::Control(*control, data.clone())
        }
        Event::Answered { .. } => LegWord::Answered,
        _ => return None,
    })
}

/// The signals that mean the same on either side of a bridge (RFC 5456 §8.3).
const fn passes(control: Control) -> bool {
    use Control::{
        Busy, Congestion, Flash, Hold, Proceeding, Progress, RadioKey, RadioUnkey, Ringing,
        StopSounds, Unhold, VidUpdate, Wink,
    };
    matches!(
        control,
        Busy | Congestion
            | Flash
            | Hold
            | Proceeding
            | Progress
            | RadioKey
            | RadioUnkey
            | Ringing
            | StopSounds
            | Unhold
            | VidUpdate
            | Wink
    )
}
