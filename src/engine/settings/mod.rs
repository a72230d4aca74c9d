//! Settings as values: what one accepted configuration says about everything ([`General`]) and about one peer or user
//! ([`Settings`]). Immutable once published: a reload publishes new ones.
//!
//! - [`defaults`]: what holds for entries that say nothing. [`name`]: names and secrets. [`network`]: ranges of addresses and access lists. [`policy`]: the choices that have
//!   more than two answers.

pub mod defaults;
pub mod name;
pub mod network;
pub mod policy;

use core::net::SocketAddr;
use core::time::Duration;

pub use self::defaults::{Defaults, Said};
pub use self::name::{Name, Secret};
pub use self::network::{AccessList, AccessRule, IpRange};
pub use self::policy::{
    CallerId, CodecPriority, Encryption, Qualify, Requirement, TransferPolicy, Trunking,
};
use crate::engine::directory::Role;
use crate::wire::{AuthMethods, Format, FormatSet};

/// Where a peer is (chan_iax2: `host=`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// It registers (`host=dynamic`).
    Dynamic,
    /// It is always here.
    Fixed(SocketAddr),
    /// It has no `host=`: it may not register, and is called at [`Settings::default_address`] alone.
    Nowhere,
}

/// What one accepted configuration says about everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct General {
    /// Which accepted configuration this is, counted from 0. Two snapshots with one serial come from one file.
    pub serial: u64,
    /// The shortest registration that is granted (chan_iax2: `minregexpire`).
    pub registration_min: Duration,
    /// The longest registration that is granted (chan_iax2: `maxregexpire`).
    pub registration_max: Duration,
    /// How long a failed login waits for its refusal (chan_iax2: `delayreject`); zero for at once, which is chan_iax2's default and
    /// ours, though X-CALL-7 advises otherwise.
    pub reject_delay: Duration,
    /// Formats of those who name none of their own.
    pub capability: FormatSet,
    /// The same, the most wanted first; may name fewer than `capability`.
    pub preferences: Vec<Format>,
    /// How long a call that we place may stay without any answer before it ends (chan_iax2: `autokill`; congestion comes
    /// after twice the configured value, which is this one). `None`: until its NEW is given up.
    pub answer_wait: Option<Duration>,
    /// Who may open dialogues without a token, where the name leaves [`Requirement`] open (chan_iax2:
    /// `calltokenoptional`).
    pub token_optional: Vec<IpRange>,
    /// How long a token is good for (chan_iax2: `calltokenexpiration`).
    pub token_life: Duration,
    /// Live dialogues of one IP address (chan_iax2: `maxcallnumbers`).
    pub dialogues_per_ip_max: usize,
    /// The same for ranges; the narrowest range that holds the address counts (chan_iax2: `[callnumberlimits]`).
    pub dialogues_per_range_max: Vec<(IpRange, usize)>,
    /// Live dialogues of all who showed no token, together (chan_iax2: `maxcallnumbers_nonvalidated`).
    pub dialogues_unvalidated_max: usize,
    /// How trunk frames are sent.
    pub trunking: Trunking,
    /// What holds for entries that say nothing.
    pub defaults: Defaults,
}

impl Default for General {
    /// chan_iax2's defaults: 60 s both ways, no delay; µ-law and A-law.
    fn default() -> Self {
        General {
            serial: 0,
            registration_min: Duration::from_secs(60),
            registration_max: Duration::from_secs(60),
            reject_delay: Duration::ZERO,
            capability: FormatSet::from(Format::ULAW) | FormatSet::from(Format::ALAW),
            preferences: vec![Format::ULAW, Format::ALAW],
            answer_wait: None,
            token_optional: Vec::new(),
            token_life: Duration::from_secs(10),
            dialogues_per_ip_max: 2048,
            dialogues_per_range_max: Vec::new(),
            dialogues_unvalidated_max: 8192,
            trunking: Trunking::default(),
            defaults: Defaults::default(),
        }
    }
}

/// What one accepted configuration, or one database row, says about one peer or user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name.
    pub name: Name,
    /// Peer or user.
    pub role: Role,
    /// The secrets that are accepted, any of them; empty for a login without challenge. What we answer a peer's challenge
    /// with is the last one.
    pub secrets: Vec<Secret>,
    /// The methods that are offered and answered (chan_iax2: `auth`). RSA is never offered.
    pub methods: AuthMethods,
    /// Whether calls are encrypted (chan_iax2: `encryption`, `forceencryption`).
    pub encryption: Encryption,
    /// Where the peer is; of no meaning for a user.
    pub host: Host,
    /// Where a peer is called that registers and has not (chan_iax2: `defaultip`, `port`).
    pub default_address: Option<SocketAddr>,
    /// As whom we call this peer (chan_iax2: `username`).
    pub username: Option<String>,
    /// From where it may come (chan_iax2: `permit`, `deny`, `acl`).
    pub access: AccessList,
    /// Whether it must show a call token (chan_iax2: `requirecalltoken`).
    pub call_token: Requirement,
    /// Live dialogues of the IP address where a dynamic peer is registered (chan_iax2: `maxcallnumbers`).
    pub dialogues_per_ip_max: Option<usize>,
    /// Calls of this user that may wait for AUTHREP at once; 0 for any number (chan_iax2: `maxauthreq`).
    pub auth_requests_max: usize,
    /// The formats that it may use; empty for those of everybody.
    pub capability: FormatSet,
    /// The same, the most wanted first; empty for those of everybody.
    pub preferences: Vec<Format>,
    /// Whose wish counts when a format is chosen (chan_iax2: `codecpriority`).
    pub codec_priority: CodecPriority,
    /// The contexts that a user may ask for, the first being that of a NEW that names none; empty for `default` alone, and
    /// `*` for any (chan_iax2: `context`).
    pub contexts: Vec<String>,
    /// The extensions that a user may dial; empty for any.
    pub extensions: Vec<String>,
    /// Whether its audio may travel in trunk frames (chan_iax2: `trunk`).
    pub trunk: bool,
    /// Whether its calls may be transferred (chan_iax2: `transfer`).
    pub transfer: TransferPolicy,
    /// Whether and how a peer is asked whether it is there (chan_iax2: `qualify`).
    pub qualify: Option<Qualify>,
    /// Who a user's calls come from (chan_iax2: `callerid`).
    pub caller_id: Option<CallerId>,
    /// LANGUAGE of calls to the peer; empty for none (chan_iax2: `language`).
    pub language: String,
    /// What is carried and not looked at, in the order of the file: `mailbox`, `accountcode`, `setvar` and their like.
    pub carried: Vec<(String, String)>,
    /// What it says itself of what has a default.
    pub said: Said,
    /// The general settings of the same configuration.
    pub general: General,
}

impl Settings {
    /// chan_iax2's defaults: a dynamic peer or a user that needs no secret and may do everything.
    pub fn new(role: Role, name: Name) -> Self {
        Settings {
            name,
            role,
            secrets: Vec::new(),
            methods: AuthMethods::MD5,
            encryption: Encryption::Off,
            host: Host::Dynamic,
            default_address: None,
            username: None,
            access: AccessList::default(),
            call_token: Requirement::ByAddress,
            dialogues_per_ip_max: None,
            auth_requests_max: 3,
            capability: FormatSet::EMPTY,
            preferences: Vec::new(),
            codec_priority: CodecPriority::Host,
            contexts: Vec::new(),
            extensions: Vec::new(),
            trunk: false,
            transfer: TransferPolicy::Allowed,
            qualify: None,
            caller_id: None,
            language: String::new(),
            carried: Vec::new(),
            said: Said::default(),
            general: General::default(),
        }
    }
}

/// One accepted configuration: what a reload takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// What holds for everything. Copied into each entry's settings when the configuration is applied.
    pub general: General,
    /// Every peer and user of the file. A `friend` is one of each with the same name.
    pub entries: Vec<Settings>,
}
