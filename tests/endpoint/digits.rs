//! Dialling inside a call (RFC 5456 §6.8, §9.7; X-CALL-5): a call without a number, digits that are asked about, and DIAL.

use crate::bench::*;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Configuration, General, Settings};
use iaxproof::engine::{EndpointOptions, Event};
use iaxproof::wire::{
    Body, Cause, Control, DpStatus, Format, FullFrame, IaxCommand, InformationElement,
};

fn bench(asks_application: bool) -> Bench {
    let options = EndpointOptions {
        asks_application,
        ..EndpointOptions::default()
    };
    let mut bench = Bench::with(options, General::default(), false);
    let with = |name, secret| Settings {
        extensions: ["100", "1001", "2"].map(str::to_owned).to_vec(),
        ..entry(Role::User, name, secret)
    };
    bench.reload(Configuration {
        general: General::default(),
        entries: vec![with("alice", "wonder"), with("open", "")],
    });
    bench
}

/// A call of `alice` with this number.
fn called(bench: &mut Bench, number: &str) -> Client {
    let mut client = Client::new(1, 500);
    client.new_call(bench, "alice", number);
    client.authrep(bench, "wonder");
    client
}

/// A call that was accepted without a number.
fn tbd(bench: &mut Bench) -> Client {
    let mut client = called(bench, "TBD");
    assert_eq!(client.words(), ["AUTHREQ", "ACCEPT"]);
    client
}

fn dial(bench: &mut Bench, client: &mut Client, number: &str) {
    let number = InformationElement::CalledNumber(number.as_bytes());
    client.send_iax(bench, IaxCommand::Dial, &[number]);
}

fn incoming(bench: &Bench) -> Option<String> {
    bench.events.iter().find_map(|event| match event {
        Event::Incoming { number, .. } => Some(number.clone()),
        _ => None,
    })
}

fn rejected(client: &Client) -> Option<Cause> {
    let frames = client.received.iter();
    let frames = frames.filter_map(|octets| FullFrame::parse(octets).ok());
    let mut rejects = frames.filter_map(|frame| match frame.body {
        Body::Iax {
            command: IaxCommand::Reject,
            ies,
        } => ies.cause_code(),
        _ => None,
    });
    rejects.next()
}

/// X-CALL-5, 6.8.3-1: accepted, and not started before DIAL; then PROGRESS comes, and the call goes on as after NEW.
#[test]
fn a_call_without_a_number_starts_with_dial() {
    let mut bench = bench(false);
    let mut client = tbd(&mut bench);
    assert_eq!(incoming(&bench), None);
    let voice = Body::Voice {
        format: Format::ULAW,
        data: &[0xff; 160],
    };
    client.send(&mut bench, voice);
    assert_eq!(client.words(), ["ACK"]);
    assert!(
        !bench
            .events
            .iter()
            .any(|it| matches!(it, Event::Voice { .. }))
    );
    dial(&mut bench, &mut client, "100");
    let progress = client.last().body;
    assert!(
        matches!(
            progress,
            Body::Control {
                control: Control::Progress,
                ..
            }
        ),
        "{progress}"
    );
    assert_eq!(incoming(&bench).as_deref(), Some("100"));
    client.ack(&mut bench);
    let call = bench.call();
    bench.endpoint.answer(bench.now, call).unwrap();
    bench.drain();
    client.take(&mut bench);
    assert!(client.words().last().unwrap().contains("ANSWER"));
    // A second DIAL, and questions, come too late: they are acknowledged (chan_iax2).
    dial(&mut bench, &mut client, "2");
    let digits = [InformationElement::CalledNumber(b"2")];
    client.send_iax(&mut bench, IaxCommand::DpReq, &digits);
    client.send_iax(&mut bench, IaxCommand::DpRep, &digits);
    let words = client.words();
    assert!(words.iter().all(|word| word == "ACK"), "{words:?}");
    client.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    bench.assert_at_rest();
}

/// X-CALL-5: other spellings are no extension, even where the user may dial any; nor is TBD by DIAL. A DIAL without a number means
/// `s`.
#[test]
fn other_spellings_and_unknown_numbers_are_refused() {
    let refused = Some(Cause::NO_ROUTE_DESTINATION);
    for number in ["tbd", "Tbd", "TBD "] {
        let mut bench = bench(false);
        let client = called(&mut bench, number);
        assert_eq!(rejected(&client), refused, "{number:?}");
    }
    for number in ["101", "TBD", "tbd"] {
        let mut bench = bench(false);
        let mut client = tbd(&mut bench);
        dial(&mut bench, &mut client, number);
        assert_eq!(rejected(&client), refused, "{number:?}");
        assert_eq!(incoming(&bench), None);
        client.ack(&mut bench);
        bench.assert_at_rest();
    }
    let mut bench = Bench::new();
    let anything = Settings {
        extensions: Vec::new(),
        ..entry(Role::User, "alice", "wonder")
    };
    bench.reload(Configuration {
        general: General::default(),
        entries: vec![anything],
    });
    assert_eq!(rejected(&called(&mut bench, "tbd")), refused);
    let mut client = Client::new(1, 501);
    client.new_call(&mut bench, "alice", "TBD");
    client.authrep(&mut bench, "wonder");
    client.send_iax(&mut bench, IaxCommand::Dial, &[]);
    assert_eq!(incoming(&bench).as_deref(), Some("s"));
}

/// 6.8.1-1, 6.8.1-4, 6.8.2-1: DPREP has the digits as they were asked, their status and for how many seconds it holds.
#[test]
fn digits_are_asked_about_before_dial() {
    for (asks, exists) in [(false, DpStatus::EXISTS), (true, DpStatus::CAN_EXIST)] {
        let mut bench = bench(asks);
        let mut client = tbd(&mut bench);
        let more = |status: DpStatus| DpStatus(status.0 | DpStatus::MATCH_MORE.0);
        for (digits, status) in [
            ("1", more(DpStatus::CAN_EXIST)),
            ("100", more(exists)),
            ("1001", exists),
            ("2", exists),
            ("3", DpStatus::NON_EXISTENT),
            ("tbd", DpStatus::NON_EXISTENT),
        ] {
            let asked = [InformationElement::CalledNumber(digits.as_bytes())];
            client.send_iax(&mut bench, IaxCommand::DpReq, &asked);
            let Body::Iax { command, ies } = client.last().body else {
                panic!("DPREP should come");
            };
            assert_eq!(command, IaxCommand::DpRep);
            assert_eq!(ies.called_number(), Some(digits.as_bytes()));
            let says = (ies.dp_status(), ies.refresh());
            assert_eq!(says, (Some(status), Some(600)), "{digits}");
        }
        client.received.clear();
        client.send_iax(&mut bench, IaxCommand::DpReq, &[]);
        assert_eq!(client.words(), ["ACK"]);
        assert_eq!(incoming(&bench), None);
    }
}

/// The application is asked about the number of DIAL, not about TBD; for a caller without a secret as well.
#[test]
fn the_application_is_asked_about_the_number_that_is_dialled() {
    for (name, takes) in [("alice", true), ("alice", false), ("open", true)] {
        let mut bench = bench(true);
        let mut client = Client::new(1, 500);
        client.new_call(&mut bench, name, "TBD");
        if name == "alice" {
            client.authrep(&mut bench, "wonder");
        }
        assert_eq!(client.words().last().unwrap(), "ACCEPT");
        dial(&mut bench, &mut client, "100");
        let Some(Event::Requested { call, number, .. }) = bench.events.last().cloned() else {
            panic!("{:?}", bench.events);
        };
        assert_eq!((number.as_str(), incoming(&bench)), ("100", None));
        match takes {
            true => bench.endpoint.accept(bench.now, call).unwrap(),
            false => bench
                .endpoint
                .hangup(bench.now, call, Cause::NO_ROUTE_DESTINATION)
                .unwrap(),
        }
        bench.drain();
        client.take(&mut bench);
        assert_eq!(incoming(&bench).is_some(), takes);
        let refused = (!takes).then_some(Cause::NO_ROUTE_DESTINATION);
        assert_eq!(rejected(&client), refused);
    }
}

/// Outside of calls nobody dials.
#[test]
fn a_registration_does_not_understand_digits() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    for command in [IaxCommand::Dial, IaxCommand::DpReq, IaxCommand::DpRep] {
        client.send_iax(&mut bench, command, &[]);
        assert_eq!(client.words().last().unwrap(), "UNSUPPORT");
    }
}
