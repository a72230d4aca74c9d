//! Where a call stands, for who looks on.

use super::CallLeg;
use super::state::State;
use crate::engine::directory::Directory;
use crate::engine::standing::Standing;
use crate::engine::transfer::state::{End, Middle};

impl<D: Directory> CallLeg<D> {
    pub(in crate::engine) fn standing(&self, is_encrypted: bool) -> Standing {
        match self.state {
            State::Linked | State::Up => self.standing_of_two(is_encrypted),
            state => state.standing(),
        }
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
