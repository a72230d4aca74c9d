//! The commands for signals within a call: CONTROL, digits that begin, silence, audio of another format.

use super::directory::Directory;
use super::{CallId, Endpoint, Error};
use crate::time::Instant;
use crate::wire::{Control, Digit, Format};

impl<D: Directory> Endpoint<D> {
    /// Sends the beginning of a digit; its end is [`Endpoint::send_dtmf`]. A side that knows no beginnings sees one digit.
    ///
    /// # Errors
    ///
    /// As for [`Endpoint::send_voice`].
    pub fn send_dtmf_begin(
        &mut self,
        now: Instant,
        call: CallId,
        digit: Digit,
    ) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.send_dtmf_begin(turn, digit))
    }

    /// Sends a signal (RFC 5456 §8.3). `data` is the music class of HOLD, and mostly empty. RINGING and ANSWER do what
    /// [`Endpoint::ring`] and [`Endpoint::answer`] do; UNHOLD without a HOLD before is not sent.
    ///
    /// # Errors
    ///
    /// [`Error::ControlRefused`] for what may not pass, else as for [`Endpoint::send_voice`].
    pub fn send_control(
        &mut self,
        now: Instant,
        call: CallId,
        control: Control,
        data: &[u8],
    ) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.send_control(turn, control, data))
    }

    /// Asks the other side to send no audio (RFC 5456 §6.4.4). With `music` it may play some to those behind it: of this class,
    /// or any where the class is empty.
    ///
    /// # Errors
    ///
    /// As for [`Endpoint::send_voice`]; also where the class is longer than an information element.
    pub fn quelch(&mut self, now: Instant, call: CallId, music: Option<&str>) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.quelch(turn, music))
    }

    /// Asks it to send audio again (RFC 5456 §6.4.5). Not sent where no QUELCH is to be taken back.
    ///
    /// # Errors
    ///
    /// As for [`Endpoint::send_voice`].
    pub fn unquelch(&mut self, now: Instant, call: CallId) -> Result<(), Error> {
        self.command(now, call, |leg, turn| leg.unquelch(turn))
    }

    /// Sends audio of a format other than the one agreed on: the first piece goes by full frame and says so (RFC 5456 §8.1.2).
    /// Whether the other side can do it is the caller's affair.
    ///
    /// # Errors
    ///
    /// As for [`Endpoint::send_voice`].
    pub fn send_voice_as(
        &mut self,
        now: Instant,
        call: CallId,
        format: Format,
        data: &[u8],
    ) -> Result<(), Error> {
        self.command(now, call, |leg, turn| {
            leg.send_audio_as(turn, format, None, data)
        })
    }
}
