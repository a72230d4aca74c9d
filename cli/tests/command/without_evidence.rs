//! A server can be built without the evidence: then no explorer and no world is among what it is built from.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::process::Command;

/// The packages that the command is built from, with these options.
fn packages(options: &[&str]) -> BTreeSet<String> {
    let line = ["tree", "--locked", "--offline", "-p", "iaxproof-cli"];
    let form = ["-e", "normal,build", "--prefix", "none", "--format", "{p}"];
    let output = Command::new(env!("CARGO"))
        .args([&line[..], &form, options].concat())
        .output()
        .unwrap();
    let (tree, complaint) = (output.stdout, output.stderr);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&complaint)
    );
    let tree = String::from_utf8(tree).unwrap();
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn the_server_alone_has_no_explorer_and_no_world() {
    let evidence = [
        "corosensei",
        "iaxproof-models",
        "iaxproof-sim",
        "loom",
        "shuttle",
    ];
    let (all, server) = (packages(&[]), packages(&["--no-default-features"]));
    for package in evidence {
        assert!(all.contains(package), "{package} is no part of {all:?}");
        assert!(!server.contains(package), "{package} is part of {server:?}");
    }
    assert!(
        server.contains("iaxproof") && server.contains("mio"),
        "{server:?}"
    );
}
