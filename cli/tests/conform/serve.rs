//! All checks against `iaxproof serve` as it is started without a configuration: all that it claims.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use crate::judge::judge;
use crate::server::Server;

/// Where `serve` does as Asterisk does, against the RFC, as the module docs of the engine say; and no more than these.
const DEVIATIONS: [&str; 3] = ["6.1.6-4b", "6.10.6-3", "6.3.1-5"];

/// What waits for as long as a registration holds.
const LAPSE: &str = "7.2.2-2";

#[test]
fn the_server_passes_every_check_but_where_it_follows_asterisk() {
    // Both wait for long, and most of the time.
    let lapse = std::thread::spawn(a_registration_lapses);
    let server = Server::start(&[]);
    let judgement = judge(&server.address, &["--except", LAPSE]);
    lapse.join().expect("a registration lapses");
    assert_eq!(judgement.code, 0, "{}", judgement.complaints());
    let verdicts = judgement.verdicts();
    let of = |wanted: &str| -> BTreeSet<&str> {
        let all = verdicts.iter().filter(|(_, verdict)| **verdict == wanted);
        all.map(|(id, _)| *id).collect()
    };
    assert_eq!(of("warning"), BTreeSet::from(DEVIATIONS));
    assert_eq!(of("skipped"), BTreeSet::new());
    assert!(of("pass").len() >= 100, "{}", of("pass").len());
}

/// The same configuration, but for how long a registration holds: else it would take more than a minute.
fn a_registration_lapses() {
    const BUILT_IN: &str = include_str!("../../src/serve/iax.conf");
    let (least, short) = ("minregexpire = 60\n", "minregexpire = 2\n");
    assert!(BUILT_IN.contains(least));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("iax.conf");
    std::fs::write(&path, BUILT_IN.replace(least, short)).unwrap();
    let server = Server::start(&["--config", path.to_str().unwrap()]);
    let judgement = judge(&server.address, &[LAPSE]);
    let said = judgement.complaints();
    assert_eq!(judgement.verdicts()[LAPSE], "pass", "{said}");
}

/// Over IPv6 an address has another layout, and all else is the same.
#[test]
fn the_server_passes_over_ipv6() {
    let server = Server::start_on("[::1]:0", &[]);
    let judgement = judge(
        &server.address,
        &["--quick", "6.1", "6.2.3", "6.5", "8.6.17"],
    );
    assert_eq!(judgement.code, 0, "{}", judgement.complaints());
    assert_eq!(judgement.verdicts()["8.6.17-i1"], "pass");
    assert_eq!(judgement.verdicts()["6.5.1-3"], "pass");
}
