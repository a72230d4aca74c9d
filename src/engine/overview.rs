//! What an endpoint holds, one by one, for an operator who looks on (chan_iax2: `iax2 show channels`, `iax2 show registry`): values that are copied
//! out, and nothing here decides anything. How many there are of everything is [`counts`](super::counts).

use core::net::SocketAddr;

use super::dialogue::{Dialogue, Machine};
use super::directory::Directory;
use super::registrant::RegistrantOverview;
use super::{CallId, Endpoint, RegistrantId, Standing};
use crate::engine::settings::Name;
use crate::time::Instant;
use crate::wire::{CallNumber, Format};

/// One call, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOverview {
    /// The call.
    pub call: CallId,
    /// The other side.
    pub remote: SocketAddr,
    /// The other side's call number; [`CallNumber::ZERO`] while unknown.
    pub theirs: CallNumber,
    /// The user that it calls as, once that is known; of a call that we place, the peer where the directory had it.
    pub name: Option<Name>,
    /// CALLED NUMBER; invalid UTF-8 is replaced.
    pub number: String,
    /// The format that was agreed on.
    pub format: Option<Format>,
    /// Where it stands.
    pub standing: Standing,
    /// Whether we placed it.
    pub is_outgoing: bool,
    /// Whether frames are encrypted.
    pub is_encrypted: bool,
    /// The call that the endpoint passes everything on to.
    pub bridged: Option<CallId>,
    /// When its dialogue began.
    pub began: Instant,
}

impl<D: Directory> Endpoint<D> {
    /// The calls that live, by our call number.
    pub fn calls(&self) -> impl Iterator<Item = CallOverview> {
        let all = self.dialogues.values();
        all.filter_map(|dialogue| self.overview_of(dialogue))
    }

    /// The call, where it lives.
    pub fn call_overview(&self, call: CallId) -> Option<CallOverview> {
        let overview = self.overview_of(self.dialogues.get(&call.local())?)?;
        (overview.call == call).then_some(overview)
    }

    /// A registration of ours, until it was given up and the registrar knows.
    pub fn registrant(&self, id: RegistrantId) -> Option<RegistrantOverview> {
        self.context.registrants.overview(id)
    }

    fn overview_of(&self, dialogue: &Dialogue<D>) -> Option<CallOverview> {
        match &dialogue.machine {
            Machine::Call(leg) => Some(leg.overview(&dialogue.link, &self.context.directory)),
            _ => None,
        }
    }
}
