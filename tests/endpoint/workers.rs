//! Two workers behind one address: whichever socket a datagram comes by, it finds its dialogue (X-NUM-2, X-NUM-5, X-INV-1, X-TX-4).

#![expect(
    clippy::disallowed_types,
    reason = "workers of a server share their directory by it, and no explorer looks on"
)]

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use crate::bench::{Client, address, encode, entry, number};
use crate::net_bench::{Net, Shared, catalog, worker};
use crate::three_bench::{Three, dial};
use iaxproof::catalog::{Answer, Pruned, Row};
use iaxproof::engine::directory::{Contact, Directory, Generation, Lookup, Role};
use iaxproof::engine::settings::TransferPolicy::{self, Allowed, MediaOnly};
use iaxproof::engine::settings::{Configuration, General, Host, Qualify, Settings};
use iaxproof::engine::{Calling, Endpoint, Event, Route, WorkerId};
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, Cause, Frame, FullFrame, IaxCommand, InformationElement, MetaFrame, SeqNo, Timestamp,
    TrunkBuffer, TrunkEntry,
};

const OTHER: WorkerId = WorkerId(1);

type Worker = Endpoint<Shared>;

/// Three nodes of two workers each. What may arrive at the second worker's socket: all but openers from the left one at the middle and from the
/// middle one at the right, for the tests say what the first worker is to do with those.
fn split(mask: u8, policies: [TransferPolicy; 3]) -> Three {
    let mut net = Three::net(policies);
    let ways = [("left", 2), ("left", 3), ("middle", 3), ("right", 1)];
    for node in ["left", "middle", "right"] {
        let ways = ways.iter().enumerate();
        let beside = ways.filter(|(bit, (whom, _))| *whom == node && mask >> bit & 1 == 1);
        let beside: Vec<SocketAddr> = beside.map(|(_, (_, last))| address(*last)).collect();
        net.node(node).split(&beside);
    }
    let mut three = Three::on(net, policies);
    three.answer();
    three.talk(3);
    three
}

const WAYS: u8 = 1 << 4;

fn heard(three: &mut Three) -> [usize; 2] {
    ["left", "right"].map(|node| three.heard(node).len())
}

/// Both ends hear each word that the other says.
fn all_is_heard(three: &mut Three, mask: u8) {
    let before = heard(three);
    three.talk(10);
    three.net.pass(Duration::from_millis(100));
    let all = before.map(|it| it + 10);
    assert_eq!(heard(three), all, "{mask:#b} {}", three.net.ladder);
}

/// Nothing is left anywhere: no dialogue, no number, no claim.
fn end(three: &mut Three) {
    three.hang_up_left();
    three.net.pass(Duration::from_secs(80));
    for node in ["left", "middle", "right"] {
        let node = three.net.node(node);
        assert_eq!(node.endpoint.directory().claims(), 0, "{}", node.name);
        let counts: Vec<_> = node.workers().map(|it| it.counts()).collect();
        let dialogues = counts.iter().map(|it| (it.dialogues(), it.timers));
        assert!(dialogues.into_iter().all(|it| it == (0, 0)), "{counts:?}");
        let free: usize = counts.iter().map(|it| it.numbers_free).sum();
        assert_eq!(free, 32_766);
    }
}

/// The middle one places a call whose answers may arrive anywhere.
#[test]
fn a_call_is_heard_by_whichever_socket_its_audio_comes() {
    for mask in 0..WAYS {
        let mut three = split(mask, [Allowed; 3]);
        all_is_heard(&mut three, mask);
        end(&mut three);
    }
}

/// X-TX-4: after a transfer each end hears an address that opened nothing here.
#[test]
fn a_call_that_moves_is_found_wherever_its_new_side_arrives() {
    for (mask, policy) in (0..WAYS).flat_map(|mask| [(mask, Allowed), (mask, MediaOnly)]) {
        let mut three = split(mask, [policy; 3]);
        let (near, far) = (three.near, three.far);
        three
            .net
            .at("middle", |now, it| it.transfer(now, near, far))
            .expect("both allow it");
        three.net.pass(Duration::from_secs(1));
        let moved = |event: &Event| matches!(event, Event::Transferred { .. });
        for node in ["left", "right"] {
            assert!(three.told(node, moved), "{mask:#b} {}", three.net.ladder);
        }
        three.net.ladder.clear();
        all_is_heard(&mut three, mask);
        assert!(three.net.ladder.contains("left   -> right  Mini"));
        end(&mut three);
    }
}

/// A server of two workers at 192.0.2.1, at whose second socket the even addresses arrive.
fn server(entries: Vec<Settings>) -> Net {
    let mut net = Net::new();
    let general = General::default();
    net.add("server", 1, Configuration { general, entries });
    let even: Vec<SocketAddr> = (2..=250).step_by(2).map(address).collect();
    net.node("server").split(&even);
    net
}

fn open() -> Vec<Settings> {
    vec![entry(Role::Peer, "open", "")]
}

/// What the server answers to a datagram that comes by one of its sockets, as words.
fn answers(net: &mut Net, from: SocketAddr, datagram: &[u8]) -> Vec<String> {
    net.ladder.clear();
    let now = net.now;
    net.node("server").take(now, from, datagram);
    net.drain();
    net.ladder.lines().map(str::to_owned).collect()
}

/// Our number decides whose a full frame is, and who owns the address decides where the number is nobody's (X-INV-1, X-INV-2).
#[test]
fn a_number_of_another_worker_that_nobody_has_is_answered_by_whom_it_came_to() {
    let mut net = server(open());
    let mut phone = Client::new(3, 700);
    phone.destination = number(20_000);
    let ping = phone.iax(IaxCommand::Ping, &[]);
    let server = net.node("server");
    let beside = server.beside.as_ref().expect("it is split");
    assert!(!beside.keeps(phone.address, &ping));
    assert_eq!(
        server.endpoint.route(phone.address, &ping),
        Route::There(OTHER)
    );
    let lines = answers(&mut net, phone.address, &ping);
    assert!(lines.len() == 1 && lines[0].contains("INVAL"), "{lines:?}");
}

/// X-NUM-5: a frame from a live dialogue's address and number that names another of ours is nothing, also where that other is in the slice of
/// a worker who knows nothing of the dialogue. The other side would take an INVAL for the end of its call.
#[test]
fn a_live_dialogue_is_not_invalidated_by_a_number_of_another_worker() {
    let mut net = server(open());
    let mut phone = register(&mut net, "open", 3);
    phone.destination = number(20_000);
    let ping = phone.iax(IaxCommand::Ping, &[]);
    let lines = answers(&mut net, phone.address, &ping);
    assert!(lines.is_empty(), "{lines:?}");
    let server = net.node("server");
    assert_eq!(server.endpoint.counts().dropped.misaddressed, 1);
}

/// A trunk frame may hold audio of calls of both.
#[test]
fn a_trunk_frame_goes_to_all_who_have_calls_there() {
    let mut net = Three::net([Allowed; 3]);
    net.node("left").split(&[address(2)]);
    let placed = net.at("left", |now, it| it.call(now, dial(2, Allowed)));
    let left = placed.expect("placed");
    net.pass(Duration::from_millis(200));
    let call = net
        .node("middle")
        .events
        .iter()
        .find_map(|event| match event {
            Event::Incoming { call, .. } => Some(*call),
            _ => None,
        });
    let call = call.expect("offered");
    net.at("middle", |now, it| it.answer(now, call))
        .expect("answers");
    // A first full frame says the format.
    net.at("middle", |now, it| it.send_voice(now, call, &[1; 160]))
        .expect("sends");
    net.pass(Duration::from_millis(100));
    let mut buffer = TrunkBuffer::new(true);
    buffer.push(TrunkEntry::new(call.local(), Some(40), b"trunked").expect("short"));
    let frame = Frame::Meta(MetaFrame {
        timestamp: Timestamp(1),
        entries: buffer.view(),
    });
    let (now, octets) = (net.now, encode(&frame));
    let node = net.node("left");
    let beside = node.beside.as_ref().expect("it is split");
    assert_eq!(
        beside.route(address(2), &octets),
        Route::Shared(vec![WorkerId(0)])
    );
    node.take(now, address(2), &octets);
    net.drain();
    let heard = |event: &&Event| matches!(event, Event::Voice { call, data, .. } if *call == left && data == b"trunked");
    assert_eq!(net.node("left").events.iter().filter(heard).count(), 1);
    net.at("left", |now, it| {
        it.hangup(now, left, Cause::NORMAL_CLEARING)
    })
    .expect("hangs up");
    net.pass(Duration::from_secs(80));
    let beside = net.node("left").beside.as_ref().expect("it is split");
    assert_eq!(
        beside.route(address(2), &octets),
        Route::Here,
        "nothing is claimed any more"
    );
}

/// All workers are told to have the peers asked; each peer is asked once.
#[test]
fn each_peer_is_asked_by_one_worker() {
    let qualify = Some(Qualify::default());
    let fixed = Settings {
        host: Host::Fixed(address(200)),
        qualify,
        ..entry(Role::Peer, "fixed", "")
    };
    let with = |it: Settings| Settings { qualify, ..it };
    let phones = ["even", "odd"].map(|name| with(entry(Role::Peer, name, "")));
    let mut net = server([vec![fixed], phones.to_vec()].concat());
    for (name, last) in [("even", 20), ("odd", 21)] {
        register(&mut net, name, last);
    }
    net.ladder.clear();
    let now = net.now;
    let server = net.node("server");
    for worker in server.workers() {
        let catalog = Arc::clone(worker.directory());
        for peer in catalog.entries(Role::Peer) {
            worker.qualify_own(now, peer).expect("each has a contact");
        }
    }
    net.drain();
    let mut asked: Vec<&str> = net
        .ladder
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3))
        .collect();
    asked.sort_unstable();
    let expected = [200, 20, 21].map(|last| address(last).to_string());
    assert_eq!(asked, expected, "{}", net.ladder);
    let watched = net.node("server").workers().map(|it| it.counts().watched);
    assert_eq!(watched.collect::<Vec<_>>(), [2, 1]);
}

/// A worker has a registered row asked whether it is there, which is read for that.
fn ask_a_row(worker: &mut Worker, catalog: &Shared, now: Instant) {
    worker
        .qualify(now, "kitchen")
        .expect("the row is asked for");
    let question = catalog.poll_question().expect("it is sent");
    let contact = Contact {
        address: address(7),
        deadline: Some(now + Duration::from_secs(600)),
        generation: Generation(3),
    };
    let row = Row {
        settings: Settings {
            qualify: Some(Qualify::default()),
            ..entry(Role::Peer, "kitchen", "")
        },
        contact: Some(contact),
        generation: Generation(3),
    };
    catalog.answer(question.id, Answer::Row(row), now);
    worker.handle_answer(now, question.id);
}

/// The row of a peer that one worker asks is evicted, and read anew by another: that one goes on asking, and the first stops with its next POKE.
#[test]
fn of_two_workers_that_ask_a_row_the_last_goes_on() {
    let mut now = Instant::from_secs(1000);
    let catalog = Arc::new(catalog(1, true));
    let mut both = [0, 1].map(|me| worker(me, &catalog));
    let watched = |both: &[Worker; 2]| both.each_ref().map(|it| it.counts().watched);
    ask_a_row(&mut both[0], &catalog, now);
    assert_eq!(watched(&both), [1, 0]);
    assert_eq!(catalog.prune(Role::Peer, "kitchen"), Pruned::Evicted);
    ask_a_row(&mut both[1], &catalog, now);
    assert_eq!(watched(&both), [1, 1], "the first cannot know yet");
    for _ in 0..60 {
        now = now + Duration::from_secs(1);
        both.iter_mut().for_each(|it| it.handle_timeout(now));
    }
    assert_eq!(watched(&both), [0, 1]);
    let told = both.each_mut().map(|it| {
        let mut events = core::iter::from_fn(|| it.poll_event());
        events.any(|it| matches!(it, Event::Reachability { .. }))
    });
    assert_eq!(told, [false, true], "one says that nobody answers");
}

/// Begins the registration of an open peer, with a token: its dialogue waits for the ACK.
fn register(net: &mut Net, name: &str, last: u8) -> Client {
    let mut phone = Client::new(last, 700);
    let (now, name) = (net.now, name.as_bytes());
    let mut ask = |net: &mut Net, token| {
        let ies = [
            InformationElement::Username(name),
            InformationElement::Refresh(60),
            InformationElement::CallToken(token),
        ];
        phone.oseqno = SeqNo(0);
        let ask = phone.iax(IaxCommand::RegReq, &ies);
        net.node("server").take(now, phone.address, &ask);
    };
    ask(net, &[]);
    let mut workers = net.node("server").workers();
    let reply = workers.find_map(|it| it.poll_transmit());
    let reply = reply.expect("CALLTOKEN comes").payload;
    let Body::Iax { ies, .. } = FullFrame::parse(&reply).expect("a full frame").body else {
        panic!("an IAX frame")
    };
    drop(workers);
    ask(net, ies.call_token().expect("a token"));
    net.drain();
    phone
}

/// The database answers a question of one worker, and all are told.
#[test]
fn an_answer_stays_for_whoever_asked() {
    let now = Instant::from_secs(1000);
    let catalog = Arc::new(catalog(1, true));
    let [mut first, mut second] = [0, 1].map(|me| worker(me, &catalog));
    let calling = first.call_peer(now, "kitchen", "100").expect("asks");
    let Calling::Asked(query) = calling else {
        panic!("{calling:?}")
    };
    let question = catalog.poll_question().expect("it is sent");
    let row = Row {
        settings: Settings {
            host: Host::Fixed(address(7)),
            ..entry(Role::Peer, "kitchen", "")
        },
        contact: None,
        generation: Generation(0),
    };
    catalog.answer(question.id, Answer::Row(row), now);
    second.handle_answer(now, query);
    first.handle_answer(now, query);
    let called: Vec<Event> = core::iter::from_fn(|| first.poll_event()).collect();
    assert!(
        matches!(called[..], [Event::Called { call: Ok(_), .. }]),
        "{called:?}"
    );
    assert!(matches!(catalog.take_answer(query), Lookup::Failed));
}
