//! Which format a call gets: the one that the caller asks for if both know it, else the best that both know
//! (chan_iax2's `codecpriority` without preferences of its own).
//!
//! # Deviations
//!
//! - CODEC PREFS of the caller is not looked at (X-CALL-6).

use crate::wire::{Format, FormatSet, InformationElements};

/// From best to worst (chan_iax2).
const BEST: [Format; 19] = [
    Format::ULAW,
    Format::ALAW,
    Format::G719,
    Format::SIREN14,
    Format::SIREN7,
    Format::G722,
    Format::SLIN16,
    Format::SLIN,
    Format::G726,
    Format::G726_AAL2,
    Format::ADPCM,
    Format::GSM,
    Format::ILBC,
    Format::SPEEX16,
    Format::SPEEX,
    Format::OPUS,
    Format::LPC10,
    Format::G729,
    Format::G723,
];

/// What a NEW says of formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    capability: FormatSet,
    format: FormatSet,
}

impl Wanted {
    /// CAPABILITY and FORMAT; who names no CAPABILITY can do its FORMAT alone.
    pub(super) fn of(ies: InformationElements<'_>) -> Self {
        let format = ies.format_mask().unwrap_or_default();
        Wanted {
            capability: ies.capability().unwrap_or(format),
            format,
        }
    }

    /// The format to accept, if any is common.
    pub(super) fn choose(self, ours: FormatSet) -> Option<Format> {
        let common = ours & self.capability;
        let asked = Format::from_mask((self.format & common).0);
        asked.or_else(|| BEST.into_iter().find(|format| common.contains(*format)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(capability: &[Format], format: &[Format], ours: &[Format]) -> Option<Format> {
        let set = |formats: &[Format]| {
            formats.iter().fold(FormatSet::EMPTY, |set, format| {
                set | FormatSet::from(*format)
            })
        };
        Wanted {
            capability: set(capability),
            format: set(format),
        }
        .choose(set(ours))
    }

    #[test]
    fn the_wanted_format_wins_then_the_best_common_one() {
        let (ulaw, alaw, gsm) = (Format::ULAW, Format::ALAW, Format::GSM);
        assert_eq!(choose(&[ulaw, gsm], &[gsm], &[ulaw, gsm]), Some(gsm));
        assert_eq!(choose(&[ulaw, gsm], &[gsm], &[ulaw, alaw]), Some(ulaw));
        assert_eq!(choose(&[alaw, gsm], &[], &[gsm, alaw, ulaw]), Some(alaw));
        assert_eq!(choose(&[gsm], &[gsm], &[ulaw]), None);
        assert_eq!(choose(&[Format::H264], &[], &[Format::H264]), None);
    }
}
