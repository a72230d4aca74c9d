//! Who the peers are: name and secret of each are a function of its number, so that the configuration that is written, and the
//! registrations that come later, need no list in common. Everybody can know them.

use iaxproof::engine::settings::Secret;

/// The most peers.
pub(super) const PEERS_MAX: u32 = 1_000_000;
/// The user as whom the one call listens.
pub(super) const LISTENER: &str = "hammer-listener";
/// Its secret.
pub(super) const LISTENER_SECRET: &str = "known-to-everybody";

/// The name of a peer, by its number from 1.
pub(super) fn name(number: u32) -> String {
    format!("hammer-{number:05}")
}

/// Its secret, as text.
pub(super) fn secret_text(number: u32) -> String {
    format!("known-to-everybody-{number:05}")
}

/// Its secret.
pub(super) fn secret(number: u32) -> Secret {
    Secret::new(&secret_text(number))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iaxproof::engine::settings::Name;

    use super::*;

    #[test]
    fn each_number_has_a_name_and_a_secret_of_its_own() {
        let numbers = [1, 2, 99_999, 100_000, PEERS_MAX];
        let names: BTreeSet<String> = numbers.into_iter().map(name).collect();
        let secrets: BTreeSet<String> = numbers.into_iter().map(secret_text).collect();
        assert_eq!((names.len(), secrets.len()), (5, 5));
        assert!(names.iter().all(|name| Name::new(name).is_some()));
        assert_eq!(name(7), "hammer-00007");
    }
}
