//! Dialling inside a call (RFC 5456 §6.8; chan_iax2), the server's side: a NEW whose CALLED NUMBER is exactly `TBD` is accepted
//! without a number, DPREQ asks about digits, and DIAL says the number (X-CALL-5).
//!
//! # Deviations
//!
//! - Where the application is asked about extensions, DPREP says of any that the user may dial that it can exist: only DIAL asks.
//! - CALLED CONTEXT of DIAL is not looked at (chan_iax2 likewise), and REFRESH of DPREP is in seconds (§8.6.18; chan_iax2), not in
//!   minutes (§6.8.2).
//! - The client's side is not built (6-4, 6.8-1): DPREP is acknowledged and ignored.

use super::admit::is_known;
use super::state::State;
use super::{CallLeg, Happening, control};
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::options::ADMISSION_WAIT;
use crate::engine::settings::Settings;
use crate::engine::timer::TimerKind;
use crate::wire::{
    Control, DpStatus, IaxCommand, IeBuffer, InformationElement, InformationElements,
};

/// The number that is to be dialled later.
const TBD: &str = "TBD";
/// For how long a DPREP holds, in seconds (chan_iax2).
const DPREP_REFRESH: u16 = 600;

/// Whether a number is `TBD` in some spelling: no extension is (chan_iax2).
pub(super) fn is_tbd(number: &str) -> bool {
    number.eq_ignore_ascii_case(TBD)
}

impl<D: Directory> CallLeg<D> {
    /// Whether the number of the NEW is to come by DIAL.
    pub(super) fn is_to_be_dialled(&self) -> bool {
        self.number == TBD && self.state != State::Dialling
    }

    /// DPREQ. It is answered before DIAL alone; afterwards it is acknowledged (chan_iax2).
    pub(super) fn asked_for_digits(
        &mut self,
        turn: &mut Turn<'_, D>,
        ies: InformationElements<'_>,
    ) {
        let (State::Tbd, Some(digits)) = (self.state, ies.called_number()) else {
            return;
        };
        let text = String::from_utf8_lossy(digits);
        let is_asked = turn.context.options.asks_application;
        let status = self.read(turn, |settings| status(settings, &text, is_asked));
        let mut reply = IeBuffer::new();
        reply
            .push(InformationElement::CalledNumber(digits))
            .push(InformationElement::DpStatus(
                status.unwrap_or(DpStatus::NON_EXISTENT),
            ))
            .push(InformationElement::Refresh(DPREP_REFRESH));
        turn.send(IaxCommand::DpRep, &reply);
    }

    /// DIAL: set-up goes on as after a NEW with this number; without one it is `s`.
    pub(super) fn dialled(&mut self, turn: &mut Turn<'_, D>, ies: InformationElements<'_>) {
        if self.state != State::Tbd {
            return;
        }
        let number = ies.called_number().unwrap_or(b"s");
        self.number = String::from_utf8_lossy(number).into_owned();
        turn.arm(TimerKind::Admission, ADMISSION_WAIT);
        self.step(turn, Happening::Dialled);
    }

    /// The dialled number is good: the call goes to the application.
    pub(super) fn proceed(&mut self, turn: &mut Turn<'_, D>) {
        turn.cancel(TimerKind::Admission);
        turn.send_body(control(Control::Progress));
        self.offer(turn);
    }
}

/// What digits are good for.
fn status(settings: &Settings, digits: &str, is_asked: bool) -> DpStatus {
    let mut longer = settings.extensions.iter();
    let more = longer.any(|known| known.len() > digits.len() && known.starts_with(digits));
    let status = match is_known(settings, digits) {
        _ if is_tbd(digits) => DpStatus::NON_EXISTENT,
        true if is_asked => DpStatus::CAN_EXIST,
        true => DpStatus::EXISTS,
        false if more => DpStatus::CAN_EXIST,
        false => DpStatus::NON_EXISTENT,
    };
    match more {
        true => DpStatus(status.0 | DpStatus::MATCH_MORE.0),
        false => status,
    }
}
