//! `iaxproof plan`: prints the plan of a seed, or of a token or file, as the text that `iaxproof replay` runs.

use clap::Args;
use iaxproof_models::Design;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::plan::expect::Expect;
use iaxproof_sim::plan::token::TOKEN_PREFIX;
use iaxproof_sim::report::View;

use crate::error::Error;
use crate::report::Verdict;
use crate::sim::world;

/// How to read and write it, in short; sim/scenarios/README.md has all of it.
const HEAD: &str = "\
# A plan of a simulated world; `iaxproof replay FILE` runs it. sim/scenarios/README.md explains every field, and the
# scenarios beside it are plans to begin from.
#
# topology        Who is there. Client n uses server n mod servers, and has account pN.
# configurations  What servers can be told to reload; they begin with the first.
# operations      What clients and operators do, and when.
# partitions      Datagrams of one direction that are all lost for a while.
# explore = true  Draw all else from `seed`, at the rates (of a thousand) that stand in options.
# explore = false Nothing else goes wrong than what `decisions` lists, as `DOMAIN WHO NTH = VALUE`, for example
#                 `network 2 5 = 1`: of datagrams from node 0 to node 2, the sixth is lost.
# heal_ms         From here on nothing goes wrong, and everything has to recover.
# expect          What becomes of it: `--record` writes this, and `replay` says whether it still applies.

";

/// Print a plan as text that can be read, changed and replayed.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// A seed, the token of a world, or a file that holds a token or a plan.
    what: String,
    /// The plan of the seed for servers with threads.
    #[arg(long)]
    threads: bool,
    /// Run it first, and print every decision that was taken, and what came of it as what is expected from now on.
    #[arg(long)]
    record: bool,
}

/// Prints.
///
/// # Errors
///
/// [`Error::Usage`] for what has no plan.
pub(crate) fn run(args: &PlanArgs) -> Result<Verdict, Error> {
    let plan = plan(args.what.trim(), args.threads)?;
    let plan = match args.record {
        true => recorded(&plan)?,
        false => plan,
    };
    print!("{HEAD}{plan}");
    Ok(Verdict::Held)
}

fn plan(what: &str, threads: bool) -> Result<Plan, Error> {
    if let Ok(seed) = what.parse() {
        return Ok(match threads {
            true => Plan::threaded_from_seed(seed),
            false => Plan::from_seed(seed),
        });
    }
    if threads {
        return Err(Error::Usage(
            "--threads is for a seed: a plan names its engine".into(),
        ));
    }
    let held = match what.starts_with(TOKEN_PREFIX) {
        true => what.to_owned(),
        false => std::fs::read_to_string(what).map_err(|error| {
            Error::Usage(format!(
                "{what}: no seed, no token (W1-...) and no file: {error}"
            ))
        })?,
    };
    let plan = match held.trim().starts_with(TOKEN_PREFIX) {
        true => Plan::from_token(held.trim()),
        false => held.parse(),
    };
    plan.map_err(|error| Error::Usage(format!("{what}: {error}")))
}

fn recorded(plan: &Plan) -> Result<Plan, Error> {
    let report = world::run(plan, View::Hash, Design::Shipped)
        .map_err(|why| Error::Broke(format!("the world panics: {why}")))?;
    let expect = Some(Expect::of(&report));
    Ok(Plan {
        expect,
        ..report.plan
    })
}
