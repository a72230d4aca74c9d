//! The operations of a worker: its endpoint is brought to the last moment before, and the thread goes on from there.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::engine::directory::{Role, TokenKey};
use iaxproof::engine::settings::{Configuration, General, Name, Settings, TransferPolicy};
use iaxproof::engine::{CallId, Calling, Dial, EndReason, Endpoint, EndpointOptions, Event};
use iaxproof::registry::ledger::NoLedger;
use iaxproof::registry::{HashKey, Std};
use iaxproof::wire::{Body, Cause, Frame};

use crate::AnyDirectory;
use crate::context::fault;
use crate::matrix::stage::Job;
use crate::subject::{KITCHEN, NOW, address};

/// A worker of the server.
type Worker = Endpoint<Arc<AnyDirectory>>;
/// A phone: nothing of it is explored.
type Phone = Endpoint<Catalog<Std>>;

fn worker(directory: Arc<AnyDirectory>) -> Worker {
    Endpoint::new(EndpointOptions::default(), [3; 32], directory)
}

/// The worker's events; a handle that went stale is a use after destroy.
fn events(worker: &mut Worker) -> Vec<Event> {
    let events: Vec<Event> = core::iter::from_fn(|| worker.poll_event()).collect();
    for event in &events {
        if let Event::StaleHandle { what } = event {
            let message = format!("the endpoint held a handle whose entry was destroyed: {what}");
            fault("no-use-after-destroy", &message);
        }
    }
    events
}

/// The poke timer of a watch that rests fires.
pub(super) fn poke_timer(directory: Arc<AnyDirectory>) -> Job {
    let mut worker = worker(directory);
    assert_eq!(worker.qualify(NOW, KITCHEN), Ok(()));
    let mut phone = phone();
    pass(&mut worker, &mut [(address(1), &mut phone)]);
    events(&mut worker);
    let due = NOW + POKE_INTERVAL;
    Box::new(move || {
        worker.handle_timeout(due);
        let is_asked = worker.poll_transmit().is_some();
        let is_watched = worker.counts().watched > 0;
        events(&mut worker);
        drop(worker);
        let asked = if is_asked { "pokes" } else { "does not poke" };
        format!(
            "{asked}, {}",
            if is_watched { "watches" } else { "lets go" }
        )
    })
}

/// When a peer that answered is asked again.
const POKE_INTERVAL: Duration = Duration::from_secs(60);

/// A call is placed.
pub(super) fn start(directory: Arc<AnyDirectory>) -> Job {
    let mut worker = worker(directory);
    Box::new(move || {
        let calling = worker.call_peer(NOW, KITCHEN, "100");
        events(&mut worker);
        let said = match calling {
            Ok(Calling::Call(_)) => placed(&mut worker),
            Ok(Calling::Asked(_)) => "asks".to_owned(),
            Err(error) => format!("{error:?}"),
        };
        drop(worker);
        said
    })
}

/// Where a call goes, and by whose settings: the peer is called as the serial of its configuration.
fn placed(worker: &mut Worker) -> String {
    let new = worker.poll_transmit().expect("a call begins with NEW");
    let Ok(Frame::Full(frame)) = Frame::parse(&new.payload) else {
        panic!("NEW is a full frame");
    };
    let Body::Iax { ies, .. } = frame.body else {
        panic!("NEW is an IAX frame");
    };
    let name = String::from_utf8_lossy(ies.username().unwrap_or_default());
    format!("calls {} as {name}", new.destination)
}

/// A call that waits for its answer is hung up, and the worker goes.
pub(super) fn end(directory: Arc<AnyDirectory>) -> Job {
    let mut worker = worker(directory);
    let call = called(&mut worker);
    Box::new(move || {
        let hung_up = worker.hangup(NOW, call, Cause::NORMAL_CLEARING);
        events(&mut worker);
        drop(worker);
        format!("hangs up: {}", hung_up.is_ok())
    })
}

fn called(worker: &mut Worker) -> CallId {
    match worker.call_peer(NOW, KITCHEN, "100") {
        Ok(Calling::Call(call)) => call,
        other => panic!("a registered peer can be called: {other:?}"),
    }
}

/// The ends of two bridged calls are connected with each other: the worker asks them, hears both, and is out of the path.
pub(super) fn transfer(directory: Arc<AnyDirectory>) -> Job {
    let mut worker = worker(directory);
    let (mut near, mut far) = (phone(), phone());
    let a = called(&mut worker);
    let b = worker.call(NOW, far_end()).expect("a call can be placed");
    let ring = |worker: &mut Worker, near: &mut Phone, far: &mut Phone| {
        pass(worker, &mut [(address(1), near), (address(2), far)]);
    };
    ring(&mut worker, &mut near, &mut far);
    answer(&mut near);
    answer(&mut far);
    ring(&mut worker, &mut near, &mut far);
    worker
        .bridge(NOW, a, b)
        .expect("two calls that are up can be bridged");
    events(&mut worker);
    Box::new(move || {
        worker
            .transfer(NOW, a, b)
            .expect("a bridge can be transferred");
        pass(
            &mut worker,
            &mut [(address(1), &mut near), (address(2), &mut far)],
        );
        let is_out = |event: &Event| {
            matches!(
                event,
                Event::Ended {
                    reason: EndReason::Transferred,
                    ..
                }
            )
        };
        let out = events(&mut worker)
            .iter()
            .filter(|event| is_out(event))
            .count();
        drop(worker);
        format!("{out} legs are out")
    })
}

/// How the other end is called, which is no peer of the directory.
fn far_end() -> Dial {
    Dial {
        username: Some("0".to_owned()),
        transfer: TransferPolicy::Allowed,
        ..Dial::new(address(2), "100")
    }
}

/// A phone that takes every call.
fn phone() -> Phone {
    let name = Name::new("0").expect("a short name");
    let catalog = Catalog::new(CatalogOptions {
        hash_key: HashKey(1, 2),
        shards: 1,
        container: Kind::Hash,
        token_key: TokenKey([7; 32]),
        database: false,
        dialogues_max: 16,
        ledger: NoLedger,
    });
    catalog.reload(Configuration {
        general: General::default(),
        entries: vec![Settings::new(Role::User, name)],
    });
    Endpoint::new(EndpointOptions::default(), [5; 32], catalog)
}

fn answer(phone: &mut Phone) {
    while let Some(event) = phone.poll_event() {
        if let Event::Incoming { call, .. } = event {
            phone
                .answer(NOW, call)
                .expect("a call that came in can be answered");
        }
    }
}

/// Where the worker is.
fn here() -> SocketAddr {
    address(100)
}

/// Carries datagrams between the worker and phones until nobody has more to say.
fn pass(worker: &mut Worker, phones: &mut [(SocketAddr, &mut Phone)]) {
    let mut is_quiet = false;
    while !is_quiet {
        is_quiet = true;
        while let Some(transmit) = worker.poll_transmit() {
            is_quiet = false;
            if let Some((_, phone)) = phones
                .iter_mut()
                .find(|(at, _)| *at == transmit.destination)
            {
                phone.handle_datagram(NOW, here(), &transmit.payload);
            }
        }
        for at in 0..phones.len() {
            let from = phones[at].0;
            while let Some(transmit) = phones[at].1.poll_transmit() {
                is_quiet = false;
                if transmit.destination == here() {
                    worker.handle_datagram(NOW, from, &transmit.payload);
                } else if let Some((_, phone)) = phones
                    .iter_mut()
                    .find(|(at, _)| *at == transmit.destination)
                {
                    phone.handle_datagram(NOW, from, &transmit.payload);
                }
            }
        }
    }
}
