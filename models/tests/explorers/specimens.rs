//! The designs that must be caught are caught: by both explorers, on the property that they break, with a token that
//! replays.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use iaxproof_models::{Design, End, Engine, Finding, Scenario, scenarios, token};

fn scenario(name: &str) -> &'static Scenario {
    scenarios().find(|scenario| scenario.name == name).unwrap()
}

fn caught(name: &str, design: Design, engine: Engine) -> Finding {
    let seen = scenario(name)
        .explore(design, engine, Box::new(|| false))
        .unwrap();
    match seen.end {
        End::Failed(finding) => finding,
        other => panic!("{name} on {} held: {other:?}", design.name()),
    }
}

#[test]
fn the_list_of_2007_uses_what_it_freed() {
    for name in [
        "reload_drops_an_absent_name_under_a_call",
        "eviction_keeps_the_call_in_flight",
    ] {
        for engine in [Engine::Loom, Engine::Shuttle] {
            let finding = caught(name, Design::Specimen2007, engine);
            assert_eq!(
                finding.property, "no-use-after-destroy",
                "{name}: {}",
                finding.message
            );
        }
    }
}

#[test]
fn rebuild_in_place_is_not_atomic() {
    for name in [
        "reload_never_hides_a_kept_name",
        "call_keeps_its_settings_across_reload",
    ] {
        for engine in [Engine::Loom, Engine::Shuttle] {
            let finding = caught(name, Design::RebuildInPlace, engine);
            assert_eq!(
                finding.property, "reload-atomic",
                "{name}: {}",
                finding.message
            );
        }
    }
}

#[test]
fn a_counterexample_is_short_and_replays() {
    let name = "eviction_keeps_the_call_in_flight";
    let finding = caught(name, Design::Specimen2007, Engine::Shuttle);
    let token = token::shorten(scenario(name), Design::Specimen2007, &finding);
    let text = token.to_string();
    assert!(text.len() <= token::LEN_MAX, "{text}");
    assert_eq!(text.parse(), Ok(token));
    let first = token::replay_token(&text).unwrap();
    assert_eq!(
        first.finding.as_ref().map(|f| f.property.as_str()),
        Some("no-use-after-destroy")
    );
    assert!(
        first.table.lines().all(|line| line.chars().count() <= 120),
        "{}",
        first.table
    );
    for _ in 0..9 {
        let again = token::replay_token(&text).unwrap();
        assert_eq!(
            (again.trace_hash, &again.table),
            (first.trace_hash, &first.table)
        );
    }
    assert_eq!(
        hash_in_another_process(&text),
        format!("{:016x}", first.trace_hash)
    );
}

const TOKEN: &str = "IAXPROOF_TEST_TOKEN";

/// Replays the token in a second process: this test binary, asked for the helper below.
fn hash_in_another_process(token: &str) -> String {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "specimens::prints_the_hash_of_a_token",
            "--nocapture",
        ])
        .env(TOKEN, token)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("hash="));
    line.map(|(_, hash)| hash.to_owned()).unwrap_or(text)
}

#[test]
#[ignore = "a helper that a_counterexample_is_short_and_replays runs in another process"]
#[expect(
    clippy::disallowed_methods,
    reason = "how the other process is told the token"
)]
fn prints_the_hash_of_a_token() {
    let replay = token::replay_token(&std::env::var(TOKEN).unwrap()).unwrap();
    println!("hash={:016x}", replay.trace_hash);
}

#[test]
fn a_text_that_is_no_token_is_told_why() {
    let why = |text: &str| token::replay_token(text).unwrap_err().to_string();
    assert!(why("seed 7").contains("P1-scenario-design"));
    assert!(why("P1-nothing-2007-S").contains("`nothing`"));
    assert!(why("P1-find_races_unlink-2007-S").contains("`2007`"));
    assert!(why("P1-find_races_unlink-shipped-S1").contains("`1`"));
}

#[test]
fn an_empty_tape_runs_the_dull_schedule() {
    let replay = token::replay_token("P1-find_races_unlink-shipped-S").unwrap();
    assert_eq!(replay.finding, None);
    assert_eq!(
        replay.outcome.as_deref(),
        Some("found None, took Some(1); A: destroys 1")
    );
}
