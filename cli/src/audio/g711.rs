//! µ-law and A-law (ITU-T G.711) by arithmetic instead of tables: a sign, the number of the segment, and four bits within it.
//!
//! Both cut the line of sample values into intervals that double in width from segment to segment, and decode to the
//! middle of the interval. The tests hold that for every sample value, so no table needs to be trusted.

/// What µ-law adds to a magnitude, so that segments begin at powers of two.
const ULAW_BIAS: u16 = 0x84;
/// The largest magnitude that µ-law codes; louder samples are cut to it.
const ULAW_MAX: u16 = 0x7fff - ULAW_BIAS;
/// Every second bit of A-law is inverted on the line.
const ALAW_INVERTED: u8 = 0x55;

/// µ-law of a sample: sign, segment and interval, all bits inverted.
pub(crate) fn ulaw_encode(sample: i16) -> u8 {
    let biased = sample.unsigned_abs().min(ULAW_MAX) + ULAW_BIAS;
    // The bias makes it at least 2^7, and the cut less than 2^15.
    let segment = biased.ilog2() - 7;
    let interval = (biased >> (segment + 3)) as u8 & 0x0f;
    !(sign_bit(sample < 0) | (segment as u8) << 4 | interval)
}

/// The middle of the interval that a µ-law octet stands for.
pub(crate) fn ulaw_decode(octet: u8) -> i16 {
    let octet = !octet;
    let biased = ((i16::from(octet & 0x0f) << 3) + ULAW_BIAS as i16) << (octet >> 4 & 7);
    let magnitude = biased - ULAW_BIAS as i16;
    if octet & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// A-law of a sample: sign, segment and interval, every second bit inverted. The sign bit is set for positive ones.
pub(crate) fn alaw_encode(sample: i16) -> u8 {
    let is_positive = sample >= 0;
    // One's complement, so that -1 is as far from the middle as 0.
    let magnitude = if is_positive { sample } else { !sample } as u16;
    // The two lowest segments have intervals of one width.
    let segment = (magnitude | 0xff).ilog2() - 7;
    let interval = (magnitude >> (segment.max(1) + 3)) as u8 & 0x0f;
    (sign_bit(is_positive) | (segment as u8) << 4 | interval) ^ ALAW_INVERTED
}

/// The middle of the interval that an A-law octet stands for.
pub(crate) fn alaw_decode(octet: u8) -> i16 {
    let octet = octet ^ ALAW_INVERTED;
    let (segment, interval) = (octet >> 4 & 7, i16::from(octet & 0x0f) << 4);
    let magnitude = match segment {
        0 => interval + 8,
        _ => (interval + 0x108) << (segment - 1),
    };
    if octet & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }
}

const fn sign_bit(is_set: bool) -> u8 {
    if is_set { 0x80 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Law = (fn(i16) -> u8, fn(u8) -> i16);
    const LAWS: [Law; 2] = [(ulaw_encode, ulaw_decode), (alaw_encode, alaw_decode)];

    /// The digital milliwatt (ITU-T G.711 tables 5 and 6): a sine of 1 kHz, eight octets to a period.
    const MILLIWATT: [[u8; 8]; 2] = [
        [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e],
        [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4],
    ];

    #[test]
    fn octets_stand_for_neighbouring_intervals_and_decode_to_their_middle() {
        for (law, (encode, decode)) in LAWS.into_iter().enumerate() {
            let mut samples = (i16::MIN..=i16::MAX).peekable();
            let mut octets_seen = 0;
            let mut below = i16::MIN;
            while let Some(first) = samples.next() {
                let octet = encode(first);
                let last = core::iter::from_fn(|| samples.next_if(|next| encode(*next) == octet));
                let last = last.last().unwrap_or(first);
                octets_seen += 1;
                assert!(
                    octets_seen == 1 || decode(octet) >= below,
                    "{first}: values rise"
                );
                below = decode(octet);
                // The outermost intervals of µ-law are open, and its two zeros are halves of one interval.
                if law == 1 || (octet & 0x7f != 0 && octet & 0x7f != 0x7f) {
                    let twice_the_middle = i32::from(first) + i32::from(last);
                    assert!(
                        twice_the_middle.abs_diff(2 * i32::from(below)) <= 1,
                        "{first}..={last} became {below}"
                    );
                }
            }
            assert_eq!(octets_seen, 256);
        }
    }

    #[test]
    fn every_octet_survives_the_way_there_and_back() {
        for (law, (encode, decode)) in LAWS.into_iter().enumerate() {
            for octet in 0..=255 {
                // µ-law has two zeros; that of positive samples is sent for 0.
                let expected = if (law, octet) == (0, 0x7f) {
                    0xff
                } else {
                    octet
                };
                assert_eq!(encode(decode(octet)), expected);
            }
        }
    }

    #[test]
    fn the_ends_and_the_middle_are_the_octets_of_the_standard() {
        assert_eq!([i16::MAX, 0, i16::MIN].map(ulaw_encode), [0x80, 0xff, 0x00]);
        assert_eq!([i16::MAX, 0, i16::MIN].map(alaw_encode), [0xaa, 0xd5, 0x2a]);
        assert_eq!([0x80, 0x00].map(ulaw_decode), [32_124, -32_124]);
        assert_eq!([0xaa, 0x2a].map(alaw_decode), [32_256, -32_256]);
    }

    #[test]
    fn the_digital_milliwatt_is_one_sine_in_both_laws() {
        for ((_, decode), octets) in LAWS.into_iter().zip(MILLIWATT) {
            let wave = octets.map(|octet| f64::from(decode(octet)));
            for i in 0..4 {
                assert_eq!(wave[i], -wave[i + 4], "half a period later");
                assert_eq!(wave[i], wave[3 - i], "around the crest");
            }
            // 22.5 and 67.5 degrees of one amplitude, within a quantisation step.
            let ratio = wave[1] / wave[0];
            assert!((ratio - (1.0 + 2f64.sqrt())).abs() < 0.1, "{ratio}");
        }
    }
}
