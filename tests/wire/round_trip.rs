//! The laws of the wire: round trips over all that can be built, totality over all octets, and arithmetic modulo its
//! width (RFC 5456 §8; requirements X-FRM-1 to X-FRM-10, X-IE-1 to X-IE-10).

use crate::frames;
use iaxproof::wire::*;
use proptest::prelude::*;

fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every value that can be built is encoded to octets that read back as the value.
    #[test]
    fn what_is_written_reads_back(frame in frames::frame()) {
        let octets = encoded(&frame);
        prop_assert_eq!(octets.len(), frame.encoded_len());
        prop_assert_eq!(Frame::parse(&octets), Ok(frame));
    }

    /// Every typed element is written and read back as itself.
    #[test]
    fn an_element_reads_back(element in frames::element()) {
        let mut ies = IeBuffer::new();
        ies.push(element);
        let view = InformationElements::parse(ies.view().octets()).unwrap();
        prop_assert_eq!(view.iter().collect::<Vec<_>>(), vec![element]);
    }

    /// A frame cut anywhere is a frame or a refusal that names an octet of it; never below the header of its class.
    #[test]
    fn a_cut_frame_is_a_frame_or_a_precise_refusal(frame in frames::frame(), cut in any::<prop::sample::Index>()) {
        let octets = encoded(&frame);
        let octets = &octets[..cut.index(octets.len() + 1)];
        match Frame::parse(octets) {
            Ok(shorter) => prop_assert!(octets.len() >= class(&shorter).header_len()),
            Err(error) => prop_assert!(error.offset <= octets.len()),
        }
    }

    /// Any octets at all: no panic, and a frame that agrees with itself.
    #[test]
    fn any_octets_are_refused_or_agree(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(frame) = Frame::parse(&octets) {
            let written = encoded(&frame);
            prop_assert_eq!(Frame::parse(&written), Ok(frame));
        }
    }

    /// One line of print, whatever the network put into it.
    #[test]
    fn a_frame_prints_as_one_line(frame in frames::frame()) {
        let line = frame.to_string();
        prop_assert!(line.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{:?}", line);
    }
}

fn class(frame: &Frame<'_>) -> FrameClass {
    match frame {
        Frame::Full(_) => FrameClass::Full,
        Frame::Mini(_) => FrameClass::Mini,
        Frame::MiniVideo(_) => FrameClass::MiniVideo,
        Frame::Meta(_) => FrameClass::Meta,
    }
}

/// The shortest datagram of each class, and each shorter one (X-FRM-10).
#[test]
fn no_frame_is_accepted_below_its_header() {
    let shortest: [(&[u8], FrameClass); 4] = [
        (&[0x80, 1, 0, 0, 0, 0, 0, 1, 0, 0, 6, 4], FrameClass::Full),
        (&[0, 1, 0, 0], FrameClass::Mini),
        (&[0, 0, 0x80, 1, 0, 0], FrameClass::MiniVideo),
        (&[0, 0, 1, 0, 0, 0, 0, 0], FrameClass::Meta),
    ];
    for (octets, class) in shortest {
        assert_eq!(octets.len(), class.header_len());
        assert!(Frame::parse(octets).is_ok(), "{class}");
        for len in 0..octets.len() {
            let error = Frame::parse(&octets[..len]).unwrap_err();
            let short = matches!(error.reason, DecodeReason::Short { .. });
            assert!(short && error.offset == len, "{class} of {len}: {error}");
        }
    }
}

/// All 256 subclass octets of all 256 frame types read, and read the same after they were written in normal form.
#[test]
fn every_subclass_octet_of_every_frame_type_reads_and_agrees() {
    for (frame_type, subclass) in (0..=255).flat_map(|t| (0..=255).map(move |s| (t, s))) {
        let header = [0x80, 1, 0, 2, 0, 0, 0, 3, 4, 5, frame_type, subclass];
        let Ok(Frame::Full(frame)) = Frame::parse(&header) else {
            panic!("type {frame_type} subclass {subclass}");
        };
        let octets = encoded(&Frame::Full(frame));
        assert_eq!(Frame::parse(&octets), Ok(Frame::Full(frame)));
        assert_eq!(frame.body.frame_type(), frame_type);
        assert_eq!(octets[..11], header[..11]);
        assert_eq!(
            octets[11],
            normal(frame_type, subclass),
            "{frame_type} {subclass}"
        );
    }
}

/// The normal form of a subclass octet, told apart from the code under test: a table of what the module doc promises.
fn normal(frame_type: u8, octet: u8) -> u8 {
    let exponent = octet & 0x3f;
    let is_power = octet & 0x80 != 0 && octet != 0xff;
    match frame_type {
        0x02 | 0x08 if is_power && exponent < 7 => 1 << exponent,
        0x02 | 0x08 if is_power => 0x80 | exponent,
        0x03 if octet & 0x80 != 0 && exponent < 6 => (1 << exponent) | (octet & 0x40),
        0x04 if is_power && exponent < 6 => 1 << exponent,
        0x05 | 0x07 => 0,
        0x06 if is_power && exponent < 6 => 1 << exponent,
        0x09 if is_power && exponent < 5 => 1 << exponent,
        0x0a if is_power && exponent < 7 => 1 << exponent,
        0x0b if is_power && exponent < 2 => 1 << exponent,
        _ => octet,
    }
}

/// `next` and `ahead_of` agree for every pair of sequence numbers.
#[test]
fn sequence_numbers_wrap_for_every_pair() {
    for (base, steps) in (0..=255).flat_map(|b| (0..=255_u8).map(move |s| (b, s))) {
        let later = (0..steps).fold(SeqNo(base), |seqno, _| seqno.next());
        assert_eq!(later.ahead_of(SeqNo(base)), steps);
        assert_eq!(
            u32::from(later.0),
            (u32::from(base) + u32::from(steps)) % 256
        );
    }
}

/// The time with these low bits that chan_iax2 would choose, by search in wide arithmetic: of the candidates one period
/// apart the one of the same period, unless that is further than `far` away.
fn model(last: u32, low: u16, period: i64, far: i64) -> u32 {
    let last = i64::from(last);
    let same = last - last.rem_euclid(period) + i64::from(low) % period;
    let chosen = match same - last {
        d if d < -far => same + period,
        d if d > far => same - period,
        _ => same,
    };
    chosen.rem_euclid(1 << 32) as u32
}

/// Times near the edges of periods and of 2^32, where random ones seldom fall.
fn edges() -> impl Iterator<Item = u32> {
    let near = |edge: u32| (0..6).map(move |d| edge.wrapping_add(d).wrapping_sub(3));
    let bases = [
        0,
        25_000,
        50_000,
        0x7fff,
        0x8000,
        0xffff,
        0x1_0000,
        1 << 31,
        u32::MAX,
    ];
    bases.into_iter().flat_map(near)
}

#[test]
fn mini_time_is_as_the_model_has_it() {
    fn agrees(last: u32, low: u16) -> bool {
        let (last_seen, low15) = (Timestamp(last), low & 0x7fff);
        last_seen.expand_mini(low).0 == model(last, low, 0x1_0000, 50_000)
            && last_seen.expand_mini_video(low).0 == model(last, low15, 0x8000, 25_000)
    }
    for (last, low) in edges().flat_map(|last| edges().map(move |low| (last, low as u16))) {
        assert!(agrees(last, low), "last {last} low {low}");
    }
    quickcheck::QuickCheck::new()
        .tests(20_000)
        .quickcheck(agrees as fn(u32, u16) -> bool);
}

#[test]
fn an_expanded_time_keeps_its_low_bits_and_stays_near() {
    fn holds(last: u32, low: u16) -> bool {
        let time = Timestamp(last).expand_mini(low);
        let distance = i64::from(time.0.wrapping_sub(last) as i32);
        time.low16() == low && distance.abs() <= 50_000
    }
    quickcheck::QuickCheck::new()
        .tests(20_000)
        .quickcheck(holds as fn(u32, u16) -> bool);
}

/// A dialplan status is a set of bits.
#[test]
fn a_dialplan_status_contains_what_it_is_made_of() {
    let both = DpStatus(DpStatus::EXISTS.0 | DpStatus::MATCH_MORE.0);
    assert!(both.contains(DpStatus::EXISTS) && both.contains(both));
    assert!(!DpStatus::EXISTS.contains(both) && !both.contains(DpStatus::CAN_EXIST));
}

/// A buffer shows its elements as a frame does, without their secrets.
#[test]
fn a_buffer_of_elements_is_shown_as_its_elements() {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Username(b"alice"));
    ies.push(InformationElement::Password(b"wonder"));
    let shown = format!("{ies:?}");
    assert_eq!(shown, format!("{:?}", ies.view()));
    assert!(
        shown.contains("alice") && !shown.contains("wonder"),
        "{shown}"
    );
}
