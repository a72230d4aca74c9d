//! A configuration for people and for programs: options with their outcomes, then who is in it. Secrets are counted, not shown.

use std::fmt::Write;

use iaxproof::config::{Found, HostName, Outcome, Parsed, Refusal, Remote};
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Encryption, Host, Settings};
use serde_json::{Value, json};

use crate::table::{Align, Table};

/// An accepted configuration: tables, or one line of JSON.
pub(super) fn accepted(parsed: &Parsed, json: bool) -> String {
    match json {
        true => format!("{}\n", object(parsed)),
        false => tables(parsed),
    }
}

/// A refused configuration, as JSON.
pub(super) fn refused(refusal: &Refusal) -> Value {
    let errors = refusal.0.iter().map(|error| {
        json!({
            "file": error.place.file,
            "line": error.place.line,
            "problem": error.problem.to_string(),
        })
    });
    json!({ "verdict": "refused", "errors": errors.collect::<Vec<_>>() })
}

fn tables(parsed: &Parsed) -> String {
    let mut text = String::new();
    if !parsed.options.is_empty() {
        text += &format!("{}\n", options(&parsed.options));
    }
    let entries = entries(parsed);
    if !entries.is_empty() {
        text += &format!("{}\n", entry_table(&entries));
    }
    for registration in &parsed.registrations {
        let host = match &registration.remote {
            Remote::Address(address) => address.to_string(),
            Remote::Name(host) => host_name(host),
        };
        let user = registration.username.escape_debug();
        let place = &registration.place;
        let _ = writeln!(text, "registers as {user} with {host} ({place})");
    }
    text += &summary(parsed, &entries);
    text
}

fn options(found: &[Found]) -> Table {
    let mut table = Table::new([
        ("line", Align::Left),
        ("option", Align::Left),
        ("entries", Align::Right),
        ("what became of it", Align::Left),
    ]);
    for found in found {
        table.push([
            found.place.to_string(),
            found.option.escape_debug().to_string(),
            match found.entries {
                0 => String::new(),
                entries => entries.to_string(),
            },
            found.outcome.to_string(),
        ]);
    }
    table
}

/// An entry, and the name of its host where that is not looked up yet.
type Entry<'a> = (&'a Settings, Option<&'a HostName>);

fn entries(parsed: &Parsed) -> Vec<Entry<'_>> {
    let known = parsed.configuration.entries.iter();
    let unresolved = parsed.unresolved.iter();
    let unresolved = unresolved.map(|peer| (&peer.settings, Some(&peer.host)));
    known.map(|entry| (entry, None)).chain(unresolved).collect()
}

fn entry_table(entries: &[Entry<'_>]) -> Table {
    let mut table = Table::new([
        ("entry", Align::Left),
        ("name", Align::Left),
        ("host", Align::Left),
        ("secrets", Align::Right),
        ("methods", Align::Left),
        ("encrypted", Align::Left),
        ("formats", Align::Left),
    ]);
    for entry @ (settings, _) in entries {
        table.push([
            role(settings.role).to_owned(),
            settings.name.as_str().escape_debug().to_string(),
            host(entry),
            settings.secrets.len().to_string(),
            settings.methods.to_string(),
            encryption(settings.encryption).to_owned(),
            formats(settings),
        ]);
    }
    table
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Peer => "peer",
        Role::User => "user",
    }
}

fn host((settings, named): &Entry<'_>) -> String {
    match (settings.role, settings.host, named) {
        (_, _, Some(host)) => host_name(host),
        (Role::User, ..) => String::new(),
        (Role::Peer, Host::Dynamic, None) => "registers".to_owned(),
        (Role::Peer, Host::Fixed(address), None) => address.to_string(),
        (Role::Peer, Host::Nowhere, None) => "nowhere".to_owned(),
    }
}

fn host_name(host: &HostName) -> String {
    format!("{}:{}, to be looked up", host.name, host.port)
}

fn encryption(encryption: Encryption) -> &'static str {
    match encryption {
        Encryption::Off => "no",
        Encryption::Offered => "offered",
        Encryption::Forced => "forced",
    }
}

/// The most wanted first; as everybody where the entry has none of its own.
fn formats(settings: &Settings) -> String {
    if settings.capability.is_empty() {
        return "as general".to_owned();
    }
    let names = settings.preferences.iter().map(ToString::to_string);
    let names: Vec<String> = names.collect();
    match names.is_empty() {
        true => settings.capability.to_string(),
        false => names.join(","),
    }
}

fn summary(parsed: &Parsed, entries: &[Entry<'_>]) -> String {
    let of = |role| {
        entries
            .iter()
            .filter(|(entry, _)| entry.role == role)
            .count()
    };
    let words = |words: &[&str]| {
        let words = |found: &&Found| words.contains(&found.outcome.word());
        parsed.options.iter().filter(words).count()
    };
    let partly = match words(&["partly"]) {
        0 => String::new(),
        partly => format!(" ({partly} of them in part)"),
    };
    format!(
        "accepted: peers {}, users {}, registrations {}; options that work {}{partly}, carried {}, without effect {}\n",
        of(Role::Peer),
        of(Role::User),
        parsed.registrations.len(),
        words(&["works", "partly"]),
        words(&["carried"]),
        words(&["ignored", "unused"]),
    )
}

fn object(parsed: &Parsed) -> Value {
    let options: Vec<Value> = parsed.options.iter().map(option_object).collect();
    let entries = entries(parsed);
    let entries: Vec<Value> = entries.iter().map(entry_object).collect();
    let registrations = parsed.registrations.iter().map(|registration| {
        let remote = match &registration.remote {
            Remote::Address(address) => address.to_string(),
            Remote::Name(host) => format!("{}:{}", host.name, host.port),
        };
        json!({ "username": registration.username, "remote": remote })
    });
    let bind = parsed.serving.bind.iter().map(ToString::to_string);
    json!({
        "verdict": "accepted",
        "bind": bind.collect::<Vec<_>>(),
        "options": options,
        "entries": entries,
        "registrations": registrations.collect::<Vec<_>>(),
    })
}

fn option_object(found: &Found) -> Value {
    let why = match found.outcome {
        Outcome::Works => None,
        outcome => Some(outcome.to_string()),
    };
    json!({
        "file": found.place.file,
        "line": found.place.line,
        "option": found.option,
        "outcome": found.outcome.word(),
        "why": why,
        "entries": found.entries,
    })
}

fn entry_object(entry: &Entry<'_>) -> Value {
    let (settings, _) = entry;
    json!({
        "role": role(settings.role),
        "name": settings.name.as_str(),
        "host": host(entry),
        "secrets": settings.secrets.len(),
        "methods": settings.methods.to_string(),
        "encryption": encryption(settings.encryption),
        "formats": formats(settings),
    })
}
