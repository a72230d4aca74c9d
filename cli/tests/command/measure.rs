//! `iaxproof zoo --measure` and what rows say that they need, on a source tree of one small file that says what the real command would.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::Value;

use crate::zoo::Zoo;

/// Trial n of 50 seeds each finds its world after 10 n others, and from the fifth on none. Without what is needed it holds. Of the plan of
/// seed 60 too much is left.
const PROGRAM: &str = r##"
fn one() -> u32 { 1 }
fn main() {
    let line: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| line.iter().any(|it| it == word);
    let bent = one() != 1;
    match line[0].as_str() {
        "sim" => {
            let at = line.iter().position(|it| it == "--seeds").unwrap() + 1;
            let (from, to) = line[at].split_once("..").unwrap();
            let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
            let first = from + from / 50 * 10;
            let holds = has("--without") && !has("--needless");
            if !bent || holds || first >= to || to - from > 50 && has("--until-found") {
                println!("{{\"verdict\":\"held\",\"rows\":[],\"sweep\":{{\"first_failure\":null}}}}");
                return;
            }
            if let Some(at) = line.iter().position(|it| it == "--out") {
                std::fs::create_dir_all(&line[at + 1]).unwrap();
                let file = std::path::Path::new(&line[at + 1]).join(format!("shipped-{first}.toml"));
                std::fs::write(file, "engine = \"strands\"\n").unwrap();
            }
            let property = if has("--strange") && first == 120 { "same-again" } else { "no-leak" };
            println!(
                "{{\"verdict\":\"failed\",\"rows\":[{{\"what\":\"seed {first}\",\"by\":\"world\",\"word\":\"FAILED\",\
                 \"verdict\":\"failed\",\"property\":\"{property}\",\"count\":7,\"unit\":\"worlds\",\"seconds\":0.0,\
                 \"replay\":null}}],\"sweep\":{{\"first_failure\":{{\"seed\":{first},\"property\":\"{property}\"}}}}}}"
            );
            std::process::exit(42)
        }
        "replay" if !has("--times") => {
            let plan = std::fs::read_to_string(&line[1]).unwrap();
            assert_eq!(plan, "engine = \"shuttle\"\n");
            println!("{{\"property\":\"no-leak\"}}");
            std::process::exit(if line[1].contains("shipped-13.") { 0 } else { 42 })
        }
        "replay" => {
            assert!(has("--times") && has("1000"));
            let same = if line[1].ends_with("shipped-120.toml") { 999 } else { 1000 };
            println!("{{\"times\":1000,\"same\":{same}}}");
            std::process::exit(42)
        }
        "shrink" => {
            let operations = if line[1].ends_with("shipped-60.toml") { 7 } else { 6 };
            println!("{{\"to\":{{\"nodes\":3,\"operations\":{operations},\"faults\":1,\"choices\":9,\"preemptions\":1}}}}");
        }
        _ => std::process::exit(2),
    }
}
"##;

const NEEDS: &str = "needs = [\"fault\", \"preemption\"]\nclean = 70\n";

/// A zoo of one row that is seen by this line.
fn zoo(line: &str, needs: &str) -> Zoo {
    let zoo = Zoo::of(PROGRAM);
    let line = line.replace(' ', "\", \"");
    let bend = "[[edit]]\nfile = \"src/main.rs\"\nfind = 'u32 { 1 }'\nreplace = 'u32 { 2 }'\n";
    zoo.defect_with("row", &line, &format!("{needs}{bend}"));
    zoo
}

fn measured(zoo: &Zoo, more: &[&str], code: i32) -> Value {
    let line = ["--measure", "--trials", "7", "--cap", "50", "--json"];
    let (ended, text) = zoo.run(&[&line, more].concat());
    assert_eq!(ended, code, "{text}");
    serde_json::from_str(text.lines().next().unwrap()).unwrap()
}

#[test]
fn a_median_counts_the_trials_that_found_nothing() {
    let zoo = zoo("sim --seeds 0..50", "");
    let report = measured(&zoo, &[], 0);
    let row = &report["measured"][0];
    assert_eq!((&row["found"], &row["censored"]), (&5.into(), &2.into()));
    assert_eq!(row["executions_median"], serde_json::json!({ "is": 31.0 }));
    assert_eq!(
        row["executions_90"],
        serde_json::json!({ "more_than": 50.0 })
    );
    let trials = row["trials"].as_array().unwrap();
    let seeds: Vec<&Value> = trials.iter().map(|trial| &trial["seed"]).collect();
    assert_eq!(seeds[..3], [0, 60, 120]);
    assert_eq!(row["plans"], serde_json::json!([]));
    // And in words.
    let line = ["--measure", "--trials", "7", "--cap", "50", "row"];
    let (code, text) = zoo.run(&line);
    assert_eq!(code, 0, "{text}");
    for words in ["5 of 7", "2 at 50", " 31 ", " > 50 "] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn searches_stand_side_by_side_and_a_strange_property_is_red_by_its_trial() {
    let zoo = zoo("sim --seeds 0..50", "");
    let report = measured(&zoo, &["--variant", "", "--variant", "--strange"], 1);
    let [own, strange] = report["measured"].as_array().unwrap().as_slice() else {
        panic!("{report}");
    };
    assert_eq!(
        (&own["search"], &own["verdict"]),
        (&"".into(), &"held".into())
    );
    assert_eq!(
        (&strange["search"], &strange["found"]),
        (&"--strange".into(), &4.into())
    );
    assert_eq!(strange["censored"], 2);
    let red = strange["red"][0].as_str().unwrap();
    assert!(red.starts_with("trial 2: "), "{red}");
    assert!(
        red.contains("seed 120 fails first, and not on no-leak but on same-again"),
        "{red}"
    );
}

#[test]
fn a_search_that_never_finds_is_incomplete() {
    let zoo = zoo("sim --seeds 0..50", "");
    let line = ["--measure", "--trials", "2", "--cap", "60", "--json"];
    let (code, text) = zoo.run(&line);
    assert_eq!(code, 3, "{text}");
}

#[test]
fn what_a_row_needs_is_taken_away_and_its_plans_are_small() {
    let zoo = zoo("sim --threads --seeds 0..50", NEEDS);
    let (code, text) = zoo.run(&[]);
    assert_eq!(code, 0, "{text}");
    let words = "70 worlds hold without faults and without stalls";
    assert!(text.contains(words), "{text}");
    assert!(text.contains("--seeds 0..70 --without stalls"), "{text}");
    let words = "seed 0, world on shuttle's threads: 1 world";
    assert!(text.contains(words), "{text}");

    let report = measured(&zoo, &["--shrink", "3"], 1);
    let row = &report["measured"][0];
    let plans = row["plans"].as_array().unwrap();
    let seeds: Vec<&Value> = plans.iter().map(|plan| &plan["seed"]).collect();
    assert_eq!(seeds, [0, 60, 120]);
    assert_eq!(plans[0]["left"]["operations"], 6);
    assert_eq!(plans[0]["red"], serde_json::json!([]));
    let red: Vec<&str> = row["red"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let [wall, operations, trace] = red.as_slice() else {
        panic!("{red:?}");
    };
    // Two of seven trials found nothing: nine of ten is more than that.
    assert!(wall.starts_with("nine of ten trials took > "), "{wall}");
    assert_eq!(
        *operations,
        "trial 1, seed 60: 7 operations are left, of 6 at most"
    );
    assert!(trace.starts_with("trial 2, seed 120: `replay "), "{trace}");
    assert!(trace.contains("to fail with one trace"), "{trace}");
}

#[test]
fn a_row_of_threads_that_holds_on_the_threads_of_the_other_engine_is_red() {
    let zoo = zoo("sim --threads --seeds 13..50", "threads = true\n");
    let (code, text) = zoo.run(&[]);
    assert_eq!(code, 1, "{text}");
    let words = "found by worlds with threads alone";
    assert!(text.contains(words), "{text}");
}

#[test]
fn a_row_that_fails_without_what_it_needs_is_red() {
    let zoo = zoo("sim --threads --needless --seeds 0..50", NEEDS);
    let (code, text) = zoo.run(&[]);
    assert_eq!(code, 1, "{text}");
    let words = "--without faults` was expected to hold, for the defect needs what it goes without";
    assert!(text.contains(words), "{text}");
    let report = measured(&zoo, &["--shrink", "0"], 1);
    let red = report["measured"][0]["red"].to_string();
    assert!(
        red.contains("--without faults`") && red.contains("--without stalls`"),
        "{red}"
    );
    assert_eq!(report["measured"][0]["plans"], serde_json::json!([]));
}

#[test]
fn what_sim_does_not_see_is_not_measured() {
    let zoo = zoo("prove x", "");
    let (code, text) = zoo.run(&["--measure"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("nothing to measure"), "{text}");
    let (code, text) = zoo.run(&["--trials", "3"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("--measure"), "{text}");
}
