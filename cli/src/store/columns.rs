//! A row of `iaxpeers` or `iaxusers`, and the settings that it stands for: each column is an option of `iax.conf`, read by the
//! same rules.
//!
//! # Deviations
//!
//! - What `[general]` says to entries that are silent (`auth`, `encryption` and their like) the catalog says to rows when it links
//!   them. But `allow` and `disallow` of a row begin with the formats that are built in, and its `forceencryption=no` does not lift what
//!   `[general]` forces.
//! - A host that is a name is not looked up: the thread that reads rows waits for the database alone.

use core::fmt;

use iaxproof::config::{self, NoFiles, Source};
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Name, Settings};

/// Columns that are no options: who the row is about, and what is written by whoever registers it.
const NO_OPTIONS: [&str; 5] = ["id", "name", "ipaddr", "regseconds", "regserver"];

/// The columns that hold something, in the order of the table. Never printed: one of them is the secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Columns(Vec<(String, String)>);

impl fmt::Debug for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(column, _)| column);
        f.debug_list().entries(names).finish()
    }
}

impl Columns {
    /// What a row has, in the order of its table.
    pub(super) fn of(columns: Vec<(String, String)>) -> Self {
        let filled = columns.into_iter().filter(|(_, text)| !text.is_empty());
        Columns(
            filled
                .map(|(column, text)| (column.to_ascii_lowercase(), text))
                .collect(),
        )
    }

    fn find(&self, column: &str) -> Option<&str> {
        let mut columns = self.0.iter();
        let (_, value) = columns.find(|(name, _)| name == column)?;
        Some(value)
    }

    /// The settings; `None` where `type` says that the row is of the other role, or of none (chan_iax2 discards it likewise).
    ///
    /// # Errors
    ///
    /// In words, where a column says something that cannot be obeyed.
    pub(crate) fn settings(&self, role: Role) -> Result<Option<Settings>, String> {
        let Some(name) = self.find("name").and_then(Name::new) else {
            return Ok(None);
        };
        if self.find("type").is_none() {
            return Ok(None);
        }
        let source = Source {
            name: "row".to_owned(),
            octets: self.section()?.into_bytes(),
        };
        let parsed = config::read(source, &NoFiles).map_err(|refusal| refusal.to_string())?;
        if !parsed.unresolved.is_empty() {
            return Err("host is a name: dynamic or an address is wanted".to_owned());
        }
        let mut entries = parsed.configuration.entries.into_iter();
        let entry = entries.find(|entry| entry.role == role);
        Ok(entry.map(|entry| Settings { name, ..entry }))
    }

    /// The row as a section. The name stands apart: it may hold what a header cannot.
    fn section(&self) -> Result<String, String> {
        let mut section = "[row]\n".to_owned();
        for (column, value) in &self.0 {
            if value.contains(['\n', '\r']) {
                return Err(format!("{column}: more than one line"));
            }
            if self.is_option(column) {
                section += &format!("{column} = {}\n", value.replace(';', "\\;"));
            }
        }
        Ok(section)
    }

    /// `port` is where the peer registered, unless it is somewhere for good.
    fn is_option(&self, column: &str) -> bool {
        let is_dynamic = self.find("host").is_none_or(|host| host == "dynamic");
        let is_written_here = NO_OPTIONS.contains(&column) || (column == "port" && is_dynamic);
        !is_written_here
    }
}

#[cfg(test)]
mod tests {
    use iaxproof::engine::settings::{Host, Secret};

    use super::*;

    fn columns(list: &[(&str, &str)]) -> Columns {
        let owned = list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Columns(owned.collect())
    }

    #[test]
    fn columns_are_options_and_the_name_is_exact() {
        let row = columns(&[
            ("id", "7"),
            ("name", "ann]; \u{e9}"),
            ("type", "friend"),
            ("secret", "a;b"),
            ("host", "dynamic"),
            ("ipaddr", "192.0.2.1"),
            ("port", "4570"),
            ("regseconds", "1700000000"),
            ("context", "office"),
            ("qualify", "yes"),
        ]);
        let peer = row.settings(Role::Peer).unwrap().unwrap();
        assert_eq!(peer.name.as_str(), "ann]; \u{e9}");
        assert_eq!((peer.host, peer.default_address), (Host::Dynamic, None));
        assert!(peer.qualify.is_some());
        let user = row.settings(Role::User).unwrap().unwrap();
        assert_eq!(user.secrets, ["a", "b"].map(Secret::new));
        assert_eq!(user.contexts, ["office"]);
    }

    #[test]
    fn a_fixed_host_has_its_port() {
        let row = [
            ("name", "b"),
            ("type", "peer"),
            ("host", "192.0.2.9"),
            ("port", "5036"),
        ];
        let peer = columns(&row).settings(Role::Peer).unwrap().unwrap();
        assert_eq!(peer.host, Host::Fixed("192.0.2.9:5036".parse().unwrap()));
    }

    #[test]
    fn a_row_of_the_other_role_or_of_none_is_no_row() {
        let user = columns(&[("name", "ann"), ("type", "user")]);
        assert_eq!(user.settings(Role::Peer), Ok(None));
        assert!(user.settings(Role::User).unwrap().is_some());
        assert_eq!(columns(&[("name", "ann")]).settings(Role::Peer), Ok(None));
    }

    #[test]
    fn what_cannot_be_obeyed_is_an_error_without_the_secret() {
        for bad in [
            ("permit", "nonsense"),
            ("host", "pbx.example"),
            ("secret", "x\ny"),
        ] {
            let row = columns(&[("name", "ann"), ("type", "friend"), bad]);
            let why = row.settings(Role::Peer).unwrap_err();
            assert!(!why.contains('x') || bad.0 != "secret", "{why}");
        }
    }
}
