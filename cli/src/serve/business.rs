//! What a worker does besides its datagrams: calls are answered, registrations elsewhere kept up, peers qualified. It has neither a socket nor
//! a clock, so that what was recorded of a worker can be done again.

use std::sync::Arc;

use iaxproof::catalog::Catalog;
use iaxproof::config::Registration;
use iaxproof::engine::directory::Role;
use iaxproof::engine::{Endpoint, Event};
use iaxproof::registry::Family;
use iaxproof::time::Instant;

use super::application::Application;
use super::dialplan::Dialplan;
use super::logins::FailedLogins;
use super::registrants::Registrants;

/// An endpoint over the catalog that workers share.
pub(crate) type Served<F> = Endpoint<Arc<Catalog<F>>>;

/// What one worker has to do.
#[derive(Debug)]
pub(crate) struct Business {
    application: Application,
    logins: FailedLogins,
    registrants: Registrants,
    /// The first worker does what one is enough for.
    is_first: bool,
}

impl Business {
    /// Of a worker that has not begun.
    pub(crate) fn new(application: Application, is_first: bool) -> Self {
        Business {
            application,
            logins: FailedLogins::default(),
            registrants: Registrants::default(),
            is_first,
        }
    }

    /// When something is to be played.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.application.due()
    }

    /// What answers calls.
    pub(super) const fn application(&self) -> &Application {
        &self.application
    }

    /// Where the server registers.
    pub(super) const fn registrants(&self) -> &Registrants {
        &self.registrants
    }

    /// Plays what is due, and handles what has happened: `first`, and all that follows. A command may leave events: they are handled in the same
    /// turn. `hear` is told of each.
    pub(crate) fn turn<F: Family>(
        &mut self,
        now: Instant,
        endpoint: &mut Served<F>,
        first: Option<Event>,
        mut hear: impl FnMut(&Event),
    ) {
        self.application.play(now, endpoint);
        let mut next = first.or_else(|| endpoint.poll_event());
        while let Some(event) = next {
            hear(&event);
            self.handle(now, endpoint, event);
            next = endpoint.poll_event();
        }
    }

    /// Calls that come from now on go by this.
    pub(crate) fn follow(&mut self, dialplan: Arc<Dialplan>) {
        self.application.follow(dialplan);
    }

    /// A configuration is in force, and asks for these registrations elsewhere.
    pub(crate) fn reloaded<F: Family>(
        &mut self,
        now: Instant,
        endpoint: &mut Served<F>,
        registrations: Vec<Registration>,
    ) {
        if self.is_first {
            // Names that are there (again) may have brought stored contacts.
            endpoint.adopt();
            self.registrants.apply(now, endpoint, registrations);
        }
        qualify_all(now, endpoint);
    }

    /// Hangs up, and gives up what is registered elsewhere.
    pub(crate) fn stop<F: Family>(&mut self, now: Instant, endpoint: &mut Served<F>) {
        self.application.stop(now, endpoint);
        self.registrants.stop(now, endpoint);
    }

    fn handle<F: Family>(&mut self, now: Instant, endpoint: &mut Served<F>, event: Event) {
        match event {
            Event::Registered {
                name,
                address,
                deadline,
                ..
            } => {
                let seconds = deadline.saturating_since(now).as_secs_f64().round() as u64;
                tracing::info!(?name, %address, seconds, "registered");
            }
            Event::Released { name } => tracing::info!(?name, "unregistered"),
            Event::Expired { name } => tracing::info!(?name, "registration expired"),
            Event::LoginFailed { address, role } => self.logins.note(now, address, role),
            Event::RegistrantChanged { id, state } => self.registrants.note(id, state),
            Event::Reachability { name, reachability } => {
                tracing::info!(?name, ?reachability, "qualified");
            }
            Event::StaleHandle { what } => tracing::error!(what, "a handle had gone stale"),
            event => self.application.handle(now, endpoint, event),
        }
    }
}

/// Has every peer asked whether it is there that is to be, as chan_iax2 does after each load.
fn qualify_all<F: Family>(now: Instant, endpoint: &mut Served<F>) {
    let catalog = Arc::clone(endpoint.directory());
    for peer in catalog.entries(Role::Peer) {
        // Whoever has no contact yet is asked when it registers.
        let _is_asked = endpoint.qualify_own(now, peer);
    }
}
