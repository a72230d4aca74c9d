//! Patterns of extensions in Asterisk's syntax (`pbx.c`): `_` begins one, `X` is a digit, `Z` one from 1 to 9, `N` one from 2 to 9, `[15-7]` one of
//! those, `.` one character or more, `!` any number of them, none too. What does not begin with `_` is meant as it stands.
//!
//! Of several that fit, the most specific counts, as in Asterisk: compared character by character, a place that takes fewer characters comes
//! first, then an end before `.`, and `.` before `!`.
//!
//! # Deviations
//!
//! - `-` counts as itself; Asterisk passes over it. Letters of patterns may be small, as in Asterisk.

use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

/// Characters of a pattern.
const LEN_MAX: usize = 79;

/// An extension, or many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    places: Vec<Place>,
    tail: Tail,
}

/// What may stand at one place: sorted, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place(Vec<char>);

/// What may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tail {
    Nothing,
    /// `.`
    Some,
    /// `!`
    Any,
}

impl Pattern {
    /// Whether the extension is one of these.
    pub(crate) fn fits(&self, extension: &str) -> bool {
        let mut characters = extension.chars();
        let mut places = self.places.iter();
        let all = places.all(|place| characters.next().is_some_and(|it| place.0.contains(&it)));
        let rest = characters.next().is_some();
        all && match self.tail {
            Tail::Nothing => !rest,
            Tail::Some => rest,
            Tail::Any => true,
        }
    }

    /// The more specific one is less. Where neither is, they are ordered by what they take, so that none is like another that differs.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let both = self.places.iter().zip(&other.places);
        let first = both.map(|(a, b)| a.order(b)).find(|order| order.is_ne());
        first.unwrap_or_else(|| self.order_of_ends(other))
    }

    fn order_of_ends(&self, other: &Self) -> Ordering {
        match self.places.len().cmp(&other.places.len()) {
            Ordering::Equal => self.tail.cmp(&other.tail),
            // The longer one takes a place where the other ends: an exact end is more specific than a place, a tail less.
            Ordering::Less if self.tail == Tail::Nothing => Ordering::Less,
            Ordering::Less => Ordering::Greater,
            Ordering::Greater => other.order_of_ends(self).reverse(),
        }
    }
}

impl Place {
    fn order(&self, other: &Self) -> Ordering {
        let sizes = self.0.len().cmp(&other.0.len());
        sizes.then_with(|| self.0.cmp(&other.0))
    }
}

impl FromStr for Pattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.chars().count() > LEN_MAX {
            return Err("an extension or pattern of 1 to 79 characters");
        }
        let read = match text.strip_prefix('_') {
            Some("") => return Err("something after `_`"),
            Some(rest) => pattern(rest)?,
            None => (
                text.chars().map(|it| Place(vec![it])).collect(),
                Tail::Nothing,
            ),
        };
        Ok(Pattern {
            text: text.to_owned(),
            places: read.0,
            tail: read.1,
        })
    }
}

/// As it was written.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn pattern(text: &str) -> Result<(Vec<Place>, Tail), &'static str> {
    let (mut places, mut rest) = (Vec::new(), text.chars());
    while let Some(character) = rest.next() {
        let tail = match character {
            '.' => Tail::Some,
            '!' => Tail::Any,
            character => {
                places.push(place(character, &mut rest)?);
                continue;
            }
        };
        return match rest.next() {
            None => Ok((places, tail)),
            Some(_) => Err("nothing after `.` or `!`"),
        };
    }
    Ok((places, Tail::Nothing))
}

fn place(first: char, rest: &mut core::str::Chars<'_>) -> Result<Place, &'static str> {
    Ok(match first {
        'X' | 'x' => Place(('0'..='9').collect()),
        'Z' | 'z' => Place(('1'..='9').collect()),
        'N' | 'n' => Place(('2'..='9').collect()),
        '[' => set(rest)?,
        one => Place(vec![one]),
    })
}

fn set(rest: &mut core::str::Chars<'_>) -> Result<Place, &'static str> {
    let (inside, behind) = rest.as_str().split_once(']').ok_or("`]` after `[`")?;
    *rest = behind.chars();
    let mut characters: Vec<char> = Vec::new();
    let mut inside = inside.chars().peekable();
    while let Some(from) = inside.next() {
        match inside.next_if_eq(&'-').and_then(|_| inside.next()) {
            Some(to) if from <= to && from.is_ascii() && to.is_ascii() => {
                characters.extend(from..=to)
            }
            Some(_) => return Err("a range as `2-5` in `[]`"),
            None => characters.push(from),
        }
    }
    characters.sort_unstable();
    characters.dedup();
    match characters.is_empty() {
        true => Err("characters in `[]`"),
        false => Ok(Place(characters)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn patterns_fit_as_asterisks_do() {
        let fits = |text: &str, extension: &str| pattern(text).fits(extension);
        assert!(fits("echo", "echo") && !fits("echo", "Echo") && !fits("echo", "echo1"));
        assert!(fits("_NXX", "234") && !fits("_NXX", "134") && !fits("_NXX", "2345"));
        assert!(fits("_ZX", "10") && !fits("_ZX", "01"));
        assert!(fits("_X.", "12") && fits("_X.", "1a") && !fits("_X.", "1"));
        assert!(fits("_X!", "1") && fits("_X!", "123") && !fits("_X!", ""));
        assert!(fits("_!", "") && fits("_.", "anything") && !fits("_.", ""));
        assert!(fits("_[1-3a]5", "25") && fits("_[1-3a]5", "a5") && !fits("_[1-3a]5", "45"));
        assert!(fits("_9-1", "9-1"));
        assert!(fits("X", "X") && !fits("X", "1"));
    }

    #[test]
    fn the_most_specific_comes_first() {
        let sorted = [
            "12", "_12", "_1[23]", "_1N", "_1X", "_1XX", "_1X.", "_1.", "_1!", "_X.", "_.", "_!",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                let order = pattern(a).order(&pattern(b));
                let same = i == j || (i < 2 && j < 2);
                let expected = if same { Ordering::Equal } else { i.cmp(&j) };
                assert_eq!(order, expected, "{a} {b}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_says_what_was_expected() {
        for text in [
            "",
            "_",
            "_X.1",
            "_!X",
            "_[12",
            "_[]",
            "_[5-2]",
            &"1".repeat(80),
        ] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}
