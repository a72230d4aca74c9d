//! `iaxproof prove --certificate` and `iaxproof verify`: what was written is met again, and what was changed is named.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::line::{Ended, iaxproof, json};

const FIRST: &str = "last_drop_runs_the_destructor_once";
const SECOND: &str = "upgrade_never_brings_back";

/// A certificate of two scenarios, and the folder that it lies in.
struct Certificate {
    folder: tempfile::TempDir,
    proved: Ended,
}

impl Certificate {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it.toml");
        let words = ["prove", FIRST, SECOND, "--certificate"];
        let proved = iaxproof(&[&words[..], &[file.to_str().unwrap()]].concat());
        assert_eq!(proved.code, 0, "{}{}", proved.stdout, proved.stderr);
        Certificate { folder, proved }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("it.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn verify(&self, options: &[&str]) -> Ended {
        iaxproof(&[&["verify", self.file().to_str().unwrap()], options].concat())
    }

    /// With the first `old` behind `mark` made `new`.
    fn bent(&self, mark: &str, old: &str, new: &str) -> Ended {
        let text = self.text();
        let (before, behind) = text.split_at(text.find(mark).unwrap());
        assert!(behind.contains(old), "{text}");
        fs::write(
            self.file(),
            format!("{before}{}", behind.replacen(old, new, 1)),
        )
        .unwrap();
        self.verify(&["--json"])
    }
}

/// The value of a field of the second scenario.
fn field(text: &str, name: &str) -> String {
    let (_, second) = text.split_once(SECOND).unwrap();
    let mut lines = second.lines().filter_map(|line| line.split_once(" = "));
    lines
        .find(|(field, _)| *field == name)
        .unwrap()
        .1
        .to_owned()
}

/// The only row that is red.
fn red(ended: &Ended) -> (String, String, String) {
    assert_eq!(ended.code, 42, "{}{}", ended.stdout, ended.stderr);
    let report = json(ended);
    let rows = report["rows"].as_array().unwrap();
    let red: Vec<_> = rows.iter().filter(|row| row["verdict"] != "held").collect();
    assert_eq!(red.len(), 1, "{rows:#?}");
    let text = |name: &str| red[0][name].as_str().unwrap().to_owned();
    (text("what"), text("word"), text("replay"))
}

#[test]
fn what_was_proved_is_met_again_and_named_by_the_hash_of_its_text() {
    let it = Certificate::new();
    let text = it.text();
    for words in [
        "schema = 1",
        "word = \"proved\"",
        "toolchain = \"rustc ",
        "caveats = [",
    ] {
        assert!(text.contains(words), "{text}");
    }
    let again = it.verify(&[]);
    assert_eq!(again.code, 0, "{}{}", again.stdout, again.stderr);
    assert!(again.stdout.contains("The same build."), "{}", again.stdout);
    assert_eq!(
        again.stdout.matches("met: proved").count(),
        2,
        "{}",
        again.stdout
    );
    let lacks = "scenarios of this build are not in it";
    assert!(again.stdout.contains(lacks), "{}", again.stdout);
    let line = |printed: &str| {
        let mut lines = printed
            .lines()
            .filter(|line| line.starts_with("certificate "));
        lines.next().unwrap().to_owned()
    };
    assert_eq!(line(&it.proved.stdout), line(&again.stdout));
    // No time is in it: the same build writes the same octets.
    assert_eq!(Certificate::new().text(), text);
}

#[test]
fn a_count_that_was_changed_is_named_with_the_command_that_shows_it() {
    let it = Certificate::new();
    let executions = field(&it.text(), "executions");
    let ended = it.bent(
        SECOND,
        &format!("executions = {executions}"),
        "executions = 9999",
    );
    let (what, word, again) = red(&ended);
    assert_eq!(what, SECOND);
    let words = format!("DIFFERS: loom.executions: expected 9999, seen {executions}");
    assert_eq!(word, words);
    let line: Vec<&str> = again.split(' ').skip(1).collect();
    assert_eq!(line[2], SECOND);
    assert_eq!(iaxproof(&line).code, 42);
    // The other one is as it was.
    assert_eq!(it.verify(&[FIRST]).code, 0);
}

#[test]
fn an_outcome_a_word_or_a_bound_that_was_changed_is_named() {
    let changes = [
        ("outcomes", "outcomes = [", "outcomes = [\"another\","),
        ("word", "word = \"proved\"", "word = \"bounded (B=2)\""),
        ("bound", "bound = \"none\"", "bound = \"B = 2\""),
        ("shuttle.by", "by = \"depth-first\"", "by = \"reduced\""),
        ("property", "property = \"", "property = \"un"),
    ];
    for (field, old, new) in changes {
        let (what, word, _) = red(&Certificate::new().bent(SECOND, old, new));
        assert_eq!(what, SECOND);
        assert!(word.starts_with(&format!("DIFFERS: {field}: ")), "{word}");
    }
}

#[test]
fn a_caveat_that_was_taken_out_is_named() {
    let it = Certificate::new();
    let (what, word, _) = red(&it.bent("caveats", "Not covered", "All covered"));
    assert_eq!(what, "build");
    assert!(word.starts_with("DIFFERS: caveats: "), "{word}");
}

#[test]
fn other_sources_are_said_and_red_unless_they_are_asked_for() {
    for (mark, name, what) in [
        ("[build]", "library", "build"),
        (SECOND, "source_hash", SECOND),
    ] {
        let it = Certificate::new();
        let ended = it.bent(mark, &format!("{name} = \""), &format!("{name} = \"00"));
        let (row, word, _) = red(&ended);
        assert_eq!(row, what);
        assert!(word.starts_with(&format!("DIFFERS: {name}: ")), "{word}");
        let asked = it.verify(&["--other-sources"]);
        assert_eq!(asked.code, 0, "{}", asked.stdout);
        assert!(
            mark != "[build]" || asked.stdout.contains("OTHER SOURCES"),
            "{}",
            asked.stdout
        );
    }
}

#[test]
fn another_toolchain_is_said_and_what_is_compared_stays() {
    let it = Certificate::new();
    let ended = it.bent("[build]", "toolchain = \"rustc ", "toolchain = \"rustc 0.");
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    let shown = it.verify(&[]);
    assert!(
        shown.stdout.contains("ANOTHER TOOLCHAIN"),
        "{}",
        shown.stdout
    );
}

#[test]
fn a_scenario_that_is_not_there_is_red() {
    let it = Certificate::new();
    let (what, word, _) = red(&it.bent(SECOND, SECOND, "a_scenario_of_tomorrow"));
    assert_eq!(what, "a_scenario_of_tomorrow");
    assert!(word.ends_with("seen no such scenario"), "{word}");
    assert_eq!(it.verify(&[SECOND]).code, 2, "it is not in the file");
}

#[test]
fn a_run_that_is_cut_short_is_incomplete() {
    let ended = Certificate::new().verify(&["--loom-seconds", "0"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    let ended = Certificate::new().verify(&["--dfs-seconds", "0"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
}

#[test]
fn a_bad_file_is_refused_with_the_line_and_the_field() {
    let changes = [
        ("schema", "schema = 1", "schema = 2", "line 4, `schema`: "),
        (
            "scenarios",
            "scenarios = 2",
            "scenarios = 3",
            "line 5, `scenarios`: it says 3",
        ),
        (
            "executions",
            "executions = ",
            "executions = -",
            "`executions`: ",
        ),
        (
            "[build]",
            "version = ",
            "versed = ",
            "`versed`: unknown field",
        ),
        (
            "[[scenario]]",
            "design = \"shipped\"",
            "design = \"2008\"",
            "`design`: unknown variant",
        ),
        (SECOND, SECOND, FIRST, "scenario 2 is there twice"),
        (
            "[scenario.loom]",
            "end = \"exhausted\"\n",
            "",
            "`[scenario.loom]`: missing field `end`",
        ),
    ];
    for (mark, old, new, words) in changes {
        let ended = Certificate::new().bent(mark, old, new);
        assert_eq!(ended.code, 2, "{words}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        assert!(ended.stderr.contains("it.toml: "), "{}", ended.stderr);
    }
}

#[test]
fn what_did_not_hold_has_no_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.toml");
    let words = ["prove", FIRST, "--loom-seconds", "0", "--certificate"];
    let ended = iaxproof(&[&words[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("proved"), "{}", ended.stdout);
    assert!(!file.exists());
}

#[test]
fn what_cannot_be_written_is_not_proved() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let under = file.path().join("it.toml");
    let ended = iaxproof(&["prove", FIRST, "--certificate", under.to_str().unwrap()]);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn no_row_says_proved_without_a_certificate_in_the_usual_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("target")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_iaxproof"))
        .args(["prove", FIRST, "--json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["rows"][0]["word"], "proved");
    let hash = report["certificate"]["hash"].as_str().unwrap();
    let file = format!("target/iaxproof-certificates/{hash}.toml");
    assert_eq!(report["certificate"]["file"], file.as_str());
    assert!(folder.path().join(file).is_file());
}
