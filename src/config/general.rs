//! `[general]`: what holds for everything, what holds for entries that do not say otherwise, and what is for the server alone.

use core::net::SocketAddr;
use core::time::Duration;

use super::codecs::Codecs;
use super::found::Outcome;
use super::value::{self, Expected, PORT};
use crate::engine::EndpointOptions;
use crate::engine::settings::{Encryption, General, Trunking};

/// What a configuration says of the process that serves it. Read at the start; a reload changes none of it (chan_iax2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// Where datagrams are received; never empty (chan_iax2: `bindaddr`, `bindport`).
    pub bind: Vec<SocketAddr>,
    /// How often a PING goes out on each live dialogue (chan_iax2: `pingtime`).
    pub ping_interval: Duration,
    /// How often a LAGRQ goes out on each live dialogue (chan_iax2: `lagrqtime`).
    pub lagrq_interval: Duration,
}

impl Serving {
    /// Puts the intervals into the options of an endpoint.
    pub fn apply_to(&self, options: &mut EndpointOptions) {
        options.ping_interval = self.ping_interval;
        options.lagrq_interval = self.lagrq_interval;
    }
}

/// How entries that live in a database are to be treated (chan_iax2: the options that begin with `rt`). The server reads them when it starts, and
/// obeys all but `save_system_name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Realtime {
    /// Whether rows are kept in memory (`rtcachefriends`).
    pub cache_friends: bool,
    /// Whether contacts are written back (`rtupdate`).
    pub update: bool,
    /// How long a row stays in memory; `None` for as long as there is room (`rtautoclear`).
    pub auto_clear: Option<Duration>,
    /// Whether a stored address is used although its period is over (`rtignoreregexpire`).
    pub ignore_expiry: bool,
    /// Whether the name of this system is written too (`rtsavesysname`).
    pub save_system_name: bool,
}

impl Default for Realtime {
    /// chan_iax2's.
    fn default() -> Self {
        Realtime {
            cache_friends: false,
            update: true,
            auto_clear: None,
            ignore_expiry: false,
            save_system_name: false,
        }
    }
}

/// How long a failed login waits with `delayreject` (chan_iax2).
const REJECT_DELAY: Duration = Duration::from_secs(1);
/// `autokill=yes` (chan_iax2).
const AUTOKILL_MS: u32 = 2000;
/// `rtautoclear=yes` (chan_iax2).
const AUTO_CLEAR: Duration = Duration::from_secs(120);

/// All that `[general]` says, line by line.
#[derive(Clone, Debug)]
pub(super) struct GeneralSection {
    pub(super) general: General,
    pub(super) codecs: Codecs,
    pub(super) realtime: Realtime,
    /// What entries carry that do not say otherwise.
    pub(super) carried: Vec<(String, String)>,
    ping_interval: Duration,
    lagrq_interval: Duration,
    /// Where to bind; without a port, to `port`.
    addresses: Vec<String>,
    port: u16,
}

impl Default for GeneralSection {
    fn default() -> Self {
        let options = EndpointOptions::default();
        GeneralSection {
            general: General::default(),
            codecs: Codecs::default(),
            realtime: Realtime::default(),
            carried: Vec::new(),
            ping_interval: options.ping_interval,
            lagrq_interval: options.lagrq_interval,
            addresses: Vec::new(),
            port: PORT,
        }
    }
}

impl GeneralSection {
    /// Takes one option but `register`; its name is in lower case.
    pub(super) fn set(&mut self, option: &str, value: &str) -> Result<Outcome, Expected> {
        let is_mine = self.set_limit(option, value)?
            || self.set_default(option, value)?
            || self.set_realtime(option, value)?
            || self.set_trunking(option, value)?
            || self.set_serving(option, value)?;
        if is_mine {
            return match option {
                "auth" => value::methods(value).map(|(_, has_rsa)| partly_without_rsa(has_rsa)),
                _ => Ok(effect_of(option)),
            };
        }
        Ok(self.set_other(option, value))
    }

    /// What holds for everything.
    fn set_limit(&mut self, option: &str, value: &str) -> Result<bool, Expected> {
        let general = &mut self.general;
        match option {
            "minregexpire" => general.registration_min = value::seconds(value)?,
            "maxregexpire" => general.registration_max = value::seconds(value)?,
            "delayreject" => {
                let delay = if value::flag(value)? {
                    REJECT_DELAY
                } else {
                    Duration::ZERO
                };
                general.reject_delay = delay;
            }
            "autokill" => general.answer_wait = autokill(value)?,
            "calltokenoptional" => general.token_optional.extend(value::ranges(value)?),
            "calltokenexpiration" => general.token_life = value::within_an_hour(value)?,
            "maxcallnumbers" => general.dialogues_per_ip_max = value::dialogues(value)?,
            "maxcallnumbers_nonvalidated" => {
                general.dialogues_unvalidated_max = value::dialogues(value)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What holds for entries that do not say otherwise.
    fn set_default(&mut self, option: &str, value: &str) -> Result<bool, Expected> {
        let defaults = &mut self.general.defaults;
        match option {
            "allow" => self.codecs.allow(value)?,
            "disallow" => self.codecs.disallow(value)?,
            "bandwidth" => self.codecs.bandwidth(value)?,
            "auth" => defaults.methods = value::methods(value)?.0,
            "encryption" => defaults.encryption = with_encryption(defaults.encryption, value)?,
            "forceencryption" => defaults.encryption = with_force(defaults.encryption, value)?,
            "transfer" => defaults.transfer = value::transfer(value)?,
            "requirecalltoken" => defaults.call_token = value::call_token(value)?,
            "codecpriority" => defaults.codec_priority = value::codec_priority(value)?,
            "maxauthreq" => defaults.auth_requests_max = auth_requests(value)?,
            "language" => defaults.language = value::text(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_realtime(&mut self, option: &str, value: &str) -> Result<bool, Expected> {
        let realtime = &mut self.realtime;
        match option {
            "rtcachefriends" => realtime.cache_friends = value::flag(value)?,
            "rtupdate" => realtime.update = value::flag(value)?,
            "rtignoreregexpire" => realtime.ignore_expiry = value::flag(value)?,
            "rtsavesysname" => realtime.save_system_name = value::flag(value)?,
            "rtautoclear" => realtime.auto_clear = auto_clear(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_trunking(&mut self, option: &str, value: &str) -> Result<bool, Expected> {
        let trunking = &mut self.general.trunking;
        match option {
            "trunktimestamps" => trunking.timestamps = value::flag(value)?,
            "trunkfreq" => {
                trunking.interval =
                    value::milliseconds(value, 10..=1000, "10 to 1000 milliseconds")?;
            }
            "trunkmtu" => trunking.payload_max = trunk_payload(value)?,
            "trunkmaxsize" => trunking.queue_max = trunk_queue(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_serving(&mut self, option: &str, value: &str) -> Result<bool, Expected> {
        match option {
            "pingtime" => self.ping_interval = value::within_an_hour(value)?,
            "lagrqtime" => self.lagrq_interval = value::within_an_hour(value)?,
            "bindport" => self.port = value::port(value)?,
            "bindaddr" => {
                value::address(value, PORT).ok_or("an address, perhaps with a port")?;
                self.addresses.push(value.to_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What has no effect.
    fn set_other(&mut self, option: &str, value: &str) -> Outcome {
        if CARRIED.contains(&option) {
            self.carried.push((option.to_owned(), value.to_owned()));
            return Outcome::Carried;
        }
        let row = NOT_SUPPORTED.iter().find(|(name, _)| *name == option);
        row.map_or(Outcome::Unknown, |(_, why)| Outcome::NotSupported(why))
    }

    /// Lowers the shortest registration to the longest one where it is above; whether it was (chan_iax2).
    pub(super) fn clamp_registrations(&mut self) -> bool {
        let general = &mut self.general;
        let is_above = general.registration_min > general.registration_max;
        general.registration_min = general.registration_min.min(general.registration_max);
        is_above
    }

    /// Puts the formats into the general settings; false where none is left.
    pub(super) fn settle_codecs(&mut self) -> bool {
        self.general.capability = self.codecs.capability;
        self.general.preferences = self.codecs.preferences.clone();
        !self.codecs.capability.is_empty()
    }

    /// What the server needs.
    pub(super) fn serving(&self) -> Serving {
        let bound = |text: &String| value::address(text, self.port);
        let mut bind: Vec<SocketAddr> = self.addresses.iter().filter_map(bound).collect();
        if bind.is_empty() {
            bind.push(SocketAddr::from(([0, 0, 0, 0], self.port)));
        }
        Serving {
            bind,
            ping_interval: self.ping_interval,
            lagrq_interval: self.lagrq_interval,
        }
    }
}

/// What `auth` says of itself: RSA is never offered.
pub(super) fn partly_without_rsa(has_rsa: bool) -> Outcome {
    if has_rsa {
        return Outcome::Partly("RSA is not supported");
    }
    Outcome::Works
}

/// `encryption` after what was said before: once offered, it stays so (chan_iax2 puts the values together by `or`).
pub(super) fn with_encryption(before: Encryption, value: &str) -> Result<Encryption, Expected> {
    Ok(match (before, value::encrypts(value)?) {
        (Encryption::Off, true) => Encryption::Offered,
        (before, _) => before,
    })
}

/// `forceencryption` after what was said before: it implies `encryption`.
pub(super) fn with_force(before: Encryption, value: &str) -> Result<Encryption, Expected> {
    Ok(match (before, value::encrypts(value)?) {
        (_, true) => Encryption::Forced,
        (Encryption::Forced, false) => Encryption::Offered,
        (before, false) => before,
    })
}

/// `maxauthreq`; 0 for any number.
pub(super) fn auth_requests(text: &str) -> Result<usize, Expected> {
    value::number(text, 0..=32_767, "0 to 32767").map(|number| number as usize)
}

/// Congestion comes after twice the value (chan_iax2).
fn autokill(text: &str) -> Result<Option<Duration>, Expected> {
    let expected = "yes, no or 0 to 3600000 milliseconds";
    let millis = match value::number(text, 0..=3_600_000, expected) {
        Ok(millis) => millis,
        Err(_) => value::flag(text).map_err(|_| expected)? as u32 * AUTOKILL_MS,
    };
    let wait = Duration::from_millis(u64::from(millis) * 2);
    Ok(Some(wait).filter(|wait| !wait.is_zero()))
}

fn auto_clear(text: &str) -> Result<Option<Duration>, Expected> {
    let expected = "yes, no or 0 to 31536000 seconds";
    let span = match value::number(text, 0..=31_536_000, expected) {
        Ok(secs) => Duration::from_secs(secs.into()),
        Err(_) if value::flag(text).map_err(|_| expected)? => AUTO_CLEAR,
        Err(_) => Duration::ZERO,
    };
    Ok(Some(span).filter(|span| !span.is_zero()))
}

fn trunk_payload(text: &str) -> Result<usize, Expected> {
    let expected = "0, or 172 to 3999 octets";
    let octets = value::number(text, 0..=3999, expected)?;
    match octets {
        1..=171 => Err(expected),
        octets => Ok(octets as usize),
    }
}

/// 0 for chan_iax2's default.
fn trunk_queue(text: &str) -> Result<usize, Expected> {
    let octets = value::number(text, 0..=1 << 24, "0 to 16777216 octets")?;
    match octets {
        0 => Ok(Trunking::default().queue_max),
        octets => Ok(octets as usize),
    }
}

/// Data that entries carry, and nothing here looks at.
const CARRIED: &[&str] = &[
    "accountcode",
    "adsi",
    "amaflags",
    "connectedline",
    "forcejitterbuffer",
    "jitterbuffer",
    "jittertargetextra",
    "mailboxdetail",
    "maxjitterbuffer",
    "maxjitterinterps",
    "mohinterpret",
    "mohsuggest",
    "parkinglot",
    "resyncthreshold",
    "shrinkcallerid",
];

/// What comes of an option whose value was taken.
fn effect_of(option: &str) -> Outcome {
    match option {
        "rtsavesysname" => Outcome::NotSupported("the server has no name to write"),
        _ => Outcome::Works,
    }
}

/// Why `keyrotate` has no effect.
pub(super) const KEYS_NOT_ROTATED: &str = "RTKEY is obeyed and never sent";

/// Options of chan_iax2 without effect here, and why.
const NOT_SUPPORTED: &[(&str, &str)] = &[
    ("allowfwdownload", "firmware is never given out"),
    ("authdebug", "failed logins are always logged"),
    ("cos", "sockets keep the system's class of service"),
    ("iaxcompat", "lookups never wait for the dial plan"),
    (
        "iaxmaxthreadcount",
        "the number of workers is an argument of the server",
    ),
    (
        "iaxthreadcount",
        "the number of workers is an argument of the server",
    ),
    ("keyrotate", KEYS_NOT_ROTATED),
    ("nochecksums", "UDP checksums stay on"),
    ("regcontext", "there is no dial plan to put extensions in"),
    ("srvlookup", "SRV records are not asked for"),
    (
        "subscribe_network_change_event",
        "nothing tells of such changes",
    ),
    ("tos", "sockets keep the system's type of service"),
];
