//! Who there is in a soak: names, where they live, and what a configuration or a row says of them, which changes all the time.
//!
//! Of four peers one is in every configuration, one in some, one in some and in the database, one in the database alone. Each is a
//! user of the same name too, as a `friend` of chan_iax2 is.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{
    Configuration, Encryption, General, Host, Name, Qualify, Requirement, Secret, Settings,
    TransferPolicy,
};

use super::pace::Dice;

/// The port of every server.
const SERVER_PORT: u16 = 4569;
/// The port of the first phone.
const PHONE_PORT: u16 = 10_000;
/// How many phones share an IP address, as behind one NAT.
const PHONES_PER_IP: usize = 4;
/// The most peers: their addresses are one network.
pub(super) const PEERS_MAX: usize = 900;

/// The people and the servers.
#[derive(Clone, Debug)]
pub(super) struct Town {
    pub(super) peers: usize,
    pub(super) workers: usize,
}

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// In every configuration: a lookup of it must never miss.
    Always,
    /// In some configurations.
    File,
    /// In some configurations, and in the database.
    Both,
    /// In the database alone.
    Row,
}

impl Home {
    /// Of each four peers one has each home.
    pub(super) const fn of(peer: usize) -> Self {
        match peer % 4 {
            0 => Home::Always,
            1 => Home::File,
            2 => Home::Both,
            _ => Home::Row,
        }
    }

    /// Whether the database may have it.
    pub(super) const fn has_row(self) -> bool {
        matches!(self, Home::Both | Home::Row)
    }

    const fn is_in_file(self) -> bool {
        !matches!(self, Home::Row)
    }

    const fn word(self) -> &'static str {
        match self {
            Home::Always => "always",
            Home::File => "file",
            Home::Both => "both",
            Home::Row => "row",
        }
    }
}

/// How many of those that come and go a configuration names.
#[derive(Clone, Copy, Debug)]
enum Naming {
    All,
    Half,
    None,
}

impl Town {
    /// What a peer is called.
    pub(super) fn name(&self, peer: usize) -> Name {
        let name = format!("{}-{peer}", Home::of(peer).word());
        Name::new(&name).expect("it is short")
    }

    /// Which peer has this name.
    pub(super) fn peer(&self, name: &str) -> Option<usize> {
        let (_, number) = name.split_once('-')?;
        number.parse().ok().filter(|peer| *peer < self.peers)
    }

    /// Whether every configuration has this name.
    pub(super) fn is_always_there(&self, name: &str) -> bool {
        self.peer(name)
            .is_some_and(|peer| Home::of(peer) == Home::Always)
    }

    /// Where a worker's server is.
    pub(super) fn server(&self, worker: usize) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1 + worker as u8], SERVER_PORT))
    }

    /// Where a peer's phone is.
    pub(super) fn phone(&self, peer: usize) -> SocketAddr {
        let host = 1 + (peer / PHONES_PER_IP) as u8;
        SocketAddr::from(([198, 51, 100, host], PHONE_PORT + peer as u16))
    }

    /// On which worker's thread a phone lives.
    pub(super) const fn worker_of(&self, peer: usize) -> usize {
        peer % self.workers
    }

    /// The thread to which datagrams for this address go.
    pub(super) fn thread_at(&self, address: SocketAddr) -> Option<usize> {
        let servers = (0..self.workers).find(|worker| self.server(*worker) == address);
        servers.or_else(|| self.phone_at(address).map(|peer| self.worker_of(peer)))
    }

    /// Whose phone is at this address.
    pub(super) fn phone_at(&self, address: SocketAddr) -> Option<usize> {
        let peer = usize::from(address.port().checked_sub(PHONE_PORT)?);
        (peer < self.peers && self.phone(peer) == address).then_some(peer)
    }

    /// The next configuration. Its serial is `serial`.
    pub(super) fn configuration(&self, dice: &mut Dice, serial: u64) -> Configuration {
        let naming = dice.pick(&[Naming::All, Naming::Half, Naming::None]);
        let peers = (0..self.peers).filter(|peer| Home::of(*peer).is_in_file());
        let mut entries = Vec::new();
        for peer in peers {
            let is_named = match naming {
                _ if Home::of(peer) == Home::Always => true,
                Naming::All => true,
                Naming::Half => dice.once_in(2),
                Naming::None => false,
            };
            if is_named {
                entries
                    .extend([Role::Peer, Role::User].map(|role| self.settings(dice, role, peer)));
            }
        }
        let general = General {
            serial,
            ..general(dice)
        };
        Configuration { general, entries }
    }

    /// What a configuration or a row says of one name this time.
    pub(super) fn settings(&self, dice: &mut Dice, role: Role, peer: usize) -> Settings {
        let name = self.name(peer);
        let open = Requirement::ByAddress;
        let requirements = [open, open, Requirement::NotRequired, Requirement::Auto];
        let policies = [
            TransferPolicy::Allowed,
            TransferPolicy::MediaOnly,
            TransferPolicy::Refused,
        ];
        let has_fixed_host = role == Role::Peer && dice.once_in(16);
        Settings {
            secrets: vec![Secret::new(name.as_str())],
            host: match has_fixed_host {
                true => Host::Fixed(self.phone(peer)),
                false => Host::Dynamic,
            },
            // As whom every phone lets itself be called.
            username: Some(name.to_string()),
            encryption: dice.pick(&[Encryption::Off, Encryption::Off, Encryption::Offered]),
            call_token: dice.pick(&requirements),
            transfer: dice.pick(&policies),
            trunk: dice.once_in(4),
            qualify: dice.once_in(2).then(|| qualify(dice)),
            dialogues_per_ip_max: dice.once_in(4).then(|| 64 + dice.below(64)),
            language: dice.pick(&["", "en", "de", "pt_BR"]).to_owned(),
            carried: carried(dice),
            ..Settings::new(role, name)
        }
    }
}

/// What a configuration says of everybody. Registrations are as short as a registrant asks for.
fn general(dice: &mut Dice) -> General {
    let (least, most) = dice.pick(&[(10, 20), (10, 60), (20, 40)]);
    General {
        registration_min: Duration::from_secs(least),
        registration_max: Duration::from_secs(most),
        reject_delay: dice.pick(&[Duration::ZERO, Duration::from_secs(1)]),
        ..General::default()
    }
}

fn qualify(dice: &mut Dice) -> Qualify {
    Qualify {
        round_trip_max: Duration::from_secs(4),
        smoothing: dice.once_in(2),
        interval_ok: dice.pick(&[5, 10, 20].map(Duration::from_secs)),
        interval_not_ok: Duration::from_secs(5),
    }
}

/// Texts of changing length: what a reload frees and makes anew.
fn carried(dice: &mut Dice) -> Vec<(String, String)> {
    let pair = |dice: &mut Dice| ("setvar".to_owned(), "x".repeat(dice.below(64)));
    (0..dice.below(4)).map(|_| pair(dice)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOWN: Town = Town {
        peers: PEERS_MAX,
        workers: 3,
    };

    #[test]
    fn every_address_is_of_one() {
        for peer in 0..TOWN.peers {
            let address = TOWN.phone(peer);
            assert_eq!(TOWN.phone_at(address), Some(peer));
            assert_eq!(TOWN.thread_at(address), Some(TOWN.worker_of(peer)));
            assert_eq!(TOWN.peer(TOWN.name(peer).as_str()), Some(peer));
        }
        assert_eq!(TOWN.thread_at(TOWN.server(2)), Some(2));
        assert_eq!(TOWN.phone_at(TOWN.server(2)), None);
    }

    #[test]
    fn who_is_always_there_is_in_every_configuration() {
        let town = Town {
            peers: 8,
            workers: 1,
        };
        let mut dice = Dice::new(1, 0);
        let mut lengths = Vec::new();
        for serial in 0..32 {
            let entries = town.configuration(&mut dice, serial).entries;
            let always = entries
                .iter()
                .filter(|it| town.is_always_there(it.name.as_str()));
            assert_eq!(always.count(), 4, "two peers and two users");
            lengths.push(entries.len());
        }
        assert!(lengths.contains(&4) && lengths.contains(&12), "{lengths:?}");
    }
}
