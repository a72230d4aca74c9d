//! The registrar (RFC 5456 §6.1): grants REGREQ and REGREL to peers of the directory. One dialogue per request; nothing is
//! remembered between dialogues but the peer's contact. [`state`] has the table; this file does what it says, `login` the proof
//! of who asks, and `contact` what is written and stored.
//!
//! # Deviations
//!
//! - chan_iax2 answers a peer with a fixed address, and one whose access list denies the address, by REGREJ at once; here
//!   both are challenged first, as an unknown name is, so that none can be told from a wrong secret (X-REG-5).
//! - A peer whose own `auth` differs from that of `[general]` can be told from an unknown name by the AUTHMETHODS of its REGAUTH
//!   (X-REG-5); one without a secret by its REGACK.
//! - chan_iax2 sets no limit to how long a challenge may stay unanswered; here it is a minute.
//! - RFC 5456 §6.1.6 refuses a REGREL where nothing is registered; as in chan_iax2 it gets REGACK, so that one whose REGACK
//!   was lost may be repeated.
//! - REGACK says nothing of waiting messages or firmware.

mod contact;
mod login;
mod state;

use core::time::Duration;

use self::state::{Action, Attempt, Event as Happening, State};
use super::auth::{Answer, Challenge};
use super::context::Turn;
use super::directory::{Directory, Generation, Lookup, Role, Stale};
use super::options::STORE_WAIT;
use super::settings::{Host, Name, Settings};
use super::standing::Standing;
use super::timer::TimerKind;
use crate::time::Instant;
use crate::wire::{
    ApparentAddress, Body, Cause, DateTime, FullFrame, IaxCommand, IeBuffer, InformationElement,
    InformationElements,
};

/// One REGREQ or REGREL with all that belongs to it.
#[derive(Debug)]
pub(super) struct Registration<D: Directory> {
    state: State,
    /// USERNAME as it came; REGAUTH and REGACK say it back.
    username: Vec<u8>,
    /// The same as a name that can exist.
    name: Option<Name>,
    is_release: bool,
    /// REFRESH of the latest request in seconds.
    refresh: Option<u16>,
    result: Answer,
    challenge: Option<Challenge>,
    handle: Option<D::Handle>,
    /// The settings that the last check read.
    snapshot: Option<D::Snapshot>,
    granted: Duration,
    /// Whether the peer is asked whether it is there, from its new contact on.
    is_qualified: bool,
    /// What the store was asked to keep and has not answered.
    asked: Option<Asked>,
}

/// A change that waits for the store.
#[derive(Clone, Copy, Debug)]
struct Asked {
    generation: Generation,
    /// When the contact will lapse; of no meaning for a release.
    deadline: Instant,
}

impl<D: Directory> Registration<D> {
    /// The request of an opener.
    pub(super) fn new(command: IaxCommand, ies: InformationElements<'_>) -> Self {
        let username = ies.username().unwrap_or_default().to_vec();
        Registration {
            state: State::Checking(Attempt::First),
            name: name_of(&username),
            username,
            is_release: command == IaxCommand::RegRel,
            refresh: ies.refresh(),
            result: Answer::default(),
            challenge: None,
            handle: None,
            snapshot: None,
            granted: Duration::ZERO,
            is_qualified: false,
            asked: None,
        }
    }

    /// Whether it waits for the directory or its store.
    pub(super) const fn is_waiting(&self) -> bool {
        self.state.is_waiting()
    }

    /// Where it stands, for who looks on.
    pub(super) const fn standing(&self) -> Standing {
        match self.state {
            State::Checking(_) => Standing::RegistrationChecking,
            State::WaitingForDirectory(_) => Standing::RegistrationWaitingForDirectory,
            State::Challenged => Standing::RegistrationChallenged,
            State::Verifying(_) => Standing::RegistrationVerifying,
            State::Writing(_) => Standing::RegistrationWriting,
            State::Storing => Standing::RegistrationStoring,
            State::Refusing => Standing::RegistrationRefusing,
            State::Closing => Standing::RegistrationClosing,
            State::Ended => Standing::RegistrationEnded,
        }
    }

    pub(super) fn begin(&mut self, turn: &mut Turn<'_, D>) {
        let happening = match self.username.is_empty() {
            true => Happening::Nameless,
            false => self.look_up(turn),
        };
        self.step(turn, happening);
    }

    /// A frame of the dialogue.
    pub(super) fn receive(&mut self, turn: &mut Turn<'_, D>, frame: &FullFrame<'_>) {
        let Body::Iax { command, ies } = frame.body else {
            return;
        };
        match command {
            IaxCommand::RegReq | IaxCommand::RegRel => self.request(turn, ies),
            IaxCommand::Hangup | IaxCommand::Reject => self.step(turn, Happening::Gone),
            _ => {}
        }
    }

    fn request(&mut self, turn: &mut Turn<'_, D>, ies: InformationElements<'_>) {
        if self.state != State::Challenged {
            return;
        }
        self.refresh = ies.refresh();
        self.result = Answer::of(ies);
        let happening = match self.result.is_empty() {
            true => Happening::NoResult,
            false => Happening::Result,
        };
        self.step(turn, happening);
    }

    /// The directory's answer came.
    pub(super) fn looked_up(&mut self, turn: &mut Turn<'_, D>, lookup: Lookup<D::Handle>) {
        let happening = self.weigh(turn, lookup);
        self.step(turn, happening);
    }

    /// REGACK or REGREJ was acknowledged or given up.
    pub(super) fn finished(&mut self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::Finished);
    }

    /// The other side does not answer any more, or sent INVAL.
    pub(super) fn gave_up(&mut self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::Gone);
    }

    pub(super) fn delay_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::DelayElapsed);
    }

    pub(super) fn waited_too_long(&mut self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::WaitedTooLong);
    }

    /// Follows the table until it has nothing more to do.
    fn step(&mut self, turn: &mut Turn<'_, D>, happening: Happening) {
        let mut next = Some(happening);
        while let Some((state, action)) = next.and_then(|event| self.state.next(event)) {
            self.state = state;
            next = self.perform(turn, action);
        }
    }

    fn perform(&mut self, turn: &mut Turn<'_, D>, action: Action) -> Option<Happening> {
        match action {
            Action::Wait => None,
            Action::Challenge => {
                self.challenge(turn);
                None
            }
            Action::Verify => Some(self.verify(turn)),
            Action::Write => Some(self.write(turn)),
            Action::AwaitStore => {
                turn.cancel(TimerKind::Admission);
                turn.arm(TimerKind::Store, STORE_WAIT);
                None
            }
            Action::LookUpAgain => Some(self.look_up(turn)),
            Action::Refuse => self.refuse(turn),
            Action::Reject => {
                self.forget();
                reject(turn);
                None
            }
            Action::Confirm => {
                self.confirm(turn);
                None
            }
            Action::End => {
                self.end(turn);
                None
            }
        }
    }

    fn look_up(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let lookup = match &self.name {
            Some(name) => turn.find(Role::Peer, name),
            None => Lookup::Unknown,
        };
        self.weigh(turn, lookup)
    }

    /// What a lookup means for this request.
    fn weigh(&mut self, turn: &mut Turn<'_, D>, lookup: Lookup<D::Handle>) -> Happening {
        let handle = match lookup {
            Lookup::Found(handle) => handle,
            Lookup::Unknown => return Happening::Unknown,
            Lookup::Asked(_) => return Happening::Asked,
            Lookup::Failed => return Happening::LookupFailed,
        };
        self.handle = Some(handle);
        let ip = turn.link.remote.ip();
        let weighed = self.read_settings(turn, |settings| {
            match (settings.host, settings.secrets.is_empty()) {
                _ if !settings.access.allows(ip) => Happening::Unfit,
                (Host::Fixed(_) | Host::Nowhere, _) => Happening::Unfit,
                (Host::Dynamic, true) => Happening::Open,
                (Host::Dynamic, false) => Happening::Locked,
            }
        });
        match weighed {
            Ok(happening) => happening,
            Err(Stale) => self.stale(turn, "weighing a registration"),
        }
    }

    /// Reads the settings as they are now, and keeps that snapshot for what follows.
    fn read_settings<R>(
        &mut self,
        turn: &Turn<'_, D>,
        read: impl FnOnce(&Settings) -> R,
    ) -> Result<R, Stale> {
        let directory = &turn.context.directory;
        let handle = self
            .handle
            .as_ref()
            .expect("settings are those of a peer that was found");
        let snapshot = directory.settings(handle)?;
        let read = directory.read(&snapshot, read);
        self.snapshot = Some(snapshot);
        read
    }

    fn stale(&mut self, turn: &mut Turn<'_, D>, what: &'static str) -> Happening {
        turn.context.tell_stale(what);
        Happening::Stale
    }

    /// Lets the dialogue go. A change that the store was asked for is withdrawn: nobody was told that it counts.
    fn end(&mut self, turn: &mut Turn<'_, D>) {
        if let Some(asked) = self.asked {
            if self.withdraw(turn) == Happening::Stored {
                self.keep(turn, asked.generation, asked.deadline);
            }
            self.forget_store(turn, asked);
            self.asked = None;
        }
        turn.end();
    }

    /// The REGACK: of a release it says name and date alone.
    fn confirm(&mut self, turn: &mut Turn<'_, D>) {
        self.forget();
        let unix = turn.context.options.unix_time_at_zero + turn.now.as_secs();
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Username(&self.username))
            .push(InformationElement::DateTime(DateTime::from_unix_seconds(
                unix,
            )));
        if !self.is_release {
            let refresh = u16::try_from(self.granted.as_secs()).unwrap_or(u16::MAX);
            let address = ApparentAddress(turn.link.remote);
            ies.push(InformationElement::Refresh(refresh))
                .push(InformationElement::ApparentAddr(address));
        }
        turn.send_final(IaxCommand::RegAck, &ies);
    }

    /// Lets go what only the open request needed; the closing dialogue holds nothing of the directory.
    fn forget(&mut self) {
        self.handle = None;
        self.snapshot = None;
        self.challenge = None;
        self.result = Answer::default();
    }
}

fn reject<D: Directory>(turn: &mut Turn<'_, D>) {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Cause(b"Registration Refused"))
        .push(InformationElement::CauseCode(Cause::FACILITY_REJECTED));
    turn.send_final(IaxCommand::RegRej, &ies);
}

/// The name that a USERNAME can be, if any.
pub(super) fn name_of(username: &[u8]) -> Option<Name> {
    core::str::from_utf8(username).ok().and_then(Name::new)
}
