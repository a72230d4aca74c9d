//! What the application may do with a call.

use super::media::Carriage;
use super::signal::with_nul;
use super::{CallLeg, Happening};
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::error::Error;
use crate::engine::options::MEDIA_OCTETS_MAX;
use crate::engine::trunk::Queued;
use crate::wire::{Body, Cause, Digit, Format, MiniFrame, Timestamp, TrunkEntry};

impl<D: Directory> CallLeg<D> {
    /// Sends RINGING.
    pub(in crate::engine) fn ring(&mut self, turn: &mut Turn<'_, D>) -> Result<(), Error> {
        self.command(turn, Happening::Ring, "ring")
    }

    /// Sends ANSWER.
    pub(in crate::engine) fn answer(&mut self, turn: &mut Turn<'_, D>) -> Result<(), Error> {
        self.command(turn, Happening::Answer, "answer")
    }

    /// Sends HANGUP.
    pub(in crate::engine) fn hangup(
        &mut self,
        turn: &mut Turn<'_, D>,
        cause: Cause,
    ) -> Result<(), Error> {
        self.hangup_cause = cause;
        self.command(turn, Happening::LocalHangup, "hangup")
    }

    pub(super) fn command(
        &mut self,
        turn: &mut Turn<'_, D>,
        happening: Happening,
        command: &'static str,
    ) -> Result<(), Error> {
        let is_answerers = matches!(happening, Happening::Ring | Happening::Answer);
        if self.state.next(happening).is_none() || (is_answerers && self.is_outgoing()) {
            return Err(self.wrong_state(command));
        }
        self.step(turn, happening);
        Ok(())
    }

    /// Sends audio in the agreed format. While the other side wants none (QUELCH) it is dropped.
    pub(in crate::engine) fn send_voice(
        &mut self,
        turn: &mut Turn<'_, D>,
        data: &[u8],
    ) -> Result<(), Error> {
        self.send_audio(turn, None, data)
    }

    /// Sends audio of this time of ours, or of now.
    pub(super) fn send_audio(
        &mut self,
        turn: &mut Turn<'_, D>,
        timestamp: Option<Timestamp>,
        data: &[u8],
    ) -> Result<(), Error> {
        match self.format {
            Some(format) => self.send_audio_as(turn, format, timestamp, data),
            None => Err(self.wrong_state("send_voice")),
        }
    }

    /// Sends audio of this format.
    pub(in crate::engine) fn send_audio_as(
        &mut self,
        turn: &mut Turn<'_, D>,
        format: Format,
        timestamp: Option<Timestamp>,
        data: &[u8],
    ) -> Result<(), Error> {
        if !self.state.is_started() {
            return Err(self.wrong_state("send_voice"));
        }
        check_len(data)?;
        if self.media.is_quelched() {
            return Ok(());
        }
        let timestamp = timestamp.unwrap_or_else(|| turn.link.reliable.stamp(turn.now));
        let is_trunked = self.is_trunked(turn);
        match self.media.carriage(format, timestamp, is_trunked) {
            Carriage::Trunk if self.trunk(turn, timestamp, data) => {}
            Carriage::Full => {
                let body = Body::Voice { format, data };
                let sent = turn.link.reliable.send_stamped(turn.now, timestamp, body);
                sent.map_err(|_| Error::QueueFull(self.id))?;
            }
            Carriage::Mini | Carriage::Trunk => {
                let local = turn.link.reliable.local();
                let mini = MiniFrame::new(local, timestamp.low16(), data);
                let mini = mini.expect("call numbers are not 0");
                match self.media_address() {
                    Some(address) => turn.send_mini_to(address, mini),
                    None => turn.send_mini(mini),
                }
            }
        }
        self.media.note_sent(format, timestamp);
        Ok(())
    }

    /// Whether the call's audio goes by trunk: never in a call that is encrypted, for trunk frames are not (X-ENC-5), and never
    /// where another worker may have a trunk to the same address.
    pub(super) const fn is_trunked(&self, turn: &Turn<'_, D>) -> bool {
        let is_alone = turn.context.options.workers.is_alone();
        let has_trunk = self.trunking.is_some() && (is_alone || turn.link.arrives_here);
        has_trunk && !turn.link.is_encrypted() && self.media_address().is_none()
    }

    /// Queues audio for the trunk; `false` where it has to go by itself.
    fn trunk(&self, turn: &mut Turn<'_, D>, timestamp: Timestamp, data: &[u8]) -> bool {
        let local = turn.link.reliable.local();
        let entry = TrunkEntry::new(local, Some(timestamp.low16()), data);
        let Some((trunking, entry)) = self.trunking.as_ref().zip(entry) else {
            return false;
        };
        let remote = turn.link.remote;
        match turn.context.trunk(turn.now, remote, trunking, entry) {
            Queued::Taken => true,
            Queued::Full => {
                turn.context.dropped.trunk_queue += 1;
                true
            }
            Queued::NoTrunk => false,
        }
    }

    /// Sends a digit.
    pub(in crate::engine) fn send_dtmf(
        &mut self,
        turn: &mut Turn<'_, D>,
        digit: Digit,
    ) -> Result<(), Error> {
        self.send_content(turn, Body::DtmfEnd(digit), "send_dtmf")
    }

    /// Sends text.
    pub(in crate::engine) fn send_text(
        &mut self,
        turn: &mut Turn<'_, D>,
        text: &str,
    ) -> Result<(), Error> {
        check_len(text.as_bytes())?;
        let text = with_nul(text.as_bytes());
        self.send_content(turn, Body::Text(&text), "send_text")
    }

    pub(super) fn send_content(
        &self,
        turn: &mut Turn<'_, D>,
        body: Body<'_>,
        command: &'static str,
    ) -> Result<(), Error> {
        if !self.state.is_started() {
            return Err(self.wrong_state(command));
        }
        let sent = turn.link.reliable.send(turn.now, body);
        sent.map_err(|_| Error::QueueFull(self.id))?;
        Ok(())
    }

    pub(super) const fn wrong_state(&self, command: &'static str) -> Error {
        Error::WrongState {
            call: self.id,
            state: self.state.name(),
            command,
        }
    }
}

pub(super) const fn check_len(data: &[u8]) -> Result<(), Error> {
    if data.len() > MEDIA_OCTETS_MAX {
        return Err(Error::TooLong {
            len: data.len(),
            max: MEDIA_OCTETS_MAX,
        });
    }
    Ok(())
}
