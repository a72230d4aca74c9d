//! Every checker goes red where its property is broken: each is shown a made-up story, and the one step in it that must
//! not happen. The same story without that step passes.

use std::net::SocketAddr;
use std::time::Duration;

use iaxproof::engine::counts::Counts;
use iaxproof::engine::directory::{Contact, Generation, Reachability};
use iaxproof::engine::event::{EndReason, Event};
use iaxproof::engine::settings::Name;
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, Cause, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement, SeqNo, Timestamp,
};
use iaxproof_sim::administer::References;
use iaxproof_sim::checkers::bounded::Bounded;
use iaxproof_sim::checkers::call_ends::CallEnds;
use iaxproof_sim::checkers::delivered_in_order::DeliveredInOrder;
use iaxproof_sim::checkers::no_leak::NoLeak;
use iaxproof_sim::checkers::no_use_after_destroy::NoUseAfterDestroy;
use iaxproof_sim::checkers::numbers_conserved::NumbersConserved;
use iaxproof_sim::checkers::registration_kept::RegistrationKept;
use iaxproof_sim::checkers::reload_atomic::ReloadAtomic;
use iaxproof_sim::checkers::{Checker, Checkers};
use iaxproof_sim::fact::{
    AccountState, ContactSeen, Fact, Limits, Mark, Passage, Settlement, Taken,
};
use iaxproof_sim::plan::{Actor, RowEdit, Topology};
use iaxproof_sim::trace::digest;

use crate::story::{CLIENT, SERVER, at, call, client, number, server};

/// An IAX frame as octets.
fn iax(source: u16, destination: u16, oseqno: u8, command: IaxCommand, ies: &IeBuffer) -> Vec<u8> {
    let body = Body::Iax {
        command,
        ies: ies.view(),
    };
    let frame = FullFrame {
        source: number(source),
        destination: number(destination),
        retransmission: false,
        timestamp: Timestamp(5),
        oseqno: SeqNo(oseqno),
        iseqno: SeqNo(0),
        body,
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}

fn plain(source: u16, destination: u16, oseqno: u8, command: IaxCommand) -> Vec<u8> {
    iax(source, destination, oseqno, command, &IeBuffer::new())
}

fn named(source: u16, destination: u16, command: IaxCommand) -> Vec<u8> {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Username(b"p1"));
    ies.push(InformationElement::Refresh(60));
    iax(source, destination, 0, command, &ies)
}

fn passage<'a>(from: Actor, to: Actor, datagram: &'a [u8]) -> Passage<'a> {
    let address = |actor| if actor == SERVER { server() } else { client() };
    Passage {
        from,
        to: Some(to),
        source: address(from),
        destination: address(to),
        datagram,
        frame: Frame::parse(datagram).ok(),
        is_sealed: false,
        mark: Mark::Plain,
    }
}

/// Shows a datagram of the client as it arrives, or one of the server as it leaves.
fn pass<C: Checker>(
    checker: &mut C,
    now: Instant,
    from: Actor,
    octets: &[u8],
) -> Result<(), String> {
    let fact = if from == CLIENT {
        Fact::Arrived(passage(CLIENT, SERVER, octets))
    } else {
        Fact::Sent(passage(SERVER, CLIENT, octets))
    };
    checker.observe(now, &fact)
}

fn tell<C: Checker>(checker: &mut C, event: &Event) -> Result<(), String> {
    checker.observe(at(1), &Fact::Told { server: 0, event })
}

fn limits() -> Limits {
    Limits {
        pool: 100,
        dialogues_max: 10,
        quarantine_max: 20,
        registrations_max: 30,
        events_max: 40,
        outstanding_max: 5,
        queue_max: 6,
    }
}

fn counted<C: Checker>(checker: &mut C, bend: impl FnOnce(&mut Counts)) -> Result<(), String> {
    let mut counts = Counts {
        calls: 1,
        numbers_allocated: 1,
        numbers_free: 99,
        ..Counts::default()
    };
    bend(&mut counts);
    let fact = Fact::Counted {
        server: 0,
        worker: 0,
        counts: &counts,
        limits: &limits(),
    };
    checker.observe(at(1), &fact)
}

#[test]
fn no_use_after_destroy_sees_a_stale_handle_a_stale_call_and_a_report() {
    let mut checker = NoUseAfterDestroy;
    let stale = Event::StaleHandle { what: "expire" };
    assert!(tell(&mut checker, &stale).is_err());
    let ended = |reason| Event::Ended {
        call: call(),
        reason,
    };
    assert!(tell(&mut checker, &ended(EndReason::Stale)).is_err());
    assert!(tell(&mut checker, &ended(EndReason::LocalHangup)).is_ok());
    let fault = Fact::Fault {
        server: 0,
        report: "used after destroy",
    };
    assert!(checker.observe(at(1), &fault).is_err());
}

#[test]
fn no_leak_sees_a_reference_too_many_or_too_few_and_a_live_object() {
    let mut checker = NoLeak;
    let mut at_rest = |held| {
        let counts = Counts {
            expiry_timers: 2,
            ..Counts::default()
        };
        let references = Some(References { held, links: 10 });
        checker.observe(
            at(1),
            &Fact::AtRest {
                server: 0,
                counts: &counts,
                references,
            },
        )
    };
    assert!(at_rest(12).is_ok());
    assert!(at_rest(13).is_err());
    assert!(at_rest(11).is_err());
    let mut shut_down = |live_objects| {
        checker.observe(
            at(1),
            &Fact::ShutDown {
                server: 0,
                live_objects,
                report: "",
            },
        )
    };
    assert!(shut_down(0).is_ok());
    assert!(shut_down(1).is_err());
}

#[test]
fn call_ends_sees_a_call_that_hangs_and_a_queue_that_is_not_empty() {
    let mut checker = CallEnds::default();
    let mut settled = |unsettled: &[&str]| {
        let settlement = Settlement {
            healed_at: at(1),
            unsettled: unsettled.iter().map(|text| (*text).into()).collect(),
        };
        checker.observe(at(80), &Fact::Settled(&settlement))
    };
    assert!(settled(&[]).is_ok());
    assert!(settled(&["call 2 of client 0 is Asked"]).is_err());
    let mut at_rest = |bend: fn(&mut Counts)| {
        let mut counts = Counts::default();
        bend(&mut counts);
        checker.observe(
            at(1),
            &Fact::AtRest {
                server: 0,
                counts: &counts,
                references: None,
            },
        )
    };
    assert!(at_rest(|_| {}).is_ok());
    assert!(at_rest(|counts| counts.calls = 1).is_err());
    assert!(at_rest(|counts| counts.registrations = 1).is_err());
    assert!(at_rest(|counts| counts.frames_outstanding = 1).is_err());
    assert!(at_rest(|counts| counts.frames_queued = 1).is_err());
}

#[test]
fn bounded_sees_more_than_three_octets_for_one_to_an_unproven_address() {
    let poke = plain(2, 0, 0, IaxCommand::Poke);
    let answer = plain(1, 2, 0, IaxCommand::Pong);
    let mut checker = Bounded::default();
    pass(&mut checker, at(1), CLIENT, &poke).unwrap();
    for _ in 0..3 {
        pass(&mut checker, at(1), SERVER, &answer).unwrap();
    }
    assert!(pass(&mut checker, at(1), SERVER, &answer).is_err());
}

#[test]
fn bounded_lets_a_proven_address_have_more_and_a_forged_token_prove_nothing() {
    let opener = |token: &[u8]| {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CallToken(token));
        iax(2, 0, 0, IaxCommand::New, &ies)
    };
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CallToken(b"genuine"));
    let given = iax(1, 2, 0, IaxCommand::CallToken, &ies);
    let long = [0x80; 500];
    for (token, is_proven) in [(b"genuine", true), (b"forgery", false)] {
        let mut checker = Bounded::default();
        pass(&mut checker, at(1), CLIENT, &opener(b"")).unwrap();
        pass(&mut checker, at(1), SERVER, &given).unwrap();
        pass(&mut checker, at(1), CLIENT, &opener(token)).unwrap();
        assert_eq!(pass(&mut checker, at(1), SERVER, &long).is_ok(), is_proven);
    }
}

#[test]
fn bounded_sees_every_limit_passed() {
    let mut checker = Bounded::default();
    assert_eq!(counted(&mut checker, |_| {}), Ok(()));
    let passed: [fn(&mut Counts); 6] = [
        |counts| counts.calls = 11,
        |counts| counts.numbers_quarantined = 21,
        |counts| counts.expiry_timers = 31,
        |counts| counts.events_waiting = 41,
        |counts| counts.frames_outstanding = 6,
        |counts| counts.frames_queued = 7,
    ];
    for bend in passed {
        assert!(counted(&mut checker, bend).is_err());
    }
}

#[test]
fn numbers_conserved_sees_a_number_lost() {
    let mut checker = NumbersConserved::default();
    assert_eq!(counted(&mut checker, |_| {}), Ok(()));
    assert!(counted(&mut checker, |counts| counts.numbers_free = 98).is_err());
    assert!(counted(&mut checker, |counts| counts.numbers_allocated = 2).is_err());
    let never_given_back = |counts: &mut Counts| {
        counts.numbers_allocated = 2;
        counts.numbers_free = 98;
    };
    assert!(counted(&mut checker, never_given_back).is_err());
}

#[test]
fn numbers_conserved_sees_a_number_used_again_within_a_minute() {
    let first = plain(7, 2, 0, IaxCommand::AuthReq);
    let second = plain(7, 3, 0, IaxCommand::AuthReq);
    for (later, holds) in [(59, false), (60, true)] {
        let mut checker = NumbersConserved::default();
        pass(&mut checker, at(1), SERVER, &first).unwrap();
        let again = pass(&mut checker, at(1 + later), SERVER, &second);
        assert_eq!(again.is_ok(), holds, "after {later} s");
    }
}

#[test]
fn numbers_conserved_sees_a_number_live_twice_and_lets_inval_speak_of_the_dead() {
    let first = plain(7, 2, 0, IaxCommand::AuthReq);
    let second = plain(7, 3, 0, IaxCommand::AuthReq);
    let inval = plain(7, 2, 0, IaxCommand::Inval);
    let mut checker = NumbersConserved::default();
    pass(&mut checker, at(1), SERVER, &first).unwrap();
    pass(&mut checker, at(100), SERVER, &second).unwrap();
    pass(&mut checker, at(101), SERVER, &inval).unwrap();
    assert!(pass(&mut checker, at(101), SERVER, &first).is_err());
}

#[test]
fn numbers_conserved_sees_two_dialogues_for_one_request() {
    let first = plain(7, 2, 0, IaxCommand::AuthReq);
    let second = plain(8, 2, 0, IaxCommand::AuthReq);
    let mut checker = NumbersConserved::default();
    pass(&mut checker, at(1), SERVER, &first).unwrap();
    pass(&mut checker, at(2), SERVER, &second).unwrap();
    // The first one may be over, and who opened it use its own number again.
    pass(&mut checker, at(3), SERVER, &second).unwrap();
    let both = pass(&mut checker, at(3), SERVER, &first).unwrap_err();
    assert!(both.contains("numbers 7 and 8 are live"), "{both}");
}

fn taken(octets: &[u8]) -> Fact<'static> {
    let frame = FullFrame::parse(octets).expect("it was encoded from a frame");
    Fact::Took(Taken {
        taker: client(),
        local: frame.destination,
        sender: server(),
        remote: frame.source,
        digest: digest(&frame),
    })
}

#[test]
fn delivered_in_order_sees_a_frame_skipped_repeated_and_made_up() {
    let stream = [
        plain(7, 2, 0, IaxCommand::Accept),
        plain(7, 2, 1, IaxCommand::Ping),
        plain(7, 2, 2, IaxCommand::LagRq),
    ];
    let story = |order: &[usize]| {
        let mut checker = DeliveredInOrder::default();
        for frame in &stream {
            pass(&mut checker, at(1), SERVER, frame).unwrap();
        }
        // A retransmission is no new frame of the stream.
        pass(&mut checker, at(2), SERVER, &stream[1]).unwrap();
        let mut took = order
            .iter()
            .map(|nth| checker.observe(at(3), &taken(&stream[*nth])));
        took.all(|result| result.is_ok())
    };
    assert!(story(&[0, 1, 2]) && story(&[0]));
    assert!(!story(&[0, 2]));
    assert!(!story(&[0, 0]));
    assert!(!story(&[1]));
    assert!(!story(&[0, 1, 2, 2]));
}

#[test]
fn delivered_in_order_sees_typed_text_out_of_order() {
    let typed = |texts: &[&str]| {
        let mut checker = DeliveredInOrder::default();
        let mut told = texts.iter().map(|text| {
            let event = Event::Text {
                call: call(),
                text: text.as_bytes().to_vec(),
            };
            tell(&mut checker, &event)
        });
        told.all(|result| result.is_ok())
    };
    assert!(typed(&["text 0", "text 1"]));
    assert!(!typed(&["text 1"]));
    assert!(!typed(&["text 0", "text 0"]));
}

/// A text of a client's call: the `nth` frame that it sends.
fn text(nth: u32) -> Vec<u8> {
    let words = format!("text {nth}");
    let frame = FullFrame {
        source: number(2),
        destination: number(7),
        retransmission: false,
        timestamp: Timestamp(20 * nth + 1),
        oseqno: SeqNo((nth & 0xff) as u8),
        iseqno: SeqNo(0),
        body: Body::Text(words.as_bytes()),
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}

/// Texts 0..=256 arrive, and then a copy of `late` does and is taken for number 257.
fn taken_late(late: u32) -> Result<(), String> {
    let mut checker = DeliveredInOrder::default();
    let told = |text: String| Event::Text {
        call: call(),
        text: text.into_bytes(),
    };
    for nth in 0..=256 {
        let octets = text(nth);
        checker.observe(at(1), &Fact::Sent(passage(CLIENT, SERVER, &octets)))?;
        pass(&mut checker, at(1), CLIENT, &octets)?;
        tell(&mut checker, &told(format!("text {nth}")))?;
    }
    pass(&mut checker, at(2), CLIENT, &text(late))?;
    tell(&mut checker, &told(format!("text {late}")))
}

#[test]
fn delivered_in_order_says_nothing_where_half_of_the_numbers_overtook_a_frame() {
    assert_eq!(taken_late(1), Ok(()));
    assert_eq!(taken_late(128), Ok(()));
    assert!(taken_late(129).is_err());
    assert!(taken_late(256).is_err());
}

fn reloaded(is_present: bool, is_plain: bool, is_found: bool) -> [AccountState; 1] {
    [AccountState {
        account: 1,
        is_present,
        is_plain,
        is_found,
    }]
}

fn reload<C: Checker>(
    checker: &mut C,
    now: Instant,
    accounts: &[AccountState],
) -> Result<(), String> {
    checker.observe(
        now,
        &Fact::Reloaded {
            server: 0,
            accounts,
        },
    )
}

#[test]
fn reload_atomic_sees_a_lookup_that_misses() {
    let mut checker = ReloadAtomic::default();
    assert!(reload(&mut checker, at(1), &reloaded(true, true, true)).is_ok());
    assert!(reload(&mut checker, at(2), &reloaded(false, false, false)).is_ok());
    assert!(reload(&mut checker, at(3), &reloaded(true, true, false)).is_err());
}

#[test]
fn reload_atomic_sees_a_call_that_mixes_two_configurations() {
    let mixes = |second| {
        let mut checker = ReloadAtomic::default();
        let authenticated = |serial| Event::Authenticated {
            call: call(),
            user: Name::new("p1").unwrap(),
            serial,
        };
        tell(&mut checker, &authenticated(4)).unwrap();
        tell(&mut checker, &authenticated(second)).is_err()
    };
    assert!(!mixes(4));
    assert!(mixes(5));
}

#[test]
fn reload_atomic_sees_a_refusal_of_an_account_that_was_there_all_the_time() {
    let refused = |gone_at: Option<u64>| {
        let mut checker = ReloadAtomic::default();
        reload(&mut checker, at(0), &reloaded(true, true, true)).unwrap();
        pass(
            &mut checker,
            at(10),
            CLIENT,
            &named(2, 0, IaxCommand::RegReq),
        )
        .unwrap();
        if let Some(gone) = gone_at {
            reload(&mut checker, at(gone), &reloaded(false, false, false)).unwrap();
            reload(&mut checker, at(gone + 1), &reloaded(true, true, true)).unwrap();
        }
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CauseCode(Cause::FACILITY_REJECTED));
        let refusal = iax(7, 2, 1, IaxCommand::RegRej, &ies);
        pass(&mut checker, at(20), SERVER, &refusal).is_err()
    };
    assert!(refused(None));
    assert!(!refused(Some(15)));
}

#[test]
fn reload_atomic_lets_a_challenge_be_refused_that_nobody_answers_for_a_minute() {
    let refused = |after: u64| {
        let mut checker = ReloadAtomic::default();
        reload(&mut checker, at(0), &reloaded(true, true, true)).unwrap();
        let opener = named(2, 0, IaxCommand::RegReq);
        pass(&mut checker, at(10), CLIENT, &opener).unwrap();
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CauseCode(Cause::FACILITY_REJECTED));
        let refusal = iax(7, 2, 1, IaxCommand::RegRej, &ies);
        pass(&mut checker, at(10 + after), SERVER, &refusal).is_err()
    };
    assert!(refused(59));
    assert!(!refused(60));
}

#[test]
fn reload_atomic_lets_registrations_be_refused_that_come_faster_than_the_store_writes() {
    let refused = |openers: u16, until: u64| {
        let mut checker = ReloadAtomic::default();
        reload(&mut checker, at(0), &reloaded(true, true, true)).unwrap();
        for number in 0..openers {
            let opener = named(2 + number, 0, IaxCommand::RegReq);
            pass(&mut checker, at(10), CLIENT, &opener).unwrap();
        }
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CauseCode(Cause::FACILITY_REJECTED));
        let refusal = iax(7, 2, 1, IaxCommand::RegRej, &ies);
        pass(&mut checker, at(until), SERVER, &refusal).is_err()
    };
    assert!(refused(3, 20));
    assert!(!refused(4, 20));
    assert!(refused(4, 60));
}

/// Where p1 is seen.
fn seen(address: SocketAddr, deadline: Instant) -> ContactSeen {
    ContactSeen {
        account: 1,
        contact: Some(Contact {
            address,
            deadline: Some(deadline),
            generation: Generation(1),
        }),
        reachability: Reachability::Unknown,
        is_found_by_address: true,
    }
}

const NOWHERE: ContactSeen = ContactSeen {
    account: 1,
    contact: None,
    reachability: Reachability::Unknown,
    is_found_by_address: true,
};

fn look(checker: &mut RegistrationKept, now: Instant, seen: ContactSeen) -> Result<(), String> {
    checker.observe(
        now,
        &Fact::Contacts {
            server: 0,
            contacts: &[seen],
        },
    )
}

/// p1 registered at 10 s for 60 s, with a server of one worker.
fn registered() -> RegistrationKept {
    registered_with(1)
}

/// The same with a server of so many.
fn registered_with(workers: u8) -> RegistrationKept {
    let topology = Topology {
        servers: 1,
        clients: 2,
        workers,
        ..Topology::default()
    };
    let mut checker = RegistrationKept::new(&topology);
    acknowledge(&mut checker, 10, 2, 7);
    checker
}

/// p1 asks and is acknowledged, for 60 s, in a dialogue of these numbers.
fn acknowledge(checker: &mut RegistrationKept, second: u64, theirs: u16, ours: u16) {
    let ask = named(theirs, 0, IaxCommand::RegReq);
    pass(checker, at(second), CLIENT, &ask).expect("nothing is wrong yet");
    let answer = named(ours, theirs, IaxCommand::RegAck);
    pass(checker, at(second), SERVER, &answer).expect("nothing is wrong yet");
}

fn tell_registered(checker: &mut RegistrationKept, second: u64, generation: u64) {
    let event = Event::Registered {
        name: Name::new("p1").expect("the name is short"),
        address: client(),
        deadline: at(second + 70),
        generation: Generation(generation),
    };
    let server = 0;
    let told = Fact::Told {
        server,
        event: &event,
    };
    checker
        .observe(at(second), &told)
        .expect("nothing is wrong yet");
}

#[test]
fn registration_kept_goes_by_the_newest_that_several_workers_acknowledged() {
    let last = |workers, generation| {
        let mut checker = registered_with(workers);
        tell_registered(&mut checker, 10, 5);
        acknowledge(&mut checker, 20, 3, 8);
        tell_registered(&mut checker, 20, generation);
        // What counts for the first one alone.
        look(&mut checker, at(21), seen(client(), at(75)))
    };
    assert_eq!(last(2, 4), Ok(()), "another worker told of it later");
    assert!(last(2, 6).is_err());
    assert!(last(1, 4).is_err(), "one worker tells them in their order");
}

#[test]
fn registration_kept_sees_a_registration_lost_moved_shortened_or_not_found_by_address() {
    let kept = seen(client(), at(80));
    assert_eq!(look(&mut registered(), at(11), kept), Ok(()));
    assert_eq!(look(&mut registered(), at(69), kept), Ok(()));
    assert!(look(&mut registered(), at(69), NOWHERE).is_err());
    assert!(look(&mut registered(), at(11), seen(server(), at(80))).is_err());
    assert!(look(&mut registered(), at(11), seen(client(), at(69))).is_err());
    let unindexed = ContactSeen {
        is_found_by_address: false,
        ..kept
    };
    assert!(look(&mut registered(), at(11), unindexed).is_err());
}

#[test]
fn registration_kept_sees_one_that_outlives_its_grace() {
    let kept = seen(client(), at(200));
    assert_eq!(look(&mut registered(), at(79), kept), Ok(()));
    assert!(look(&mut registered(), at(80), kept).is_err());
    assert_eq!(look(&mut registered(), at(80), NOWHERE), Ok(()));
}

#[test]
fn registration_kept_sees_one_that_nobody_made() {
    let mut checker = RegistrationKept::new(&Topology::default());
    assert_eq!(look(&mut checker, at(1), NOWHERE), Ok(()));
    assert!(look(&mut checker, at(1), seen(client(), at(80))).is_err());
}

#[test]
fn registration_kept_follows_releases_operators_configurations_and_rows() {
    let kept = seen(client(), at(80));
    let gone = |fact: &Fact<'_>| {
        let mut checker = registered();
        checker.observe(at(20), fact).unwrap();
        look(&mut checker, at(21), NOWHERE).is_ok() && look(&mut checker, at(21), kept).is_err()
    };
    assert!(gone(&Fact::Unregistered {
        server: 0,
        account: 1
    }));
    assert!(gone(&Fact::Reloaded {
        server: 0,
        accounts: &reloaded(false, false, false)
    }));
    assert!(!gone(&Fact::Evicted {
        server: 0,
        account: 1
    }));

    let mut released = registered();
    pass(
        &mut released,
        at(20),
        CLIENT,
        &named(3, 0, IaxCommand::RegRel),
    )
    .unwrap();
    pass(
        &mut released,
        at(20),
        SERVER,
        &named(8, 3, IaxCommand::RegAck),
    )
    .unwrap();
    assert!(look(&mut released, at(21), kept).is_err());

    let mut edited = registered();
    let row = RowEdit::Absent;
    let edit = Fact::RowEdited {
        server: 0,
        account: 1,
        row,
    };
    edited.observe(at(20), &edit).unwrap();
    assert!(look(&mut edited, at(21), kept).is_ok() && look(&mut edited, at(21), NOWHERE).is_ok());
}

#[test]
fn a_repeated_regack_promises_nothing_new() {
    let mut checker = registered();
    pass(
        &mut checker,
        at(20),
        SERVER,
        &named(7, 2, IaxCommand::RegAck),
    )
    .unwrap();
    assert_eq!(look(&mut checker, at(75), NOWHERE), Ok(()));
}

#[test]
fn a_violation_names_its_property() {
    let mut checkers = Checkers::new(&Topology::default());
    let event = Event::StaleHandle { what: "expire" };
    let fact = Fact::Told {
        server: 0,
        event: &event,
    };
    let violation = checkers.observe(at(1) + Duration::ZERO, &fact).unwrap_err();
    assert_eq!(violation.property, "no-use-after-destroy");
}
