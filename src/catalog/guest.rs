//! As whom one calls who names nobody (chan_iax2): as a user without a secret whose access list admits the address, before all as one
//! that has such a list.
//!
//! # Deviations
//!
//! - chan_iax2 also takes a user with a secret where there is none without, and challenges; the caller learns its name by that.
//!   Here such a caller is refused (X-CALL-4).
//! - chan_iax2 walks all users for every such call. Here it is the first [`GUESTS_MAX`] of the file that qualify, in the file's
//!   order, where chan_iax2's is that of its hash; and rows of a database are not among them.

use core::net::IpAddr;

use super::Catalog;
use super::entry::Entry;
use crate::engine::directory::Role;
use crate::engine::settings::{Encryption, Name, Settings};
use crate::registry::{Family, Ref};

/// Users that are looked at for one call.
pub(super) const GUESTS_MAX: usize = 64;

/// The users of a configuration that may call without their name.
pub(super) fn names(entries: &[Settings]) -> Vec<Name> {
    let guests = entries.iter().filter(|settings| is_guest(settings));
    let names = guests.map(|settings| settings.name.clone());
    names.take(GUESTS_MAX).collect()
}

/// Whether a user may call without its name: where encryption is forced, it cannot call at all without a secret.
fn is_guest(settings: &Settings) -> bool {
    let is_open = settings.secrets.is_empty() && settings.encryption != Encryption::Forced;
    settings.role == Role::User && is_open
}

/// How well a user fits an address; `None` where it does not.
fn fit(settings: &Settings, ip: IpAddr) -> Option<u8> {
    let is_fit = is_guest(settings) && settings.access.allows(ip);
    is_fit.then(|| u8::from(!settings.access.0.is_empty()))
}

impl<F: Family> Catalog<F> {
    /// The guest that fits the address best; of several, the first.
    #[track_caller]
    pub(super) fn guest_at(&self, ip: IpAddr) -> Option<Ref<Entry<F>, F>> {
        let names = F::lock(&self.accepted).guests.clone();
        let mut best = None;
        for name in names {
            // A reload may be under way: what counts is what the entry says now.
            let Some(user) = self.users.find(name.as_str()) else {
                continue;
            };
            let fit = user
                .settings()
                .and_then(|settings| fit(settings.settings(), ip));
            match (fit, &best) {
                (Some(1), _) => return Some(user),
                (Some(fit), None) => best = Some((fit, user)),
                _ => {}
            }
        }
        best.map(|(_, user)| user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::settings::Secret;

    /// In the middle of a reload an entry may be newer than the list of names.
    #[test]
    fn a_user_that_has_a_secret_by_now_fits_no_address() {
        let name = Name::new("guest").expect("a name of the test");
        let open = Settings::new(Role::User, name);
        let ip = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(fit(&open, ip), Some(0));
        let locked = Settings {
            secrets: vec![Secret::new("wonder")],
            ..open
        };
        assert_eq!(fit(&locked, ip), None);
    }
}
