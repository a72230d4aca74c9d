//! Two neighbours in a chain of calls that both want out of it at once (RFC 5456 §6.5): each asks the other to move while it wants
//! to be gone itself. One of them gets out, always, and the other may try again.

use core::time::Duration;

use crate::bench::entry;
use crate::net_bench::Net;
use crate::three_bench::dial;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::TransferPolicy::{Allowed, MediaOnly};
use iaxproof::engine::settings::{Configuration, General, Settings, TransferPolicy};
use iaxproof::engine::{CallId, Event};
use iaxproof::wire::Cause;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// a calls b, which calls c, which calls d; b and c bridge.
struct Chain {
    net: Net,
    /// Both ends of the call between each two.
    calls: [(CallId, CallId); 3],
}

impl Chain {
    fn new(policy: TransferPolicy) -> Self {
        let mut net = Net::new();
        for (name, last) in NAMES.into_iter().zip(1..) {
            let user = Settings {
                transfer: policy,
                ..entry(Role::User, "alice", "wonder")
            };
            let configuration = Configuration {
                general: General::default(),
                entries: vec![user],
            };
            net.add(name, last, configuration);
        }
        let calls = [(0, 2), (1, 3), (2, 4)].map(|(from, last)| {
            let placed = net.at(NAMES[from], |now, it| it.call(now, dial(last, policy)));
            net.pass(Duration::from_millis(200));
            let answerer = NAMES[from + 1];
            let events = net.node(answerer).events.iter();
            let mut offered = events.filter_map(|event| match event {
                Event::Incoming { call, .. } => Some(*call),
                _ => None,
            });
            let offered = offered.next().expect("the call is offered");
            (placed.expect("placed"), offered)
        });
        let mut chain = Chain { net, calls };
        for middle in [1, 2] {
            let (near, far) = chain.legs(middle);
            let bridged = chain
                .net
                .at(NAMES[middle], |now, it| it.bridge(now, near, far));
            bridged.expect("both are accepted");
        }
        let last = chain.calls[2].1;
        let answered = chain.net.at("d", |now, it| it.answer(now, last));
        answered.expect("answers");
        chain.net.pass(Duration::from_millis(200));
        chain
    }

    /// The two legs of b or c.
    fn legs(&self, middle: usize) -> (CallId, CallId) {
        (self.calls[middle - 1].1, self.calls[middle].0)
    }

    /// b or c wants out; the leg on its left leads, or that on its right. Whether it may ask.
    fn transfer(&mut self, middle: usize, is_left_leading: bool) -> bool {
        let (near, far) = self.legs(middle);
        let (a, b) = if is_left_leading {
            (near, far)
        } else {
            (far, near)
        };
        let asked = self.net.at(NAMES[middle], |now, it| it.transfer(now, a, b));
        asked.is_ok()
    }

    /// Both ends speak and hear each other; the nodes that hold a leg of the call.
    fn path(&mut self) -> String {
        let ends = [("a", self.calls[0].0), ("d", self.calls[2].1)];
        let heard = |net: &mut Net, node: &str| {
            let events = net.node(node).events.iter();
            events
                .filter(|it| matches!(it, Event::Voice { .. }))
                .count()
        };
        let before = ends.map(|(node, _)| heard(&mut self.net, node));
        for _ in 0..10 {
            for (node, call) in ends {
                let sent = self
                    .net
                    .at(node, |now, it| it.send_voice(now, call, node.as_bytes()));
                sent.expect("the call goes on");
            }
            self.net.pass(Duration::from_millis(20));
        }
        self.net.pass(Duration::from_millis(100));
        let after = ends.map(|(node, _)| heard(&mut self.net, node));
        for (before, after) in before.into_iter().zip(after) {
            assert!(after - before >= 9, "{}", self.net.ladder);
        }
        let holds = |name: &&str| self.net.node(name).endpoint.counts().calls > 0;
        NAMES.into_iter().filter(holds).collect()
    }

    fn has_failed(&mut self, node: &str) -> bool {
        let mut events = self.net.node(node).events.iter();
        events.any(|event| matches!(event, Event::TransferFailed { .. }))
    }

    fn is_out(&mut self, node: &str) -> bool {
        self.net.node(node).endpoint.counts().calls == 0
    }

    /// a hangs up, and nothing is left anywhere.
    fn end(&mut self) {
        let first = self.calls[0].0;
        let cause = Cause::NORMAL_CLEARING;
        let done = self.net.at("a", |now, it| it.hangup(now, first, cause));
        done.expect("hangs up");
        self.net.pass(Duration::from_secs(80));
        for node in NAMES {
            let counts = self.net.node(node).endpoint.counts();
            assert_eq!((counts.dialogues(), counts.timers), (0, 0), "{node}");
        }
    }
}

/// Whichever leg leads, and whoever begins by how much: one of them is out within a second, and the call goes on. The other is out
/// too when it asks again.
#[test]
fn one_of_two_that_want_out_at_once_gets_out() {
    let mut first_out = [0, 0];
    let mut losers = 0;
    for case in 0..4 {
        let leads = [case & 1 == 0, case & 2 == 0];
        for ahead in -30..=30_i64 {
            let mut chain = Chain::new(Allowed);
            let order = if ahead < 0 { [2, 1] } else { [1, 2] };
            assert!(chain.transfer(order[0], leads[order[0] - 1]));
            chain.net.pass(Duration::from_millis(ahead.unsigned_abs()));
            let both_asked = chain.transfer(order[1], leads[order[1] - 1]);
            chain.net.pass(Duration::from_secs(1));
            let out = [chain.is_out("b"), chain.is_out("c")];
            let context = format!("{case} {ahead}\n{}", chain.net.ladder);
            assert_eq!(out.iter().filter(|is_out| **is_out).count(), 1, "{context}");
            let loser = if out[0] { 2 } else { 1 };
            first_out[2 - loser] += 1;
            if both_asked {
                assert!(chain.has_failed(NAMES[loser]), "{context}");
                losers += 1;
            }
            assert_eq!(chain.path(), if out[0] { "acd" } else { "abd" });
            assert!(chain.transfer(loser, true), "nothing is left of the first");
            chain.net.pass(Duration::from_secs(1));
            assert_eq!(chain.path(), "ad", "{}", chain.net.ladder);
            chain.end();
        }
    }
    assert!(first_out.iter().all(|times| *times > 0), "{first_out:?}");
    assert!(losers > 0);
}

/// Whichever frame is lost on the way.
#[test]
fn one_gets_out_whichever_frame_is_lost() {
    let mut lost = 0;
    loop {
        let mut chain = Chain::new(Allowed);
        let mut sent = 0;
        chain.net.loses = Box::new(move |_, _, _| {
            sent += 1;
            sent == lost + 1
        });
        assert!(chain.transfer(1, true) && chain.transfer(2, true));
        chain.net.pass(Duration::from_secs(60));
        let out = [chain.is_out("b"), chain.is_out("c")];
        assert_eq!(out.iter().filter(|is_out| **is_out).count(), 1, "{lost}");
        let path = chain.path();
        assert_eq!(path, if out[0] { "acd" } else { "abd" });
        chain.net.loses = Box::new(|_, _, _| false);
        chain.end();
        if !chain.net.ladder.contains(" -x ") {
            break;
        }
        lost += 1;
    }
    assert!(lost > 20, "{lost}");
}

/// The audio alone may leave one of them, too.
#[test]
fn one_gets_its_audio_out() {
    let mut chain = Chain::new(MediaOnly);
    assert!(chain.transfer(1, true) && chain.transfer(2, true));
    chain.net.pass(Duration::from_secs(1));
    assert_eq!(chain.path(), "abcd", "signals still go by all");
    let out = ["b", "c"].map(|node| {
        let mut events = chain.net.node(node).events.iter();
        events.any(|event| {
            matches!(
                event,
                Event::Transferred {
                    media_only: true,
                    ..
                }
            )
        })
    });
    assert!(out[0] || out[1], "{}", chain.net.ladder);
    chain.end();
}

/// What the loser is told names its own transfer, and does not end the one that it obeys.
#[test]
fn a_refusal_names_what_it_refuses() {
    let mut chain = Chain::new(Allowed);
    assert!(chain.transfer(1, true) && chain.transfer(2, true));
    chain.net.pass(Duration::from_secs(1));
    let between = |line: &&str| line.contains("b      -> c") || line.contains("c      -> b");
    let ladder = chain.net.ladder.lines().filter(between);
    let told: Vec<_> = ladder.filter(|line| line.contains("TXREJ")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("transfer id"), "{told:?}");
}
