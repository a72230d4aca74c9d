//! Three endpoints of which the middle one bridges: `left` calls `middle`, which calls `right` and joins the two calls.

use core::time::Duration;

use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Configuration, General, Secret, Settings, TransferPolicy};
use iaxproof::engine::{CallId, Dial, Event};
use iaxproof::wire::Cause;

use crate::bench::{address, entry};
use crate::net_bench::Net;

/// The network, and the four ends of the two calls.
pub(crate) struct Three {
    pub(crate) net: Net,
    pub(crate) left: CallId,
    pub(crate) near: CallId,
    pub(crate) far: CallId,
    pub(crate) right: CallId,
}

fn configuration(transfer: TransferPolicy) -> Configuration {
    let user = Settings {
        transfer,
        ..entry(Role::User, "alice", "wonder")
    };
    Configuration {
        general: General::default(),
        entries: vec![user],
    }
}

pub(crate) fn dial(last: u8, transfer: TransferPolicy) -> Dial {
    Dial {
        username: Some("alice".to_owned()),
        secrets: vec![Secret::new("wonder")],
        transfer,
        ..Dial::new(address(last), "100")
    }
}

impl Three {
    /// Both calls accepted and bridged; nobody has answered yet.
    pub(crate) fn bridged(transfer: TransferPolicy) -> Self {
        Three::with([transfer; 3])
    }

    /// The same, with the policies of the left one, the middle one and the right one.
    pub(crate) fn with(policies: [TransferPolicy; 3]) -> Self {
        Three::on(Three::net(policies), policies)
    }

    /// The three endpoints, without calls.
    pub(crate) fn net([left, middle, right]: [TransferPolicy; 3]) -> Net {
        let mut net = Net::new();
        net.add("left", 1, configuration(left));
        net.add("middle", 2, configuration(middle));
        net.add("right", 3, configuration(right));
        net
    }

    /// The calls on a network of the three.
    pub(crate) fn on(mut net: Net, [left, middle, _]: [TransferPolicy; 3]) -> Self {
        let call = |net: &mut Net, node, last, policy| {
            let placed = net.at(node, |now, it| it.call(now, dial(last, policy)));
            net.pass(Duration::from_millis(200));
            placed.expect("placed")
        };
        let left = call(&mut net, "left", 2, left);
        let near = incoming(&mut net, "middle");
        let far = call(&mut net, "middle", 3, middle);
        let right = incoming(&mut net, "right");
        net.at("middle", |now, middle| middle.bridge(now, near, far))
            .expect("both are accepted");
        Three {
            net,
            left,
            near,
            far,
            right,
        }
    }

    /// The right one answers.
    pub(crate) fn answer(&mut self) {
        let right = self.right;
        self.net
            .at("right", |now, it| it.answer(now, right))
            .expect("answers");
        self.net.pass(Duration::from_millis(100));
    }

    /// Both ends speak for a while, 20 ms each.
    pub(crate) fn talk(&mut self, times: u32) {
        let (left, right) = (self.left, self.right);
        for _ in 0..times {
            let _ = self
                .net
                .at("left", |now, it| it.send_voice(now, left, b"left"));
            let _ = self
                .net
                .at("right", |now, it| it.send_voice(now, right, b"right"));
            self.net.pass(Duration::from_millis(20));
        }
    }

    pub(crate) fn hang_up_left(&mut self) {
        let left = self.left;
        self.net
            .at("left", |now, it| it.hangup(now, left, Cause::USER_BUSY))
            .expect("hangs up");
    }

    /// When which audio came, in the time of its sender.
    pub(crate) fn heard(&mut self, node: &str) -> Vec<u32> {
        let voice = |event: &Event| match event {
            Event::Voice { timestamp, .. } => Some(timestamp.0),
            _ => None,
        };
        self.net
            .node(node)
            .events
            .iter()
            .filter_map(voice)
            .collect()
    }

    /// Whether an event of the node is one of these.
    pub(crate) fn told(&mut self, node: &str, is: impl Fn(&Event) -> bool) -> bool {
        self.net.node(node).events.iter().any(is)
    }
}

fn incoming(net: &mut Net, node: &str) -> CallId {
    let call = |event: &Event| match event {
        Event::Incoming { call, .. } => Some(*call),
        _ => None,
    };
    let offered = net.node(node).events.iter().find_map(call);
    offered.expect("the call is offered")
}
