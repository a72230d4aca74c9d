//! `iaxproof config check`: what it lists, what it refuses, and that it prints no secret.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::Command;

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Checks `iax.conf` of the folder.
fn check(folder: &Path, more: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_iaxproof"))
        .current_dir(folder)
        .args(["config", "check", "iax.conf"])
        .args(more)
        .output()
        .unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder of these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

const ACCEPTED: &[(&str, &str)] = &[
    (
        "iax.conf",
        "[general]\nregister => me:hunter1@pbx.example\ntos = ef\n#include \"peers/*.conf\"\n#tryinclude no/*.conf\n",
    ),
    (
        "peers/a.conf",
        "[ann]\ntype = friend\nhost = dynamic\nsecret = hunter2\nmailbox = 1\n",
    ),
    (
        "peers/b.conf",
        "[bob]\ntype = peer\nhost = bob.example\nallow = gsm\nfrob = 1\n",
    ),
    ("peers/b.conf.old", "nonsense"),
];

#[test]
fn every_option_is_listed_with_what_became_of_it() {
    let folder = folder(ACCEPTED);
    let ended = check(folder.path(), &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("hunter"), "a secret is shown");
    insta::assert_snapshot!(ended.stdout);
}

#[test]
fn programs_get_one_line() {
    let folder = folder(ACCEPTED);
    let ended = check(folder.path(), &["--json"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 1));
    assert!(!ended.stdout.contains("hunter"), "a secret is shown");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["verdict"], "accepted");
    assert_eq!(report["entries"].as_array().unwrap().len(), 3);
    let options = report["options"].as_array().unwrap();
    let frob = options.iter().find(|option| option["option"] == "frob");
    let frob = frob.unwrap();
    assert_eq!(frob["file"], "peers/b.conf");
    assert_eq!(
        (&frob["line"], &frob["outcome"]),
        (&5.into(), &"ignored".into())
    );
}

#[test]
fn a_refused_file_ends_with_2_and_its_errors() {
    let refused = [
        ("iax.conf", "[general]\npingtime = soon\n#include more\n"),
        ("more", "[a]\ntype = user\nsecret\n"),
    ];
    let broken = folder(&refused);
    let ended = check(broken.path(), &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    let expected = "iaxproof: iax.conf is refused:\nmore:3: expected `key = value`, `[section]` or `#include`\n";
    assert_eq!(ended.stderr, expected);
    let ended = check(broken.path(), &["--json"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["verdict"], "refused");
    assert_eq!(report["errors"][0]["line"], 3);
}

#[test]
fn a_file_that_is_not_there_is_a_usage_error() {
    let ended = check(folder(&[]).path(), &[]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("cannot read iax.conf"),
        "{}",
        ended.stderr
    );
}
