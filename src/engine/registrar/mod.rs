//! The registrar (RFC 5456 §6.1): grants REGREQ and REGREL to peers of the directory. One dialogue per request; nothing is
//! remembered between dialogues but the peer's contact. [`state`] has the table; this file does what it says.
//!
//! # Deviations
//!
//! - chan_iax2 answers a peer with a fixed address, and one whose access list denies the address, by REGREJ at once; here
//!   both are challenged first, as an unknown name is, so that none can be told from a wrong secret (X-REG-5).
//! - chan_iax2 sets no limit to how long a challenge may stay unanswered; here it is a minute.
//! - REGACK says nothing of waiting messages or firmware.

mod state;

use core::time::Duration;

use self::state::{Action, Attempt, Event as Happening, State};
use super::auth::{self, Answer, Challenge};
use super::context::Turn;
use super::directory::{
    Directory, Generation, Lookup, Refused, Role, Stale, StoreId, Storing, Written,
};
use super::event::Event;
use super::options::{REGISTRATION_GRACE, STORE_WAIT};
use super::qualify::Arrival;
use super::settings::{Host, Name, Settings};
use super::timer::TimerKind;
use crate::time::Instant;
use crate::wire::{
    ApparentAddress, AuthMethods, Body, Cause, DateTime, FullFrame, IaxCommand, IeBuffer,
    InformationElement, InformationElements,
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

    /// The store answered.
    pub(super) fn stored(&mut self, turn: &mut Turn<'_, D>) {
        let Some((asked, handle)) = self.asked.zip(self.handle.as_ref()) else {
            return;
        };
        match turn.context.directory.take_stored(handle, asked.generation) {
            Storing::Waiting => {}
            Storing::Stored => self.store_answered(turn, Happening::Stored),
            Storing::Failed => self.store_answered(turn, Happening::NotStored),
        }
    }

    /// The store took too long.
    pub(super) fn store_delayed(&mut self, turn: &mut Turn<'_, D>) {
        let happening = self.withdraw(turn);
        self.store_answered(turn, happening);
    }

    fn store_answered(&mut self, turn: &mut Turn<'_, D>, happening: Happening) {
        turn.cancel(TimerKind::Store);
        if let Some(asked) = self.asked.take() {
            self.forget_store(turn, asked);
            if happening == Happening::Stored {
                self.keep(turn, asked.generation, asked.deadline);
            }
        }
        self.step(turn, happening);
    }

    /// The change is not waited for any more. It may have come into force just before.
    fn withdraw(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let Some((asked, handle)) = self.asked.zip(self.handle.as_ref()) else {
            return Happening::NotStored;
        };
        match turn.context.directory.withdraw(handle, asked.generation) {
            Storing::Stored => Happening::Stored,
            Storing::Waiting | Storing::Failed => Happening::NotStored,
        }
    }

    fn forget_store(&self, turn: &mut Turn<'_, D>, asked: Asked) {
        if let Some(name) = self.name.clone() {
            let generation = asked.generation;
            turn.context.stores.remove(&StoreId { name, generation });
        }
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

    fn challenge(&mut self, turn: &mut Turn<'_, D>) {
        let challenge = Challenge::new(&mut turn.context.random);
        let methods = self.methods(turn);
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::AuthMethods(methods));
        if methods.contains(AuthMethods::MD5) {
            ies.push(InformationElement::Challenge(challenge.octets()));
        }
        ies.push(InformationElement::Username(&self.username));
        turn.send(IaxCommand::RegAuth, &ies);
        self.challenge = Some(challenge);
    }

    /// What the peer may prove itself by; a name that is unknown is offered what most are (X-REG-5).
    fn methods(&self, turn: &Turn<'_, D>) -> AuthMethods {
        let offered = self.snapshot.as_ref().and_then(|snapshot| {
            let read = |settings: &Settings| auth::built(settings.methods);
            turn.context.directory.read(snapshot, read).ok()
        });
        offered.unwrap_or(AuthMethods::MD5)
    }

    /// Compares the result with the secrets of now. A name that is unknown or does not register fails here, not before.
    fn verify(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let challenge = self.challenge.clone();
        let result = core::mem::take(&mut self.result);
        let ip = turn.link.remote.ip();
        let answered = match (&self.handle, challenge) {
            (_, None) => Ok(false),
            (None, Some(challenge)) => Ok(challenge.accepts(&result, AuthMethods::MD5, &[])),
            (Some(_), Some(challenge)) => self.read_settings(turn, |settings| {
                let methods = auth::built(settings.methods);
                let answered = challenge.accepts(&result, methods, &settings.secrets);
                answered && settings.host == Host::Dynamic && settings.access.allows(ip)
            }),
        };
        self.result = result;
        match answered {
            Ok(true) => Happening::Good,
            Ok(false) => Happening::Bad,
            Err(Stale) => self.stale(turn, "verifying a registration"),
        }
    }

    fn write(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let written = match self.is_release {
            true => self.release(turn),
            false => self.register(turn),
        };
        match written {
            Ok(happening) => happening,
            Err(Refused::Unlinked) => Happening::Unlinked,
            Err(Refused::Busy) => Happening::Full,
            Err(Refused::Stale(Stale)) => self.stale(turn, "writing a contact"),
        }
    }

    fn register(&mut self, turn: &mut Turn<'_, D>) -> Result<Happening, Refused> {
        let (Some(handle), Some(name), Some(snapshot)) = (&self.handle, &self.name, &self.snapshot)
        else {
            return Ok(Happening::Full);
        };
        if !turn.context.has_room_for(name) {
            return Ok(Happening::Full);
        }
        let refresh = self.refresh.map(u64::from).map(Duration::from_secs);
        let directory = &turn.context.directory;
        let (min, max, is_qualified) = directory.read(snapshot, |settings| {
            let general = &settings.general;
            let is_qualified = settings.qualify.is_some();
            (
                general.registration_min,
                general.registration_max,
                is_qualified,
            )
        })?;
        self.is_qualified = is_qualified;
        self.granted = refresh.unwrap_or(min).max(min).min(max.max(min));
        let deadline = turn.now + self.granted + REGISTRATION_GRACE;
        let written = directory.register(handle, turn.link.remote, deadline)?;
        Ok(self.written(turn, written, deadline))
    }

    fn release(&mut self, turn: &mut Turn<'_, D>) -> Result<Happening, Refused> {
        let Some(handle) = &self.handle else {
            return Ok(Happening::Full);
        };
        let written = turn.context.directory.release(handle)?;
        let now = turn.now;
        Ok(self.written(turn, written, now))
    }

    /// The change is in force, or the store was asked.
    fn written(
        &mut self,
        turn: &mut Turn<'_, D>,
        written: Written,
        deadline: Instant,
    ) -> Happening {
        match written {
            Written::Done(generation) => {
                self.keep(turn, generation, deadline);
                Happening::Written
            }
            Written::Asked(generation) => {
                self.asked = Some(Asked {
                    generation,
                    deadline,
                });
                if let Some(name) = self.name.clone() {
                    let local = turn.link.reliable.local();
                    let id = StoreId { name, generation };
                    turn.context.stores.insert(id, local);
                }
                Happening::StoreAsked
            }
        }
    }

    /// The change is in force: sees to the expiry, and tells the application.
    fn keep(&mut self, turn: &mut Turn<'_, D>, generation: Generation, deadline: Instant) {
        let (Some(handle), Some(name)) = (&self.handle, &self.name) else {
            return;
        };
        let name = name.clone();
        if self.is_release {
            turn.context.disarm_expiry(&name);
            turn.context.unwatch(&name);
            turn.context.tell(Event::Released { name });
            return;
        }
        turn.context
            .arm_expiry(deadline, handle.clone(), &name, generation);
        let address = turn.link.remote;
        if self.is_qualified || turn.context.watches.has(&name) {
            turn.context.watches.announce(Arrival {
                handle: handle.clone(),
                name: name.clone(),
                generation,
                address,
                is_proven: turn.link.allowance.is_proven(),
            });
        }
        turn.context.tell(Event::Registered {
            name,
            address,
            deadline,
            generation,
        });
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

    /// Counts a failed login. Without a delay the refusal follows at once.
    fn refuse(&mut self, turn: &mut Turn<'_, D>) -> Option<Happening> {
        turn.cancel(TimerKind::Admission);
        turn.context.tell(Event::LoginFailed {
            address: turn.link.remote,
            role: Role::Peer,
        });
        let delay = match turn.reject_delay(self.snapshot.as_ref()) {
            Ok(delay) => delay,
            Err(Stale) => return Some(self.stale(turn, "refusing a registration")),
        };
        self.forget();
        if delay.is_zero() {
            return Some(Happening::DelayElapsed);
        }
        turn.arm(TimerKind::RejectDelay, delay);
        None
    }

    /// Lets go what only the open request needed; the closing dialogue holds nothing of the directory.
    fn forget(&mut self) {
        self.handle = None;
        self.snapshot = None;
        self.challenge = None;
        self.result = Answer::default();
    }
}

impl<D: Directory> Turn<'_, D> {
    /// How long a refused login waits: as its settings say, or those of everybody where it has none.
    pub(super) fn reject_delay(&self, snapshot: Option<&D::Snapshot>) -> Result<Duration, Stale> {
        let directory = &self.context.directory;
        match snapshot {
            Some(snapshot) => directory.read(snapshot, |settings| settings.general.reject_delay),
            None => Ok(directory.general().reject_delay),
        }
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
