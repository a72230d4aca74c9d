//! Signals within a call: CONTROL, the beginning of a digit, silence that is asked for (RFC 5456 §6.4, §8.2.4; chan_iax2).
//!
//! # Deviations
//!
//! - RFC 5456 §6.3.1 answers an unknown CONTROL with UNSUPPORT; as in chan_iax2 it is acknowledged and dropped, for IAX UNKNOWN
//!   cannot name it (X-FRM-6).
//! - RFC 5456 §6.10.6 answers HTML that nobody can show with HTML of subclass 0x11; as in chan_iax2 it is acknowledged and dropped.
//! - chan_iax2 lets CONNECTED LINE and REDIRECTING pass where `connectedline` says so, and OPTION always; here none of them:
//!   their data were local structures of a machine (CVE-2011-2535), and nothing reads them.
//! - RFC 5456 §6.4.2 keeps HOLD to calls that DIAL started; as in chan_iax2 it may be sent on any.
//! - chan_iax2 never sends QUELCH.

use super::CallLeg;
use super::command::check_len;
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::error::Error;
use crate::engine::event::Event;
use crate::wire::ie::ELEMENT_MAX;
use crate::wire::{
    Body, Control, Digit, IaxCommand, IeBuffer, InformationElement, InformationElements,
};

/// What we asked of the other side and may take back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    silence: bool,
    hold: bool,
}

impl<D: Directory> CallLeg<D> {
    /// Sends the beginning of a digit; its end is [`send_dtmf`](CallLeg::send_dtmf).
    pub(in crate::engine) fn send_dtmf_begin(
        &mut self,
        turn: &mut Turn<'_, D>,
        digit: Digit,
    ) -> Result<(), Error> {
        self.send_content(turn, Body::DtmfBegin(digit), "send_dtmf_begin")
    }

    /// Sends a signal that may pass. RINGING and ANSWER are what `ring` and `answer` send.
    pub(in crate::engine) fn send_control(
        &mut self,
        turn: &mut Turn<'_, D>,
        control: Control,
        data: &[u8],
    ) -> Result<(), Error> {
        check_len(data)?;
        match control {
            Control::Ringing => return self.ring(turn),
            Control::Answer => return self.answer(turn),
            // There is nothing to take back (RFC 5456 §6.4.3).
            Control::Unhold if self.state.is_started() && !self.asked.hold => return Ok(()),
            _ if !may_pass(control) => return Err(Error::ControlRefused { control }),
            _ => {}
        }
        self.send_content(turn, Body::Control { control, data }, "send_control")?;
        match control {
            Control::Hold => self.asked.hold = true,
            Control::Unhold => self.asked.hold = false,
            _ => {}
        }
        Ok(())
    }

    /// Asks for silence (RFC 5456 §6.4.4).
    pub(in crate::engine) fn quelch(
        &mut self,
        turn: &mut Turn<'_, D>,
        music: Option<&str>,
    ) -> Result<(), Error> {
        self.ask(turn, IaxCommand::Quelch, music.map(str::as_bytes))
    }

    /// Takes that back (RFC 5456 §6.4.5). Without a QUELCH before there is nothing to take back.
    pub(in crate::engine) fn unquelch(&mut self, turn: &mut Turn<'_, D>) -> Result<(), Error> {
        if self.state.is_started() && !self.asked.silence {
            return Ok(());
        }
        self.ask(turn, IaxCommand::Unquelch, None)
    }

    fn ask(
        &mut self,
        turn: &mut Turn<'_, D>,
        command: IaxCommand,
        music: Option<&[u8]>,
    ) -> Result<(), Error> {
        let mut ies = IeBuffer::new();
        if let Some(class) = music {
            let (len, max) = (class.len(), ELEMENT_MAX);
            if len > max {
                return Err(Error::TooLong { len, max });
            }
            ies.push(InformationElement::MusicOnHold(class));
        }
        let ies = ies.view();
        let name = match command {
            IaxCommand::Quelch => "quelch",
            _ => "unquelch",
        };
        self.send_content(turn, Body::Iax { command, ies }, name)?;
        self.asked.silence = command == IaxCommand::Quelch;
        Ok(())
    }

    /// QUELCH and UNQUELCH of a started call.
    pub(super) fn quelched(
        &mut self,
        turn: &mut Turn<'_, D>,
        is_quelched: bool,
        ies: InformationElements<'_>,
    ) {
        self.media.quelch(is_quelched);
        let call = self.id;
        turn.context.tell(match is_quelched {
            true => Event::Quelched {
                call,
                music: ies.music_on_hold().map(<[u8]>::to_vec),
            },
            false => Event::Unquelched { call },
        });
    }
}

/// Whether a signal may come from the wire or go to it (X-FRM-6; chan_iax2's list, without what holds structures of the
/// sender's memory).
pub(super) const fn may_pass(control: Control) -> bool {
    use Control::{
        AdviceOfCharge, Answer, Busy, Congestion, Flash, Hangup, Hold, Incomplete, MaliciousCallId,
        OffHook, Proceeding, Progress, RadioKey, RadioUnkey, Ring, Ringing, StopSounds,
        T38Parameters, TakeOffHook, Unhold, VidUpdate, Wink,
    };
    matches!(
        control,
        AdviceOfCharge
            | Answer
            | Busy
            | Congestion
            | Flash
            | Hangup
            | Hold
            | Incomplete
            | MaliciousCallId
            | OffHook
            | Proceeding
            | Progress
            | RadioKey
            | RadioUnkey
            | Ring
            | Ringing
            // Asterisk sends it right after its ANSWER (X-FRM-1).
            | StopSounds
            | T38Parameters
            | TakeOffHook
            | Unhold
            | VidUpdate
            | Wink
    )
}

/// A text as it is sent: chan_iax2 loses the end of one that has no NUL.
pub(super) fn with_nul(text: &[u8]) -> Vec<u8> {
    [text, b"\0"].concat()
}

/// The text of a TEXT frame: senders add a NUL or do not (chan_iax2).
pub(super) fn without_nul(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\0").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_list() {
        let mut list = String::new();
        for octet in 0..=255 {
            let control = Control::from_octet(octet);
            if control.octet() == octet && may_pass(control) {
                list += &format!("{octet} {control}\n");
            }
        }
        insta::assert_snapshot!(list);
    }

    #[test]
    fn one_nul_is_taken_from_the_end() {
        assert_eq!(without_nul(b"hello\0"), b"hello");
        assert_eq!(without_nul(b"hello"), b"hello");
        assert_eq!(without_nul(b"hello\0\0"), b"hello\0");
        assert_eq!(without_nul(b"\0"), b"");
        assert_eq!(without_nul(b""), b"");
    }
}
