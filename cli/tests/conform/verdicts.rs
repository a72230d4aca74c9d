//! Each kind of verdict, in JSON, as JUnit and by exit code; and what is said of a command line that asks for nothing.

use crate::fake;
use crate::judge::judge;
use crate::server::{Server, client};

#[test]
fn pass_warning_and_skipped_are_no_failures() {
    let server = Server::start(&[]);
    let which = [
        "6.7.1-4",
        "6.3.1-5",
        "8.1.2-i1a",
        "7-8",
        "--echo",
        "",
        "--quick",
    ];
    let judgement = judge(&server.address, &which);
    assert_eq!(judgement.code, 0, "{}", judgement.complaints());
    assert_eq!(judgement.report["verdict"], "warning");
    let verdicts = judgement.verdicts();
    assert_eq!(verdicts["6.7.1-4"], "pass");
    assert_eq!(verdicts["6.3.1-5"], "warning");
    assert_eq!(verdicts["8.1.2-i1a"], "skipped");
    assert_eq!(verdicts["7-8"], "skipped");
    let reason = |id: &str| judgement.check(id)["reason"].as_str().unwrap().to_owned();
    assert!(reason("6.3.1-5").starts_with("as Asterisk does, against the RFC: "));
    assert!(reason("8.1.2-i1a").contains("--echo"));
    assert!(reason("7-8").contains("--quick"));
    assert_eq!(judgement.report["counts"]["skipped"], 2);
    assert_eq!(judgement.check("6.3.1-5")["level"], "MUST");
}

#[test]
fn a_failure_says_what_was_expected_and_what_went() {
    let (_socket, address) = fake::silent();
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("report.xml");
    let file = junit.to_str().unwrap();
    let which = ["6.7.1-4", "6.7.1-3", "--timeout", "200", "--junit", file];
    let judgement = judge(&address, &which);
    assert_eq!(judgement.code, 42);
    assert_eq!(judgement.report["verdict"], "fail");
    let failure = judgement.check("6.7.1-4");
    assert_eq!(failure["verdict"], "fail");
    assert_eq!(failure["reason"], "expected PONG to POKE");
    let frames = failure["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 1);
    assert!(
        frames[0].as_str().unwrap().contains("A -> Full"),
        "{frames:?}"
    );
    assert!(frames[0].as_str().unwrap().contains("POKE"), "{frames:?}");
    // What should be so and is not.
    assert_eq!(judgement.check("6.7.1-3")["verdict"], "warning");
    let xml = std::fs::read_to_string(&junit).unwrap();
    for part in [
        "<testsuites name=\"iaxproof conform\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\">",
        "<testsuite name=\"6.7.1\" tests=\"2\"",
        "<failure message=\"expected PONG to POKE\">",
        "A -&gt; Full",
        "<system-out>warning: expected PONG to POKE",
        "</testsuites>",
    ] {
        assert!(xml.contains(part), "{part} in\n{xml}");
    }
}

#[test]
fn what_is_skipped_is_a_skipped_case_and_to_try_nothing_is_no_pass() {
    let (_socket, address) = fake::silent();
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("report.xml");
    let file = junit.to_str().unwrap();
    let which = ["8.1.2-i1a", "--echo", "", "--junit", file];
    let judgement = judge(&address, &which);
    assert_eq!(
        (judgement.code, &judgement.report["verdict"]),
        (1, &"skipped".into())
    );
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(
        xml.contains("<skipped message=\"no extension is given"),
        "{xml}"
    );
}

/// The system lets nobody send to all without asking for it.
#[test]
fn what_the_system_refuses_is_our_failure() {
    let judgement = judge("255.255.255.255:4569", &["6.7.1-4"]);
    assert_eq!(
        (judgement.code, &judgement.report["verdict"]),
        (1, &"broke".into())
    );
}

#[test]
fn a_listing_is_for_people_and_for_programs() {
    let list = client(&["conform", "--list", "6.1.2"], None);
    assert_eq!(list.code, 0);
    assert!(list.stdout.contains("\n6.1.2-5   MUST"), "{}", list.stdout);
    assert!(!list.stdout.contains("6.1.3-1"), "{}", list.stdout);
    let json = client(&["conform", "--list", "--json"], None);
    let all: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(all.as_array().unwrap().len() >= 100);
}

#[test]
fn what_has_no_such_name_is_usage() {
    let (_socket, address) = fake::silent();
    let ended = client(&["conform", "--target", &address, "6.99"], None);
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("no check is called 6.99"),
        "{ended:?}"
    );
    assert_eq!(client(&["conform"], None).code, 2);
}

#[test]
fn people_read_a_line_for_each_check_and_a_sum() {
    let server = Server::start(&[]);
    let args = ["conform", "--target", &server.address, "6.7.1-4", "6.3.1-5"];
    let ended = client(&args, None);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("pass     6.7.1-4     POKE is answered"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("warning  6.3.1-5 "), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("1 passed, 0 failed, 1 warned, 0 skipped"),
        "{ended:?}"
    );
}
