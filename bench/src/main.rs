//! Datagrams per second of one ping-pong program on a world without its engine, on turmoil and on bach, and beside them worlds per
//! second with the engine, in one run:
//!
//!     cargo run --release --manifest-path bench/Cargo.toml
//!
//! Machines are noisy: the rivals take turns, and what is compared is what ran in one turn. Each run asserts that every datagram was
//! delivered, unchanged, at the time that it should be, or that every world held. `--smoke` runs a little of each and asserts that alone; no time
//! is judged. [`program`] is what they all run, `ours`, `on_turmoil` and `on_bach` are the same on each; `table` prints.

mod on_bach;
mod on_turmoil;
mod ours;
mod program;
mod table;
#[cfg(feature = "worlds")]
mod worlds;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use program::Program;
use table::Row;

/// How often each rival has its turn.
const TURNS: usize = 9;
/// How long a turn is, at least.
const TURN: Duration = Duration::from_millis(200);

/// One thing to time.
struct Rival {
    name: String,
    run: Box<dyn Fn() -> Work>,
}

/// What one run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Work {
    /// Datagrams delivered, or events of worlds.
    events: u64,
    /// Worlds, where it ran whole ones.
    worlds: Option<u64>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => bench(),
        ["--smoke"] => smoke(),
        _ => {
            eprintln!("usage: iaxproof-bench [--smoke]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// All of them, a little of each: what runs asserts that it was right.
fn smoke() {
    for rival in rivals(Program::SMOKE, 2) {
        let work = (rival.run)();
        println!("{}: {} events, as they should be", rival.name, work.events);
    }
}

fn bench() {
    let program = Program::WHOLE;
    let rivals = rivals(program, 100);
    // Once without the clock, for caches and for the allocator.
    for rival in &rivals {
        (rival.run)();
    }
    let mut rows: Vec<_> = rivals.iter().map(|rival| Row::new(&rival.name)).collect();
    for _ in 0..TURNS {
        for (rival, row) in rivals.iter().zip(&mut rows) {
            let (work, elapsed) = timed(rival);
            row.add(work, elapsed);
        }
    }
    table::print(program, TURNS, &rows);
}

/// One turn: as many runs as it takes to fill it, so that what is fast is not timed by its first microseconds. How long one took.
fn timed(rival: &Rival) -> (Work, Duration) {
    let begin = Instant::now();
    for runs in 1.. {
        let work = (rival.run)();
        let elapsed = begin.elapsed();
        if elapsed >= TURN {
            return (work, elapsed / runs);
        }
    }
    unreachable!("time goes on")
}

/// All of them; ours first, for the others are compared with it.
fn rivals(program: Program, seeds: u64) -> Vec<Rival> {
    let ping_pong = |name: String, run: Box<dyn Fn()>| Rival {
        name,
        run: Box::new(move || {
            run();
            Work {
                events: program.datagrams(),
                worlds: None,
            }
        }),
    };
    let turmoil = format!("turmoil {}", table::version("turmoil"));
    let bach = format!("bach {}", table::version("bach"));
    let of_turmoil = |tick| Box::new(move || on_turmoil::run(program, tick)) as Box<dyn Fn()>;
    let [one_ms, latency] = [Duration::from_millis(1), program::LATENCY];
    let mut rivals = vec![
        ping_pong(
            "a world without its engine".to_owned(),
            Box::new(move || ours::run(program)),
        ),
        ping_pong(bach, Box::new(move || on_bach::run(program))),
        ping_pong(
            format!("{turmoil}, ticks of 1 ms (its default)"),
            of_turmoil(one_ms),
        ),
        ping_pong(
            format!("{turmoil}, ticks of 10 ms (the latency)"),
            of_turmoil(latency),
        ),
    ];
    rivals.extend(with_engine(seeds));
    rivals
}

/// The worlds of the first so many seeds, of both kinds.
#[cfg(feature = "worlds")]
fn with_engine(seeds: u64) -> Vec<Rival> {
    let kinds = [
        ("worlds with the engine, on one stack", worlds::Kind::Stack),
        (
            "worlds with the engine, with threads",
            worlds::Kind::Threads,
        ),
    ];
    let rival = |(name, kind): (&str, _)| Rival {
        name: name.to_owned(),
        run: Box::new(move || worlds::run(kind, seeds)),
    };
    kinds.into_iter().map(rival).collect()
}

/// None: this was built without them.
#[cfg(not(feature = "worlds"))]
fn with_engine(_seeds: u64) -> Vec<Rival> {
    Vec::new()
}
