//! The whole endpoint on one thread, over a directory that an operator changes on another.
//!
//! The dialogue is brought to its last datagram before the second thread begins, so what is explored is that datagram, or
//! that timer, against the operator.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Configuration, Settings};
use iaxproof::engine::{Endpoint, EndpointOptions, Event};
use iaxproof::wire::{
    Body, CallNumber, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement,
    InformationElements, SeqNo, Timestamp,
};
use iaxproof_sim::administer::Administer;

use crate::context::fault;
use crate::explorer::Explorer;
use crate::scenarios::{Reach, Scenario, designs, shipped};
use crate::subject::{
    KITCHEN, NOW, accepted_with_database, address, cache, configuration, empty, row,
};
use crate::{AnyDirectory, Design};

/// Where the other side is.
fn remote() -> SocketAddr {
    address(9)
}

fn endpoint(subject: &Arc<AnyDirectory>) -> Endpoint<Arc<AnyDirectory>> {
    Endpoint::new(EndpointOptions::default(), [3; 32], Arc::clone(subject))
}

/// The first frame of a dialogue, with a call token.
fn opener(command: IaxCommand, token: &[u8]) -> Vec<u8> {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Username(KITCHEN.as_bytes()));
    if command == IaxCommand::New {
        ies.push(InformationElement::Version(2))
            .push(InformationElement::CalledNumber(b"100"))
            .push(InformationElement::Capability(4))
            .push(InformationElement::Format(4));
    } else {
        ies.push(InformationElement::Refresh(60));
    }
    ies.push(InformationElement::CallToken(token));
    let frame = FullFrame {
        source: CallNumber::from_word(7),
        destination: CallNumber::ZERO,
        retransmission: false,
        timestamp: Timestamp(3),
        oseqno: SeqNo(0),
        iseqno: SeqNo(0),
        body: Body::Iax {
            command,
            ies: ies.view(),
        },
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}

/// The opener with the token that the endpoint gives for it.
fn with_token(endpoint: &mut Endpoint<Arc<AnyDirectory>>, command: IaxCommand) -> Vec<u8> {
    endpoint.handle_datagram(NOW, remote(), &opener(command, b""));
    let answer = endpoint
        .poll_transmit()
        .expect("an opener with an empty token is answered");
    let Ok(Frame::Full(frame)) = Frame::parse(&answer.payload) else {
        panic!("the answer to an opener is a full frame");
    };
    let Body::Iax { ies, .. } = frame.body else {
        panic!("the answer to an opener is an IAX frame");
    };
    opener(
        command,
        ies.call_token().expect("CALLTOKEN carries a token"),
    )
}

/// Acknowledges every ACCEPT that waits to be sent: a caller proves its address by the number that it was told.
fn acknowledge(endpoint: &mut Endpoint<Arc<AnyDirectory>>) {
    while let Some(transmit) = endpoint.poll_transmit() {
        let Ok(Frame::Full(frame)) = Frame::parse(&transmit.payload) else {
            continue;
        };
        let Body::Iax {
            command: IaxCommand::Accept,
            ..
        } = frame.body
        else {
            continue;
        };
        let acknowledgement = FullFrame {
            source: frame.destination,
            destination: frame.source,
            oseqno: frame.iseqno,
            iseqno: frame.oseqno.next(),
            body: Body::Iax {
                command: IaxCommand::Ack,
                ies: InformationElements::EMPTY,
            },
            ..frame
        };
        let mut octets = Vec::new();
        acknowledgement.encode(&mut octets);
        endpoint.handle_datagram(NOW, remote(), &octets);
    }
}

/// What the endpoint said, as a word. A handle that went stale is a use after destroy.
fn word(endpoint: &mut Endpoint<Arc<AnyDirectory>>) -> String {
    let mut words = Vec::new();
    while let Some(event) = endpoint.poll_event() {
        words.push(match event {
            Event::Registered { .. } => "registered".into(),
            Event::Expired { .. } => "expired".into(),
            Event::LoginFailed { .. } => "refused".into(),
            Event::Incoming { serial, .. } => format!("incoming by configuration {serial}"),
            Event::StaleHandle { what } => {
                let message =
                    format!("the endpoint held a handle whose entry was destroyed: {what}");
                fault("no-use-after-destroy", &message)
            }
            other => format!("{other:?}"),
        });
    }
    if words.is_empty() {
        "nothing".into()
    } else {
        words.join(", ")
    }
}

/// A peer that registers without a challenge.
fn open_peers(serial: u64) -> Configuration {
    without_secrets(configuration(serial, &[KITCHEN]))
}

/// A user that calls without a challenge.
fn open_users(serial: u64) -> Configuration {
    let mut configuration = without_secrets(configuration(serial, &[KITCHEN]));
    configuration
        .entries
        .iter_mut()
        .for_each(|entry| entry.role = Role::User);
    configuration
}

fn without_secrets(mut configuration: Configuration) -> Configuration {
    let strip = |entry: Settings| Settings {
        secrets: Vec::new(),
        ..entry
    };
    configuration.entries = configuration.entries.into_iter().map(strip).collect();
    configuration
}

/// One datagram against a reload.
fn datagram_and_reload<E: Explorer>(
    design: Design,
    before: Configuration,
    after: Configuration,
    command: IaxCommand,
) -> String {
    let subject = Arc::new(empty::<E>(design, false));
    subject.reload(before);
    let mut endpoint = endpoint(&subject);
    let datagram = with_token(&mut endpoint, command);
    let (mut endpoint, ()) = E::beside(
        move || {
            endpoint.handle_datagram(NOW, remote(), &datagram);
            acknowledge(&mut endpoint);
            endpoint
        },
        || subject.reload(after),
    );
    word(&mut endpoint)
}

fn regreq_and_reload<E: Explorer>(design: Design) -> String {
    datagram_and_reload::<E>(
        design,
        open_peers(0),
        configuration(1, &[]),
        IaxCommand::RegReq,
    )
}

fn call_and_reload<E: Explorer>(design: Design) -> String {
    let seen = datagram_and_reload::<E>(design, open_users(0), open_users(1), IaxCommand::New);
    if !seen.starts_with("incoming") {
        let message = format!("a user of both configurations called and was not let in: {seen}");
        fault("reload-atomic", &message);
    }
    seen
}

/// A configuration whose user must answer a challenge, and may leave one call without an answer.
fn one_waits(serial: u64) -> Configuration {
    let mut configuration = configuration(serial, &[KITCHEN]);
    for entry in &mut configuration.entries {
        entry.role = Role::User;
        entry.auth_requests_max = 1;
    }
    configuration
}

/// One call waits for its AUTHREP, the next is refused while a reload gives the user other settings; so is the one after.
fn refused_call<E: Explorer>() -> String {
    let catalog = Arc::new(empty::<E>(Design::Shipped, false));
    catalog.reload(one_waits(0));
    let mut endpoint = endpoint(&catalog);
    let calls: Vec<_> = (7..10)
        .map(|source| from_number(source, &with_token(&mut endpoint, IaxCommand::New)))
        .collect();
    endpoint.handle_datagram(NOW, remote(), &calls[0]);
    let (first, _) = last_sent(&mut endpoint);
    let (mut endpoint, ()) = E::beside(
        {
            let datagram = calls[1].clone();
            move || {
                endpoint.handle_datagram(NOW, remote(), &datagram);
                endpoint
            }
        },
        || catalog.reload(one_waits(1)),
    );
    let (second, theirs) = last_sent(&mut endpoint);
    endpoint.handle_datagram(NOW, remote(), &hangup(8, theirs));
    endpoint.handle_datagram(NOW, remote(), &calls[2]);
    let (third, _) = last_sent(&mut endpoint);
    let expected = [IaxCommand::AuthReq, IaxCommand::Reject, IaxCommand::Reject];
    let seen = [first, second, third];
    if seen != expected {
        let message = format!("of three calls where one may wait, these came of them: {seen:?}");
        fault("bounded", &message);
    }
    "one waits, two are refused".into()
}

/// The same opener with another call number.
fn from_number(source: u16, octets: &[u8]) -> Vec<u8> {
    let frame = FullFrame::parse(octets).expect("an opener is a full frame");
    let mut octets = Vec::new();
    FullFrame {
        source: CallNumber::from_word(source),
        ..frame
    }
    .encode(&mut octets);
    octets
}

/// What the endpoint sent last, and as which call.
fn last_sent(endpoint: &mut Endpoint<Arc<AnyDirectory>>) -> (IaxCommand, CallNumber) {
    let mut last = (IaxCommand::Ack, CallNumber::ZERO);
    while let Some(transmit) = endpoint.poll_transmit() {
        if let Ok(Frame::Full(frame)) = Frame::parse(&transmit.payload)
            && let Body::Iax { command, .. } = frame.body
        {
            last = (command, frame.source);
        }
    }
    last
}

/// The caller lets its call go.
fn hangup(source: u16, destination: CallNumber) -> Vec<u8> {
    let mut octets = Vec::new();
    FullFrame {
        source: CallNumber::from_word(source),
        destination,
        retransmission: false,
        timestamp: Timestamp(5),
        oseqno: SeqNo(1),
        iseqno: SeqNo(0),
        body: Body::Iax {
            command: IaxCommand::Hangup,
            ies: InformationElements::EMPTY,
        },
    }
    .encode(&mut octets);
    octets
}

/// The endpoint's expiry timer against the eviction of the row.
fn timer_and_eviction<E: Explorer>(design: Design) -> String {
    let subject = Arc::new(accepted_with_database::<E>(design, &[]));
    let mut endpoint = endpoint(&subject);
    let late = NOW + Duration::from_secs(3_600);
    cache_and_register(&subject, &mut endpoint);
    let (mut endpoint, evicted) = E::beside(
        move || {
            endpoint.handle_timeout(late);
            endpoint
        },
        || subject.prune(Role::Peer, KITCHEN),
    );
    format!("{}, evicted {evicted}", word(&mut endpoint))
}

/// The database stores all that is to be written.
fn store_all(subject: &Arc<AnyDirectory>, endpoint: &mut Endpoint<Arc<AnyDirectory>>) {
    while let Some(write) = subject.poll_write() {
        subject.stored(write.name.as_str(), write.generation);
        endpoint.handle_stored(NOW, &write.id());
    }
}

/// A cached row whose contact came by this endpoint and is stored.
fn cache_and_register(subject: &Arc<AnyDirectory>, endpoint: &mut Endpoint<Arc<AnyDirectory>>) {
    let mut row = row(KITCHEN, None);
    row.settings.secrets.clear();
    cache(&**subject, row);
    let datagram = with_token(endpoint, IaxCommand::RegReq);
    endpoint.handle_datagram(NOW, remote(), &datagram);
    store_all(subject, endpoint);
    assert_eq!(word(endpoint), "registered");
    // The dialogue's own timers come before the one that is explored.
    endpoint.handle_timeout(NOW + Duration::from_secs(61));
    assert_eq!(word(endpoint), "nothing");
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "regreq_lands_while_a_reload_drops_its_peer",
        property: "no-use-after-destroy",
        about: "an endpoint handles a REGREQ while a reload drops the peer",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: Some(3),
        outcomes: &["nothing", "refused", "registered"],
        bodies: designs!(regreq_and_reload),
    },
    Scenario {
        name: "call_is_set_up_while_a_reload_keeps_its_user",
        property: "reload-atomic",
        about: "an endpoint handles a NEW while a reload gives its user other settings",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["incoming by configuration 0", "incoming by configuration 1"],
        bodies: designs!(call_and_reload),
    },
    Scenario {
        name: "a_refused_call_counts_nothing_down",
        property: "bounded",
        about: "a call of a user of whom one waits for AUTHREP is refused while a reload runs, and the next is too: one outcome",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: Some(3),
        outcomes: &["one waits, two are refused"],
        bodies: shipped!(refused_call),
    },
    Scenario {
        name: "expiry_timer_fires_while_its_row_is_evicted",
        property: "no-use-after-destroy",
        about: "an endpoint's expiry timer fires while the cached row is evicted",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["expired, evicted false", "nothing, evicted true"],
        bodies: designs!(timer_and_eviction),
    },
];
