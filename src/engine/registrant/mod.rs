//! The registrant (RFC 5456 §6.1.1): keeps a registration with another registrar up until it is told to release it.
//! `state` has the table, `registration` the values, `command` what the application and the timers may do; this file does
//! what the table says of a dialogue.
//!
//! A registrant outlives its dialogues: each REGREQ that is due and each REGREL opens a new one. The refresh timer is the
//! registrant's own. A dialogue that is no longer the registrant's changes nothing.
//!
//! # Deviations
//!
//! - RFC 5456 §6.1.1 ends in `Rejected`; as in chan_iax2, REGREQ goes out again when the refresh is due, whatever came before.
//! - chan_iax2 sends a REGREQ that is due on the dialogue that is still open; here that one is given up for a new one.
//! - chan_iax2 counts the period from the REGACK, which may be late; here it counts from the request.
//! - chan_iax2 asks for the period that it was granted last; here always for the one that the application wants.
//! - chan_iax2 answers every REGAUTH of a dialogue; here the first alone.
//! - chan_iax2 renews at 5/6 of the period sharp; here at random before that, unless told otherwise (X-REG-2, 7.2.2-1).
//! - chan_iax2 never sends REGREL, nor does it look whose REGREJ it is (X-REG-1, X-REG-7).
//! - chan_iax2 asks never again once it had no call number for a REGREQ; here it does ten seconds later, and tells of a
//!   time-out meanwhile.
//! - chan_iax2 adds an empty CALLTOKEN to the answer of a challenge; nobody looks at it (X-TOK-12).

mod command;
mod registration;
mod state;

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use self::registration::renewal;
pub use self::registration::{
    REFRESH, REFRESH_MAX, REFRESH_MIN, RegistrantId, RegistrantOverview, RegistrantState,
    Registration,
};
use self::state::{Action, Event as Happening, State};
use super::auth::{Response, answer_to_challenge};
use super::context::{Context, Owner, Turn};
use super::directory::Directory;
use super::error::Error;
use super::event::Event;
use super::settings::Encryption;
use super::standing::Standing;
use super::timer::{TimerKey, TimerKind};
use crate::time::Instant;
use crate::wire::{
    Body, CallNumber, Cause, FullFrame, IaxCommand, IeBuffer, InformationElement,
    InformationElements, MessageCount,
};

/// Registrations that one endpoint keeps up.
pub const REGISTRANTS_MAX: usize = 1_024;

/// The registrants of an endpoint.
#[derive(Debug, Default)]
pub(super) struct Registrants {
    by_id: BTreeMap<RegistrantId, Registrant>,
    so_far: u64,
}

impl Registrants {
    fn add(&mut self, registration: Registration) -> Result<RegistrantId, Error> {
        if self.by_id.len() >= REGISTRANTS_MAX {
            return Err(Error::TooManyRegistrants);
        }
        self.so_far += 1;
        let id = RegistrantId(self.so_far);
        self.by_id.insert(id, Registrant::new(registration));
        Ok(id)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// One of them, for who looks on.
    pub(super) fn overview(&self, id: RegistrantId) -> Option<RegistrantOverview> {
        let registrant = self.by_id.get(&id)?;
        Some(RegistrantOverview {
            registrar: registrant.registration.registrar,
            username: registrant.registration.username.clone(),
            state: registrant.shown(),
            period: registrant.period(),
            next: registrant.refresh.map(TimerKey::at),
        })
    }
}

/// One registration of ours.
struct Registrant {
    registration: Registration,
    state: State,
    granted: Option<Granted>,
    cause: Option<Cause>,
    /// The elements that answer the challenge. Never printed.
    response: Option<IeBuffer>,
    /// The dialogue that is open.
    dialogue: Option<CallNumber>,
    refresh: Option<TimerKey>,
    /// When the latest request went out first: what a REGACK grants counts from then or later.
    asked_at: Instant,
}

/// What a REGACK said.
#[derive(Clone, Copy, Debug)]
struct Granted {
    refresh: Duration,
    apparent: Option<SocketAddr>,
    messages: Option<MessageCount>,
}

impl Granted {
    fn by(ies: InformationElements<'_>) -> Self {
        let refresh = ies.refresh().filter(|seconds| *seconds > 0);
        let refresh = refresh.map_or(REFRESH, |seconds| Duration::from_secs(seconds.into()));
        Granted {
            refresh,
            apparent: ies.apparent_address().map(|apparent| apparent.0),
            messages: ies.message_count(),
        }
    }
}

impl Registrant {
    const fn new(registration: Registration) -> Self {
        Registrant {
            registration,
            state: State::Unregistered,
            granted: None,
            cause: None,
            response: None,
            dialogue: None,
            refresh: None,
            asked_at: Instant::ZERO,
        }
    }

    /// The state as the application sees it.
    fn shown(&self) -> RegistrantState {
        match (self.state, self.granted) {
            (State::Unregistered | State::Released, _) => RegistrantState::Unregistered,
            (State::AuthSent, _) => RegistrantState::AuthSent,
            (State::Registered, Some(granted)) => RegistrantState::Registered {
                refresh: granted.refresh,
                apparent: granted.apparent,
                messages: granted.messages,
            },
            (State::RegSent | State::Registered, _) => RegistrantState::RegSent,
            (State::Releasing | State::ReleaseAuthSent, _) => RegistrantState::Releasing,
            (State::NoAuth, _) => RegistrantState::NoAuth,
            (State::Rejected, _) => RegistrantState::Rejected(self.cause),
            (State::Timeout, _) => RegistrantState::Timeout,
        }
    }

    /// The period that holds: what was granted, else what is asked for.
    fn period(&self) -> Duration {
        let granted = self.granted.map(|granted| granted.refresh);
        let period = granted.unwrap_or(self.registration.refresh);
        period.clamp(REFRESH_MIN, REFRESH_MAX)
    }

    /// The elements of each request: a registrar looks at REFRESH of the one that carries the result.
    fn elements(&self, command: IaxCommand) -> IeBuffer {
        let username = self.registration.username.as_str();
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Username(username.as_bytes()));
        if command == IaxCommand::RegReq {
            let wanted = self.registration.refresh.clamp(REFRESH_MIN, REFRESH_MAX);
            let seconds = u16::try_from(wanted.as_secs()).unwrap_or(u16::MAX);
            ies.push(InformationElement::Refresh(seconds));
        }
        ies
    }

    const fn command(&self) -> IaxCommand {
        match self.state {
            State::Releasing | State::ReleaseAuthSent => IaxCommand::RegRel,
            _ => IaxCommand::RegReq,
        }
    }

    /// The request again with the answer to a challenge, if we may and can give one. Registrations are never encrypted.
    fn answer(&self, challenge: InformationElements<'_>) -> Option<IeBuffer> {
        let Registration {
            methods, secrets, ..
        } = &self.registration;
        let mut ies = self.elements(self.command());
        match answer_to_challenge(*methods, secrets, Encryption::Off, challenge) {
            Response::Md5(result) => ies.push(InformationElement::Md5Result(&result)),
            Response::Plaintext(secret) => ies.push(InformationElement::Password(secret.expose())),
            Response::Md5Encrypted { .. } | Response::Refuse => return None,
        };
        Some(ies)
    }

    /// Follows the table by one step.
    fn next(&mut self, happening: Happening) -> Option<Action> {
        let (state, action) = self.state.next(happening)?;
        self.state = state;
        if action == Action::Forget {
            self.granted = None;
        }
        Some(action)
    }

    /// Tells the application of another state than there was before.
    fn tell<D: Directory>(
        &self,
        id: RegistrantId,
        before: RegistrantState,
        context: &mut Context<D>,
    ) {
        let state = self.shown();
        if state != before {
            context.tell(Event::RegistrantChanged { id, state });
        }
    }

    /// Arms the next request in place of the one before (X-REG-2).
    fn arm_refresh<D: Directory>(
        &mut self,
        id: RegistrantId,
        now: Instant,
        context: &mut Context<D>,
    ) {
        let is_spread = self.registration.is_spread;
        let random = &mut context.random;
        let draw = is_spread.then_some(|bound| random.below(bound));
        let at = now + renewal(self.period(), draw);
        self.arm_request(id, at, context);
    }

    /// Arms the next request for this time, in place of the one before.
    fn arm_request<D: Directory>(
        &mut self,
        id: RegistrantId,
        at: Instant,
        context: &mut Context<D>,
    ) {
        self.disarm_refresh(context);
        let owner = Owner::Registrant(id);
        self.refresh = Some(context.timers.arm(at, TimerKind::Refresh, owner));
    }

    fn disarm_refresh<D: Directory>(&mut self, context: &mut Context<D>) {
        if let Some(key) = self.refresh.take() {
            context.timers.cancel(key);
        }
    }
}

impl fmt::Debug for Registrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registrant")
            .field("registration", &self.registration)
            .field("state", &self.state)
            .field("granted", &self.granted)
            .finish_non_exhaustive()
    }
}

/// One dialogue of a registrant: a REGREQ or a REGREL.
#[derive(Debug)]
pub(super) struct Registering {
    id: RegistrantId,
}

impl Registering {
    /// Where it stands, for who looks on.
    pub(super) fn standing(&self, registrants: &Registrants) -> Standing {
        let registrant = registrants.by_id.get(&self.id);
        match registrant.map(|registrant| registrant.state) {
            Some(State::RegSent) => Standing::RegistrantRegSent,
            Some(State::AuthSent) => Standing::RegistrantAuthSent,
            Some(State::Releasing) => Standing::RegistrantReleasing,
            Some(State::ReleaseAuthSent) => Standing::RegistrantReleaseAuthSent,
            _ => Standing::RegistrantOver,
        }
    }

    /// Sends the opener. From here on the dialogue is the registrant's.
    pub(super) fn begin<D: Directory>(&self, turn: &mut Turn<'_, D>) {
        let local = turn.link.reliable.local();
        if let Some(registrant) = turn.context.registrants.by_id.get_mut(&self.id) {
            registrant.dialogue = Some(local);
            registrant.asked_at = turn.now;
            let command = registrant.command();
            let ies = registrant.elements(command);
            turn.open(command, ies);
        }
    }

    /// A frame of the dialogue.
    pub(super) fn receive<D: Directory>(&self, turn: &mut Turn<'_, D>, frame: &FullFrame<'_>) {
        let Body::Iax { command, ies } = frame.body else {
            return;
        };
        let happening = match command {
            IaxCommand::RegAuth => Happening::RegAuth,
            IaxCommand::RegAck => Happening::RegAck,
            IaxCommand::RegRej | IaxCommand::Reject | IaxCommand::Hangup => Happening::RegRej,
            _ => return,
        };
        self.step(turn, happening, ies);
        if happening != Happening::RegAuth {
            turn.end();
        }
    }

    /// The registrar does not acknowledge, says that there is no such dialogue, or lets it lie.
    pub(super) fn gave_up<D: Directory>(&self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::GaveUp, InformationElements::EMPTY);
        turn.end();
    }

    /// Our REJECT was acknowledged or given up.
    pub(super) const fn finished<D: Directory>(&self, turn: &mut Turn<'_, D>) {
        turn.end();
    }

    /// Follows the table, where this dialogue is still the registrant's.
    fn step<D: Directory>(
        &self,
        turn: &mut Turn<'_, D>,
        happening: Happening,
        ies: InformationElements<'_>,
    ) {
        let id = self.id;
        let Some(mut registrant) = turn.context.registrants.by_id.remove(&id) else {
            return;
        };
        let before = registrant.shown();
        if registrant.dialogue == Some(turn.link.reliable.local()) {
            registrant.follow(id, turn, happening, ies);
        }
        registrant.tell(id, before, turn.context);
        if registrant.state != State::Released {
            turn.context.registrants.by_id.insert(id, registrant);
        }
    }
}

impl Registrant {
    fn follow<D: Directory>(
        &mut self,
        id: RegistrantId,
        turn: &mut Turn<'_, D>,
        happening: Happening,
        ies: InformationElements<'_>,
    ) {
        match happening {
            Happening::RegAuth => self.response = self.answer(ies),
            Happening::RegRej => self.cause = ies.cause_code(),
            Happening::RegAck if self.command() == IaxCommand::RegReq => {
                self.granted = Some(Granted::by(ies));
            }
            _ => {}
        }
        match self.next(happening) {
            Some(Action::Respond) => match self.response.take() {
                Some(response) => {
                    self.asked_at = turn.now;
                    turn.send(self.command(), &response);
                }
                None => self.follow(id, turn, Happening::CannotAnswer, ies),
            },
            Some(Action::Decline) => {
                self.dialogue = None;
                decline(turn);
            }
            Some(Action::Confirm) => {
                self.dialogue = None;
                // The REGACK may be late, and then the registrar's clock is ahead.
                self.arm_refresh(id, self.asked_at, turn.context);
            }
            Some(Action::Forget | Action::End) => self.dialogue = None,
            // These are the endpoint's, and no event of a dialogue leads to them.
            Some(Action::Request | Action::Release) | None => {}
        }
    }
}

/// We cannot answer the challenge (chan_iax2; the RFC would only acknowledge it).
fn decline<D: Directory>(turn: &mut Turn<'_, D>) {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Cause(b"No authority found"))
        .push(InformationElement::CauseCode(
            Cause::FACILITY_NOT_SUBSCRIBED,
        ));
    turn.send_final(IaxCommand::Reject, &ies);
}
