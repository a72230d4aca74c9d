//! A tone without end: one second of a sine, which holds whole periods of any whole number of Hz, so that it can follow itself.

use core::f64::consts::TAU;

use super::RATE;

/// As loud as the tune.
const AMPLITUDE: f64 = 9_000.0;

/// A second of it.
pub(crate) fn second(hertz: u32) -> Vec<i16> {
    let wave = |i: u32| (TAU * f64::from(hertz) * f64::from(i) / f64::from(RATE)).sin();
    (0..RATE).map(|i| (AMPLITUDE * wave(i)) as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_follows_itself_without_a_click() {
        for hertz in [20, 441, 3_900] {
            let second = second(hertz);
            let crossings = second
                .windows(2)
                .filter(|it| it[0] < 0 && it[1] >= 0)
                .count();
            assert!(
                crossings as u32 + 1 >= hertz && crossings as u32 <= hertz,
                "{hertz}: {crossings}"
            );
            // What would come next is what came first.
            let (last, first) = (f64::from(second[RATE as usize - 1]), f64::from(second[1]));
            assert!((last + first).abs() < 2.0, "{hertz}");
        }
    }
}
