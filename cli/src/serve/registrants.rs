//! Where the server itself registers: the lines `register =>` of the configuration in force.

use iaxproof::config::{self, Remote};
use iaxproof::engine::directory::Directory;
use iaxproof::engine::settings::Name;
use iaxproof::engine::{Endpoint, RegistrantId, RegistrantState, Registration};
use iaxproof::time::Instant;

/// The registrations that are kept up, as they were read.
#[derive(Debug, Default)]
pub(super) struct Registrants(Vec<(RegistrantId, config::Registration)>);

impl Registrants {
    /// Keeps up what a configuration asks for: begins what is new and gives up what is gone. What stays is not touched.
    pub(super) fn apply<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        mut wanted: Vec<config::Registration>,
    ) {
        let known = core::mem::take(&mut self.0);
        for (id, registration) in known {
            match wanted.iter().position(|it| is_same(it, &registration)) {
                Some(place) => self.0.push((id, wanted.swap_remove(place))),
                None => give_up(now, endpoint, id),
            }
        }
        for registration in wanted {
            self.begin(now, endpoint, registration);
        }
    }

    /// Gives all up.
    pub(super) fn stop<D: Directory>(&mut self, now: Instant, endpoint: &mut Endpoint<D>) {
        for (id, _) in core::mem::take(&mut self.0) {
            give_up(now, endpoint, id);
        }
    }

    /// Names of those that are kept up.
    pub(super) fn ids(&self) -> impl Iterator<Item = RegistrantId> {
        self.0.iter().map(|(id, _)| *id)
    }

    /// A registration is in another state.
    pub(super) fn note(&self, id: RegistrantId, state: RegistrantState) {
        let mut known = self.0.iter().filter(|(known, _)| *known == id);
        let Some((_, registration)) = known.next() else {
            return;
        };
        let (user, place) = (&registration.username, &registration.place);
        match state {
            RegistrantState::NoAuth | RegistrantState::Rejected(_) | RegistrantState::Timeout => {
                tracing::warn!(?user, %place, ?state, "our registration");
            }
            RegistrantState::Registered { .. } => {
                tracing::info!(?user, %place, ?state, "our registration");
            }
            _ => tracing::debug!(?user, %place, ?state, "our registration"),
        }
    }

    fn begin<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        wanted: config::Registration,
    ) {
        let place = &wanted.place;
        let (Remote::Address(registrar), Some(username)) =
            (&wanted.remote, Name::new(&wanted.username))
        else {
            tracing::warn!(%place, "the registrar has no address: nothing is registered until a reload finds one");
            return;
        };
        let registration = Registration {
            secrets: wanted.secret.iter().cloned().collect(),
            ..Registration::new(*registrar, username)
        };
        match endpoint.register(now, registration) {
            Ok(id) => self.0.push((id, wanted)),
            Err(error) => tracing::warn!(%place, %error, "not registered"),
        }
    }
}

/// Whether two lines, wherever they stand, ask for the same.
fn is_same(a: &config::Registration, b: &config::Registration) -> bool {
    a.username == b.username && a.secret == b.secret && a.remote == b.remote
}

fn give_up<D: Directory>(now: Instant, endpoint: &mut Endpoint<D>, id: RegistrantId) {
    if let Err(error) = endpoint.unregister(now, id) {
        tracing::debug!(%error, "a registration was gone already");
    }
}
