//! Attacks on those who answer, played against the defence that each needs.

use core::net::SocketAddr;
use core::time::Duration;

use crate::bench::*;
use iaxproof::engine::directory::{Role, TokenKey};
use iaxproof::engine::settings::{
    AccessList, AccessRule, Configuration, General, IpRange, Requirement, Settings,
};
use iaxproof::engine::{EndpointOptions, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{Body, FullFrame, IaxCommand, InformationElement};

fn anywhere() -> IpRange {
    "0.0.0.0/0".parse().expect("a range of the test")
}

/// An endpoint that lets anybody open dialogues without a token.
fn open_to_all() -> General {
    General {
        token_optional: vec![anywhere()],
        ..General::default()
    }
}

fn bench(general: General) -> Bench {
    Bench::with(EndpointOptions::default(), general, false)
}

/// Seconds since the bench began.
fn elapsed(now: Instant) -> f64 {
    now.saturating_since(Instant::from_secs(1000)).as_secs_f64()
}

fn octets_to(bench: &Bench, to: SocketAddr) -> usize {
    let sent = bench.sent.iter().filter(|(_, whom, _)| *whom == to);
    sent.map(|(.., octets)| octets.len()).sum()
}

/// CVE-2008-1923: an opener from a forged address, for each thing that an opener can come to. At most three octets go there
/// for each that came, however long it stays silent; and the dialogue ends when it would have ended anyway.
#[test]
fn a_forged_opener_gets_at_most_three_times_its_octets() {
    let openers: [(IaxCommand, Vec<InformationElement<'_>>); 6] = [
        (IaxCommand::New, new_call("open", "100")),
        (IaxCommand::New, new_call("alice", "100")),
        (IaxCommand::New, new_call("nobody", "100")),
        (IaxCommand::New, vec![InformationElement::Username(b"x")]),
        (
            IaxCommand::RegReq,
            vec![InformationElement::Username(b"alice")],
        ),
        (
            IaxCommand::RegRel,
            vec![InformationElement::Username(b"open")],
        ),
    ];
    for (command, ies) in openers {
        let mut bench = bench(open_to_all());
        let mut client = Client::new(1, 500);
        let opener = client.iax(command, &ies);
        bench.deliver(client.address, &opener);
        assert_eq!(bench.counts().dialogues(), 1, "{command}");
        bench.until(70.0);
        let sent = octets_to(&bench, client.address);
        assert!(sent <= 3 * opener.len(), "{command}: {sent} octets");
        assert!(
            !bench
                .events
                .iter()
                .any(|e| matches!(e, Event::Incoming { .. }))
        );
        bench.until(110.0);
        assert_eq!(bench.counts().dialogues(), 0, "{command}");

        // The attacker repeats himself: what comes back grows no faster.
        let mut bench = self::bench(open_to_all());
        for _ in 0..50 {
            bench.deliver(client.address, &opener);
            let later = elapsed(bench.now) + 0.5;
            bench.until(later);
        }
        let sent = octets_to(&bench, client.address);
        assert!(sent <= 3 * 50 * opener.len(), "{command}: {sent} octets");
    }
}

/// What has no room is withheld, and the give-up time stays (X-SEQ-9: 32 s on a fresh call).
#[test]
fn what_is_withheld_is_given_up_in_its_time() {
    let mut bench = bench(open_to_all());
    let mut client = Client::new(1, 500);
    client.send_iax(&mut bench, IaxCommand::New, &new_call("open", "100"));
    assert_eq!(client.words(), ["ACCEPT"]);
    bench.until(31.999);
    assert_eq!(bench.counts().dialogues(), 1);
    assert!(bench.counts().dropped.withheld > 0);
    let opener = bench.times(client.address, IaxCommand::Accept).len();
    assert!(opener < 4, "ACCEPT went out {opener} times");
    bench.until(32.0);
    assert_eq!(bench.counts().dialogues(), 0);
}

/// X-CALL-1: our call number comes back, so the address is real: the call is offered, and nothing is withheld any more.
#[test]
fn an_address_that_names_our_number_is_proven() {
    let mut bench = bench(open_to_all());
    let mut client = Client::new(1, 500);
    client.send_iax(&mut bench, IaxCommand::New, &new_call("open", "100"));
    client.ack(&mut bench);
    let call = bench.call();
    bench
        .endpoint
        .answer(bench.now, call)
        .expect("it is offered");
    for _ in 0..100 {
        let sent = bench.endpoint.send_voice(bench.now, call, &[0; 160]);
        sent.expect("the call is up");
        bench.drain();
    }
    assert!(octets_to(&bench, client.address) > 16_000);
    assert_eq!(bench.counts().dropped.withheld, 0);
}

/// AST-2008-006: who forges an address can repeat his opener, but cannot say anything that needs our call number.
#[test]
fn a_forged_address_cannot_go_on_without_our_number() {
    let mut bench = bench(open_to_all());
    let mut client = Client::new(1, 500);
    client.send_iax(&mut bench, IaxCommand::New, &new_call("open", "100"));
    let destination = client.destination;
    client.destination = number(0);
    client.send_iax(&mut bench, IaxCommand::Ping, &[]);
    let dropped = bench.counts().dropped.misaddressed;
    assert_eq!(dropped, 1);
    assert!(
        !bench
            .events
            .iter()
            .any(|e| matches!(e, Event::Incoming { .. }))
    );
    client.oseqno = iaxproof::wire::SeqNo(1);
    client.destination = destination;
    client.send_iax(&mut bench, IaxCommand::Ping, &[]);
    assert!(
        bench
            .events
            .iter()
            .any(|e| matches!(e, Event::Incoming { .. }))
    );
}

/// AST-2008-010 and its like: replies that keep no state.
#[test]
fn replies_without_state_are_at_most_three_times_as_long() {
    let mut bench = bench(General::default());
    let token = [0x41; 28];
    let bare: [(IaxCommand, u16, Vec<InformationElement<'_>>); 7] = [
        (IaxCommand::Poke, 0, vec![]),
        (IaxCommand::New, 0, vec![]),
        (IaxCommand::New, 0, vec![InformationElement::CallToken(&[])]),
        (
            IaxCommand::New,
            0,
            vec![InformationElement::CallToken(&token)],
        ),
        (IaxCommand::RegReq, 0, vec![]),
        (IaxCommand::RegReq, 77, vec![]),
        (IaxCommand::Hangup, 77, vec![]),
    ];
    for (last, (command, destination, ies)) in (1..).zip(bare) {
        let mut client = Client::new(last, 500);
        client.destination = number(destination);
        let octets = client.iax(command, &ies);
        bench.deliver(client.address, &octets);
        let sent = octets_to(&bench, client.address);
        assert!(0 < sent && sent <= 3 * octets.len(), "{command}: {sent}");
        assert_eq!(bench.counts().dialogues(), 0);
    }
}

fn with(entry: Settings, general: General) -> Bench {
    let mut bench = bench(General::default());
    let entries = vec![entry];
    bench.reload(Configuration { general, entries });
    bench
}

fn without_token(bench: &mut Bench, command: IaxCommand, name: &str) -> String {
    let mut client = Client::new(1, 500);
    client.address.set_port(bench.sent.len() as u16 + 1000);
    client.send_iax(
        bench,
        command,
        &[InformationElement::Username(name.as_bytes())],
    );
    client.words().last().cloned().unwrap_or_default()
}

/// X-TOK-7, X-TOK-10: who may come without a token; the peer's half decides for REGREQ, the user's for NEW.
#[test]
fn a_token_is_asked_for_as_name_and_address_say() {
    let peer = |call_token| Settings {
        call_token,
        ..entry(Role::Peer, "alice", "wonder")
    };
    let table = [
        (Requirement::ByAddress, false, "REGREJ"),
        (Requirement::ByAddress, true, "REGAUTH"),
        (Requirement::Required, true, "REGREJ"),
        (Requirement::NotRequired, false, "REGAUTH"),
        (Requirement::Auto, false, "REGAUTH"),
    ];
    for (requirement, is_optional, expected) in table {
        let general = match is_optional {
            true => open_to_all(),
            false => General::default(),
        };
        let mut bench = with(peer(requirement), general);
        let answered = without_token(&mut bench, IaxCommand::RegReq, "alice");
        assert_eq!(answered, expected, "{requirement:?} {is_optional}");
        // A name that is not in memory is asked as its address says, and so is the user of the peer's name.
        let others = if is_optional { "AUTHREQ" } else { "REJECT" };
        for name in ["nobody", "alice"] {
            assert_eq!(without_token(&mut bench, IaxCommand::New, name), others);
        }
    }
}

/// X-TOK-5: `auto` asks from the first token on, across a reload.
#[test]
fn auto_becomes_required_with_the_first_valid_token() {
    let auto = || Settings {
        call_token: Requirement::Auto,
        ..entry(Role::Peer, "alice", "wonder")
    };
    let mut bench = with(auto(), General::default());
    assert_eq!(
        without_token(&mut bench, IaxCommand::RegReq, "alice"),
        "REGAUTH"
    );
    // A forged token changes nothing.
    let mut forger = Client::new(7, 500);
    let ies = [
        InformationElement::Username(b"alice"),
        InformationElement::CallToken(&[0x41; 28]),
    ];
    forger.send_iax(&mut bench, IaxCommand::RegReq, &ies);
    assert_eq!(forger.words(), ["REGREJ"]);
    assert_eq!(
        without_token(&mut bench, IaxCommand::RegReq, "alice"),
        "REGAUTH"
    );
    Client::new(2, 500).regreq(&mut bench, "alice", 60);
    assert_eq!(
        without_token(&mut bench, IaxCommand::RegReq, "alice"),
        "REGREJ"
    );
    bench.reload(Configuration {
        general: General::default(),
        entries: vec![auto()],
    });
    assert_eq!(
        without_token(&mut bench, IaxCommand::RegReq, "alice"),
        "REGREJ"
    );
}

/// X-TOK-9: after a rotation tokens of the former key are good for one life, and those of the key before that never.
#[test]
fn token_keys_are_rotated() {
    let life = Duration::from_secs(4);
    let general = General {
        token_life: life,
        ..General::default()
    };
    let ies = [InformationElement::Username(b"alice")];
    let tried = |rotations: u8, wait: f64| {
        let mut bench = bench(general.clone());
        let mut client = Client::new(1, 500);
        let token = client.token(&mut bench, IaxCommand::RegReq, &ies);
        for key in 0..rotations {
            let catalog = bench.endpoint.directory();
            catalog.rotate_token_key(TokenKey([100 + key; 32]), bench.now);
        }
        bench.until(wait);
        let with = [ies[0], InformationElement::CallToken(&token)];
        client.send_iax(&mut bench, IaxCommand::RegReq, &with);
        client.words().concat()
    };
    assert_eq!(tried(0, 3.9), "REGAUTH");
    assert_eq!(tried(0, 4.0), "REGREJ", "its life is over");
    assert_eq!(tried(1, 3.9), "REGAUTH");
    assert_eq!(tried(1, 4.0), "REGREJ");
    assert_eq!(tried(2, 0.0), "REGREJ");

    // Who stole the former key can forge for no longer than that either.
    let mut bench = bench(general.clone());
    bench
        .endpoint
        .directory()
        .rotate_token_key(TokenKey([9; 32]), bench.now);
    bench.until(4.0);
    let mut thief = Bench::with(EndpointOptions::default(), general.clone(), false);
    thief.now = bench.now;
    let mut client = Client::new(1, 500);
    let token = client.token(&mut thief, IaxCommand::RegReq, &ies);
    let with = [ies[0], InformationElement::CallToken(&token)];
    client.send_iax(&mut bench, IaxCommand::RegReq, &with);
    assert_eq!(client.words(), ["REGREJ"]);
}

/// Everything that one login sends and gets, without what is random: when, and which frames with which elements.
fn trace(bench: &mut Bench, command: IaxCommand, name: &str, secret: &str) -> Vec<String> {
    let mut client = Client::new(1, 500);
    let from = bench.sent.len();
    let begun = bench.now;
    let ies = match command {
        IaxCommand::New => new_call(name, "100"),
        _ => vec![InformationElement::Username(name.as_bytes())],
    };
    client.open(bench, command, &ies);
    client.ack(bench);
    let result = client.result(secret);
    let reply = match command {
        IaxCommand::New => IaxCommand::AuthRep,
        other => other,
    };
    let with = [
        InformationElement::Username(name.as_bytes()),
        InformationElement::Md5Result(&result),
    ];
    client.send_iax(bench, reply, &with);
    bench.until(elapsed(begun) + 5.0);
    client.take(bench);
    client.ack(bench);
    let shown = |(at, _, octets): &(Instant, SocketAddr, Vec<u8>)| {
        let after = at.saturating_since(begun).as_millis();
        let frame = FullFrame::parse(octets).expect("full frames only");
        let Body::Iax { command, ies } = frame.body else {
            panic!("IAX frames only");
        };
        let length = octets.len() - ies.username().unwrap_or_default().len();
        let elements = ies.iter().count();
        format!(
            "{after} {command} {}/{} {elements} elements {length} octets cause {:?}",
            frame.oseqno,
            frame.iseqno,
            ies.cause_code()
        )
    };
    bench.sent[from..].iter().map(shown).collect()
}

/// CVE-2009-0041, X-REG-5, X-CALL-4, X-CALL-7: unknown name, wrong secret, denied address and fixed host have one trace, with and
/// without `delayreject`.
#[test]
fn nobody_can_tell_who_exists() {
    let denied = |role| Settings {
        access: AccessList(vec![AccessRule::Deny(anywhere())]),
        ..entry(role, "denied", "wonder")
    };
    let denied_open = |role| Settings {
        access: AccessList(vec![AccessRule::Deny(anywhere())]),
        ..entry(role, "denied-open", "")
    };
    for delay in [0, 1000] {
        let general = General {
            reject_delay: Duration::from_millis(delay),
            ..General::default()
        };
        for command in [IaxCommand::RegReq, IaxCommand::RegRel, IaxCommand::New] {
            let of = |name: &str, secret: &str| {
                let mut bench = bench(General::default());
                let mut entries = entries();
                for role in [Role::Peer, Role::User] {
                    entries.extend([denied(role), denied_open(role)]);
                }
                bench.reload(Configuration {
                    general: general.clone(),
                    entries,
                });
                let trace = trace(&mut bench, command, name, secret);
                let failed = bench
                    .events
                    .iter()
                    .filter(|e| matches!(e, Event::LoginFailed { .. }));
                assert_eq!(failed.count(), 1);
                bench.assert_at_rest();
                trace
            };
            let wrong = of("alice", "wrong");
            assert!(
                wrong
                    .iter()
                    .any(|line| line.contains("29") || line.contains("50"))
            );
            let challenges = wrong.iter().filter(|line| line.contains("AUTH"));
            assert_eq!(challenges.count(), 1, "at most one challenge (X-REG-4)");
            let refusal = wrong.iter().find(|line| line.contains("REJ"));
            let refusal = refusal.expect("a refusal");
            assert!(refusal.starts_with(&format!("{delay} ")), "{refusal}");
            assert_eq!(of("nobody", "wonder"), wrong);
            assert_eq!(of("denied", "wonder"), wrong);
            assert_eq!(of("denied-open", ""), wrong);
            if command != IaxCommand::New {
                assert_eq!(of("fixed", "wonder"), wrong);
            }
        }
    }
}

/// Git 2595c54876: wrong results for ever. One challenge, one answer, then the refusal.
#[test]
fn a_wrong_answer_brings_no_second_challenge() {
    let mut bench = bench(General::default());
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wrong", 60);
    assert_eq!(client.words(), ["REGAUTH", "REGREJ"]);
    let bad = [
        InformationElement::Username(b"alice"),
        InformationElement::Md5Result(&[b'0'; 32]),
    ];
    for _ in 0..5 {
        client.send_iax(&mut bench, IaxCommand::RegReq, &bad);
    }
    let challenges = bench.times(client.address, IaxCommand::RegAuth);
    assert_eq!(challenges.len(), 1);

    let mut bench = self::bench(General::default());
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    for secret in ["wrong", "wonder"] {
        let result = md5(&client, secret);
        client.send_iax(
            &mut bench,
            IaxCommand::AuthRep,
            &[InformationElement::Md5Result(&result)],
        );
    }
    assert_eq!(bench.times(client.address, IaxCommand::AuthReq).len(), 1);
    assert!(
        !bench
            .events
            .iter()
            .any(|e| matches!(e, Event::Authenticated { .. }))
    );
}

/// The result for the challenge that came first.
fn md5(client: &Client, secret: &str) -> [u8; 32] {
    let challenge = client.received.iter().find_map(|octets| {
        let frame = FullFrame::parse(octets).ok()?;
        match frame.body {
            Body::Iax { ies, .. } => ies.challenge().map(<[u8]>::to_vec),
            _ => None,
        }
    });
    let secret = iaxproof::engine::settings::Secret::new(secret);
    iaxproof::engine::auth::md5_result(&challenge.expect("a challenge"), &secret)
}

/// CVE-2012-4737: the access list holds at both ends of the prefix, and the last line that covers the address decides.
#[test]
fn an_allowed_address_comes_in() {
    let home: IpRange = "192.0.2.1/32".parse().expect("a range of the test");
    let entry = Settings {
        access: AccessList(vec![AccessRule::Deny(anywhere()), AccessRule::Permit(home)]),
        ..entry(Role::Peer, "alice", "wonder")
    };
    let mut bench = with(entry, General::default());
    let mut inside = Client::new(1, 500);
    inside.register(&mut bench, "alice", "wonder", 60);
    assert_eq!(inside.words(), ["REGAUTH", "REGACK"]);
    let mut outside = Client::new(2, 500);
    outside.register(&mut bench, "alice", "wonder", 60);
    assert_eq!(outside.words(), ["REGAUTH", "REGREJ"]);
}
