//! Explores scenarios with both explorers and prints what each saw: `cargo run --release -p iaxproof-models --example
//! explore [part of a name]`. For those who write scenarios; proofs are the command's.

use core::time::Duration;
use std::time::Instant;

use iaxproof_models::explore::Stop;
use iaxproof_models::proof::word;
use iaxproof_models::{Design, End, Engine, Exploration, Scenario, scenarios, token};

/// How long one exploration may take.
const ALLOWED: Duration = Duration::from_secs(20);

fn main() {
    let part = std::env::args().nth(1).unwrap_or_default();
    for scenario in scenarios().filter(|scenario| scenario.name.contains(&part)) {
        for design in scenario.designs() {
            show(scenario, design);
        }
    }
}

fn show(scenario: &Scenario, design: Design) {
    println!("{} on {}", scenario.name, design.name());
    let Some(loom) = timed(scenario, design, Engine::Loom) else {
        return;
    };
    let Some(shuttle) = timed(scenario, design, Engine::Shuttle) else {
        return;
    };
    println!("  {}", word(scenario, design, &loom, Some(&shuttle)));
    if let End::Failed(finding) = &shuttle.end {
        let token = token::shorten(scenario, design, finding);
        println!("  {token}");
        if let Ok(replay) = token::replay_token(&token.to_string()) {
            println!("{}", replay.table);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the limit of an exploration is the caller's clock"
)]
fn timed(scenario: &Scenario, design: Design, engine: Engine) -> Option<Exploration> {
    let start = Instant::now();
    let stop: Stop = Box::new(move || start.elapsed() > ALLOWED);
    let seen = scenario.explore(design, engine, stop)?;
    println!(
        "  {engine:?}: {} executions, {:.2} s, {} steps, {} threads, {:?}\n    {:?}",
        seen.executions,
        start.elapsed().as_secs_f64(),
        seen.steps_max,
        seen.threads_max,
        kind(&seen.end),
        seen.outcomes
    );
    Some(seen)
}

fn kind(end: &End) -> &str {
    match end {
        End::Exhausted => "exhausted",
        End::Stopped(why) => why,
        End::Failed(finding) => &finding.message,
    }
}
