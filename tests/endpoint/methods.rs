//! Methods of login beside MD5 (RFC 5456 §8.6.13): plaintext, where an entry allows it, for calls and registrations.

use crate::bench::*;
use iaxproof::engine::Event;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Configuration, General, Settings};
use iaxproof::wire::InformationElement as Ie;
use iaxproof::wire::{AuthMethods, Body, IaxCommand};

fn bench(methods: AuthMethods) -> Bench {
    let bench = Bench::new();
    let alice = |role| Settings {
        methods,
        ..entry(role, "alice", "wonder")
    };
    bench.endpoint.directory().reload(Configuration {
        general: General::default(),
        entries: vec![alice(Role::Peer), alice(Role::User)],
    });
    bench
}

/// What came last: its methods, and whether there is a challenge.
fn offered(client: &Client) -> (Option<AuthMethods>, bool) {
    let Body::Iax { ies, .. } = client.last().body else {
        panic!("AUTHREQ or REGAUTH should come");
    };
    (ies.auth_methods(), ies.challenge().is_some())
}

/// How a call and a registration with this answer end.
fn outcomes(methods: AuthMethods, answer: &dyn Fn(&Client) -> Ie<'static>) -> String {
    let mut bench = bench(methods);
    let mut caller = Client::new(1, 500);
    caller.new_call(&mut bench, "alice", "100");
    let offer = offered(&caller);
    let ie = answer(&caller);
    caller.send_iax(&mut bench, IaxCommand::AuthRep, &[ie]);
    let mut peer = Client::new(2, 600);
    peer.regreq(&mut bench, "alice", 60);
    assert_eq!(offered(&peer), offer);
    let ies = [Ie::Username(b"alice"), answer(&peer)];
    peer.send_iax(&mut bench, IaxCommand::RegReq, &ies);
    let words = [caller, peer].map(|mut client| client.words().pop().expect("an answer"));
    format!("{words:?}")
}

fn md5(client: &Client) -> Ie<'static> {
    let has_challenge = offered(client).1;
    let result = match has_challenge {
        true => client.result("wonder"),
        false => [b'0'; 32],
    };
    Ie::Md5Result(Box::leak(Box::new(result)))
}

/// Each method counts where the entry has it, and nowhere else. RSA is never offered.
#[test]
fn the_methods_of_an_entry_are_offered_and_taken() {
    let granted = r#"["ACCEPT", "REGACK"]"#;
    let refused = r#"["REJECT", "REGREJ"]"#;
    let good = |_: &Client| Ie::Password(b"wonder");
    let bad = |_: &Client| Ie::Password(b"wonderful");
    let none = |_: &Client| Ie::Password(b"");
    for (methods, by_md5, by_password) in [
        (AuthMethods::MD5, granted, refused),
        (AuthMethods::PLAINTEXT, refused, granted),
        (AuthMethods(3), granted, granted),
        (AuthMethods(7), granted, granted),
        (AuthMethods::RSA, refused, refused),
    ] {
        assert_eq!(outcomes(methods, &md5), by_md5, "{methods}");
        assert_eq!(outcomes(methods, &good), by_password, "{methods}");
        assert_eq!(outcomes(methods, &bad), refused, "{methods}");
        assert_eq!(outcomes(methods, &none), refused, "{methods}");
    }
}

/// CHALLENGE goes out where MD5 is offered; RSA is stripped from what a configuration says.
#[test]
fn what_is_offered_is_what_is_built() {
    for (methods, expected) in [
        (2, (2, true)),
        (1, (1, false)),
        (3, (3, true)),
        (7, (3, true)),
    ] {
        let mut bench = bench(AuthMethods(methods));
        let mut client = Client::new(1, 500);
        client.new_call(&mut bench, "alice", "100");
        assert_eq!(
            offered(&client),
            (Some(AuthMethods(expected.0)), expected.1)
        );
    }
}

/// X-CALL-4, X-REG-5: an unknown name is offered MD5, as a name of which the file says nothing is; never plaintext.
#[test]
fn unknown_names_are_offered_md5() {
    let mut bench = bench(AuthMethods::MD5);
    for name in ["alice", "nobdy"] {
        let mut caller = Client::new(1, 500 + name.len() as u16 + u16::from(name.as_bytes()[0]));
        caller.new_call(&mut bench, name, "100");
        assert_eq!(offered(&caller), (Some(AuthMethods::MD5), true));
        let mut peer = Client::new(2, 600 + u16::from(name.as_bytes()[0]));
        peer.regreq(&mut bench, name, 60);
        assert_eq!(offered(&peer), (Some(AuthMethods::MD5), true));
    }
    let failed = bench
        .events
        .iter()
        .filter(|event| matches!(event, Event::LoginFailed { .. }));
    assert_eq!(failed.count(), 0);
}

/// Who answers in both ways that are offered has proved the secret, though it is one.
#[test]
fn both_answers_at_once_are_one_proof() {
    let mut bench = bench(AuthMethods(3));
    let mut caller = Client::new(1, 500);
    caller.new_call(&mut bench, "alice", "100");
    let answers = [md5(&caller), Ie::Password(b"wonder")];
    caller.send_iax(&mut bench, IaxCommand::AuthRep, &answers);
    assert_eq!(caller.words().pop().expect("an answer"), "ACCEPT");
}
