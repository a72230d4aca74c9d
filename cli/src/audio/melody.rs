//! The music that the server plays: a little tune, synthesised when it starts, so that no recording needs to be shipped or
//! licensed. It is a WAV like any other that `--music` may name.

use core::f64::consts::TAU;
use std::io::Cursor;

use hound::WavWriter;

use super::RATE;
use super::wav::SPEC;

/// The tune: semitones above A (220 Hz), and how many beats each sounds. Sixteen bars of a rising and a falling third.
const TUNE: [(i32, u32); 24] = [
    (3, 1),
    (7, 1),
    (10, 1),
    (15, 1),
    (14, 1),
    (10, 1),
    (7, 2),
    (5, 1),
    (8, 1),
    (12, 1),
    (17, 1),
    (15, 1),
    (12, 1),
    (8, 2),
    (7, 1),
    (10, 1),
    (14, 1),
    (19, 1),
    (17, 1),
    (14, 1),
    (10, 2),
    (12, 1),
    (10, 1),
    (3, 2),
];
/// Samples of a beat: a quarter of a second.
const BEAT: u32 = RATE / 4;
/// Loud enough for a telephone, with room for the overtone.
const AMPLITUDE: f64 = 9_000.0;

/// The tune as a WAV file.
pub(crate) fn wav() -> Vec<u8> {
    let mut octets = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut octets, SPEC).expect("the header fits into memory");
    for sample in TUNE.into_iter().flat_map(note) {
        writer.write_sample(sample).expect("memory takes samples");
    }
    writer.finalize().expect("memory takes the lengths");
    octets.into_inner()
}

/// One plucked note: a tone and its octave, fading out.
fn note((semitones, beats): (i32, u32)) -> impl Iterator<Item = i16> {
    let frequency = 220.0 * 2f64.powf(f64::from(semitones) / 12.0);
    let length = beats * BEAT;
    (0..length).map(move |i| {
        let t = f64::from(i) / f64::from(RATE);
        let attack = (f64::from(i) / 80.0).min(1.0);
        let fade = 1.0 - f64::from(i) / f64::from(length);
        let wave = (TAU * frequency * t).sin() + 0.3 * (2.0 * TAU * frequency * t).sin();
        (AMPLITUDE * attack * fade * wave) as i16
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::wav::parse;

    #[test]
    fn the_tune_is_a_wav_that_is_heard_and_never_cut_off() {
        let samples = parse(Cursor::new(wav())).unwrap();
        assert_eq!(samples.len() as u32, 28 * BEAT);
        let loudest = samples.iter().map(|it| it.unsigned_abs()).max().unwrap();
        assert!((4_000..16_000).contains(&loudest), "{loudest}");
        // No second is silent.
        for second in samples.chunks(RATE as usize) {
            let energy: f64 = second.iter().map(|it| f64::from(*it).powi(2)).sum();
            assert!(energy / second.len() as f64 > 1e5);
        }
    }
}
