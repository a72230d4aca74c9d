//! The checkers of registrations outward, of POKEs and of encryption go red where their property is broken: each is shown a made-up
//! story, and the one step in it that must not happen. The same story without that step passes.

use std::net::SocketAddr;
use std::time::Duration;

use iaxproof::engine::counts::Counts;
use iaxproof::engine::directory::{Contact, Generation, Reachability};
use iaxproof::engine::event::{CallId, Event};
use iaxproof::engine::settings::Name;
use iaxproof::engine::{RegistrantId, RegistrantState};
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Control, Format, Frame, FullFrame, IaxCommand, InformationElements,
    MiniFrame, SeqNo, Timestamp,
};
use iaxproof_sim::checkers::Checker;
use iaxproof_sim::checkers::peers_reached::PeersReached;
use iaxproof_sim::checkers::registrant_returns::RegistrantReturns;
use iaxproof_sim::checkers::secret_unsent::SecretUnsent;
use iaxproof_sim::checkers::stays_encrypted::StaysEncrypted;
use iaxproof_sim::checkers::watches_end::WatchesEnd;
use iaxproof_sim::fact::{ContactSeen, Fact, Limits, Mark, Passage, QualifiedSeen};
use iaxproof_sim::plan::{Actor, Topology};

const SERVER: Actor = Actor::Server(0);
const CLIENT: Actor = Actor::Client(1);
const ID: RegistrantId = RegistrantId(1);

fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

fn address(actor: Actor) -> SocketAddr {
    match actor {
        SERVER => SocketAddr::from(([10, 0, 0, 1], 4569)),
        _ => SocketAddr::from(([192, 0, 2, 11], 4569)),
    }
}

const fn limits(pool: usize) -> Limits {
    Limits {
        pool,
        dialogues_max: 100,
        quarantine_max: 100,
        registrations_max: 100,
        events_max: 100,
        outstanding_max: 100,
        queue_max: 100,
    }
}

/// Shows how a server counts, which has all call numbers.
fn counted<C: Checker>(checker: &mut C, now: Instant, counts: &Counts) -> Result<(), String> {
    let limits = &limits(32_766);
    let fact = Fact::Counted {
        server: 0,
        worker: 0,
        counts,
        limits,
    };
    checker.observe(now, &fact)
}

fn state<C: Checker>(checker: &mut C, now: Instant, state: RegistrantState) {
    let event = &Event::RegistrantChanged { id: ID, state };
    let told = checker.observe(now, &Fact::Told { server: 0, event });
    assert_eq!(told, Ok(()));
}

const REGISTERED: RegistrantState = RegistrantState::Registered {
    refresh: Duration::from_secs(60),
    apparent: None,
    messages: None,
};

/// A registration that stands at the server since 1 s, and at the registrar until then.
fn registered(until: Option<Instant>) -> RegistrantReturns {
    let mut checker = RegistrantReturns::default();
    let (server, nth, id) = (0, 0, ID);
    let begun = checker.observe(at(0), &Fact::Registers { server, nth, id });
    let granted = checker.observe(at(1), &Fact::Granted { server, nth, until });
    assert_eq!((begun, granted), (Ok(()), Ok(())));
    state(&mut checker, at(1), REGISTERED);
    checker
}

fn due(checker: &mut RegistrantReturns, now: Instant) -> Result<(), String> {
    counted(checker, now, &Counts::default())?;
    let healed_at = at(0);
    checker.observe(now, &Fact::RegistrantsDue { healed_at })?;
    counted(checker, now, &Counts::default())
}

#[test]
fn registrant_returns_wants_it_to_stand_on_both_sides() {
    assert_eq!(due(&mut registered(Some(at(90))), at(60)), Ok(()));
    assert!(due(&mut registered(Some(at(60))), at(60)).is_err());
    assert!(due(&mut registered(None), at(60)).is_err());
    let mut checker = registered(Some(at(90)));
    state(&mut checker, at(58), RegistrantState::RegSent);
    assert_eq!(due(&mut checker, at(60)), Ok(()));
    assert!(counted(&mut checker, at(63), &Counts::default()).is_err());
}

/// The registrar moved, the application gave the old one up and registered anew, and the REGREL comes after the newer REGREQ.
#[test]
fn registrant_returns_allows_a_late_release_to_take_back_what_is_renewed_in_time() {
    let (server, nth) = (0, 0);
    let taken_back = |is_leaving: bool| {
        let mut checker = registered(Some(at(90)));
        let next = Fact::Registers {
            server,
            nth,
            id: RegistrantId(2),
        };
        let facts = [
            Fact::GivesUp { server, id: ID },
            next,
            Fact::Granted {
                server,
                nth,
                until: Some(at(100)),
            },
        ];
        for fact in &facts {
            assert_eq!(checker.observe(at(40), fact), Ok(()));
        }
        let event = &Event::RegistrantChanged {
            id: RegistrantId(2),
            state: REGISTERED,
        };
        let told = checker.observe(at(41), &Fact::Told { server, event });
        assert_eq!(told, Ok(()));
        if !is_leaving {
            state(&mut checker, at(42), RegistrantState::Unregistered);
        }
        let until = None;
        let granted = checker.observe(at(43), &Fact::Granted { server, nth, until });
        assert_eq!(granted, Ok(()));
        checker
    };
    assert_eq!(due(&mut taken_back(true), at(60)), Ok(()));
    assert!(due(&mut taken_back(true), at(100)).is_err());
    assert!(due(&mut taken_back(false), at(60)).is_err());
}

#[test]
fn registrant_returns_wants_it_given_back() {
    let rest = |until, registrants| {
        let mut checker = registered(Some(at(90)));
        let (server, nth) = (0, 0);
        checker.observe(at(70), &Fact::GivesUp { server, id: ID })?;
        checker.observe(at(71), &Fact::Granted { server, nth, until })?;
        let counts = &Counts {
            registrants,
            ..Counts::default()
        };
        let references = None;
        let fact = Fact::AtRest {
            server,
            counts,
            references,
        };
        checker.observe(at(200), &fact)
    };
    assert_eq!(rest(None, 0), Ok(()));
    assert!(rest(None, 1).is_err());
    assert!(rest(Some(at(90)), 0).is_err());
}

fn passage(from: Actor, datagram: &[u8], is_sealed: bool) -> Passage<'_> {
    let to = if from == SERVER { CLIENT } else { SERVER };
    Passage {
        from,
        to: Some(to),
        source: address(from),
        destination: address(to),
        datagram,
        frame: Frame::parse(datagram).ok(),
        is_sealed,
        mark: Mark::Plain,
    }
}

#[test]
fn secret_unsent_looks_at_what_servers_send() {
    let sent = |from, datagram| {
        let fact = Fact::Sent(passage(from, datagram, false));
        SecretUnsent.observe(at(1), &fact)
    };
    assert_eq!(sent(SERVER, b"a secret"), Ok(()));
    assert_eq!(sent(CLIENT, b"my secret-0"), Ok(()));
    assert!(sent(SERVER, b"my secret-0").is_err());
}

fn contact(account: u8) -> ContactSeen {
    let contact = Contact {
        address: address(CLIENT),
        deadline: Some(at(500)),
        generation: Generation(1),
    };
    ContactSeen {
        account,
        contact: Some(contact),
        reachability: Reachability::Unknown,
        is_found_by_address: true,
    }
}

#[test]
fn peers_reached_wants_the_truth_of_who_was_asked() {
    let judged = |since, answers, reachability| {
        let mut checker = PeersReached::default();
        let contacts = &[contact(1)];
        let server = 0;
        checker.observe(at(since), &Fact::Contacts { server, contacts })?;
        let peers = &[QualifiedSeen {
            account: 1,
            answers,
            reachability,
        }];
        checker.observe(at(100), &Fact::QualifiedDue { server, peers })
    };
    let reachable = Reachability::Reachable(Duration::from_millis(20));
    assert_eq!(judged(10, true, reachable), Ok(()));
    assert_eq!(judged(10, false, Reachability::Unreachable), Ok(()));
    assert!(judged(10, true, Reachability::Unreachable).is_err());
    assert!(judged(10, false, reachable).is_err());
    assert!(judged(10, true, Reachability::Unknown).is_err());
    assert_eq!(judged(90, true, Reachability::Unknown), Ok(()));
}

#[test]
fn peers_reached_holds_a_peer_to_what_was_told_of_it_last() {
    let reachable = Reachability::Reachable(Duration::from_millis(20));
    let slower = Reachability::Reachable(Duration::from_millis(90));
    let lost = Reachability::Unreachable;
    let told_and_seen = |told, seen: &[Reachability]| {
        let mut checker = PeersReached::default();
        let look = |checker: &mut PeersReached, now, reachability| {
            let seen = ContactSeen {
                reachability,
                ..contact(1)
            };
            let (server, contacts) = (0, &[seen][..]);
            checker.observe(at(now), &Fact::Contacts { server, contacts })
        };
        look(&mut checker, 1, Reachability::Unknown)?;
        let name = Name::new("p1").expect("a name");
        let event = &Event::Reachability {
            name,
            reachability: told,
        };
        checker.observe(at(2), &Fact::Told { server: 0, event })?;
        seen.iter().try_for_each(|it| look(&mut checker, 3, *it))
    };
    assert_eq!(told_and_seen(lost, &[lost]), Ok(()));
    assert_eq!(told_and_seen(reachable, &[slower]), Ok(()));
    assert!(told_and_seen(lost, &[reachable]).is_err());
    assert!(told_and_seen(reachable, &[lost]).is_err());
    // A contact that came anew was not asked yet.
    assert_eq!(
        told_and_seen(lost, &[Reachability::Unknown, reachable]),
        Ok(())
    );
}

#[test]
fn watches_end_with_their_contacts() {
    let topology = Topology {
        servers: 1,
        qualified: vec![1],
        ..Topology::default()
    };
    let watched = |watched, now| {
        let mut checker = WatchesEnd::new(&topology);
        let counts = Counts {
            watched,
            ..Counts::default()
        };
        counted(&mut checker, at(1), &counts)?;
        let (server, contacts) = (0, &[contact(1), contact(2)][..]);
        checker.observe(at(1), &Fact::Contacts { server, contacts })?;
        let contacts = &[];
        checker.observe(now, &Fact::Contacts { server, contacts })
    };
    assert_eq!(watched(1, at(20)), Ok(()));
    assert!(watched(1, at(40)).is_err());
    assert!(watched(2, at(1)).is_err());
}

/// What a process began with was taken away before anybody looked: its watch may outlive it as any other.
#[test]
fn what_a_process_begins_with_had_a_contact() {
    let topology = Topology {
        servers: 1,
        qualified: vec![1],
        ..Topology::default()
    };
    let (server, contacts) = (0, &[][..]);
    let restarted = Fact::Restarted {
        server,
        address: "10.0.0.1:4569".parse().unwrap(),
        doubts: &[],
    };
    let counts = Counts {
        watched: 1,
        ..Counts::default()
    };
    let looked = |now, is_restarted| {
        let mut checker = WatchesEnd::new(&topology);
        if is_restarted {
            checker.observe(at(1), &restarted)?;
        }
        counted(&mut checker, at(1), &counts)?;
        checker.observe(now, &Fact::Contacts { server, contacts })
    };
    assert_eq!(looked(at(2), true), Ok(()));
    assert!(looked(at(2), false).is_err());
    assert!(looked(at(40), true).is_err());
}

fn full(source: u16, destination: u16, oseqno: u8, body: Body<'_>) -> Vec<u8> {
    let frame = FullFrame {
        source: CallNumber::from_word(source),
        destination: CallNumber::from_word(destination),
        retransmission: false,
        timestamp: Timestamp(u32::from(oseqno) + 5),
        oseqno: SeqNo(oseqno),
        iseqno: SeqNo(0),
        body,
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}

fn iax(source: u16, destination: u16, oseqno: u8, command: IaxCommand) -> Vec<u8> {
    let ies = InformationElements::EMPTY;
    full(source, destination, oseqno, Body::Iax { command, ies })
}

const RINGING: Body<'static> = Body::Control {
    control: Control::Ringing,
    data: &[],
};

/// A call of 9 to 7 whose caller proved its secret under the key, after a clear AUTHREQ and LAGRQ.
fn proved() -> StaysEncrypted {
    let mut checker = challenged();
    proof_arrives(&mut checker, Mark::Plain);
    checker
}

/// The same before its AUTHREP.
fn challenged() -> StaysEncrypted {
    let topology = Topology {
        forced: vec![1],
        ..Topology::default()
    };
    let mut checker = StaysEncrypted::new(&topology);
    for octets in [
        iax(7, 9, 0, IaxCommand::AuthReq),
        iax(7, 9, 1, IaxCommand::LagRq),
    ] {
        let sent = Fact::Sent(passage(SERVER, &octets, false));
        assert_eq!(checker.observe(at(1), &sent), Ok(()));
    }
    checker
}

fn proof_arrives(checker: &mut StaysEncrypted, mark: Mark) {
    let octets = iax(9, 7, 1, IaxCommand::AuthRep);
    let passage = Passage {
        mark,
        ..passage(CLIENT, &octets, true)
    };
    assert_eq!(checker.observe(at(2), &Fact::Arrived(passage)), Ok(()));
}

fn sends(checker: &mut StaysEncrypted, octets: &[u8], is_sealed: bool) -> Result<(), String> {
    checker.observe(at(3), &Fact::Sent(passage(SERVER, octets, is_sealed)))
}

#[test]
fn stays_encrypted_lets_nothing_that_matters_go_in_clear() {
    let accept = iax(7, 9, 2, IaxCommand::Accept);
    assert_eq!(sends(&mut proved(), &accept, true), Ok(()));
    assert!(sends(&mut proved(), &accept, false).is_err());
    let reject = iax(7, 9, 2, IaxCommand::Reject);
    assert_eq!(sends(&mut proved(), &reject, false), Ok(()));
    let mut checker = proved();
    assert_eq!(sends(&mut checker, &accept, true), Ok(()));
    let ringing = full(7, 9, 3, RINGING);
    assert!(sends(&mut checker, &ringing, false).is_err());
    assert!(sends(&mut checker, &iax(7, 9, 0, IaxCommand::Ack), false).is_err());
    let inval = iax(7, 9, 0, IaxCommand::Inval);
    assert_eq!(sends(&mut checker, &inval, false), Ok(()));
}

#[test]
fn stays_encrypted_wants_repeats_as_they_were_built() {
    let mut checker = proved();
    let lagrq = iax(7, 9, 1, IaxCommand::LagRq);
    assert_eq!(sends(&mut checker, &lagrq, false), Ok(()));
    assert!(sends(&mut checker, &lagrq, true).is_err());
}

#[test]
fn stays_encrypted_lets_the_number_of_a_rejected_call_open_another_dialogue() {
    let rejected = || {
        let mut checker = proved();
        let reject = iax(7, 9, 2, IaxCommand::Reject);
        assert_eq!(sends(&mut checker, &reject, false), Ok(()));
        checker
    };
    let accept = iax(7, 9, 3, IaxCommand::Accept);
    assert!(sends(&mut rejected(), &accept, false).is_err());
    // What opens no dialogue is of the old one, whatever number it names.
    assert!(sends(&mut rejected(), &iax(7, 0, 3, IaxCommand::Accept), false).is_err());
    let opener = iax(7, 0, 2, IaxCommand::New);
    let mut checker = rejected();
    assert_eq!(sends(&mut checker, &opener, false), Ok(()));
    assert_eq!(sends(&mut checker, &accept, false), Ok(()));
}

#[test]
fn stays_encrypted_takes_a_repeated_opener_for_no_other_dialogue() {
    let opener = iax(7, 0, 2, IaxCommand::New);
    let mut checker = StaysEncrypted::new(&Topology::default());
    assert_eq!(sends(&mut checker, &opener, false), Ok(()));
    assert_eq!(
        sends(&mut checker, &iax(7, 9, 3, IaxCommand::AuthRep), true),
        Ok(())
    );
    assert_eq!(sends(&mut checker, &opener, false), Ok(()));
    assert!(sends(&mut checker, &full(7, 9, 4, RINGING), false).is_err());
}

#[test]
fn stays_encrypted_looks_at_mini_frames() {
    let mini = MiniFrame::new(CallNumber::from_word(7), 20, b"audio").expect("a frame");
    let mut octets = Vec::new();
    mini.encode(&mut octets);
    assert_eq!(sends(&mut proved(), &octets, true), Ok(()));
    assert!(sends(&mut proved(), &octets, false).is_err());
}

#[test]
fn stays_encrypted_wants_what_is_forced() {
    let incoming = |local, user| Event::Incoming {
        call: CallId::new(CallNumber::from_word(local), 1),
        from: address(CLIENT),
        user: Name::new(user).expect("a name"),
        number: "echo".into(),
        format: Format::ULAW,
        serial: 0,
    };
    let told = |event: &Event| proved().observe(at(3), &Fact::Told { server: 0, event });
    assert_eq!(told(&incoming(7, "p1")), Ok(()));
    assert_eq!(told(&incoming(8, "p2")), Ok(()));
    assert!(told(&incoming(8, "p1")).is_err());
}

#[test]
fn stays_encrypted_takes_a_damaged_proof_for_right_where_the_server_does() {
    let call = CallId::new(CallNumber::from_word(7), 1);
    let user = Name::new("p1").expect("a name");
    let begun = |mark: Mark, is_right: bool| {
        let mut checker = challenged();
        proof_arrives(&mut checker, mark);
        let authenticated = Event::Authenticated {
            call,
            user: user.clone(),
            serial: 0,
        };
        let incoming = Event::Incoming {
            call,
            from: address(CLIENT),
            user: user.clone(),
            number: "echo".into(),
            format: Format::ULAW,
            serial: 0,
        };
        let told = [authenticated, incoming];
        let mut told = told.iter().skip(usize::from(!is_right));
        told.try_for_each(|event| checker.observe(at(3), &Fact::Told { server: 0, event }))
    };
    assert_eq!(begun(Mark::Plain, false), Ok(()));
    assert_eq!(begun(Mark::Damaged, true), Ok(()));
    assert!(begun(Mark::Damaged, false).is_err());
    assert!(begun(Mark::Spoofed, true).is_err());
}
