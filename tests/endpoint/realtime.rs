//! Names that the database knows: a lookup is a question out and an answer in.

use crate::bench::*;
use iaxproof::catalog::{Answer, Catalog, Question, Row};
use iaxproof::engine::directory::{Directory, Generation, Lookup, Role};
use iaxproof::engine::settings::{
    Configuration, Defaults, Encryption, General, Settings, TransferPolicy,
};
use iaxproof::engine::{EndpointOptions, Event};
use iaxproof::registry::Audited;
use iaxproof::wire::{AuthMethods, IaxCommand, InformationElement};

fn bench() -> Bench {
    Bench::with(EndpointOptions::default(), General::default(), true)
}

fn question(bench: &Bench) -> Question {
    bench
        .endpoint
        .directory()
        .poll_question()
        .expect("a question")
}

fn answer(bench: &mut Bench, question: &Question, answer: Answer) {
    bench
        .endpoint
        .directory()
        .answer(question.id, answer, bench.now);
    bench.endpoint.handle_answer(bench.now, question.id);
    bench.drain();
}

fn row(role: Role) -> Answer {
    Answer::Row(Row {
        settings: entry(role, "alice", "wonder"),
        contact: None,
        generation: Generation(0),
    })
}

#[test]
fn a_registration_waits_for_the_database_and_a_repeat_asks_nothing() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    let token = client.token(&mut bench, IaxCommand::RegReq, &[]);
    let ies = [
        InformationElement::Username(b"alice"),
        InformationElement::CallToken(&token),
    ];
    let octets = client.iax(IaxCommand::RegReq, &ies);
    client.deliver(&mut bench, &octets);
    client.deliver(&mut bench, &octets);
    assert_eq!(client.words(), ["ACK", "ACK"]);
    let question = question(&bench);
    assert_eq!(
        (question.role, question.name.as_str()),
        (Role::Peer, "alice")
    );
    assert!(bench.endpoint.directory().poll_question().is_none());
    assert_eq!(bench.counts().waiting_for_directory, 1);
    answer(&mut bench, &question, row(Role::Peer));
    client.take(&mut bench);
    let result = client.result("wonder");
    assert_eq!(client.words(), ["REGAUTH"]);
    let ies = [
        InformationElement::Username(b"alice"),
        InformationElement::Md5Result(&result),
    ];
    client.send_iax(&mut bench, IaxCommand::RegReq, &ies);
    assert_eq!(client.words(), ["ACK"]);
    assert_eq!(bench.answer_writes(true).len(), 1);
    client.take(&mut bench);
    assert_eq!(client.words(), ["REGACK"]);
    assert_eq!(bench.counts().waiting_for_directory, 0);
}

#[test]
fn a_call_waits_for_the_database() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    assert_eq!(client.words(), ["ACK"]);
    let question = question(&bench);
    answer(&mut bench, &question, row(Role::User));
    client.take(&mut bench);
    client.authrep(&mut bench, "wonder");
    assert!(matches!(bench.events.last(), Some(Event::Incoming { .. })));
}

/// Each lookup is its own question; what the first answer linked, the second finds.
#[test]
fn two_dialogues_that_ask_for_one_name_are_both_answered() {
    let mut bench = bench();
    let mut clients = [Client::new(1, 500), Client::new(2, 500)];
    for client in &mut clients {
        client.regreq(&mut bench, "alice", 60);
    }
    assert_eq!(bench.counts().waiting_for_directory, 2);
    for _ in 0..2 {
        let question = question(&bench);
        answer(&mut bench, &question, row(Role::Peer));
    }
    for client in &mut clients {
        client.take(&mut bench);
        assert_eq!(client.words(), ["ACK", "REGAUTH"]);
    }
}

/// A failing database refuses; a name that it does not know gets the false challenge.
#[test]
fn failures_refuse_and_unknown_names_are_challenged() {
    for (said, expected) in [(Answer::Failed, "REGREJ"), (Answer::Absent, "REGAUTH")] {
        let mut bench = bench();
        let mut client = Client::new(1, 500);
        client.regreq(&mut bench, "alice", 60);
        let question = question(&bench);
        answer(&mut bench, &question, said);
        client.take(&mut bench);
        assert_eq!(client.words(), ["ACK", expected]);
    }
}

/// CVE-2008-5558's neighbourhood: an answer for a dialogue that is gone changes nothing, and is not kept.
#[test]
fn an_answer_after_the_end_is_dropped() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    client.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    assert_eq!(bench.counts().dialogues(), 0);
    let sent = bench.sent.len();
    let question = question(&bench);
    answer(&mut bench, &question, Answer::Absent);
    assert_eq!((bench.sent.len(), bench.counts().dialogues()), (sent, 0));
}

/// A database that never answers does not hold a dialogue for ever.
#[test]
fn a_silent_database_is_waited_for_no_longer_than_a_minute() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    for second in 1..=60 {
        bench.until(f64::from(second));
        client.take(&mut bench);
        client.ack(&mut bench);
    }
    assert_eq!(bench.times(client.address, IaxCommand::RegRej), [60.0]);
    client.take(&mut bench);
    client.ack(&mut bench);
    assert_eq!((bench.counts().dialogues(), bench.counts().timers), (0, 0));
}

/// Of a row that says nothing, `[general]` says how it is treated, as of an entry of the file; also after a reload, and where
/// the row says something itself.
#[test]
fn a_row_inherits_what_general_says() {
    let defaults = Defaults {
        methods: AuthMethods::PLAINTEXT,
        encryption: Encryption::Forced,
        transfer: TransferPolicy::Refused,
        auth_requests_max: 9,
        ..Defaults::default()
    };
    let general = |serial, defaults: &Defaults| General {
        serial,
        defaults: defaults.clone(),
        ..General::default()
    };
    let mut bench = bench();
    let of = |general| Configuration {
        general,
        entries: Vec::new(),
    };
    bench.reload(of(general(1, &defaults)));
    let silent = linked(&mut bench, entry(Role::User, "alice", "wonder"));
    let mut says = entry(Role::User, "bob", "wonder");
    says.transfer = TransferPolicy::MediaOnly;
    says.said.transfer = true;
    says.said.encryption = Encryption::Offered;
    let says = linked(&mut bench, says);
    let read = |bench: &Bench, handle| {
        let directory = bench.endpoint.directory();
        let snapshot = directory.settings(handle).expect("ours is never stale");
        let read = |it: &Settings| {
            (
                it.methods,
                it.encryption,
                it.transfer,
                it.auth_requests_max,
                it.general.serial,
            )
        };
        directory.read(&snapshot, read).expect("likewise")
    };
    let refused = TransferPolicy::Refused;
    let plaintext = AuthMethods::PLAINTEXT;
    assert_eq!(
        read(&bench, &silent),
        (plaintext, Encryption::Forced, refused, 9, 1)
    );
    let media = TransferPolicy::MediaOnly;
    assert_eq!(
        read(&bench, &says),
        (plaintext, Encryption::Forced, media, 9, 1)
    );
    // Calls that wait keep the two in memory over the reload.
    for handle in [&silent, &says] {
        assert!(
            bench
                .endpoint
                .directory()
                .begin_challenge(Some(handle), b"")
        );
    }
    bench.reload(of(general(2, &Defaults::default())));
    let md5 = AuthMethods::MD5;
    let allowed = TransferPolicy::Allowed;
    assert_eq!(read(&bench, &silent), (md5, Encryption::Off, allowed, 3, 2));
    assert_eq!(read(&bench, &says), (md5, Encryption::Offered, media, 3, 2));
}

/// The entry of a row.
fn linked(bench: &mut Bench, settings: Settings) -> <Catalog<Audited> as Directory>::Handle {
    let directory = bench.endpoint.directory();
    let Lookup::Asked(id) = directory.find(settings.role, settings.name.as_str()) else {
        panic!("the database is asked");
    };
    let row = Row {
        settings,
        contact: None,
        generation: Generation(0),
    };
    directory.answer(id, Answer::Row(row), bench.now);
    match directory.take_answer(id) {
        Lookup::Found(handle) => handle,
        lookup => panic!("{lookup:?}"),
    }
}
