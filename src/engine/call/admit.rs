//! What a call that may come gets (RFC 5456 §6.2.3): extension and format, ACCEPT, and its place with the application.

use super::format::Ours;
use super::{CallLeg, Happening, digits, stale};
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::event::Event;
use crate::engine::settings::{Name, Settings, TransferPolicy, Trunking};
use crate::engine::timer::TimerKind;
use crate::wire::{Format, FormatSet, IaxCommand, IeBuffer, InformationElement};

/// What extension and format were agreed by.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) user: Name,
    pub(super) format: Format,
    trunking: Option<Trunking>,
    transfer: TransferPolicy,
    pub(super) serial: u64,
}

impl<D: Directory> CallLeg<D> {
    /// Extension and format, by the same snapshot as the login.
    pub(super) fn admit(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let (number, wanted) = (self.number.as_str(), &self.wanted);
        let is_to_be_dialled = self.is_to_be_dialled();
        let admitted = self.read(turn, |settings| {
            if !is_to_be_dialled && !may_dial(settings, number) {
                return Err(Happening::NoExtension);
            }
            Ok(Admitted {
                user: settings.name.clone(),
                format: wanted
                    .choose(Ours::of(settings))
                    .ok_or(Happening::NoFormat)?,
                trunking: settings.trunk.then_some(settings.general.trunking),
                transfer: settings.transfer,
                serial: settings.general.serial,
            })
        });
        match admitted {
            Some(Ok(admitted)) => {
                self.admitted = Some(admitted);
                match turn.context.options.asks_application {
                    _ if is_to_be_dialled => Happening::ToBeDialled,
                    true => Happening::Requested,
                    false => Happening::Admitted,
                }
            }
            Some(Err(refused)) => refused,
            None => stale(turn, "admitting a call"),
        }
    }

    pub(super) fn accept(&mut self, turn: &mut Turn<'_, D>) {
        turn.cancel(TimerKind::Admission);
        let mut ies = IeBuffer::new();
        if let Some(admitted) = &self.admitted {
            self.format = Some(admitted.format);
            self.trunking = admitted.trunking;
            self.transfer.policy = admitted.transfer;
            let mask = admitted.format.mask();
            ies.push(InformationElement::Format(mask as u32))
                .push(InformationElement::Format2(FormatSet(mask)));
        }
        turn.send(IaxCommand::Accept, &ies);
    }

    /// Gives the call to the application.
    pub(super) fn offer(&mut self, turn: &mut Turn<'_, D>) {
        let Some(Admitted {
            user,
            format,
            serial,
            ..
        }) = self.admitted.clone()
        else {
            return;
        };
        self.is_offered = true;
        turn.context.tell(Event::Incoming {
            call: self.id,
            from: turn.link.remote,
            user,
            number: self.number.clone(),
            format,
            serial,
        });
    }
}

fn may_dial(settings: &Settings, number: &str) -> bool {
    !digits::is_tbd(number) && is_known(settings, number)
}

/// Whether the settings have the extension.
pub(super) fn is_known(settings: &Settings, number: &str) -> bool {
    settings.extensions.is_empty() || settings.extensions.iter().any(|known| known == number)
}
