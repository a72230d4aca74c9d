//! Encrypted calls that we place, and two endpoints that encrypt to each other (RFC 5456 §7.4, §10; X-ENC-2, X-ENC-3).

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use crate::bench::{Bench, Client, address, entry, iax};
use crate::net_bench::Net;
use iaxproof::engine::cipher::Key;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Configuration, Encryption, General, Host, Secret, Settings};
use iaxproof::engine::{CallId, Calling, Dial, EndReason, Event};
use iaxproof::wire::InformationElement as Ie;
use iaxproof::wire::{
    AuthMethods, Body, Cause, Digit, EncryptionMethods, Format, FullFrame, IaxCommand, IeCode,
    SeqNo,
};

const CALLEE: u8 = 9;

fn dial(encryption: Encryption) -> Dial {
    Dial {
        username: Some("alice".to_owned()),
        secrets: vec![Secret::new("wonder")],
        methods: AuthMethods(3),
        encryption,
        ..Dial::new(address(CALLEE), "100")
    }
}

/// A call that is placed, and the side that it is placed to.
fn placed(encryption: Encryption) -> (Bench, Client, CallId) {
    let mut bench = Bench::new();
    let call = bench.endpoint.call(bench.now, dial(encryption));
    let call = call.expect("placed");
    bench.drain();
    let mut callee = Client::new(CALLEE, 777);
    callee.take(&mut bench);
    let first = FullFrame::parse(&callee.received[0]).expect("NEW");
    let Body::Iax { ies, .. } = first.body else {
        panic!("NEW should come");
    };
    let asked = (encryption != Encryption::Off).then_some(EncryptionMethods::AES128);
    assert_eq!(ies.encryption(), asked);
    (callee.destination, callee.iseqno) = (first.source, SeqNo(1));
    (bench, callee, call)
}

fn ended(bench: &Bench) -> Option<EndReason> {
    bench.events.iter().find_map(|event| match event {
        Event::Ended { reason, .. } => Some(*reason),
        _ => None,
    })
}

const CHALLENGE: &[u8] = b"159541092";

fn authreq(bench: &mut Bench, callee: &mut Client, methods: u16, mask: Option<u16>) {
    let mask = mask.map(|mask| Ie::Encryption(EncryptionMethods(mask)));
    let ies = [
        Ie::AuthMethods(AuthMethods(methods)),
        Ie::Challenge(CHALLENGE),
    ];
    let ies: Vec<_> = ies.into_iter().chain(mask).collect();
    callee.received.clear();
    callee.send_iax(bench, IaxCommand::AuthReq, &ies);
}

/// X-ENC-3, RFC 5456 §10: whatever an AUTHREQ without ENCRYPTION offers, the answer to one who asked for it is HANGUP; the
/// result, which is the key, and the secret stay here.
#[test]
fn a_downgrade_is_hung_up_and_tells_nothing() {
    for encryption in [Encryption::Offered, Encryption::Forced] {
        for (methods, mask) in [(2, None), (3, None), (1, None), (1, Some(1)), (2, Some(2))] {
            let (mut bench, mut callee, _) = placed(encryption);
            authreq(&mut bench, &mut callee, methods, mask);
            assert_eq!(callee.words(), ["HANGUP"]);
            bench.until(60.0);
            assert_eq!(ended(&bench), Some(EndReason::Unauthenticated));
        }
    }
}

/// X-IE-7: an AUTHREQ may say ENCRYPTION in one octet, as yate does. Of a wrong length it is none at all (X-IE-3), and so the answer is
/// HANGUP (X-ENC-3).
#[test]
fn an_authreq_with_encryption_of_one_octet_is_answered_under_the_key() {
    let masks: [&[u8]; 5] = [&[1], &[0, 1], &[], &[0, 0, 1], &[0, 0, 0, 1]];
    for data in masks {
        let (mut bench, mut callee, _) = placed(Encryption::Offered);
        let ies = [
            Ie::AuthMethods(AuthMethods::MD5),
            Ie::Challenge(CHALLENGE),
            Ie::Malformed {
                code: IeCode::Encryption,
                data,
            },
        ];
        callee.received.clear();
        callee.send_iax(&mut bench, IaxCommand::AuthReq, &ies);
        let answer = &callee.received[0];
        if !matches!(data.len(), 1 | 2) {
            assert_eq!(iax(answer), Some(IaxCommand::Hangup), "{data:?}");
            continue;
        }
        let key = Key::new(CHALLENGE, &Secret::new("wonder"));
        let opened = key.decrypt(answer).expect("it is sealed");
        assert_eq!(iax(&opened), Some(IaxCommand::AuthRep), "{data:?}");
    }
}

/// Who asked for no encryption does not answer one who grants it: that side would decrypt what is clear.
#[test]
fn encryption_that_nobody_asked_for_is_hung_up() {
    let (mut bench, mut callee, _) = placed(Encryption::Off);
    authreq(&mut bench, &mut callee, 2, Some(1));
    assert_eq!(callee.words(), ["HANGUP"]);
}

/// A bare ACCEPT tells no secret: taken where encryption is only offered, refused where it is forced.
#[test]
fn a_call_without_a_challenge_is_taken_unless_encryption_is_forced() {
    let format = Ie::Format(Format::ULAW.mask() as u32);
    let (mut bench, mut callee, _) = placed(Encryption::Offered);
    callee.send_iax(&mut bench, IaxCommand::Accept, &[format]);
    assert!(matches!(bench.events.last(), Some(Event::Accepted { .. })));
    let (mut bench, mut callee, _) = placed(Encryption::Forced);
    callee.received.clear();
    callee.send_iax(&mut bench, IaxCommand::Accept, &[format]);
    assert_eq!(callee.words(), ["HANGUP"]);
    bench.until(60.0);
    assert_eq!(ended(&bench), Some(EndReason::Unencrypted));
}

/// X-ENC-2: AUTHREP is the first encrypted frame. Until something was decrypted, a REJECT in clear counts, as there may be no
/// common key; afterwards nothing in clear does.
#[test]
fn authrep_is_the_first_encrypted_frame() {
    let (mut bench, mut callee, call) = placed(Encryption::Forced);
    let key = Key::new(CHALLENGE, &Secret::new("wonder"));
    callee.encrypt(&mut bench, key);
    let mask = Ie::Encryption(EncryptionMethods::AES128);
    let challenge = Ie::Challenge(CHALLENGE);
    let authreq = callee.iax(
        IaxCommand::AuthReq,
        &[Ie::AuthMethods(AuthMethods::MD5), challenge, mask],
    );
    bench.deliver(callee.address, &authreq);
    callee.received.clear();
    callee.take(&mut bench);
    assert_eq!(callee.words(), ["AUTHREP"]);
    let format = Ie::Format(Format::ULAW.mask() as u32);
    callee.send_iax(&mut bench, IaxCommand::Accept, &[format]);
    assert!(matches!(bench.events.last(), Some(Event::Accepted { .. })));
    let oseqno = callee.oseqno;
    for command in [IaxCommand::Reject, IaxCommand::Hangup, IaxCommand::Inval] {
        let clear = callee.iax(command, &[]);
        bench.deliver(callee.address, &clear);
    }
    assert_eq!(bench.counts().dropped.undecipherable, 3);
    assert_eq!(ended(&bench), None);
    callee.oseqno = oseqno;
    // Another challenge on the encrypted call is acknowledged and no more.
    callee.take(&mut bench);
    callee.received.clear();
    callee.send_iax(&mut bench, IaxCommand::AuthReq, &[challenge, mask]);
    assert_eq!(callee.words(), ["ACK"]);
    bench.endpoint.send_text(bench.now, call, "hush").unwrap();
    bench.drain();
    callee.take(&mut bench);
    assert_eq!(callee.words(), ["TEXT \"hush\\x00\""]);
}

/// Two endpoints, the callee's user and the caller's peer with these secrets.
fn net(caller: &str, callee: &[&str]) -> Net {
    let mut net = Net::new();
    let general = General::default();
    let peer = Settings {
        host: Host::Fixed(address(2)),
        default_address: Some(address(2)),
        username: Some("alice".to_owned()),
        encryption: Encryption::Forced,
        ..entry(Role::Peer, "callee", caller)
    };
    let user = Settings {
        encryption: Encryption::Offered,
        secrets: callee.iter().map(|secret| Secret::new(secret)).collect(),
        ..entry(Role::User, "alice", "")
    };
    for (name, last, entries) in [("caller", 1, vec![peer]), ("callee", 2, vec![user])] {
        let general = general.clone();
        net.add(name, last, Configuration { general, entries });
    }
    net
}

fn place(net: &mut Net) -> CallId {
    let placed = net.at("caller", |now, caller| {
        caller.call_peer(now, "callee", "100")
    });
    match placed {
        Ok(Calling::Call(call)) => call,
        other => panic!("the peer is known: {other:?}"),
    }
}

fn offered(net: &mut Net) -> CallId {
    let mut events = net.node("callee").events.iter();
    let offered = events.find_map(|event| match event {
        Event::Incoming { call, .. } => Some(*call),
        _ => None,
    });
    offered.expect("the call is offered")
}

fn texts(net: &mut Net, name: &str) -> Vec<String> {
    let events = net.node(name).events.iter();
    let text = events.filter_map(|event| match event {
        Event::Text { text, .. } => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    });
    text.collect()
}

const MARK: &[u8] = b"in the clear";

/// Text, audio and digits both ways, with every seventh datagram lost: nothing readable is on the wires, all arrives in order,
/// and nothing is undecipherable.
#[test]
fn two_endpoints_talk_encrypted_over_a_lossy_network() {
    let mut net = net("wonder", &["old", "wonder"]);
    let seen = Rc::new(RefCell::new(Vec::<Vec<u8>>::new()));
    let wire = Rc::clone(&seen);
    net.loses = Box::new(move |nth, _, octets| {
        wire.borrow_mut().push(octets.to_vec());
        nth % 7 == 3
    });
    let here = place(&mut net);
    net.pass(Duration::from_secs(30));
    let there = offered(&mut net);
    net.at("callee", |now, callee| callee.answer(now, there))
        .unwrap();
    net.pass(Duration::from_secs(5));
    let mark = String::from_utf8_lossy(MARK).into_owned();
    for i in 0..20 {
        let text = format!("{mark} {i}");
        for (name, call) in [("caller", here), ("callee", there)] {
            net.at(name, |now, endpoint| {
                endpoint.send_text(now, call, &text).unwrap();
                endpoint.send_voice(now, call, MARK).unwrap();
                endpoint
                    .send_dtmf(now, call, Digit::new(b'7').unwrap())
                    .unwrap();
            });
        }
        net.pass(Duration::from_secs(3));
    }
    let expected: Vec<_> = (0..20).map(|i| format!("{mark} {i}")).collect();
    for name in ["caller", "callee"] {
        assert_eq!(texts(&mut net, name), expected, "{name}");
        assert_eq!(net.node(name).endpoint.counts().dropped.undecipherable, 0);
    }
    net.at("caller", |now, caller| {
        caller.hangup(now, here, Cause::NORMAL_CLEARING)
    })
    .unwrap();
    net.pass(Duration::from_secs(60));
    for name in ["caller", "callee"] {
        assert_eq!(net.node(name).endpoint.counts().dialogues(), 0);
    }
    let seen = seen.borrow();
    assert!(seen.len() > 100);
    let shows = |octets: &Vec<u8>| octets.windows(MARK.len()).any(|window| window == MARK);
    assert!(!seen.iter().any(shows));
}

/// A wrong secret: the callee's refusal, in clear for want of a common key, ends the call at once.
#[test]
fn a_wrong_secret_is_told_to_the_caller() {
    let mut net = net("blunder", &["wonder"]);
    place(&mut net);
    net.pass(Duration::from_secs(1));
    let reason = net
        .node("caller")
        .events
        .iter()
        .find_map(|event| match event {
            Event::Ended { reason, .. } => Some(*reason),
            _ => None,
        });
    let refused = EndReason::RemoteHangup(Some(Cause::FACILITY_NOT_SUBSCRIBED));
    assert_eq!(reason, Some(refused));
    net.pass(Duration::from_secs(60));
    for name in ["caller", "callee"] {
        assert_eq!(net.node(name).endpoint.counts().dialogues(), 0);
    }
}
