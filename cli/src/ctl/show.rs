//! Answers for people: a table for each.

use super::protocol::{Answer, Call, Peer, Pruned, Registration, Stats, Traced, User};
use crate::table::{Align, Table};

/// What stands for nothing.
const NONE: &str = "-";

/// An answer that is not an error.
pub(super) fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Reloaded(it) => format!(
            "configuration {} is in force: {} peers, {} users\n",
            it.serial, it.peers, it.users
        ),
        Answer::Peers(rows) => peers(rows).to_string(),
        Answer::Users(rows) => users(rows).to_string(),
        Answer::Calls(rows) => calls(rows).to_string(),
        Answer::Registry(rows) => registry(rows).to_string(),
        Answer::Pruned(it) => pruned(it),
        Answer::Unregistered(it) => format!("{}: {}\n", it.name.escape_debug(), it.outcome),
        Answer::Stats(it) => stats(it).to_string(),
        Answer::Tracing(it) => format!("call {} with {}\n", it.call, it.peer),
        Answer::Error(why) => format!("{why}\n"),
    }
}

/// A line of a trace: `12 1250.000000 192.0.2.1:4569 -> 192.0.2.2:4569 Mini  2 ts 80, 160 octets`.
pub(super) fn traced(number: u64, traced: &Traced) -> String {
    match traced {
        Traced::Frame(it) => format!(
            "{number} {:.6} {} -> {} {}",
            it.time, it.source, it.destination, it.line
        ),
        Traced::Lost(count) => format!("{count} frames were lost here: they came too fast"),
        Traced::Over => "the call is over".to_owned(),
    }
}

fn peers(rows: &[Peer]) -> Table {
    let mut table = Table::new([
        ("name", Align::Left),
        ("address", Align::Left),
        ("standing", Align::Left),
        ("expires", Align::Right),
        ("qualify", Align::Left),
        ("origin", Align::Left),
        ("references", Align::Right),
    ]);
    for row in rows {
        table.push([
            text(&row.name),
            or_none(row.address.as_deref()),
            row.standing.clone(),
            seconds(row.expires_seconds),
            row.qualify.clone(),
            row.origin.clone(),
            row.references.to_string(),
        ]);
    }
    table
}

fn users(rows: &[User]) -> Table {
    let mut table = Table::new([
        ("name", Align::Left),
        ("auth", Align::Left),
        ("context", Align::Left),
        ("challenged", Align::Right),
        ("origin", Align::Left),
        ("references", Align::Right),
    ]);
    for row in rows {
        table.push([
            text(&row.name),
            row.auth.clone(),
            text(&row.context),
            row.challenged.to_string(),
            row.origin.clone(),
            row.references.to_string(),
        ]);
    }
    table
}

fn calls(rows: &[Call]) -> Table {
    let mut table = Table::new([
        ("call", Align::Left),
        ("peer", Align::Left),
        ("name", Align::Left),
        ("dir", Align::Left),
        ("number", Align::Left),
        ("format", Align::Left),
        ("time", Align::Right),
        ("state", Align::Left),
        ("bridged", Align::Left),
    ]);
    for row in rows {
        table.push([
            row.call.clone(),
            row.peer.clone(),
            or_none(row.name.as_deref()),
            row.direction.clone(),
            text(&row.number),
            or_none(row.format.as_deref()),
            clock(row.seconds),
            row.state.clone(),
            or_none(row.bridged.as_deref()),
        ]);
    }
    table
}

fn registry(rows: &[Registration]) -> Table {
    let mut table = Table::new([
        ("host", Align::Left),
        ("username", Align::Left),
        ("perceived", Align::Left),
        ("refresh", Align::Right),
        ("next", Align::Right),
        ("state", Align::Left),
    ]);
    for row in rows {
        table.push([
            row.host.clone(),
            text(&row.username),
            or_none(row.perceived.as_deref()),
            seconds(Some(row.refresh_seconds)),
            seconds(row.next_seconds),
            row.state.clone(),
        ]);
    }
    table
}

fn pruned(it: &Pruned) -> String {
    format!(
        "{}: peer {}, user {}\n",
        it.name.escape_debug(),
        it.peer,
        it.user
    )
}

fn stats(it: &Stats) -> Table {
    let mut table = Table::new([("figure", Align::Left), ("count", Align::Right)]);
    let mut push = |name: String, value: u64| table.push([name, value.to_string()]);
    push("uptime, seconds".to_owned(), it.uptime_seconds);
    push("workers".to_owned(), it.workers as u64);
    push("peers".to_owned(), it.peers as u64);
    push("users".to_owned(), it.users as u64);
    push("addresses".to_owned(), it.addresses as u64);
    push("references".to_owned(), it.references as u64);
    for figure in it.counts.figures() {
        push(figure.name.replace('_', " "), figure.value);
    }
    for (reason, count) in &it.counts.dropped {
        push(format!("dropped: {}", reason.replace('_', " ")), *count);
    }
    push("batches".to_owned(), it.counts.batches.total());
    push("audio gaps".to_owned(), it.counts.audio_gaps.total());
    table
}

/// Names come from files and from the network.
fn text(text: &str) -> String {
    text.escape_debug().to_string()
}

fn or_none(value: Option<&str>) -> String {
    value.map_or_else(|| NONE.to_owned(), text)
}

fn seconds(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| NONE.to_owned(), |it| format!("{it} s"))
}

/// Hours, minutes and seconds.
fn clock(seconds: u64) -> String {
    let (minutes, second) = (seconds / 60, seconds % 60);
    format!("{}:{:02}:{second:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_network_cannot_forge_a_row() {
        let row = Call {
            worker: 0,
            call: "3#7".to_owned(),
            peer: "192.0.2.1:4569".to_owned(),
            name: Some("a\x1b[2J".to_owned()),
            number: "100\nforged".to_owned(),
            direction: "in".to_owned(),
            format: None,
            seconds: 3_725,
            state: "Up".to_owned(),
            is_encrypted: false,
            bridged: None,
        };
        let shown = answer(&Answer::Calls(vec![row]));
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(
            shown.contains("100\\nforged") && shown.contains("1:02:05"),
            "{shown}"
        );
        assert!(!shown.contains('\x1b'), "{shown}");
    }
}
