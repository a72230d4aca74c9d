//! What `iaxproof prove --matrix` prints: the pairs as a square of words, of executions and of times, and the triples as a list.

use iaxproof_models::matrix::Operation;

use crate::report::{Verdict, grouped};
use crate::table::{Align, Table};

use super::Proof;
use super::show;

/// Prints the cells among these proofs; nothing where there are none.
pub(super) fn print(proofs: &[Proof]) {
    let cells: Vec<&Proof> = proofs
        .iter()
        .filter(|proof| proof.scenario.is_cell())
        .collect();
    let (pairs, triples): (Vec<&Proof>, Vec<&Proof>) = cells
        .into_iter()
        .partition(|proof| proof.scenario.threads == 2);
    if pairs.len() < PAIRS {
        list("pair", &pairs);
    } else {
        square("word", &pairs, letter);
        square("executions", &pairs, |proof| short(count(proof)));
        square("time", &pairs, |proof| format!("{:.1}", time(proof)));
        println!("{LEGEND}");
    }
    list("triple", &triples);
    for proof in pairs.iter().chain(&triples) {
        show::failures(proof);
    }
    for (of, cells) in [
        ("pairs", &pairs),
        ("triples that touch one line or one entry", &triples),
    ] {
        if !cells.is_empty() {
            println!("{}", summary(of, cells));
        }
    }
}

/// How many pairs there are; fewer are no square.
const PAIRS: usize = Operation::ALL.len() * (Operation::ALL.len() + 1) / 2;

const LEGEND: &str = "
P proved, L exhausted by loom alone, B bounded, ? INCOMPLETE, ! FAILED or broke. Executions are of both explorers, times in seconds.";

/// The lower half of a square: what each pair has to say.
fn square(of: &str, pairs: &[&Proof], say: impl Fn(&Proof) -> String) {
    let mut heading = vec![(of.to_owned(), Align::Left)];
    let numbers = (1..=Operation::ALL.len()).map(|number| (number.to_string(), Align::Right));
    heading.extend(numbers);
    let mut table = Table::with(heading);
    for (row, below) in Operation::ALL.into_iter().enumerate() {
        let mut cells = vec![format!("{:>2} {}", row + 1, below.name())];
        cells.extend(Operation::ALL.into_iter().map(|above| {
            let name = format!("{}_beside_{}", above.name(), below.name());
            let pair = pairs.iter().find(|proof| proof.scenario.name == name);
            pair.map_or_else(String::new, |proof| say(proof))
        }));
        table.push_all(cells);
    }
    println!("{table}");
}

/// A line for each cell; nothing where there are none.
fn list(of: &str, cells: &[&Proof]) {
    if cells.is_empty() {
        return;
    }
    let mut table = Table::new([
        (of, Align::Left),
        ("bound", Align::Left),
        ("outcomes", Align::Right),
        ("executions", Align::Right),
        ("time", Align::Right),
        ("word", Align::Left),
    ]);
    for proof in cells {
        let bound = proof.scenario.preemptions_max;
        table.push([
            proof.scenario.name.to_owned(),
            bound.map_or("none".to_owned(), |most| format!("B = {most}")),
            show::outcomes(&proof.loom),
            grouped(count(proof)),
            format!("{:.1} s", time(proof)),
            word(proof),
        ]);
    }
    print!("{table}");
}

fn word(proof: &Proof) -> String {
    let word = proof.word().0;
    word.lines().next().unwrap_or_default().to_owned()
}

fn letter(proof: &Proof) -> String {
    let (word, verdict) = proof.word();
    let letter = match verdict {
        Verdict::Held if word == "proved" => "P",
        Verdict::Held if word.starts_with("bounded") => "B",
        Verdict::Held => "L",
        Verdict::Incomplete => "?",
        Verdict::Broke | Verdict::Failed => "!",
    };
    letter.to_owned()
}

fn count(proof: &Proof) -> u64 {
    proof.explorations().map(|it| it.executions).sum()
}

fn time(proof: &Proof) -> f64 {
    let told = [&proof.loom, &proof.shuttle].into_iter().flatten();
    told.map(|told| told.seconds).sum()
}

/// A number in at most four characters: `812`, `3k`, `41k`, `1.2M`.
fn short(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{}k", number / 1_000),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// `136 pairs: 136 proved; 1,234 executions, 56 s of explorers`.
fn summary(of: &str, proofs: &[&Proof]) -> String {
    let mut words: Vec<String> = proofs.iter().map(|proof| word(proof)).collect();
    words.sort_unstable();
    let groups = words.chunk_by(|a, b| a == b);
    let counts: Vec<String> = groups
        .map(|group| format!("{} {}", group.len(), group[0]))
        .collect();
    let executions = proofs.iter().map(|proof| count(proof)).sum();
    let seconds: f64 = proofs.iter().map(|proof| time(proof)).sum();
    format!(
        "{} {of}: {}; {} executions, {seconds:.0} s of explorers",
        proofs.len(),
        counts.join(", "),
        grouped(executions)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_short() {
        let shown = [0, 999, 1_000, 41_999, 2_500_000].map(short);
        assert_eq!(shown, ["0", "999", "1k", "41k", "2M"]);
    }
}
