//! The accounts of a world: from an index to name, secret and settings. Every account is a friend: a peer and a user of one name.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{
    Configuration, Encryption, General, IpRange, Name, Qualify, Requirement, Said, Secret,
    Settings, TransferPolicy, Trunking,
};
use iaxproof::wire::{Format, FormatSet};

use crate::plan::{ConfigurationPlan, Topology};

/// The account that has no secret: it logs in without a challenge.
pub(crate) const WITHOUT_SECRET: u8 = 3;

/// Whether the calls of an account are encrypted where its client wants that.
pub(crate) const fn can_encrypt(account: u8) -> bool {
    account == 1 || account == 2
}

/// Whether audio of an account's calls goes in trunk frames, both ways.
pub(crate) const fn is_trunked(account: u8) -> bool {
    account == 0 || account == 3
}

/// What of an account's calls may go over to their ends.
const fn transfer(account: u8) -> TransferPolicy {
    match account {
        2 => TransferPolicy::MediaOnly,
        _ => TransferPolicy::Allowed,
    }
}

/// The shortest refresh that is granted, where the longest is not shorter (chan_iax2: `minregexpire`).
const REGISTRATION_MIN: Duration = Duration::from_secs(60);

/// How long a call that is placed stays without any answer, where a configuration says so.
const ANSWER_WAIT: Duration = Duration::from_secs(8);

/// The name of an account.
pub(crate) fn name(account: u8) -> String {
    format!("p{account}")
}

/// The account of a name.
pub(crate) fn account_of_name(name: &str) -> Option<u8> {
    name.strip_prefix('p')?.parse().ok()
}

/// The secret that the client of an account knows.
pub(crate) fn secret(account: u8) -> String {
    format!("secret-{account}")
}

/// From one POKE to the next, and how long an answer may take: often enough for a world of minutes.
pub(crate) const QUALIFY: Qualify = Qualify {
    round_trip_max: Duration::from_secs(2),
    smoothing: false,
    interval_ok: Duration::from_secs(15),
    interval_not_ok: Duration::from_secs(6),
};

/// How an account may do without call tokens that a client without them uses: one as the other of its kind.
fn call_token(topology: &Topology, account: u8) -> Requirement {
    match account % 3 {
        _ if !topology.uses(&topology.tokenless, account) => Requirement::ByAddress,
        0 => Requirement::NotRequired,
        1 => Requirement::Auto,
        _ => Requirement::ByAddress,
    }
}

/// What a configuration or a row says about an account.
pub(crate) fn settings(
    topology: &Topology,
    account: u8,
    role: Role,
    is_plain: bool,
    general: &General,
) -> Settings {
    let word = secret(account);
    let secrets = match (account, is_plain) {
        (WITHOUT_SECRET, true) => Vec::new(),
        (_, true) => vec![Secret::new(&word)],
        (_, false) => vec![Secret::new(&format!("{word}-changed"))],
    };
    let name = Name::new(&name(account)).expect("an account's name is short");
    let encryption = match can_encrypt(account) {
        true if topology.forced.contains(&account) => Encryption::Forced,
        true => Encryption::Offered,
        false => Encryption::Off,
    };
    Settings {
        secrets,
        encryption,
        call_token: call_token(topology, account),
        qualify: topology.qualified.contains(&account).then_some(QUALIFY),
        trunk: is_trunked(account),
        transfer: transfer(account),
        // Rows say all this themselves, and inherit the rest.
        said: Said {
            encryption,
            call_token: true,
            transfer: true,
            ..Said::default()
        },
        capability: FormatSet::from(Format::ULAW),
        general: general.clone(),
        ..Settings::new(role, name)
    }
}

/// The accounts that a server's configuration is about: those of its clients that are not rows of the database.
pub(crate) fn of_configuration(topology: &Topology, server: u8) -> impl Iterator<Item = u8> + '_ {
    (0..topology.clients).filter(move |account| {
        topology.server_of(*account) == server && !topology.is_realtime(*account)
    })
}

/// The addresses of clients without tokens, of which every other one may do without, whatever the port.
fn token_optional(topology: &Topology) -> Vec<IpRange> {
    let clients = topology.tokenless.iter().filter(|client| **client % 2 == 0);
    let ips = clients.map(|client| client_address(*client).ip());
    ips.map(IpRange::of).collect()
}

/// Where a client is at first.
pub(crate) fn client_address(client: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10 + client], 4_569))
}

/// A configuration of a server.
pub(crate) fn configuration(
    topology: &Topology,
    server: u8,
    plan: &ConfigurationPlan,
    unvalidated_max: u16,
    serial: u64,
) -> Configuration {
    let longest = Duration::from_secs(u64::from(plan.registration_s));
    let general = General {
        serial,
        registration_min: longest.min(REGISTRATION_MIN),
        registration_max: longest,
        reject_delay: Duration::from_millis(u64::from(plan.reject_delay_ms)),
        capability: FormatSet::from(Format::ULAW),
        preferences: vec![Format::ULAW],
        // One configuration after another changes these.
        answer_wait: serial.is_multiple_of(2).then_some(ANSWER_WAIT),
        trunking: Trunking {
            timestamps: serial.is_multiple_of(2),
            ..Trunking::default()
        },
        token_optional: token_optional(topology),
        dialogues_unvalidated_max: match unvalidated_max {
            0 => General::default().dialogues_unvalidated_max,
            max => usize::from(max),
        },
        ..General::default()
    };
    let mut entries = Vec::new();
    for account in of_configuration(topology, server) {
        if plan.absent.contains(&account) {
            continue;
        }
        let is_plain = plan.is_plain(account);
        for role in [Role::Peer, Role::User] {
            entries.push(settings(topology, account, role, is_plain, &general));
        }
    }
    Configuration { general, entries }
}
