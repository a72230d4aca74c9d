//! `allow`, `disallow` and `bandwidth`: which formats, the most wanted first (chan_iax2: `iax2_parse_allow_disallow`).

use super::value::Expected;
use crate::wire::{Format, FormatSet};

/// The formats that the lines so far leave.
///
/// Until a line says something of formats, all audio formats are there, and none is wanted more than another. The first `allow`
/// starts from nothing, a `disallow` takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Codecs {
    pub(super) capability: FormatSet,
    /// The most wanted first.
    pub(super) preferences: Vec<Format>,
    /// Whether `allow` or `disallow` has spoken.
    is_listed: bool,
}

impl Default for Codecs {
    fn default() -> Self {
        Codecs {
            capability: audio(),
            preferences: Vec::new(),
            is_listed: false,
        }
    }
}

impl Codecs {
    /// `allow`: each format goes to the end of the list, or stays where it is.
    pub(super) fn allow(&mut self, list: &str) -> Result<(), Expected> {
        let formats = formats(list)?;
        if !self.is_listed {
            self.capability = FormatSet::EMPTY;
            self.is_listed = true;
        }
        for format in formats {
            self.capability = self.capability | FormatSet::from(format);
            if !self.preferences.contains(&format) {
                self.preferences.push(format);
            }
        }
        Ok(())
    }

    /// `disallow`: each format leaves the list.
    pub(super) fn disallow(&mut self, list: &str) -> Result<(), Expected> {
        self.is_listed = true;
        for format in formats(list)? {
            self.capability = FormatSet(self.capability.0 & !format.mask());
            self.preferences.retain(|other| *other != format);
        }
        Ok(())
    }

    /// `bandwidth`: without the formats that need more; of no effect once `allow` or `disallow` has spoken.
    pub(super) fn bandwidth(&mut self, word: &str) -> Result<(), Expected> {
        let without: &[Format] = match word.to_ascii_lowercase().as_str() {
            "high" => &[],
            "medium" => WIDE,
            "low" => WIDE_AND_MIDDLING,
            _ => return Err("low, medium or high"),
        };
        if !self.is_listed {
            let fits = audio().iter().filter(|format| !without.contains(format));
            self.capability = set(fits);
        }
        Ok(())
    }
}

/// What 64 kbit/s and more is needed for.
const WIDE: &[Format] = &[
    Format::SLIN,
    Format::SLIN16,
    Format::ULAW,
    Format::ALAW,
    Format::G722,
];
/// And what 32 kbit/s is needed for.
const WIDE_AND_MIDDLING: &[Format] = &[
    Format::SLIN,
    Format::SLIN16,
    Format::ULAW,
    Format::ALAW,
    Format::G722,
    Format::G726,
    Format::G726_AAL2,
    Format::ADPCM,
];
const NO_AUDIO: &[Format] = &[
    Format::JPEG,
    Format::PNG,
    Format::H261,
    Format::H263,
    Format::H263P,
    Format::H264,
    Format::MPEG4,
    Format::VP8,
    Format::T140,
    Format::T140_RED,
];

fn audio() -> FormatSet {
    let named = Format::NAMED.iter().copied();
    set(named.filter(|format| !NO_AUDIO.contains(format)))
}

fn set(formats: impl Iterator<Item = Format>) -> FormatSet {
    formats.fold(FormatSet::EMPTY, |set, format| {
        set | FormatSet::from(format)
    })
}

/// The formats of a list with `,` between them; `:20` behind a format, its milliseconds for each frame, is passed over.
fn formats(list: &str) -> Result<Vec<Format>, Expected> {
    let mut found = Vec::new();
    for item in list.split(',') {
        let name = item.split_once(':').map_or(item, |(name, _)| name).trim();
        match name.eq_ignore_ascii_case("all") {
            true => found.extend(Format::NAMED),
            false => found.push(format(name).ok_or(EXPECTED)?),
        }
    }
    Ok(found)
}

const EXPECTED: Expected = "names of formats with `,` between them, as ulaw, alaw, gsm or all";

/// The names of [`Format::name`] in any case, and those of Asterisk that differ.
fn format(name: &str) -> Option<Format> {
    let other = match name.to_ascii_lowercase().as_str() {
        "g723.1" => Some(Format::G723),
        "g729a" => Some(Format::G729),
        "slinear" => Some(Format::SLIN),
        "slinear16" => Some(Format::SLIN16),
        "red" => Some(Format::T140_RED),
        _ => None,
    };
    let same = |format: &Format| {
        let own = format.name().unwrap_or_default();
        own.eq_ignore_ascii_case(name)
    };
    other.or_else(|| Format::NAMED.iter().copied().find(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(steps: &[(&str, &str)]) -> (String, Vec<String>) {
        let mut codecs = Codecs::default();
        for (option, value) in steps {
            match *option {
                "allow" => codecs.allow(value).unwrap(),
                "disallow" => codecs.disallow(value).unwrap(),
                _ => codecs.bandwidth(value).unwrap(),
            }
        }
        let names = codecs.preferences.iter().map(Format::to_string).collect();
        (codecs.capability.to_string(), names)
    }

    #[test]
    fn the_order_of_the_lines_is_the_order_of_wishes() {
        let (capability, names) = after(&[
            ("disallow", "all"),
            ("allow", "alaw, gsm:20"),
            ("allow", "ulaw"),
            ("allow", "gsm"),
        ]);
        assert_eq!(capability, "GSM|ULAW|ALAW");
        assert_eq!(names, ["ALAW", "GSM", "ULAW"]);
        let (capability, names) = after(&[
            ("allow", "all"),
            ("disallow", "ulaw,all"),
            ("allow", "G723.1"),
        ]);
        assert_eq!(
            (capability.as_str(), names),
            ("G723", vec!["G723".to_owned()])
        );
    }

    #[test]
    fn without_a_list_all_audio_is_there_and_nothing_is_preferred() {
        assert_eq!(after(&[]), (audio().to_string(), vec![]));
        assert_eq!(after(&[("allow", "gsm")]).0, "GSM");
        assert!(!after(&[("disallow", "gsm")]).0.contains("GSM"));
        assert!(!after(&[("bandwidth", "low")]).0.contains("ULAW"));
        assert!(Codecs::default().allow("ulaw,nosuch").is_err());
        assert!(Codecs::default().bandwidth("some").is_err());
    }
}
