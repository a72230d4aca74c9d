//! Registrations that we keep up with a registrar (RFC 5456 §6.1.1, Figure 1): tokens, challenges, refresh, release.

use core::time::Duration;
use std::collections::BTreeSet;

use crate::bench::{Bench, Client, address, entries, entry, iax};
use crate::net_bench::Net;
use iaxproof::engine::directory::{Directory, Lookup, Role};
use iaxproof::engine::registrant::REFRESH_MIN;
use iaxproof::engine::settings::{Configuration, General, Name, Secret};
use iaxproof::engine::{
    EndpointOptions, Error, Event, REGISTRANTS_MAX, RegistrantId, RegistrantState, Registration,
};
use iaxproof::time::Instant;
use iaxproof::wire::{
    ApparentAddress, AuthMethods, Body, CallNumber, Cause, Frame, FullFrame, IaxCommand,
    InformationElement, MessageCount, SeqNo,
};

/// Where the registrar is.
const REGISTRAR: u8 = 9;

/// As `alice`, renewed at 5/6 of a minute sharp.
fn registration() -> Registration {
    let name = Name::new("alice").expect("a name");
    Registration {
        secrets: vec![Secret::new("wonder")],
        is_spread: false,
        ..Registration::new(address(REGISTRAR), name)
    }
}

/// A registrant, and the registrar that its REGREQ has come to.
fn registering(registration: Registration) -> (Bench, Client, RegistrantId) {
    let mut bench = Bench::new();
    let registered = bench.endpoint.register(bench.now, registration);
    let id = registered.expect("there is room");
    bench.drain();
    let registrar = asked(&mut bench, 777);
    (bench, registrar, id)
}

/// A registrar's side of the dialogue whose opener has come last.
fn asked(bench: &mut Bench, source: u16) -> Client {
    let mut registrar = Client::new(REGISTRAR, source);
    registrar.take(bench);
    let opener = registrar.last();
    assert_eq!(
        (opener.oseqno, opener.destination),
        (SeqNo(0), CallNumber::ZERO)
    );
    let source = opener.source;
    (registrar.destination, registrar.iseqno) = (source, SeqNo(1));
    registrar.received.clear();
    registrar
}

fn challenge(bench: &mut Bench, registrar: &mut Client, methods: AuthMethods) {
    registrar.send_iax(
        bench,
        IaxCommand::RegAuth,
        &[
            InformationElement::AuthMethods(methods),
            InformationElement::Challenge(b"159541092"),
            InformationElement::Username(b"alice"),
        ],
    );
}

fn grant(bench: &mut Bench, registrar: &mut Client, refresh: u16) {
    registrar.send_iax(
        bench,
        IaxCommand::RegAck,
        &[
            InformationElement::Username(b"alice"),
            InformationElement::Refresh(refresh),
            InformationElement::ApparentAddr(ApparentAddress(address(77))),
            InformationElement::MsgCount(MessageCount::new(2, 1)),
        ],
    );
}

/// A frame from call number 1, as a registrar sends it that keeps no state.
fn stateless(
    registrar: &Client,
    command: IaxCommand,
    ies: &[InformationElement<'_>],
) -> (Client, Vec<u8>) {
    let mut stateless = Client::new(REGISTRAR, 1);
    (stateless.destination, stateless.iseqno) = (registrar.destination, SeqNo(1));
    let octets = stateless.iax(command, ies);
    (stateless, octets)
}

fn states<D: Directory>(bench: &Bench<D>) -> Vec<RegistrantState> {
    let mut states = Vec::new();
    for event in &bench.events {
        if let Event::RegistrantChanged { state, .. } = event {
            states.push(*state);
        }
    }
    states
}

fn state(bench: &Bench) -> RegistrantState {
    *states(bench).last().expect("the registrant said something")
}

/// When requests went out, retransmissions among them.
fn requests(bench: &Bench) -> Vec<f64> {
    bench.times(address(REGISTRAR), IaxCommand::RegReq)
}

/// The elements of the last frame that came.
fn element<R>(
    client: &Client,
    read: impl FnOnce(iaxproof::wire::InformationElements<'_>) -> R,
) -> R {
    match client.last().body {
        Body::Iax { ies, .. } => read(ies),
        _ => panic!("an IAX frame should come"),
    }
}

#[test]
fn a_registration_is_kept_up_and_released() {
    let (mut bench, mut registrar, id) = registering(registration());
    let (_, token) = stateless(
        &registrar,
        IaxCommand::CallToken,
        &[InformationElement::CallToken(b"t")],
    );
    registrar.deliver(&mut bench, &token);
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    bench.until(0.02);
    grant(&mut bench, &mut registrar, 60);
    bench.until(51.0);
    let mut registrar = asked(&mut bench, 778);
    grant(&mut bench, &mut registrar, 60);

    assert_eq!(bench.endpoint.unregister(bench.now, id), Ok(()));
    bench.drain();
    let mut registrar = asked(&mut bench, 779);
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    registrar.send_iax(&mut bench, IaxCommand::RegAck, &[]);
    insta::assert_snapshot!(bench.ladder);
    assert_eq!(
        bench.endpoint.unregister(bench.now, id),
        Err(Error::NoSuchRegistrant(id))
    );
    bench.assert_at_rest();
}

/// iax2 §6.1, measured: a REGREQ that nobody answers goes out four times, its dialogue is gone at 32 s, and the next one
/// comes at 50 s from another call number (X-REG-2).
#[test]
fn a_silent_registrar_is_asked_again_at_the_pace_of_the_refresh() {
    let (mut bench, _, _) = registering(registration());
    bench.until(31.9);
    assert_eq!(states(&bench), [RegistrantState::RegSent]);
    bench.until(32.0);
    assert_eq!(state(&bench), RegistrantState::Timeout);
    assert_eq!(bench.counts().dialogues(), 0);
    bench.until(130.0);
    let cycle = [0.0, 2.0, 12.0, 22.0];
    let expected: Vec<_> = [0.0, 50.0, 100.0]
        .into_iter()
        .flat_map(|start| cycle.map(|after| start + after))
        .collect();
    assert_eq!(requests(&bench), expected);
    let sources: BTreeSet<_> = bench
        .sent
        .iter()
        .filter_map(|(_, _, octets)| Some(FullFrame::parse(octets).ok()?.source))
        .collect();
    assert_eq!(sources.len(), 3);
}

/// iax2 §6.1, measured: after a REGACK with REFRESH 30 the next REGREQ comes 25.0 s later; here, after the REGREQ that it answers.
#[test]
fn a_granted_period_sets_the_pace() {
    let (mut bench, mut registrar, _) = registering(registration());
    bench.until(1.0);
    grant(&mut bench, &mut registrar, 30);
    let registered = RegistrantState::Registered {
        refresh: Duration::from_secs(30),
        apparent: Some(address(77)),
        messages: Some(MessageCount::new(2, 1)),
    };
    assert_eq!(state(&bench), registered);
    bench.until(24.999);
    assert_eq!(requests(&bench), [0.0]);
    bench.until(25.0);
    assert_eq!(requests(&bench), [0.0, 25.0]);
    // Nobody answers this one: it was armed with the period that is granted, and counts from when it was sent.
    bench.until(51.0);
    assert_eq!(requests(&bench), [0.0, 25.0, 27.0, 37.0, 47.0, 50.0]);
}

/// A registrar that grants nothing, or next to it, is not asked without pause.
#[test]
fn the_shortest_period_is_ten_seconds() {
    for (granted, pace) in [(1, REFRESH_MIN * 5 / 6), (0, Duration::from_secs(50))] {
        let (mut bench, mut registrar, _) = registering(registration());
        grant(&mut bench, &mut registrar, granted);
        bench.until(pace.as_secs_f64() - 0.01);
        assert_eq!(requests(&bench), [0.0]);
        bench.until(pace.as_secs_f64() + 0.01);
        assert_eq!(requests(&bench).len(), 2);
    }
}

/// RFC 5456 §7.2.2 (7.2.2-1): renewals spread between 3/4 and 5/6 of the period.
#[test]
fn renewals_are_spread() {
    let mut bench = Bench::new();
    for last in 0..200 {
        let spread = Registration {
            is_spread: true,
            registrar: address(last),
            ..registration()
        };
        let registered = bench.endpoint.register(bench.now, spread);
        assert!(registered.is_ok());
    }
    bench.until(51.0);
    let renewed: Vec<_> = bench
        .sent
        .iter()
        .filter(|(at, _, octets)| {
            *at > Instant::from_secs(1040) && !FullFrame::parse(octets).unwrap().retransmission
        })
        .map(|(at, ..)| at.as_millis() - 1_000_000)
        .collect();
    assert_eq!(renewed.len(), 200);
    assert!(renewed.iter().all(|at| (45_000..=50_000).contains(at)));
    let seconds: BTreeSet<_> = renewed.iter().map(|at| at / 1_000).collect();
    assert_eq!(seconds.len(), 5, "every second of the range has some");
}

/// The answer says USERNAME and REFRESH again: a registrar looks at the second REGREQ alone.
#[test]
fn a_challenge_is_answered_with_all_that_the_registrar_reads() {
    let (mut bench, mut registrar, _) = registering(registration());
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    assert_eq!(iax(&registrar.received[0]), Some(IaxCommand::RegReq));
    let answer = registrar.last();
    assert_eq!((answer.oseqno, answer.iseqno), (SeqNo(1), SeqNo(1)));
    assert_eq!(answer.destination, registrar.source);
    let read = element(&registrar, |ies| {
        (
            ies.username().map(<[u8]>::to_vec),
            ies.refresh(),
            ies.md5_result().map(<[u8]>::to_vec),
        )
    });
    let result = iaxproof::engine::auth::md5_result(b"159541092", &Secret::new("wonder"));
    let expected = (Some(b"alice".to_vec()), Some(60), Some(result.to_vec()));
    assert_eq!(read, expected);
    // A second challenge in the dialogue gets no second answer.
    registrar.received.clear();
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    assert_eq!(registrar.words(), ["ACK"]);
}

/// The password goes out in clear only where we allow it ourselves.
#[test]
fn plaintext_is_for_those_who_allow_it() {
    let plain = Registration {
        methods: AuthMethods::PLAINTEXT,
        ..registration()
    };
    let (mut bench, mut registrar, _) = registering(plain);
    challenge(&mut bench, &mut registrar, AuthMethods::PLAINTEXT);
    let password = element(&registrar, |ies| ies.password().map(<[u8]>::to_vec));
    assert_eq!(password.as_deref(), Some(b"wonder".as_slice()));

    let (mut bench, mut registrar, _) = registering(registration());
    challenge(&mut bench, &mut registrar, AuthMethods::PLAINTEXT);
    assert_eq!(registrar.words(), ["REJECT"]);
    assert_eq!(state(&bench), RegistrantState::NoAuth);
}

/// iax2 §6.1, measured: without a secret REJECT "No authority found" with cause 50, and the next try at 50 s.
#[test]
fn without_a_secret_the_challenge_is_declined() {
    let bare = Registration {
        secrets: Vec::new(),
        ..registration()
    };
    let (mut bench, mut registrar, id) = registering(bare);
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    let read = element(&registrar, |ies| {
        (ies.cause().map(<[u8]>::to_vec), ies.cause_code())
    });
    assert_eq!(iax(&registrar.received[0]), Some(IaxCommand::Reject));
    assert_eq!(read.0.as_deref(), Some(b"No authority found".as_slice()));
    assert_eq!(read.1, Some(Cause::FACILITY_NOT_SUBSCRIBED));
    assert_eq!(state(&bench), RegistrantState::NoAuth);
    registrar.ack(&mut bench);
    assert_eq!(bench.counts().dialogues(), 0);
    bench.until(50.0);
    assert_eq!(requests(&bench), [0.0, 50.0]);
    assert_eq!(bench.endpoint.unregister(bench.now, id), Ok(()));
    bench.drain();
}

/// The dialogue that was declined lingers beside the next one: what comes of it is nothing to the registrant.
#[test]
fn a_former_dialogue_grants_nothing() {
    let hasty = Registration {
        methods: AuthMethods::PLAINTEXT,
        refresh: REFRESH_MIN,
        ..registration()
    };
    let (mut bench, mut former, _) = registering(hasty);
    challenge(&mut bench, &mut former, AuthMethods::MD5);
    bench.until(9.0);
    assert_eq!(bench.counts().requests, 2);
    former.take(&mut bench);
    grant(&mut bench, &mut former, 60);
    assert_eq!(state(&bench), RegistrantState::RegSent);
    assert_eq!(bench.counts().requests, 1);
}

/// X-REG-7: both kinds of REGREJ, and the cause if there is one.
#[test]
fn a_refusal_is_told_and_tried_again() {
    let (mut bench, mut registrar, _) = registering(registration());
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    registrar.received.clear();
    let cause = InformationElement::CauseCode(Cause::FACILITY_REJECTED);
    registrar.send_iax(&mut bench, IaxCommand::RegRej, &[cause]);
    assert_eq!(registrar.words(), ["ACK"]);
    let refused = RegistrantState::Rejected(Some(Cause::FACILITY_REJECTED));
    assert_eq!(state(&bench), refused);
    bench.until(50.0);

    let registrar = asked(&mut bench, 778);
    let (mut bare, octets) = stateless(&registrar, IaxCommand::RegRej, &[]);
    bare.deliver(&mut bench, &octets);
    assert_eq!(bare.words(), ["ACK"]);
    assert_eq!(state(&bench), RegistrantState::Rejected(None));
    assert_eq!(bench.counts().dialogues(), 0);
    bench.until(100.0);
    assert_eq!(requests(&bench), [0.0, 0.0, 50.0, 100.0]);
}

/// X-REG-7: nobody else grants or refuses, and nobody refuses without a number once the registrar has shown its own.
#[test]
fn forged_answers_change_nothing() {
    let (mut bench, registrar, _) = registering(registration());
    for command in [IaxCommand::RegAck, IaxCommand::RegRej, IaxCommand::RegAuth] {
        for last in [REGISTRAR, 66] {
            let mut forger = Client::new(last, 888);
            forger.destination = match last {
                // The registrar's own address, but not our number.
                REGISTRAR => CallNumber::from_word(registrar.destination.get() ^ 1),
                _ => registrar.destination,
            };
            forger.iseqno = SeqNo(1);
            forger.send_iax(&mut bench, command, &[]);
        }
    }
    assert_eq!(states(&bench), [RegistrantState::RegSent]);

    let mut registrar = registrar;
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    let (_, octets) = stateless(&registrar, IaxCommand::RegRej, &[]);
    registrar.deliver(&mut bench, &octets);
    // Another dialogue of the registrar's address, as a second token-carrying opener gets it.
    let mut orphan = Client::new(REGISTRAR, 999);
    (orphan.destination, orphan.iseqno) = (registrar.destination, SeqNo(1));
    grant(&mut bench, &mut orphan, 60);
    assert_eq!(state(&bench), RegistrantState::AuthSent);
    grant(&mut bench, &mut registrar, 60);
    assert!(matches!(state(&bench), RegistrantState::Registered { .. }));
}

/// X-TOK-11, X-TOK-14: a flood of tokens has the REGREQ sent a few times, and none after the registrar has answered.
#[test]
fn a_flood_of_tokens_is_answered_a_few_times() {
    let (mut bench, mut registrar, _) = registering(registration());
    let flood = |bench: &mut Bench, registrar: &mut Client| {
        for i in 0..100u8 {
            let ies = [InformationElement::CallToken(&[i, 1])];
            let (_, octets) = stateless(registrar, IaxCommand::CallToken, &ies);
            registrar.deliver(bench, &octets);
        }
    };
    flood(&mut bench, &mut registrar);
    assert_eq!(requests(&bench).len(), 5);
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    flood(&mut bench, &mut registrar);
    assert_eq!(requests(&bench).len(), 6, "the answer to the challenge");
    grant(&mut bench, &mut registrar, 60);
    assert!(matches!(state(&bench), RegistrantState::Registered { .. }));
}

/// INVAL, HANGUP and a dialogue that leads nowhere end the try and not the registrant.
#[test]
fn a_try_that_ends_is_followed_by_another() {
    for command in [IaxCommand::Inval, IaxCommand::Hangup] {
        let (mut bench, mut registrar, _) = registering(registration());
        registrar.send_iax(&mut bench, command, &[]);
        assert_eq!(bench.counts().dialogues(), 0, "{command}");
        bench.until(50.0);
        assert_eq!(requests(&bench).len(), 2, "{command}");
    }
}

/// A registrar that acknowledges and says nothing more keeps no dialogue from the next.
#[test]
fn a_dialogue_that_leads_nowhere_makes_way() {
    let (mut bench, mut registrar, _) = registering(registration());
    let body = IaxCommand::Ack;
    registrar.send_iax(&mut bench, body, &[]);
    for second in 1..=50 {
        bench.until(f64::from(second));
        registrar.take(&mut bench);
        if second < 50 && !registrar.received.is_empty() {
            registrar.ack(&mut bench);
            registrar.received.clear();
        }
    }
    assert_eq!(requests(&bench), [0.0, 50.0]);
    assert_eq!(bench.counts().requests, 1);
}

/// X-REG-1: REGREL goes out on a new dialogue; nobody answers it, and the registrant is gone all the same.
#[test]
fn a_release_that_nobody_hears_ends_too() {
    let (mut bench, mut registrar, id) = registering(registration());
    grant(&mut bench, &mut registrar, 60);
    bench.until(1.0);
    assert_eq!(bench.endpoint.unregister(bench.now, id), Ok(()));
    bench.drain();
    let releases = |bench: &Bench| bench.times(address(REGISTRAR), IaxCommand::RegRel);
    assert_eq!(releases(&bench), [1.0]);
    assert_eq!(state(&bench), RegistrantState::Releasing);
    assert_eq!(bench.endpoint.unregister(bench.now, id), Ok(()), "again");
    bench.until(33.0);
    assert_eq!(releases(&bench), [1.0, 3.0, 13.0, 23.0]);
    assert_eq!(state(&bench), RegistrantState::Unregistered);
    bench.assert_at_rest();
}

/// A REGACK that comes when the application has given the registration up belongs to a dialogue that is gone.
#[test]
fn a_registration_is_given_up_on_its_way() {
    let (mut bench, mut registrar, id) = registering(registration());
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    assert_eq!(bench.endpoint.unregister(bench.now, id), Ok(()));
    bench.drain();
    assert_eq!(bench.counts().requests, 1);
    grant(&mut bench, &mut registrar, 60);
    assert_eq!(state(&bench), RegistrantState::Releasing);
    let mut registrar = Client::new(REGISTRAR, 780);
    registrar.take(&mut bench);
    let regrel = bench.sent.iter().rev();
    let source = regrel
        .filter(|(_, _, octets)| iax(octets) == Some(IaxCommand::RegRel))
        .map(|(_, _, octets)| FullFrame::parse(octets).unwrap().source)
        .next();
    registrar.destination = source.expect("REGREL is out");
    registrar.iseqno = SeqNo(1);
    registrar.send_iax(&mut bench, IaxCommand::RegAck, &[]);
    assert_eq!(state(&bench), RegistrantState::Unregistered);
    bench.assert_at_rest();
}

/// The REGACK is lost and comes 20 s later: the registrar has counted from the first, so the renewal is due 5/6 of the period after the
/// request, before the registration lapses.
#[test]
fn a_late_regack_does_not_postpone_the_renewal() {
    let (mut bench, mut registrar, _) = registering(registration());
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    bench.until(20.0);
    registrar.take(&mut bench);
    grant(&mut bench, &mut registrar, 60);
    assert!(matches!(state(&bench), RegistrantState::Registered { .. }));
    let before = requests(&bench).len();
    bench.until(49.9);
    assert_eq!(requests(&bench).len(), before);
    bench.until(50.0);
    assert_eq!(requests(&bench)[before], 50.0);
}

/// A REGREQ for which there is no call number is tried again ten seconds later, long before the refresh would be due.
#[test]
fn a_request_without_a_call_number_is_soon_tried_again() {
    let options = EndpointOptions {
        call_numbers: 2..=2,
        ..EndpointOptions::default()
    };
    let mut bench = Bench::with(options, General::default(), false);
    let mut caller = Client::linked(&mut bench, 1, 500);
    bench
        .endpoint
        .register(bench.now, registration())
        .expect("there is room");
    bench.drain();
    assert_eq!(
        states(&bench),
        [RegistrantState::RegSent, RegistrantState::Timeout]
    );
    caller.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    bench.until(9.9);
    assert_eq!(requests(&bench), [0.0; 0]);
    bench.until(11.0);
    assert_eq!(requests(&bench)[0], 10.0);
    assert_eq!(state(&bench), RegistrantState::RegSent);
}

#[test]
fn there_are_only_so_many_registrants() {
    let mut bench = Bench::with(
        EndpointOptions::default(),
        General {
            dialogues_per_ip_max: 1,
            ..General::default()
        },
        false,
    );
    let mut ids = Vec::new();
    for _ in 0..REGISTRANTS_MAX {
        ids.push(bench.endpoint.register(bench.now, registration()).unwrap());
    }
    let one_more = bench.endpoint.register(bench.now, registration());
    assert_eq!(one_more, Err(Error::TooManyRegistrants));
    bench.drain();
    // The limit of dialogues holds for them too: the others try again when their refresh is due.
    assert_eq!(bench.counts().requests, 1);
    assert_eq!(state(&bench), RegistrantState::Timeout);
    for id in ids {
        assert_eq!(bench.endpoint.unregister(bench.now, id), Ok(()));
        bench.drain();
    }
    assert_eq!(bench.counts().registrants, 1, "the one whose REGREL is out");
}

/// What is never printed.
#[test]
fn no_secret_is_shown() {
    let (mut bench, mut registrar, _) = registering(registration());
    challenge(&mut bench, &mut registrar, AuthMethods::MD5);
    let shown = format!("{:?} {:?}", registration(), bench.endpoint);
    assert!(!shown.contains("wonder") && !shown.contains("159541092"));
    let frames = bench.sent.iter().map(|(_, _, octets)| octets);
    for frame in frames {
        let shown = Frame::parse(frame).unwrap().to_string();
        assert!(!shown.contains("wonder"));
    }
}

/// Our registrant and our registrar, joined in memory: token, challenge, contact, renewal, release.
#[test]
fn two_endpoints_register_renew_and_release() {
    let mut net = Net::new();
    let general = General::default();
    net.add(
        "desk",
        REGISTRAR,
        Configuration {
            general: general.clone(),
            entries: entries(),
        },
    );
    net.add(
        "phone",
        1,
        Configuration {
            general,
            entries: vec![entry(Role::User, "nobody", "")],
        },
    );
    let id = net.at("phone", |now, endpoint| {
        endpoint.register(now, registration())
    });
    let contact = |net: &mut Net| {
        let now = net.now;
        let directory = net.node("desk").endpoint.directory();
        let Lookup::Found(alice) = directory.find(Role::Peer, "alice") else {
            panic!("alice is there");
        };
        directory.contact(&alice, now).expect("never stale")
    };
    net.pass(Duration::from_secs(49));
    let first = contact(&mut net).expect("registered");
    assert_eq!(first.address, address(1));
    net.pass(Duration::from_secs(100));
    let renewed = contact(&mut net).expect("renewed");
    assert!(renewed.generation > first.generation);
    let released = net.at("phone", |now, endpoint| {
        endpoint.unregister(now, id.expect("there is room"))
    });
    assert_eq!(released, Ok(()));
    net.pass(Duration::from_secs(1));
    assert_eq!(contact(&mut net), None);
    insta::assert_snapshot!(net.ladder);
    for name in ["desk", "phone"] {
        let counts = net.node(name).endpoint.counts();
        assert_eq!(
            (counts.dialogues(), counts.timers, counts.registrants),
            (0, 0, 0)
        );
    }
}

/// Every datagram of a registration may be lost, one at a time, and it comes about all the same.
#[test]
fn a_lost_datagram_is_made_up_for() {
    for lost in 0..9 {
        let mut net = Net::new();
        for (name, last) in [("desk", REGISTRAR), ("phone", 1)] {
            net.add(
                name,
                last,
                Configuration {
                    general: General::default(),
                    entries: entries(),
                },
            );
        }
        net.loses = Box::new(move |nth, _, _| nth == lost);
        let id = net.at("phone", |now, endpoint| {
            endpoint.register(now, registration())
        });
        net.pass(Duration::from_secs(40));
        let is_registered = |event: &Event| {
            matches!(
                event,
                Event::RegistrantChanged {
                    state: RegistrantState::Registered { .. },
                    ..
                }
            )
        };
        assert!(
            net.node("phone").events.iter().any(is_registered),
            "without datagram {lost}:\n{}",
            net.ladder
        );
        let counts = net.node("desk").endpoint.counts();
        assert_eq!(counts.dialogues(), 0, "{}", net.ladder);
        assert!(id.is_ok());
    }
}
