//! A client without a dial plan of its own (RFC 5456 §6.8, §9.7): it calls without a number, asks about the digits that it has so far
//! (DPREQ), and says the number when it is whole or the server knows it (DIAL).

use iaxproof::time::Instant;
use iaxproof::wire::{DpStatus, IaxCommand, IeBuffer, InformationElement, InformationElements};

use super::dialogue::{Dialogue, Phase, Purpose, iax};

/// What the NEW has for a number.
pub(super) const TO_BE_DIALLED: &str = "TBD";
/// What is dialled, digit by digit: the extension that echoes.
const NUMBER: &str = "echo";

impl Dialogue {
    /// The call was accepted: asks about the first digit.
    pub(super) fn spell(&mut self, now: Instant) {
        if self.purpose == Purpose::Spelled && self.phase == Phase::Linked && self.digits == 0 {
            self.ask_about_one_more(now);
        }
    }

    /// DPREP came. What it says of other digits than those that were asked about last says nothing.
    pub(super) fn spell_on(&mut self, now: Instant, ies: InformationElements<'_>) {
        let asked = NUMBER.get(..self.digits).unwrap_or_default();
        let is_asked = self.digits > 0 && ies.called_number() == Some(asked.as_bytes());
        if self.phase != Phase::Linked || !is_asked || self.has_dialled {
            return;
        }
        let status = status(ies).unwrap_or(DpStatus::NON_EXISTENT);
        let is_whole = self.digits == NUMBER.len();
        match status {
            DpStatus::NON_EXISTENT => {
                self.hang_up(now);
            }
            _ if is_whole || status == DpStatus::EXISTS => self.dial(now),
            _ => self.ask_about_one_more(now),
        }
    }

    fn ask_about_one_more(&mut self, now: Instant) {
        self.digits += 1;
        self.say(now, IaxCommand::DpReq);
    }

    fn dial(&mut self, now: Instant) {
        self.has_dialled = true;
        self.say(now, IaxCommand::Dial);
    }

    /// The digits so far, with this command.
    fn say(&mut self, now: Instant, command: IaxCommand) {
        let digits = NUMBER.get(..self.digits).unwrap_or_default();
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CalledNumber(digits.as_bytes()));
        self.send(now, iax(command, &ies));
    }
}

fn status(ies: InformationElements<'_>) -> Option<DpStatus> {
    ies.iter().find_map(|element| match element {
        InformationElement::DpStatus(status) => Some(status),
        _ => None,
    })
}
