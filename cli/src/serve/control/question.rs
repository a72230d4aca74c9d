//! What a worker alone knows: its calls, its registrations elsewhere, its figures, and what passes in a call. A [`Question`] goes to every
//! worker, each answers with its [`Part`] in the middle of its other work, and whoever asked joins them.

use std::sync::mpsc::{Sender, SyncSender};

use iaxproof::engine::{CallOverview, RegistrantOverview, RegistrantState};
use iaxproof::registry::Family;
use iaxproof::time::Instant;

use crate::ctl::protocol::{Call, Registration};
use crate::net::taps::Taps;
use crate::net::taps::trace::{Heard, Trace};
use crate::serve::application::Application;
use crate::serve::business::Served;
use crate::serve::reading::Reading;
use crate::serve::registrants::Registrants;

/// What is asked of every worker.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    Calls,
    Registry,
    Reading,
    /// To follow the call of this name: `local#serial`, or `local` alone.
    Trace(String, SyncSender<Heard>),
}

/// What a worker says.
#[derive(Debug)]
pub(crate) enum Part {
    Calls(Vec<Call>),
    Registry(Vec<Registration>),
    Reading(Box<Reading>),
    /// The call, where this worker has it.
    Tracing(Option<Call>),
}

/// A question on its way.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(super) question: Question,
    /// Which worker is asked.
    pub(super) worker: usize,
    pub(super) reply: Sender<Part>,
}

/// What may be told of a worker.
pub(crate) struct Insight<'a, F: Family> {
    pub(crate) now: Instant,
    pub(crate) endpoint: &'a Served<F>,
    /// Whether it is recorded what the endpoint is given.
    pub(crate) is_recorded: bool,
    pub(crate) taps: &'a mut Taps,
    pub(crate) application: &'a Application,
    pub(crate) registrants: &'a Registrants,
    pub(crate) reading: &'a Reading,
}

impl<F: Family> Insight<'_, F> {
    /// Answers. Who asked may not have waited.
    pub(crate) fn answer(&mut self, ask: Ask) {
        let Ask {
            question,
            worker,
            reply,
        } = ask;
        let part = match question {
            Question::Calls => Part::Calls(self.calls(worker)),
            Question::Registry => Part::Registry(self.registry(worker)),
            Question::Reading => Part::Reading(Box::new(self.reading())),
            Question::Trace(call, to) => Part::Tracing(self.trace(worker, &call, to)),
        };
        let _ = reply.send(part);
    }

    fn calls(&self, worker: usize) -> Vec<Call> {
        let calls = self.endpoint.calls();
        calls.map(|call| self.call(worker, &call)).collect()
    }

    fn call(&self, worker: usize, it: &CallOverview) -> Call {
        let other = it.bridged.or_else(|| self.application.other_leg(it.call));
        Call {
            worker,
            call: it.call.to_string(),
            peer: it.remote.to_string(),
            name: it.name.as_ref().map(|name| name.as_str().to_owned()),
            number: it.number.clone(),
            direction: if it.is_outgoing { "out" } else { "in" }.to_owned(),
            format: it.format.map(|format| format.to_string()),
            seconds: self.now.saturating_since(it.began).as_secs(),
            state: it.standing.name().trim_start_matches("call ").to_owned(),
            is_encrypted: it.is_encrypted,
            bridged: other.map(|other| other.to_string()),
        }
    }

    fn registry(&self, worker: usize) -> Vec<Registration> {
        let ids = self.registrants.ids();
        let all = ids.filter_map(|id| self.endpoint.registrant(id));
        all.map(|it| self.registration(worker, &it)).collect()
    }

    fn registration(&self, worker: usize, it: &RegistrantOverview) -> Registration {
        let perceived = match it.state {
            RegistrantState::Registered { apparent, .. } => apparent,
            _ => None,
        };
        let next = it.next.map(|next| next.saturating_since(self.now));
        Registration {
            worker,
            host: it.registrar.to_string(),
            username: it.username.as_str().to_owned(),
            perceived: perceived.map(|address| address.to_string()),
            refresh_seconds: it.period.as_secs(),
            next_seconds: next.map(|next| next.as_secs()),
            state: state(it.state),
        }
    }

    fn reading(&self) -> Reading {
        let mut reading = self.reading.clone();
        reading.take(&self.endpoint.counts());
        reading.workers_recorded = u64::from(self.is_recorded);
        reading
    }

    fn trace(&mut self, worker: usize, name: &str, to: SyncSender<Heard>) -> Option<Call> {
        let is_it = |call: &CallOverview| {
            let call = call.call;
            name == call.to_string() || name == call.local().to_string()
        };
        let found = self.endpoint.calls().find(is_it)?;
        let theirs = (found.remote, found.theirs);
        self.taps.follow(Trace::new(found.call, theirs, to));
        Some(self.call(worker, &found))
    }
}

/// chan_iax2's words.
fn state(state: RegistrantState) -> String {
    match state {
        RegistrantState::Unregistered => "Unregistered".to_owned(),
        RegistrantState::RegSent => "Request Sent".to_owned(),
        RegistrantState::AuthSent => "Auth. Sent".to_owned(),
        RegistrantState::Registered { .. } => "Registered".to_owned(),
        RegistrantState::Releasing => "Releasing".to_owned(),
        RegistrantState::NoAuth => "No Authentication".to_owned(),
        RegistrantState::Rejected(Some(cause)) => format!("Rejected ({cause})"),
        RegistrantState::Rejected(None) => "Rejected".to_owned(),
        RegistrantState::Timeout => "Timeout".to_owned(),
    }
}
