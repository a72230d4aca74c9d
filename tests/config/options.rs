//! `iax.conf` into settings: a whole office, option by option, what is refused and in which words, and that a refused file
//! changes nothing.

use crate::bench::*;
use core::net::IpAddr;
use core::time::Duration;
use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::config::{self, Outcome, Remote};
use iaxproof::engine::EndpointOptions;
use iaxproof::engine::directory::{Directory, Lookup, Role, TokenKey};
use iaxproof::engine::settings::{AccessRule, Encryption, Host, Requirement};
use iaxproof::registry::{HashKey, Std};

#[test]
fn a_whole_office() {
    let office = include_str!("office.conf");
    let limits = include_str!("limits.conf");
    let files = folder(&[("limits.conf", limits)]);
    let parsed = config::read(source("iax.conf", office), &files).unwrap();
    let shown = format!("{parsed:#?}");
    assert!(!shown.contains("hunter"), "a secret is shown");
    insta::assert_snapshot!("office_options", options(&parsed));
    insta::assert_debug_snapshot!("office_general", parsed.configuration.general);
    let entries = parsed.configuration.entries.iter().map(said);
    insta::assert_snapshot!("office_entries", entries.collect::<String>());
    let unresolved = parsed.unresolved.iter();
    let unresolved = unresolved.map(|u| format!("{} {:?} {}", u.place, u.host, said(&u.settings)));
    insta::assert_snapshot!("office_unresolved", unresolved.collect::<String>());
    insta::assert_debug_snapshot!("office_registrations", parsed.registrations);
    insta::assert_debug_snapshot!("office_serving", (&parsed.serving, parsed.realtime));
}

#[test]
fn an_empty_file_is_a_configuration() {
    let parsed = read("");
    assert!(parsed.configuration.entries.is_empty() && parsed.options.is_empty());
    let general = parsed.configuration.general;
    assert_eq!(general.dialogues_per_ip_max, 2048);
    assert!(general.preferences.is_empty() && !general.capability.is_empty());
    assert_eq!(parsed.serving.bind[0].to_string(), "0.0.0.0:4569");
    let mut options = EndpointOptions::default();
    parsed.serving.apply_to(&mut options);
    assert_eq!(options, EndpointOptions::default());
}

#[test]
fn a_friend_is_one_of_each_and_a_peer_without_host_is_nowhere() {
    let parsed = read("[a]\ntype=friend\nsecret=x\nsecret=y\nhost=dynamic\n[b]\ntype=peer\n");
    let (peer, user) = (
        entry(&parsed, Role::Peer, "a"),
        entry(&parsed, Role::User, "a"),
    );
    assert_eq!((peer.secrets.len(), user.secrets.len()), (1, 2));
    assert_eq!(peer.secrets[0], user.secrets[1]);
    assert_eq!(peer.host, Host::Dynamic);
    assert_eq!(entry(&parsed, Role::Peer, "b").host, Host::Nowhere);
}

#[test]
fn what_a_section_says_after_its_template_counts() {
    let parsed = read(
        "[t](!)\ntype=friend\nhost=dynamic\n[a](t)\ntype=user\n[b](t)\nhost=192.0.2.9\nport=5000\n",
    );
    let roles: Vec<_> = parsed
        .configuration
        .entries
        .iter()
        .map(|e| (e.role, e.name.as_str()))
        .collect();
    assert_eq!(
        roles,
        [(Role::User, "a"), (Role::Peer, "b"), (Role::User, "b")]
    );
    let fixed = Host::Fixed("192.0.2.9:5000".parse().unwrap());
    assert_eq!(entry(&parsed, Role::Peer, "b").host, fixed);
}

#[test]
fn general_says_what_entries_do_not() {
    let general = "[general](+)\nencryption=yes\nauth=plaintext\ntransfer=no\nrequirecalltoken=no\nmaxauthreq=0\naccountcode=7\n";
    // It counts wherever it stands.
    let text = format!(
        "[general]\n[a]\ntype=user\n[b]\ntype=user\ntransfer=yes\nencryption=no\nforceencryption=yes\nrequirecalltoken=yes\n{general}"
    );
    let parsed = read(&text);
    let (a, b) = (
        entry(&parsed, Role::User, "a"),
        entry(&parsed, Role::User, "b"),
    );
    assert_eq!(
        (a.encryption, b.encryption),
        (Encryption::Offered, Encryption::Forced)
    );
    assert_eq!(
        (a.call_token, b.call_token),
        (Requirement::NotRequired, Requirement::Required)
    );
    assert_eq!((a.auth_requests_max, a.methods.0), (0, 1));
    assert_ne!(a.transfer, b.transfer);
    assert_eq!(a.carried, [("accountcode".to_owned(), "7".to_owned())]);
}

/// AST-2012-013: an address list is kept as it is written, rules in order.
#[test]
fn address_lists_keep_their_order_and_turn_round() {
    let parsed = read("[a]\ntype=user\ndeny=0.0.0.0/0\npermit=10.0.0.0/8,!10.9.0.0/16\n");
    let access = &entry(&parsed, Role::User, "a").access;
    assert!(matches!(
        access.0[..],
        [
            AccessRule::Deny(_),
            AccessRule::Permit(_),
            AccessRule::Deny(_)
        ]
    ));
    let allows = |ip: &str| access.allows(ip.parse::<IpAddr>().unwrap());
    assert!(allows("10.1.1.1") && !allows("10.9.1.1") && !allows("192.0.2.1"));
}

#[test]
fn times_are_chan_iax2_s() {
    let general = |text: &str| read(&format!("[general]\n{text}\n")).configuration.general;
    let wait = |text: &str| general(text).answer_wait.map(|wait| wait.as_millis());
    assert_eq!(wait("autokill=yes"), Some(4000));
    assert_eq!(wait("autokill=1500"), Some(3000));
    assert_eq!((wait("autokill=no"), wait("autokill=0")), (None, None));
    assert_eq!(
        general("delayreject=yes").reject_delay,
        Duration::from_secs(1)
    );
    assert_eq!(
        general("maxregexpire=30").registration_min,
        Duration::from_secs(30)
    );
    let clear = |text: &str| {
        read(&format!("[general]\nrtautoclear={text}\n"))
            .realtime
            .auto_clear
    };
    assert_eq!(clear("yes"), Some(Duration::from_secs(120)));
    assert_eq!(clear("7"), Some(Duration::from_secs(7)));
    assert_eq!(clear("no"), None);
}

#[test]
fn a_name_of_a_host_waits_for_whoever_looks_it_up() {
    let text = "[general]\nregister => me@pbx.example\n[a]\ntype=friend\nhost=a.example:5000\n[b]\ntype=peer\nhost=b.example\n";
    let mut parsed = read(text);
    let names = |parsed: &config::Parsed| -> Vec<String> {
        let entries = parsed.configuration.entries.iter();
        entries
            .map(|entry| format!("{:?} {}", entry.role, entry.name))
            .collect()
    };
    assert_eq!(names(&parsed), ["User a"]);
    parsed.resolve(|host| (host.name != "b.example").then_some(IpAddr::from([192, 0, 2, 5])));
    assert_eq!(names(&parsed), ["User a", "Peer a"]);
    let fixed = Host::Fixed("192.0.2.5:5000".parse().unwrap());
    assert_eq!(entry(&parsed, Role::Peer, "a").host, fixed);
    assert_eq!(parsed.unresolved.len(), 1);
    let registrar = Remote::Address("192.0.2.5:4569".parse().unwrap());
    assert_eq!(parsed.registrations[0].remote, registrar);
}

/// What guards an entry and is not supported must not leave it open.
#[test]
fn an_entry_is_never_more_open_than_it_says() {
    for guard in ["inkeys=k", "dbsecret=f/k", "auth=rsa", "acl=office"] {
        let refused = refusal(&format!("[a]\ntype=friend\nhost=dynamic\n{guard}\n"));
        assert!(refused.contains("iax.conf:"), "{guard}: {refused}");
    }
    let parsed = read("[a]\ntype=user\ninkeys=k\nsecret=s\nauth=rsa,md5\n");
    assert_eq!(parsed.notices().count(), 2);
}

#[test]
fn refusals_name_the_line_and_what_was_expected() {
    let mut table = String::new();
    for text in WRONG {
        let refusal = refusal(text);
        assert!(!refusal.contains("hunter2"), "a secret is shown: {refusal}");
        let one_line = text.replace('\n', " | ").replace('\0', "NUL");
        let cut: String = one_line.chars().take(70).collect();
        table += &format!("{cut}\n    {}\n", refusal.replace('\n', "\n    "));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn refusals_of_included_files() {
    let files = folder(&[
        ("self", "#include self"),
        ("ping", "\n#include pong"),
        ("pong", "#include ping"),
        ("wrong", "[a]\ntype=user\nauth=no\n[b]\nx"),
    ]);
    let refused = |text: &str| {
        let refusal = config::read(source("iax.conf", text), &files).unwrap_err();
        refusal.to_string()
    };
    let mut table = String::new();
    for text in [
        "#include self",
        "#include ping",
        "#include iax.conf",
        "#include nosuch",
        "\n#include wrong",
    ] {
        table += &format!("{text:?}\n    {}\n", refused(text).replace('\n', "\n    "));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_line_of_a_template_is_told_once_with_all_whom_it_reached() {
    let parsed = read("[t](!)\ntype=friend\nmaxauthreq=2\n[a](t)\n[b](t)\n[u](!)\nmaxauthreq=1\n");
    let told: Vec<_> = parsed
        .options
        .iter()
        .map(|found| (found.place.line, found.outcome, found.entries))
        .collect();
    assert_eq!(
        told,
        [
            (2, Outcome::Works, 4),
            (3, Outcome::Works, 4),
            (7, Outcome::Unused, 0)
        ]
    );
}

/// reload-atomic: what is refused never reaches the catalog.
#[test]
fn the_old_configuration_stays_where_the_new_one_is_refused() {
    let catalog = Catalog::<Std>::new(CatalogOptions {
        hash_key: HashKey(3, 5),
        shards: 4,
        container: Kind::Hash,
        token_key: TokenKey([7; 32]),
        database: false,
        dialogues_max: 32_766,
        ledger: Default::default(),
    });
    let accept = |text: &str| match config::read(source("iax.conf", text), &folder(&[])) {
        Ok(parsed) => catalog.reload(parsed.configuration),
        Err(refusal) => assert!(!refusal.0.is_empty()),
    };
    accept("[a]\ntype=user\nmaxauthreq=7\n");
    let Lookup::Found(before) = catalog.find(Role::User, "a") else {
        panic!("a is linked");
    };
    accept("[a]\ntype=user\nmaxauthreq=8\n[b]\ntype=nobody\n");
    let settings = catalog.settings(&before).unwrap();
    assert_eq!(settings.settings().auth_requests_max, 7);
    assert!(matches!(catalog.find(Role::User, "b"), Lookup::Unknown));
}

/// What an entry says itself stands beside what holds for it, for a row of the same name inherits only what it does not say.
#[test]
fn what_an_entry_says_of_encryption_holds_and_is_kept_as_its_own() {
    let parsed = read(
        "[a]\ntype=peer\nencryption=yes\n[b]\ntype=peer\nforceencryption=yes\n[c]\ntype=peer\n",
    );
    for (name, expected) in [
        ("a", Encryption::Offered),
        ("b", Encryption::Forced),
        ("c", Encryption::Off),
    ] {
        let entry = entry(&parsed, Role::Peer, name);
        let both = (entry.encryption, entry.said.encryption);
        assert_eq!(both, (expected, expected), "{name}");
    }
}

#[test]
fn the_queue_of_a_trunk_is_as_long_as_it_says_and_0_is_the_default() {
    let queue = |value: &str| {
        let parsed = read(&format!("[general]\ntrunkmaxsize={value}\n"));
        parsed.configuration.general.trunking.queue_max
    };
    let default = read("").configuration.general.trunking.queue_max;
    assert_eq!([queue("5000"), queue("0")], [5_000, default]);
}
