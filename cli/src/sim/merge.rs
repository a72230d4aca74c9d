//! `iaxproof merge`: adds up what the shards of one sweep found, and reports it as if one had swept all of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::error::Error;
use crate::report::Verdict;

use super::shard::{Of, ShardResult};
use super::sweep::{Found, Worlds};
use super::{report, usual_place};

/// Add up what the shards of one sweep found.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The files that `iaxproof sim --shard` wrote, one for each shard, in any order.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where the plans of failures go; else target/iaxproof-plans, or the folder for temporary files.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Merges and prints.
///
/// # Errors
///
/// [`Error::Usage`] where the files are not the shards of one sweep, of this build, each once.
pub(crate) fn run(args: &MergeArgs, json: bool) -> Result<Verdict, Error> {
    let shards = args.files.iter().map(|file| Named::read(file));
    let merged = merge(shards.collect::<Result<_, Error>>()?)?;
    if !json {
        merged.repeats.iter().for_each(|words| println!("{words}"));
        println!("{} shards, seconds added up", merged.shards);
    }
    let out = args.out.clone().unwrap_or_else(usual_place);
    report(&merged.found, merged.worlds, &out, json)
}

/// A shard, and the file that it is in.
#[derive(Debug)]
struct Named {
    file: PathBuf,
    result: ShardResult,
}

/// What the shards come to.
#[derive(Debug)]
struct Merged {
    worlds: Worlds,
    found: Found,
    shards: usize,
    /// Which files say again what another says.
    repeats: Vec<String>,
}

impl Named {
    fn read(file: &Path) -> Result<Self, Error> {
        Ok(Named {
            file: file.to_owned(),
            result: ShardResult::read(file)?,
        })
    }

    fn refused(&self, why: &str) -> Error {
        Error::Usage(format!("{}: {why}", self.file.display()))
    }
}

fn merge(mut shards: Vec<Named>) -> Result<Merged, Error> {
    let Some(first) = shards.first() else {
        return Err(Error::Usage("no file to merge".into()));
    };
    let of = first.result.sweep.clone();
    let worlds = of.worlds();
    let worlds = worlds.ok_or_else(|| first.refused("its design is none of this build"))?;
    let this = Of::this_build(worlds, of.range.clone());
    same_build(first, &this)?;
    for shard in &shards {
        same_sweep(shard, first)?;
    }
    shards.sort_by_key(|shard| (shard.result.seeds.start, shard.result.seeds.end));
    let repeats = take_repeats_out(&mut shards)?;
    tiles(&shards, &of)?;
    let mut found = Found {
        seeds: of.range,
        ..Found::default()
    };
    for shard in &shards {
        let part = shard.result.found().map_err(|why| shard.refused(&why))?;
        found.elapsed = found
            .elapsed
            .checked_add(part.elapsed)
            .unwrap_or(Duration::MAX);
        found.add(part);
    }
    Ok(Merged {
        worlds,
        found,
        shards: shards.len(),
        repeats,
    })
}

/// The plans that are written and the commands that are printed are for the build that does it.
fn same_build(shard: &Named, this: &Of) -> Result<(), Error> {
    let of = &shard.result.sweep;
    match (&of.version, &of.sources) == (&this.version, &this.sources) {
        true => Ok(()),
        false => Err(shard.refused(&format!(
            "by version {} of the sources {}, and this command is version {} of {}",
            of.version, of.sources, this.version, this.sources
        ))),
    }
}

fn same_sweep(shard: &Named, first: &Named) -> Result<(), Error> {
    let (one, other) = (&shard.result.sweep, &first.result.sweep);
    let differs = |what: &str, one: &str, other: &str| {
        Err(shard.refused(&format!(
            "of another sweep than {}: {what} {one}, not {other}",
            first.file.display()
        )))
    };
    if (&one.version, &one.sources) != (&other.version, &other.sources) {
        let build = |of: &Of| format!("{} of the sources {}", of.version, of.sources);
        return differs("version", &build(one), &build(other));
    }
    if one.design != other.design {
        return differs("design", &one.design, &other.design);
    }
    let drawn = |of: &Of| (of.threads, of.without, of.scheduler);
    if drawn(one) != drawn(other) {
        return differs("worlds", &mode(one), &mode(other));
    }
    if one.range != other.range {
        let range = |of: &Of| format!("{:?}", of.range);
        return differs("seeds", &range(one), &range(other));
    }
    Ok(())
}

fn mode(of: &Of) -> String {
    let threads = if of.threads {
        "with threads"
    } else {
        "without threads"
    };
    let without = of.without.map(|it| format!(", without {it:?}"));
    let scheduler = of.scheduler.map(|it| format!(", drawn by {}", it.name()));
    let more = [without, scheduler].map(Option::unwrap_or_default).concat();
    format!("{threads}{more}").to_lowercase()
}

/// A shard that was queued again may have been done twice. That is no harm where both say the same.
fn take_repeats_out(shards: &mut Vec<Named>) -> Result<Vec<String>, Error> {
    let mut words = Vec::new();
    let mut kept: Vec<Named> = Vec::new();
    for shard in shards.drain(..) {
        let Some(before) = kept
            .last()
            .filter(|it| it.result.seeds == shard.result.seeds)
        else {
            kept.push(shard);
            continue;
        };
        if !before.result.is_again(&shard.result) {
            return Err(shard.refused(&format!(
                "the same shard as {}, with another result: one of them is damaged, or a world is not what its seed says",
                before.file.display()
            )));
        }
        words.push(format!(
            "{}: the same shard and result as {}, counted once",
            shard.file.display(),
            before.file.display()
        ));
    }
    *shards = kept;
    Ok(words)
}

/// Whether the seeds follow each other from the first to the last of the range.
fn tiles(shards: &[Named], of: &Of) -> Result<(), Error> {
    let mut next = of.range.start;
    for (i, shard) in shards.iter().enumerate() {
        let seeds = &shard.result.seeds;
        if seeds.start > next {
            return Err(shard.refused(&format!(
                "the seeds {next}..{} before it are missing",
                seeds.start
            )));
        }
        if seeds.start < next {
            let before = &shards[i - 1];
            return Err(shard.refused(&format!(
                "its seeds {seeds:?} overlap with {:?} of {}",
                before.result.seeds,
                before.file.display()
            )));
        }
        next = seeds.end;
    }
    match (next < of.range.end, shards.last()) {
        (true, Some(last)) => Err(last.refused(&format!(
            "the seeds {next}..{} after it are missing",
            of.range.end
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::seeds::Shard;
    use super::super::sweep::{PanicGroup, sweep};
    use super::*;
    use iaxproof_models::Design;
    use iaxproof_sim::schedule::Scheduler;

    const SHARDS: u64 = 3;

    fn worlds() -> Worlds {
        Worlds::of(Design::Specimen2007)
    }

    /// A shard of `0..40`, by way of its file.
    fn shard(index: u64) -> Named {
        let shard = Shard { index, of: SHARDS };
        let found = sweep(&shard.slice(&(0..40)).unwrap(), 1, worlds()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(format!("made/{index}.json"));
        let result = ShardResult::new(Of::this_build(worlds(), 0..40), shard, &found);
        result.write(&file).unwrap();
        let read = ShardResult::read(&file).unwrap();
        assert_eq!(read, result);
        let left = std::fs::read_dir(file.parent().unwrap()).unwrap();
        assert_eq!(left.count(), 1, "nothing is left beside it");
        Named {
            file: format!("{index}.json").into(),
            result: read,
        }
    }

    fn again(shard: &Named, file: &str) -> Named {
        Named {
            file: file.into(),
            result: shard.result.clone(),
        }
    }

    fn words(shards: Vec<Named>) -> String {
        merge(shards).unwrap_err().to_string()
    }

    #[test]
    fn shards_in_any_order_come_to_what_one_sweep_finds() {
        let whole = sweep(&(0..40), 2, worlds()).unwrap();
        assert!(!whole.sweep.failures.is_empty(), "the specimen fails");
        let merged = merge(vec![shard(2), shard(3), shard(1)]).unwrap();
        assert_eq!(merged.found.sweep, whole.sweep);
        assert_eq!(merged.found.seeds, whole.seeds);
        assert_eq!((merged.shards, merged.repeats.len()), (3, 0));
    }

    #[test]
    fn a_shard_that_was_done_twice_counts_once_where_both_say_the_same() {
        let all = || vec![shard(1), shard(2), shard(3)];
        let mut twice = again(&all()[1], "twice.json");
        twice.result.seconds += 7.0;
        let mut shards = all();
        shards.push(again(&twice, "twice.json"));
        let merged = merge(shards).unwrap();
        assert_eq!(merged.found.sweep.worlds, 40);
        assert_eq!(
            merged.repeats,
            ["twice.json: the same shard and result as 2.json, counted once"]
        );
        twice.result.decisions += 1;
        let mut shards = all();
        shards.push(twice);
        let refused = words(shards);
        let said = "twice.json: the same shard as 2.json, with another result";
        assert!(refused.starts_with(said), "{refused}");
    }

    #[test]
    fn a_gap_names_its_seeds_and_the_file_beside_it() {
        let [one, two, three] = [1, 2, 3].map(shard);
        let refused = words(vec![again(&one, "1.json"), again(&three, "3.json")]);
        assert_eq!(refused, "3.json: the seeds 13..26 before it are missing");
        let refused = words(vec![again(&two, "2.json"), three]);
        assert_eq!(refused, "2.json: the seeds 0..13 before it are missing");
        let refused = words(vec![one, two]);
        assert_eq!(refused, "2.json: the seeds 26..40 after it are missing");
    }

    #[test]
    fn slices_of_another_cut_overlap() {
        let mut half = shard(1);
        half.result.shard = Shard { index: 1, of: 2 };
        half.result.seeds = 0..20;
        half.file = "half.json".into();
        let refused = words(vec![half, shard(2), shard(3)]);
        let said = "2.json: its seeds 13..26 overlap with 0..20 of half.json";
        assert_eq!(refused, said);
    }

    #[test]
    fn what_is_of_another_sweep_is_refused_by_its_file() {
        let [one, other] = [1, 2].map(shard);
        let refused = |bend: fn(&mut Of)| {
            let mut bent = again(&other, "2.json");
            bend(&mut bent.result.sweep);
            words(vec![again(&one, "1.json"), bent])
        };
        for (refused, what) in [
            (
                refused(|of| of.version = "0.0.9".into()),
                "version 0.0.9 of the sources",
            ),
            (
                refused(|of| of.sources = "beef".into()),
                "of the sources beef, not",
            ),
            (
                refused(|of| of.design = "shipped".into()),
                "design shipped, not 2007",
            ),
            (
                refused(|of| of.threads = true),
                "worlds with threads, not without threads",
            ),
            (
                refused(|of| of.without = Some(super::super::Without::Faults)),
                "without faults, not",
            ),
            (
                refused(|of| of.scheduler = Some(Scheduler::Pct)),
                "without threads, drawn by pct, not without threads",
            ),
            (refused(|of| of.range = 0..41), "seeds 0..41, not 0..40"),
        ] {
            let said = "2.json: of another sweep than 1.json: ";
            assert!(
                refused.starts_with(said) && refused.contains(what),
                "{refused}"
            );
        }
        let bend = |mut shard: Named| {
            shard.result.sweep.sources = "beef".into();
            shard
        };
        let refused = words(vec![bend(one), bend(other)]);
        assert!(refused.starts_with("1.json: by version "), "{refused}");
        assert!(
            refused.contains("and this command is version "),
            "{refused}"
        );
    }

    #[test]
    fn a_file_that_is_not_what_it_says_is_refused_by_its_name() {
        let text = serde_json::to_string(&shard(2).result).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it.json");
        let refused = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}: {text}");
            std::fs::write(&file, text.replace(from, to)).unwrap();
            ShardResult::read(&file).unwrap_err().to_string()
        };
        for (refused, what) in [
            (
                refused("\"schema\":3", "\"schema\":1"),
                "has schema 1, this build reads schema 3",
            ),
            (
                refused("\"worlds\":13,\"run", "\"worlds\":12,\"run"),
                "12 worlds and 0 that panicked",
            ),
            (
                refused("\"index\":2", "\"index\":1"),
                "has the seeds 0..13, not 13..26",
            ),
            (
                refused("\"index\":2", "\"index\":0"),
                "shard 0/3 of 0..40 is none",
            ),
            (refused("\"panics\":[]}", ""), "no result of a shard: EOF"),
            (
                refused("\"decisions\"", "\"indecisions\""),
                "no result of a shard: unknown field",
            ),
        ] {
            let name = format!("{}: ", file.display());
            assert!(
                refused.starts_with(&name) && refused.contains(what),
                "{refused}"
            );
        }
        let none = ShardResult::read(&folder.path().join("none.json"));
        assert!(
            none.unwrap_err()
                .to_string()
                .contains("none.json: no result")
        );
    }

    #[test]
    fn worlds_that_panicked_are_in_the_file_too() {
        let group = PanicGroup {
            count: 13,
            first_seed: 2,
            words: "no entry".to_owned(),
        };
        let found = Found {
            panics: [("no entry".to_owned(), group)].into(),
            seeds: 0..13,
            ..Found::default()
        };
        let of = Of::this_build(worlds(), 0..40);
        let result = ShardResult::new(of, Shard { index: 1, of: 3 }, &found);
        let file = tempfile::NamedTempFile::new().unwrap();
        result.write(file.path()).unwrap();
        let read = ShardResult::read(file.path()).unwrap().found().unwrap();
        assert_eq!(read.panics, found.panics);
    }
}
