//! Calls that name nobody (chan_iax2): which user they are taken for, and that nobody with a
//! secret is given away by them.

use crate::bench::*;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{
    AccessList, AccessRule, Configuration, Encryption, General, IpRange, Requirement, Settings,
};
use iaxproof::engine::{EndpointOptions, Event};
use iaxproof::wire::{Body, Cause, IaxCommand, InformationElement};

fn user(name: &str, secret: &str) -> Settings {
    entry(Role::User, name, secret)
}

/// A user of these addresses alone.
fn of(allowed: &str, settings: Settings) -> Settings {
    let range = |text: &str| text.parse::<IpRange>().expect("a range of the test");
    Settings {
        access: AccessList(vec![
            AccessRule::Deny(range("0.0.0.0/0")),
            AccessRule::Permit(range(allowed)),
        ]),
        ..settings
    }
}

fn bench(users: Vec<Settings>) -> Bench {
    let mut bench = Bench::with(EndpointOptions::default(), General::default(), false);
    bench.reload(Configuration {
        general: General::default(),
        entries: users,
    });
    bench
}

/// As whom a call without USERNAME from this address comes in, or the cause of its REJECT.
fn caller(bench: &mut Bench, last: u8) -> Result<String, Cause> {
    let mut client = Client::new(last, 500);
    let mut ies = new_call("", "100");
    ies.retain(|ie| !matches!(ie, InformationElement::Username(_)));
    client.open(bench, IaxCommand::New, &ies);
    let Body::Iax { command, ies } = client.last().body else {
        panic!("an IAX frame should come");
    };
    if command == IaxCommand::Reject {
        return Err(ies.cause_code().expect("a cause"));
    }
    assert_eq!(command, IaxCommand::Accept);
    client.ack(bench);
    match bench.events.last() {
        Some(Event::Incoming { user, .. }) => Ok(user.to_string()),
        event => panic!("{event:?}"),
    }
}

#[test]
fn the_user_that_fits_the_address_best_is_taken() {
    let mut bench = bench(vec![
        user("with-secret", "wonder"),
        user("anybody", ""),
        of("192.0.2.8/32", user("first", "")),
        of("192.0.2.0/28", user("second", "")),
        of("192.0.2.0/24", user("with-both", "wonder")),
    ]);
    assert_eq!(caller(&mut bench, 8), Ok("first".to_owned()));
    assert_eq!(caller(&mut bench, 9), Ok("second".to_owned()));
    assert_eq!(caller(&mut bench, 99), Ok("anybody".to_owned()));
}

/// X-CALL-4: nobody fits, so the call is refused, and no challenge tells of a user that has a secret.
#[test]
fn without_a_match_the_call_is_refused() {
    let none = Err(Cause::FACILITY_NOT_SUBSCRIBED);
    let mut bench = bench(vec![
        user("alice", "wonder"),
        of("192.0.2.0/24", user("bob", "wonder")),
        of("192.0.2.8/32", user("carol", "")),
        entry(Role::Peer, "peer", ""),
        Settings {
            encryption: Encryption::Forced,
            ..user("dora", "")
        },
    ]);
    assert_eq!(caller(&mut bench, 9), none);
    assert_eq!(caller(&mut bench, 8), Ok("carol".to_owned()));
    // A reload that gives her a secret, or leaves her out, counts at once.
    let with_secret = of("192.0.2.8/32", user("carol", "wonder"));
    for (source, entries) in [(501, vec![with_secret]), (502, vec![])] {
        let general = General::default();
        bench.reload(Configuration { general, entries });
        let mut client = Client::new(8, source);
        let mut ies = new_call("", "100");
        ies.retain(|ie| !matches!(ie, InformationElement::Username(_)));
        client.open(&mut bench, IaxCommand::New, &ies);
        assert_eq!(client.words(), ["REJECT"]);
    }
}

/// X-TOK-10: without a USERNAME, what is asked of `guest` is asked.
#[test]
fn who_names_nobody_shows_a_token_as_guest_must() {
    for (requirement, word) in [
        (Requirement::NotRequired, "ACCEPT"),
        (Requirement::ByAddress, "REJECT"),
    ] {
        let guest = Settings {
            call_token: requirement,
            ..user("guest", "")
        };
        let mut bench = bench(vec![guest]);
        let mut client = Client::new(1, 500);
        let mut ies = new_call("", "100");
        ies.retain(|ie| !matches!(ie, InformationElement::Username(_)));
        client.send_iax(&mut bench, IaxCommand::New, &ies);
        assert_eq!(client.words(), [word], "{requirement:?}");
    }
}
