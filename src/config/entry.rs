//! A section of a peer or a user, option by option (chan_iax2: `build_peer`, `build_user`).

use super::codecs::Codecs;
use super::error::Problem;
use super::found::Outcome;
use super::general::{
    GeneralSection, KEYS_NOT_ROTATED, auth_requests, partly_without_rsa, with_encryption,
    with_force,
};
use super::registration::{HostName, Remote};
use super::value::{self, Expected, PORT};
use crate::engine::directory::Role;
use crate::engine::settings::{CallerId, Host, Name, Qualify, Settings};

/// The roles of `type`: a `friend` is one of each.
pub(super) fn roles(kind: &str) -> Result<&'static [Role], Expected> {
    match kind.to_ascii_lowercase().as_str() {
        "peer" => Ok(&[Role::Peer]),
        "user" => Ok(&[Role::User]),
        "friend" => Ok(&[Role::Peer, Role::User]),
        _ => Err("user, peer or friend"),
    }
}

/// An entry whose section is being read.
#[derive(Debug)]
pub(super) struct EntrySection {
    settings: Settings,
    codecs: Codecs,
    has_codecs: bool,
    qualify: Qualify,
    is_qualified: bool,
    host: Option<String>,
    default_ip: Option<String>,
    port: u16,
    /// What guards the entry and is not supported.
    guard: Option<&'static str>,
}

/// An entry as its section says; its host may be a name.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) settings: Settings,
    pub(super) host: Option<HostName>,
}

impl EntrySection {
    /// What `[general]` says of entries that say nothing.
    pub(super) fn new(role: Role, name: Name, section: &GeneralSection) -> Self {
        let defaults = section.general.defaults.clone();
        EntrySection {
            settings: Settings {
                methods: defaults.methods,
                encryption: defaults.encryption,
                transfer: defaults.transfer,
                call_token: defaults.call_token,
                codec_priority: defaults.codec_priority,
                auth_requests_max: defaults.auth_requests_max,
                language: defaults.language,
                carried: section.carried.clone(),
                host: Host::Nowhere,
                ..Settings::new(role, name)
            },
            codecs: section.codecs.clone(),
            has_codecs: false,
            qualify: Qualify::default(),
            is_qualified: false,
            host: None,
            default_ip: None,
            port: PORT,
            guard: None,
        }
    }

    /// Takes one option; its name is in lower case.
    pub(super) fn set(&mut self, option: &str, value: &str) -> Result<Outcome, Expected> {
        self.note_said(option, value)?;
        if let Some(outcome) = self.set_login(option, value)? {
            return Ok(outcome);
        }
        let is_mine = self.set_common(option, value)?
            || match self.settings.role {
                Role::Peer => self.set_peer(option, value)? || self.set_qualify(option, value)?,
                Role::User => self.set_user(option, value)?,
            };
        match is_mine {
            true => Ok(Outcome::Works),
            false => Ok(self.set_other(option, value)),
        }
    }

    /// Notes of which defaults the section says something.
    fn note_said(&mut self, option: &str, value: &str) -> Result<(), Expected> {
        let is_user = self.settings.role == Role::User;
        let said = &mut self.settings.said;
        match option {
            "auth" => said.methods = true,
            "encryption" => said.encryption = with_encryption(said.encryption, value)?,
            "forceencryption" => said.encryption = with_force(said.encryption, value)?,
            "transfer" => said.transfer = true,
            "requirecalltoken" => said.call_token = true,
            "language" => said.language = true,
            "codecpriority" if is_user => said.codec_priority = true,
            "maxauthreq" if is_user => said.auth_requests_max = true,
            _ => {}
        }
        Ok(())
    }

    /// What says who it is.
    fn set_login(&mut self, option: &str, value: &str) -> Result<Option<Outcome>, Expected> {
        Ok(Some(match option {
            "secret" => {
                let secrets = value::secrets(value)?;
                if self.settings.role == Role::Peer {
                    self.settings.secrets.clear();
                }
                self.settings.secrets.extend(secrets);
                Outcome::Works
            }
            "auth" => {
                let (methods, has_rsa) = value::methods(value)?;
                self.settings.methods = methods;
                partly_without_rsa(has_rsa)
            }
            "inkeys" => self.guarded_by("inkeys", value, "RSA is not supported"),
            "outkey" => Outcome::NotSupported("RSA is not supported"),
            "dbsecret" => self.guarded_by("dbsecret", value, "there is no astdb: `secret` counts"),
            // An unknown list cannot be kept, and nobody is to come in because of that.
            "acl" => return Err("permit and deny instead, for named lists are not supported"),
            _ => return Ok(None),
        }))
    }

    fn guarded_by(&mut self, option: &'static str, value: &str, why: &'static str) -> Outcome {
        if !value.is_empty() {
            self.guard = Some(option);
        }
        Outcome::NotSupported(why)
    }

    fn set_common(&mut self, option: &str, value: &str) -> Result<bool, Expected> {
        let settings = &mut self.settings;
        match option {
            "type" => {}
            "encryption" => settings.encryption = with_encryption(settings.encryption, value)?,
            "forceencryption" => settings.encryption = with_force(settings.encryption, value)?,
            "permit" => settings.access.0.extend(value::rules(value, true)?),
            "deny" => settings.access.0.extend(value::rules(value, false)?),
            "trunk" => settings.trunk = value::flag(value)?,
            "transfer" => settings.transfer = value::transfer(value)?,
            "requirecalltoken" => settings.call_token = value::call_token(value)?,
            "language" => settings.language = value::text(value)?,
            "callerid" => settings.caller_id = caller_id(value)?,
            "fullname" => self.caller_id().name = value::text(value)?,
            "cid_number" => self.caller_id().number = value::text(value)?,
            "allow" | "disallow" => self.set_codecs(option, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_codecs(&mut self, option: &str, value: &str) -> Result<(), Expected> {
        self.has_codecs = true;
        match option {
            "allow" => self.codecs.allow(value),
            _ => self.codecs.disallow(value),
        }
    }

    fn set_user(&mut self, option: &str, value: &str) -> Result<bool, Expected> {
        match option {
            "context" => self.settings.contexts.push(value::text(value)?),
            "maxauthreq" => self.settings.auth_requests_max = auth_requests(value)?,
            "codecpriority" => self.settings.codec_priority = value::codec_priority(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_peer(&mut self, option: &str, value: &str) -> Result<bool, Expected> {
        match option {
            "context" => self.settings.contexts = vec![value::text(value)?],
            "username" => self.settings.username = Some(value::text(value)?),
            "maxcallnumbers" => self.settings.dialogues_per_ip_max = Some(value::dialogues(value)?),
            "port" => self.port = value::port(value)?,
            "host" => {
                let is_dynamic = value.eq_ignore_ascii_case("dynamic");
                if !is_dynamic && Remote::read(value, PORT).is_none() {
                    return Err("dynamic, an address or a name of a host");
                }
                self.host = Some(value.to_owned());
            }
            "defaultip" => {
                value::address(value, PORT).ok_or("an address")?;
                self.default_ip = Some(value.to_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_qualify(&mut self, option: &str, value: &str) -> Result<bool, Expected> {
        match option {
            "qualify" => self.set_round_trip(value)?,
            "qualifysmoothing" => self.qualify.smoothing = value::flag(value)?,
            "qualifyfreqok" => self.qualify.interval_ok = value::poke_interval(value)?,
            "qualifyfreqnotok" => self.qualify.interval_not_ok = value::poke_interval(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_round_trip(&mut self, value: &str) -> Result<(), Expected> {
        let expected = "yes, no or 0 to 60000 milliseconds";
        // 1 is a time here, and no yes (chan_iax2).
        let time = match value::milliseconds(value, 0..=60_000, expected) {
            Ok(time) => time,
            Err(_) if value.bytes().any(|octet| octet.is_ascii_digit()) => return Err(expected),
            Err(_) => match value::flag(value).map_err(|_| expected)? {
                true => Qualify::default().round_trip_max,
                false => core::time::Duration::ZERO,
            },
        };
        self.is_qualified = !time.is_zero();
        self.qualify.round_trip_max = time;
        Ok(())
    }

    fn caller_id(&mut self) -> &mut CallerId {
        self.settings.caller_id.get_or_insert_default()
    }

    /// What has no effect.
    fn set_other(&mut self, option: &str, value: &str) -> Outcome {
        if CARRIED.contains(&option) {
            let carried = &mut self.settings.carried;
            carried.push((option.to_owned(), value.to_owned()));
            return Outcome::Carried;
        }
        if option == "mask" && self.settings.role == Role::Peer {
            return Outcome::NotSupported("answers come from the address that was called");
        }
        if option == "keyrotate" {
            return Outcome::NotSupported(KEYS_NOT_ROTATED);
        }
        let is_for_others = OF_PEERS.contains(&option) || OF_USERS.contains(&option);
        match is_for_others {
            true => Outcome::Misplaced,
            false => Outcome::Unknown,
        }
    }

    /// The entry, once all its options are known.
    pub(super) fn finish(self) -> Result<Entry, Problem> {
        self.check_guard()?;
        let host = self
            .host
            .as_deref()
            .filter(|host| !host.eq_ignore_ascii_case("dynamic"));
        let remote = host.and_then(|host| Remote::read(host, self.port));
        let mut settings = self.settings;
        let mut named = None;
        match remote {
            Some(Remote::Address(address)) => settings.host = Host::Fixed(address),
            Some(Remote::Name(name)) => named = Some(name),
            None if self.host.is_some() => settings.host = Host::Dynamic,
            None => {}
        }
        let default_ip = self.default_ip.as_deref();
        settings.default_address = default_ip.and_then(|ip| value::address(ip, self.port));
        settings.qualify = self.is_qualified.then_some(self.qualify);
        if self.has_codecs {
            if self.codecs.capability.is_empty() {
                return Err(no_format_left());
            }
            settings.capability = self.codecs.capability;
            settings.preferences = self.codecs.preferences;
        }
        Ok(Entry {
            settings,
            host: named,
        })
    }

    /// Whoever relies on a guard that is not there must not be left without any.
    fn check_guard(&self) -> Result<(), Problem> {
        match self.guard {
            Some(option) if self.settings.secrets.is_empty() => Err(Problem::WouldBeOpen {
                option,
                name: self.settings.name.to_string(),
                expected: "a secret too",
            }),
            _ => Ok(()),
        }
    }
}

/// `allow` and `disallow` that cancel each other.
pub(super) fn no_format_left() -> Problem {
    Problem::Value {
        option: "disallow".to_owned(),
        found: "all".to_owned(),
        expected: "a format that is left",
    }
}

/// `asreceived` and nothing leave the caller's own (chan_iax2).
fn caller_id(value: &str) -> Result<Option<CallerId>, Expected> {
    match value.is_empty() || value.eq_ignore_ascii_case("asreceived") {
        true => Ok(None),
        false => value::caller_id(value).map(Some),
    }
}

/// Data that is carried.
const CARRIED: &[&str] = &[
    "accountcode",
    "adsi",
    "amaflags",
    "connectedline",
    "forcejitterbuffer",
    "hasvoicemail",
    "immediate",
    "jitterbuffer",
    "mailbox",
    "mohinterpret",
    "mohsuggest",
    "parkinglot",
    "peercontext",
    "regexten",
    "sendani",
    "setvar",
    "sourceaddress",
    "timezone",
];
/// Options of peers that users have not.
const OF_PEERS: &[&str] = &[
    "defaultip",
    "host",
    "mask",
    "maxcallnumbers",
    "port",
    "qualify",
    "qualifyfreqnotok",
    "qualifyfreqok",
    "qualifysmoothing",
    "username",
];
/// Options of users that peers have not.
const OF_USERS: &[&str] = &["codecpriority", "maxauthreq"];
