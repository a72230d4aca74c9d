//! What was measured, as a table; the versions of the rivals, from the lock file that they were built by.

use std::time::Duration;

use crate::Work;
use crate::program::{LATENCY, PAYLOAD_LEN, Program};

/// What was measured of one rival.
pub(crate) struct Row {
    name: String,
    work: Option<Work>,
    /// Nanoseconds an event, by turn.
    nanos: Vec<f64>,
}

impl Row {
    pub(crate) fn new(name: &str) -> Self {
        Row {
            name: name.to_owned(),
            work: None,
            nanos: Vec::new(),
        }
    }

    /// What was done in one more turn.
    ///
    /// # Panics
    ///
    /// Where it is not what was done in the turns before.
    pub(crate) fn add(&mut self, work: Work, elapsed: Duration) {
        assert_eq!(*self.work.get_or_insert(work), work, "{}", self.name);
        self.nanos
            .push(elapsed.as_nanos() as f64 / work.events as f64);
    }

    fn best(&self) -> f64 {
        self.nanos.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// How many times the time of another it took, turn by turn; the median.
    fn times(&self, other: &Row) -> f64 {
        let turns = self.nanos.iter().zip(&other.nanos);
        median(turns.map(|(one, other)| one / other).collect())
    }
}

/// The version that a crate was built in.
pub(crate) fn version(name: &str) -> &'static str {
    let packages = include_str!("../Cargo.lock").split("[[package]]");
    let field = |package: &'static str, field: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(field));
        line.map(|value| value.trim_matches(['"', ' ', '=']))
    };
    let mut of_name = packages.filter(|package| field(package, "name") == Some(name));
    let version = of_name.next().and_then(|package| field(package, "version"));
    version.expect("the lock file has what this is built of")
}

/// Prints all; the first row is what the others are compared with.
pub(crate) fn print(program: Program, turns: usize, rows: &[Row]) {
    let Program { pairs, rounds } = program;
    println!(
        "ping-pong: {pairs} pairs of nodes, {rounds} rounds, {} ms each way, {PAYLOAD_LEN} octets: {} datagrams a run",
        LATENCY.as_millis(),
        program.datagrams()
    );
    println!("{turns} turns, one core; ns: of a delivered datagram, of an event of a world\n");
    println!(
        "{:46} {:>11} {:>9} {:>9} {:>13} {:>10}",
        "", "a second", "ns, best", "median", "time of ours", "worlds/s"
    );
    for row in rows {
        let median = median(row.nanos.clone());
        let (times, worlds) = match row.work.and_then(|work| Some((work.worlds?, work.events))) {
            None => (format!("{:.2}", row.times(&rows[0])), String::new()),
            Some((worlds, events)) => {
                let rate = 1e9 / median * worlds as f64 / events as f64;
                (String::new(), format!("{rate:.1}"))
            }
        };
        println!(
            "{:46} {:>11.0} {:>9.0} {:>9.0} {times:>13} {worlds:>10}",
            row.name,
            1e9 / median,
            row.best(),
            median
        );
    }
    println!(
        "\na second and worlds/s are by the median; time of ours is the median of the turns' ratios.\n\
         A world without its engine has its checkers, goals, decisions and trace hash, and its nodes are functions that are called;\n\
         those of bach and turmoil are tasks behind sockets, and nothing looks on.\n\
         turmoil runs every node in each tick, so its time rises with the time that passes and not with datagrams alone."
    );
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
