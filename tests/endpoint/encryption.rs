//! Encrypted calls (RFC 5456 §7.4, §8.1.4; X-ENC-1 to X-ENC-5), the answerer's side.

use core::time::Duration;

use crate::bench::*;
use iaxproof::engine::cipher::{Key, Padding};
use iaxproof::engine::directory::Role;
use iaxproof::engine::reliable::Reliable;
use iaxproof::engine::settings::{Configuration, Encryption, General, Secret, Settings};
use iaxproof::engine::{EndpointOptions, Event};
use iaxproof::time::Instant;
use iaxproof::wire::InformationElement as Ie;
use iaxproof::wire::{
    AuthMethods, Body, Cause, Digit, EncryptionMethods, Format, Frame, FullFrame, IaxCommand,
    IeCode, MetaFrame, MiniVideoFrame, SeqNo, Timestamp, TrunkBuffer, TrunkEntry,
};

/// A bench whose user `alice` wants encryption so, and has these secrets.
fn bench(encryption: Encryption, secrets: &[&str]) -> Bench {
    let bench = Bench::new();
    let alice = Settings {
        encryption,
        secrets: secrets.iter().map(|secret| Secret::new(secret)).collect(),
        ..entry(Role::User, "alice", "")
    };
    bench.endpoint.directory().reload(Configuration {
        general: General::default(),
        entries: vec![alice],
    });
    bench
}

/// chan_iax2's mask: AES-128, and rotation of keys.
const MASK: EncryptionMethods = EncryptionMethods(0x8001);

/// A NEW with ENCRYPTION, up to the AUTHREQ.
fn challenged(bench: &mut Bench) -> Client {
    let mut client = Client::new(1, 500);
    let ies = [&new_call("alice", "100")[..], &[Ie::Encryption(MASK)]].concat();
    client.open(bench, IaxCommand::New, &ies);
    assert_eq!(iax(&client.received[0]), Some(IaxCommand::AuthReq));
    client
}

fn challenge(client: &Client) -> Vec<u8> {
    let Body::Iax { ies, .. } = client.last().body else {
        panic!("AUTHREQ should come");
    };
    ies.challenge().expect("a challenge").to_vec()
}

/// Answers the AUTHREQ encrypted.
fn answer(client: &mut Client, bench: &mut Bench, secret: &str) {
    let secret = Secret::new(secret);
    let (challenge, result) = (challenge(client), client.result("wonder"));
    let key = Key::new(&challenge, &secret);
    let result = match secret.expose() {
        b"wonder" => result,
        _ => iaxproof::engine::auth::md5_result(&challenge, &secret),
    };
    client.encrypt(bench, key);
    client.send_iax(bench, IaxCommand::AuthRep, &[Ie::Md5Result(&result)]);
}

/// An encrypted call that the application has.
fn linked(bench: &mut Bench) -> Client {
    let mut client = challenged(bench);
    answer(&mut client, bench, "wonder");
    client.ack(bench);
    client.received.clear();
    client
}

/// RFC 5456 §7.4, X-ENC-2: NEW and AUTHREQ are clear, AUTHREP is the first encrypted frame, then everything is, ACKs and mini
/// frames included; the mask goes out without rotation.
#[test]
fn a_call_is_encrypted_from_authrep_on() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let mut client = challenged(&mut bench);
    let Body::Iax { ies, .. } = client.last().body else {
        panic!("AUTHREQ should come");
    };
    assert_eq!(ies.encryption(), Some(EncryptionMethods::AES128));
    answer(&mut client, &mut bench, "wonder");
    client.ack(&mut bench);
    let call = bench.call();
    bench.endpoint.ring(bench.now, call).unwrap();
    bench.endpoint.answer(bench.now, call).unwrap();
    let (format, data) = (Format::ULAW, &[7; 4]);
    bench.endpoint.send_voice(bench.now, call, data).unwrap();
    bench.until(0.02);
    bench.endpoint.send_voice(bench.now, call, data).unwrap();
    bench.drain();
    client.take(&mut bench);
    client.send(&mut bench, Body::Voice { format, data });
    let mini = client.mini(40, data);
    client.deliver(&mut bench, &mini);
    client.send_iax(&mut bench, IaxCommand::Ping, &[]);
    let digit = Digit::new(b'5').unwrap();
    client.send(&mut bench, Body::DtmfEnd(digit));
    let cause = [Ie::CauseCode(Cause::NORMAL_CLEARING)];
    client.send_iax(&mut bench, IaxCommand::Hangup, &cause);
    insta::assert_snapshot!(bench.ladder);
    bench.assert_quiet();
    // Nothing of the audio, which is the same in each frame, is the same on the wire.
    // Behind CALLTOKEN and AUTHREQ.
    let blocks = bench.sent[2..].iter().map(|(.., octets)| &octets[4..20]);
    let blocks: Vec<_> = blocks.collect();
    let distinct: std::collections::BTreeSet<_> = blocks.iter().collect();
    assert_eq!(blocks.len(), distinct.len());
}

/// RFC 5456 §7.4: each secret is tried until one decodes, and the AUTHREP must prove that one.
#[test]
fn any_secret_of_the_user_may_be_the_key() {
    let secrets = ["first", "wonder", "third"];
    for secret in secrets {
        let mut bench = bench(Encryption::Offered, &secrets);
        let mut client = challenged(&mut bench);
        answer(&mut client, &mut bench, secret);
        assert_eq!(
            iax(client.received.last().unwrap()),
            Some(IaxCommand::Accept)
        );
        client.ack(&mut bench);
        bench.call();
    }
}

/// A wrong secret makes noise of the AUTHREP. It uses the challenge up, is told to the log, and the REJECT is in clear, for
/// there is no key that both have.
#[test]
fn a_wrong_secret_is_refused_and_counted_once() {
    let mut bench = bench(Encryption::Offered, &["wonder", "second"]);
    let mut client = challenged(&mut bench);
    let right = Key::new(&challenge(&client), &Secret::new("wonder"));
    let result = client.result("wonder");
    answer(&mut client, &mut bench, "blunder");
    let last = |bench: &Bench| iax(&bench.sent.last().unwrap().2);
    assert_eq!(last(&bench), Some(IaxCommand::Reject));
    let failed = |bench: &Bench| {
        let events = bench.events.iter();
        events
            .filter(|event| matches!(event, Event::LoginFailed { .. }))
            .count()
    };
    assert_eq!(failed(&bench), 1);
    // The right answer comes too late.
    client.oseqno = SeqNo(1);
    client.encrypt(&mut bench, right);
    client.send_iax(&mut bench, IaxCommand::AuthRep, &[Ie::Md5Result(&result)]);
    assert_eq!(failed(&bench), 1);
    assert_eq!(bench.counts().dropped.undecipherable, 2);
    assert!(
        !bench
            .events
            .iter()
            .any(|event| matches!(event, Event::Authenticated { .. }))
    );
    bench.until(60.0);
    bench.assert_quiet();
}

/// The key alone is no login: an AUTHREP under the right key whose result is another's is refused.
#[test]
fn the_result_must_prove_the_key() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let mut client = challenged(&mut bench);
    let key = Key::new(&challenge(&client), &Secret::new("wonder"));
    client.encrypt(&mut bench, key);
    client.send_iax(
        &mut bench,
        IaxCommand::AuthRep,
        &[Ie::Md5Result(&[b'0'; 32])],
    );
    assert!(bench.events.is_empty());
    assert_eq!(bench.counts().dropped.undecipherable, 1);
}

/// X-ENC-3, seen from the other side: an AUTHREP in clear, where AUTHREQ granted encryption, is nothing.
#[test]
fn a_clear_authrep_is_dropped_where_encryption_was_granted() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let mut client = challenged(&mut bench);
    client.authrep(&mut bench, "wonder");
    assert_eq!(client.words(), ["AUTHREQ"]);
    assert_eq!(bench.counts().dropped.undecipherable, 1);
    // HANGUP in clear still ends it.
    client.oseqno = SeqNo(1);
    client.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    assert_eq!(client.words(), ["ACK"]);
    bench.assert_quiet();
}

/// X-ENC-2: a frame is encrypted or not for as long as it is repeated. AUTHREQ stays clear; ACCEPT gets the R bit, the
/// ISeqno of now and other padding, under its key.
#[test]
fn repeats_are_encrypted_as_the_first_was() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let mut client = challenged(&mut bench);
    bench.until(2.0);
    let again = FullFrame::parse(&bench.sent.last().unwrap().2).unwrap();
    assert!(
        again.retransmission
            && matches!(
                again.body,
                Body::Iax {
                    command: IaxCommand::AuthReq,
                    ..
                }
            )
    );
    answer(&mut client, &mut bench, "wonder");
    let accept = bench.sent.last().unwrap().2.clone();
    client.iseqno = SeqNo(1);
    client.send_iax(&mut bench, IaxCommand::Ping, &[]);
    let before = bench.sent.len();
    bench.until(4.0);
    let repeated: Vec<_> = bench.sent[before..]
        .iter()
        .map(|(.., octets)| octets.clone())
        .collect();
    let key = client.key.clone().unwrap();
    let [once, twice] = [&accept, &repeated[0]].map(|octets| key.decrypt(octets).unwrap());
    let (once, twice) = (
        FullFrame::parse(&once).unwrap(),
        FullFrame::parse(&twice).unwrap(),
    );
    assert_eq!(once.body, twice.body);
    assert_eq!(
        (once.oseqno, once.timestamp),
        (twice.oseqno, twice.timestamp)
    );
    assert!(!once.retransmission && twice.retransmission);
    assert_eq!((once.iseqno.0, twice.iseqno.0), (2, 3));
    assert_ne!(accept[4..20], repeated[0][4..20], "the padding is fresh");
}

/// X-ENC-2: the key of a frame is the one that held when it was built, clear for none, also where a newer one holds when it is
/// repeated. ACKs have the newest.
#[test]
fn a_repeat_has_the_key_that_its_frame_was_built_under() {
    let keys = [8, 9].map(|octet| Key::from_octets(&[octet; 16]).unwrap());
    let mut now = Instant::from_secs(1);
    let mut reliable = Reliable::new(number(2), number(3), now);
    for (text, key) in [
        ("clear", Some(&keys[0])),
        ("old", Some(&keys[1])),
        ("new", None),
    ] {
        reliable.send(now, Body::Text(text.as_bytes())).unwrap();
        key.into_iter()
            .for_each(|key| reliable.encrypt_from_now(key.clone()));
    }
    let opened_by = |reliable: &mut Reliable| {
        let datagrams = std::iter::from_fn(|| reliable.poll_transmit(|| [5; 32]));
        let text = |octets: &[u8]| match FullFrame::parse(octets).ok()?.body {
            Body::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        };
        let opened = datagrams.map(|octets| {
            let sealed = keys.iter().map(|key| key.decrypt(&octets));
            let all = [Some(octets.clone())].into_iter().chain(sealed);
            all.map(|opened| opened.and_then(|opened| text(&opened)))
                .collect::<Vec<_>>()
        });
        opened.collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    let expected = [
        vec![text("clear"), None, None],
        vec![None, text("old"), None],
        vec![None, None, text("new")],
    ];
    assert_eq!(opened_by(&mut reliable), expected);
    now = now + Duration::from_secs(2);
    reliable.handle_timeout(now);
    assert_eq!(opened_by(&mut reliable), expected);
}

/// Clear frames on an encrypted call, ragged ciphertext and noise: dropped without reply, the number not consumed (measured
/// with Asterisk 22.10.1; X-ENC-4).
#[test]
fn clear_and_ragged_frames_are_dropped() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let mut client = linked(&mut bench);
    let call = bench.call();
    let (oseqno, sent) = (client.oseqno, bench.sent.len());
    let text = client.frame(Body::Text(b"clear"));
    bench.deliver(client.address, &text);
    let sealed = client.seal(&text);
    for len in (0..sealed.len()).chain([sealed.len() + 1]) {
        let mut ragged = sealed.clone();
        ragged.resize(len, 0);
        bench.deliver(client.address, &ragged);
    }
    let mini = client.mini(40, &[0; 160]);
    bench.deliver(client.address, &mini);
    let hangup = client.iax(IaxCommand::Hangup, &[]);
    bench.deliver(client.address, &hangup);
    let mut noise = client.frame(Body::Text(&[0; 24]));
    noise.truncate(36);
    bench.deliver(client.address, &noise);
    assert_eq!(bench.sent.len(), sent, "{}", bench.ladder);
    assert!(bench.counts().dropped.undecipherable > 30);
    // The number that they carried is still the next.
    client.oseqno = oseqno;
    client.send(&mut bench, Body::Text(b"sealed"));
    let event = bench.events.last();
    assert!(
        matches!(event, Some(Event::Text { text, .. }) if text == b"sealed"),
        "{event:?}"
    );
    bench
        .endpoint
        .hangup(bench.now, call, Cause::NORMAL_CLEARING)
        .unwrap();
}

/// What a user wants against what the NEW has: the ENCRYPTION of AUTHREQ, and how a right answer ends.
#[test]
fn encryption_is_negotiated() {
    let outcome = |encryption, mask: Option<u16>| {
        let mut bench = bench(encryption, &["wonder"]);
        let mut client = Client::new(1, 500);
        let mask = mask.map(|mask| Ie::Encryption(EncryptionMethods(mask)));
        let ies: Vec<_> = new_call("alice", "100").into_iter().chain(mask).collect();
        client.open(&mut bench, IaxCommand::New, &ies);
        let Body::Iax { ies, .. } = client.last().body else {
            panic!("AUTHREQ should come");
        };
        let granted = ies.encryption().is_some();
        match granted {
            true => answer(&mut client, &mut bench, "wonder"),
            false => client.authrep(&mut bench, "wonder"),
        }
        let answer = iax(client.received.last().unwrap()).unwrap();
        format!("{encryption:?} {mask:?}: granted {granted}, {answer}\n")
    };
    let masks = [None, Some(0), Some(1), Some(2), Some(0x8000), Some(0x8001)];
    let mut table = String::new();
    for encryption in [Encryption::Off, Encryption::Offered, Encryption::Forced] {
        for mask in masks {
            table += &outcome(encryption, mask);
        }
    }
    insta::assert_snapshot!(table);
}

/// X-IE-7: yate's ENCRYPTION has one octet, and the answer has two; X-IE-3: of any other length it counts as absent.
#[test]
fn encryption_of_one_octet_is_understood_and_of_a_wrong_length_ignored() {
    let masks: [&[u8]; 6] = [&[1], &[0, 1], &[], &[0, 0, 1], &[0, 0, 0, 1], &[1; 255]];
    for data in masks {
        let mut bench = bench(Encryption::Offered, &["wonder"]);
        let mut client = Client::new(1, 500);
        let code = IeCode::Encryption;
        let ies = [
            &new_call("alice", "100")[..],
            &[Ie::Malformed { code, data }],
        ]
        .concat();
        client.open(&mut bench, IaxCommand::New, &ies);
        let Body::Iax { ies, .. } = client.last().body else {
            panic!("AUTHREQ should come");
        };
        let is_understood = matches!(data.len(), 1 | 2);
        let granted = ies.find(IeCode::Encryption);
        let aes = Ie::Encryption(EncryptionMethods::AES128);
        assert_eq!(granted, is_understood.then_some(aes), "{data:?}");
        let two_octets = [43, 2, 0, 1];
        let is_there = ies.octets().windows(4).any(|four| four == two_octets);
        assert_eq!(is_there, is_understood, "{data:?}");
        match is_understood {
            true => answer(&mut client, &mut bench, "wonder"),
            false => client.authrep(&mut bench, "wonder"),
        }
        assert_eq!(client.words().last().unwrap(), "ACCEPT", "{data:?}");
    }
}

/// RFC 5456 §6.2.4, chan_iax2: encryption is forced on a user without a secret, and nothing could be a key.
#[test]
fn forced_encryption_needs_a_secret() {
    let mut bench = bench(Encryption::Forced, &[]);
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    assert_eq!(client.words(), ["REJECT"]);
}

/// A user whose methods have no MD5 gets no encryption: the key is the MD5 RESULT.
#[test]
fn encryption_needs_md5() {
    let bench = &mut bench(Encryption::Offered, &["wonder"]);
    let alice = Settings {
        encryption: Encryption::Offered,
        methods: AuthMethods::PLAINTEXT,
        ..entry(Role::User, "alice", "wonder")
    };
    bench.endpoint.directory().reload(Configuration {
        general: General::default(),
        entries: vec![alice],
    });
    let client = challenged(bench);
    let Body::Iax { ies, .. } = client.last().body else {
        panic!("AUTHREQ should come");
    };
    assert_eq!((ies.encryption(), ies.challenge()), (None, None));
}

/// A frame under the right key that overtakes the AUTHREP proves nothing and spoils nothing.
#[test]
fn what_overtakes_the_authrep_is_dropped_and_comes_again() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let mut client = challenged(&mut bench);
    let result = client.result("wonder");
    let key = Key::new(&challenge(&client), &Secret::new("wonder"));
    client.encrypt(&mut bench, key);
    let authrep = client.iax(IaxCommand::AuthRep, &[Ie::Md5Result(&result)]);
    let lagrq = client.iax(IaxCommand::LagRq, &[]);
    client.received.clear();
    client.deliver(&mut bench, &lagrq);
    assert!(client.received.is_empty());
    client.deliver(&mut bench, &authrep);
    client.deliver(&mut bench, &lagrq);
    assert_eq!(client.words(), ["ACCEPT", "LAGRP"]);
}

/// X-ENC-1: RTKEY switches what opens the other side's frames, when it comes in its order. What was built under the key before
/// and comes late is still acknowledged.
#[test]
fn rtkey_switches_the_receiving_key() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let mut client = linked(&mut bench);
    let old = client.key.clone().unwrap();
    let new = Key::from_octets(&[9; 16]).unwrap();
    let before = client.frame(Body::Text(b"before"));
    client.deliver(&mut bench, &before);
    let rtkey = client.iax(IaxCommand::RtKey, &[Ie::Challenge(&[9; 16])]);
    client.deliver(&mut bench, &rtkey);
    assert_eq!(client.words(), ["ACK", "ACK"]);
    let after = client.frame(Body::Text(b"after"));
    bench.deliver(client.address, &new.encrypt(&after, Padding::default()));
    let texts = bench
        .events
        .iter()
        .filter(|event| matches!(event, Event::Text { .. }));
    assert_eq!(texts.count(), 2, "{}", bench.ladder);
    client.take(&mut bench);
    assert_eq!(client.words(), ["ACK"], "ours go on under the old key");
    client.deliver(&mut bench, &rtkey);
    assert_eq!(client.words(), ["ACK"], "a repeat under the old key");
    let mini = client.mini(60, &[1; 160]);
    let voice = client.frame(Body::Voice {
        format: Format::ULAW,
        data: &[0; 160],
    });
    for octets in [&voice, &mini] {
        bench.deliver(client.address, &new.encrypt(octets, Padding::default()));
    }
    let data = bench.events.iter().rev().find_map(|event| match event {
        Event::Voice { data, .. } => Some(data.clone()),
        _ => None,
    });
    assert_eq!(data.as_deref(), Some(&[1; 160][..]));
    assert_ne!(old, new);
}

/// Noise of a key that is not known yet may read as a frame. One of quite another time of the call is none; one that says no time is.
#[test]
fn what_reads_as_a_frame_of_another_time_is_noise() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let mut client = linked(&mut bench);
    let hour = 3_600_000;
    for (timestamp, is_taken) in [
        (hour + 1_000, false),
        (0x8000_0000, false),
        (0u32.wrapping_sub(hour + 1_000), false),
        (hour - 1_000, true),
        (0, true),
    ] {
        let mut frame = client.frame(Body::Text(b"when?"));
        frame[4..8].copy_from_slice(&timestamp.to_be_bytes());
        let texts = |bench: &Bench| {
            let texts = bench.events.iter();
            let texts = texts.filter(|event| matches!(event, Event::Text { .. }));
            texts.count()
        };
        let before = texts(&bench);
        let dropped = bench.endpoint.counts().dropped.undecipherable;
        client.deliver(&mut bench, &frame);
        assert_eq!(texts(&bench) > before, is_taken, "{timestamp}");
        let now_dropped = bench.endpoint.counts().dropped.undecipherable;
        assert_eq!(now_dropped > dropped, !is_taken, "{timestamp}");
        if !is_taken {
            client.oseqno = SeqNo(client.oseqno.0.wrapping_sub(1));
        }
    }
}

/// RTKEY in clear, or without a key of 16 octets, switches nothing.
#[test]
fn rtkey_without_a_key_or_in_clear_switches_nothing() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let mut client = linked(&mut bench);
    client.send_iax(&mut bench, IaxCommand::RtKey, &[Ie::Challenge(&[9; 15])]);
    client.send_iax(&mut bench, IaxCommand::RtKey, &[]);
    client.send(&mut bench, Body::Text(b"still"));
    assert_eq!(client.words(), ["ACK", "ACK", "ACK"]);
    let mut clear = Bench::new();
    let mut client = Client::linked(&mut clear, 1, 500);
    client.send_iax(&mut clear, IaxCommand::RtKey, &[Ie::Challenge(&[9; 16])]);
    client.send(&mut clear, Body::Text(b"still"));
    assert_eq!(client.words(), ["UNSUPPORT", "ACK"]);
}

/// X-ENC-5: nothing of an encrypted call travels in a trunk or a mini video frame, which are in clear: not theirs, and not ours
/// where the user has a trunk.
#[test]
fn trunks_and_mini_video_stay_out_of_encrypted_calls() {
    let mut bench = Bench::new();
    let alice = Settings {
        encryption: Encryption::Offered,
        trunk: true,
        ..entry(Role::User, "alice", "wonder")
    };
    bench.endpoint.directory().reload(Configuration {
        general: General::default(),
        entries: vec![alice],
    });
    let mut client = linked(&mut bench);
    let (format, data) = (Format::ULAW, &[7; 160][..]);
    client.send(&mut bench, Body::Voice { format, data });
    let call = bench.call();
    bench.events.clear();
    let mut entries = TrunkBuffer::new(true);
    entries.push(TrunkEntry::new(client.source, Some(40), data).expect("short"));
    let timestamp = Timestamp(40);
    let entries = entries.view();
    let trunk = encode(&Frame::Meta(MetaFrame { timestamp, entries }));
    let video = MiniVideoFrame::new(client.source, false, 40, data);
    let video = encode(&Frame::MiniVideo(video));
    for octets in [trunk, video] {
        bench.deliver(client.address, &octets);
    }
    assert!(bench.events.is_empty(), "{}", bench.ladder);
    assert_eq!(bench.counts().dropped.media, 2);
    let before = bench.sent.len();
    for i in 0..3 {
        bench.until(f64::from(i) * 0.1);
        bench.endpoint.send_voice(bench.now, call, data).unwrap();
    }
    bench.drain();
    let key = client.key.clone().unwrap();
    let sent = &bench.sent[before..];
    assert!(sent.len() >= 3);
    for (.., octets) in sent {
        let opened = key.decrypt(octets).expect("sealed");
        assert!(Frame::parse(&opened).is_ok());
    }
}

/// X-ENC-5: no transfer on an encrypted call.
#[test]
fn transfers_are_refused() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let mut client = linked(&mut bench);
    for command in [IaxCommand::TxReq, IaxCommand::TxMedia, IaxCommand::TxRel] {
        client.send_iax(&mut bench, command, &[]);
        let words = client.words();
        assert!(words == ["UNSUPPORT"] || words == ["TXREJ"], "{words:?}");
    }
    assert_eq!(bench.counts().calls, 1);
}

/// The delay of refusals holds for encrypted logins too.
#[test]
fn a_failed_encrypted_login_waits_for_its_refusal() {
    let general = General {
        reject_delay: Duration::from_secs(1),
        ..General::default()
    };
    let mut bench = Bench::with(EndpointOptions::default(), general.clone(), false);
    let alice = Settings {
        encryption: Encryption::Forced,
        ..entry(Role::User, "alice", "wonder")
    };
    let entries = vec![alice];
    bench
        .endpoint
        .directory()
        .reload(Configuration { general, entries });
    let mut client = challenged(&mut bench);
    answer(&mut client, &mut bench, "blunder");
    assert_eq!(bench.times(client.address, IaxCommand::Reject), [0.0; 0]);
    bench.until(1.0);
    assert_eq!(bench.times(client.address, IaxCommand::Reject), [1.0]);
}

/// The same seed gives the same ciphertext.
#[test]
fn two_encrypted_runs_are_the_same_octet_for_octet() {
    let run = || {
        let mut bench = bench(Encryption::Offered, &["wonder"]);
        linked(&mut bench);
        bench.until(30.0);
        bench.sent
    };
    assert_eq!(run(), run());
}

/// Keys are in no `Debug`.
#[test]
fn keys_are_not_printed() {
    let mut bench = bench(Encryption::Offered, &["wonder"]);
    let client = linked(&mut bench);
    bench
        .endpoint
        .send_text(bench.now, bench.call(), "hush")
        .unwrap();
    let printed = format!("{:?}", bench.endpoint);
    assert!(printed.contains("Key(..)"), "{printed}");
    let sealed = client
        .key
        .unwrap()
        .encrypt(b"\x80\x02\0\0\0\0\0\0\0\0\0\0", Padding::default());
    assert!(!printed.contains(&format!("{sealed:?}")));
}
