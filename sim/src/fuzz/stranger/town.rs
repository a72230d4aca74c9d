//! Who is known at a server that strangers come to, and who may come from where: the rules, stated once more and apart from the engine.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{
    AccessList, AccessRule, Configuration, General, Host, IpRange, Name, Secret, Settings,
};
use iaxproof::wire::{Format, FormatSet};

/// Where strangers are, and last the address in whose name one of them comes.
pub(super) const ADDRESSES: [SocketAddr; 5] = [
    address([192, 0, 2, 1]),
    address([192, 0, 2, 2]),
    address([192, 0, 2, 3]),
    address([192, 0, 2, 4]),
    SOMEBODY,
];
/// Who sends nothing, and sees what comes. It may do without tokens.
pub(super) const SOMEBODY: SocketAddr = address([198, 51, 100, 1]);

/// The one address from which the accounts behind a fence may come.
const INSIDE: SocketAddr = ADDRESSES[0];
/// Where the accounts with a host are.
const AT_HOME: SocketAddr = ADDRESSES[1];
/// The most dialogues without a token.
pub(super) const UNVALIDATED_MAX: usize = 8;
/// How long a token is good for.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(10);

const fn address(octets: [u8; 4]) -> SocketAddr {
    let [a, b, c, d] = octets;
    SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::new(a, b, c, d)), 4_569)
}

/// One account: a peer and a user of its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub(super) name: &'static str,
    pub(super) has_secret: bool,
    /// Whether it may come from [`INSIDE`] alone.
    is_fenced: bool,
    /// Whether its peer has a fixed address.
    has_host: bool,
    is_row: bool,
}

const LOCKED: Account = Account {
    name: "locked",
    has_secret: true,
    is_fenced: false,
    has_host: false,
    is_row: false,
};
const OPEN: Account = Account {
    name: "open",
    has_secret: false,
    ..LOCKED
};

/// Everybody. Behind the last come a name that nobody has, and no name.
pub(super) const ACCOUNTS: [Account; 9] = [
    LOCKED,
    Account {
        name: "fenced",
        is_fenced: true,
        ..LOCKED
    },
    Account {
        name: "housed",
        has_host: true,
        ..LOCKED
    },
    OPEN,
    Account {
        name: "open-fenced",
        is_fenced: true,
        ..OPEN
    },
    Account {
        name: "row",
        is_row: true,
        ..LOCKED
    },
    Account {
        name: "row-fenced",
        is_row: true,
        is_fenced: true,
        ..LOCKED
    },
    Account {
        name: "row-housed",
        is_row: true,
        has_host: true,
        ..LOCKED
    },
    Account {
        name: "row-open-fenced",
        is_row: true,
        is_fenced: true,
        ..OPEN
    },
];
/// How many names a step chooses from.
const NAMES: u8 = ACCOUNTS.len() as u8 + 2;

/// As whom somebody comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// As the account of this place in [`ACCOUNTS`].
    Account(usize),
    /// By a name that nobody has, another each time.
    Nobody,
    /// Without a name.
    Nameless,
}

impl Whose {
    pub(super) fn of(choice: u8) -> Self {
        match usize::from(choice % NAMES) {
            nth if nth < ACCOUNTS.len() => Whose::Account(nth),
            nth if nth == ACCOUNTS.len() => Whose::Nobody,
            _ => Whose::Nameless,
        }
    }

    fn account(self) -> Option<&'static Account> {
        match self {
            Whose::Account(nth) => ACCOUNTS.get(nth),
            Whose::Nobody | Whose::Nameless => None,
        }
    }

    /// Whether a registration may be granted to an address that has proved the secret, or has not.
    pub(super) fn may_register(self, from: SocketAddr, is_proved: bool) -> bool {
        let may = |it: &Account| !it.has_host && it.lets_in(from, is_proved);
        self.account().is_some_and(may)
    }

    /// The same for a call. Who gives no name comes as the account that is open to all.
    pub(super) fn may_call(self, from: SocketAddr, is_proved: bool) -> bool {
        match self {
            Whose::Nameless => true,
            _ => (self.account()).is_some_and(|it| it.lets_in(from, is_proved)),
        }
    }
}

impl Account {
    fn lets_in(&self, from: SocketAddr, is_proved: bool) -> bool {
        let is_here = !self.is_fenced || from.ip() == INSIDE.ip();
        is_here && (is_proved || !self.has_secret)
    }

    /// The secret, for who knows it.
    pub(super) fn secret(&self) -> Secret {
        Secret::new(&format!("secret-{}", self.name))
    }

    pub(super) fn settings(&self, role: Role, general: &General) -> Settings {
        let name = Name::new(self.name).expect("an account's name is short");
        let rules = match self.is_fenced {
            true => fence(),
            false => Vec::new(),
        };
        Settings {
            secrets: self.has_secret.then(|| self.secret()).into_iter().collect(),
            access: AccessList(rules),
            host: match self.has_host && role == Role::Peer {
                true => Host::Fixed(AT_HOME),
                false => Host::Dynamic,
            },
            general: general.clone(),
            ..Settings::new(role, name)
        }
    }
}

fn fence() -> Vec<AccessRule> {
    let all = IpRange::new([0, 0, 0, 0].into(), 0);
    let deny = all.map(AccessRule::Deny);
    let permit = AccessRule::Permit(IpRange::of(INSIDE.ip()));
    deny.into_iter().chain([permit]).collect()
}

/// What a server knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Town {
    /// Whether there is a database, with the accounts that are rows.
    pub(super) has_rows: bool,
    /// Whether the names that have a secret are known at all.
    has_locked: bool,
    /// Whether strangers know the secrets.
    pub(super) secrets_are_known: bool,
}

impl Town {
    /// All accounts, and strangers who know their secrets.
    pub(super) const WHOLE: Town = Town {
        has_rows: true,
        has_locked: true,
        secrets_are_known: true,
    };
    /// The configuration alone, and strangers who know no secret. A database would be asked for the one name and not for the
    /// other, and the ACK that goes out meanwhile tells them apart.
    pub(super) const KNOWN: Town = Town {
        has_rows: false,
        has_locked: true,
        secrets_are_known: false,
    };
    /// The same without the names that have a secret.
    pub(super) const UNKNOWN: Town = Town {
        has_locked: false,
        ..Town::KNOWN
    };

    /// The file.
    pub(super) fn configuration(&self) -> Configuration {
        let general = General {
            capability: FormatSet::from(Format::ULAW),
            preferences: vec![Format::ULAW],
            token_optional: vec![IpRange::of(SOMEBODY.ip())],
            token_life: TOKEN_LIFE,
            dialogues_unvalidated_max: UNVALIDATED_MAX,
            ..General::default()
        };
        let is_known = |it: &&Account| !it.is_row && (self.has_locked || !it.has_secret);
        let known = ACCOUNTS.iter().filter(is_known);
        let roles = [Role::Peer, Role::User];
        let entries = known.flat_map(|it| roles.map(|role| it.settings(role, &general)));
        Configuration {
            entries: entries.collect(),
            general: general.clone(),
        }
    }

    /// The row of a name.
    pub(super) fn row(&self, name: &str) -> Option<&'static Account> {
        let mut rows = ACCOUNTS.iter().filter(|it| self.has_rows && it.is_row);
        rows.find(|it| it.name == name)
    }
}
