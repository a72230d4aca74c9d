//! Where the dialogue stands that a datagram is for, for who looks on: a simulated world counts which message it has seen in which
//! state. The names are those of the tables (`call::state`, `registrar::state`, `registrant::state`), and nothing here decides anything.

use core::fmt;
use core::net::SocketAddr;

use super::Endpoint;
use super::dialogue::{Dialogue, Machine};
use super::directory::Directory;
use crate::wire::Head;

macro_rules! standings {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Where a dialogue stands. A call that is linked or up says more where something else decides what a frame does to it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Standing {
            $($(#[$doc])* $name,)*
        }

        impl Standing {
            /// Every one.
            pub const ALL: &'static [Standing] = &[$(Standing::$name),*];

            /// Its name: what the dialogue is about, and the state of its table.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Standing::$name => $text,)*
                }
            }
        }
    };
}

standings! {
    /// There is no such dialogue.
    NoDialogue = "no dialogue";
    /// We are to place the call.
    CallInitial = "call Initial";
    /// Our NEW is out.
    CallWaiting = "call Waiting";
    /// The directory is being asked.
    CallChecking = "call Checking";
    /// The directory asked the database.
    CallWaitingForDirectory = "call WaitingForDirectory";
    /// An AUTHREQ is out.
    CallAuthWait = "call AuthWait";
    /// The result is being compared.
    CallVerifying = "call Verifying";
    /// An authenticated caller is being looked at.
    CallAdmitting = "call Admitting";
    /// A caller without a secret is.
    CallAdmittingOpen = "call AdmittingOpen";
    /// The application is being asked for the extension.
    CallRequested = "call Requested";
    /// The same for a caller without a secret.
    CallRequestedOpen = "call RequestedOpen";
    /// Accepted without a number.
    CallTbd = "call Tbd";
    /// DIAL came.
    CallDialling = "call Dialling";
    /// DIAL came, and the application is being asked.
    CallDialRequested = "call DialRequested";
    /// The login has failed; the REJECT waits.
    CallRefusing = "call Refusing";
    /// ACCEPT is out to an address that has not shown that it receives.
    CallUnproven = "call Unproven";
    /// Accepted.
    CallLinked = "call Linked";
    /// Answered.
    CallUp = "call Up";
    /// Linked or up, under a key.
    CallEncrypted = "call encrypted";
    /// Linked or up, and bridged with another call.
    CallBridged = "call bridged";
    /// Linked or up, as an end of a transfer.
    CallTransferEnd = "call transfer end";
    /// Linked or up, as a leg of the middle of a transfer.
    CallTransferMiddle = "call transfer middle";
    /// HANGUP, REJECT or TXREL is out.
    CallClosing = "call Closing";
    /// Nothing is left to do.
    CallEnded = "call Ended";
    /// The directory is being asked.
    RegistrationChecking = "registration Checking";
    /// The directory asked the database.
    RegistrationWaitingForDirectory = "registration WaitingForDirectory";
    /// A REGAUTH is out.
    RegistrationChallenged = "registration Challenged";
    /// The result is being compared.
    RegistrationVerifying = "registration Verifying";
    /// The contact is being written.
    RegistrationWriting = "registration Writing";
    /// The store was asked to keep the change.
    RegistrationStoring = "registration Storing";
    /// The login has failed; the REGREJ waits.
    RegistrationRefusing = "registration Refusing";
    /// REGACK or REGREJ is out.
    RegistrationClosing = "registration Closing";
    /// Nothing is left to do.
    RegistrationEnded = "registration Ended";
    /// A REGREQ of ours is out.
    RegistrantRegSent = "registrant RegSent";
    /// The challenge to our REGREQ is answered.
    RegistrantAuthSent = "registrant AuthSent";
    /// A REGREL of ours is out.
    RegistrantReleasing = "registrant Releasing";
    /// The challenge to our REGREL is answered.
    RegistrantReleaseAuthSent = "registrant ReleaseAuthSent";
    /// Our request is over, one way or the other.
    RegistrantOver = "registrant over";
    /// A POKE of ours is out.
    Poking = "Poking";
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<D: Directory> Endpoint<D> {
    /// Where the dialogue stands that a datagram from `remote` is for, by the call numbers that it begins with. Trunk frames are for
    /// several, and so for none.
    pub fn standing(&self, remote: SocketAddr, datagram: &[u8]) -> Standing {
        let dialogue = Head::peek(datagram).and_then(|head| self.addressed(remote, head));
        match dialogue.map(|dialogue| (&dialogue.machine, dialogue.link.is_encrypted())) {
            None => Standing::NoDialogue,
            Some((Machine::Call(call), is_encrypted)) => call.standing(is_encrypted),
            Some((Machine::Registration(registration), _)) => registration.standing(),
            Some((Machine::Registrant(request), _)) => request.standing(&self.context.registrants),
            Some((Machine::Poke(_), _)) => Standing::Poking,
        }
    }

    fn addressed(&self, remote: SocketAddr, head: Head) -> Option<&Dialogue<D>> {
        let named = match head {
            Head::Full { destination, .. } => self.dialogues.get(&destination),
            Head::Mini { .. } => None,
        };
        named.filter(|it| it.link.remote == remote).or_else(|| {
            let theirs = (remote, head.source());
            let local = self.by_remote.get(&theirs);
            let local = local.or_else(|| self.by_third.get(&theirs))?;
            self.dialogues.get(local)
        })
    }
}
