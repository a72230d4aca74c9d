//! What the other side says in a call.

use super::CallLeg;
use super::signal::{may_pass, without_nul};
use super::state::{Event as Happening, State};
use crate::engine::auth::Answer;
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::event::Event;
use crate::engine::timer::TimerKind;
use crate::engine::transfer::is_about_transfer;
use crate::engine::trunk::EntryTime;
use crate::wire::{
    Body, CallNumber, Control, FullFrame, IaxCommand, InformationElements, MiniVideoFrame,
};

impl<D: Directory> CallLeg<D> {
    /// A frame of the dialogue.
    pub(in crate::engine) fn receive(&mut self, turn: &mut Turn<'_, D>, frame: &FullFrame<'_>) {
        if self.state == State::Unproven && proves(frame, turn.link.reliable.local()) {
            self.step(turn, Happening::Proven);
        }
        if self.is_outgoing() {
            turn.cancel(TimerKind::AnswerWait);
        }
        self.note_time(frame);
        match frame.body {
            Body::Iax { command, ies } => self.receive_iax(turn, command, ies),
            _ if self.state.is_started() => self.receive_content(turn, frame),
            _ => {}
        }
    }

    fn receive_iax(
        &mut self,
        turn: &mut Turn<'_, D>,
        command: IaxCommand,
        ies: InformationElements<'_>,
    ) {
        match command {
            IaxCommand::AuthRep => {
                self.result = Answer::of(ies);
                self.step(turn, Happening::AuthRep);
            }
            IaxCommand::AuthReq => self.challenged(turn, ies),
            IaxCommand::Accept => self.accepted(turn, ies),
            IaxCommand::Hangup | IaxCommand::Reject => {
                self.remote_cause = ies.cause_code();
                self.step(turn, Happening::RemoteHangup);
            }
            IaxCommand::Unsupport => self.is_told_unsupported(turn, ies),
            IaxCommand::DpReq => self.asked_for_digits(turn, ies),
            IaxCommand::Dial => self.dialled(turn, ies),
            _ if is_about_transfer(command) => self.receive_transfer(turn, command, ies),
            IaxCommand::Quelch | IaxCommand::Unquelch if self.state.is_started() => {
                self.quelched(turn, command == IaxCommand::Quelch, ies);
            }
            _ => {}
        }
    }

    /// Audio, video, digits and text of a call that is started. The rest is acknowledged and dropped (X-FRM-5, X-FRM-6).
    fn receive_content(&mut self, turn: &mut Turn<'_, D>, frame: &FullFrame<'_>) {
        let call = self.id;
        match frame.body {
            Body::Voice { format, data } if format.name().is_some() => {
                self.media.note_format(turn.now, format, frame.timestamp);
                self.note_heard(turn);
                let event = Event::Voice {
                    call,
                    format,
                    timestamp: frame.timestamp,
                    data: data.to_vec(),
                };
                self.deliver(turn, event);
            }
            Body::Control { control, data } => self.receive_control(turn, control, data),
            Body::Video {
                format,
                marker,
                data,
            } if format.name().is_some() => {
                self.media.note_video(format);
                let event = Event::Video {
                    call,
                    format,
                    marker,
                    timestamp: frame.timestamp,
                    data: data.to_vec(),
                };
                self.deliver(turn, event);
            }
            Body::DtmfBegin(digit) => self.deliver(turn, Event::DtmfBegin { call, digit }),
            Body::DtmfEnd(digit) => self.deliver(turn, Event::Dtmf { call, digit }),
            Body::Text(text) => self.deliver(
                turn,
                Event::Text {
                    call,
                    text: without_nul(text).to_vec(),
                },
            ),
            _ => {}
        }
    }

    /// A signal of the other side. ANSWER counts from whom we call.
    fn receive_control(&mut self, turn: &mut Turn<'_, D>, control: Control, data: &[u8]) {
        if control == Control::Answer {
            if self.is_outgoing() {
                self.step(turn, Happening::RemoteAnswer);
            }
            return;
        }
        if !may_pass(control) {
            return;
        }
        self.deliver(
            turn,
            Event::Control {
                call: self.id,
                control,
                data: data.to_vec(),
            },
        );
    }

    /// ACK, PONG and LAGRP carry a time of ours; INVAL and VNAK say nothing of time.
    fn note_time(&mut self, frame: &FullFrame<'_>) {
        use IaxCommand::{Ack, Inval, LagRp, Pong, Vnak};
        let is_echo = matches!(
            frame.body,
            Body::Iax {
                command: Ack | Inval | LagRp | Pong | Vnak,
                ..
            }
        );
        if !is_echo {
            self.media.note_time(frame.timestamp);
        }
    }

    /// A mini frame: audio of a started call; before its format is known, the full frame is asked for (X-SEQ-7). Whether
    /// it was of use.
    pub(in crate::engine) fn receive_mini(
        &mut self,
        turn: &mut Turn<'_, D>,
        low: u16,
        data: &[u8],
    ) -> bool {
        self.receive_audio(turn, EntryTime::Low(low), data)
    }

    /// Its audio in a trunk frame, which counts as a mini frame does; never in a call that is encrypted, for trunk frames
    /// are not (X-ENC-5).
    pub(in crate::engine) fn receive_trunk(
        &mut self,
        turn: &mut Turn<'_, D>,
        time: EntryTime,
        data: &[u8],
    ) -> bool {
        !turn.link.is_encrypted() && self.receive_audio(turn, time, data)
    }

    fn receive_audio(&mut self, turn: &mut Turn<'_, D>, time: EntryTime, data: &[u8]) -> bool {
        if !self.state.is_started() {
            return false;
        }
        let Some((format, timestamp)) = self.media.expand(time) else {
            turn.link.reliable.ask(turn.now);
            return false;
        };
        self.note_heard(turn);
        self.deliver(
            turn,
            Event::Voice {
                call: self.id,
                format,
                timestamp,
                data: data.to_vec(),
            },
        );
        true
    }

    fn note_heard(&mut self, turn: &mut Turn<'_, D>) {
        if let Some(gap) = self.media.note_heard(turn.now) {
            turn.context.gaps.note(gap);
        }
    }

    /// A mini video frame, likewise (X-FRM-3); chan_iax2 does not encrypt it.
    pub(in crate::engine) fn receive_mini_video(
        &mut self,
        turn: &mut Turn<'_, D>,
        frame: &MiniVideoFrame<'_>,
    ) -> bool {
        if !self.state.is_started() || turn.link.is_encrypted() {
            return false;
        }
        let Some((format, timestamp)) = self.media.expand_video(frame.timestamp()) else {
            turn.link.reliable.ask(turn.now);
            return false;
        };
        self.deliver(
            turn,
            Event::Video {
                call: self.id,
                format,
                marker: frame.marker(),
                timestamp,
                data: frame.data().to_vec(),
            },
        );
        true
    }
}

/// Whether a frame shows that its sender receives at its address: it names our call number, and is media or IAX.
fn proves(frame: &FullFrame<'_>, local: CallNumber) -> bool {
    frame.destination == local
        && matches!(
            frame.body,
            Body::Voice { .. } | Body::Video { .. } | Body::Iax { .. }
        )
}
