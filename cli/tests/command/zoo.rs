//! The mechanism of `iaxproof zoo`, on a source tree of one small file: what is found, and everything that is red.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A package by the name of ours whose command holds where `two()` is 2, and otherwise fails the property that its first
/// argument names; `abort`, `usage` and `babble` are other ways to end.
const PROGRAM: &str = r#"
fn two() -> u32 { 1 + 1 }
fn main() {
    let line: Vec<String> = std::env::args().skip(1).collect();
    assert_eq!(line.last().map(String::as_str), Some("--json"));
    let bent = two() != 2 || line.iter().any(|word| word == "--design");
    match line[0].as_str() {
        _ if !bent => println!("{{\"verdict\":\"held\",\"rows\":[]}}"),
        "abort" => std::process::abort(),
        "usage" => std::process::exit(2),
        "babble" => {
            println!("no JSON");
            std::process::exit(42)
        }
        property => {
            println!(
                "{{\"verdict\":\"failed\",\"rows\":[{{\"what\":\"sum\",\"by\":\"hand\",\"word\":\"FAILED\",\
                 \"verdict\":\"failed\",\"property\":\"{property}\",\"count\":7,\"unit\":\"executions\",\
                 \"seconds\":0.0,\"replay\":null}}]}}"
            );
            std::process::exit(42)
        }
    }
}
"#;

pub(crate) struct Zoo {
    folder: TempDir,
}

impl Zoo {
    fn new() -> Self {
        Zoo::of(PROGRAM)
    }

    pub(crate) fn of(program: &str) -> Self {
        let zoo = Zoo {
            folder: tempfile::tempdir().unwrap(),
        };
        let manifest = "[package]\nname = \"iaxproof\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
        zoo.write("sources/Cargo.toml", manifest);
        let lock = "version = 4\n[[package]]\nname = \"iaxproof\"\nversion = \"0.0.0\"\n";
        zoo.write("sources/Cargo.lock", lock);
        zoo.write("sources/src/main.rs", program);
        zoo
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A defect file that is to be seen by `line`, with this edit.
    fn defect(&self, name: &str, line: &str, find: &str, replace: &str) {
        let edit =
            format!("[[edit]]\nfile = \"src/main.rs\"\nfind = '{find}'\nreplace = '{replace}'\n");
        self.defect_with(name, line, &edit);
    }

    pub(crate) fn defect_with(&self, name: &str, line: &str, bend: &str) {
        let text = format!(
            "title = \"{name}\"\nstory = \"A sum goes wrong.\"\nsource = \"none\"\nproperty = \"no-leak\"\n\
             seen-by = [[\"{line}\"]]\ninterleaving = [\"One adds.\", \"Another adds.\"]\n{bend}"
        );
        self.write(&format!("sources/zoo/{name}.toml"), &text);
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command(&self.path("sources")).args(arguments).output();
        ended(&output.unwrap())
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iaxproof"));
        command
            .arg("zoo")
            .arg("--scratch")
            .arg(self.path("scratch"));
        command.current_dir(folder);
        command
    }
}

fn ended(output: &Output) -> (i32, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8(text).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn a_defect_that_is_seen_is_found_and_the_sources_stay_as_they_are() {
    let zoo = Zoo::new();
    zoo.defect("wrong-sum", "no-leak", "1 + 1", "1 + 2");
    zoo.defect_with("whole-design", "no-leak", "design = \"list\"");
    let (code, text) = zoo.run(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("whole-design"), "{text}");
    assert!(text.contains("sum, hand"), "{text}");
    assert_eq!(text.matches(" found ").count(), 2, "{text}");
    let sources = std::fs::read_to_string(zoo.path("sources/src/main.rs")).unwrap();
    assert_eq!(sources, PROGRAM);
    assert!(!zoo.path("sources/target").exists());
}

#[test]
fn what_is_not_found_on_its_property_is_red() {
    let zoo = Zoo::new();
    zoo.defect("another-property", "no-deadlock", "1 + 1", "1 + 2");
    zoo.defect("harmless", "no-leak", "1 + 1", "2 + 0");
    zoo.defect("aborts", "abort", "1 + 1", "1 + 2");
    zoo.defect("refuses", "usage", "1 + 1", "1 + 2");
    zoo.defect("says-nothing", "babble", "1 + 1", "1 + 2");
    zoo.defect("does-not-build", "no-leak", "1 + 1", "1 + ;");
    zoo.defect("no-match", "no-leak", "1 + 7", "1 + 2");
    zoo.defect("two-matches", "no-leak", "line", "lines");
    let (code, text) = zoo.run(&[]);
    assert_eq!(code, 1, "{text}");
    assert_eq!(text.matches("zoo: RED").count(), 8, "{text}");
    assert!(
        text.contains("the text to bend is not in src/main.rs"),
        "{text}"
    );
    assert!(
        text.contains("the text to bend stands more than once"),
        "{text}"
    );
    // Nothing of a bent copy is left over: the unbent one still passes at the end.
    assert_eq!(text.matches(" held ").count(), 2, "{text}");
}

#[test]
fn what_takes_threads_and_is_found_by_one_alone_is_red() {
    let zoo = Zoo::new();
    let edit = "[[edit]]\nfile = \"src/main.rs\"\nfind = '1 + 1'\nreplace = '1 + 2'\n";
    zoo.defect_with("two-threads", "no-leak", &format!("threads = true\n{edit}"));
    let (code, text) = zoo.run(&[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("found by hand alone"), "{text}");
}

#[test]
fn a_copy_that_fails_unbent_stops_the_hunt() {
    let zoo = Zoo::of(&PROGRAM.replace("1 + 1", "1 + 3"));
    zoo.defect("wrong-sum", "no-leak", "1 + 3", "1 + 2");
    let (code, text) = zoo.run(&[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("RED: unbent copy, first"), "{text}");
    assert!(!text.contains(" found "), "{text}");
}

#[test]
fn a_file_of_ones_own_is_run_alone_and_found_upwards() {
    let zoo = Zoo::new();
    zoo.defect("wrong-sum", "no-leak", "1 + 1", "1 + 2");
    let own = zoo.path("mine.toml");
    std::fs::rename(zoo.path("sources/zoo/wrong-sum.toml"), &own).unwrap();
    let below = zoo.command(&zoo.path("sources/src")).arg(&own).output();
    let (code, text) = ended(&below.unwrap());
    assert_eq!(code, 0, "{text}");

    let elsewhere = zoo.command(&zoo.path("")).arg(&own).output();
    let (code, text) = ended(&elsewhere.unwrap());
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("--sources"), "{text}");

    let mut named = zoo.command(&zoo.path(""));
    let named = named.arg(&own).arg("--sources").arg(zoo.path("sources"));
    assert_eq!(ended(&named.output().unwrap()).0, 0);
}

#[test]
fn a_file_that_is_not_there_or_not_well_formed_is_a_usage_error() {
    let zoo = Zoo::new();
    let (code, text) = zoo.run(&["absent.toml"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("absent.toml"), "{text}");
    zoo.write("sources/zoo/bad.toml", "title = \n");
    let (code, text) = zoo.run(&[]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("bad.toml") && text.contains("line 1"),
        "{text}"
    );
}
