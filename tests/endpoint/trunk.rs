//! Trunk frames both ways, and mini video (RFC 5456 §7.1, §8.1.3; X-FRM-3, X-FRM-9, X-INV-2, X-SEQ-7).

use core::time::Duration;

use crate::bench::*;
use crate::net_bench::Net;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{
    Configuration, Encryption, General, Host, Secret, Settings, Trunking,
};
use iaxproof::engine::{CallId, Calling, Dial, Event, TimerKind};
use iaxproof::wire::{
    Body, Format, Frame, MetaFrame, MiniVideoFrame, Timestamp, TrunkBuffer, TrunkEntry,
};

/// A bench whose user `alice` has its audio trunked like this.
fn trunked(trunking: Trunking) -> Bench {
    let bench = Bench::new();
    let general = General {
        trunking,
        ..General::default()
    };
    let user = Settings {
        trunk: true,
        ..entry(Role::User, "alice", "wonder")
    };
    bench.endpoint.directory().reload(Configuration {
        general,
        entries: vec![user],
    });
    bench
}

fn trunk_frame(ms: u32, with_timestamps: bool, entries: &[(u16, u16, &[u8])]) -> Vec<u8> {
    let mut buffer = TrunkBuffer::new(with_timestamps);
    for (source, low, data) in entries {
        buffer.push(TrunkEntry::new(number(*source), Some(*low), data).expect("short data"));
    }
    encode(&Frame::Meta(MetaFrame {
        timestamp: Timestamp(ms),
        entries: buffer.view(),
    }))
}

fn speak_full(bench: &mut Bench, client: &mut Client) {
    let format = Format::ULAW;
    client.send(bench, Body::Voice { format, data: &[9] });
    client.received.clear();
}

/// Local number, time and length of each piece of audio.
fn voices(bench: &Bench) -> Vec<(u64, u32, usize)> {
    let voice = |event: &Event| match event {
        Event::Voice {
            call,
            timestamp,
            data,
            ..
        } => Some((call.serial(), timestamp.0, data.len())),
        _ => None,
    };
    bench.events.iter().filter_map(voice).collect()
}

fn calls(bench: &Bench) -> Vec<CallId> {
    let call = |event: &Event| match event {
        Event::Incoming { call, .. } => Some(*call),
        _ => None,
    };
    bench.events.iter().filter_map(call).collect()
}

/// Two calls from one address, both with a format.
fn two_calls(bench: &mut Bench) -> [Client; 2] {
    [500, 501].map(|source| {
        let mut client = Client::linked(bench, 1, source);
        speak_full(bench, &mut client);
        client
    })
}

#[test]
fn entries_with_timestamps_are_expanded_like_mini_frames() {
    let mut bench = Bench::new();
    let [client, _] = two_calls(&mut bench);
    let before = voices(&bench).len();
    let frame = trunk_frame(0, true, &[(500, 120, &[1; 160]), (501, 140, &[2; 33])]);
    bench.deliver(client.address, &frame);
    assert_eq!(voices(&bench)[before..], [(1, 120, 160), (2, 140, 33)]);
    assert_eq!(bench.counts().dropped.media, 0);
}

/// RFC 5456 §7.1: without times of their own the entries have the trunk's, moved to the clock of each call.
#[test]
fn entries_without_timestamps_have_the_time_of_the_trunk() {
    let mut bench = Bench::new();
    let [client, _] = two_calls(&mut bench);
    // Both calls said 20 ms at the start: two seconds later their clocks read 2020. A trunk that says 0 has started over.
    let steps = [
        (2.0, 40, 2020),
        (2.027, 60, 2040),
        (2.04, 80, 2060),
        (2.5, 0, 2520),
    ];
    for (at, ms, time) in steps {
        bench.until(at);
        let before = voices(&bench).len();
        let frame = trunk_frame(ms, false, &[(500, 0, &[1; 20]), (501, 0, &[2; 20])]);
        bench.deliver(client.address, &frame);
        let [first, second] = voices(&bench)[before..] else {
            panic!("two pieces");
        };
        assert_eq!((first.1, second.1), (time, time), "at {at}");
    }
    // An entry whose time is 0 counts as one without (chan_iax2); after silence the trunk's clock starts over.
    bench.until(8.0);
    let before = voices(&bench).len();
    let frame = trunk_frame(7, true, &[(500, 0, &[1; 20])]);
    bench.deliver(client.address, &frame);
    assert_eq!(voices(&bench)[before..], [(1, 8020, 20)]);
}

/// X-FRM-9, X-INV-2: what belongs to nobody is passed over by its length and brings nothing.
#[test]
fn an_unknown_entry_does_not_silence_the_one_behind_it() {
    for with_timestamps in [false, true] {
        let mut bench = Bench::new();
        let [client, _] = two_calls(&mut bench);
        let (before, sent) = (voices(&bench).len(), bench.sent.len());
        // Its data reads as the header of an entry of the known call.
        let header = [0x01, 0xf4, 0x00, 0x02].repeat(10);
        let entries: &[(u16, u16, &[u8])] = &[(77, 9, &header), (501, 150, &[2; 160])];
        bench.deliver(client.address, &trunk_frame(0, with_timestamps, entries));
        let heard: Vec<_> = voices(&bench)[before..]
            .iter()
            .map(|it| (it.0, it.2))
            .collect();
        assert_eq!(heard, [(2, 160)]);
        assert_eq!((bench.counts().dropped.media, bench.sent.len()), (1, sent));
    }
}

/// Entries count for calls of the sender's address alone, and an address without a call gets no record.
#[test]
fn a_trunk_of_another_address_is_nobodys() {
    let mut bench = Bench::new();
    two_calls(&mut bench);
    let before = (voices(&bench), bench.sent.len());
    let frame = trunk_frame(0, true, &[(500, 120, &[1; 160]), (501, 140, &[2; 160])]);
    bench.deliver(address(9), &frame);
    assert_eq!((voices(&bench), bench.sent.len()), before);
    assert_eq!(
        (bench.counts().dropped.media, bench.counts().trunks),
        (2, 0)
    );
}

/// X-SEQ-7: entries before the format is known ask for it once, however many come.
#[test]
fn early_entries_bring_one_vnak() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let entries: Vec<(u16, u16, &[u8])> = vec![(500, 0, &[1; 20]); 50];
    for ms in 0..50 {
        bench.deliver(client.address, &trunk_frame(ms, false, &entries));
    }
    client.take(&mut bench);
    assert_eq!(client.words(), ["VNAK"]);
    assert!(voices(&bench).is_empty());
}

/// One frame brings bounded work: behind the 4096th entry nothing is looked at.
#[test]
fn a_frame_of_nothing_but_headers_is_cut() {
    let mut bench = Bench::new();
    let [client, _] = two_calls(&mut bench);
    let before = voices(&bench).len();
    let entries: Vec<(u16, u16, &[u8])> = vec![(500, 0, &[]); 16_000];
    bench.deliver(client.address, &trunk_frame(0, false, &entries));
    assert_eq!(voices(&bench).len() - before, 4_096);
    assert_eq!(bench.counts().dropped.media, 16_000 - 4_096);
}

/// The trunk frames that left: when, in milliseconds, their time, their length and how many entries they have.
fn trunks(bench: &Bench) -> Vec<(u64, u32, usize, usize)> {
    bench
        .sent
        .iter()
        .filter_map(
            |(at, _, octets)| match Frame::parse(octets).expect("a frame") {
                Frame::Meta(frame) => Some((
                    at.as_millis() - 1_000_000,
                    frame.timestamp.0,
                    octets.len(),
                    frame.entries.iter().count(),
                )),
                _ => None,
            },
        )
        .collect()
}

fn speak(bench: &mut Bench, data: &[u8]) {
    for call in calls(bench) {
        bench
            .endpoint
            .send_voice(bench.now, call, data)
            .expect("a call that was offered");
    }
    bench.drain();
}

/// Two calls whose format the other side knows.
fn two_speakers(bench: &mut Bench) {
    for source in [500, 501] {
        Client::linked(bench, 1, source);
    }
    speak(bench, &[0; 160]);
}

/// chan_iax2: entries of all calls to an address share a frame; 336 octets for two of 160 (344 with the UDP header); time 0 first, then by 20.
#[test]
fn calls_to_one_address_share_a_frame_each_tick() {
    let mut bench = trunked(Trunking::default());
    two_speakers(&mut bench);
    assert!(trunks(&bench).is_empty(), "the format goes by full frames");
    for i in 0..4 {
        bench.until(0.1 + 0.02 * f64::from(i));
        speak(&mut bench, &[7; 160]);
    }
    bench.until(1.0);
    let expected = [(120, 0), (140, 20), (160, 40), (180, 60)];
    assert_eq!(trunks(&bench), expected.map(|(at, ms)| (at, ms, 336, 2)));
}

/// Whenever audio comes, it leaves at the next tick of the grid that the first frame began.
#[test]
fn frames_leave_on_the_grid() {
    let mut bench = trunked(Trunking::default());
    two_speakers(&mut bench);
    for at in [0.1, 0.147, 0.179, 0.301] {
        bench.until(at);
        speak(&mut bench, &[7; 160]);
    }
    bench.until(1.0);
    let times: Vec<_> = trunks(&bench).iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(times, [(120, 0), (160, 40), (180, 60), (320, 200)]);
}

#[test]
fn entries_carry_their_own_time_where_the_settings_say_so() {
    let mut bench = trunked(Trunking {
        timestamps: true,
        ..Trunking::default()
    });
    two_speakers(&mut bench);
    bench.until(0.1);
    speak(&mut bench, &[7; 160]);
    bench.until(0.12);
    assert_eq!(trunks(&bench), [(120, 0, 340, 2)]);
    let (_, _, octets) = bench.sent.last().unwrap();
    let Ok(Frame::Meta(frame)) = Frame::parse(octets) else {
        panic!("a trunk frame");
    };
    let times: Vec<_> = frame
        .entries
        .iter()
        .map(|entry| entry.timestamp())
        .collect();
    assert_eq!(times, [Some(100), Some(100)]);
}

/// A frame that is full goes out at once, and no two frames have one time.
#[test]
fn a_full_frame_does_not_wait_for_its_tick() {
    let mut bench = trunked(Trunking {
        payload_max: 8 + 3 * 164,
        ..Trunking::default()
    });
    two_speakers(&mut bench);
    bench.until(0.1);
    for _ in 0..3 {
        speak(&mut bench, &[7; 160]);
    }
    bench.until(0.2);
    let full = (100, 500, 3);
    let seen: Vec<_> = trunks(&bench).iter().map(|it| (it.0, it.2, it.3)).collect();
    assert_eq!(seen, [full, full]);
    let times: Vec<_> = trunks(&bench).iter().map(|it| it.1).collect();
    assert_eq!(times, [0, 1]);
}

/// An entry that has no room opens the next frame: no frame is longer than it may be.
#[test]
fn no_frame_exceeds_its_limit() {
    let mut bench = trunked(Trunking {
        payload_max: 500,
        ..Trunking::default()
    });
    two_speakers(&mut bench);
    for i in 0..200_usize {
        bench.until(0.1 + 0.003 * i as f64);
        speak(&mut bench, &vec![7; (i * 37) % 490]);
    }
    bench.until(2.0);
    let frames = trunks(&bench);
    assert_eq!(frames.iter().map(|it| it.3).sum::<usize>(), 400);
    assert!(
        frames.iter().all(|it| it.2 <= 500 || it.3 == 1),
        "{frames:?}"
    );
    assert!(frames.is_sorted_by(|a, b| a.1 < b.1), "each has its time");
}

/// What waits for one address is bounded, whatever the tick.
#[test]
fn the_queue_of_a_trunk_is_bounded() {
    let mut bench = trunked(Trunking {
        interval: Duration::from_secs(1),
        payload_max: 0,
        queue_max: 8 + 5 * 164,
        timestamps: false,
    });
    two_speakers(&mut bench);
    bench.until(0.1);
    for _ in 0..10 {
        speak(&mut bench, &[7; 160]);
    }
    bench.until(2.0);
    assert_eq!(trunks(&bench), [(1100, 0, 828, 5)]);
    assert_eq!(bench.counts().dropped.trunk_queue, 15);
}

/// Without a limit of its own a frame still is a datagram.
#[test]
fn a_frame_without_a_limit_is_a_datagram_at_most() {
    let mut bench = trunked(Trunking {
        interval: Duration::from_secs(1),
        payload_max: 0,
        ..Trunking::default()
    });
    two_speakers(&mut bench);
    bench.until(0.1);
    for _ in 0..20 {
        speak(&mut bench, &[7; 4_000]);
    }
    bench.until(3.0);
    let frames = trunks(&bench);
    assert_eq!(frames.iter().map(|it| it.3).sum::<usize>(), 40);
    assert!(frames.iter().all(|it| it.2 <= 65_507), "{frames:?}");
}

/// chan_iax2: after five seconds of silence the clock starts over, and the record is forgotten.
#[test]
fn silence_restarts_the_clock_and_frees_the_record() {
    let mut bench = trunked(Trunking::default());
    two_speakers(&mut bench);
    for at in [0.1, 0.2, 5.0] {
        bench.until(at);
        speak(&mut bench, &[7; 160]);
    }
    bench.until(5.5);
    let times: Vec<_> = trunks(&bench).iter().map(|it| it.1).collect();
    assert_eq!(times, [0, 100, 4_900]);
    assert_eq!(bench.counts().trunks, 1);
    bench.until(9.999);
    assert_eq!(bench.counts().trunks, 1);
    bench.until(10.001);
    assert_eq!(bench.counts().trunks, 0);
    bench.until(10.2);
    speak(&mut bench, &[7; 160]);
    bench.until(10.3);
    assert_eq!(trunks(&bench).last(), Some(&(10_220, 0, 336, 2)));
}

/// A trunk that is only heard keeps its record as long, and its own clock starts over all the same.
#[test]
fn hearing_does_not_keep_our_clock_running() {
    let mut bench = trunked(Trunking::default());
    two_speakers(&mut bench);
    bench.until(0.1);
    speak(&mut bench, &[7; 160]);
    for i in 1..8_u32 {
        bench.until(f64::from(i));
        let frame = trunk_frame(i * 1000, false, &[(500, 0, &[1; 20])]);
        bench.deliver(address(1), &frame);
    }
    assert_eq!(bench.counts().trunks, 1);
    speak(&mut bench, &[7; 160]);
    bench.until(7.5);
    let times: Vec<_> = trunks(&bench).iter().map(|it| it.1).collect();
    assert_eq!(times, [0, 0]);
}

/// On a trunk the roll-over of the time does not bring a full frame, and a call without a trunk goes on by mini frames.
#[test]
fn who_is_not_trunked_sends_no_trunk() {
    let mut bench = Bench::new();
    two_speakers(&mut bench);
    bench.until(0.1);
    speak(&mut bench, &[7; 160]);
    bench.until(1.0);
    assert!(trunks(&bench).is_empty());
    assert_ne!(
        bench.endpoint.poll_timeout().map(|it| it.1),
        Some(TimerKind::Trunk)
    );
    assert_eq!(bench.counts().trunks, 0);
}

/// X-FRM-3: fifteen bits and a marker; before the first full VIDEO frame it is asked for, once.
#[test]
fn video_is_handed_on_with_its_marker() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let mini = |marker, low| {
        let frame = MiniVideoFrame::new(number(500), marker, low, &[3; 7]);
        encode(&Frame::MiniVideo(frame))
    };
    for low in 0..10 {
        client.deliver(&mut bench, &mini(false, low));
    }
    assert_eq!(client.words(), ["VNAK"]);
    client.timestamp = 0x7ff0;
    let (format, data) = (Format::H264, &[1, 2, 3][..]);
    client.send(
        &mut bench,
        Body::Video {
            format,
            marker: true,
            data,
        },
    );
    client.deliver(&mut bench, &mini(false, 0x7ffe));
    client.deliver(&mut bench, &mini(true, 0x0001));
    let seen: Vec<_> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Video {
                format,
                marker,
                timestamp,
                data,
                ..
            } => Some((*format, *marker, timestamp.0, data.len())),
            _ => None,
        })
        .collect();
    let expected = [(true, 0x7ff5, 3), (false, 0x7ffe, 7), (true, 0x8001, 7)];
    assert_eq!(
        seen,
        expected.map(|(mark, ms, len)| (Format::H264, mark, ms, len))
    );
    assert_eq!(bench.counts().dropped.media, 10);
}

/// What either has heard of 25 pieces, how many trunk frames there were, and how many frames video in clear brought.
fn heard_between_two(encryption: Encryption) -> [usize; 4] {
    let user = Settings {
        trunk: true,
        encryption,
        ..entry(Role::User, "alice", "wonder")
    };
    let configuration = || Configuration {
        general: General::default(),
        entries: vec![user.clone()],
    };
    let mut net = Net::new();
    net.add("caller", 1, configuration());
    net.add("callee", 2, configuration());
    let dial = Dial {
        username: Some("alice".to_owned()),
        secrets: vec![Secret::new("wonder")],
        encryption,
        trunk: true,
        ..Dial::new(address(2), "100")
    };
    let call = net
        .at("caller", |now, it| it.call(now, dial))
        .expect("placed");
    net.pass(Duration::from_millis(200));
    let theirs = net
        .node("callee")
        .events
        .iter()
        .find_map(|event| match event {
            Event::Incoming { call, .. } => Some(*call),
            _ => None,
        });
    let theirs = theirs.expect("offered");
    for _ in 0..25 {
        let _ = net.at("caller", |now, it| it.send_voice(now, call, &[1; 160]));
        let _ = net.at("callee", |now, it| it.send_voice(now, theirs, &[1; 160]));
        net.pass(Duration::from_millis(20));
    }
    net.pass(Duration::from_millis(100));
    let forged = trunk_frame(7, true, &[(call.local().get(), 700, &[6; 6])]);
    net.at("callee", |now, it| {
        it.handle_datagram(now, address(1), &forged)
    });
    let is_audio = |event: &&Event| matches!(event, Event::Voice { .. });
    let heard = net.node("callee").events.iter().filter(is_audio).count();
    let back = net.node("caller").events.iter().filter(is_audio).count();
    let trunks = net.ladder.matches("Trunk").count();
    let before = net.ladder.lines().count();
    let video = MiniVideoFrame::new(call.local(), false, 700, &[6; 6]);
    let video = encode(&Frame::MiniVideo(video));
    net.at("callee", |now, it| {
        it.handle_datagram(now, address(1), &video)
    });
    [heard, back, trunks, net.ladder.lines().count() - before]
}

/// X-ENC-5: nothing of an encrypted call goes into a trunk, nor is taken from one, nor is video in clear.
#[test]
fn an_encrypted_call_is_not_trunked() {
    let [heard, back, trunks, asked] = heard_between_two(Encryption::Off);
    assert_eq!((heard, back, asked), (26, 25, 1));
    assert!(trunks >= 48, "{trunks}");
    assert_eq!(heard_between_two(Encryption::Forced), [25, 25, 0, 0]);
}

/// A peer whose settings say so is called with its audio trunked.
#[test]
fn a_peer_that_is_trunked_is_called_so() {
    let trunk_frames = |trunk| {
        let peer = Settings {
            host: Host::Fixed(address(2)),
            username: Some("alice".to_owned()),
            trunk,
            ..entry(Role::Peer, "there", "wonder")
        };
        let of = |entry| Configuration {
            general: General::default(),
            entries: vec![entry],
        };
        let mut net = Net::new();
        net.add("caller", 1, of(peer));
        net.add("callee", 2, of(entry(Role::User, "alice", "wonder")));
        let calling = net.at("caller", |now, it| it.call_peer(now, "there", "100"));
        let Ok(Calling::Call(call)) = calling else {
            panic!("{calling:?}")
        };
        net.pass(Duration::from_millis(200));
        for _ in 0..5 {
            let spoken = net.at("caller", |now, it| it.send_voice(now, call, &[1; 160]));
            spoken.expect("the call is up");
            net.pass(Duration::from_millis(20));
        }
        net.ladder.matches("Trunk").count()
    };
    assert_eq!(trunk_frames(false), 0);
    assert!(trunk_frames(true) > 0);
}
