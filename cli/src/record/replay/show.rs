//! What is said of a replay.

use std::collections::BTreeMap;

use serde_json::json;

use super::actor::{Played, Stop};
use crate::record::file::{BUILD, Ending, Recorded, Sum};
use crate::record::hand::{Actor, Parted};
use crate::report::{Verdict, grouped};

/// What became of all actors.
pub(super) struct Summary {
    version: String,
    build: String,
    ending: Ending,
    workers: usize,
    /// How much was recorded.
    inputs: u64,
    played: Vec<(Actor, Played)>,
}

impl Summary {
    /// What a recording says, beside what was played of it.
    pub(super) fn of(recorded: &Recorded, played: Vec<(Actor, Played)>) -> Self {
        let header = &recorded.header;
        Summary {
            version: header.version.clone(),
            build: header.build.clone(),
            ending: recorded.ending.clone(),
            workers: header.seeds.len(),
            inputs: recorded.inputs,
            played,
        }
    }

    /// Whether the same sources recorded it.
    fn is_ours(&self) -> bool {
        self.build == BUILD
    }

    /// Failed where the same sources did something else, and broke where other sources did.
    pub(super) fn verdict(&self) -> Verdict {
        match self.parts().is_none() {
            true => Verdict::Held,
            false if self.is_ours() => Verdict::Failed,
            false => Verdict::Broke,
        }
    }

    /// Where it parts from what was recorded: whoever did first, not those who were told to stop then.
    fn parts(&self) -> Option<String> {
        let stops = self.played.iter();
        let mut stops = stops.filter_map(|(actor, it)| Some((actor, it.sum, it.stop.as_ref()?)));
        let first = stops.find(|(.., stop)| self.is_wrong(&stop.why));
        let stopped = first.map(|(actor, sum, stop)| told(*actor, sum, stop));
        stopped.or_else(|| self.another_sum())
    }

    /// Of a recording without an end, somebody waits in the end for what is not in it.
    fn is_wrong(&self, why: &Parted) -> bool {
        match why {
            Parted::Here(_) => true,
            Parted::Stalled(_) => matches!(self.ending, Ending::Whole(_)),
            Parted::Elsewhere => false,
        }
    }

    fn another_sum(&self) -> Option<String> {
        let Ending::Whole(sums) = &self.ending else {
            return None;
        };
        let played: BTreeMap<Actor, Sum> = self.sums().collect();
        let (actor, sum) = sums
            .iter()
            .find(|(actor, sum)| played.get(actor) != Some(sum))?;
        let (inputs, hash) = (grouped(sum.inputs), sum.hash);
        Some(format!(
            "{actor} had {inputs} inputs and the hash {hash:016x} when it was recorded"
        ))
    }

    fn sums(&self) -> impl Iterator<Item = (Actor, Sum)> {
        self.played.iter().map(|(actor, it)| (*actor, it.sum))
    }

    fn done(&self) -> u64 {
        self.sums().map(|(_, sum)| sum.inputs).sum()
    }

    /// What is to be known besides.
    fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if !self.is_ours() {
            let (version, build) = (&self.version, &self.build);
            notices.push(format!(
                "recorded by another build: {version}, sources {build}; this one has {BUILD}"
            ));
        }
        match &self.ending {
            Ending::Whole(_) => {}
            Ending::Gap(why) => notices.push(format!(
                "the recording ends before the server did: {why}"
            )),
            Ending::Torn(at) => notices.push(format!(
                "the recording is torn: its last whole part ends at octet {}, as where a server was killed",
                grouped(*at as u64)
            )),
        }
        let left = self.inputs - self.done();
        if left > 0 && self.parts().is_none() {
            notices.push(format!(
                "{} inputs wait for others that are not in it",
                grouped(left)
            ));
        }
        notices
    }

    /// Prints it, for people or for programs.
    pub(super) fn print(&self, json: bool) {
        match json {
            true => self.print_json(),
            false => print!("{}", self.text()),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for notice in self.notices() {
            text += &format!("{notice}\n");
        }
        for (actor, sum) in self.sums() {
            let (actor, inputs) = (actor.to_string(), grouped(sum.inputs));
            text += &format!("{actor:<20} {inputs:>12} inputs   {:016x}\n", sum.hash);
        }
        let (done, all) = (grouped(self.done()), grouped(self.inputs));
        text + &match self.parts() {
            None => format!("held: {done} of {all} inputs, and the hashes that were recorded\n"),
            Some(parts) => format!("same-again FAILED: {parts}\n"),
        }
    }

    fn print_json(&self) {
        let hashes: BTreeMap<String, String> = self
            .sums()
            .map(|(actor, sum)| (actor.to_string(), format!("{:016x}", sum.hash)))
            .collect();
        println!(
            "{}",
            json!({
                "verdict": self.verdict(),
                "property": self.parts().map(|_| "same-again"),
                "message": self.parts(),
                "workers": self.workers,
                "inputs": self.inputs,
                "replayed": self.done(),
                "hashes": hashes,
                "is_whole": matches!(self.ending, Ending::Whole(_)),
                "notices": self.notices(),
            })
        );
    }
}

/// Where an actor left the recording, and why.
fn told(actor: Actor, sum: Sum, stop: &Stop) -> String {
    let number = grouped(sum.inputs + 1);
    let at = stop.at.map_or_else(String::new, |at| {
        format!(", at {:.6} s", at.as_micros() as f64 / 1e6)
    });
    let why = match &stop.why {
        Parted::Here(why) | Parted::Stalled(why) => why,
        Parted::Elsewhere => "another parted",
    };
    format!(
        "{actor} parts from the recording at its input {number} ({}{at}): {why}",
        stop.input
    )
}
