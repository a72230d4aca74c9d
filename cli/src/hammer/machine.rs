//! What Linux says of the server where it runs on this machine: whose process owns the port, the processor time that it used,
//! and the datagrams that the system dropped before the server read them. And of ourselves.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::BTreeSet;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;

/// The processes behind a port of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Processes {
    ids: BTreeSet<u32>,
    address: SocketAddr,
}

/// What was used up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Used {
    /// Seconds of processor time.
    pub(super) seconds: f64,
    /// Datagrams that the system had no room for.
    pub(super) dropped: u64,
}

impl Processes {
    /// Whoever listens at this address.
    ///
    /// # Errors
    ///
    /// Why that cannot be known.
    pub(super) fn behind(address: SocketAddr) -> Result<Self, &'static str> {
        // Only an address of this machine can be bound.
        if UdpSocket::bind((address.ip(), 0)).is_err() {
            return Err("not on this machine");
        }
        let rows = rows(address);
        let inodes: BTreeSet<&str> = rows.iter().map(|row| row.inode.as_str()).collect();
        if inodes.is_empty() {
            return Err("no socket of that port in /proc/net");
        }
        let ids: BTreeSet<u32> = owners(&inodes);
        match ids.is_empty() {
            true => Err("its process is not ours to look at"),
            false => Ok(Processes { ids, address }),
        }
    }

    /// What they used; nothing where one of them has ended.
    pub(super) fn used(&self) -> Option<Used> {
        let seconds = self.ids.iter().map(|id| seconds(&id.to_string()));
        Some(Used {
            seconds: seconds.sum::<Option<f64>>()?,
            dropped: rows(self.address).iter().map(|row| row.dropped).sum(),
        })
    }
}

/// Seconds of processor time that a process used, by its number or `self`.
pub(super) fn seconds(process: &str) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let ticks = ticks(&stat)?;
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Time in user mode and in the system, behind the name in brackets (proc(5): fields 14 and 15).
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// A line of /proc/net/udp or udp6.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    local: SocketAddr,
    inode: String,
    dropped: u64,
}

/// The sockets that take what is sent to this address.
fn rows(address: SocketAddr) -> Vec<Row> {
    let files = ["/proc/net/udp", "/proc/net/udp6"];
    let texts = files.map(|file| fs::read_to_string(file).unwrap_or_default());
    let rows = texts.iter().flat_map(|text| text.lines().skip(1));
    let rows = rows.filter_map(row);
    rows.filter(|row| takes(row.local, address)).collect()
}

/// Whether a socket that is bound there takes what is sent here.
fn takes(local: SocketAddr, address: SocketAddr) -> bool {
    let ip = local.ip().to_canonical();
    let fits = ip == address.ip().to_canonical() || ip.is_unspecified();
    // A socket of IPv6 may take IPv4 too.
    fits && local.port() == address.port() && (local.is_ipv6() || address.is_ipv4())
}

fn row(line: &str) -> Option<Row> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (ip, port) = fields.get(1)?.split_once(':')?;
    Some(Row {
        local: SocketAddr::new(ip_of(ip)?, u16::from_str_radix(port, 16).ok()?),
        inode: (*fields.get(9)?).to_owned(),
        dropped: fields.get(12)?.parse().ok()?,
    })
}

/// An address as the kernel prints it: words of 32 bits in the order of the machine.
fn ip_of(digits: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let word = u32::from_str_radix(digits.get(at..at + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    match digits.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let octets: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(octets).into())
        }
        _ => None,
    }
}

/// The processes that have one of these sockets open, of those that we may look at.
fn owners(inodes: &BTreeSet<&str>) -> BTreeSet<u32> {
    let Ok(folders) = fs::read_dir("/proc") else {
        return BTreeSet::new();
    };
    let ids = folders.filter_map(|folder| folder.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| has_one(&format!("/proc/{id}/fd"), inodes))
        .collect()
}

fn has_one(folder: &str, inodes: &BTreeSet<&str>) -> bool {
    let Ok(files) = fs::read_dir(Path::new(folder)) else {
        return false;
    };
    let targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    targets
        .filter_map(|target| socket_of(target.to_str()?))
        .any(|inode| inodes.contains(inode.as_str()))
}

fn socket_of(target: &str) -> Option<String> {
    let inode = target.strip_prefix("socket:[")?.strip_suffix(']')?;
    Some(inode.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn lines_of_the_kernel_are_understood() {
        let line = "  123: 0100007F:11D9 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 4711 2 0000000000000000 42";
        let expected = Row {
            local: "127.0.0.1:4569".parse().unwrap(),
            inode: "4711".to_owned(),
            dropped: 42,
        };
        assert_eq!(row(line), Some(expected));
        let local = ip_of("00000000000000000000000001000000").unwrap();
        assert_eq!(local.to_string(), "::1");
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 25 0 0 20 0 1 0 1 1 1";
        assert_eq!(ticks(stat), Some(175));
    }

    #[test]
    fn wildcards_take_what_is_sent_to_any_address() {
        let takes =
            |local: &str, address: &str| takes(local.parse().unwrap(), address.parse().unwrap());
        assert!(takes("0.0.0.0:4569", "127.0.0.1:4569"));
        assert!(takes("[::]:4569", "127.0.0.1:4569"));
        assert!(!takes("0.0.0.0:4569", "[::1]:4569"));
        assert!(!takes("127.0.0.1:4570", "127.0.0.1:4569"));
        assert!(!takes("127.0.0.2:4569", "127.0.0.1:4569"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn we_find_ourselves_behind_a_port_of_our_own() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let processes = Processes::behind(socket.local_addr().unwrap()).unwrap();
        assert_eq!(processes.ids, BTreeSet::from([std::process::id()]));
        assert!(processes.used().is_some_and(|used| used.dropped == 0));
    }

    #[test]
    fn an_address_of_another_machine_is_not_known() {
        let elsewhere = "192.0.2.1:4569".parse().unwrap();
        assert_eq!(Processes::behind(elsewhere), Err("not on this machine"));
    }
}
