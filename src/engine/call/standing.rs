//! Where a call stands, and what it is, for who looks on.

use super::CallLeg;
use super::state::State;
use crate::engine::dialogue::Link;
use crate::engine::directory::Directory;
use crate::engine::overview::CallOverview;
use crate::engine::settings::Name;
use crate::engine::standing::Standing;
use crate::engine::transfer::state::{End, Middle};

impl<D: Directory> CallLeg<D> {
    pub(in crate::engine) fn standing(&self, is_encrypted: bool) -> Standing {
        match self.state {
            State::Linked | State::Up => self.standing_of_two(is_encrypted),
            state => state.standing(),
        }
    }

    /// All that is told of the call. What the link knows is the link's.
    pub(in crate::engine) fn overview(&self, link: &Link, directory: &D) -> CallOverview {
        let is_encrypted = link.is_encrypted();
        CallOverview {
            call: self.id,
            remote: link.remote,
            theirs: link.reliable.remote(),
            name: self.name(directory),
            number: self.number.clone(),
            format: self.format,
            standing: self.standing(is_encrypted),
            is_outgoing: self.is_outgoing(),
            is_encrypted,
            bridged: self.partner(),
            began: link.began,
        }
    }

    /// The user that was admitted, or the peer whose settings the call holds.
    fn name(&self, directory: &D) -> Option<Name> {
        let admitted = self.admitted.as_ref().map(|admitted| admitted.user.clone());
        admitted.or_else(|| {
            let snapshot = self.snapshot.as_ref().filter(|_| self.is_outgoing())?;
            directory
                .read(snapshot, |settings| settings.name.clone())
                .ok()
        })
    }

    /// Of a call that both sides have: what decides about frames.
    fn standing_of_two(&self, is_encrypted: bool) -> Standing {
        match (self.transfer.end, self.transfer.middle) {
            (End::None, Middle::None) if is_encrypted => Standing::CallEncrypted,
            (End::None, Middle::None) if self.bridged.is_some() => Standing::CallBridged,
            (End::None, Middle::None) => self.state.standing(),
            (End::None, _) => Standing::CallTransferMiddle,
            _ => Standing::CallTransferEnd,
        }
    }
}

impl State {
    const fn standing(self) -> Standing {
        match self {
            State::Initial => Standing::CallInitial,
            State::Waiting => Standing::CallWaiting,
            State::Checking => Standing::CallChecking,
            State::WaitingForDirectory => Standing::CallWaitingForDirectory,
            State::AuthWait => Standing::CallAuthWait,
            State::Verifying => Standing::CallVerifying,
            State::Admitting => Standing::CallAdmitting,
            State::AdmittingOpen => Standing::CallAdmittingOpen,
            State::Requested => Standing::CallRequested,
            State::RequestedOpen => Standing::CallRequestedOpen,
            State::Tbd => Standing::CallTbd,
            State::Dialling => Standing::CallDialling,
            State::DialRequested => Standing::CallDialRequested,
            State::Refusing => Standing::CallRefusing,
            State::Unproven => Standing::CallUnproven,
            State::Linked => Standing::CallLinked,
            State::Up => Standing::CallUp,
            State::Closing => Standing::CallClosing,
            State::Ended => Standing::CallEnded,
        }
    }
}
