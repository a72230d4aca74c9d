//! Who is in the made-up stories, and when: one server, one client, one call.

use core::net::SocketAddr;

use iaxproof::engine::event::CallId;
use iaxproof::time::Instant;
use iaxproof::wire::CallNumber;
use iaxproof_sim::plan::Actor;

pub(crate) const SERVER: Actor = Actor::Server(0);
pub(crate) const CLIENT: Actor = Actor::Client(1);

pub(crate) fn server() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 4569))
}

pub(crate) fn client() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 11], 4569))
}

pub(crate) fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

pub(crate) fn number(number: u16) -> CallNumber {
    CallNumber::from_word(number)
}

pub(crate) fn call() -> CallId {
    CallId::new(number(7), 1)
}
