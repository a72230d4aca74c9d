//! A row of `iaxpeers` or `iaxusers`, by the names of its columns, and the settings that it stands for.

use core::fmt;

use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Host, Name, Secret, Settings};
use rusqlite::Row;
use rusqlite::types::ValueRef;

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
    /// All that is not null.
    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let names = row.as_ref().column_names();
        let mut columns = Vec::new();
        for (index, column) in names.into_iter().enumerate() {
            if let Some(text) = text(row.get_ref(index)?) {
                columns.push((column.to_ascii_lowercase(), text));
            }
        }
        Ok(Columns(columns))
    }

    fn find(&self, column: &str) -> Option<&str> {
        let mut columns = self.0.iter();
        let (_, value) = columns.find(|(name, _)| name == column)?;
        Some(value)
    }

    /// The settings; `None` where `type` says that the row is of the other role (chan_iax2 discards it likewise).
    ///
    /// # Errors
    ///
    /// In words, where a column says something that cannot be obeyed.
    pub(crate) fn settings(&self, role: Role) -> Result<Option<Settings>, String> {
        let is_of_role = matches!(
            (self.find("type"), role),
            (Some("friend"), _) | (Some("peer"), Role::Peer) | (Some("user"), Role::User)
        );
        let name = self.find("name").and_then(Name::new);
        let Some(name) = name.filter(|_| is_of_role) else {
            return Ok(None);
        };
        let mut settings = Settings::new(role, name);
        if let Some(secret) = self.find("secret").filter(|secret| !secret.is_empty()) {
            settings.secrets = secret.split(';').map(Secret::new).collect();
        }
        settings.host = match self.find("host") {
            None | Some("" | "dynamic") => Host::Dynamic,
            Some(host) => return Err(format!("host {host:?} is not dynamic")),
        };
        if let Some(context) = self.find("context").filter(|context| !context.is_empty()) {
            settings.contexts = vec![context.to_owned()];
        }
        Ok(Some(settings))
    }
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            Some(String::from_utf8_lossy(text).into_owned())
        }
    }
}
