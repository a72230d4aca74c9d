//! Peers and users as rows. They are read beside the workers, one entry after the other, each as it is at its own moment.

use iaxproof::catalog::{Catalog, Entry, EntryStatus, Origin};
use iaxproof::engine::directory::{Directory, Reachability, Role};
use iaxproof::engine::settings::{Host, Settings};
use iaxproof::registry::{Family, Ref};
use iaxproof::time::Instant;

use crate::ctl::protocol::{Peer, User};

type Held<F> = Ref<Entry<F>, F>;

/// All linked peers, by name.
pub(super) fn peers<F: Family>(catalog: &Catalog<F>, now: Instant) -> Vec<Peer> {
    let rows = held(catalog, Role::Peer).into_iter();
    let mut rows: Vec<Peer> = rows
        .filter_map(|entry| peer(catalog, &entry, now))
        .collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

/// All linked users, by name.
pub(super) fn users<F: Family>(catalog: &Catalog<F>) -> Vec<User> {
    let rows = held(catalog, Role::User).into_iter();
    let mut rows: Vec<User> = rows.filter_map(|entry| user(catalog, &entry)).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

/// References to all peers and users, without ours.
pub(super) fn references<F: Family>(catalog: &Catalog<F>) -> usize {
    let of = |role| held(catalog, role).iter().map(others).sum::<usize>();
    of(Role::Peer) + of(Role::User)
}

/// All at once, so that no iterator holds what it stands on while it is counted.
fn held<F: Family>(catalog: &Catalog<F>, role: Role) -> Vec<Held<F>> {
    catalog.entries(role).collect()
}

fn others<F: Family>(entry: &Held<F>) -> usize {
    entry.references().saturating_sub(1)
}

fn peer<F: Family>(catalog: &Catalog<F>, entry: &Held<F>, now: Instant) -> Option<Peer> {
    let status = entry.status();
    let references = others(entry);
    read(catalog, entry, |settings| {
        let (standing, address) = standing(&status, settings, now);
        Peer {
            name: entry.name().as_str().to_owned(),
            address,
            standing: standing.to_owned(),
            expires_seconds: expiry(&status, now),
            qualify: qualify(&status, settings),
            origin: origin(status.origin).to_owned(),
            references,
        }
    })
}

fn user<F: Family>(catalog: &Catalog<F>, entry: &Held<F>) -> Option<User> {
    let status = entry.status();
    let references = others(entry);
    read(catalog, entry, |settings| User {
        name: entry.name().as_str().to_owned(),
        auth: match settings.secrets.is_empty() {
            true => "none".to_owned(),
            false => settings.methods.to_string(),
        },
        context: settings
            .contexts
            .first()
            .map_or("default", |it| it)
            .to_owned(),
        challenged: status.challenged,
        origin: origin(status.origin).to_owned(),
        references,
    })
}

fn read<R, F: Family>(
    catalog: &Catalog<F>,
    entry: &Held<F>,
    read: impl FnOnce(&Settings) -> R,
) -> Option<R> {
    let snapshot = catalog.settings(entry).ok()?;
    catalog.read(&snapshot, read).ok()
}

fn standing(
    status: &EntryStatus,
    settings: &Settings,
    now: Instant,
) -> (&'static str, Option<String>) {
    let Some(contact) = status.contact else {
        let fallback = settings.default_address.map(|address| address.to_string());
        return match settings.host {
            _ if fallback.is_some() => ("default", fallback),
            Host::Nowhere => ("no host", None),
            Host::Dynamic | Host::Fixed(_) => ("unregistered", None),
        };
    };
    let standing = match contact.deadline {
        None => "fixed",
        Some(deadline) if now < deadline => "registered",
        Some(_) => "lapsed",
    };
    (standing, Some(contact.address.to_string()))
}

fn expiry(status: &EntryStatus, now: Instant) -> Option<u64> {
    let deadline = status.contact?.deadline?;
    (now < deadline).then(|| deadline.saturating_since(now).as_secs())
}

fn qualify(status: &EntryStatus, settings: &Settings) -> String {
    match status.reachability {
        _ if settings.qualify.is_none() => "Unmonitored".to_owned(),
        Reachability::Unknown => "UNKNOWN".to_owned(),
        Reachability::Reachable(after) => format!("OK ({} ms)", after.as_millis()),
        Reachability::Lagged(after) => format!("LAGGED ({} ms)", after.as_millis()),
        Reachability::Unreachable => "UNREACHABLE".to_owned(),
    }
}

const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Static => "static",
        Origin::Realtime => "realtime",
    }
}
