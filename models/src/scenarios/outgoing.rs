//! Calls that an endpoint places to a peer of the directory, while an operator or another worker changes that peer on another thread.
//!
//! What is explored is the placing: a lookup, the contact, and one snapshot of the settings. What the call says later - its
//! answer to a challenge - is asked for when both threads have met again, and must be of that one snapshot.

use core::time::Duration;
use std::sync::Arc;

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::directory::{Directory, Role};
use iaxproof::engine::settings::{Configuration, Secret, Settings};
use iaxproof::engine::{Calling, Endpoint, EndpointOptions, Error, Event, Transmit};
use iaxproof::time::Instant;
use iaxproof::wire::{
    AuthMethods, Body, CallNumber, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement,
    SeqNo, Timestamp,
};
use iaxproof_sim::administer::Administer;

use crate::context::fault;
use crate::explorer::Explorer;
use crate::scenarios::{Reach, Scenario, designs};
use crate::subject::{KITCHEN, NOW, accepted, address, configuration, kept, row};
use crate::{AnyDirectory, Design};

const CHALLENGE: &[u8] = b"161803398";

fn endpoint(subject: &Arc<AnyDirectory>) -> Endpoint<Arc<AnyDirectory>> {
    Endpoint::new(EndpointOptions::default(), [3; 32], Arc::clone(subject))
}

/// A deadline after the scenarios.
fn deadline() -> Instant {
    NOW + Duration::from_secs(60)
}

/// Peers that are called as the serial of their configuration, so that a mixture of name and secret shows.
fn peers(serial: u64, names: &[&str]) -> Configuration {
    let mut configuration = configuration(serial, names);
    let named = |entry: Settings| Settings {
        username: Some(serial.to_string()),
        ..entry
    };
    configuration.entries = configuration.entries.into_iter().map(named).collect();
    configuration
}

/// A directory whose peer is at an address.
fn registered<E: Explorer>(design: Design) -> Arc<AnyDirectory> {
    let subject = accepted::<E>(design, &[]);
    subject.reload(peers(0, &[KITCHEN]));
    let handle = kept(&subject, KITCHEN);
    let written = subject.register(&handle, address(1), deadline());
    assert!(written.is_ok(), "a linked peer registers");
    Arc::new(subject)
}

/// What came of a call, as a word. Of one that was placed: where it goes, and whose settings it has.
fn word(endpoint: &mut Endpoint<Arc<AnyDirectory>>, calling: Result<Calling, Error>) -> String {
    while let Some(event) = endpoint.poll_event() {
        if let Event::StaleHandle { what } = event {
            let message = format!("the endpoint held a handle whose entry was destroyed: {what}");
            fault("no-use-after-destroy", &message);
        }
    }
    match calling {
        Ok(Calling::Call(_)) => placed(endpoint),
        Ok(Calling::Asked(_)) => "asked".into(),
        Err(error) => format!("{error:?}"),
    }
}

fn placed(endpoint: &mut Endpoint<Arc<AnyDirectory>>) -> String {
    let new = endpoint.poll_transmit().expect("a call begins with NEW");
    let Ok(Frame::Full(frame)) = Frame::parse(&new.payload) else {
        panic!("NEW is a full frame");
    };
    let Body::Iax { ies, .. } = frame.body else {
        panic!("NEW is an IAX frame");
    };
    let name = String::from_utf8_lossy(ies.username().unwrap_or_default()).into_owned();
    let answer = challenged(endpoint, &new, frame.source);
    let expected = md5_result(CHALLENGE, &Secret::new(&name));
    if answer.as_deref() != Some(expected.as_slice()) {
        let message = format!("a call as {name} answers a challenge with another secret");
        fault("reload-atomic", &message);
    }
    format!("called {} by configuration {name}", new.destination.ip())
}

/// The MD5 RESULT that a call answers a challenge with.
fn challenged(
    endpoint: &mut Endpoint<Arc<AnyDirectory>>,
    new: &Transmit,
    local: CallNumber,
) -> Option<Vec<u8>> {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::AuthMethods(AuthMethods::MD5))
        .push(InformationElement::Challenge(CHALLENGE));
    let frame = FullFrame {
        source: CallNumber::from_word(7),
        destination: local,
        retransmission: false,
        timestamp: Timestamp(3),
        oseqno: SeqNo(0),
        iseqno: SeqNo(1),
        body: Body::Iax {
            command: IaxCommand::AuthReq,
            ies: ies.view(),
        },
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    endpoint.handle_datagram(NOW, new.destination, &octets);
    let reply = endpoint.poll_transmit()?;
    match Frame::parse(&reply.payload).ok()? {
        Frame::Full(FullFrame {
            body: Body::Iax { ies, .. },
            ..
        }) => ies.md5_result().map(<[u8]>::to_vec),
        _ => None,
    }
}

/// A call to the peer, beside what somebody else does.
fn call_beside<E: Explorer, R: Send + 'static>(
    subject: &Arc<AnyDirectory>,
    other: impl FnOnce() -> R,
) -> (String, R) {
    let mut endpoint = endpoint(subject);
    let ((mut endpoint, calling), other) = E::beside(
        move || {
            let calling = endpoint.call_peer(NOW, KITCHEN, "100");
            (endpoint, calling)
        },
        other,
    );
    (word(&mut endpoint, calling), other)
}

fn call_and_keeping_reload<E: Explorer>(design: Design) -> String {
    let subject = registered::<E>(design);
    let (seen, ()) = call_beside::<E, _>(&subject, || subject.reload(peers(1, &[KITCHEN])));
    if !seen.starts_with("called") {
        let message = format!("a peer of both configurations was not called: {seen}");
        fault("reload-atomic", &message);
    }
    seen
}

fn call_and_dropping_reload<E: Explorer>(design: Design) -> String {
    let subject = registered::<E>(design);
    let (seen, ()) = call_beside::<E, _>(&subject, || subject.reload(peers(1, &[])));
    seen
}

fn call_and_eviction<E: Explorer>(design: Design) -> String {
    let mut row = row(KITCHEN, Some(address(1)));
    row.settings.username = Some("0".into());
    let subject = accepted_row::<E>(design, row);
    let (seen, evicted) = call_beside::<E, _>(&subject, || subject.prune(Role::Peer, KITCHEN));
    format!("{seen}, evicted {evicted}")
}

/// A directory whose only peer is this row.
fn accepted_row<E: Explorer>(design: Design, row: iaxproof::catalog::Row) -> Arc<AnyDirectory> {
    let subject = crate::subject::accepted_with_database::<E>(design, &[]);
    crate::subject::cache(&subject, row);
    Arc::new(subject)
}

fn call_and_register<E: Explorer>(design: Design) -> String {
    let subject = registered::<E>(design);
    let handle = kept(&*subject, KITCHEN);
    let (seen, written) = call_beside::<E, _>(&subject, || {
        subject.register(&handle, address(2), deadline()).is_ok()
    });
    assert!(written, "a linked peer registers");
    if !seen.starts_with("called") {
        let message = format!("a peer that was registered all the time was not called: {seen}");
        fault("registration-kept", &message);
    }
    seen
}

/// An endpoint goes while its call waits for an answer and its peer is dropped: that nothing is left is the ledger's to say.
fn shutdown_and_reload<E: Explorer>(design: Design) -> String {
    let subject = registered::<E>(design);
    let mut endpoint = endpoint(&subject);
    let calling = endpoint.call_peer(NOW, KITCHEN, "100");
    assert!(calling.is_ok(), "a registered peer can be called");
    let ((), ()) = E::beside(move || drop(endpoint), || subject.reload(peers(1, &[])));
    "gone".into()
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "call_is_placed_while_a_reload_keeps_its_peer",
        property: "reload-atomic",
        about: "an endpoint calls a peer while a reload gives it other settings",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &[
            "called 192.0.2.1 by configuration 0",
            "called 192.0.2.1 by configuration 1",
        ],
        bodies: designs!(call_and_keeping_reload),
    },
    Scenario {
        name: "call_is_placed_while_a_reload_drops_its_peer",
        property: "no-use-after-destroy",
        about: "an endpoint calls a peer while a reload drops it",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &[
            "NoContact",
            "UnknownPeer",
            "called 192.0.2.1 by configuration 0",
        ],
        bodies: designs!(call_and_dropping_reload),
    },
    Scenario {
        name: "call_is_placed_while_its_row_is_evicted",
        property: "no-use-after-destroy",
        about: "an endpoint calls a peer while its cached row is evicted",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &[
            "asked, evicted true",
            "called 192.0.2.1 by configuration 0, evicted true",
        ],
        bodies: designs!(call_and_eviction),
    },
    Scenario {
        name: "call_is_placed_while_its_peer_registers_elsewhere",
        property: "registration-kept",
        about: "an endpoint calls a peer while a REGREQ moves it",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &[
            "called 192.0.2.1 by configuration 0",
            "called 192.0.2.2 by configuration 0",
        ],
        bodies: designs!(call_and_register),
    },
    Scenario {
        name: "endpoint_goes_with_a_call_in_flight",
        property: "no-leak",
        about: "an endpoint with a call in flight is dropped while a reload drops its peer; whoever is last destroys, so one outcome",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["gone"],
        bodies: designs!(shutdown_and_reload),
    },
];
