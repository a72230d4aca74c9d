//! A watch over a peer on one thread - its poke timer fires, its POKE is answered - over a directory that an operator changes on
//! another (asterisk 3978cb6f1c: a pending poke timer held a peer without counting it).

use core::time::Duration;
use std::sync::Arc;

use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Configuration, Host, Qualify, Settings};
use iaxproof::engine::{Endpoint, EndpointOptions, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand, InformationElements, SeqNo};
use iaxproof_sim::administer::Administer;

use crate::context::fault;
use crate::explorer::Explorer;
use crate::scenarios::{Reach, Scenario, designs};
use crate::subject::{
    KITCHEN, NOW, accepted_with_database, address, cache, configuration, empty, row,
};
use crate::{AnyDirectory, Design};

/// When the poke timer of a peer is due that answered at the start.
const DUE: Duration = Duration::from_secs(60);

/// A peer at a fixed address that is to be asked whether it is there.
fn watched(settings: Settings) -> Settings {
    Settings {
        host: Host::Fixed(address(9)),
        qualify: Some(Qualify::default()),
        ..settings
    }
}

/// A configuration of such a peer.
fn watched_peer() -> Configuration {
    let mut configuration = configuration(0, &[KITCHEN]);
    configuration.entries = configuration.entries.into_iter().map(watched).collect();
    configuration
}

/// An endpoint that has asked the peer, got its answer and armed the next POKE.
fn resting(subject: &Arc<AnyDirectory>) -> Endpoint<Arc<AnyDirectory>> {
    let options = EndpointOptions::default();
    let mut endpoint = Endpoint::new(options, [3; 32], Arc::clone(subject));
    let asked = endpoint.qualify(NOW, KITCHEN);
    assert_eq!(asked, Ok(()));
    assert_eq!(answer_pokes(&mut endpoint, NOW), 1);
    while endpoint.poll_event().is_some() {}
    endpoint
}

/// Answers every POKE that waits to be sent, and says how many there were.
fn answer_pokes(endpoint: &mut Endpoint<Arc<AnyDirectory>>, now: Instant) -> usize {
    let mut pokes = 0;
    while let Some(transmit) = endpoint.poll_transmit() {
        let Ok(Frame::Full(frame)) = Frame::parse(&transmit.payload) else {
            continue;
        };
        let Body::Iax {
            command: IaxCommand::Poke,
            ..
        } = frame.body
        else {
            continue;
        };
        pokes += 1;
        endpoint.handle_datagram(now, transmit.destination, &pong(&frame));
    }
    pokes
}

fn pong(poke: &FullFrame<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    FullFrame {
        source: CallNumber::STATELESS,
        destination: poke.source,
        retransmission: false,
        timestamp: poke.timestamp,
        oseqno: SeqNo(0),
        iseqno: SeqNo(1),
        body: Body::Iax {
            command: IaxCommand::Pong,
            ies: InformationElements::EMPTY,
        },
    }
    .encode(&mut octets);
    octets
}

/// The timer fires and the POKE is answered, while the other thread does what it does.
fn beside_the_timer<E: Explorer, R: Send + 'static>(
    mut endpoint: Endpoint<Arc<AnyDirectory>>,
    change: impl FnOnce() -> R,
) -> (String, R) {
    let due = NOW + DUE;
    let ((mut endpoint, pokes), changed) = E::beside(
        move || {
            endpoint.handle_timeout(due);
            let pokes = answer_pokes(&mut endpoint, due);
            (endpoint, pokes)
        },
        change,
    );
    while let Some(event) = endpoint.poll_event() {
        if let Event::StaleHandle { what } = event {
            let message = format!("the watch held a handle whose entry was destroyed: {what}");
            fault("no-use-after-destroy", &message);
        }
    }
    let asked = ["not asked", "asked"][pokes];
    let held = ["let go", "watched"][endpoint.counts().watched];
    (format!("{asked}, {held}"), changed)
}

fn timer_and_reload<E: Explorer>(design: Design) -> String {
    let subject = Arc::new(empty::<E>(design, false));
    subject.reload(watched_peer());
    let endpoint = resting(&subject);
    let reload = || subject.reload(configuration(1, &[]));
    let (seen, ()) = beside_the_timer::<E, ()>(endpoint, reload);
    seen
}

fn timer_and_eviction<E: Explorer>(design: Design) -> String {
    let subject = Arc::new(accepted_with_database::<E>(design, &[]));
    let mut row = row(KITCHEN, None);
    row.settings = watched(row.settings);
    cache(&*subject, row);
    let endpoint = resting(&subject);
    let prune = || subject.prune(Role::Peer, KITCHEN);
    let (seen, evicted) = beside_the_timer::<E, bool>(endpoint, prune);
    format!("{seen}, evicted {evicted}")
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "poke_timer_fires_while_a_reload_drops_its_peer",
        property: "no-use-after-destroy",
        about: "an endpoint's poke timer fires and its POKE is answered while a reload drops the peer",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: Some(3),
        outcomes: &["asked, let go", "asked, watched", "not asked, let go"],
        bodies: designs!(timer_and_reload),
    },
    Scenario {
        name: "poke_timer_fires_while_its_row_is_evicted",
        property: "no-use-after-destroy",
        about: "an endpoint's poke timer fires and its POKE is answered while the cached row is evicted",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &[
            "asked, let go, evicted true",
            "asked, watched, evicted true",
        ],
        bodies: designs!(timer_and_eviction),
    },
];
