//! Openers prove their address before anything is kept (X-TOK-*; the IAX2 security document §3).

use crate::bench::*;
use iaxproof::wire::{Body, CallNumber, IaxCommand, InformationElement, SeqNo};

const OPENERS: [(IaxCommand, &str); 3] = [
    (IaxCommand::New, "REJECT"),
    (IaxCommand::RegReq, "REGREJ"),
    (IaxCommand::RegRel, "REGREJ"),
];

/// X-TOK-4, and property `bounded`: even the shortest opener gets no more than three times its octets.
#[test]
fn an_empty_token_gets_a_small_answer_and_leaves_no_state() {
    for (command, _) in OPENERS {
        let mut bench = Bench::new();
        let before = bench.counts();
        let mut client = Client::new(1, 500);
        let octets = client.iax(command, &[InformationElement::CallToken(&[])]);
        bench.deliver(client.address, &octets);
        let (_, _, answer) = &bench.sent[0];
        assert!(
            answer.len() <= 3 * octets.len(),
            "{} of {}",
            answer.len(),
            octets.len()
        );
        let before_sent = client.timestamp;
        client.take(&mut bench);
        let frame = client.last();
        assert_eq!(
            (frame.source, frame.destination),
            (CallNumber::STATELESS, number(500))
        );
        assert_eq!((frame.oseqno, frame.iseqno), (SeqNo(0), SeqNo(1)));
        assert_eq!(frame.timestamp.0, before_sent);
        assert_eq!(iax(&client.received[0]), Some(IaxCommand::CallToken));
        assert_eq!(bench.counts(), before);
    }
}

/// X-TOK-6, X-TOK-7: absent, forged, of another port and too old.
#[test]
fn a_bad_token_is_refused_without_state_or_elements() {
    for (command, refusal) in OPENERS {
        let mut bench = Bench::new();
        let mut client = Client::new(1, 500);
        let token = client.token(&mut bench, command, &[]);
        client.send_iax(&mut bench, command, &[]);
        assert_eq!(client.words(), [refusal], "absent");
        client.oseqno = SeqNo(0);
        client.send_iax(
            &mut bench,
            command,
            &[InformationElement::CallToken(&[b'A'; 28])],
        );
        assert_eq!(client.words(), [refusal], "forged");
        let mut neighbour = Client::new(1, 500);
        neighbour.address.set_port(4570);
        neighbour.send_iax(
            &mut bench,
            command,
            &[InformationElement::CallToken(&token)],
        );
        assert_eq!(neighbour.words(), [refusal], "another port");
        bench.until(10.0);
        client.oseqno = SeqNo(0);
        client.send_iax(
            &mut bench,
            command,
            &[InformationElement::CallToken(&token)],
        );
        let Body::Iax { ies, .. } = client.last().body else {
            panic!("a refusal should come");
        };
        assert!(ies.is_empty());
        assert_eq!(client.words(), [refusal], "too old");
        let counts = bench.counts();
        assert_eq!((counts.dialogues(), counts.numbers_allocated), (0, 0));
        assert_eq!(counts.dropped.unproven, 4);
    }
}

/// X-TOK-12: a token belongs to the opener alone.
#[test]
fn the_second_request_of_a_dialogue_is_not_asked_for_a_token() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    let result = client.result("wonder");
    client.received.clear();
    let ies = [
        InformationElement::Username(b"alice"),
        InformationElement::Md5Result(&result),
        InformationElement::CallToken(&[]),
    ];
    client.send_iax(&mut bench, IaxCommand::RegReq, &ies);
    assert_eq!(client.words(), ["REGACK"]);
}

/// X-CALL-3: whatever token a repeated opener carries, there is one dialogue.
#[test]
fn a_repeated_opener_is_only_acknowledged() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    assert_eq!(client.words(), ["AUTHREQ"]);
    let token = {
        let mut other = Client::new(1, 501);
        other.token(&mut bench, IaxCommand::New, &[])
    };
    for token in [None, Some(&[][..]), Some(&token[..]), Some(b"nonsense")] {
        let mut again = Client::new(1, 500);
        let ies: Vec<_> = token
            .map(InformationElement::CallToken)
            .into_iter()
            .collect();
        let mut octets = again.iax(IaxCommand::New, &ies);
        again.deliver(&mut bench, &octets);
        octets[2] |= 0x80;
        again.deliver(&mut bench, &octets);
        assert_eq!(again.words(), ["ACK", "ACK"]);
    }
    assert_eq!(bench.counts().dialogues(), 1);
}

#[test]
fn an_opener_with_a_sequence_number_opens_nothing() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    let token = client.token(&mut bench, IaxCommand::New, &[]);
    client.oseqno = SeqNo(3);
    client.send_iax(
        &mut bench,
        IaxCommand::New,
        &[InformationElement::CallToken(&token)],
    );
    assert_eq!(client.words(), ["REJECT"]);
    assert_eq!(bench.counts().dialogues(), 0);
}
