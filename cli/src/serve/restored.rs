//! Registrations that a former process stored: they are handed to the catalog before the first configuration, which links
//! the names.

use iaxproof::catalog::{Catalog, Write};
use iaxproof::engine::directory::{Generation, Role};
use iaxproof::engine::settings::Name;
use iaxproof::registry::Family;

use crate::clock::Clock;
use crate::error::Error;
use crate::record::Tape;
use crate::record::input::Input;
use crate::store::{Registration, Store};

/// Hands over all that is stored.
///
/// # Errors
///
/// [`Error::Broke`] where the database cannot be read: to serve without it would forget what was acknowledged.
pub(super) fn restore<F: Family>(
    store: &mut Store,
    catalog: &Catalog<F>,
    clock: &Clock,
    tape: &mut Tape,
) -> Result<(), Error> {
    let kept = store.registrations();
    let kept =
        kept.map_err(|error| Error::Broke(format!("registrations cannot be read: {error}")))?;
    tracing::info!(registrations = kept.len(), "the database is open");
    for registration in kept {
        if let Some(write) = write(&registration, clock) {
            let now = clock.now();
            tape.begin(|| {
                let write = write.clone();
                Input::Restored { write, now }
            });
            catalog.restore(write, now);
            tape.end();
        }
    }
    Ok(())
}

/// What was written, on this process's clock. A name that cannot be one was not written by us.
fn write(registration: &Registration, clock: &Clock) -> Option<Write> {
    Some(Write {
        name: Name::new(&registration.name)?,
        generation: Generation(registration.generation),
        contact: registration.place(clock),
    })
}

/// Says which peers of the configuration have a stored contact now.
pub(super) fn report<F: Family>(catalog: &Catalog<F>, clock: &Clock) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    for entry in catalog.entries(Role::Peer) {
        let contact = entry.status().contact;
        if let Some((contact, deadline)) = contact.and_then(|c| Some((c.address, c.deadline?))) {
            let (name, until) = (entry.name(), clock.unix_millis_of(deadline));
            tracing::debug!(?name, %contact, until, "stored registration");
        }
    }
}
