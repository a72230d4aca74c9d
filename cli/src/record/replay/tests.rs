//! Two workers without sockets, recorded in this process while they want the same locks, replayed, and bent in what only this package can read.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::WorkerId;
use iaxproof::engine::directory::{Role, TokenKey};
use iaxproof::engine::settings::{Configuration, General, Name, Settings};
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, FormatSet, FullFrame, IaxCommand, IeBuffer, InformationElement, SeqNo,
    Timestamp,
};

use super::*;
use crate::record::Tape;
use crate::record::coded::Coded;
use crate::record::file::{self, Entry, Frame, Header};
use crate::record::hand::Switch;
use crate::record::input::Input;
use crate::record::writer::Taping;
use crate::serve::dialplan::Dialplan;
use crate::serve::operator::reload;

/// Calls that come to each worker.
const CALLS: u16 = 300;
const WORKERS: [Actor; 2] = [Actor::worker(WorkerId(0)), Actor::worker(WorkerId(1))];

/// How the recordings of these tests begin.
pub(super) fn header() -> Header {
    Header {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: file::BUILD.to_owned(),
        unix_time_at_zero: 946_684_800,
        ping_interval: Duration::from_secs(21),
        lagrq_interval: Duration::from_secs(10),
        hash_key: (1, 2),
        token_key: TokenKey([3; 32]),
        has_database: false,
        seeds: vec![[4; 32], [5; 32]],
        rules: Dialplan::built_in().rules(),
        music: None,
    }
}

fn configuration() -> Configuration {
    let guest = Name::new("guest").unwrap();
    Configuration {
        general: General {
            token_optional: vec!["0.0.0.0/0".parse().unwrap()],
            ..General::default()
        },
        entries: vec![Settings::new(Role::User, guest)],
    }
}

/// The NEW of a guest.
fn call(number: u16) -> Box<[u8]> {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Version(2))
        .push(InformationElement::CalledNumber(b"echo"))
        .push(InformationElement::Username(b"guest"))
        .push(InformationElement::Capability(FormatSet(4).0 as u32))
        .push(InformationElement::Format(4));
    let frame = FullFrame {
        source: CallNumber::from_word(number + 1),
        destination: CallNumber::ZERO,
        retransmission: false,
        timestamp: Timestamp(1),
        oseqno: SeqNo(0),
        iseqno: SeqNo(0),
        body: Body::Iax {
            command: IaxCommand::New,
            ies: ies.view(),
        },
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets.into()
}

/// Both workers take their calls at once.
fn record(path: &Path) {
    let (header, taping) = (header(), Taping::begin(path, header()).unwrap());
    let stage = Stage::of(&header).unwrap();
    let mut tape = taping.tape(Actor::START);
    reload(&stage.catalog, configuration(), &mut tape);
    tape.flush();
    std::thread::scope(|scope| {
        for actor in WORKERS {
            let (stage, header, tape) = (&stage, &header, taping.tape(actor));
            scope.spawn(move || work(stage, header, actor, tape));
        }
    });
    taping.finish();
}

fn work(stage: &Stage, header: &Header, actor: Actor, mut tape: Tape) {
    let mut worker = stage.worker(header, actor).unwrap();
    for number in 0..CALLS {
        let now = Instant::from_millis(u64::from(number));
        let from = SocketAddr::from(([192, 0, 2, actor.0 as u8], 4_000 + number));
        let octets = call(number);
        for input in [Input::Came { now, from, octets }, Input::Turn { now }] {
            tape.begin(|| input.clone());
            let outputs = worker.act(input).unwrap();
            outputs.into_iter().for_each(|output| tape.note(|| output));
            tape.end();
        }
        tape.flush();
        std::thread::yield_now();
    }
}

/// All that an actor was given, as it was recorded, with something changed.
fn bent(path: &Path, actor: Actor, bend: impl FnOnce(&mut Vec<Entry>)) {
    let recorded = Recorded::read(path).unwrap();
    let mut content = Vec::new();
    recorded.header.write(&mut content);
    let mut out = file::beginning();
    file::frame(0, &content, &mut out);
    let (mut bend, mut number) = (Some(bend), 1);
    let mut add = |frame: Frame, entries: Vec<Entry>| {
        content.clear();
        frame.write(&mut content);
        entries.iter().for_each(|entry| entry.write(&mut content));
        file::frame(number, &content, &mut out);
        number += 1;
    };
    for of in recorded.actors() {
        let mut entries: Vec<Entry> = recorded.entries(of).map(Option::unwrap).collect();
        if let Some(bend) = bend.take_if(|_| of == actor) {
            bend(&mut entries);
        }
        add(Frame::Inputs(of, entries.len() as u64), entries);
    }
    let file::Ending::Whole(sums) = recorded.ending else {
        panic!("{:?}", recorded.ending);
    };
    add(Frame::End(sums.into_iter().collect()), Vec::new());
    std::fs::write(path, out).unwrap();
}

fn switches(entries: &mut [Entry]) -> Vec<&mut Switch> {
    let all = entries.iter_mut().flat_map(|it| &mut it.switches);
    all.collect()
}

#[test]
fn workers_that_want_the_same_locks_replay_and_in_another_order_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record");
    record(&path);
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(run(&path, false).unwrap(), Verdict::Held);
    let read = Recorded::read(&path).unwrap();
    assert_eq!(read.inputs, 1 + 4 * u64::from(CALLS));
    bent(&path, WORKERS[0], |_| {});
    assert_eq!(run(&path, false).unwrap(), Verdict::Held);
    // Two locks that changed hands, in the other order.
    bent(&path, WORKERS[0], |entries| {
        let mut all = switches(entries);
        assert!(all.len() > 9, "{} locks changed hands", all.len());
        let middle = all.len() / 2;
        let (earlier, later) = all.split_at_mut(middle);
        core::mem::swap(&mut earlier[middle - 1].taken, &mut later[0].taken);
    });
    assert_eq!(run(&path, false).unwrap(), Verdict::Failed);
    // One that is said not to have changed hands.
    std::fs::write(&path, &whole).unwrap();
    bent(&path, WORKERS[1], |entries| {
        let entry = entries.iter_mut().filter(|it| !it.switches.is_empty());
        entry.last().unwrap().switches.clear();
    });
    assert_eq!(run(&path, false).unwrap(), Verdict::Failed);
    // An input that is left out.
    std::fs::write(&path, &whole).unwrap();
    bent(&path, WORKERS[1], |entries| {
        drop(entries.remove(entries.len() / 2))
    });
    assert_eq!(run(&path, false).unwrap(), Verdict::Failed);
}

#[test]
fn another_builds_recording_that_parts_is_not_a_failure_of_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record");
    record(&path);
    let mut octets = std::fs::read(&path).unwrap();
    let (found, other) = (file::BUILD.as_bytes(), [b'0'; 16]);
    let at = octets
        .windows(found.len())
        .position(|it| it == found)
        .unwrap();
    octets[at..at + found.len()].copy_from_slice(&other[..found.len()]);
    let first = file::beginning().len();
    let len = u32::from_le_bytes(octets[first..first + 4].try_into().unwrap()) as usize;
    let mut frame = Vec::new();
    file::frame(0, &octets[first + 12..first + 12 + len], &mut frame);
    octets[first..first + 12 + len].copy_from_slice(&frame);
    std::fs::write(&path, octets).unwrap();
    assert_eq!(run(&path, false).unwrap(), Verdict::Held);
    bent(&path, WORKERS[0], |entries| {
        entries.truncate(entries.len() / 2)
    });
    assert_eq!(run(&path, false).unwrap(), Verdict::Broke);
}

#[test]
fn a_thread_that_panics_leaves_the_input_that_it_panicked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record");
    let taping = Taping::begin(&path, header()).unwrap();
    let mut tape = taping.tape(WORKERS[0]);
    let thread = std::thread::spawn(move || {
        let now = Instant::ZERO;
        tape.begin(|| Input::Timeout { now });
        panic!("as a test wants it");
    });
    assert!(thread.join().is_err());
    taping.finish();
    let read = Recorded::read(&path).unwrap();
    let entries: Vec<_> = read.entries(WORKERS[0]).map(Option::unwrap).collect();
    assert!(matches!(
        entries[..],
        [Entry {
            input: Input::Timeout { .. },
            ..
        }]
    ));
}
