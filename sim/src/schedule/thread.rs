//! The threads of a world by name: whose they are, what they do, and where they stand in the order of all.

use core::fmt;

use crate::plan::Topology;

/// What a thread of a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Owns an endpoint: datagrams, timers, what the application wants. Its number; 0 is the first, or the only one.
    Worker(u8),
    /// Reloads the configuration.
    Reloader,
    /// Evicts cached rows and takes contacts away.
    Pruner,
    /// Brings what the database answers.
    Database,
}

/// One thread of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ThreadId {
    /// Of which server.
    pub server: u8,
    /// What it does there.
    pub role: Role,
}

impl Role {
    /// The threads of a server that are not workers.
    const OTHERS: [Role; 3] = [Role::Reloader, Role::Pruner, Role::Database];

    /// Its place among the threads of its server. The first worker has the first and the others the last, so that a server with one worker
    /// has the same places in any plan.
    pub(crate) const fn place(self) -> usize {
        match self {
            Role::Worker(0) => 0,
            Role::Reloader => 1,
            Role::Pruner => 2,
            Role::Database => 3,
            Role::Worker(nth) => Self::OTHERS.len() + nth as usize,
        }
    }

    /// Whether it is a worker's place.
    pub(super) const fn is_worker(place: usize) -> bool {
        place == 0 || place > Self::OTHERS.len()
    }
}

impl ThreadId {
    /// How many threads a server has that has so many workers.
    pub fn per_server(workers: u8) -> usize {
        Role::OTHERS.len() + usize::from(workers)
    }

    /// The threads of all servers, in the order of their indices.
    pub fn all(topology: &Topology) -> impl Iterator<Item = ThreadId> + use<> {
        let first = core::iter::once(Role::Worker(0));
        let others = (1..topology.workers()).map(Role::Worker);
        let roles: Vec<Role> = first.chain(Role::OTHERS).chain(others).collect();
        let of_server = move |server| {
            let roles = roles.clone().into_iter();
            roles.map(move |role| ThreadId { server, role })
        };
        (0..topology.servers).flat_map(of_server)
    }

    /// Its place in that order, where each server has so many workers; `who` of its stalls.
    pub fn index(self, workers: u8) -> usize {
        usize::from(self.server) * Self::per_server(workers) + self.role.place()
    }
}

/// `s0 worker`, `s0 worker 1`.
impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{} ", self.server)?;
        match self.role {
            Role::Worker(0) => f.write_str("worker"),
            Role::Worker(nth) => write!(f, "worker {nth}"),
            Role::Reloader => f.write_str("reloader"),
            Role::Pruner => f.write_str("pruner"),
            Role::Database => f.write_str("database"),
        }
    }
}
