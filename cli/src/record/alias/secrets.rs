//! Which alias is whose.

use std::collections::BTreeMap;

use iaxproof::engine::settings::Secret;

/// Secrets that one name had, the newest first; an older one is wrong anyway.
const OF_NAME_MAX: usize = 8;

/// All secrets that were seen.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    aliases: BTreeMap<Box<[u8]>, Secret>,
    of_name: BTreeMap<String, Vec<Secret>>,
}

impl Secrets {
    /// The alias of a secret that is under this name.
    pub(super) fn learn(&mut self, name: &str, secret: &Secret) -> Secret {
        let of_name = self.of_name.entry(name.to_owned()).or_default();
        if !of_name.contains(secret) {
            of_name.truncate(OF_NAME_MAX - 1);
            of_name.insert(0, secret.clone());
        }
        let next = self.aliases.len() + 1;
        let alias = self.aliases.entry(secret.expose().into());
        alias.or_insert_with(|| alias_of(secret, next)).clone()
    }

    /// The secrets of a name, each with its alias.
    pub(super) fn of(&self, name: &[u8]) -> impl Iterator<Item = (&Secret, &Secret)> {
        let name = core::str::from_utf8(name).ok();
        let secrets = name.and_then(|name| self.of_name.get(name));
        let secrets = secrets.into_iter().flatten();
        secrets.filter_map(|it| Some((it, self.aliases.get(it.expose())?)))
    }

    /// All secrets, each with its alias.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Secret, &Secret)> {
        let secrets = self.of_name.values().flatten();
        secrets.filter_map(|it| Some((it, self.aliases.get(it.expose())?)))
    }
}

/// A secret that is empty stays so: a login without a word proves it.
fn alias_of(secret: &Secret, number: usize) -> Secret {
    match secret.expose() {
        [] => secret.clone(),
        _ => Secret::new(&format!("alias-{number}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_secrets_have_one_alias_whoever_has_them() {
        let mut secrets = Secrets::default();
        let mut learn = |name, secret| secrets.learn(name, &Secret::new(secret));
        let first = learn("ann", "wonder");
        assert_eq!(learn("bob", "wonder"), first);
        assert_ne!(learn("ann", "other"), first);
        assert_eq!(learn("ann", "wonder"), first);
        assert_eq!(learn("ann", ""), Secret::new(""));
        assert_eq!(secrets.of(b"ann").count(), 3);
        assert_eq!(secrets.of(b"nobody").count(), 0);
        (0..99).for_each(|it| drop(secrets.learn("ann", &Secret::new(&it.to_string()))));
        assert_eq!(secrets.of(b"ann").count(), OF_NAME_MAX);
        let newest = secrets.of(b"ann").next().unwrap().0;
        assert_eq!(*newest, Secret::new("98"));
    }
}
